/*
 * Queues of parked waiters and locks that a parked operation keeps. Waking never runs anything: the caller repeats its operation
 * later. A woken waiter may find its reason gone again and parks anew.
 */
#include "internal.h"

static long park_at(struct waiter **end, struct waiter *waiter)
{
	core_assert(!waiter->link && !*end);
	waiter->next = NULL;
	waiter->link = end;
	*end = waiter;
	return CORE_WAIT;
}

long wait_park(struct waiter **queue, struct waiter *waiter)
{
	while (*queue)
		queue = &(*queue)->next;
	return park_at(queue, waiter);
}

long wait_again(struct waiter *waiter)
{
	core.ops.wake(waiter);
	return CORE_WAIT;
}

static void wait_unlink(struct waiter *waiter)
{
	if (core.memory_end == &waiter->next)
		core.memory_end = waiter->link;
	*waiter->link = waiter->next;
	if (waiter->next)
		waiter->next->link = waiter->link;
	waiter->next = NULL;
	waiter->link = NULL;
}

static void wake(struct waiter *waiter, long error)
{
	wait_unlink(waiter);
	waiter->error = error;
	core.ops.wake(waiter);
}

void wait_fail(struct waiter **queue, long error)
{
	while (*queue)
		wake(*queue, error);
}

/*
 * Any number may wait for memory. So they are woken one at a time, between others' steps (core_deferred_step): each takes what it needs before the
 * next one looks. It is the turn of all who waited when it was said; who waits again, waits for the next time.
 */
long memory_park(struct waiter *waiter)
{
	struct waiter **end = core.memory_end;

	waiter->since = core.memory_news;
	core.memory_end = &waiter->next;
	return park_at(end, waiter);
}

void memory_tell(void)
{
	core.memory_news++;
	core.ops.later();
}

static bool is_to_hear(const struct waiter *waiter)
{
	return waiter && waiter->since != core.memory_news;
}

bool memory_tell_one(void)
{
	if (is_to_hear(core.memory_waiters))
		wake(core.memory_waiters, 0);
	return is_to_hear(core.memory_waiters);
}

long lock_take(struct lock *lock, struct waiter *waiter)
{
	long status = lock_check(lock, waiter);

	if (status || lock->owner == waiter)
		return status;
	lock->owner = waiter;
	core_assert(!waiter->held[0] || !waiter->held[1]);
	waiter->held[waiter->held[0] ? 1 : 0] = lock;
	return 0;
}

void lock_drop(struct lock *lock, struct waiter *waiter)
{
	if (lock->owner != waiter)
		return;
	lock->owner = NULL;
	waiter->held[waiter->held[0] == lock ? 0 : 1] = NULL;
	wait_wake(&lock->queue);
}

void wait_keep(struct waiter *waiter, struct object *object)
{
	struct object *old = waiter->object;

	waiter->object = object;
	if (object)
		object_hold(object);
	if (old)
		object_drop(old);
}

/* The locks go last: what the object's lock guards is put right under it. */
void core_cancel(struct waiter *waiter)
{
	struct object *object = waiter->object;

	if (waiter->link)
		wait_unlink(waiter);
	sweep_drop(waiter);
	if (object && object->lock.owner == waiter && object_trim_wanted(object))
		object_trim(object);
	for (unsigned i = 0; i < 2; i++)
		if (waiter->held[i])
			lock_drop(waiter->held[i], waiter);
	waiter->held[0] = waiter->held[1] = NULL;
	if (waiter->description)
		description_drop(waiter->description);
	waiter->description = NULL;
	waiter->object = NULL;
	if (object)
		object_drop(object);
	waiter->error = 0;
}
