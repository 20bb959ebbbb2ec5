/*
 * wait4 and waitid. A call that finds nothing yet is parked whole and served again from its start when a child of the caller
 * ends (wait_again). The status is copied out first, then the child is forgotten: a bad address loses nothing.
 * Children do not stop and continue here, so WUNTRACED and its like are accepted and never match.
 */
#include "process.h"

#include "linux.h"

#include <asm/errno.h>
#include <asm/signal.h>
#include <asm-generic/siginfo.h>
#include <linux/resource.h>
#include <linux/wait.h>

#define WAIT_ANY (__WNOTHREAD | __WCLONE | __WALL)

/* Which children a call is about. */
struct query {
	int which;		/* P_ALL, P_PID, P_PGID */
	uint32_t id;
	unsigned options;
};

static bool matches(const struct process *child, const struct query *query)
{
	bool is_clone = child->exit_signal != SIGCHLD;

	if ((query->which == P_PID && child->pid != query->id) || (query->which == P_PGID && child->group != query->id))
		return false;
	return query->options & __WALL || is_clone == !!(query->options & __WCLONE);
}

/* A zombie that matches, or null: then *error is ECHILD if nobody could ever match, else 0. */
static struct process *find_child(const struct process *parent, const struct query *query, long *error)
{
	*error = -ECHILD;
	for (unsigned slot = parent->first_child; slot; slot = processes[slot].next_sibling) {
		struct process *child = &processes[slot];

		if (child->state == PROCESS_MAKING || !matches(child, query))
			continue;
		*error = 0;
		if (child->state == PROCESS_ZOMBIE && query->options & WEXITED)
			return child;
	}
	return NULL;
}

/* Nothing yet: the error, 0 for WNOHANG, or NO_ANSWER: parked. */
static long nothing(struct process *process, const struct message *message, const struct query *query, long error)
{
	if (error || query->options & WNOHANG)
		return error;
	process_park(process, PROCESS_WAITING, message);
	return NO_ANSWER;
}

/* Nothing to copy to: done. */
static long copy_result(const struct message *message, long event, uint64_t address, const void *from, size_t bytes)
{
	return address ? loan_error(loan_out(message, event, address, from, bytes, NULL)) : 0;
}

/* All of a child's time counts as the program's own; faults and the like are not counted per process. */
static const struct rusage *usage_of(const struct process *child)
{
	static struct rusage usage;
	uint64_t ns = ticks_to_ns(child->used_ticks);

	usage.ru_utime.tv_sec = ns / 1000000000;
	usage.ru_utime.tv_usec = ns % 1000000000 / 1000;
	return &usage;
}

static void forget(struct process *parent, struct process *child)
{
	parent->children_ticks += child->used_ticks;
	process_forget(child);
}

LINUX_CALL(wait4)
{
	int32_t pid = message->word[0];
	unsigned options = message->word[2];
	struct query query = { .options = options | WEXITED };
	struct process *child;
	long error;
	uint32_t ended;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | WAIT_ANY))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	query.which = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
	query.id = pid > 0 ? pid : pid ? -pid : (int32_t)process->group;
	child = find_child(process, &query, &error);
	if (!child)
		return nothing(process, message, &query, error);
	error = copy_result(message, event, message->word[1], &child->wait_status, sizeof(child->wait_status));
	if (!error)
		error = copy_result(message, event, message->word[3], usage_of(child), sizeof(struct rusage));
	if (error)
		return error;
	ended = child->pid;
	forget(process, child);
	return ended;
}

static void fill_information(siginfo_t *information, const struct process *child)
{
	unsigned signal = child->wait_status & 0x7f;

	information->si_signo = SIGCHLD;
	information->si_code = signal ? CLD_KILLED : CLD_EXITED;
	information->si_pid = child->pid;
	information->si_uid = child->user.real;
	information->si_status = signal ? signal : child->wait_status >> 8;
}

/* P_PIDFD has no descriptors to name here. */
static long read_query(const struct process *process, const struct message *message, struct query *query)
{
	int32_t id = message->word[1];

	*query = (struct query){ .which = message->word[0], .id = id, .options = message->word[3] };
	if (query->options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WAIT_ANY) ||
	    !(query->options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	switch (query->which) {
	case P_ALL:
		return 0;
	case P_PID:
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		if (!id)
			query->id = process->group;
		return id >= 0 ? 0 : -EINVAL;
	}
	return -EINVAL;
}

LINUX_CALL(waitid)
{
	static siginfo_t information;
	struct process *child;
	struct query query;
	long error = read_query(process, message, &query);

	if (error)
		return error;
	child = find_child(process, &query, &error);
	if (!child && (error || !(query.options & WNOHANG)))
		return nothing(process, message, &query, error);
	memset(&information, 0, sizeof(information));
	if (child)
		fill_information(&information, child);
	error = copy_result(message, event, message->word[2], &information, sizeof(information));
	if (!error && child)
		error = copy_result(message, event, message->word[4], usage_of(child), sizeof(struct rusage));
	if (!error && child && !(query.options & WNOWAIT))
		forget(process, child);
	return error;
}

/* The call as it was. It may fault on the way, so from here on the process counts as running. */
void wait_again(struct process *parent)
{
	struct message message = { .token = parent->parked.token, .label = parent->parked.label, .identity = process_identity(parent) };
	long value;

	if (parent->state != PROCESS_WAITING)
		return;
	memcpy(message.word, parent->parked.word, sizeof(parent->parked.word));
	process_unpark(parent);
	value = message.label == LINUX_wait4 ? linux_wait4(parent, &message, EVENT_MESSAGE) : linux_waitid(parent, &message, EVENT_MESSAGE);
	if (value != NO_ANSWER)
		process_answer(parent, message.token, value);
}
