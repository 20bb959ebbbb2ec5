/*
 * Calls from arrival to answer: records, parking, forwarding. Where they wait is in queue.c, how they copy in copy.c; what they mean is their
 * handlers' business.
 *
 * Some calls need no record (transfer.c). The message of every other one goes into a blank record. A call that is answered or forwarded at once
 * leaves it blank; one that has to wait keeps it, is entered by its thread, and the next blank one takes its place.
 *
 * The last answer or forward is kept back until the next receive, so that both are one kernel call: a forward in the blank record's message. An
 * answer is one word by itself: who asks natively sees all six, and what others have said is not for him.
 */
#include "shell.h"

#define BUCKETS 256
#define RUN_AT_ONCE 8
#define CALLS_MAX 8192

struct call *current;

static struct table calls = { .record_bytes = sizeof(struct call), .limit = CALLS_MAX };
static struct call no_memory;			/* what is received into it is answered -ENOMEM */
static struct call *blank = &no_memory;
static struct call *unused;			/* records to become blank, linked by `next` */
static struct call *by_thread[BUCKETS];		/* calls that wait, are away or faulted */
static struct {
	uint64_t token;			/* 0: nothing is kept back */
	uint64_t slot;			/* where to forward the caller; 0: an answer */
	struct message answer;
} kept;

/* ---- records */

static struct call **bucket_of_thread(uint64_t token)
{
	return &by_thread[TOKEN_THREAD(token) % BUCKETS];
}

static struct call *find(uint64_t token)
{
	struct call *call = *bucket_of_thread(token);

	while (call && TOKEN_THREAD(call->message.token) != TOKEN_THREAD(token))
		call = call->hash_next;
	return call;
}

static __attribute__((noinline)) void new_blank(void)
{
	uint32_t number;
	struct call *call = table_take(&calls, &number);

	blank = call ? call : &no_memory;
}

static INLINED void next_blank(void)
{
	if (!unused) {
		new_blank();
		return;
	}
	blank = unused;
	unused = blank->next;
}

/* The call goes on later: its record is entered. */
static void park(struct call *call, enum call_state state)
{
	struct call **bucket = bucket_of_thread(call->message.token);

	call->state = state;
	if (call != blank)
		return;
	call->hash_next = *bucket;
	*bucket = call;
	if (call->process)
		call->process->parked++;
	next_blank();
}

static INLINED void drop(struct call *call)
{
	struct call **link = bucket_of_thread(call->message.token);

	if (call == blank)
		return;
	if (call->state == CALL_READY)
		wake_one(call->key);	/* of a pipe: what has woken this one is for the next */
	queue_leave(call);
	if (call->open)
		open_release(call->open);
	while (*link != call)
		link = &(*link)->hash_next;
	*link = call->hash_next;
	if (call->process)
		call->process->parked--;
	call->next = unused;
	unused = call;
}

/* ---- answers and forwards */

/* A caller that is gone wants no answer. */
static __attribute__((noinline)) void send_kept(void)
{
	if (kept.token && kept.slot)
		ipc_forward(kept.token, kept.slot, &blank->message);
	else if (kept.token)
		ipc_reply(kept.token, &kept.answer);
	kept.token = 0;
}

static void keep(uint64_t token, uint64_t slot)
{
	if (kept.token)
		send_kept();
	kept.token = token;
	kept.slot = slot;
}

static void answer(struct call *call, int64_t result)
{
	keep(call->message.token, 0);
	kept.answer.label = kept.answer.word[0] = result;
}

static __attribute__((noinline)) void end_slowly(struct call *call, int64_t result)
{
	answer(call, result);
	drop(call);
}

/* Mostly nothing else is to be done, which needs no stack. */
void call_end(struct call *call, int64_t result)
{
	if (kept.token || call->state == CALL_READY || call->open) {
		end_slowly(call, result);
		return;
	}
	answer(call, result);
	drop(call);
}

