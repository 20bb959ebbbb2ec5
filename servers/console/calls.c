/* See calls.h. */
#include "calls.h"

static struct waiting_call record[CALLS_MAX];
static struct waiting_call *unused;
static unsigned never_used;

void call_queue_init(struct call_queue *queue)
{
	queue->first = NULL;
	queue->end = &queue->first;
}

struct waiting_call *call_add(struct call_queue *queue)
{
	struct waiting_call *call = unused;

	if (call)
		unused = call->next;
	else if (never_used < CALLS_MAX)
		call = &record[never_used++];
	else
		return NULL;
	*call = (struct waiting_call){ 0 };
	*queue->end = call;
	queue->end = &call->next;
	return call;
}

void call_remove(struct call_queue *queue, struct waiting_call *call)
{
	struct waiting_call **link = &queue->first;

	while (*link != call)
		link = &(*link)->next;
	*link = call->next;
	if (queue->end == &call->next)
		queue->end = link;
	call->next = unused;
	unused = call;
}

struct waiting_call *call_find(const struct call_queue *queue, uint64_t token)
{
	struct waiting_call *call = queue->first;

	while (call && TOKEN_THREAD(call->token) != TOKEN_THREAD(token))
		call = call->next;
	return call;
}
