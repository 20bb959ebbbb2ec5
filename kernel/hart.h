/*
 * Everything that belongs to one hart, reached through tp in the kernel and sscratch outside of it. The kernel never sleeps
 * inside a call, so one stack per hart is enough and no trap ever comes while the kernel runs (any that does is a panic).
 */
#ifndef HART_H
#define HART_H

#include "base.h"
#include "riscv/frame.h"

enum { HARTS_MAX = 1 };

struct hart {
	/* Shared with trap.S: riscv/frame.h */
	struct thread *current;		/* whose registers a trap saves; NULL: it was destroyed in this very call */
	uint64_t stack;
	uint64_t user_sp;		/* scratch of the trap entry */

	/* Scheduling: schedule.c */
	struct thread *handoff;		/* just woken, not in a ready queue yet; NULL outside of kernel calls */
	uint64_t ready_mask;		/* bit n: ready[n] is not empty */
	struct link ready[PRIORITIES];
	uint64_t tick;			/* end of the current time slice; 0: nobody else of this priority is ready */
	bool rotate;			/* the time slice is over */

	struct space *space;		/* whose page table is loaded; NULL: the kernel's own */
	struct thread *fpu_owner;	/* whose FPU state the registers hold; NULL: nobody's */
	uint64_t armed;			/* when the next timer interrupt comes */
	long second_result;		/* a1 of the plain call under way */
	struct kernel_info counters;
	uint64_t id;
};

register struct hart *this_hart __asm__("tp");
extern struct hart harts[HARTS_MAX];

/*
 * The kernel lock: taken on every entry, released on the way out and while a hart waits for interrupts. With one hart
 * nobody contends and it compiles to nothing.
 */
static inline void kernel_lock(void)
{
	extern uint32_t kernel_lock_word;

	if (HARTS_MAX > 1)
		while (__atomic_exchange_n(&kernel_lock_word, 1, __ATOMIC_ACQUIRE))
			;
}

static inline void kernel_unlock(void)
{
	extern uint32_t kernel_lock_word;

	if (HARTS_MAX > 1)
		__atomic_store_n(&kernel_lock_word, 0, __ATOMIC_RELEASE);
}

#endif
