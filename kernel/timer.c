/*
 * Timers; see notification.h. One list in the order of their ends, never longer than TIMERS, so that finding a place in it stays short. Its head
 * is a timer that never ends.
 */
#include "endpoint.h"
#include "riscv/hardware.h"
#include "thread.h"

#define TIMERS 96
#define SLEEPERS (TIMERS / 2)

static struct timer timers = { { &timers.link, &timers.link }, ~0UL };
static unsigned running;

bool timer_deadline_possible(const struct thread *thread)
{
	return running < (thread->x[T0] || thread->bound.word ? TIMERS : SLEEPERS);
}

static inline struct timer *timer_of(struct link *link) { return (struct timer *)link; }

static void timer_start(struct timer *timer, uint64_t deadline)
{
	struct link *place = timers.link.next;

	assert(!timer->link.next && running < TIMERS);
	timer->deadline = deadline;
	while (timer_of(place)->deadline < deadline)
		place = place->next;
	list_insert(place, &timer->link);
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

void timer_rearm(void)
{
	this_hart->armed = min(timer_of(timers.link.next)->deadline, this_hart->tick ? this_hart->tick : ~0UL);
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

	while (timer_of(timers.link.next)->deadline <= now)
		expire(timer_of(timers.link.next));
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
