/*
 * clone(2) as fork and vfork, the first process, and what a new thread does before it runs. The parent's token waits here until
 * its child has started, so its registers can be read then, unless they are still here. It refuses threads, with ENOSYS.
 *
 *   parent  clone ──▶ proc: slot, pid, FS_fork ──PAGER_fork──▶ pager ──PROC_forked──▶ proc ····(token kept)····▶ answered: pid
 *   child                                               thread made      THREAD_START ──EXCEPTION_START──▶ registers ──▶ runs
 *                                         or one that has ended before: its token ──────────────────────▶ registers ──▶ runs
 *
 * What can fail comes before PAGER_fork, or is PAGER_fork. When the child exists, its start cannot fail any more.
 */
#include "process.h"

#include "fs.h"
#include "linux.h"
#include "pager.h"

#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/sched.h>

#define FORK_FLAGS (CSIGNAL | CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | \
		    CLONE_SETTLS | CLONE_UNTRACED | CLONE_DETACHED)

/* Words of clone(2) on riscv64. */
enum { CLONE_flags, CLONE_stack, CLONE_parent_tid, CLONE_tls, CLONE_child_tid };

static struct registers copied_registers;
static const struct process *copied_from;	/* whose they are, while it is FORKING; null: nobody's */

static long copy_registers(const struct process *parent, uint64_t token)
{
	long error = sys_registers(token, &copied_registers, REGISTERS_READ | REGISTERS_FPU);

	copied_from = error < 0 ? NULL : parent;
	return error;
}

static long check_flags(uint64_t flags)
{
	uint64_t signal = flags & CSIGNAL;

	if ((flags & CLONE_SIGHAND && !(flags & CLONE_VM)) || (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) ||
	    (signal != SIGCHLD && signal != 0))
		return -EINVAL;
	if (flags & ~(uint64_t)FORK_FLAGS || (flags & CLONE_VM && !(flags & CLONE_VFORK)))
		return -ENOSYS;
	return 0;
}

static long fs_fork(uint64_t parent, struct process *child)
{
	struct message message = { .label = FS_fork, .word = { parent, process_identity(child) } };

	return call_server(SLOT_FS, &message);
}

/* A slot, a pid, dispositions, descriptors; null and *error if one of them is not to be had. */
static struct process *make_child(struct process *parent, const struct message *message, long *error)
{
	uint64_t flags = message->word[CLONE_flags];
	struct process *child = process_allocate(parent);

