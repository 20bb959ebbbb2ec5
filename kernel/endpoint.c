/*
 * Endpoints: queues and the choice between handing over and queueing. What a delivery does to registers is in ipc.c.
 */
#include "endpoint.h"
#include "capability.h"
#include "fault.h"
#include "ipc.h"
#include "schedule.h"
#include "thread.h"

#define DISMANTLE_THREADS 32	/* freed per call of destroy */

void endpoint_init(struct endpoint *endpoint)
{
	list_init(&endpoint->callers);
	list_init(&endpoint->receivers);
	list_init(&endpoint->interrupted);
}

long endpoint_check(struct thread *caller, uint64_t slot, uint32_t right, const struct capability **result)
{
	return capability_check(caller->space, slot, KIND_ENDPOINT, right, result);
}

void endpoint_send(struct endpoint *endpoint, struct thread *sender, bool first)
{
	struct link *link = endpoint->receivers.next;

	assert(!sender->link.next);
	if (likely(link != &endpoint->receivers)) {
		struct thread *receiver = thread_of(link);

		thread_unlink(receiver);
		message_deliver(receiver, sender, endpoint);
		receiver->state = THREAD_READY;
		schedule_wake(receiver);
	} else {
		sender->state = THREAD_CALLING;
		list_insert(first ? endpoint->callers.next : &endpoint->callers, &sender->link);
	}
}

long endpoint_dismantle(struct endpoint *endpoint)
{
	for (unsigned i = 0; i < DISMANTLE_THREADS; i++) {
		if (!list_empty(&endpoint->interrupted)) {
			list_remove(endpoint->interrupted.next);
		} else if (!list_empty(&endpoint->callers)) {
			struct thread *caller = thread_of(endpoint->callers.next);

			list_remove(&caller->link);
			call_lost(caller);
		} else if (!list_empty(&endpoint->receivers)) {
			struct thread *receiver = thread_of(endpoint->receivers.next);

			thread_unlink(receiver);
			message_error(receiver, ERR_BAD_SLOT);
			thread_resume(receiver);
		} else {
			return OK;
		}
	}
	return ERR_AGAIN;
}
