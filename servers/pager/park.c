/*
 * The run queue and the life of a call (park.h). A step is one try of one job: bounded by the core, which answers CORE_AGAIN or
 * CORE_WAIT instead of going on for long. This file knows no protocol: the operations are in calls.c, files.c and exec.c.
 */
#include "park.h"
#include "reply.h"
#include "spaces.h"

static struct job *first, *last;

void job_queue(struct job *job)
{
	if (job->queued)
		return;
	job->queued = true;
	job->next = 0;
	if (first)
		last->next = job;
	else
		first = job;
	last = job;
}

static struct job *job_dequeue(void)
{
	struct job *job = first;

	first = job->next;
	job->next = 0;
	job->queued = false;
	return job;
}

void job_cancel(struct job *job)
{
	struct job *before = 0;

	core_cancel(&job->waiter);
	for (struct job *other = first; other; before = other, other = other->next) {
		if (other != job)
			continue;
		if (before)
			before->next = job->next;
		else
			first = job->next;
		if (last == job)
			last = before;
		break;
	}
	job->next = 0;
	job->queued = false;
	job_fresh(job);
}

typedef uint64_t __attribute__((may_alias)) word_t;

/* Word by word: each call does it, and it must not become a call of memset. */
void job_fresh(struct job *job)
{
	word_t *word = (word_t *)&job->waiter;

	_Static_assert(sizeof(job->waiter) == 13 * sizeof(*word), "all of it");
#pragma GCC unroll 13
	for (unsigned i = 0; i < 13; i++)
		word[i] = 0;
}

void job_wake(struct waiter *waiter)
{
	job_queue((struct job *)waiter);
}

bool jobs_waiting(void)
{
	return first != 0;
}

void jobs_run(unsigned steps)
{
	while (steps-- && first) {
		struct job *job = job_dequeue();

		reply_flush();		/* a map item that is still here may name what this step takes away */
		job->run(job);
	}
}

/* After a try. The operation's result is the caller's a0 unless it says otherwise. */
static inline void call_tried(struct call *call, long result)
{
	if (result == CORE_WAIT)
		return;
	if (result == CORE_AGAIN) {
		job_queue(&call->job);
		return;
	}
	if (result != CALL_DONE)
		reply_word(call->token, result);
	call->token = 0;
}

static void call_try(struct job *job)
{
	struct call *call = (struct call *)job;

	call_tried(call, call->operation(call));
}

STRAIGHT void call_begin(struct process *process, const struct message *message, long (*operation)(struct call *call))
{
	struct call *call = &process->call;

	/* A thread has one call at a time: an older one that is still here has lost its caller. */
	if (call->token)
		call_drop(call);
	call->process = process;
	call->token = message->token;
	call->operation = operation;
	call->job.run = call_try;
#pragma GCC unroll 6
	for (unsigned i = 0; i < 6; i++)
		call->word[i] = message->word[i];
	job_fresh(&call->job);
	call_tried(call, operation(call));
}

void call_drop(struct call *call)
{
	if (!call->token)
		return;
	job_cancel(&call->job);
	call->token = 0;
	if (call->child)
		domain_release(call->child);
	call->child = 0;
}
