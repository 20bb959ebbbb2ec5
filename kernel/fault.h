/*
 * Calls that the kernel makes for a thread: faults and exceptions; what becomes of a call whose server is gone; the second delivery
 * of a call after `fault`.
 */
#ifndef FAULT_H
#define FAULT_H

#include "ipc.h"

struct map_item;

/* The thread's frame is final and it is in no queue. It calls its exception endpoint, or is stuck. */
void exception_call(struct thread *thread, uint64_t cause, uint64_t value);

/* The running thread's access was refused by its page table: ask its pager. */
void fault_own(struct thread *thread, uint64_t address, uint64_t access);

/* A reply to a fault call: resume or deliver again; map first if the item has pages; a label: refused. */
void fault_answered(struct thread *thread, const struct map_item *item, uint64_t label);

/* Nobody alive can answer the thread's call; it is in no queue any more. */
void call_lost(struct thread *thread);

/* Tell the holder of the thread's call that the thread was interrupted. */
void interrupted_event(struct thread *thread);

/* A foreign system call: the pc is still at the ecall. */
void route_call(struct thread *thread);

long sys_fault(struct thread *caller, const uint64_t *argument);
long sys_route_set(struct thread *caller, const uint64_t *argument);

#endif
