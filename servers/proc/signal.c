/*
 * Signals: who may send them, what is pending, blocked, ignored, and the default actions. A process with a deadly signal is
 * ended as its state allows (the table in process.h). Handlers are registered and reported back, not run: a signal that
 * should run one ends the process, with a line in the log. Stopping is refused with ENOSYS.
 *
 * As on Linux, process 1 does not get what it has no handler for, SIGKILL included; its own faults do end it.
 */
#include "process.h"

#include <asm/errno.h>
#include <asm/signal.h>

#define SIGNALS 64
#define BIT(signal) (1UL << ((signal) - 1))
#define UNBLOCKABLE (BIT(SIGKILL) | BIT(SIGSTOP))

enum { ACTION_DEFAULT, ACTION_IGNORE };		/* struct action's handler below 2: SIG_DFL, SIG_IGN */

enum signal_default { DEFAULT_END, DEFAULT_IGNORE, DEFAULT_STOP };

/* struct sigaction as rt_sigaction has it on riscv64. */
struct action { uint64_t handler, flags, mask; };

/*
 * What a process must get back from rt_sigaction, where that is more than SIG_DFL or SIG_IGN alone: a list per process, its
 * entries from one table. Entry 0 is none.
 */
#define ACTION_ENTRIES 16384
static struct entry {
	struct action action;
	uint16_t signal, next;
} entries[ACTION_ENTRIES];
static uint16_t free_entries, first_unused = 1;

static uint16_t *find_entry(uint16_t *list, unsigned signal)
{
	while (*list && entries[*list].signal != signal)
		list = &entries[*list].next;
	return list;
}

static uint16_t take_entry(void)
{
	uint16_t entry = free_entries;

	if (entry)
		free_entries = entries[entry].next;
	else if (first_unused < ACTION_ENTRIES)
		entry = first_unused++;
	return entry;
}

static void drop_entry(uint16_t *list)
{
	uint16_t entry = *list;

	*list = entries[entry].next;
	entries[entry].next = free_entries;
	free_entries = entry;
}

static struct action read_action(struct process *process, unsigned signal)
{
	uint16_t entry = *find_entry(&process->actions, signal);

	if (entry)
		return entries[entry].action;
	return (struct action){ .handler = process->ignored & BIT(signal) ? ACTION_IGNORE : ACTION_DEFAULT };
}

static bool write_action(struct process *process, unsigned signal, const struct action *action)
{
	uint16_t *entry = find_entry(&process->actions, signal);
	bool is_plain = action->handler <= ACTION_IGNORE && !action->flags && !action->mask;

	if (*entry && is_plain)
		drop_entry(entry);
	if (!*entry && !is_plain) {
		uint16_t fresh = take_entry();

		if (!fresh)
			return false;
		entries[fresh].signal = signal;
		entries[fresh].next = 0;
		*entry = fresh;
	}
	if (!is_plain)
		entries[*entry].action = *action;
	return true;
}

static void write_disposition(struct process *process, unsigned signal, const struct action *action)
{
	process->ignored &= ~BIT(signal);
	process->handled &= ~BIT(signal);
	if (action->handler == ACTION_IGNORE)
		process->ignored |= BIT(signal);
	else if (action->handler != ACTION_DEFAULT)
		process->handled |= BIT(signal);
	if (signal == SIGCHLD)
		process->no_zombies = action->flags & SA_NOCLDWAIT;
}

bool signal_inherit(struct process *child, const struct process *parent)
{
	child->ignored = parent->ignored;
	child->handled = parent->handled;
	child->no_zombies = parent->no_zombies;
	for (uint16_t entry = parent->actions; entry; entry = entries[entry].next)
		if (!write_action(child, entries[entry].signal, &entries[entry].action)) {
			signal_forget(child);
			return false;
		}
	return true;
}

/* A new program: what was handled is default again, what was ignored stays ignored. */
void signal_executed(struct process *process)
{
	signal_forget(process);
	process->handled = 0;
	process->no_zombies = false;
}

void signal_forget(struct process *process)
{
	while (process->actions)
		drop_entry(&process->actions);
}

static enum signal_default signal_default(unsigned signal)
{
	switch (signal) {
	case SIGCHLD: case SIGURG: case SIGWINCH: case SIGCONT:
		return DEFAULT_IGNORE;
	case SIGSTOP: case SIGTSTP: case SIGTTIN: case SIGTTOU:
		return DEFAULT_STOP;
	}
	return DEFAULT_END;
}

static bool has_effect(const struct process *process, unsigned signal)
{
	if (process->handled & BIT(signal))
		return true;
	if (process->ignored & BIT(signal) || signal_default(signal) != DEFAULT_END)
		return false;
	return process->pid != 1 || process->unprotected;
}

static bool would_stop(const struct process *process, unsigned signal)
{
	return signal_default(signal) == DEFAULT_STOP && !((process->handled | process->ignored) & BIT(signal));
}

unsigned signal_deadly(struct process *process)
{
	uint64_t ready = process->pending & ~process->blocked;

	if (ready & BIT(SIGKILL) && has_effect(process, SIGKILL))
		return SIGKILL;
	for (unsigned signal = 1; ready; signal++) {
		if (!(ready & BIT(signal)))
			continue;
		if (has_effect(process, signal))
			return signal;
		ready &= ~BIT(signal);
		process->pending &= ~BIT(signal);
	}
	return 0;
}

/* A fault's signal comes straight here: it can be neither ignored nor blocked. */
void signal_die(struct process *process, uint64_t token, unsigned signal)
{
	if (process->handled & BIT(signal))
		log_line("proc: pid %u (%s): signal %u has a handler, and handlers are not there yet; ended", process->pid,
			 process->name, signal);
	exit_begin(process, token, signal);
}

