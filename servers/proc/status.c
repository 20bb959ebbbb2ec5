/*
 * The text of /proc/PID/stat, status, cmdline and comm, for fs, which shows them as files. Each read makes the whole text and copies
 * the part that was asked for. Faults per process are not counted and are zero.
 */
#include "process.h"

#include "pager.h"

#include <asm/errno.h>

#define TEXT_BYTES 2048
#define PARTS_COUNTED 256	/* a bounded step: sizes of spaces with more areas, or parts of them, are too small */

/*
 * Whether a thread runs or waits in some other server, only the kernel knows: whoever asks is running, all others sleep.
 */
static char state_letter(const struct process *process)
{
	return process->state == PROCESS_ZOMBIE ? 'Z' : process == served ? 'R' : 'S';
}

static const char *state_name(char letter)
{
	return letter == 'Z' ? "zombie" : letter == 'R' ? "running" : "sleeping";
}

static unsigned parent_pid(const struct process *process)
{
	return process->parent ? processes[process->parent].pid : process->pid != 1;
}

/* Sums over the areas, and over the parts of each that the pager counts in one step. */
static void count_memory(const struct process *process, uint64_t *bytes, uint64_t *resident_pages)
{
	static struct pager_vma vma;
	uint64_t above = 0, resident = 0;

	*bytes = *resident_pages = 0;
	if (process->state == PROCESS_ZOMBIE || process->state == PROCESS_MAKING)
		return;
	for (unsigned i = 0; i < PARTS_COUNTED; i++) {
		struct message message = { .label = PAGER_vma, .word = { process_identity(process), above, (uint64_t)&vma, true } };

		if (call_server(SLOT_PAGER, &message) != 0 || vma.counted <= above)
			return;
		resident += vma.resident_pages;
		above = vma.counted;
		if (above < vma.end)
			continue;
		*bytes += vma.end - vma.start;
		*resident_pages += resident < vma.resident_most ? resident : vma.resident_most;
		resident = 0;
	}
}

/* The 52 fields of proc(5), in lines of: 1-8, 9-17, 18-24, 25-30, 31-38, 39-44, 45-52. */
static size_t write_stat(const struct process *process, char *text)
{
	uint64_t bytes, pages;

	count_memory(process, &bytes, &pages);
	return format_text(text, TEXT_BYTES,
			   "%u (%s) %c %u %u %u 0 -1 "
			   "0 0 0 0 0 %lu 0 %lu 0 "
			   "20 0 1 0 %lu %lu %lu "
			   "%lu 0 0 0 0 0 "
			   "%lu %lu %lu %lu 0 0 0 %u "
			   "0 0 0 0 0 0 "
			   "0 0 0 0 0 0 0 %u\n",
			   process->pid, process->name, state_letter(process), parent_pid(process), process->group, process->session,
			   ticks_to_user(process_used(process)), ticks_to_user(process->children_ticks),
			   ticks_to_user(process->start_ticks), bytes, pages,
			   UINT64_MAX,
			   process->pending, process->blocked, process->ignored, process->handled, process->exit_signal,
			   process->state == PROCESS_ZOMBIE ? process->wait_status : 0);
}

static size_t write_status(const struct process *process, char *text)
{
	char letter = state_letter(process);
	uint64_t bytes, pages;

	count_memory(process, &bytes, &pages);
	return format_text(text, TEXT_BYTES,
			   "Name:\t%s\nState:\t%c (%s)\nTgid:\t%u\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n"
			   "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nVmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nThreads:\t1\n"
			   "SigPnd:\t0000000000000000\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
			   process->name, letter, state_name(letter), process->pid, process->pid, parent_pid(process),
			   process->user.real, process->user.effective, process->user.saved, process->user.effective,
			   process->groups.real, process->groups.effective, process->groups.saved, process->groups.effective,
			   bytes / 1024, pages * 4, process->pending, process->blocked, process->ignored, process->handled);
}

static size_t write_text(const struct process *process, uint64_t which, char *text)
{
	switch (which) {
	case PROC_STATUS_stat:
		return write_stat(process, text);
	case PROC_STATUS_status:
		return write_status(process, text);
	case PROC_STATUS_comm:
		return format_text(text, TEXT_BYTES, "%s\n", process->name);
	case PROC_STATUS_cmdline:
		if (process->state == PROCESS_ZOMBIE)
			return 0;
		memcpy(text, process->command, process->command_bytes);
		return process->command_bytes;
	}
	return 0;
}

long status_read(struct process *process, struct message *message, long event)
{
	static char text[TEXT_BYTES];
	struct proc_status_request request;
	const struct process *about;
	size_t bytes;
	long error;

	(void)process;
	memcpy(&request, message->word, sizeof(request));
	about = process_of_pid(request.pid < PID_MAX ? request.pid : 0);
	if (!about)
		return -ESRCH;
	bytes = write_text(about, request.which, text);
	if (request.offset >= bytes)
		return 0;
	bytes -= request.offset;
	if (bytes > request.bytes)
		bytes = request.bytes;
	error = loan_error(loan_out(message, event, request.address, text + request.offset, bytes, NULL));
	return error ? error : (long)bytes;
}
