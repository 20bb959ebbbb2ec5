/*
 * Loans; see loan.h. `copy` never waits: it stops at the first page of the caller that is absent or lacks the right, and
 * the server asks for it with `fault` (fault.c).
 */
#include "loan.h"
#include "hart.h"
#include "riscv/hardware.h"
#include "thread.h"
#include "user.h"

long sys_copy(struct thread *caller, const uint64_t *argument)
{
	uint64_t remote = argument[1], own = argument[2], bytes = argument[3], direction = argument[4], done = 0;
	struct thread *thread = token_find(caller->space, argument[0]);
	bool in = direction == COPY_IN;

	if (!thread)
		return ERR_BAD_TOKEN;
	if (!thread_call(thread)->lend)
		return ERR_NO_LOAN;
	if (bytes > COPY_MAX || (direction != COPY_IN && direction != COPY_OUT))
		return ERR_INVALID;
	if (!thread->space)
		return 0;
	this_hart->counters.copies++;
	while (done < bytes) {
		uint64_t there_bytes, here_bytes, length;
		uint8_t *there, *here = user_reach(caller->space, own + done, in ? ACCESS_WRITE : ACCESS_READ, &here_bytes);

		if (!here)
			return ERR_BAD_ADDRESS;
		there = user_reach(thread->space, remote + done, in ? ACCESS_READ : ACCESS_WRITE, &there_bytes);
		if (!there)
			break;
		length = min(bytes - done, min(here_bytes, there_bytes));
		memcpy(in ? here : there, in ? there : here, length);
		done += length;
	}
	this_hart->counters.copied_bytes += done;
	return (long)done;
}

static void registers_get(const struct thread *thread, struct registers *registers)
{
	registers->pc = thread->x[0];
	memcpy(registers->x, thread->x, sizeof(registers->x));
	registers->x[0] = 0;
	memcpy(registers->f, thread->f, sizeof(registers->f) + sizeof(registers->fcsr));
}

static void registers_put(struct thread *thread, const struct registers *registers, bool fpu)
{
	memcpy(thread->x, registers->x, sizeof(registers->x));
	thread->x[0] = registers->pc & ~1UL;
	if (!fpu)
		return;
	memcpy(thread->f, registers->f, sizeof(registers->f) + sizeof(registers->fcsr));
	fpu_written(thread);
}

long sys_registers(struct thread *caller, const uint64_t *argument)
{
	uint64_t address = argument[1], flags = argument[2];
	bool fpu = flags & REGISTERS_FPU, write = flags & REGISTERS_WRITE;
	uint64_t bytes = fpu ? sizeof(struct registers) : offsetof(struct registers, f);
	struct thread *thread = token_find(caller->space, argument[0]);
	struct registers registers;
	long error;

	if (!thread)
		return ERR_BAD_TOKEN;
	if (flags & ~(uint64_t)(REGISTERS_WRITE | REGISTERS_FPU) || thread->call[0].kind == CALL_NATIVE)
		return ERR_INVALID;
	assert(!thread->partial);
	if (write) {
		error = user_read(caller->space, address, &registers, bytes);
		if (error)
			return error;
		/* Nothing below may fail. */
		registers_put(thread, &registers, fpu);
		return OK;
	}
	registers_get(thread, &registers);
	return user_write(caller->space, address, &registers, bytes);
}
