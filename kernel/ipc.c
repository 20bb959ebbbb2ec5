/*
 * Endpoints and the five message calls. Each checks everything first: slots, token, label, flags, the map item; afterwards
 * nothing fails, so a failed call has done nothing. Kernel-made calls are in fault.c.
 */
#include "endpoint.h"
#include "mapping.h"
#include "riscv/hardware.h"
#include "thread.h"

#define THREADS_AT_ONCE 32	/* freed per call of destroy, looked at per receive */

static inline void copy_message(uint64_t *to, const uint64_t *from)
{
	uint64_t a = from[0], b = from[1], c = from[2], d = from[3], e = from[4], f = from[5], label = from[6];

	to[0] = a, to[1] = b, to[2] = c, to[3] = d, to[4] = e, to[5] = f, to[6] = label;
}

void message_result(struct thread *thread, long result)
{
	static const uint64_t zero[MESSAGE_WORDS];
	uint64_t *x = thread->x;

	assert(thread->kind == CALL_NATIVE);
	copy_message(&x[A0], zero);
	x[T0] = x[T1] = x[T2] = x[T3] = x[T4] = 0;
	x[A7] = (uint64_t)result;
}

void message_event(struct thread *receiver, unsigned event, uint64_t word, uint64_t token, uint64_t identity)
{
	message_result(receiver, event);
	receiver->x[A0] = word;
	receiver->x[T1] = token;
	receiver->x[T2] = identity;
}

/* A message's capability has arrived: put it where `thread` wants it. Result: that slot, or 0. */
static uint64_t capability_arrive(struct thread *thread, const struct capability *capability)
{
	uint64_t slot = thread->x[T4];
	struct capability *place = thread->space && slot ? space_slot(thread->space, slot) : NULL;

	if (!place || !capability_alive(capability))
		return 0;
	*place = *capability;
	return slot;
}

/* Give the call of `sender` to `receiver`: registers, a new token, HELD. The receiver's state is the caller's business. */
static inline void deliver(struct thread *receiver, struct thread *sender, struct endpoint *endpoint)
{
	struct call *call = thread_call(sender);
	uint64_t *x = receiver->x;

	copy_message(&x[A0], call_message(sender));
	x[A6] = call_label(sender);
	x[A7] = sender->redelivered ? EVENT_REDELIVERED : EVENT_MESSAGE;
	x[T0] = call->badge;
	x[T1] = sender->object->token += 1UL << TOKEN_THREAD_BITS;	/* a number that this page has never had */
	x[T2] = sender->identity;
	x[T3] = unlikely(call->capability.word) ? capability_arrive(receiver, &call->capability) : 0;
	x[T4] = sender->redelivered ? sender->refused_address : 0;
	sender->state = THREAD_HELD;
	sender->fresh = false;
	sender->holder = receiver->space;
	receiver->serves = sender;
	if (unlikely(sender->interrupted) && call_kind(sender) != CALL_EXCEPTION)
		endpoint_tell(endpoint, sender);
}

void endpoint_send(struct endpoint *endpoint, struct thread *sender, bool first)
{
	struct link *link = endpoint->receivers.next;

	assert(!sender->link.next);
	if (likely(link != &endpoint->receivers)) {
		struct thread *receiver = thread_of(link);

		list_remove(link);
		timer_cancel_deadline(receiver);
		deliver(receiver, sender, endpoint);
		receiver->state = THREAD_READY;
		schedule_wake(receiver);
	} else {
		sender->state = THREAD_CALLING;
		endpoint->pending = true;
		list_insert(first ? endpoint->callers.next : &endpoint->callers, &sender->link);
	}
}

void endpoint_tell(struct endpoint *endpoint, struct thread *thread)
{
	endpoint->pending = true;
	list_insert(&endpoint->interrupted, &thread->link);
}

void endpoint_init(struct endpoint *endpoint)
{
	list_init(&endpoint->callers);
	list_init(&endpoint->receivers);
	list_init(&endpoint->interrupted);
}

