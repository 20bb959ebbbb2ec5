/*
 * The last step of execve but one. fs has found the file, the pager has built the new space beside the old; the token comes here as
 * PROC_exec and goes back as PAGER_commit, which nobody can refuse any more. Until then the old program can still be
 * answered. Set-user-id files are not honoured: PROC_exec carries no credentials.
 */
#include "process.h"

#include "fs.h"
#include "pager.h"

#include <asm/errno.h>

static struct registers new_registers;

/* Copies a string without its page being brought in: the pager has just read it. Returns the bytes with their NUL, 0 if it did not end. */
static size_t copy_string(uint64_t token, uint64_t remote, char *own, size_t bytes)
{
	size_t have = 0;

	while (have < bytes) {
		size_t step = PAGE_BYTES - (remote + have) % PAGE_BYTES;
		long copied;

		if (step > bytes - have)
			step = bytes - have;
		copied = sys_copy(token, remote + have, own + have, step, COPY_IN);
		if (copied <= 0)
			return 0;
		for (size_t end = have + copied; have < end; have++)
			if (!own[have])
				return have + 1;
		if ((size_t)copied < step)
			return 0;
	}
	return 0;
}

/* For /proc/PID/cmdline: as much of argv as there is room for. Cosmetic, so what is not there is left out. */
static void take_command(struct process *process, uint64_t token, uint64_t arguments)
{
	uint64_t string;

	process->command_bytes = 0;
	while (process->command_bytes < COMMAND_BYTES) {
		size_t bytes;

		if (sys_copy(token, arguments, &string, sizeof(string), COPY_IN) != sizeof(string) || !string)
			return;
		bytes = copy_string(token, string, process->command + process->command_bytes, COMMAND_BYTES - process->command_bytes);
		if (!bytes)
			return;
		process->command_bytes += bytes;
		arguments += sizeof(string);
	}
}

static void abort_exec(uint64_t token)
{
	struct message message = { .label = PAGER_abort, .word = { TOKEN_THREAD(token) } };

	call_server(SLOT_PAGER, &message);
}

static void close_on_exec(struct process *process)
{
	struct message message = { .label = FS_exec, .word = { process_identity(process) } };

	call_server(SLOT_FS, &message);
}

void exec_commit(struct process *process, struct message *message)
{
	uint64_t token = message->token, arguments;
	unsigned signal = signal_deadly(process);
	struct proc_exec request;

	memcpy(&request, message->word, sizeof(request));
	request.name[sizeof(request.name) - 1] = 0;
	if (signal) {
		abort_exec(token);
		signal_die(process, token, signal);
		return;
	}
	/* A native call has no registers to set: it was no execve. */
	if (sys_registers(token, &new_registers, REGISTERS_READ) < 0) {
		abort_exec(token);
		process_answer(process, token, -EINVAL);
		return;
	}
	arguments = new_registers.x[11];

	/* Nothing below may fail. */
	take_command(process, token, arguments);
	new_registers = (struct registers){ .pc = request.pc };
	new_registers.x[2] = request.sp;
	sys_registers(token, &new_registers, REGISTERS_WRITE | REGISTERS_FPU);
	close_on_exec(process);
	signal_executed(process);
	process_set_name(process, request.name);
	process->has_executed = true;
	process->clear_child_tid = 0;
	forward(token, SLOT_PAGER, PAGER_commit);
	vfork_done(process);
}
