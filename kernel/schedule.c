/*
 * The scheduler; hart.h says its rule. All states but READY are none of its business.
 */
#include "notification.h"
#include "riscv/hardware.h"
#include "thread.h"

#define SLICES_PER_SECOND 100

_Static_assert(offsetof(struct hart, current) == HART_CURRENT && offsetof(struct hart, stack) == HART_STACK &&
	       offsetof(struct hart, user_sp) == HART_USER_SP, "trap.S: the hart");

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
	this_hart->ready_mask |= 1UL << thread->priority;
}

void schedule_remove(struct thread *thread)
{
	if (thread == this_hart->handoff)
		this_hart->handoff = NULL;
	if (!thread->link.next)
		return;
	list_remove(&thread->link);
	if (list_empty(&this_hart->ready[thread->priority]))
		this_hart->ready_mask &= ~(1UL << thread->priority);
}

/* Nobody is ready: wait for interrupts, which come as pending bits here, not as traps. */
static void idle(struct hart *hart)
{
	while (!hart->ready_mask) {
		uint64_t before = instret_now();

		kernel_unlock();
		hardware_wait();
		kernel_lock();
		hart->counters.idle_instret += instret_now() - before;
		hart->counters.idle_waits++;
		hardware_interrupts();
		if (hart->handoff)
			schedule_enqueue(hart->handoff, false);
		hart->handoff = NULL;
	}
}

static struct thread *take_highest(struct hart *hart)
{
	unsigned priority = PRIORITIES - 1;
	struct thread *thread;

	idle(hart);
	while (!(hart->ready_mask >> priority & 1))
		priority--;
	thread = thread_of(hart->ready[priority].next);
	schedule_remove(thread);
	return thread;
}

/* Does the current thread go on? If its time slice is over and another one of its priority is ready, that one's turn begins. */
static bool goes_on(struct hart *hart, struct thread *current)
{
	if (!current || current->state != THREAD_READY)
		return false;
	if (likely(!hart->rotate) || !(hart->ready_mask >> current->priority & 1))
		return true;
	schedule_enqueue(current, false);
	return false;
}

static void switch_to(struct hart *hart, struct thread *next)
{
	if (unlikely(hart->fpu_on || next == hart->fpu_owner))
		fpu_switch(hart->current, next);
	if (hart->space != next->space)
		space_load(next->space);
	hart->counters.switches++;
	hart->current = next;
}

struct thread *schedule(void)
{
	struct hart *hart = this_hart;
	struct thread *current = hart->current, *next = hart->handoff;

	hart->handoff = NULL;
	if (goes_on(hart, current)) {
		if (next && next->priority > current->priority) {
			schedule_enqueue(current, true);
		} else {
			if (next)
				schedule_enqueue(next, false);
			next = current;
		}
	}
	hart->rotate = false;
	if (unlikely(!next || hart->ready_mask >> next->priority >> 1)) {
		if (next)
			schedule_enqueue(next, true);
		next = take_highest(hart);
	}
	if (next != current)
		switch_to(hart, next);
	if (unlikely(hart->ready_mask >> next->priority & 1) && !hart->tick) {
		hart->tick = time_now() + machine.timebase_hz / SLICES_PER_SECOND;
		timer_rearm();
	}
	assert(next->state == THREAD_READY && next->space);
	return next;
}
