/*
 * The ways into the kernel: one switch over the causes. What each means is in the file of its object.
 */
#include "endpoint.h"
#include "riscv/csr.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"
#include "thread.h"

void syscall_native(struct thread *caller);

static void page_fault(struct thread *thread, uint64_t access)
{
	uint64_t address = csr_read(stval);

	if (!fault_is_stale(thread->space, address, access))
		fault_own(thread, address, access);
}

/* Called by trap.S, as are the others here; the result is the thread to return to. */
struct thread *trap_native(struct thread *thread)
{
	kernel_lock();
	thread->x[0] += INSTRUCTION_BYTES;
	syscall_native(thread);
	thread = schedule();
	kernel_unlock();
	return thread;
}

struct thread *trap_full(struct thread *thread)
{
	static const uint8_t exceptions[] = {
		[CAUSE_FETCH_MISALIGNED] = EXCEPTION_MISALIGNED, [CAUSE_LOAD_MISALIGNED] = EXCEPTION_MISALIGNED,
		[CAUSE_STORE_MISALIGNED] = EXCEPTION_MISALIGNED, [CAUSE_FETCH_ACCESS] = EXCEPTION_ACCESS,
		[CAUSE_LOAD_ACCESS] = EXCEPTION_ACCESS, [CAUSE_STORE_ACCESS] = EXCEPTION_ACCESS,
		[CAUSE_BREAKPOINT] = EXCEPTION_BREAKPOINT, [CAUSE_ILLEGAL] = EXCEPTION_ILLEGAL,
	};
	uint64_t cause = csr_read(scause);

	kernel_lock();
	if (cause == CAUSE_ECALL_USER)
		route_call(thread);
	else if (cause == CAUSE_LOAD_PAGE)
		page_fault(thread, ACCESS_READ);
	else if (cause == CAUSE_STORE_PAGE)
		page_fault(thread, ACCESS_WRITE);
	else if (cause == CAUSE_FETCH_PAGE)
		page_fault(thread, ACCESS_EXECUTE);
	else if (cause & CAUSE_INTERRUPT)
		hardware_interrupts();
	else if (cause >= sizeof(exceptions))
		panic("trap %lx from user mode, pc %lx value %lx", cause, thread->x[0], csr_read(stval));
	else if (cause != CAUSE_ILLEGAL || !fpu_first_use(thread))
		exception_call(thread, exceptions[cause], csr_read(stval));
	thread = schedule();
	kernel_unlock();
	return thread;
}

void trap_from_kernel(uint64_t return_address)
{
	panic("trap %lx in the kernel, pc %lx value %lx, called from about %lx", csr_read(scause), csr_read(sepc),
	      csr_read(stval), return_address);
}
