/*
 * Notifications. Who signals is not told apart: bits are all there is, so a server gives each source its own bit.
 */
#include "endpoint.h"
#include "thread.h"

static inline void give(struct notification *notification, struct thread *thread)
{
	message_event(thread, EVENT_NOTIFICATION, notification->bits, 0, 0);
	notification->bits = 0;
}

bool notification_receive(struct thread *thread)
{
	struct notification *notification = reference_page(&thread->bound);

	thread->noticed = false;
	if (!notification || !notification->bits)
		return false;
	give(notification, thread);
	return true;
}

void notification_signal(struct notification *notification, uint64_t bits)
{
	struct thread *thread = notification->thread;

	this_hart->counters.notifications++;
	notification->bits |= bits;
	if (!thread || !notification->bits || (thread->noticed = thread->state != THREAD_RECEIVING))
		return;
	if (thread->link.next)
		list_remove(&thread->link);
	timer_cancel_deadline(thread);
	give(notification, thread);
	thread_resume(thread);
}

/* Flat: the signal is all of it. */
__attribute__((flatten)) long sys_notify(struct thread *caller unused, const struct capability *target, const uint64_t *argument)
{
	/* Nothing may fail. */
	notification_signal(capability_page(target), argument[1]);
	return OK;
}
