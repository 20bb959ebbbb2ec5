/*
 * Calls from arrival to answer: records, parking, waking, forwarding, copies under the caller's loan. The last answer or forward is kept
 * back until the next receive, so that both are one kernel call. What calls mean is their handlers' business.
 */
#include "shell.h"

#define BUCKETS 256
#define RUN_AT_ONCE 8

struct list { struct call *first, *last; };

struct call *current;

static struct table calls = { .record_bytes = sizeof(struct call), .limit = 8192 };
static uint32_t by_thread[BUCKETS];
static uint16_t of_process[PROCESS_MAX];	/* records, by the slot of the caller's identity */
static struct list ready, waiting[BUCKETS];
static struct {
	uint64_t token;			/* 0: nothing is kept back */
	uint64_t slot;			/* where to forward the caller; 0: an answer */
	struct message message;
} kept;

/* ---- lists */

static void append(struct list *list, struct call *call)
{
	call->next = NULL;
	call->previous = list->last;
	*(list->last ? &list->last->next : &list->first) = call;
	list->last = call;
}

static void unlink(struct list *list, struct call *call)
{
	*(call->previous ? &call->previous->next : &list->first) = call->next;
	*(call->next ? &call->next->previous : &list->last) = call->previous;
}

static struct list *bucket_of_key(uint64_t key)
{
	return &waiting[(key ^ key >> 8 ^ key >> 56) % BUCKETS];
}

static void leave_list(struct call *call)
{
	if (call->state == CALL_READY)
		unlink(&ready, call);
	if (call->state == CALL_WAITING)
		unlink(bucket_of_key(call->key), call);
	call->state = CALL_RUNNING;
}

static void make_ready(struct call *call)
{
	leave_list(call);
	call->state = CALL_READY;
	append(&ready, call);
}

void wake(uint64_t key)
{
	struct call *call, *next;

	for (call = bucket_of_key(key)->first; call; call = next) {
		next = call->next;
		if (call->key == key)
			make_ready(call);
	}
	pages_wake(key);
}

bool calls_ready(void)
{
	return ready.first;
}

/* ---- records */

static uint32_t *bucket_of_thread(uint64_t token)
{
	return &by_thread[TOKEN_THREAD(token) % BUCKETS];
}

static struct call *find(uint64_t token)
{
	for (uint32_t number = *bucket_of_thread(token); number; ) {
		struct call *call = table_get(&calls, number);

		if (TOKEN_THREAD(call->message.token) == TOKEN_THREAD(token))
			return call;
		number = call->hash_next;
	}
	return NULL;
}

static struct call *make(const struct message *message)
{
	uint32_t number, *bucket = bucket_of_thread(message->token);
	struct call *call = table_take(&calls, &number);

	if (!call)
		return NULL;
	call->number = number;
	call->slot = IDENTITY_SLOT(message->identity) % PROCESS_MAX;
	of_process[call->slot]++;
	call->hash_next = *bucket;
	*bucket = number;
	call->message = *message;
	call->state = CALL_RUNNING;
	return call;
}

static void drop(struct call *call)
{
	uint32_t *link = bucket_of_thread(call->message.token);

	leave_list(call);
	if (call->open)
		open_release(call->open);
	while (*link != call->number)
		link = &((struct call *)table_get(&calls, *link))->hash_next;
	*link = call->hash_next;
	of_process[call->slot]--;
	table_free(&calls, call->number);
}

/* ---- answers */

/* A caller that is gone wants no answer. */
static void send_kept(void)
{
	if (kept.token && kept.slot)
		ipc_forward(kept.token, kept.slot, &kept.message);
	else if (kept.token)
		ipc_reply(kept.token, &kept.message);
	kept.token = 0;
}

static struct message *keep(uint64_t token, uint64_t slot, int64_t label)
{
	send_kept();
	kept.token = token;
	kept.slot = slot;
	kept.message.label = label;
	memset(kept.message.word, 0, sizeof(kept.message.word));
	return &kept.message;
}

static void answer(uint64_t token, int64_t result)
{
	keep(token, 0, result)->word[0] = result;
}

long receive(struct message *message, bool wait)
{
	long event = ERR_BAD_TOKEN;

	if (kept.token)
		*message = kept.message;
	message->receive_slot = message->capability = message->flags = 0;
	message->deadline = wait ? 0 : 1;
	if (kept.token && kept.slot)
		event = ipc_forward_recv(kept.token, kept.slot, SLOT_ENDPOINT, message);
	else if (kept.token)
		event = ipc_reply_recv(kept.token, SLOT_ENDPOINT, message);
	if (event < 0 && event != ERR_TIMEOUT) {
		send_kept();	/* what failed has not received; without a deadline it may succeed */
		event = ipc_recv(SLOT_ENDPOINT, message);
	}
	kept.token = 0;
	return event;
}

