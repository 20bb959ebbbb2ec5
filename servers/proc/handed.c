/*
 * What is not a Linux call: exceptions of programs, and tokens that the pager or fs hands on when their part of a call is done or cannot be
 * done. The badge says who may say what; anything else is refused.
 */
#include "process.h"

#include <asm/errno.h>
#include <asm/signal.h>

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
	case EXCEPTION_FETCH_MISALIGNED:
	case EXCEPTION_LOAD_MISALIGNED:
	case EXCEPTION_STORE_MISALIGNED:
	case EXCEPTION_FETCH_ACCESS:
	case EXCEPTION_LOAD_ACCESS:
	case EXCEPTION_STORE_ACCESS: return SIGBUS;
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

void serve_server(struct message *message, long event)
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
