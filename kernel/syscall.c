/*
 * Dispatch of native calls. The tables say what the first argument of each must be: a token that the caller's space holds, or a
 * slot with a kind and rights; so every handler begins authorised. Its result goes to a0 (and a1) of plain calls, to a7 of
 * message calls, nowhere if the registers hold a delivery already or the caller waits.
 */
#include "endpoint.h"
#include "thread.h"

#define MESSAGE_CALLS(X) X(ipc_call) X(ipc_reply_recv) X(ipc_recv) X(ipc_reply) X(ipc_forward)
#define TOKEN_CALLS(X) X(copy) X(fault) X(registers)
#define SLOT_CALLS(X) \
	X(notify,	KIND_NOTIFICATION,	RIGHT_SEND) \
	X(interrupt,	KIND_THREAD,		RIGHT_CONTROL) \
	X(cap_mint,	KIND_SPACE,		RIGHT_CONTROL) \
	X(cap_delete,	KIND_SPACE,		RIGHT_CONTROL) \
	X(create,	KIND_OBJECT_MEMORY,	0) \
	X(destroy,	KIND_NONE,		0)	/* any kind */ \
	X(thread_set,	KIND_THREAD,		RIGHT_CONTROL) \
	X(space_set,	KIND_SPACE,		RIGHT_CONTROL) \
	X(route_set,	KIND_ROUTE,		RIGHT_CONTROL) \
	X(give,		KIND_SPACE,		RIGHT_CONTROL) \
	X(take,		KIND_SPACE,		RIGHT_CONTROL) \
	X(map,		KIND_SPACE,		RIGHT_CONTROL) \
	X(unmap,	KIND_SPACE,		RIGHT_CONTROL) \
	X(protect,	KIND_SPACE,		RIGHT_CONTROL) \
	X(scan,		KIND_SPACE,		RIGHT_CONTROL) \
	X(irq_bind,	KIND_IRQ,		0) \
	X(irq_ack,	KIND_IRQ,		0) \
	X(timer_set,	KIND_CONTROL,		0) \
	X(log,		KIND_CONTROL,		0) \
	X(info,		KIND_CONTROL,		0)

#define DECLARE_MESSAGE(name) long sys_##name(struct thread *caller);
#define DECLARE_TOKEN(name) long sys_##name(struct thread *caller, struct thread *thread, const uint64_t *argument);
#define DECLARE_SLOT(name, ...) long sys_##name(struct thread *caller, const struct capability *target, const uint64_t *argument);
MESSAGE_CALLS(DECLARE_MESSAGE)
TOKEN_CALLS(DECLARE_TOKEN)
SLOT_CALLS(DECLARE_SLOT)

#define RULE_MESSAGE(name) [~SYS_##name] = { .message = sys_##name },
#define RULE_TOKEN(name) [~SYS_##name] = { .token = sys_##name },
#define RULE_SLOT(name, first, need) [~SYS_##name] = { .slot = sys_##name, .kind = first, .rights = need },
static const struct call_rule {
	long (*message)(struct thread *caller);
	long (*token)(struct thread *caller, struct thread *thread, const uint64_t *argument);
	long (*slot)(struct thread *caller, const struct capability *target, const uint64_t *argument);
	enum kind kind;
	uint32_t rights;
} rules[] = { MESSAGE_CALLS(RULE_MESSAGE) TOKEN_CALLS(RULE_TOKEN) SLOT_CALLS(RULE_SLOT) };

#define COUNT(...) + 1
_Static_assert(sizeof(rules) / sizeof(rules[0]) == KERNEL_CALLS &&
	       0 MESSAGE_CALLS(COUNT) TOKEN_CALLS(COUNT) SLOT_CALLS(COUNT) == KERNEL_CALLS, "every row of KERNEL_CALL_LIST has one here");

void syscall_message(struct thread *caller)
{
	long value;

	caller->kind = CALL_NATIVE;
	value = rules[~caller->x[A7]].message(caller);
	if (value != BLOCKED)
		message_result(caller, value);
}

static long plain_call(struct thread *caller, const struct call_rule *rule)
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
	if (unlikely(error) && (rule->kind != KIND_NONE || !target))
		return error;
	return rule->slot(caller, target, argument);
}

void syscall_plain(struct thread *caller, uint64_t number)
{
	long value;

	caller->kind = CALL_PLAIN;
	this_hart->second_result = 0;
	value = ~number < KERNEL_CALLS ? plain_call(caller, &rules[~number]) : ERR_NO_CALL;
	if (unlikely(!this_hart->current || caller->state != THREAD_READY))
		return;		/* it has ended itself */
	caller->x[A0] = (uint64_t)value;
	caller->x[A1] = value >= 0 ? (uint64_t)this_hart->second_result : 0;
	if (unlikely(caller->interrupted))
		exception_call(caller, EXCEPTION_INTERRUPT, 0);
}
