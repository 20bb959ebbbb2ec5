/*
 * The five message calls. Each checks everything first: slots, token, label, flags, the map item; afterwards nothing fails,
 * so a failed call has done nothing. Kernel-made calls are in fault.c; both meet in endpoint_send and message_deliver.
 */
#include "ipc.h"
#include "endpoint.h"
#include "fault.h"
#include "mapping.h"
#include "notification.h"
#include "schedule.h"
#include "thread.h"
#include "timer.h"

static inline void copy_message(uint64_t *to, const uint64_t *from)
{
	for (unsigned i = 0; i < MESSAGE_WORDS; i++)
		to[i] = from[i];
}

/* A number that this thread's page has never had. */
static inline uint64_t token_next(struct thread *thread)
{
	uint64_t *token = &objects[thread->index].token;

	*token += 1UL << TOKEN_THREAD_BITS;
	if (unlikely(*token < 1UL << TOKEN_THREAD_BITS))
		*token += 1UL << TOKEN_THREAD_BITS;
	return *token;
}

void message_deliver(struct thread *receiver, struct thread *sender, struct endpoint *endpoint)
{
	struct call *call = thread_call(sender);
	uint64_t *x = receiver->x;

	copy_message(&x[A0], call_message(sender));
	x[A7] = sender->redelivered ? EVENT_REDELIVERED : EVENT_MESSAGE;
	x[T0] = call->badge;
	x[T1] = token_next(sender);
	x[T2] = sender->identity;
	x[T3] = capability_arrive(receiver, &call->capability);
	x[T4] = sender->redelivered ? sender->refused_address : 0;
	sender->state = THREAD_HELD;
	sender->received = true;
	sender->holder = receiver->space;
	receiver->space->received = true;
	if (unlikely(sender->interrupted) && call->kind != CALL_EXCEPTION)
		list_insert(&endpoint->interrupted, &sender->link);
}

void message_event(struct thread *receiver, unsigned event, uint64_t word, uint64_t token, uint64_t identity)
{
	message_error(receiver, event);
	receiver->x[A0] = word;
	receiver->x[T1] = token;
	receiver->x[T2] = identity;
}

void message_error(struct thread *thread, long result)
{
	uint64_t *x = thread->x;

	assert(thread->partial);
	for (unsigned i = A0; i <= A6; i++)
		x[i] = 0;
	x[T0] = x[T1] = x[T2] = x[T3] = x[T4] = 0;
	x[A7] = (uint64_t)result;
}

/* What every message must fulfil: t3 names a live capability or is 0. */
static inline long sent_check(struct thread *caller, const struct capability **sent)
{
	*sent = NULL;
	if (unlikely(caller->x[T3])) {
		*sent = capability_get(caller->space, caller->x[T3]);
		if (!*sent)
			return ERR_BAD_SLOT;
	}
	return OK;
}

/* Of calls and forwards also: no kernel label. A reply's label is the servers' own: an errno, mostly. */
static inline long message_check(struct thread *caller, const struct capability **sent)
{
	if (unlikely(caller->x[A6] & LABEL_KERNEL))
		return ERR_INVALID;
	return sent_check(caller, sent);
}

static inline void call_address(struct call *call, const struct capability *target, const struct capability *sent)
{
	call->badge = target->badge;
	call->endpoint = capability_reference(target);
	if (unlikely(sent))
		call->capability = *sent;
	else
		call->capability.word = 0;
}

long sys_ipc_call(struct thread *caller, const uint64_t *argument)
{
	const struct capability *target, *sent;
	struct call *call = &caller->call[0];
	long error = endpoint_check(caller, caller->x[T0], RIGHT_SEND, &target);

	(void)argument;
	if (error || (error = message_check(caller, &sent)))
		return error;
	/* Nothing below may fail. */
	call->kind = CALL_NATIVE;
	call->lend = target->rights & RIGHT_LEND;
	call_address(call, target, sent);
	caller->depth = 0;
	caller->received = caller->redelivered = false;
	this_hart->counters.ipc_calls++;
	endpoint_send(object_page(target->index), caller, false);
	return BLOCKED;
}

/* t0 of a receive: 0, or an endpoint; t5: a deadline needs a free timer. */
static inline long receive_check(struct thread *caller, struct endpoint **endpoint)
{
	const struct capability *target;
	long error;

	*endpoint = NULL;
	if (unlikely(caller->x[T5]) && !timer_deadline_possible(caller))
		return ERR_NO_TIMER;
	if (!caller->x[T0])
		return OK;
	error = endpoint_check(caller, caller->x[T0], RIGHT_RECEIVE, &target);
	if (!error)
		*endpoint = object_page(target->index);
	return error;
}

