/*
 * The process server: one loop that receives, serves one bounded step, and answers or keeps the token. What arrives is told
 * apart by its badge: a Linux call (BADGE_CLIENT), a kernel-made exception call (BADGE_EXCEPTION), a token that the pager
 * or fs hands on (handed.c). Handlers of Linux calls are found by number; the table expands from abi/linux.h. Next: process.h.
 */
#include "simple.h"

#include <asm/errno.h>
#include <asm/signal.h>

const struct start_info *start_info;
struct process *served;

#define DECLARE_PROC(name) LINUX_CALL(name);
#define DECLARE_PAGER(name)
#define DECLARE_FS(name)
#define DECLARE(number, name, server) DECLARE_##server(name)
LINUX_CALL_LIST(DECLARE)

#define ROW_PROC(number, name) [number] = linux_##name,
#define ROW_PAGER(number, name)
#define ROW_FS(number, name)
#define ROW(number, name, server) ROW_##server(number, name)
static long (*const handlers[LINUX_CALLS])(struct process *, struct message *, long) = { LINUX_CALL_LIST(ROW) };

typedef long simple_call(const struct process *process);
#define X(name, answer) [LINUX_##name] = simple_##name,
static simple_call *const simple_calls[LINUX_CALLS] = { SIMPLE_CALL_LIST(X) };
#undef X

/* A forward that goes out with the next receive, so that both are one kernel call, or before the next call, answer or forward. Token 0: none. */
static struct { uint64_t token, slot; struct message message; } kept;

static void send_kept(void)
{
	if (kept.token)
		must(ipc_forward(kept.token, kept.slot, &kept.message), "a forward");
	kept.token = 0;
}

uint64_t *forward(uint64_t token, uint64_t slot, uint64_t label)
{
	send_kept();
	kept.token = token;
	kept.slot = slot;
	kept.message.label = label;
	return kept.message.word;
}

long call_server(uint64_t slot, struct message *message)
{
	long error;

	send_kept();
	error = ipc_call(slot, message);

	if (error < 0)
		panic("server %lu does not answer: error %ld", slot, error);
	return (long)message->label;
}

void must(long result, const char *what)
{
	if (result < 0)
		panic("%s fails: error %ld", what, result);
}

long loan_error(enum loan loan)
{
	return loan == LOAN_DONE ? 0 : loan == LOAN_REFUSED ? -EFAULT : NO_ANSWER;
}

/* A failure means that the caller is gone, so that nobody misses the answer. */
void answer(uint64_t token, long value)
{
	struct message message = { .word = { value } };

	send_kept();
	ipc_reply(token, &message);
}

void process_answer(struct process *process, uint64_t token, long value)
{
	unsigned signal = signal_deadly(process);

	if (signal)
		signal_die(process, token, signal);
	else
		answer(token, value);
}

/*
 * A call from a process whose call we hold: that one must have been withdrawn, so it is over. In the other states no
 * call can come; what comes all the same is not answered, since an answer would let a dying thread run.
 */
bool may_call(struct process *process)
{
	switch (process->state) {
	case PROCESS_RUNNING:
		return true;
	case PROCESS_WAITING:
	case PROCESS_SLEEPING:
	case PROCESS_VFORKED:
		process_unpark(process);
		return true;
	}
	log_line("proc: pid %u: a message in state %u is dropped", process->pid, process->state);
	return false;
}

/* Returns the token to answer with *answered, or 0. */
static uint64_t serve_call(struct message *message, long event, long *answered)
{
	struct process *process = process_of_identity(message->identity);
	long value = -ENOSYS;

	if (process && process->state != PROCESS_RUNNING && !may_call(process))
		return 0;
	if (process && message->label < LINUX_CALLS && handlers[message->label]) {
		served = process;
		value = handlers[message->label](process, message, event);
		served = NULL;
		if (value == NO_ANSWER)
			return 0;
		if (process->pending & ~process->blocked) {
			process_answer(process, message->token, value);
			return 0;
		}
	}
	*answered = value;
	return message->token;
}

/*
 * The kernel asks for an early answer to a call that we hold. proc interrupts nobody whose token it has, so this is about a
 * call that came here with the mark (which is about to be answered anyway), or about one that someone else interrupted.
 */
