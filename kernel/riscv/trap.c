/*
 * The ways into the kernel: one switch over the causes. What each means is in the file of its object.
 */
#include "endpoint.h"
#include "riscv/csr.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"
#include "thread.h"

#define X(name, offset, type, field) _Static_assert(offsetof(struct type, field) == (offset), #name);
FRAME_LIST(X)
#undef X
/*
 * One line of them is for the fast path's guess, which may lead to a page that was a thread and is something else now: where a thread's holder
 * stands, pages of capabilities have an index and rights, which are never the address of a space, and others can have no such address.
 */
#define AT(type, field, other_type, other_field) (offsetof(struct type, field) == offsetof(struct other_type, other_field))
_Static_assert(offsetof(struct thread, x) == FRAME_PC && !offsetof(struct thread, link) && !offsetof(struct call, endpoint) && !offsetof(struct endpoint, receivers) &&
	       AT(reference, index, capability, index) && AT(reference, rights, capability, rights) && AT(hart, no_thread, thread, hart) &&
	       offsetof(struct capability, rights) == offsetof(struct capability, index) + 4 && offsetof(struct hart, attention) == offsetof(struct hart, ready_mask) + 4 &&
	       offsetof(struct thread, apart) == offsetof(struct thread, state) + 6 && PAGE_BYTES >> OBJECT_ENTRY_SHIFT == sizeof(struct object) &&
	       !(offsetof(struct space, slots) % sizeof(struct capability)) && offsetof(struct thread, holder) % sizeof(struct capability) == offsetof(struct capability, index) &&
	       offsetof(struct kernel_info, routed_calls) == 8 && offsetof(struct kernel_info, faults) == 16 && !offsetof(struct kernel_info, ipc_calls) &&
	       HARTS_MAX == 1 && RIGHT_LEND == 32 && REPLY_MAP == 1 && THREAD_READY == 0 && THREAD_HELD == 3 && THREAD_RECEIVING == 4 &&
	       CALL_NATIVE == 0 && CALL_ROUTED == 1 && CALL_FAULT == 2 && CALL_PLAIN == 4, "what fastpath.S and macros.h take for granted");

void syscall_message(struct thread *caller);
void syscall_plain(struct thread *caller, uint64_t number);

static void page_fault(struct thread *thread, uint64_t access)
{
	uint64_t address = csr_read(stval);

	if (!fault_is_stale(thread->space, address, access))
		fault_own(thread, address, access);
}

/* The fast path switches threads without a word to C. */
static void enter(struct thread *thread)
{
	kernel_lock();
	this_hart->current = thread;
	this_hart->space = thread->space;
}

static struct thread *leave(void)
{
	struct hart *hart = this_hart;
	struct thread *next = hart->current;

	/* Mostly it just goes on. */
	if (!next || next->state != THREAD_READY || hart->handoff || hart_blocks(hart, next) || (hart->ready_mask && !hart->tick))
		next = schedule();
	kernel_unlock();
	return next;
}

/* Called by trap.S, as are the others here; the result is the thread to return to. This one waits already. */
struct thread *trap_waits(struct thread *thread)
{
	enter(thread);
	return leave();
}

struct thread *trap_message(struct thread *thread)
{
	enter(thread);
	thread->x[0] += INSTRUCTION_BYTES;
	syscall_message(thread);
	return leave();
}

struct thread *trap_plain(struct thread *thread, uint64_t number)
{
	enter(thread);
	thread->x[0] += INSTRUCTION_BYTES;
	syscall_plain(thread, number);
	return leave();
}

struct thread *trap_full(struct thread *thread)
{
	static const uint8_t accesses[] = { [CAUSE_FETCH_PAGE] = ACCESS_EXECUTE, [CAUSE_LOAD_PAGE] = ACCESS_READ, [CAUSE_STORE_PAGE] = ACCESS_WRITE };
	uint64_t cause = csr_read(scause);

	enter(thread);
	thread->kind = CALL_ROUTED;
	if (cause == CAUSE_ECALL_USER)
		route_call(thread);
	else if (cause < sizeof(accesses) && accesses[cause])
		page_fault(thread, accesses[cause]);
	else if (cause & CAUSE_INTERRUPT)
		hardware_interrupts();
	else if (cause > EXCEPTION_STORE_ACCESS)
		panic("trap %lx from user mode, pc %lx value %lx", cause, thread->x[0], csr_read(stval));
	else if (cause != EXCEPTION_ILLEGAL || !fpu_first_use(thread))
		exception_call(thread, cause, csr_read(stval));
	return leave();
}

void trap_from_kernel(uint64_t return_address)
{
	panic("trap %lx in the kernel, pc %lx value %lx, called from about %lx", csr_read(scause), csr_read(sepc),
	      csr_read(stval), return_address);
}
