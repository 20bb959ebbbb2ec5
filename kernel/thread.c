/*
 * Threads: their life outside of calls (thread.h draws the states), their settings, and `interrupt`.
 * How calls move them is in ipc.c and fault.c, when they run in schedule.c.
 */
#include "thread.h"
#include "endpoint.h"
#include "fault.h"
#include "log.h"
#include "notification.h"
#include "riscv/hardware.h"
#include "schedule.h"
#include "timer.h"

_Static_assert(offsetof(struct thread, x) == FRAME_PC && sizeof(uint64_t) == FRAME(1), "trap.S: the frame");
_Static_assert(offsetof(struct thread, partial) == THREAD_PARTIAL, "trap.S: THREAD_PARTIAL");
_Static_assert(offsetof(struct thread, f) == THREAD_F, "fpu.S: THREAD_F");

void thread_init(struct thread *thread)
{
	assert(thread->state == THREAD_NEW);
	thread->index = (uint32_t)object_index(thread);
}

struct thread *token_find(const struct space *holder, uint64_t token)
{
	uint64_t index = TOKEN_THREAD(token);
	struct thread *thread;

	if (unlikely(index >= object_count || objects[index].token != token || object_kind(index) != KIND_THREAD))
		return NULL;
	thread = object_page(index);
	return likely(thread->state == THREAD_HELD && thread->holder == holder) ? thread : NULL;
}

void thread_complete_frame(struct thread *thread)
{
	static const uint8_t unsaved[] = { RA, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, T5, 31 };

	if (!thread->partial)
		return;
	thread->partial = false;
	for (unsigned i = 0; i < sizeof(unsaved); i++)
		thread->x[unsaved[i]] = 0;
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
	log_print("thread %u is stuck: %s; pc %lx cause %lu value %lx\n", thread->index, why, thread->x[0], thread->cause, thread->value);
	if (thread->index == schedule_first_thread)
		panic("init cannot go on: %s; pc %lx cause %lu value %lx, last fault at %lx", why, thread->x[0], thread->cause,
		      thread->value, thread->fault_address);
}

void thread_resume(struct thread *thread)
{
	if (unlikely(thread->interrupted)) {
		exception_call(thread, EXCEPTION_INTERRUPT, 0);
	} else if (unlikely(!thread->space)) {
		thread_stuck(thread, "it has no space");
	} else {
		thread->state = THREAD_READY;
		schedule_wake(thread);
	}
}

static void enter_space(struct thread *thread, struct space *space)
{
	if (thread->space)
		thread->space->threads--;
	thread->space = space;
	if (space)
		space->threads++;
}

void thread_leave_space(struct thread *thread)
{
	enter_space(thread, NULL);
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
	if (this_hart->fpu_owner == thread)
		this_hart->fpu_owner = NULL;
	if (this_hart->current == thread)
		this_hart->current = NULL;
	enter_space(thread, NULL);
	thread->state = THREAD_STUCK;
}

static long set_space(struct thread *thread, struct thread *caller, uint64_t slot)
{
	const struct capability *target;
	struct space *space;
	long error = capability_check(caller->space, slot, KIND_SPACE, RIGHT_CONTROL, &target);

	if (error)
		return error;
	space = object_page(target->index);
	if (space->dying)
		return ERR_BAD_SLOT;
	if (thread->state != THREAD_NEW && thread->state != THREAD_HELD)
		return ERR_INVALID;
	/* Nothing below may fail. */
	enter_space(thread, space);
	return OK;
}

static long set_endpoint(struct capability *setting, struct thread *caller, uint64_t slot)
{
	const struct capability *target;
	long error = capability_check(caller->space, slot, KIND_ENDPOINT, RIGHT_SEND, &target);

	if (error)
		return error;
	/* Nothing below may fail. */
	*setting = *target;
	return OK;
}