long endpoint_dismantle(struct endpoint *endpoint)
{
	for (unsigned i = 0; i < THREADS_AT_ONCE; i++) {
		if (!list_empty(&endpoint->interrupted)) {
			list_remove(endpoint->interrupted.next);
		} else if (!list_empty(&endpoint->callers)) {
			call_lost(thread_of(endpoint->callers.next));
		} else if (!list_empty(&endpoint->receivers)) {
			struct thread *receiver = thread_of(endpoint->receivers.next);

			thread_unlink(receiver);
			message_result(receiver, ERR_BAD_SLOT);
			thread_resume(receiver);
		} else {
			return OK;
		}
	}
	return ERR_AGAIN;
}

/* What every message must fulfil: t3 names a live capability or is 0. Calls and forwards also: no kernel label. */
static inline long message_check(struct thread *caller, bool label_free, const struct capability **sent)
{
	*sent = NULL;
	if (unlikely(caller->x[A6] & LABEL_KERNEL) && !label_free)
		return ERR_INVALID;
	if (unlikely(caller->x[T3]) && !(*sent = capability_get(caller->space, caller->x[T3])))
		return ERR_BAD_SLOT;
	return OK;
}

static inline void call_address(struct call *call, const struct capability *target, const struct capability *sent)
{
	call->badge = target->badge;
	call->endpoint = capability_reference(target);
	call->capability.word = 0;
	if (unlikely(sent))
		call->capability = *sent;
}

void call_send(struct thread *caller, enum call_kind kind, const struct capability *target, const struct capability *sent)
{
	call_begin(caller, kind);
	call_address(&caller->call[0], target, sent);
	endpoint_send(capability_page(target), caller, false);
}

/* Flat: endpoint_send is most of it. */
__attribute__((flatten)) long sys_ipc_call(struct thread *caller)
{
	const struct capability *target, *sent;
	long error = capability_check(caller->space, caller->x[T0], KIND_ENDPOINT, RIGHT_SEND, &target);

	if (error || (error = message_check(caller, false, &sent)))
		return error;
	/* Nothing below may fail. */
	this_hart->counters.ipc_calls++;
	call_send(caller, CALL_NATIVE, target, sent);
	return BLOCKED;
}

/* slot: 0, or an endpoint; t5: a deadline needs a free timer. */
static inline long receive_check(struct thread *caller, uint64_t slot, struct endpoint **endpoint)
{
	const struct capability *target;
	long error = OK;

	*endpoint = NULL;
	if (unlikely(caller->x[T5] > time_now()) && !timer_deadline_possible(caller))
		return ERR_NO_TIMER;
	if (likely(slot) && !(error = capability_check(caller->space, slot, KIND_ENDPOINT, RIGHT_RECEIVE, &target)))
		*endpoint = capability_page(target);
	return error;
}

/*
 * The next interrupted call that this receiver's space holds. Other spaces' ones wait for theirs, behind; only so many are looked at,
 * so with crowds of them it may come one receive later. A space that dies takes its own along.
 */
static bool receive_interrupted(struct thread *caller, struct endpoint *endpoint)
{
	for (unsigned i = 0; i < THREADS_AT_ONCE && !list_empty(&endpoint->interrupted); i++) {
		struct thread *thread = thread_of(endpoint->interrupted.next);

		list_remove(&thread->link);
		if (thread->holder == caller->space) {
			message_event(caller, EVENT_INTERRUPTED, 0, objects[thread->index].token, thread->identity);
			return true;
		}
		list_insert(&endpoint->interrupted, &thread->link);
	}
	return false;
}

/* Interrupted calls, queued calls; otherwise wait. A deadline that has passed only looks: no timer. */
static __attribute__((noinline)) long receive_call(struct thread *caller, struct endpoint *endpoint)
{
	if (likely(endpoint)) {
		if (receive_interrupted(caller, endpoint))
			return BLOCKED;
		if (!list_empty(&endpoint->callers)) {
			struct thread *sender = thread_of(endpoint->callers.next);

			list_remove(&sender->link);
			deliver(caller, sender, endpoint);
			return BLOCKED;
		}
	}
	if (unlikely(caller->x[T5]) && caller->x[T5] <= time_now()) {
		message_event(caller, EVENT_TIMEOUT, 0, 0, 0);
		return BLOCKED;
	}
	if (likely(endpoint)) {
		endpoint->pending = !list_empty(&endpoint->interrupted);
		list_insert(&endpoint->receivers, &caller->link);
	}
	caller->state = THREAD_RECEIVING;
	if (unlikely(caller->x[T5]))
		timer_deadline(caller, caller->x[T5]);
	return BLOCKED;
}

