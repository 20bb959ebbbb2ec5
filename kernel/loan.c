/*
 * What the holder of a token may do with the caller beside answering: copy from and to the memory that the call lends, and, if
 * it is an exception, a fault or a foreign call, read and write all registers. `copy` never waits: it stops at the first page of
 * the caller that is absent or lacks the right, and the server asks for it with `fault` (fault.c).
 */
#include "mapping.h"
#include "riscv/hardware.h"
#include "thread.h"

/* Page by page. */
__attribute__((noinline)) static long copy_pages(struct space *own_space, uint64_t remote, uint64_t own, uint64_t bytes, uint64_t direction, struct space *remote_space)
{
	bool in = direction == COPY_IN;
	uint64_t done = 0, length;

	if (bytes > COPY_MAX || direction > COPY_OUT)
		return ERR_INVALID;
	for (; done < bytes && remote_space; done += length) {
		uint64_t there_bytes, here_bytes;
		uint8_t *there, *here = user_reach(own_space, own + done, in ? ACCESS_WRITE : ACCESS_READ, &here_bytes);

		if (!here)
			return ERR_BAD_ADDRESS;
		there = user_reach(remote_space, remote + done, in ? ACCESS_READ : ACCESS_WRITE, &there_bytes);
		if (!there)
			break;
		length = min(bytes - done, min(here_bytes, there_bytes));
		memcpy(in ? here : there, in ? there : here, length);
	}
	return (long)done;
}

/* Straight from trap.S: it neither blocks nor ends anybody. Most copies lie in one page on either side, which has been used so before. */
long sys_copy(uint64_t token, uint64_t remote, uint64_t own, uint64_t bytes, uint64_t direction)
{
	struct space *own_space = this_hart->current->space, *remote_space;
	struct thread *thread = token_find(own_space, token);
	uint64_t from = 0, to = 0;

	if (unlikely(!thread))
		return ERR_BAD_TOKEN;
	if (unlikely(!(thread_call(thread)->endpoint.rights & RIGHT_LEND)))
		return ERR_NO_LOAN;
	this_hart->counters.copies++;
	remote_space = thread->space;
	if (unlikely(bytes > PAGE_BYTES - remote % PAGE_BYTES || bytes > PAGE_BYTES - own % PAGE_BYTES || !remote_space))
		return copy_pages(own_space, remote, own, bytes, direction, remote_space);
	if (direction == COPY_IN) {
		from = user_physical(remote_space, remote, PAGE_WAS_READ);
		to = user_physical(own_space, own, PAGE_WAS_WRITTEN);
	} else if (direction == COPY_OUT) {
		from = user_physical(own_space, own, PAGE_WAS_READ);
		to = user_physical(remote_space, remote, PAGE_WAS_WRITTEN);
	}
	if (unlikely(!is_page_memory(from) || !is_page_memory(to)))
		return copy_pages(own_space, remote, own, bytes, direction, remote_space);
	return (long)copy_bytes(direct(to), direct(from), bytes);
}

/*
 * A frame that is written is whole, whatever the call was: the thread waits as one that starts. Its call may come again now: of a fault the
 * fast path has kept no message, of a native call without a loan neither, so that is refused.
 */
long sys_registers(struct thread *caller, struct thread *thread, const uint64_t *argument)
{
	uint64_t flags = argument[2], bytes = flags & REGISTERS_FPU ? sizeof(struct registers) : offsetof(struct registers, f);
	bool write = flags & REGISTERS_WRITE;
	struct call *call = &thread->call[0];
	struct registers *own = &thread->registers, new;
	long error;

	if (flags & ~(uint64_t)(REGISTERS_WRITE | REGISTERS_FPU) || (!write && thread->kind == CALL_NATIVE))
		return ERR_INVALID;
	if (write && thread->kind == CALL_NATIVE && !(call->endpoint.rights & RIGHT_LEND))
		return ERR_NO_LOAN;
	error = user_transfer(caller->space, argument[1], write ? &new : own, bytes, write ? ACCESS_READ : ACCESS_WRITE);
	if (error || !write)
		return error;
	/* Nothing below may fail. */
	if (!thread->apart && thread->kind == CALL_FAULT) {
		*call = (struct call){ call->endpoint, thread->fault_endpoint.badge, { 0 }, { thread->fault_address, thread->fault_access, own->pc, [MESSAGE_LABEL] = LABEL_FAULT } };
	} else if (!thread->apart) {
		memcpy(call->message, own->x + A0, MESSAGE_LABEL * sizeof(uint64_t));
		call->message[MESSAGE_LABEL] = own->x[thread->kind == CALL_ROUTED ? A7 : A6];
	}
	memcpy(own, &new, bytes);
	own->pc &= ~1UL;
	thread->apart = true;
	thread->kind = CALL_EXCEPTION;
	thread->cause = EXCEPTION_START;
	call->endpoint.rights |= RIGHT_LEND;
	if (flags & REGISTERS_FPU)
		fpu_written(thread);
	return OK;
}
