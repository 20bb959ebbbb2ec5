/*
 * The ways into the kernel: one switch over the causes. What each means is in the file of its object.
 */
#include "fault.h"
#include "mapping.h"
#include "riscv/csr.h"
#include "riscv/hardware.h"
#include "schedule.h"
#include "syscall.h"
#include "thread.h"

/* Called by trap.S; the result is the thread to return to. */
struct thread *trap_native(struct thread *thread);
struct thread *trap_full(struct thread *thread);
__attribute__((noreturn)) void trap_from_kernel(uint64_t return_address);

static void page_fault(struct thread *thread, uint64_t access)
{
	uint64_t address = csr_read(stval);

	if (!fault_is_stale(thread->space, address, access))
		fault_own(thread, address, access);
}

static void illegal_instruction(struct thread *thread)
{
	if (!fpu_first_use(thread))
		exception_call(thread, EXCEPTION_ILLEGAL, csr_read(stval));
}

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
	uint64_t cause = csr_read(scause);

	kernel_lock();
	switch (cause) {
	case CAUSE_ECALL_USER:
		route_call(thread);
		break;
	case CAUSE_LOAD_PAGE:
		page_fault(thread, ACCESS_READ);
		break;
	case CAUSE_STORE_PAGE:
		page_fault(thread, ACCESS_WRITE);
		break;
	case CAUSE_FETCH_PAGE:
		page_fault(thread, ACCESS_EXECUTE);
		break;
	case CAUSE_ILLEGAL:
		illegal_instruction(thread);
		break;
	case CAUSE_BREAKPOINT:
		exception_call(thread, EXCEPTION_BREAKPOINT, csr_read(stval));
		break;
	case CAUSE_FETCH_MISALIGNED:
	case CAUSE_LOAD_MISALIGNED:
	case CAUSE_STORE_MISALIGNED:
		exception_call(thread, EXCEPTION_MISALIGNED, csr_read(stval));
		break;
	case CAUSE_FETCH_ACCESS:
	case CAUSE_LOAD_ACCESS:
	case CAUSE_STORE_ACCESS:
		exception_call(thread, EXCEPTION_ACCESS, csr_read(stval));
		break;
	default:
		if (!(cause & CAUSE_INTERRUPT))
			panic("trap %lx from user mode, pc %lx value %lx", cause, thread->x[0], csr_read(stval));
		hardware_interrupts();
	}
	thread = schedule();
	kernel_unlock();
	return thread;
}

void trap_from_kernel(uint64_t return_address)
{
	panic("trap %lx in the kernel, pc %lx value %lx, called from about %lx", csr_read(scause), csr_read(sepc),
	      csr_read(stval), return_address);
}
