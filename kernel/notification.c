/*
 * Notifications. Who signals is not told apart: bits are all there is, so a server gives each source its own bit.
 */
#include "notification.h"
#include "fault.h"
#include "hart.h"
#include "thread.h"

bool notification_receive(struct thread *thread)
{
	struct notification *notification = reference_page(&thread->bound);

	if (!notification || !notification->bits)
		return false;
	message_event(thread, EVENT_NOTIFICATION, notification->bits, 0, 0);
	notification->bits = 0;
	return true;
}

void notification_deliver(struct notification *notification)
{
	struct thread *thread = notification->thread;

	if (!thread || thread->state != THREAD_RECEIVING || !notification->bits)
		return;
	thread_unlink(thread);
	notification_receive(thread);
	thread_resume(thread);
}

void notification_signal(struct notification *notification, uint64_t bits)
{
	this_hart->counters.notifications++;
	notification->bits |= bits;
	notification_deliver(notification);
}

long sys_notify(struct thread *caller, const uint64_t *argument)
{
	const struct capability *target;
	long error = capability_check(caller->space, argument[0], KIND_NOTIFICATION, RIGHT_SEND, &target);

	if (error)
		return error;
	/* Nothing below may fail. */
	notification_signal(object_page(target->index), argument[1]);
	return OK;
}
