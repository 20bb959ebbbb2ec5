/*
 * What the holder of a token may do with the caller beside answering: copy from and to the memory that the call lends, and, if
 * it is an exception, a fault or a foreign call, read and write all registers. `copy` never waits: it stops at the first page of
 * the caller that is absent or lacks the right, and the server asks for it with `fault` (fault.c).
 */
#include "mapping.h"
#include "riscv/hardware.h"
#include "thread.h"

long sys_copy(struct thread *caller, struct thread *thread, const uint64_t *argument)
{
	uint64_t remote = argument[1], own = argument[2], bytes = argument[3], direction = argument[4], done = 0, length;
	bool in = direction == COPY_IN;

	if (!(thread_call(thread)->endpoint.rights & RIGHT_LEND))
		return ERR_NO_LOAN;
	if (bytes > COPY_MAX || (!in && direction != COPY_OUT))
		return ERR_INVALID;
	this_hart->counters.copies++;
	for (; done < bytes && thread->space; done += length) {
		uint64_t there_bytes, here_bytes;
		uint8_t *there, *here = user_reach(caller->space, own + done, in ? ACCESS_WRITE : ACCESS_READ, &here_bytes);

		if (!here)
			return ERR_BAD_ADDRESS;
		there = user_reach(thread->space, remote + done, in ? ACCESS_READ : ACCESS_WRITE, &there_bytes);
		if (!there)
			break;
		length = min(bytes - done, min(here_bytes, there_bytes));
		memcpy(in ? here : there, in ? there : here, length);
	}
	this_hart->counters.copied_bytes += done;
	return (long)done;
}

long sys_registers(struct thread *caller, struct thread *thread, const uint64_t *argument)
{
	uint64_t address = argument[1], flags = argument[2];
	bool fpu = flags & REGISTERS_FPU;
	uint64_t bytes = fpu ? sizeof(struct registers) : offsetof(struct registers, f);
	struct registers registers;
	long error;

	if (flags & ~(uint64_t)(REGISTERS_WRITE | REGISTERS_FPU) || thread->kind == CALL_NATIVE || address % sizeof(uint64_t))
		return ERR_INVALID;
	memcpy(registers.x, thread->x, sizeof(registers.x));
	memcpy(registers.f, thread->f, sizeof(thread->f));
	registers.pc = thread->x[0];
	registers.x[0] = 0;
	if (!(flags & REGISTERS_WRITE))
		return user_transfer(caller->space, address, &registers, bytes, ACCESS_WRITE);
	error = user_transfer(caller->space, address, &registers, bytes, ACCESS_READ);
	if (error)
		return error;
	/* Nothing below may fail. */
	if (!thread->apart) {
		memcpy(thread->call[0].message, &thread->x[A0], MESSAGE_LABEL * sizeof(uint64_t));
		thread->call[0].message[MESSAGE_LABEL] = thread->x[A7];
		thread->apart = true;
	}
	memcpy(thread->x, registers.x, sizeof(registers.x));
	thread->x[0] = registers.pc & ~1UL;
	memcpy(thread->f, registers.f, sizeof(thread->f));
	if (fpu)
		fpu_written(thread);
	return OK;
}
