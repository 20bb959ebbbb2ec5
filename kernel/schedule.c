/*
 * The scheduler; hart.h says its rule. All states but READY are none of its business.
 */
#include "riscv/hardware.h"
#include "thread.h"

#define SLICES_PER_SECOND 100

struct hart harts[HARTS_MAX];
uint32_t kernel_lock_word;
struct thread *init_thread;

void schedule_init(struct hart *hart)
{
	for (unsigned i = 0; i < PRIORITIES; i++)
		list_init(&hart->ready[i]);
}

void schedule_enqueue(struct thread *thread, bool first)
{
	struct link *head = &this_hart->ready[thread->priority];

	assert(thread->state == THREAD_READY && !thread->link.next);
	list_insert(first ? head->next : head, &thread->link);
	this_hart->ready_mask |= 1u << thread->priority;
}

void schedule_remove(struct thread *thread)
{
	if (thread == this_hart->handoff)
		this_hart->handoff = NULL;
	if (!thread->link.next)
		return;
	list_remove(&thread->link);
	if (list_empty(&this_hart->ready[thread->priority]))
		this_hart->ready_mask &= ~(1u << thread->priority);
}

/* Nobody is ready: say so, or wait for interrupts, which come as pending bits here, not as traps. */
static __attribute__((noinline)) void idle(struct hart *hart)
{
	while (!hart->ready_mask) {
		uint64_t before = instret_now();

		if (!irq_deliver_idle()) {
			kernel_unlock();
			hardware_wait();
			kernel_lock();
			hart->counters.idle_instret += instret_now() - before;
			hart->counters.idle_waits++;
			hardware_interrupts();
		}
		if (hart->handoff)
			schedule_enqueue(hart->handoff, false);
		hart->handoff = NULL;
	}
}

static struct thread *take_highest(struct hart *hart)
{
	unsigned priority = 0, mask;
	struct thread *thread;

	if (unlikely(!hart->ready_mask))
		idle(hart);
	mask = hart->ready_mask;
#pragma GCC unroll 5
	for (unsigned half = PRIORITIES / 2; half; half /= 2)
		if (mask >> half)
			priority += half, mask >>= half;
	thread = thread_of(hart->ready[priority].next);
	list_remove(&thread->link);
	if (list_empty(&hart->ready[priority]))
		hart->ready_mask &= ~(1u << priority);
	return thread;
}

/*
 * Others stand higher, or there is no `next`, or attention is wanted. A slice that ends while a server runs counts against the first
 * thread with ready peers that would be resumed: most likely the one that keeps the server busy.
 */
static struct thread *choose(struct hart *hart, struct thread *next)
{
	if (!next || hart->ready_mask >> next->priority >> 1) {
		if (next)
			schedule_enqueue(next, true);
		next = take_highest(hart);
	}
	if (hart->attention & ATTENTION_ROTATE && hart->ready_mask >> next->priority & 1) {
		schedule_enqueue(next, false);
		next = take_highest(hart);
		hart->attention &= ~(uint32_t)ATTENTION_ROTATE;
	}
	if (!hart->ready_mask)
		hart->attention &= ~(uint32_t)ATTENTION_ROTATE;
	return next;
}

/* Flat: the queues are most of it. */
__attribute__((flatten)) struct thread *schedule(void)
{
	struct hart *hart = this_hart;
	struct thread *current = hart->current, *next = hart->handoff;

	hart->handoff = NULL;
	if (current && current->state == THREAD_READY) {
		bool higher = next && next->priority > current->priority;

		if (next)
			schedule_enqueue(higher ? current : next, higher);
		next = higher ? next : current;
	}
	if (!next || hart_blocks(hart, next))
		next = choose(hart, next);
	if (unlikely(hart->ready_mask && !hart->tick)) {
		hart->tick = time_now() + boot_info.timebase_hz / SLICES_PER_SECOND;
		timer_rearm();
	}
	if (next != current) {
		if (unlikely(hart->attention & ATTENTION_FPU))
			fpu_leave(current);
		if (hart->space != next->space)
			space_load(next->space);
		hart->current = next;
		next->hart = hart;
	}
	assert(next->state == THREAD_READY && next->space);
	return next;
}