	*error = -EAGAIN;
	if (!child)
		return NULL;
	child->exit_signal = flags & CSIGNAL;
	if (flags & CLONE_CHILD_SETTID)
		child->set_child_tid = message->word[CLONE_child_tid];
	if (flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = message->word[CLONE_child_tid];
	if (signal_inherit(child, parent)) {
		*error = fs_fork(process_identity(parent), child);
		if (!*error)
			return child;
	}
	process_free(child);
	return NULL;
}

LINUX_CALL(clone)
{
	uint64_t flags = message->word[CLONE_flags];
	uint32_t pid = process_next_pid();
	struct process *child;
	uint64_t *words;
	long error = check_flags(flags);

	if (error)
		return error;
	if (shutting_down() || !pid)
		return -EAGAIN;
	/* A native call has no registers to inherit. */
	if (copy_registers(process, message->token) < 0)
		return -EINVAL;
	if (flags & CLONE_PARENT_SETTID)
		error = loan_error(loan_out(message, event, message->word[CLONE_parent_tid], &pid, sizeof(pid), NULL));
	if (error)
		return error;
	child = make_child(process, message, &error);
	if (!child)
		return error;
	process->fork_child = child->slot;
	process_park(process, PROCESS_FORKING, message);
	words = forward(message->token, SLOT_PAGER, PAGER_fork);
	words[0] = process_identity(child);
	words[1] = flags & CLONE_VM ? 1 : 0;
	words[2] = exits_heard;
	return NO_ANSWER;
}

static void set_identity(struct process *child)
{
	must(sys_thread_set(process_thread(child), THREAD_IDENTITY, process_identity(child)), "THREAD_IDENTITY");
	child->state = PROCESS_STARTING;
}

/* SLOT_RECEIVED holds the new thread. These are calls on our own capabilities: they do not fail. */
static void start_child(struct process *child)
{
	uint64_t thread = process_thread(child);

	must(sys_cap_mint(SLOT_SELF_SPACE, thread, SLOT_RECEIVED, RIGHT_CONTROL, 0, 0), "keeping a thread");
	must(sys_thread_set(thread, THREAD_EXCEPTION, SLOT_EXCEPTION_MASTER), "THREAD_EXCEPTION");
	must(sys_thread_set(thread, THREAD_PRIORITY, PRIORITY_PROGRAM), "THREAD_PRIORITY");
	set_identity(child);
	must(sys_thread_set(thread, THREAD_START, 0), "THREAD_START");
}

/* Its thread waits for the answer to the last call of the slot's last process: no need to start it. */
static void continue_child(struct process *child, struct message *message)
{
	set_identity(child);
	message->token = child->last_token;
	start_thread(child, message, EVENT_MESSAGE);
}

void clone_forked(struct process *process, struct message *message)
{
	struct process *child = &processes[process->fork_child];
	struct proc_forked request;

	memcpy(&request, message->word, sizeof(request));
	if (process->state != PROCESS_FORKING || child->state != PROCESS_MAKING || request.identity != process_identity(child))
		panic("PROC_forked for pid %u in state %u", process->pid, process->state);
	process->parked.token = message->token;
	if (request.error) {
		process_forget(child);
		process->state = PROCESS_RUNNING;
		process_answer(process, message->token, request.error);
	} else if (message->capability) {
		start_child(child);
	} else {
		continue_child(child, message);
	}
}

/* The parent, held since PROC_forked, goes on, or, after vfork, waits until its child is out of its memory. */
static void release_parent(struct process *child)
{
	struct process *parent = &processes[child->parent];

	if (parent->parked.word[CLONE_flags] & CLONE_VFORK) {
		parent->state = PROCESS_VFORKED;
		signal_wake(parent);
		return;
	}
	parent->state = PROCESS_RUNNING;
	process_answer(parent, parent->parked.token, child->pid);
}

void vfork_done(struct process *child)
{
	struct process *parent = &processes[child->parent];

	if (!child->parent || parent->state != PROCESS_VFORKED || parent->fork_child != child->slot)
		return;
	process_unpark(parent);
	process_answer(parent, parent->parked.token, child->pid);
}

/* The parent's registers, with the differences that clone asked for. Read through the parent's token: it waits for us. */
static void child_registers(const struct process *child, uint64_t token)
{
	const struct process *parent = &processes[child->parent];
	const struct parked *parked = &parent->parked;

	if (copied_from != parent)
		must(copy_registers(parent, parked->token), "reading a parent's registers");
	copied_from = NULL;
	copied_registers.x[10] = 0;
	if (parked->word[CLONE_stack])
		copied_registers.x[2] = parked->word[CLONE_stack];
	if (parked->word[CLONE_flags] & CLONE_SETTLS)
		copied_registers.x[4] = parked->word[CLONE_tls];
	must(sys_registers(token, &copied_registers, REGISTERS_WRITE | REGISTERS_FPU), "writing a child's registers");
}

/* As on Linux, a child tid that cannot be stored is nobody's error. In a space of its own the page cannot be there at first. */
static enum loan store_tid(struct process *child, struct message *message, long event)
{
	bool shares = processes[child->parent].parked.word[CLONE_flags] & CLONE_VM;

