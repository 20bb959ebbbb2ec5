/*
 * Threads: their life outside of calls (thread.h draws the states), their settings, and `interrupt`.
 * How calls move them is in ipc.c and fault.c, when they run in schedule.c.
 */
#include "thread.h"
#include "endpoint.h"
#include "riscv/hardware.h"

void thread_init(struct thread *thread)
{
	thread->state = THREAD_NEW;
	thread->serves = thread;
	thread->index = (uint32_t)object_index(thread);
	thread->object = &objects[thread->index];
	object_set_token(thread->index, thread->index);
	thread_set_limit(thread);
}

void thread_set_limit(struct thread *thread)
{
	thread->limit = thread->timer.link.next || !thread->space ? 0 : 2UL << thread->priority;
}

void thread_complete_frame(struct thread *thread)
{
	static const uint32_t unsaved[] = {
		[CALL_NATIVE] = 1u << RA | 0x3u << 8 | 0x3ffu << 18 | 1u << T5 | 1u << T6,
		[CALL_PLAIN] = 1u << RA | 0x7u << T0 | 0x3fu << 12 | 0xfu << T3,
	};

	for (unsigned i = 1; i < 32 && (thread->kind == CALL_NATIVE || thread->kind == CALL_PLAIN); i++)
		if (unsaved[thread->kind] >> i & 1)
			thread->x[i] = 0;
}

void thread_unlink(struct thread *thread)
{
	if (thread->state == THREAD_READY)
		schedule_remove(thread);
	else if (thread->link.next)
		list_remove(&thread->link);
	timer_cancel_deadline(thread);
}

void thread_stuck(struct thread *thread, const char *why)
{
	assert(!thread->link.next);
	thread->state = THREAD_STUCK;
	if (thread == init_thread)
		panic("init cannot go on: %s; pc %lx cause %lx value %lx, last fault at %lx", why, thread->x[0], thread->cause,
		      thread->value, thread->fault_address);
}

void thread_resume_slowly(struct thread *thread)
{
	if (thread->interrupted)
		exception_call(thread, EXCEPTION_INTERRUPT, 0);
	else
		thread_stuck(thread, "it has no space");
}

void thread_enter_space(struct thread *thread, struct space *space)
{
	if (thread->space)
		list_remove(&thread->in_space);
	thread->space = space;
	thread_set_limit(thread);
	if (space)
		list_insert(&space->threads, &thread->in_space);
}

void thread_leave_space(struct thread *thread)
{
	thread_enter_space(thread, NULL);
	if (thread->state == THREAD_READY || thread->state == THREAD_RECEIVING) {
		thread_unlink(thread);
		thread_stuck(thread, "its space died");
	}
}

void thread_dismantle(struct thread *thread)
{
	struct notification *bound = reference_page(&thread->bound);

	thread_unlink(thread);
	if (bound)
		bound->thread = NULL;
	fpu_written(thread);
	if (this_hart->current == thread)
		this_hart->current = NULL;
	thread_enter_space(thread, NULL);
	object_set_token(thread->index, TOKEN_NOBODY);
	thread->state = THREAD_STUCK;
}

static long set_space(struct thread *thread, struct space *space)
{
	if (space->dying || (thread->state != THREAD_NEW && thread->state != THREAD_HELD))
		return space->dying ? ERR_BAD_SLOT : ERR_INVALID;
	/* Nothing below may fail. */
	thread_enter_space(thread, space);
	return OK;
}

static long set_bound(struct thread *thread, const struct capability *target)
{
	struct notification *bound = capability_page(target);

	if (bound->thread || reference_page(&thread->bound))
		return ERR_IN_USE;
	/* Nothing below may fail. */
	thread->bound = capability_reference(target);
	bound->thread = thread;
	notification_signal(bound, 0);
	return OK;
}

static long set_priority(struct thread *thread, struct thread *caller, uint64_t priority)
{
	bool queued = thread->state == THREAD_READY && thread != this_hart->current;

	if (priority >= PRIORITIES || priority > caller->priority)
		return priority >= PRIORITIES ? ERR_INVALID : ERR_NO_RIGHT;
	/* Nothing below may fail. */
	if (queued)
		schedule_remove(thread);
	thread->priority = (uint8_t)priority;
	thread_set_limit(thread);
	if (queued)
		schedule_wake(thread);
	return OK;
}

