/*
 * Which thread runs next: the highest priority first, round robin within one with slices of 10 ms that are only armed when somebody else
 * is there to run. A thread woken by its partner is handed the hart directly, without passing through a queue.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "hart.h"

struct thread;

extern uint64_t schedule_first_thread;	/* object index of init's thread */

void schedule_init(struct hart *hart);

/* `thread` has become READY. */
void schedule_wake(struct thread *thread);

/* A READY thread no longer is. */
void schedule_remove(struct thread *thread);

/* At the end of each kernel entry: choose, switch, wait for interrupts if nobody is ready. Result: the thread to return to. */
struct thread *schedule(void);

#endif
