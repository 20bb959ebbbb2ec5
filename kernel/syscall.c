/*
 * Dispatch of native calls. KERNEL_CALL_LIST says what the first argument of each must be: a token that the caller's space holds, or a
 * slot with a kind and rights; so every handler begins authorised. Its result goes to a0 (and a1) of plain calls, to a7 of
 * message calls, nowhere if the registers hold a delivery already or the caller waits.
 */
#include "endpoint.h"
#include "thread.h"

typedef long message_call(struct thread *caller);
typedef long token_call(struct thread *caller, struct thread *thread, const uint64_t *argument);
typedef long direct_call(uint64_t token, uint64_t, uint64_t, uint64_t, uint64_t);	/* from trap.S */
typedef long slot_call(struct thread *caller, const struct capability *target, const uint64_t *argument);

#define DECLARE(number, name, first, ...) first##_call sys_##name;
KERNEL_CALL_LIST(DECLARE)

#define RULE(number, name, first, what, need, text) [~(number)] = { .first = sys_##name, .kind = what, .rights = need },
static const struct call_rule {
	message_call *message;
	token_call *token;
	direct_call *direct;
	slot_call *slot;
	enum kind kind;
	uint32_t rights;
} rules[KERNEL_CALLS] = { KERNEL_CALL_LIST(RULE) };

void syscall_message(struct thread *caller)
{
	long value;

	caller->kind = CALL_NATIVE;
	value = rules[~caller->x[A7]].message(caller);
	if (value != BLOCKED)
		message_result(caller, value);
}

static __attribute__((noinline)) long plain_call(struct thread *caller, const struct call_rule *rule)
{
	const uint64_t *argument = &caller->x[A0];
	const struct capability *target;
	struct thread *thread;
	long error;

	if (rule->token) {
		thread = token_find(caller->space, argument[0]);
		return thread ? rule->token(caller, thread, argument) : ERR_BAD_TOKEN;
	}
	error = capability_check(caller->space, argument[0], rule->kind, rule->rights, &target);
	return error ? error : rule->slot(caller, target, argument);
}

void syscall_plain(struct thread *caller, uint64_t number)
{
	long value;

	caller->kind = CALL_PLAIN;
	this_hart->second_result = 0;
	value = ~number < KERNEL_CALLS ? plain_call(caller, &rules[~number]) : ERR_NO_CALL;
	if (unlikely(caller->state != THREAD_READY))
		return;		/* it has ended itself */
	caller->x[A0] = (uint64_t)value;
	caller->x[A1] = (uint64_t)this_hart->second_result;
	if (unlikely(caller->interrupted))
		exception_call(caller, EXCEPTION_INTERRUPT, 0);
}
