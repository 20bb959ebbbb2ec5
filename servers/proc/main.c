/*
 * The process server: one loop that receives, serves one bounded step, and answers or keeps the token. What arrives is told
 * apart by its badge: a Linux call (BADGE_CLIENT), a kernel-made exception call (BADGE_EXCEPTION), a token that the pager
 * or fs hands on. Handlers of Linux calls are found by number; the table expands from abi/linux.h. Next: process.h.
 */
#include "process.h"

#include "linux.h"

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

long call_server(uint64_t slot, struct message *message)
{
	long error = ipc_call(slot, message);

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
static bool may_call(struct process *process)
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

/* Returns the token to answer with the message, or 0. getpid's whole way leads through here: keep it short. */
static uint64_t serve_call(struct message *message, long event)
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
	message->word[0] = value;
	message->label = 0;
	message->capability = 0;
	return message->token;
}

static const char *access_name(uint64_t access)
{
	return access & ACCESS_EXECUTE ? "execute" : access & ACCESS_WRITE ? "write" : "read";
}

static const char *signal_name(unsigned signal)
{
	switch (signal) {
	case SIGSEGV: return "SIGSEGV";
	case SIGBUS: return "SIGBUS";
	case SIGILL: return "SIGILL";
	case SIGTRAP: return "SIGTRAP";
	case SIGKILL: return "SIGKILL (no memory left)";
	}
	return "a signal";
}

static void bad_access(struct process *process, struct message *message)
{
	struct proc_bad_access request;
	unsigned signal;

	memcpy(&request, message->word, sizeof(request));
	signal = request.signal >= 1 && request.signal <= 31 ? request.signal : SIGSEGV;
	log_line("proc: pid %u (%s): %s at pc 0x%lx, %s of address 0x%lx", process->pid, process->name, signal_name(signal),
		 request.pc, access_name(request.access), request.address);
	signal_die(process, message->token, signal);
}

/* A fault that no pager would take cannot be repeated; a call is answered with EIO. pc is at the ecall. */
static void route_lost(struct process *process, struct message *message)
{
	static struct registers lost;

	if (message->word[2] == LABEL_FAULT || sys_registers(message->token, &lost, REGISTERS_READ) < 0) {
		signal_die(process, message->token, SIGBUS);
		return;
	}
	lost.x[10] = -EIO;
	lost.pc += 4;
	sys_registers(message->token, &lost, REGISTERS_WRITE);
	process_answer(process, message->token, 0);
}

static unsigned exception_signal(uint64_t cause)
{
	switch (cause) {
	case EXCEPTION_ILLEGAL: return SIGILL;
	case EXCEPTION_BREAKPOINT: return SIGTRAP;
	case EXCEPTION_MISALIGNED:
	case EXCEPTION_ACCESS: return SIGBUS;
	}
	return SIGSEGV;
}

static void serve_exception(struct process *process, struct message *message, long event)
{
	uint64_t cause = message->word[0];
	unsigned signal = exception_signal(cause);

	if (cause == EXCEPTION_START && process->state == PROCESS_STARTING) {
		start_thread(process, message, event);
		return;
	}
	if (!may_call(process))
		return;
	switch (cause) {
	case EXCEPTION_START:
	case EXCEPTION_INTERRUPT:
		process_answer(process, message->token, 0);
		break;
	case EXCEPTION_ROUTE_LOST:
		route_lost(process, message);
		break;
	default:
		log_line("proc: pid %u (%s): %s at pc 0x%lx, value 0x%lx", process->pid, process->name, signal_name(signal),
			 message->word[1], message->word[2]);
		signal_die(process, message->token, signal);
	}
}

static void serve_pager(struct process *process, struct message *message, long event)
{
	switch (message->label) {
	case PROC_forked:
		clone_forked(process, message);
		return;
	case PROC_exited:
		/* The last call of an ended thread comes again when a child that continues it has faulted. */
		if (process->state == PROCESS_STARTING)
			start_thread(process, message, event);
		else
			exit_done(process, message);
		return;
	case PROC_exec:
		if (may_call(process))
			exec_commit(process, message);
		return;
	case PROC_bad_access:
		/* A child's first store (CLONE_CHILD_SETTID) may be what fails: its parent waits for it. */
		if (process->state == PROCESS_STARTING)
			start_failed(process, message);
		else if (may_call(process))
			bad_access(process, message);
		return;
	}
	answer(message->token, -ENOSYS);
}

static void serve_fs(struct process *process, struct message *message, long event)
{
	struct proc_signal request;
	long value;

	switch (message->label) {
	case PROC_status:
		value = status_read(process, message, event);
		if (value != NO_ANSWER)
			process_answer(process, message->token, value);
		return;
	case PROC_signal:
		memcpy(&request, message->word, sizeof(request));
		if (request.signal >= 1 && request.signal <= 64)
			signal_raise(process, request.signal);
		process_answer(process, message->token, request.result);
		return;
	case PROC_shut:
		exit_shut(message);
		return;
	}
	answer(message->token, -ENOSYS);
}

static void serve_server(struct message *message, long event)
{
	struct process *process = process_of_identity(message->identity);

	if (!process) {
		answer(message->token, -ESRCH);
		return;
	}
	served = process;
	if (message->badge == BADGE_EXCEPTION && message->label == LABEL_EXCEPTION)
		serve_exception(process, message, event);
	else if (message->badge == BADGE_PAGER)
		serve_pager(process, message, event);
	else if (message->badge == BADGE_FS)
		serve_fs(process, message, event);
	else
		answer(message->token, -ENOSYS);
	served = NULL;
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

static uint64_t serve(struct message *message, long event)
{
	bool is_call = event == EVENT_MESSAGE || event == EVENT_REDELIVERED;

	if (is_call && message->badge == BADGE_CLIENT)
		return serve_call(message, event);
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

void server_main(const struct start_info *start)
{
	struct message message = { 0 };
	uint64_t token = 0;
	long event;

	start_info = start;
	random_init(start->random);
	processes_init();
	start_first();
	message.receive_slot = SLOT_RECEIVED;
	for (;;) {
		message.deadline = sleeper_first();
		event = token ? ipc_reply_recv(token, SLOT_ENDPOINT, &message) : ipc_recv(SLOT_ENDPOINT, &message);
		if (event < 0 && !token)
			panic("receiving fails: error %ld", event);
		/* A failed reply has not received; the message is as it was. If the caller is gone, this fails, too. */
		if (event < 0)
			ipc_reply(token, &message);
		token = event < 0 ? 0 : serve(&message, event);
		if (message.deadline)
			sleepers_wake();
	}
}
