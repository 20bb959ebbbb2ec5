/*
 * The run queue and the life of a call (park.h). A step is one try of one job: bounded by the core, which answers CORE_AGAIN or
 * CORE_WAIT instead of going on for long. This file knows no protocol: the operations are in calls.c, files.c and exec.c.
 */
#include "park.h"
#include "reply.h"
#include "spaces.h"

/* What has just come or been woken, and long work: jobs that have queued themselves again. */
static struct queue { struct job *first, *last; } soon, later;
static unsigned queued;		/* in both: one look says that there is nothing to do */
static struct job *running;

void job_queue(struct job *job)
{
	struct queue *queue = job == running ? &later : &soon;

	if (job->queued)
		return;
	job->queued = true;
	job->next = 0;
	if (queue->first)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
	queued++;
}

static void run_first(struct queue *queue)
{
	struct job *job = queue->first;

	queue->first = job->next;
	job->next = 0;
	job->queued = false;
	queued--;
	reply_flush();		/* a map item that is still here may name what this step takes away */
	running = job;
	job->run(job);
	running = 0;
}

static void leave_queue(struct queue *queue, struct job *job)
{
	struct job *before = 0;

	for (struct job *other = queue->first; other; before = other, other = other->next) {
		if (other != job)
			continue;
		if (before)
			before->next = job->next;
		else
			queue->first = job->next;
		if (queue->last == job)
			queue->last = before;
		queued--;
		break;
	}
}

void job_cancel(struct job *job)
{
	core_cancel(&job->waiter);
	leave_queue(&soon, job);
	leave_queue(&later, job);
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
	return queued;
}

bool jobs_soon(void)
{
	return soon.first;
}

RARE void jobs_run(unsigned steps, bool long_too)
{
	while (steps-- && soon.first)
		run_first(&soon);
	if (long_too && later.first)
		run_first(&later);
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
