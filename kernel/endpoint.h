/*
 * An endpoint: the place where calls are sent to and received from. Three queues, of which at most one of the first two
 * is not empty:
 *
 *   callers      threads CALLING, first come first served
 *   receivers    threads RECEIVING
 *   interrupted  threads HELD through this endpoint whose holder has not been told yet that they were interrupted
 *
 * Endpoints outlive servers: callers still queued wait for the successor. If an endpoint itself dies, they are freed.
 *
 * Calls come from ipc.c (native), route.c (foreign system calls) and fault.c (faults and exceptions); all go through
 * endpoint_send. Semantics: the opening comment of abi/kernel.h.
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "base.h"

struct thread;

struct endpoint {
	struct link receivers, callers, interrupted;	/* the first and `pending` are shared with fastpath.S */
	uint64_t pending;	/* 0: nobody is in the last two */
};

void endpoint_init(struct endpoint *endpoint);

/* Free who waits here: OK, or AGAIN. */
long endpoint_dismantle(struct endpoint *endpoint);

/* The prepared call of `sender` (its thread_call) goes to a receiver, or into the queue, first or last. */
void endpoint_send(struct endpoint *endpoint, struct thread *sender, bool first);

/* The thread's call is held; its holder is to be told when it next receives that the thread was interrupted. */
void endpoint_tell(struct endpoint *endpoint, struct thread *thread);

/* A handler's result that is no result: the registers are set, or will be when the thread wakes. */
#define BLOCKED 1

/* Result of a message call that delivers nothing: a7, all else zero. An event that is no call: three words besides. */
void message_result(struct thread *thread, long result);
void message_event(struct thread *receiver, unsigned event, uint64_t word, uint64_t token, uint64_t identity);

/* The thread's frame is final and it is in no queue. It calls its exception endpoint, or is stuck. */
void exception_call(struct thread *thread, uint64_t cause, uint64_t value);

/* The running thread's access was refused by its page table: ask its pager. */
void fault_own(struct thread *thread, uint64_t address, uint64_t access);

/* A reply to a fault call, whose map item, if any, is mapped: resume or deliver again. */
void fault_answered(struct thread *thread, bool refused);

/* Nobody alive can answer the thread's call: a native caller is told, other calls become exception calls. */
void call_lost(struct thread *thread);

/* A foreign system call: the pc is still at the ecall. */
void route_call(struct thread *thread);

#endif
