/*
 * Calls that the kernel makes for a thread: faults and exceptions; what becomes of a call whose server is gone; the second
 * delivery of a call after `fault`. The kernel has no policy here: who answers and what it means is the business of the
 * endpoints that the thread was given. An answer is checked like any user's word (mapping.c).
 */
#include "endpoint.h"
#include "riscv/hardware.h"
#include "thread.h"

/* Fill in a kernel-made call and send it. False: its endpoint is not alive. */
static bool kernel_call(struct thread *thread, const struct capability *target, uint64_t label,
			uint64_t word0, uint64_t word1, uint64_t word2)
{
	struct call *call = thread_call(thread);
	struct endpoint *endpoint;

	*call = (struct call){
		.badge = target->badge, .endpoint = capability_reference(target),
		.message = { word0, word1, word2, [MESSAGE_LABEL] = label },
	};
	if (label == LABEL_EXCEPTION)
		call->endpoint.rights |= RIGHT_LEND;
	if (!thread->depth)
		thread->apart = true;
	thread->redelivered = false;
	endpoint = reference_page(&call->endpoint);
	if (endpoint)
		endpoint_send(endpoint, thread, false);
	return endpoint;
}

void exception_call(struct thread *thread, uint64_t cause, uint64_t value)
{
	assert(!thread->link.next);
	thread_complete_frame(thread);
	thread->cause = cause;
	thread->value = value;
	call_begin(thread, CALL_EXCEPTION);
	if (cause == EXCEPTION_INTERRUPT)
		thread->interrupted = false;
	this_hart->counters.exceptions++;
	if (!kernel_call(thread, &thread->exception_endpoint, LABEL_EXCEPTION, cause, thread->x[0], value))
		thread_stuck(thread, "it has no exception endpoint");
}

static bool fault_send(struct thread *thread, uint64_t address, uint64_t access)
{
	thread->fault_address = address;
	thread->fault_access = access;
	this_hart->counters.faults++;
	return kernel_call(thread, &thread->fault_endpoint, LABEL_FAULT, address, access, thread->x[0]);
}

void fault_own(struct thread *thread, uint64_t address, uint64_t access)
{
	call_begin(thread, CALL_FAULT);
	if (!fault_send(thread, address, access))
		exception_call(thread, EXCEPTION_ROUTE_LOST, LABEL_FAULT);
}

/* Back to the server that had it before `fault`. An address 0 that was refused comes as 1: 0 means "the page is there now". */
static void redeliver(struct thread *thread, bool refused)
{
	struct endpoint *endpoint = reference_page(&thread->call[0].endpoint);

	thread->depth = 0;
	thread->redelivered = true;
	thread->refused_address = !refused ? 0 : thread->fault_address ? thread->fault_address : 1;
	if (endpoint)
		endpoint_send(endpoint, thread, true);
	else
		call_lost(thread);
}

void fault_answered(struct thread *thread, bool refused)
{
	if (thread->depth)
		redeliver(thread, refused);
	else if (refused)
		exception_call(thread, EXCEPTION_REFUSED, thread->fault_address);
	else
		thread_resume(thread);
}

void call_lost(struct thread *thread)
{
	assert(thread->state == THREAD_HELD || thread->state == THREAD_CALLING);
	thread_unlink(thread);
	if (thread->depth) {
		redeliver(thread, false);	/* the server finds out, and its next `fault` finds the next pager */
	} else if (thread->kind == CALL_NATIVE) {
		message_result(thread, ERR_GONE);
		thread_resume(thread);
	} else if (thread->kind == CALL_ROUTED) {
		thread->x[0] -= INSTRUCTION_BYTES;
		exception_call(thread, EXCEPTION_ROUTE_LOST, call_label(thread));
	} else if (thread->kind == CALL_FAULT) {
		exception_call(thread, EXCEPTION_ROUTE_LOST, LABEL_FAULT);
	} else {
		exception_call(thread, thread->cause, thread->value);	/* to the successor */
	}
}

long sys_fault(struct thread *caller unused, struct thread *thread, const uint64_t *argument)
{
	uint64_t address = argument[1], access = argument[2];

	if ((access != ACCESS_READ && access != ACCESS_WRITE) || call_kind(thread) == CALL_FAULT)
		return ERR_INVALID;
	if (!(thread_call(thread)->endpoint.rights & RIGHT_LEND))
		return ERR_NO_LOAN;
	/* Nothing below may fail. */
	thread_unlink(thread);
	thread->depth = 1;
	if (!fault_send(thread, address, access | ACCESS_COPY))
		redeliver(thread, true);
	return OK;
}
