/*
 * The ways into the kernel: one switch over the causes. What each means is in the file of its object.
 */
#include "endpoint.h"
#include "riscv/csr.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"
#include "thread.h"

#define AT(type, field, offset) (offsetof(struct type, field) == (offset))
_Static_assert(AT(thread, x, FRAME_PC) && AT(thread, state, THREAD_CONDITION) && AT(thread, kind, THREAD_KIND) && AT(thread, limit, THREAD_LIMIT) &&
	       AT(thread, space, THREAD_IN_SPACE) && AT(thread, holder, THREAD_HOLDER) && AT(thread, identity, THREAD_CALLER) &&
	       AT(thread, hart, THREAD_HART) && AT(thread, object, THREAD_OBJECT) && AT(thread, serves, THREAD_SERVES) && AT(thread, noticed, THREAD_NOTICED) && AT(thread, priority, THREAD_PRIORITY_AT) &&
	       AT(thread, fault_address, THREAD_FAULT_ADDRESS) && AT(thread, fault_access, THREAD_FAULT_ACCESS) &&
	       AT(thread, fault_endpoint, THREAD_FAULT_ENDPOINT) && AT(thread, call, THREAD_CALL) && AT(thread, link, 0), "frame.h");
_Static_assert(AT(call, endpoint, 0) && AT(call, badge, CALL_BADGE) && AT(call, capability, CALL_CAPABILITY) && AT(call, message, CALL_MESSAGE) &&
	       AT(capability, index, CAPABILITY_INDEX) && AT(capability, rights, CAPABILITY_RIGHTS) && AT(capability, badge, CAPABILITY_BADGE) && AT(capability, page, CAPABILITY_PAGE) &&
	       AT(reference, index, CAPABILITY_INDEX) && AT(reference, rights, CAPABILITY_RIGHTS) && CAPABILITY_RIGHTS == CAPABILITY_INDEX + 4 && AT(object, token, OBJECT_TOKEN) &&
	       AT(space, satp, SPACE_SATP) && AT(space, route, SPACE_ROUTE_WORD) && AT(space, route_page, SPACE_ROUTE_PAGE) && AT(space, received, SPACE_RECEIVED) && AT(space, slots, SPACE_SLOT_0) &&
	       AT(endpoint, receivers, 0) && AT(endpoint, pending, ENDPOINT_PENDING), "frame.h");
_Static_assert(AT(hart, stack, HART_STACK) && AT(hart, ready_mask, HART_READY) && AT(hart, attention, HART_READY + 4) && AT(hart, objects, HART_OBJECTS) &&
	       AT(hart, object_bytes, HART_OBJECT_BYTES) && AT(hart, object_entries, HART_OBJECT_ENTRIES) && AT(hart, current, HART_CURRENT) && AT(hart, tick, HART_TICK) && AT(hart, ready, HART_QUEUES) && AT(hart, no_thread, THREAD_HART) &&
	       AT(hart, counters.ipc_calls, HART_FAST_CALLS) && AT(hart, counters.routed_calls, HART_FAST_CALLS + 8) &&
	       AT(hart, counters.faults, HART_FAST_CALLS + 16) && AT(hart, counters.ipc_forwards, HART_FAST_FORWARDS) &&
	       HARTS_MAX == 1, "frame.h; and the fast path takes no lock");
_Static_assert(PAGE_BYTES >> OBJECT_ENTRY_SHIFT == sizeof(struct object) && THREAD_READY == 0 && THREAD_HELD == 3 && THREAD_RECEIVING == 4 && CALL_NATIVE == 0 && CALL_ROUTED == 1 && CALL_FAULT == 2 &&
	       AT(thread, apart, THREAD_CONDITION + 6) && RIGHT_LEND == 32 && REPLY_MAP == 1 && CALL_PLAIN == 4, "fastpath.S, macros.h");

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
	uint64_t cause = csr_read(scause);

	enter(thread);
	thread->kind = CALL_ROUTED;
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
