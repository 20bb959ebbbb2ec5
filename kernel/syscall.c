/*
 * Dispatch of native calls. A handler returns its result; where it goes depends on the call: a0 (and a1) of plain calls, a7 of
 * message calls, nowhere if the registers hold a delivery already or the caller waits. All other registers are cleared.
 */
#include "syscall.h"
#include "capability.h"
#include "fault.h"
#include "hart.h"
#include "irq.h"
#include "loan.h"
#include "log.h"
#include "mapping.h"
#include "notification.h"
#include "table.h"
#include "thread.h"
#include "timer.h"

#define MESSAGE_CALLS 5		/* the first ones of the list */

_Static_assert(SYS_ipc_forward == -MESSAGE_CALLS, "the message calls come first");

typedef long handler(struct thread *caller, const uint64_t *argument);

static handler *const handlers[KERNEL_CALLS] = {
#define X(number, name, text) [-(number) - 1] = sys_##name,
	KERNEL_CALL_LIST(X)
#undef X
};

static void plain_result(struct thread *caller, long value)
{
	message_error(caller, 0);
	caller->x[A0] = (uint64_t)value;
	caller->x[A0 + 1] = value >= 0 ? (uint64_t)this_hart->second_result : 0;
	this_hart->second_result = 0;
}

void syscall_native(struct thread *caller)
{
	uint64_t number = ~caller->x[A7];	/* -1 is the first */
	long value;

	if (unlikely(number >= KERNEL_CALLS)) {
		plain_result(caller, ERR_NO_CALL);
		return;
	}
	value = handlers[number](caller, &caller->x[A0]);
	if (number < MESSAGE_CALLS) {
		if (value != BLOCKED)
			message_error(caller, value);
	} else if (likely(this_hart->current && caller->state == THREAD_READY)) {	/* it has not ended itself */
		plain_result(caller, value);
	}
	if (unlikely(caller->interrupted) && this_hart->current && caller->state == THREAD_READY)
		exception_call(caller, EXCEPTION_INTERRUPT, 0);
}