static void interrupted(const struct message *message)
{
	struct process *process = process_of_identity(message->identity);
	long value = -EINTR;

	if (!process || TOKEN_THREAD(process->parked.token) != TOKEN_THREAD(message->token))
		return;
	if (process->state == PROCESS_VFORKED)
		value = processes[process->fork_child].pid;
	else if (process->state != PROCESS_WAITING && process->state != PROCESS_SLEEPING)
		return;
	process_unpark(process);
	process_answer(process, message->token, value);
}

static void notified(uint64_t bits)
{
	if (bits & NOTIFY_CONSOLE_INTERRUPT)
		signal_everyone(SIGINT);
	if (bits & NOTIFY_CONSOLE_QUIT)
		signal_everyone(SIGQUIT);
}

static uint64_t serve(struct message *message, long event, long *answered)
{
	bool is_call = event == EVENT_MESSAGE || event == EVENT_REDELIVERED;

	if (is_call && message->badge == BADGE_CLIENT)
		return serve_call(message, event, answered);
	if (is_call)
		serve_server(message, event);
	switch (event) {
	case EVENT_NOTIFICATION:
		notified(message->word[0]);
		break;
	case EVENT_INTERRUPTED:
		interrupted(message);
		break;
	}
	return 0;
}

/* The message that is served. */
static struct message delivered = { .receive_slot = SLOT_RECEIVED };

static inline __attribute__((always_inline)) void keep(const struct message *message)
{
	delivered.word[0] = message->word[0], delivered.word[1] = message->word[1], delivered.word[2] = message->word[2];
	delivered.word[3] = message->word[3], delivered.word[4] = message->word[4], delivered.word[5] = message->word[5];
	delivered.label = message->label;
	delivered.badge = message->badge;
	delivered.token = message->token;
	delivered.identity = message->identity;
	delivered.capability = message->capability;
	delivered.address = message->address;
}

/* Null: look closer. */
static simple_call *simple_of(const struct message *message, const struct process *process)
{
	if (message->badge != BADGE_CLIENT || !process || process->state != PROCESS_RUNNING || message->label >= LINUX_CALLS)
		return NULL;
	return simple_calls[message->label];
}

static inline __attribute__((always_inline)) long forward_and_receive(struct message *message)
{
	uint64_t token = kept.token;

	message->word[0] = kept.message.word[0], message->word[1] = kept.message.word[1], message->word[2] = kept.message.word[2];
	message->label = kept.message.label;
	kept.token = 0;
	return ipc_forward_recv(token, kept.slot, SLOT_ENDPOINT, message);
}

/*
 * Answers `token` (0: nobody, but there may be a forward) with `value`, then receives and answers until something needs a closer look, which is kept in `delivered`.
 * `message` is never looked at as a whole, so that its fields stay in registers.
 */
static long receive(uint64_t token, long value, uint64_t deadline)
{
	struct message message = { .word = { value }, .receive_slot = SLOT_RECEIVED, .deadline = deadline };
	long event;

	if (kept.token && token)
		send_kept();
	if (kept.token)
		must(event = forward_and_receive(&message), "a forward");
	else
		event = token ? ipc_reply_recv(token, SLOT_ENDPOINT, &message) : ipc_recv(SLOT_ENDPOINT, &message);
	while (event == EVENT_MESSAGE && !deadline) {
		const struct process *process = process_of_identity(message.identity);
		simple_call *simple = simple_of(&message, process);

		if (!simple)
			break;
		token = message.token;
		message = (struct message){ .word = { simple(process) }, .receive_slot = SLOT_RECEIVED };
		event = ipc_reply_recv(token, SLOT_ENDPOINT, &message);
	}
	/* A failed reply has not received: who waited for it is gone. */
	if (event == ERR_BAD_TOKEN)
		return EVENT_TIMEOUT;
	if (event < 0)
		panic("receiving fails: error %ld", event);
	keep(&message);
	return event;
}

void server_main(const struct start_info *start)
{
	uint64_t token = 0;
	long value = 0;

	start_info = start;
	random_init(start->random);
	processes_init();
	start_first();
	for (;;) {
		uint64_t deadline = sleeper_first();
		long event = receive(token, value, deadline);

		token = serve(&delivered, event, &value);
		if (deadline)
			sleepers_wake();
	}
}
