/*
 * A user's own pager (served.h). The program is never given a client's token: who holds one speaks for the client at every server, and may
 * keep it from ending. It asks for work instead, with a call that brings the page before and waits for the next; this costs as many
 * kernel entries as forwarding the fault there and back. Its page is copied: what it keeps of it is its own.
 */
#include "served.h"

#include "calls.h"
#include "memory.h"
#include "reply.h"
#include "spaces.h"

#include <linux/errno.h>

struct wanted {
	struct wanted *next;		/* of the same process, oldest first; or free */
	uint64_t id;			/* of the core's request; 0: never used */
	uint64_t object, page, frame;
	bool told;
};

static struct wanted records[CORE_REQUESTS], *unused;
static struct wanted *orphans;		/* their pager is gone */

/* Called from within the core, which takes answers only from outside. */
static void fail_orphans(struct job *job)
{
	(void)job;
	while (orphans) {
		struct wanted *wanted = orphans;
		uint64_t id = wanted->id;

		orphans = wanted->next;
		wanted->next = unused;
		unused = wanted;
		core_complete(id, -EIO, 0);
	}
}

static struct job failing = { .run = fail_orphans };

static struct wanted *record(void)
{
	static unsigned used;
	struct wanted *wanted = unused;

	if (wanted)
		unused = wanted->next;
	else if (used < CORE_REQUESTS)
		wanted = &records[used++];
	else
		panic("pager: more than %u pages are wanted of programs", CORE_REQUESTS);
	return wanted;
}

static void answer(uint64_t token, long result, uint64_t object, uint64_t offset)
{
	struct message message = { .word = { result, object, offset } };

	reply_call(token, &message);
}

/* Until it is interrupted, or a request comes (served_request). */
static long wait_for_wanted(struct call *call)
{
	struct wanted *wanted = call->process->wanted;

	while (wanted && wanted->told)
		wanted = wanted->next;
	if (!wanted)
		return CORE_WAIT;
	wanted->told = true;
	answer(call->token, 0, wanted->object, wanted->page * PAGE_BYTES);
	return CALL_DONE;
}

void served_request(const struct core_request *request)
{
	struct process *process = process_find(request->pager);
	bool alive = process && process->serves;
	struct wanted **link = alive ? &process->wanted : &orphans, *wanted = record();

	while (*link)
		link = &(*link)->next;
	*wanted = (struct wanted){ .id = request->id, .object = request->object, .page = request->first, .frame = request->frame[0] };
	*link = wanted;
	if (!alive)
		job_queue(&failing);
	else if (process->call.token && process->call.operation == wait_for_wanted)
		job_queue(&process->call.job);
}

void served_end(struct process *process)
{
	struct wanted **link = &orphans;

	process->serves = false;
	if (!process->wanted)
		return;
	while (*link)
		link = &(*link)->next;
	*link = process->wanted;
	process->wanted = 0;
	job_queue(&failing);
}

long forward_serve(struct call *call)
{
	struct object *object = core_object_find(call->word[0]);
	struct process *other = object ? process_find(core_object_pager(object)) : 0;
	long result = -EBUSY;

	if (!object)
		return -ENODEV;
	if (!other || !other->serves)
		result = core_object_serve(object, call->process->identity);
	call->process->serves |= !result;
	answer(call->token, result, call->word[0], 0);
	return CALL_DONE;
}

/* What the request brings, to whom it was told. CORE_WAIT: the program's own memory is not there yet. */
static long bring(struct call *call, const struct pager_supply *request)
{
	struct wanted **link = &call->process->wanted, *wanted;
	long result;

	while (*link && !((*link)->told && (*link)->object == request->object && (*link)->page == request->offset / PAGE_BYTES))
		link = &(*link)->next;
	wanted = *link;
	if (!wanted || request->offset % PAGE_BYTES)
		return -ENOENT;
	if (!request->failed) {
		result = core_copy_in(call_space(call), request->address, (void *)(WINDOW + wanted->frame), PAGE_BYTES, &call->job.waiter);
		if (result != PAGE_BYTES)
			return result < 0 ? result : -EFAULT;
	}
	*link = wanted->next;
	wanted->next = unused;
	unused = wanted;
	core_complete(wanted->id, request->failed ? -EIO : 0, 0);
	return 0;
}

long forward_supply(struct call *call)
{
	const struct pager_supply *request = (const struct pager_supply *)call->word;
	long result = !call->process->serves ? -ENOENT : request->object ? bring(call, request) : 0;

	if (result)
		return result;
	for (struct wanted *wanted = call->process->wanted; wanted && !request->object; wanted = wanted->next)
		wanted->told = false;
	call->operation = wait_for_wanted;
	return wait_for_wanted(call);
}

/* A fault is given up in any case: it comes again if its thread does. A transfer tells how far it came. */
void served_interrupted(struct call *call)
{
	const struct waiter *waiter = &call->job.waiter;
	bool fault = call->operation == serve_fault, transfer = call->operation == forward_read || call->operation == forward_write;
	uint64_t done = waiter->done;

	if (!fault && call->operation != forward_supply && call->operation != wait_for_wanted && !(transfer && waiter->served))
		return;
	job_cancel(&call->job);
	if (!fault)
		answer(call->token, done ? (long)done : -EINTR, 0, 0);
	else if (call->word[1] & ACCESS_COPY)
		reply_refuse(call, -EFAULT);
	else
		reply_word(call->token, 0);
	call->token = 0;
}
