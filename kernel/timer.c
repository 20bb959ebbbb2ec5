/*
 * Timers; see notification.h. One list without an order, never longer than TIMERS: searching it costs a few hundred
 * instructions at a timer interrupt and nothing anywhere else.
 */
#include "endpoint.h"
#include "riscv/hardware.h"
#include "thread.h"

#define TIMERS 96
#define SLEEPERS (TIMERS / 2)

static struct link timers = { &timers, &timers };
static unsigned running;

bool timer_deadline_possible(const struct thread *thread)
{
	return running < (thread->x[T0] || thread->bound.word ? TIMERS : SLEEPERS);
}

static void timer_start(struct timer *timer, uint64_t deadline)
{
	assert(!timer->link.next && running < TIMERS);
	timer->deadline = deadline;
	list_insert(&timers, &timer->link);
	running++;
	if (deadline < this_hart->armed)
		timer_rearm();
}

void timer_stop(struct timer *timer)
{
	if (!timer->link.next)
		return;
	list_remove(&timer->link);
	running--;
}

void timer_deadline(struct thread *thread, uint64_t deadline)
{
	timer_start(&thread->timer, deadline);
	thread_set_limit(thread);
}

void timer_cancel_deadline(struct thread *thread)
{
	if (!thread->timer.link.next)
		return;
	timer_stop(&thread->timer);
	thread_set_limit(thread);
}

/* The one that ends first, or NULL. */
static struct timer *earliest(void)
{
	struct timer *first = NULL;

	for (struct link *link = timers.next; link != &timers; link = link->next)
		if (!first || ((struct timer *)link)->deadline < first->deadline)
			first = (struct timer *)link;
	return first;
}

void timer_rearm(void)
{
	const struct timer *first = earliest();

	this_hart->armed = min(first ? first->deadline : ~0UL, this_hart->tick ? this_hart->tick : ~0UL);
	timer_arm(this_hart->armed);
}

/* The timer lies in its owner's page. */
static void expire(struct timer *timer)
{
	uint64_t index = object_index(timer);
	void *owner = object_page(index);

	if (object_kind(index) == KIND_NOTIFICATION) {
		timer_stop(timer);
		notification_signal(owner, ((struct notification *)owner)->timer_bits);
	} else {
		thread_unlink(owner);
		message_event(owner, EVENT_TIMEOUT, 0, 0, 0);
		thread_resume(owner);
	}
}

void timer_expire(void)
{
	uint64_t now = time_now();

	for (struct timer *timer; (timer = earliest()) && timer->deadline <= now; )
		expire(timer);
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
	long error = capability_check(caller->space, argument[1], KIND_NOTIFICATION, RIGHT_RECEIVE, &target);

	if (error)
		return error;
	notification = capability_page(target);
	if (deadline && !notification->timer.link.next && running == TIMERS)
		return ERR_NO_TIMER;
	/* Nothing below may fail. */
	timer_stop(&notification->timer);
	notification->timer_bits = bits;
	if (deadline)
		timer_start(&notification->timer, deadline);
	return OK;
}