static void run(struct call *call)
{
	call_handler *handler = handler_of(&call->message);
	int64_t result = -ENOSYS;

	current = call;
	leave_list(call);
	step_begin();
	if (handler)
		result = handler(call);
	step_abort();
	if (result == -ENOSPC && (node_jobs_pending() || release_expected()))
		result = wait_for(WAIT_KEY(WAIT_JOBS, 0));
	if (result == WAIT) {
		call->key = volume.wait_key;
		call->state = CALL_WAITING;
		append(bucket_of_key(call->key), call);
	} else if (result == AGAIN) {
		make_ready(call);
	} else if (result != TAKEN) {
		answer(call->message.token, result);
		drop(call);
	} else if (call->state != CALL_AWAY && (call->state != CALL_FAULTED || !(call->done || call->stage || call->open))) {
		drop(call);
	}
	current = NULL;
}

void calls_run_ready(void)
{
	for (unsigned ran = 0; ready.first && ran < RUN_AT_ONCE; ran++)
		run(ready.first);
}

/* ---- arrivals */

static void interrupted(const struct message *message)
{
	struct call *call = find(message->token);

	if (!call || call->message.token != message->token)
		return;
	call->interrupted = true;
	if (call->state == CALL_WAITING)
		make_ready(call);
}

/* The record that this call continues: it comes back from the pager, or after a fault. */
static struct call *continued(const struct message *message, long event)
{
	struct call *call = find(message->token);

	if (!call)
		return NULL;
	if ((call->state == CALL_AWAY && event != EVENT_INTERRUPTED && message->badge == BADGE_PAGER) ||
	    (call->state == CALL_FAULTED && event == EVENT_REDELIVERED)) {
		call->message = *message;
		call->state = CALL_RUNNING;
		return call;
	}
	drop(call);	/* its thread calls anew: the old call has found another end */
	return NULL;
}

void call_arrived(const struct message *message, long event)
{
	struct call *call;

	if (event == EVENT_INTERRUPTED) {
		interrupted(message);
		return;
	}
	call = continued(message, event);
	if (!call)
		call = make(message);
	if (!call) {
		answer(message->token, -ENOMEM);
		return;
	}
	call->event = event;
	call->process = process_of(message->identity);
	if (call->process && message->badge == BADGE_CLIENT && call->process->executing_thread == TOKEN_THREAD(message->token))
		process_execute(&call->process->executing, NULL);	/* it has failed */
	run(call);
}

void calls_drop_process(uint64_t identity)
{
	for (unsigned i = 0; i < BUCKETS && of_process[IDENTITY_SLOT(identity) % PROCESS_MAX]; i++)
		for (uint32_t number = by_thread[i]; number; ) {
			struct call *call = table_get(&calls, number);

			number = call->hash_next;
			if (call != current && (call->message.identity << 16) == (identity << 16))
				drop(call);
		}
}

/* ---- to other servers */

int64_t forward_call(struct call *call, uint64_t slot, uint64_t label, const void *words, size_t bytes)
{
	memcpy(keep(call->message.token, slot, label)->word, words, bytes);
	return TAKEN;
}

int64_t forward_and_return(struct call *call, uint64_t slot, uint64_t label, const void *words, size_t bytes)
{
	call->state = CALL_AWAY;
	return forward_call(call, slot, label, words, bytes);
}

/* Comes after the forwards before it. */
int call_server(uint64_t slot, struct message *message)
{
	send_kept();
	return ipc_call(slot, message) < 0 ? -EIO : (int)(int64_t)message->label;
}

/* ---- copies */

static int loan_result(struct call *call, enum loan loan)
{
	if (loan == LOAN_FAULTED)
		call->state = CALL_FAULTED;
	return loan == LOAN_DONE ? 0 : loan == LOAN_FAULTED ? TAKEN : -EFAULT;
}

int copy_in(struct call *call, uint64_t address, void *own, size_t bytes)
{
	return loan_result(call, loan_in(&call->message, call->event, address, own, bytes, NULL));
}

int copy_out(struct call *call, uint64_t address, const void *own, size_t bytes)
{
	return loan_result(call, loan_out(&call->message, call->event, address, own, bytes, NULL));
}

int copy_path(struct call *call, uint64_t address, char path[PATH_BYTES])
{
	size_t length;
	int result = loan_result(call, loan_string(&call->message, call->event, address, path, PATH_BYTES, &length));

	return result == 0 && length == PATH_BYTES ? -ENAMETOOLONG : result;
}
