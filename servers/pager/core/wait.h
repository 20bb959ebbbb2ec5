/*
 * Waiting: queues of parked waiters, and the locks that a parked operation keeps (wait.c). Waking runs nothing: who is woken repeats its operation later,
 * may find its reason gone again, and parks anew. Locks are taken in one order: open description, object, space, sweep.
 */
#ifndef PAGER_CORE_WAIT_H
#define PAGER_CORE_WAIT_H

#include "core.h"

RARE long wait_park(struct waiter **queue, struct waiter *waiter);		/* CORE_WAIT */
void wait_fail(struct waiter **queue, long error);			/* all, with an error for wait_error */
static inline void wait_wake(struct waiter **queue)			/* all */
{
	if (*queue)
		wait_fail(queue, 0);
}

static inline long wait_error(struct waiter *waiter)
{
	long error = waiter->error;

	waiter->error = 0;
	return error;
}
long wait_again(struct waiter *waiter);					/* CORE_WAIT, and woken at once: only the step is over */
void wait_keep(struct waiter *waiter, struct object *object);		/* holds it while parked; null: lets go */
static inline long lock_check(struct lock *lock, struct waiter *waiter)	/* 0: free or ours. Else parked: CORE_WAIT */
{
	return !lock->owner || lock->owner == waiter ? 0 : wait_park(&lock->queue, waiter);
}
long memory_park(struct waiter *waiter);				/* CORE_WAIT: for memory */
RARE void memory_tell(void);						/* there may be some: all who wait now will be woken */
bool memory_tell_one(void);						/* one of them is; true: it is not the last */
long lock_take(struct lock *lock, struct waiter *waiter);		/* the same, and ours from now on */
void lock_drop(struct lock *lock, struct waiter *waiter);		/* if ours */

#endif
