/*
 * Everything that belongs to one hart, reached through tp in the kernel and sscratch outside of it; and the scheduler, which
 * says what the hart does next: the highest priority first, round robin within one with slices of 10 ms that are only armed when
 * somebody else is there to run. A thread woken by its partner is handed the hart directly, without passing through a queue.
 *
 * The kernel never sleeps inside a call, so one stack per hart is enough and no trap comes while the kernel runs.
 */
#ifndef HART_H
#define HART_H

#include "base.h"

enum { HARTS_MAX = 1 };

struct hart {
	/* Shared with the assembly files: riscv/frame.h */
	uint64_t stack;
	uint32_t ready_mask;		/* bit n: ready[n] is not empty */
	uint32_t attention;		/* ATTENTION_*: why the fast path must not be taken now */
	struct object *objects;		/* the object table and its size */
	uint64_t object_bytes;
	uint64_t object_entries;	/* what to add to a page's address >> 8 for its entry in the table */
	struct thread *current;		/* NULL: it was destroyed in this very call */
	uint64_t tick;			/* end of the current time slice; 0: nobody else is ready */
	struct link ready[PRIORITIES];
	struct thread *handoff;		/* just woken, not in a ready queue yet; NULL outside of kernel calls */
	struct hart *no_thread;		/* always NULL, in the place of a thread's `hart`: trap.S */
	struct kernel_info counters;	/* the first four also counted by fastpath.S */

	struct thread *fpu_owner;	/* whose FPU state the registers hold; NULL: nobody's */
	struct space *space;		/* whose page table is loaded; NULL: the kernel's own */
	uint64_t armed;			/* when the next timer interrupt comes */
	long second_result;		/* a1 of the plain call under way */
};

/*
 * ready_mask and attention together are one number. Unless it is below a thread's `limit`, that must not be switched to without the
 * scheduler: something wants attention, somebody ready stands higher, or the thread itself needs more than a switch.
 */
enum attention {
	ATTENTION_FPU = 1 << 0,		/* the current thread may use the FPU */
	ATTENTION_ROTATE = 1 << 1,	/* the time slice is over */
	ATTENTION_SLOW = 1 << 2,	/* the boot argument fast=0 */
};

register struct hart *this_hart __asm__("tp");
extern struct hart harts[HARTS_MAX];
extern uint32_t kernel_lock_word;
extern struct thread *init_thread;

/*
 * The kernel lock: taken on every entry, released on the way out and while a hart waits for interrupts. With one hart
 * nobody contends and it compiles to nothing.
 */
static inline void kernel_lock(void)
{
	while (HARTS_MAX > 1 && __atomic_exchange_n(&kernel_lock_word, 1, __ATOMIC_ACQUIRE))
		;
}

static inline void kernel_unlock(void)
{
	if (HARTS_MAX > 1)
		__atomic_store_n(&kernel_lock_word, 0, __ATOMIC_RELEASE);
}

void schedule_init(struct hart *hart);

/* `thread` has become READY; a READY thread no longer is. */
void schedule_enqueue(struct thread *thread, bool first);
void schedule_remove(struct thread *thread);
static inline void schedule_wake(struct thread *thread)
{
	if (unlikely(this_hart->handoff))
		schedule_enqueue(this_hart->handoff, false);
	this_hart->handoff = thread;
}

/* At the end of each kernel entry: choose, switch, wait for interrupts if nobody is ready. Result: the thread to return to. */
struct thread *schedule(void);

#endif
