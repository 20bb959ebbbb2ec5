/*
 * Where calls wait: for a key, or, when they can go on, for their turn. Who is woken may find its reason gone again and waits anew.
 */
#include "shell.h"

#define BUCKETS 256

static struct list ready, waiting[BUCKETS];

static void append(struct list *list, struct call *call)
{
	call->list = list;
	call->next = NULL;
	call->previous = list->last;
	*(list->last ? &list->last->next : &list->first) = call;
	list->last = call;
}

void queue_leave(struct call *call)
{
	struct list *list = call->list;

	call->state = CALL_RUNNING;
	if (!list)
		return;
	call->list = NULL;
	*(call->previous ? &call->previous->next : &list->first) = call->next;
	*(call->next ? &call->next->previous : &list->last) = call->previous;
}

static struct list *list_of_key(uint64_t key)
{
	return !(key >> 56) ? (struct list *)key : &waiting[(key ^ key >> 8 ^ key >> 56) % BUCKETS];
}

void queue_wait(struct call *call, uint64_t key)
{
	call->key = key;
	append(list_of_key(key), call);
}

void queue_ready(struct call *call)
{
	queue_leave(call);
	call->state = CALL_READY;
	append(&ready, call);
}

struct call *queue_next(void)
{
	struct call *call = ready.first;

	if (call)
		queue_leave(call);
	return call;
}

bool calls_ready(void)
{
	return ready.first;
}

bool wake_one(uint64_t key)
{
	struct call *call = list_of_key(key)->first;

	while (call && call->key != key)
		call = call->next;
	if (call)
		queue_ready(call);
	return call;
}

static __attribute__((noinline)) void wake_waiting(uint64_t key)
{
	struct call *call, *next;

	for (call = list_of_key(key)->first; call; call = next) {
		next = call->next;
		if (call->key == key)
			queue_ready(call);
	}
}

void wake_calls(uint64_t key)
{
	if (list_of_key(key)->first)
		wake_waiting(key);
}

void wake(uint64_t key)
{
	wake_calls(key);
	pages_wake(key);
}