/* The next interrupted call that this receiver's space holds. Others belong to a predecessor and are dropped. */
static bool receive_interrupted(struct thread *caller, struct endpoint *endpoint)
{
	while (!list_empty(&endpoint->interrupted)) {
		struct thread *thread = thread_of(endpoint->interrupted.next);

		list_remove(&thread->link);
		if (thread->holder == caller->space) {
			message_event(caller, EVENT_INTERRUPTED, 0, objects[thread->index].token, thread->identity);
			return true;
		}
	}
	return false;
}

/* In this order: the bound notification, interrupted calls, queued calls; otherwise wait. */
static long receive(struct thread *caller, struct endpoint *endpoint)
{
	if (caller->bound.word && notification_receive(caller))
		return BLOCKED;
	if (likely(endpoint)) {
		if (unlikely(!list_empty(&endpoint->interrupted)) && receive_interrupted(caller, endpoint))
			return BLOCKED;
		if (!list_empty(&endpoint->callers)) {
			struct thread *sender = thread_of(endpoint->callers.next);

			list_remove(&sender->link);
			message_deliver(caller, sender, endpoint);
			return BLOCKED;
		}
	}
	caller->state = THREAD_RECEIVING;
	if (unlikely(caller->x[T5]))
		timer_deadline(caller, caller->x[T5]);
	if (endpoint)
		list_insert(&endpoint->receivers, &caller->link);
	return BLOCKED;
}

/* What a reply does to the thread that gets it, by the kind of call; checked by reply_check. */
static void reply_act(struct thread *caller, struct thread *thread, const struct capability *sent, const struct map_item *item)
{
	this_hart->counters.ipc_replies++;
	if (unlikely(thread->link.next))
		list_remove(&thread->link);
	switch (thread_call(thread)->kind) {
	case CALL_NATIVE:
		copy_message(&thread->x[A0], &caller->x[A0]);
		thread->x[T3] = capability_arrive(thread, sent);
		thread->x[A7] = thread->x[T0] = thread->x[T1] = thread->x[T2] = thread->x[T4] = 0;
		break;
	case CALL_ROUTED:
		if (!(caller->x[T2] & REPLY_KEEP))
			thread->x[A0] = caller->x[A0];
		break;
	case CALL_FAULT:
		fault_answered(thread, item, caller->x[A6]);
		return;
	}
	thread_resume(thread);
}

static long reply_check(struct thread *caller, struct thread **thread, const struct capability **sent, struct map_item *item)
{
	uint64_t flags = caller->x[T2];
	enum call_kind kind;
	long error = sent_check(caller, sent);

	item->pages = 0;
	*thread = token_find(caller->space, caller->x[T1]);
	if (unlikely(!*thread))
		return ERR_BAD_TOKEN;
	if (likely(!error && !flags))
		return OK;
	kind = thread_call(*thread)->kind;
	if (error || (flags != REPLY_MAP && flags != REPLY_KEEP) ||
	    (flags == REPLY_KEEP && kind != CALL_ROUTED) || (flags == REPLY_MAP && kind != CALL_FAULT))
		return error ? error : ERR_INVALID;
	return flags == REPLY_MAP ? map_item_check(caller, *thread, item) : OK;
}

long sys_ipc_reply(struct thread *caller, const uint64_t *argument)
{
	const struct capability *sent;
	struct map_item item;
	struct thread *thread;
	long error = reply_check(caller, &thread, &sent, &item);

	(void)argument;
	if (error)
		return error;
	/* Nothing below may fail. */
	reply_act(caller, thread, sent, &item);
	return OK;
}

long sys_ipc_reply_recv(struct thread *caller, const uint64_t *argument)
{
	const struct capability *sent;
	struct endpoint *endpoint;
	struct map_item item;
	struct thread *thread;
	long error = receive_check(caller, &endpoint);

	(void)argument;
	if (error || (error = reply_check(caller, &thread, &sent, &item)))
		return error;
	/* Nothing below may fail. */
	reply_act(caller, thread, sent, &item);
	return receive(caller, endpoint);
}

long sys_ipc_recv(struct thread *caller, const uint64_t *argument)
{
	struct endpoint *endpoint;
	long error = receive_check(caller, &endpoint);

	(void)argument;
	if (error)
		return error;
	return receive(caller, endpoint);
}

long sys_ipc_forward(struct thread *caller, const uint64_t *argument)
{
	const struct capability *target, *sent;
	struct thread *thread;
	struct call *call;
	long error = endpoint_check(caller, caller->x[T0], RIGHT_SEND, &target);

	if (error || (error = message_check(caller, &sent)))
		return error;
	thread = token_find(caller->space, caller->x[T1]);
	if (!thread)
		return ERR_BAD_TOKEN;
	/* Nothing below may fail. */
	call = thread_call(thread);
	if (thread->link.next)
		list_remove(&thread->link);
	copy_message(call_message(thread), argument);
	call->lend = call->lend && (target->rights & RIGHT_LEND);
	call_address(call, target, sent);
	thread->redelivered = false;
	this_hart->counters.ipc_forwards++;
	endpoint_send(object_page(target->index), thread, false);
	return OK;
}