void signal_wake(struct process *process)
{
	unsigned signal;

	switch (process->state) {
	case PROCESS_RUNNING:
		/* If its token is in our hand, it dies when it is about to be answered. */
		if (process != served && signal_deadly(process))
			sys_interrupt(process_thread(process));
		break;
	case PROCESS_VFORKED:
	case PROCESS_WAITING:
	case PROCESS_SLEEPING:
		signal = signal_deadly(process);
		if (signal)
			signal_die(process, process->parked.token, signal);
		break;
	}
}

void signal_raise(struct process *process, unsigned signal)
{
	if (!(process->blocked & BIT(signal)) && !has_effect(process, signal))
		return;
	process->pending |= BIT(signal);
	signal_wake(process);
}

bool signal_children_vanish(const struct process *process)
{
	return process->no_zombies || process->ignored & BIT(SIGCHLD);
}

/* From the console's keyboard. There are no foreground groups yet: everybody who does not ignore it gets it. */
void signal_everyone(unsigned signal)
{
	for (unsigned slot = 1; slot <= process_highest; slot++)
		if (processes[slot].state != PROCESS_FREE)
			signal_raise(&processes[slot], signal);
}

/* ---- kill and its like */

static bool may_send(const struct process *from, const struct process *to, unsigned signal)
{
	return !from->user.effective || from->user.effective == to->user.real || from->user.effective == to->user.saved ||
	       from->user.real == to->user.real || from->user.real == to->user.saved ||
	       (signal == SIGCONT && from->session == to->session);
}

static long send(const struct process *from, struct process *to, unsigned signal)
{
	if (signal > SIGNALS)
		return -EINVAL;
	if (!may_send(from, to, signal))
		return -EPERM;
	if (!signal || to->state == PROCESS_ZOMBIE)
		return 0;
	if (would_stop(to, signal))
		return -ENOSYS;
	signal_raise(to, signal);
	return 0;
}

/* To a group, or, group 0, to all but process 1 and the sender: good if it reached one. */
static long send_many(const struct process *from, uint32_t group, unsigned signal)
{
	long outcome = -ESRCH;

	for (unsigned slot = 1; slot <= process_highest; slot++) {
		struct process *to = &processes[slot];
		long error;

		if (to->state == PROCESS_FREE || (group ? to->group != group : to->pid == 1 || to == from))
			continue;
		error = send(from, to, signal);
		if (outcome)
			outcome = error;
	}
	return outcome;
}

LINUX_CALL(kill)
{
	int32_t pid = message->word[0];
	unsigned signal = message->word[1];
	struct process *to;

	(void)event;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid <= 0)
		return send_many(process, pid == -1 ? 0 : pid ? (uint32_t)-pid : process->group, signal);
	to = process_of_pid(pid);
	return to ? send(process, to, signal) : -ESRCH;
}

/* Threads are processes here: a thread's number is its process's. */
static long send_thread(const struct process *from, int32_t group, int32_t thread, unsigned signal)
{
	struct process *to;

	if (group <= 0 || thread <= 0)
		return -EINVAL;
	to = group == thread ? process_of_pid(thread) : NULL;
	return to ? send(from, to, signal) : -ESRCH;
}

LINUX_CALL(tkill)
{
	(void)event;
	return send_thread(process, message->word[0], message->word[0], message->word[1]);
}

LINUX_CALL(tgkill)
{
	(void)event;
	return send_thread(process, message->word[0], message->word[1], message->word[2]);
}

/* ---- dispositions and the mask. The last argument of both is the size of a mask. */

LINUX_CALL(rt_sigaction)
{
	unsigned signal = message->word[0];
	uint64_t new_address = message->word[1], old_address = message->word[2];
	struct action action, old;
	long error;

	if (message->word[3] != sizeof(uint64_t) || signal < 1 || signal > SIGNALS)
		return -EINVAL;
	if (new_address) {
		error = loan_error(loan_in(message, event, new_address, &action, sizeof(action), NULL));
		if (error)
			return error;
		if (BIT(signal) & UNBLOCKABLE)
			return -EINVAL;
	}
	old = read_action(process, signal);
	if (old_address) {
		error = loan_error(loan_out(message, event, old_address, &old, sizeof(old), NULL));
		if (error)
			return error;
	}
	if (!new_address)
		return 0;
	action.mask &= ~UNBLOCKABLE;
	if (!write_action(process, signal, &action))
		return -ENOMEM;
	write_disposition(process, signal, &action);
	/* What is ignored now is not pending any more, blocked or not. */
	if (action.handler == ACTION_IGNORE || (action.handler == ACTION_DEFAULT && signal_default(signal) == DEFAULT_IGNORE))
		process->pending &= ~BIT(signal);
	return 0;
}

LINUX_CALL(rt_sigprocmask)
{
	uint64_t new_address = message->word[1], old_address = message->word[2], set = 0, mask = process->blocked;
	long error;

	if (message->word[3] != sizeof(set))
		return -EINVAL;
	if (new_address) {
		error = loan_error(loan_in(message, event, new_address, &set, sizeof(set), NULL));
		if (error)
			return error;
		switch (message->word[0]) {
		case SIG_BLOCK: mask |= set; break;
		case SIG_UNBLOCK: mask &= ~set; break;
		case SIG_SETMASK: mask = set; break;
		default: return -EINVAL;
		}
	}
	if (old_address) {
		error = loan_error(loan_out(message, event, old_address, &process->blocked, sizeof(process->blocked), NULL));
		if (error)
			return error;
	}
	/* What is unblocked and deadly ends the process before it is answered (main.c). */
	process->blocked = mask & ~UNBLOCKABLE;
	return 0;
}
