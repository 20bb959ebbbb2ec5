/*
 * Notifications. Who signals is not told apart: bits are all there is, so a server gives each source its own bit.
 */
#include "endpoint.h"
#include "thread.h"

bool notification_receive(struct thread *thread)
{
	struct notification *notification = reference_page(&thread->bound);

	thread->noticed = false;
	if (!notification || !notification->bits)
		return false;
	message_event(thread, EVENT_NOTIFICATION, notification->bits, 0, 0);
	notification->bits = 0;
	return true;
}

void notification_signal(struct notification *notification, uint64_t bits)
{
	struct thread *thread = notification->thread;

	this_hart->counters.notifications++;
	notification->bits |= bits;
	if (thread)
		thread->noticed = true;
	if (!thread || thread->state != THREAD_RECEIVING || !notification->bits)
		return;
	thread_unlink(thread);
	notification_receive(thread);
	thread_resume(thread);
}

long sys_notify(struct thread *caller unused, const struct capability *target, const uint64_t *argument)
{
	/* Nothing may fail. */
	notification_signal(capability_page(target), argument[1]);
	return OK;
}
