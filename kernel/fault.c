/*
 * Faults and exceptions as calls; see fault.h. The kernel has no policy here: who answers and what it means is the
 * business of the endpoints that the thread was given. An answer is checked like any user's word (mapping.c).
 */
#include "fault.h"
#include "endpoint.h"
#include "mapping.h"
#include "riscv/hardware.h"
#include "schedule.h"
#include "thread.h"

/* Fill in a kernel-made call; its endpoint, or NULL if that is not alive. */
static struct endpoint *kernel_call(struct thread *thread, enum call_kind kind, const struct capability *target,
				    uint64_t label, const uint64_t words[3])
{
	struct call *call = thread_call(thread);

	*call = (struct call){
		.kind = kind,
		.lend = kind == CALL_EXCEPTION || (target->rights & RIGHT_LEND),
		.badge = target->badge,
		.endpoint = capability_reference(target),
		.message = { words[0], words[1], words[2], [MESSAGE_LABEL] = label },
	};
	thread->redelivered = false;
	return reference_page(&call->endpoint);
}

void exception_call(struct thread *thread, uint64_t cause, uint64_t value)
{
	uint64_t words[3] = { cause, thread->x[0], value };
	struct endpoint *endpoint;

	assert(!thread->link.next);
	thread_complete_frame(thread);
	thread->cause = cause;
	thread->value = value;
	thread->depth = 0;
	thread->received = false;
	if (cause == EXCEPTION_INTERRUPT)
		thread->interrupted = false;
	this_hart->counters.exceptions++;
	endpoint = kernel_call(thread, CALL_EXCEPTION, &thread->exception_endpoint, LABEL_EXCEPTION, words);
	if (endpoint)
		endpoint_send(endpoint, thread, false);
	else
		thread_stuck(thread, "it has no exception endpoint");
}

/* Ask the pager. False: there is none. */
static bool fault_send(struct thread *thread, uint64_t address, uint64_t access)
{
	uint64_t words[3] = { address, access, thread->x[0] };
	struct endpoint *endpoint;

	thread->fault_address = address;
	thread->fault_access = access;
	this_hart->counters.faults++;
	endpoint = kernel_call(thread, CALL_FAULT, &thread->fault_endpoint, LABEL_FAULT, words);
	if (endpoint)
		endpoint_send(endpoint, thread, false);
	return endpoint;
}

void fault_own(struct thread *thread, uint64_t address, uint64_t access)
{
	thread->depth = 0;
	thread->received = false;
	if (!fault_send(thread, address, access))
		exception_call(thread, EXCEPTION_ROUTE_LOST, LABEL_FAULT);
}

/* Back to the server that had it before `fault`. An address 0 that was refused comes as 1: 0 means "the page is there now". */
static void redeliver(struct thread *thread, bool refused)
{
	struct endpoint *endpoint;

	thread->depth = 0;
	thread->redelivered = true;
	thread->refused_address = !refused ? 0 : thread->fault_address ? thread->fault_address : 1;
	endpoint = reference_page(&thread->call[0].endpoint);
	if (endpoint)
		endpoint_send(endpoint, thread, true);
	else
		call_lost(thread);
}

void fault_answered(struct thread *thread, const struct map_item *item, uint64_t label)
{
	bool refused = !item->pages && label;

	if (item->pages)
		map_item_act(thread, item);
	if (thread->depth)
		redeliver(thread, refused);
	else if (refused)
		exception_call(thread, EXCEPTION_REFUSED, thread->fault_address);
	else
		thread_resume(thread);
}

void call_lost(struct thread *thread)
{
	struct call *call = thread_call(thread);

	assert(thread->state == THREAD_HELD || thread->state == THREAD_CALLING);
	if (thread->link.next)
		list_remove(&thread->link);
	if (thread->depth) {
		redeliver(thread, false);	/* the server finds out, and its next `fault` finds the next pager */
		return;
	}
	switch (call->kind) {
	case CALL_NATIVE:
		message_error(thread, ERR_GONE);
		thread_resume(thread);
		break;
	case CALL_ROUTED:
		thread->x[0] -= INSTRUCTION_BYTES;
		exception_call(thread, EXCEPTION_ROUTE_LOST, call->message[MESSAGE_LABEL]);
		break;
	case CALL_FAULT:
		exception_call(thread, EXCEPTION_ROUTE_LOST, LABEL_FAULT);
		break;
	case CALL_EXCEPTION:	/* to the successor */
		exception_call(thread, thread->cause, thread->value);
		break;
	}
}

void interrupted_event(struct thread *thread)
{
	struct endpoint *endpoint = reference_page(&thread_call(thread)->endpoint);
	struct link *first;

	assert(thread->state == THREAD_HELD && !thread->link.next);
	if (!endpoint)
		return;
	first = endpoint->receivers.next;
	if (first != &endpoint->receivers && thread_of(first)->space == thread->holder) {
		struct thread *receiver = thread_of(first);

		thread_unlink(receiver);
		message_event(receiver, EVENT_INTERRUPTED, 0, objects[thread->index].token, thread->identity);
		thread_resume(receiver);
	} else {
		list_insert(&endpoint->interrupted, &thread->link);
	}
}

long sys_fault(struct thread *caller, const uint64_t *argument)
{
	uint64_t address = argument[1], access = argument[2];
	struct thread *thread = token_find(caller->space, argument[0]);

	if (!thread)
		return ERR_BAD_TOKEN;
	if ((access != ACCESS_READ && access != ACCESS_WRITE) || thread_call(thread)->kind == CALL_FAULT)
		return ERR_INVALID;
	if (!thread_call(thread)->lend)
		return ERR_NO_LOAN;
	/* Nothing below may fail. */
	if (thread->link.next)
		list_remove(&thread->link);
	thread->depth = 1;
	if (!fault_send(thread, address, access | ACCESS_COPY)) {
		thread->fault_address = address;
		redeliver(thread, true);
	}
	return OK;
}
