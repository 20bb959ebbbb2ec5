/*
 * Work that waits or goes in slices: jobs, their run queue, and calls, the jobs that have a caller.
 *
 *   idle --job_queue--> queued --jobs_run--> running --+--> idle      (done, or parked in the core until ops->wake)
 *                          ^                           |
 *                          `------- CORE_AGAIN, wake --'
 *
 * A job that queues itself again (CORE_AGAIN) is long work: it stands behind all others, and gives way to programs (main.c).
 *
 * A Linux thread has one call outstanding, so its process record holds the one call record that it can need: parking never
 * allocates and never fails. A record is keyed by its token: when the thread dies, proc reaps it and the record goes along; an
 * answer to a token that is no longer good is dropped without a word.
 */
#ifndef PAGER_PARK_H
#define PAGER_PARK_H

#include "core/core.h"
#include "server.h"

#define CALL_DONE (-100002L)	/* an operation's result: it has answered or forwarded the caller itself */

struct job {
	struct waiter waiter;		/* first: ops->wake names the job by it */
	struct job *next;		/* in the run queue, if queued */
	bool queued;
	void (*run)(struct job *job);
};

struct process;
struct domain;

struct call {
	struct job job;
	struct process *process;
	uint64_t token;			/* 0: no call is under way */
	uint64_t word[6];
	long (*operation)(struct call *call);
	struct domain *child;		/* fork: the space that is being filled */
};

void job_queue(struct job *job);
void job_cancel(struct job *job);	/* out of the run queue and of the core's queues; the waiter is fresh again */
void job_fresh(struct job *job);	/* before the next operation of the core: a zeroed waiter */
void job_wake(struct waiter *waiter);	/* struct core_ops */
bool jobs_waiting(void);
bool jobs_soon(void);			/* others than long work */
void jobs_run(unsigned steps, bool long_too);	/* long_too: also one step of long work */

/* A delivered message becomes its process's call; the operation is tried at once. */
void call_begin(struct process *process, const struct message *message, long (*operation)(struct call *call));
void call_drop(struct call *call);	/* the caller is gone: undo what is half done */

#endif