long sys_thread_set(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	static const struct { enum kind kind; uint32_t rights; } slots[] = {	/* the fields whose value is one */
		[THREAD_SPACE] = { KIND_SPACE, RIGHT_CONTROL }, [THREAD_FAULT] = { KIND_ENDPOINT, RIGHT_SEND },
		[THREAD_EXCEPTION] = { KIND_ENDPOINT, RIGHT_SEND }, [THREAD_BOUND] = { KIND_NOTIFICATION, RIGHT_RECEIVE },
	};
	uint64_t field = argument[1], value = argument[2];
	struct thread *thread = capability_page(target);
	const struct capability *object = NULL;
	long error = field - 1 < THREAD_BOUND ? capability_check(caller->space, value, slots[field].kind, slots[field].rights, &object) : OK;

	if (error)
		return error;
	switch (field) {
	case THREAD_SPACE:
		return set_space(thread, capability_page(object));
	case THREAD_FAULT:
		thread->fault_endpoint = *object;
		return OK;
	case THREAD_EXCEPTION:
		thread->exception_endpoint = *object;
		if (thread->state == THREAD_STUCK)
			exception_call(thread, thread->cause, thread->value);
		return OK;
	case THREAD_BOUND:
		return set_bound(thread, object);
	case THREAD_PRIORITY:
		return set_priority(thread, caller, value);
	case THREAD_IDENTITY:
		thread->identity = value;
		return OK;
	case THREAD_START:
		if (thread->state != THREAD_NEW || !thread->space || !capability_alive(&thread->exception_endpoint))
			return ERR_INVALID;
		exception_call(thread, EXCEPTION_START, 0);
		return OK;
	default:
		return ERR_INVALID;
	}
}

/* Waiting for a message, or with a call that nobody has received yet: it is taken back as if it had not been made; native callers are told. */
static void withdraw(struct thread *thread)
{
	enum call_kind kind = call_kind(thread);

	thread_unlink(thread);
	if (thread->state == THREAD_RECEIVING || (thread->state == THREAD_CALLING && kind == CALL_NATIVE))
		message_result(thread, ERR_INTERRUPTED);
	else if (thread->state == THREAD_CALLING && kind == CALL_ROUTED)
		thread->x[0] -= INSTRUCTION_BYTES;
	exception_call(thread, EXCEPTION_INTERRUPT, 0);
}

/* Tell the holder of the thread's call: at once if it waits, or when it next receives. */
static void tell_holder(struct thread *thread)
{
	struct endpoint *endpoint = reference_page(&thread_call(thread)->endpoint);
	struct thread *receiver;

	assert(thread->state == THREAD_HELD && !thread->link.next);
	if (!endpoint)
		return;
	receiver = thread_of(endpoint->receivers.next);
	if (!list_empty(&endpoint->receivers) && receiver->space == thread->holder) {
		thread_unlink(receiver);
		message_event(receiver, EVENT_INTERRUPTED, 0, objects[thread->index].token, thread->identity);
		thread_resume(receiver);
	} else {
		endpoint_tell(endpoint, thread);
	}
}

long sys_interrupt(struct thread *caller, const struct capability *target, const uint64_t *argument unused)
{
	struct thread *thread = capability_page(target);
	bool exception = call_kind(thread) == CALL_EXCEPTION, calling = thread->state == THREAD_CALLING;

	/* Nothing may fail. */
	if (thread->state == THREAD_RECEIVING || (thread->state == THREAD_READY && thread != caller) ||
	    (calling && thread->fresh && !exception)) {
		withdraw(thread);
	} else if (!thread->interrupted && !(calling && exception && thread->cause == EXCEPTION_INTERRUPT)) {
		thread->interrupted = true;
		if (thread->state == THREAD_HELD && !exception)
			tell_holder(thread);
	}
	return OK;
}