/* The bound notification comes first. */
static always_inline long receive(struct thread *caller, struct endpoint *endpoint)
{
	caller->space->received = true;
	return caller->noticed && notification_receive(caller) ? BLOCKED : receive_call(caller, endpoint);
}

/* The last check maps the item, if there is one: it is all or nothing. */
static inline long reply_check(struct thread *caller, struct thread **thread, const struct capability **sent)
{
	uint64_t flags = caller->x[T2], *word = &caller->x[A0];
	long error = message_check(caller, true, sent);

	*thread = token_find(caller->space, caller->x[T1]);
	if (!*thread)
		return ERR_BAD_TOKEN;
	if (error || !flags)
		return error;
	return flags != REPLY_MAP || call_kind(*thread) != CALL_FAULT ? ERR_INVALID :
	       fault_answer_map(word[0], word[1], word[2], word[3], caller, *thread);
}

/* What a checked reply does to the thread that gets it, by the kind of call. */
static inline void reply_act(struct thread *caller, struct thread *thread, const struct capability *sent)
{
	enum call_kind kind = call_kind(thread);
	uint64_t *x = thread->x;

	if (unlikely(thread->link.next))
		list_remove(&thread->link);
	if (likely(kind == CALL_NATIVE)) {
		copy_message(&x[A0], &caller->x[A0]);
		x[T3] = unlikely(sent) ? capability_arrive(thread, sent) : 0;
		x[A7] = x[T0] = x[T1] = x[T2] = x[T4] = 0;
	} else if (kind == CALL_ROUTED) {
		x[A0] = caller->x[A0];
	} else if (kind == CALL_FAULT) {
		fault_answered(thread, !(caller->x[T2] & REPLY_MAP) && caller->x[A6]);
		return;
	}
	thread_resume(thread);
}

long sys_ipc_reply(struct thread *caller)
{
	const struct capability *sent;
	struct thread *thread;
	long error = reply_check(caller, &thread, &sent);

	if (error)
		return error;
	/* Nothing below may fail. */
	reply_act(caller, thread, sent);
	return OK;
}

long sys_ipc_reply_recv(struct thread *caller)
{
	struct endpoint *endpoint;
	long error = receive_check(caller, caller->x[T0], &endpoint);

	if (error || (error = sys_ipc_reply(caller)))
		return error;
	return receive(caller, endpoint);
}

long sys_ipc_recv(struct thread *caller)
{
	struct endpoint *endpoint;
	long error = receive_check(caller, caller->x[T0], &endpoint);

	return error ? error : receive(caller, endpoint);
}

long sys_ipc_forward(struct thread *caller)
{
	const struct capability *target, *sent;
	struct endpoint *endpoint = NULL;
	struct thread *thread;
	struct call *call;
	uint32_t lent;
	long error = capability_check(caller->space, caller->x[T0], KIND_ENDPOINT, RIGHT_SEND, &target);

	if (error || (error = message_check(caller, false, &sent)) || (caller->x[T2] && (error = receive_check(caller, caller->x[T2], &endpoint))))
		return error;
	thread = token_find(caller->space, caller->x[T1]);
	if (!thread)
		return ERR_BAD_TOKEN;
	/* Nothing below may fail. */
	call = thread_call(thread);
	if (thread->link.next)
		list_remove(&thread->link);
	if (!thread->depth)
		thread->apart = thread->kind != CALL_NATIVE;
	copy_message(call_message(thread), &caller->x[A0]);
	lent = call->endpoint.rights;
	call_address(call, target, sent);
	call->endpoint.rights &= lent;
	thread->redelivered = false;
	this_hart->counters.ipc_forwards++;
	endpoint_send(capability_page(target), thread, false);
	return endpoint ? receive(caller, endpoint) : OK;
}