int64_t forward(struct call *call, uint64_t slot, uint64_t label)
{
	keep(call->message.token, slot);
	blank->message.label = label;
	if (call != blank)
		memcpy(blank->message.word, call->message.word, sizeof(blank->message.word));
	return TAKEN;
}

int64_t forward_and_return(struct call *call, uint64_t slot, uint64_t label, const void *words, size_t bytes)
{
	forward_call(call, slot, label, words, bytes);
	send_kept();
	park(call, CALL_AWAY);
	return TAKEN;
}

/* Comes after the forwards before it. */
int call_server(uint64_t slot, struct message *message)
{
	send_kept();
	return ipc_call(slot, message) < 0 ? -EIO : (int)(int64_t)message->label;
}

/* ---- running */

static INLINED void wait(struct call *call)
{
	queue_wait(call, volume.wait_key);
	park(call, CALL_WAITING);
}

static void run(struct call *call)
{
	call_handler *handler = handler_of(call);
	int64_t result = -ENOSYS;

	current = call;
	if (handler)
		result = handler(call);
	step_abort();
	if (result == -ENOSPC && (node_jobs_pending() || release_expected()))
		result = wait_for(WAIT_KEY(WAIT_JOBS, 0));
	if (result > WAIT) {
		call_end(call, result);
	} else if (result == WAIT) {
		wait(call);
	} else if (result == AGAIN) {
		park(call, CALL_READY);
		queue_ready(call);
	} else if (call->state == CALL_FAULTED && (call->done || call->stage || call->open)) {
		park(call, CALL_FAULTED);
	} else if (call->state != CALL_AWAY) {
		drop(call);
	}
}

/* Not what has done a part already, or must not wait any more. */
static bool may_end_at_once(const struct call *call)
{
	return call->message.badge == BADGE_CLIENT && !call->done && !call->interrupted && call->process;
}

/* Most that have waited for a pipe end at once, too. */
static __attribute__((noinline)) void run_transfer(struct call *call)
{
	enum at_once end = transfer_at_once(call->process, &call->message);

	if (end == LATER) {
		run(call);
	} else if (end == WAITING) {
		wait(call);
	} else {
		if (end == FORWARDED)
			forward(call, SLOT_PAGER, call->message.label);
		else
			answer(call, call->message.word[0]);
		drop(call);
	}
}

void calls_run_ready(void)
{
	struct call *call;

	for (unsigned ran = 0; ran < RUN_AT_ONCE && (call = queue_next()); ran++) {
		if (may_end_at_once(call))
			run_transfer(call);
		else
			run(call);
	}
}

/* ---- arrivals */

static __attribute__((noinline)) void interrupted(uint64_t token)
{
	struct call *call = find(token);

	if (!call || call->message.token != token)
		return;
	call->interrupted = true;
	if (call->state == CALL_WAITING)
		queue_ready(call);
}

/* The record that the call just received continues, if it comes back from the pager, or after a fault; else the blank one. */
static struct call *continued(long event)
{
	struct call *call = find(blank->message.token);

	if (!call)
		return blank;
	if ((call->state == CALL_AWAY && event == EVENT_MESSAGE && blank->message.badge == BADGE_PAGER) ||
	    (call->state == CALL_FAULTED && event == EVENT_REDELIVERED)) {
		call->message = blank->message;
		return call;
	}
	drop(call);	/* its thread calls anew: the old call has found another end */
	return blank;
}

/* Something may have become free since. */
static void replace_no_memory(void)
{
	next_blank();
	if (blank != &no_memory)
		blank->message = no_memory.message;
}

static void begin(struct call *call)
{
	call->stage = call->after = 0;
	call->interrupted = call->close_on_exec = false;
	call->done = call->stamp = 0;
	call->open = NULL;
}

static void arrived_to_wait(struct process *process);

static __attribute__((noinline)) void arrived_without_record(struct process *process)
{
	replace_no_memory();
	if (blank == &no_memory)
		answer(blank, -ENOMEM);
	else
		arrived_to_wait(process);
}