	if (event != EVENT_REDELIVERED && !shares && sys_fault(message->token, child->set_child_tid, ACCESS_WRITE) == OK)
		return LOAN_FAULTED;
	return loan_out(message, event, child->set_child_tid, &child->pid, sizeof(child->pid), NULL);
}

static void start_clone(struct process *child, struct message *message, long event)
{
	unsigned signal = signal_deadly(child);

	/* With its registers written it lends its memory, whatever it waited in. */
	if (event != EVENT_REDELIVERED)
		child_registers(child, message->token);
	if (!signal && child->set_child_tid && store_tid(child, message, event) == LOAN_FAULTED)
		return;
	child->state = PROCESS_RUNNING;
	if (signal) {
		release_parent(child);
		signal_die(child, message->token, signal);
		return;
	}
	release_parent(child);
	answer(message->token, 0);
}

/* ---- Process 1: its memory is two empty pages; it gets initcode.S and what that needs for open and execve. */
extern const char initcode_start[], initcode_end[];

static struct initpage {
	char code[128];
	char console[16], shell[16];
	uint64_t arguments[4], environment[4];
	char shell_name[4], option[4];
	char path[16], home[16], terminal[16];
	char command[1024];
} initpage = {
	.console = "/dev/console", .shell = "/bin/sh", .shell_name = "sh", .option = "-c",
	.path = "PATH=/bin", .home = "HOME=/home", .terminal = "TERM=vt100",
};

#define INITPAGE(field) (INITCODE_BASE + offsetof(struct initpage, field))

_Static_assert(sizeof(struct initpage) <= PAGE_BYTES * INITCODE_PAGES, "the initial pages hold it");

static void fill_initpage(void)
{
	const char *command = argument_command(start_info->arguments);
	size_t length = 0;

	memcpy(initpage.code, initcode_start, initcode_end - initcode_start);
	initpage.arguments[0] = INITPAGE(shell_name);
	if (command) {
		while (length < sizeof(initpage.command) - 1 && command[length])
			length++;
		memcpy(initpage.command, command, length);
		initpage.arguments[1] = INITPAGE(option);
		initpage.arguments[2] = INITPAGE(command);
	}
	initpage.environment[0] = INITPAGE(path);
	initpage.environment[1] = INITPAGE(home);
	initpage.environment[2] = INITPAGE(terminal);
}

void start_first(void)
{
	struct process *process = process_allocate(NULL);
	struct message message = { .label = PAGER_spawn, .word = { process_identity(process) }, .receive_slot = SLOT_RECEIVED };

	process_set_name(process, "init");
	fill_initpage();
	must(fs_fork(0, process), "FS_fork of process 1");
	must(call_server(SLOT_PAGER, &message), "PAGER_spawn");
	start_child(process);
}

static void start_init(struct process *process, struct message *message, long event)
{
	enum loan loan = loan_out(message, event, INITCODE_BASE, &initpage, sizeof(initpage), NULL);

	if (loan == LOAN_FAULTED)
		return;
	if (loan == LOAN_REFUSED)
		panic("process 1 has no memory");
	copied_registers = (struct registers){ .pc = INITCODE_BASE };
	copied_registers.x[2] = INITCODE_BASE + INITCODE_PAGES * PAGE_BYTES;
	copied_registers.x[8] = INITPAGE(console);		/* s0, s1, s2, s3: see initcode.S */
	copied_registers.x[9] = INITPAGE(shell);
	copied_registers.x[18] = INITPAGE(arguments);
	copied_registers.x[19] = INITPAGE(environment);
	must(sys_registers(message->token, &copied_registers, REGISTERS_WRITE | REGISTERS_FPU), "the first registers");
	process->state = PROCESS_RUNNING;
	answer(message->token, 0);
}

void start_thread(struct process *process, struct message *message, long event)
{
	if (process->parent)
		start_clone(process, message, event);
	else
		start_init(process, message, event);
}

/* Its first store found no memory at all. */
void start_failed(struct process *process, struct message *message)
{
	if (!process->parent)
		panic("process 1 has no memory");
	process->state = PROCESS_RUNNING;
	release_parent(process);
	signal_die(process, message->token, SIGKILL);
}
