/*
 * Reads and writes that wait, each in the order of arrival in its own queue. A record lives from the call's arrival to its answer;
 * it is found again by the caller's thread (abi/kernel.h, TOKENS).
 *
 *            a page of the caller is missing (LOAN_FAULTED)
 *   waiting ---------------------------------------------> faulting
 *      |    <---------------------------------------------
 *      v            the call is delivered again
 *   answered, or cut short by EVENT_INTERRUPTED
 */
#ifndef CONSOLE_CALLS_H
#define CONSOLE_CALLS_H

#include "server.h"

#define CALLS_MAX 1024

struct waiting_call {
	struct waiting_call *next;
	uint64_t token;
	uint64_t address, count;	/* as in struct console_transfer */
	bool vector, nonblock, faulting;
	bool counted;			/* `bytes` is known */
	uint64_t refused;		/* the address that the pager refused, 0: none */
	uint64_t bytes, done;		/* all that is to be moved; what has been */
	uint64_t sent_mark;		/* writes, when done == bytes: answered when output.sent has come so far */
	uint64_t deadline;		/* reads with VTIME; 0: none */
};

struct call_queue { struct waiting_call *first, **end; };

void call_queue_init(struct call_queue *queue);
/* Null: all records are taken. */
struct waiting_call *call_add(struct call_queue *queue);
void call_remove(struct call_queue *queue, struct waiting_call *call);
struct waiting_call *call_find(const struct call_queue *queue, uint64_t token);

#endif