/* What is at its end for now, but waits. */
static __attribute__((noinline)) void arrived_to_wait(struct process *process)
{
	if (blank == &no_memory) {
		arrived_without_record(process);
		return;
	}
	begin(blank);
	blank->event = EVENT_MESSAGE;
	blank->process = process;
	wait(blank);
}

static __attribute__((noinline)) void arrived(long event)
{
	struct process *process;
	struct call *call;

	if (blank == &no_memory)
		replace_no_memory();
	call = continued(event);
	if (call == &no_memory) {
		answer(call, -ENOMEM);
		return;
	}
	if (call == blank)
		begin(call);
	call->state = CALL_RUNNING;
	call->event = event;
	call->process = process = process_of(call->message.identity);
	if (process && process->executing && process->executing_thread == TOKEN_THREAD(call->message.token) && call->message.badge == BADGE_CLIENT)
		process_executing(process, NULL);	/* it has failed */
	run(call);
}

/* Sends and receives. If the caller is gone nothing has been received yet. Nothing of what is sent is needed afterwards: it stays in registers. */
static INLINED long exchange(uint64_t token, uint64_t slot, struct message *message)
{
	long event = slot ? ipc_forward_recv(token, slot, SLOT_ENDPOINT, message) : ipc_reply_recv(token, SLOT_ENDPOINT, message);

	if (event >= 0)
		return event;
	*message = (struct message){ .deadline = message->deadline };
	return ipc_recv(SLOT_ENDPOINT, message);
}

static INLINED void copy_message(struct message *to, const struct message *from)
{
#pragma GCC unroll 6
	for (unsigned i = 0; i < 6; i++)
		to->word[i] = from->word[i];
	to->label = from->label;
	to->badge = from->badge;
	to->token = from->token;
	to->identity = from->identity;
	to->address = from->address;
}

long calls_serve(bool wait, uint64_t *bits)
{
	struct message message = { .deadline = wait ? 0 : 1 };
	struct process *process;
	long event;

	if (kept.token) {
		copy_message(&message, kept.slot ? &blank->message : &kept.answer);
		event = exchange(kept.token, kept.slot, &message);
		kept.token = 0;
	} else {
		event = ipc_recv(SLOT_ENDPOINT, &message);
	}
	while (event == EVENT_MESSAGE && (process = process_or_zombie(message.identity)) && !process->parked) {
		enum at_once end = transfer_at_once(process, &message);

		if (end == LATER)
			break;
		if (end == WAITING) {
			copy_message(&blank->message, &message);
			arrived_to_wait(process);
			if (!wait || kept.token)
				return event;
			event = ipc_recv(SLOT_ENDPOINT, &message);	/* no deadline: `wait` */
			continue;
		}
		message.capability = message.deadline = 0;
		if (end == ANSWERED && wait) {
			event = exchange(message.token, 0, &message);
			continue;
		}
		if (end == FORWARDED && wait) {
			event = exchange(message.token, SLOT_PAGER, &message);
			continue;
		}
		if (!kept.token) {
			kept.token = message.token;
			kept.slot = end == FORWARDED ? SLOT_PAGER : 0;
			copy_message(&blank->message, &message);
			kept.answer.label = kept.answer.word[0] = message.word[0];
			return event;
		}
		ipc_reply(message.token, &message);	/* the reader of what was written comes after the writer */
		if (!wait || calls_ready())
			return event;
		message.token = kept.token;
		message.label = message.word[0] = kept.answer.label;
		kept.token = 0;
		event = exchange(message.token, 0, &message);
	}
	if (event == EVENT_MESSAGE || event == EVENT_REDELIVERED) {
		copy_message(&blank->message, &message);
		arrived(event);
	} else if (event == EVENT_INTERRUPTED) {
		interrupted(message.token);
	} else if (event == EVENT_NOTIFICATION) {
		*bits = message.word[0];
	}
	return event;
}

void calls_drop_process(struct process *process)
{
	for (unsigned i = 0; i < BUCKETS && process->parked; i++)
		for (struct call *call = by_thread[i], *next; call; call = next) {
			next = call->hash_next;
			if (call->process == process)
				drop(call);
		}
}