static long set_bound(struct thread *thread, struct thread *caller, uint64_t slot)
{
	struct notification *old = reference_page(&thread->bound), *notification = NULL;
	const struct capability *target;
	long error = slot ? capability_check(caller->space, slot, KIND_NOTIFICATION, RIGHT_RECEIVE, &target) : OK;

	if (error)
		return error;
	if (slot)
		notification = object_page(target->index);
	if (notification && notification->thread && notification->thread != thread)
		return ERR_IN_USE;
	/* Nothing below may fail. */
	if (old)
		old->thread = NULL;
	thread->bound = (struct reference){ 0, 0 };
	if (notification) {
		notification->thread = thread;
		thread->bound = capability_reference(target);
		notification_deliver(notification);
	}
	return OK;
}

static long set_priority(struct thread *thread, struct thread *caller, uint64_t priority)
{
	if (priority >= PRIORITIES)
		return ERR_INVALID;
	if (priority > caller->priority)
		return ERR_NO_RIGHT;
	/* Nothing below may fail. */
	if (thread->state == THREAD_READY && thread != this_hart->current) {
		schedule_remove(thread);
		thread->priority = (uint8_t)priority;
		schedule_wake(thread);
	} else {
		thread->priority = (uint8_t)priority;
	}
	return OK;
}

static long start(struct thread *thread)
{
	if (thread->state != THREAD_NEW || !thread->space || !capability_alive(&thread->exception_endpoint))
		return ERR_INVALID;
	/* Nothing below may fail. */
	exception_call(thread, EXCEPTION_START, 0);
	return OK;
}

long sys_thread_set(struct thread *caller, const uint64_t *argument)
{
	uint64_t field = argument[1], value = argument[2];
	const struct capability *target;
	struct thread *thread;
	long error = capability_check(caller->space, argument[0], KIND_THREAD, RIGHT_CONTROL, &target);

	if (error)
		return error;
	thread = object_page(target->index);
	switch (field) {
	case THREAD_SPACE:
		return set_space(thread, caller, value);
	case THREAD_FAULT:
		return set_endpoint(&thread->fault_endpoint, caller, value);
	case THREAD_EXCEPTION:
		error = set_endpoint(&thread->exception_endpoint, caller, value);
		if (!error && thread->state == THREAD_STUCK)
			exception_call(thread, thread->cause, thread->value);
		return error;
	case THREAD_BOUND:
		return set_bound(thread, caller, value);
	case THREAD_PRIORITY:
		return set_priority(thread, caller, value);
	case THREAD_IDENTITY:
		thread->identity = value;
		return OK;
	case THREAD_START:
		return start(thread);
	default:
		return ERR_INVALID;
	}
}

/* A queued call that nobody has received yet is taken back, as if it had not been made; native callers are told. */
static void withdraw(struct thread *thread)
{
	struct call *call = thread_call(thread);

	thread_unlink(thread);
	if (thread->state == THREAD_RECEIVING || call->kind == CALL_NATIVE)
		message_error(thread, ERR_INTERRUPTED);
	else if (call->kind == CALL_ROUTED)
		thread->x[0] -= INSTRUCTION_BYTES;
	exception_call(thread, EXCEPTION_INTERRUPT, 0);
}

long sys_interrupt(struct thread *caller, const uint64_t *argument)
{
	const struct capability *target;
	struct thread *thread;
	bool exception, withdrawable;
	long error = capability_check(caller->space, argument[0], KIND_THREAD, RIGHT_CONTROL, &target);

	if (error)
		return error;
	/* Nothing below may fail. */
	thread = object_page(target->index);
	exception = thread_call(thread)->kind == CALL_EXCEPTION;
	withdrawable = thread->state == THREAD_CALLING && !thread->received && !exception;
	if (thread->state == THREAD_RECEIVING || withdrawable) {
		withdraw(thread);
	} else if (thread->state == THREAD_READY && thread != this_hart->current) {
		schedule_remove(thread);
		exception_call(thread, EXCEPTION_INTERRUPT, 0);
	} else if (!thread->interrupted && !(thread->state == THREAD_CALLING && exception && thread->cause == EXCEPTION_INTERRUPT)) {
		thread->interrupted = true;
		if (thread->state == THREAD_HELD && !exception)
			interrupted_event(thread);
	}
	return OK;
}
