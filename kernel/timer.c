/*
 * Timers; see notification.h. One table, linear searches, no order kept: with 96 entries that is a few hundred
 * instructions at a timer interrupt and nothing anywhere else.
 */
#include "endpoint.h"
#include "notification.h"
#include "riscv/hardware.h"
#include "thread.h"

#define TIMERS 96
#define SLEEPERS (TIMERS / 2)

struct timer {
	uint64_t deadline;		/* 0: free */
	uint64_t bits;
	struct reference target;	/* a thread that receives, or a notification; dead: the entry is as good as free */
};

static struct timer timers[TIMERS];

/* Number of a free entry below `limit`, or `limit`. */
static unsigned find_free(unsigned limit)
{
	unsigned i = 0;

	while (i < limit && timers[i].deadline && object_alive(timers[i].target.word, timers[i].target.index))
		i++;
	return i;
}

static void set(unsigned i, uint64_t deadline, uint64_t bits, struct reference target)
{
	assert(i < TIMERS);
	timers[i] = (struct timer){ deadline, bits, target };
	if (deadline && deadline < this_hart->armed)
		timer_rearm();
}

bool timer_deadline_possible(const struct thread *thread)
{
	unsigned limit = thread->x[T0] || thread->bound.word ? TIMERS : SLEEPERS;

	return find_free(limit) < limit;
}

void timer_deadline(struct thread *thread, uint64_t deadline)
{
	unsigned i = find_free(TIMERS);

	thread->timer = (uint8_t)(i + 1);
	thread_set_blockers(thread);
	set(i, deadline, 0, (struct reference){ .word = thread->object->word, .index = thread->index });
}

void timer_cancel_deadline(struct thread *thread)
{
	if (!thread->timer)
		return;
	timers[thread->timer - 1].deadline = 0;
	thread->timer = 0;
	thread_set_blockers(thread);
}

void timer_rearm(void)
{
	uint64_t next = this_hart->tick ? this_hart->tick : ~0UL;

	for (unsigned i = 0; i < TIMERS; i++)
		if (timers[i].deadline)
			next = min(next, timers[i].deadline);
	this_hart->armed = next;
	timer_arm(next);
}

static void expire(struct timer timer)
{
	void *target = reference_page(&timer.target);

	if (!target)
		return;
	if (word_kind(timer.target.word) == KIND_NOTIFICATION) {
		((struct notification *)target)->timer = 0;
		notification_signal(target, timer.bits);
		return;
	}
	thread_unlink(target);
	message_event(target, EVENT_TIMEOUT, 0, 0, 0);
	thread_resume(target);
}

void timer_expire(void)
{
	uint64_t now = time_now();

	for (unsigned i = 0; i < TIMERS; i++) {
		struct timer timer = timers[i];

		if (!timer.deadline || timer.deadline > now)
			continue;
		timers[i].deadline = 0;
		expire(timer);
	}
	if (this_hart->tick && this_hart->tick <= now) {
		this_hart->tick = 0;
		this_hart->attention |= ATTENTION_ROTATE;
	}
	timer_rearm();
}

long sys_timer_set(struct thread *caller, const struct capability *control unused, const uint64_t *argument)
{
	uint64_t bits = argument[2], deadline = argument[3];
	const struct capability *target;
	struct notification *notification;
	unsigned i;
	long error = capability_check(caller->space, argument[1], KIND_NOTIFICATION, RIGHT_RECEIVE, &target);

	if (error || (deadline && !bits))
		return error ? error : ERR_INVALID;
	notification = capability_page(target);
	if (!deadline && !notification->timer)
		return OK;
	i = notification->timer ? notification->timer - 1u : find_free(TIMERS);
	if (i == TIMERS)
		return ERR_NO_TIMER;
	/* Nothing below may fail. */
	notification->timer = deadline ? (uint8_t)(i + 1) : 0;
	set(i, deadline, bits, capability_reference(target));
	return OK;
}
