/*
 * Queues of parked waiters and locks that a parked operation keeps. Waking never runs anything: the caller repeats its operation
 * later. A woken waiter may find its reason gone again and parks anew.
 */
#include "internal.h"

long wait_park(struct waiter **queue, struct waiter *waiter)
{
	core_assert(!waiter->link);
	while (*queue)
		queue = &(*queue)->next;
	waiter->next = NULL;
	waiter->link = queue;
	*queue = waiter;
	return CORE_WAIT;
}

long wait_again(struct waiter *waiter)
{
	core.ops.wake(waiter);
	return CORE_WAIT;
}

static void wait_unlink(struct waiter *waiter)
{
	*waiter->link = waiter->next;
	if (waiter->next)
		waiter->next->link = waiter->link;
	waiter->next = NULL;
	waiter->link = NULL;
}

void wait_fail(struct waiter **queue, long error)
{
	while (*queue) {
		struct waiter *waiter = *queue;

		wait_unlink(waiter);
		waiter->error = error;
		core.ops.wake(waiter);
	}
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
