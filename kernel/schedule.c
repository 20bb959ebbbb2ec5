/*
 * The scheduler; schedule.h says its rule. All states but READY are none of its business.
 */
#include "schedule.h"
#include "riscv/hardware.h"
#include "thread.h"
#include "timer.h"

#define SLICES_PER_SECOND 100

_Static_assert(offsetof(struct hart, current) == HART_CURRENT && offsetof(struct hart, stack) == HART_STACK &&
	       offsetof(struct hart, user_sp) == HART_USER_SP, "trap.S: the hart");

struct hart harts[HARTS_MAX];
uint32_t kernel_lock_word;
uint64_t schedule_first_thread = OBJECT_NONE;

void schedule_init(struct hart *hart)
{
	for (unsigned i = 0; i < PRIORITIES; i++)
		list_init(&hart->ready[i]);
}

static inline bool higher_is_ready(const struct hart *hart, const struct thread *thread)
{
	return hart->ready_mask >> thread->priority >> 1;
}

static void enqueue(struct hart *hart, struct thread *thread, bool first)
{
	struct link *head = &hart->ready[thread->priority];

	assert(thread->state == THREAD_READY && !thread->link.next);
	list_insert(first ? head->next : head, &thread->link);
	hart->ready_mask |= 1UL << thread->priority;
}

static void dequeue(struct hart *hart, struct thread *thread)
{
	list_remove(&thread->link);
	if (list_empty(&hart->ready[thread->priority]))
		hart->ready_mask &= ~(1UL << thread->priority);
}

void schedule_wake(struct thread *thread)
{
	struct hart *hart = this_hart;

	assert(thread->state == THREAD_READY);
	if (unlikely(hart->handoff))
		enqueue(hart, hart->handoff, false);
	hart->handoff = thread;
}

void schedule_remove(struct thread *thread)
{
	struct hart *hart = this_hart;

	if (thread == hart->handoff)
		hart->handoff = NULL;
	else if (thread->link.next)
		dequeue(hart, thread);
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
			enqueue(hart, hart->handoff, false);
		hart->handoff = NULL;
	}
}

static struct thread *take_highest(struct hart *hart)
{
	unsigned priority = PRIORITIES - 1;
	struct thread *thread;

	if (!hart->ready_mask)
		idle(hart);
	while (!(hart->ready_mask >> priority & 1))
		priority--;
	thread = thread_of(hart->ready[priority].next);
	dequeue(hart, thread);
	return thread;
}

/* The time slice of `current` is over: if another one of its priority is ready, that one's turn begins. */
static bool rotate(struct hart *hart, struct thread *current)
{
	if (likely(!hart->rotate))
		return false;
	hart->rotate = false;
	if (!(hart->ready_mask >> current->priority & 1))
		return false;
	enqueue(hart, current, false);
	return true;
}

static void switch_to(struct hart *hart, struct thread *next)
{
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
	if (current && current->state == THREAD_READY && !rotate(hart, current)) {
		if (likely(!next)) {
			next = current;
		} else if (next->priority > current->priority) {
			enqueue(hart, current, true);
		} else {
			enqueue(hart, next, false);
			next = current;
		}
	}
	if (unlikely(!next) || unlikely(higher_is_ready(hart, next))) {
		if (next)
			enqueue(hart, next, true);
		next = take_highest(hart);
	}
	if (next != hart->current)
		switch_to(hart, next);
	if (unlikely(hart->ready_mask >> next->priority & 1) && !hart->tick) {
		hart->tick = time_now() + machine_timebase / SLICES_PER_SECOND;
		timer_rearm();
	}
	assert(next->state == THREAD_READY && next->space);
	return next;
}
