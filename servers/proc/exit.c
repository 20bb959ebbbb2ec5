/*
 * The end of a process, and of the system. A dying thread's own token travels: PAGER_exit is a forward that comes back as PROC_exited; then
 * fs closes the descriptors and the parent hears of it. So when wait returns, memory and descriptors are given back already. If the
 * parent waits, FS_reap does what else FS_exit does first.
 *
 * When process 1 ends, or reboot(2) is called, that process becomes the last: all others are killed, then it ends, too, and
 * its token goes on as FS_shutdown, PROC_shut, INIT_poweroff: no descriptor and no mapping is left when the disk is closed.
 */
#include "process.h"

#include "fs.h"
#include "pager.h"

#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/reboot.h>

#define LAST_SECONDS 10		/* how long the last process waits for the others */

static struct {
	struct process *last;
	uint64_t status;
} shutdown;

uint64_t exits_heard;

bool shutting_down(void)
{
	return shutdown.last;
}

static void call_about(uint64_t slot, uint64_t label, const struct process *process)
{
	struct message message = { .label = label, .word = { process_identity(process) } };

	call_server(slot, &message);
}

void process_forget(struct process *process)
{
	call_about(SLOT_FS, FS_reap, process);
	process_free(process);
}

static void end(struct process *process, uint64_t token)
{
	uint64_t *words = forward(token, SLOT_PAGER, PAGER_exit);

	words[0] = process == shutdown.last;
	words[1] = exits_heard;
	process->state = PROCESS_EXITING;
}

static void end_last(void)
{
	sleeper_remove(shutdown.last);
	end(shutdown.last, shutdown.last->parked.token);
}

static void end_last_if_alone(void)
{
	if (shutdown.last && shutdown.last->state == PROCESS_LAST && process_living == 1)
		end_last();
}

static void shutdown_begin(struct process *process, uint64_t token, uint64_t status)
{
	shutdown.last = process;
	shutdown.status = status;
	process->state = PROCESS_LAST;
	process->parked.token = token;
	process->deadline = read_time() + LAST_SECONDS * start_info->timebase_hz;
	sleeper_insert(process);
	for (unsigned slot = 1; slot <= process_highest; slot++)
		if (processes[slot].state != PROCESS_FREE && &processes[slot] != process) {
			processes[slot].unprotected = true;
			signal_raise(&processes[slot], SIGKILL);
		}
	end_last_if_alone();
}

void exit_deadline(struct process *process)
{
	log_line("proc: %u processes would not end; shutting down without them", process_living - 1);
	end(process, process->parked.token);
}

/* Linux' shells and `$?` count this way. */
static uint64_t shell_status(uint32_t wait_status)
{
	return wait_status & 0x7f ? 128 + (wait_status & 0x7f) : wait_status >> 8 & 0xff;
}

void exit_begin(struct process *process, uint64_t token, uint32_t wait_status)
{
	sleeper_remove(process);
	process->wait_status = wait_status;
	if (process->pid == 1 && !shutting_down())
		shutdown_begin(process, token, shell_status(wait_status));
	else
		end(process, token);
}

/* CLONE_CHILD_CLEARTID's word is not cleared: nobody shares the memory of a fork's child, and nobody could wait on the word. */
LINUX_CALL(exit)
{
	(void)event;
	exit_begin(process, message->token, (message->word[0] & 0xff) << 8);
	return NO_ANSWER;
}

LINUX_CALL(exit_group)
{
	return linux_exit(process, message, event);
}

static void leave_orphans(struct process *process)
{
	while (process->first_child) {
		struct process *child = &processes[process->first_child];

		process_unlink(child);
		if (child->state == PROCESS_ZOMBIE)
			process_forget(child);
	}
}

static void close_descriptors(struct process *process)
{
	if (!process->closed)
		call_about(SLOT_FS, FS_exit, process);
	process->closed = true;
}

static void tell_parent(struct process *process)
{
	struct process *parent = &processes[process->parent];
	unsigned signal = process->exit_signal;

	if (!process->parent) {
		process_forget(process);
		return;
	}
	if (signal_children_vanish(parent))
		process_forget(process);
	wait_again(parent);
	if (process->state == PROCESS_ZOMBIE)
		close_descriptors(process);	/* that wait was for another one */
	if (signal)
		signal_raise(parent, signal);
}

void exit_done(struct process *process, struct message *message)
{
	if (process->state != PROCESS_EXITING)
		panic("PROC_exited for pid %u in state %u", process->pid, process->state);
	if (process == shutdown.last) {
		close_descriptors(process);
		*forward(message->token, SLOT_FS, FS_shutdown) = shutdown.status;
		return;
	}
	exits_heard++;
	process->last_token = message->token;
	process->used_ticks = process_used(process) + process->children_ticks;
	process->state = PROCESS_ZOMBIE;
	process_living--;
	signal_forget(process);
	if (processes[process->parent].state != PROCESS_WAITING)
		close_descriptors(process);
	vfork_done(process);
	leave_orphans(process);
	tell_parent(process);
	end_last_if_alone();
}

void exit_shut(struct message *message)
{
	struct message poweroff = { .label = INIT_poweroff, .word = { message->word[0] } };

	call_server(SLOT_INIT, &poweroff);
	panic("init does not power off");
}

/* There is no way to restart the machine: whoever asks for that gets it switched off. */
LINUX_CALL(reboot)
{
	uint32_t first = message->word[0], second = message->word[1], command = message->word[2];

	(void)event;
	if (process->user.effective)
		return -EPERM;
	if (first != LINUX_REBOOT_MAGIC1 || (second != LINUX_REBOOT_MAGIC2 && second != LINUX_REBOOT_MAGIC2A &&
					     second != LINUX_REBOOT_MAGIC2B && second != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	if (command != LINUX_REBOOT_CMD_POWER_OFF && command != LINUX_REBOOT_CMD_HALT && command != LINUX_REBOOT_CMD_RESTART)
		return -EINVAL;
	if (shutting_down())
		return -EAGAIN;		/* and SIGKILL is pending */
	shutdown_begin(process, message->token, 0);
	return NO_ANSWER;
}
