/*
 * Processes as proc announces them, and their descriptor tables: one page each, from FS_fork to FS_reap. Slots are named by
 * the identity that every call carries; the whole identity must agree, so a late call of a dead process finds nothing.
 */
#include "shell.h"

struct process *processes[PROCESS_MAX];
static unsigned highest;

struct process *process_next(unsigned *slot)
{
	while (*slot <= highest) {
		struct process *process = processes[(*slot)++];

		if (process)
			return process;
	}
	return NULL;
}

struct process *process_by_pid(uint64_t pid)
{
	unsigned slot = 0;
	struct process *process;

	while ((process = process_next(&slot)))
		if (IDENTITY_PID(process->identity) == pid)
			return process;
	return NULL;
}

void process_set_directory(struct process *process, struct place place, struct node *node)
{
	if (node)
		node_hold(node);
	if (process->directory_node)
		node_drop(process->directory_node);
	process->directory = place;
	process->directory_node = node;
}

void process_executing(struct process *process, struct node *node)
{
	process->parked += (node != NULL) - (process->executing != NULL);
	process_execute(&process->executing, node);
}

void process_execute(struct node **slot, struct node *node)
{
	struct node *old = *slot;

	if (node) {
		node_hold(node);
		node->executions++;
	}
	*slot = node;
	if (old) {
		old->executions--;
		node_drop(old);
	}
}

/* ---- descriptors */

int descriptor_free(const struct process *process, int from)
{
	for (int descriptor = from; descriptor < DESCRIPTORS; descriptor++)
		if ((unsigned)descriptor >= process->top || !process->open[descriptor])
			return descriptor;
	return -EMFILE;
}

static void set_close_on_exec(struct process *process, int descriptor, bool value)
{
	uint64_t bit = 1UL << descriptor % 64;

	if (value)
		process->close_on_exec[descriptor / 64] |= bit;
	else
		process->close_on_exec[descriptor / 64] &= ~bit;
}

void descriptor_set(struct process *process, int descriptor, struct open *open, bool close_on_exec)
{
	struct open *old = descriptor_get(process, descriptor);

	while (process->top <= (unsigned)descriptor)
		process->open[process->top++] = 0;
	process->open[descriptor] = open ? open->number : 0;
	while (process->top && !process->open[process->top - 1])
		process->top--;
	set_close_on_exec(process, descriptor, close_on_exec);
	if (old)
		open_release(old);
}

/* ---- what proc says */

static void inherit(struct process *child, const struct process *parent)
{
	memcpy(child, parent, offsetof(struct process, open) + parent->top * sizeof(parent->open[0]));
	for (unsigned descriptor = 0; descriptor < child->top; descriptor++)
		if (child->open[descriptor])
			descriptor_get(child, descriptor)->references++;
	if (child->directory_node)
		node_hold(child->directory_node);
	child->parked = 0;
	child->program = child->executing = NULL;
	process_execute(&child->program, parent->program);
}

int64_t fs_fork(struct call *call)
{
	const struct fs_fork *request = (const struct fs_fork *)call->message.word;
	uint64_t slot = IDENTITY_SLOT(request->child);
	struct process *parent = process_of(request->parent), *child;

	if (!slot || slot >= PROCESS_MAX || processes[slot] || (request->parent && !parent))
		return -EINVAL;
	child = pool_raw();
	if (!child)
		return -ENOMEM;
	if (parent)
		inherit(child, parent);
	else
		*child = (struct process){ .umask = 022, .directory = path_root() };
	child->identity = request->child << 16 >> 16;
	processes[slot] = child;
	if (slot > highest)
		highest = slot;
	return 0;
}

int64_t fs_exec(struct call *call)
{
	struct process *process = process_of(call->message.word[0]);

	if (!process)
		return -ESRCH;
	if (process->executing)
		process_execute(&process->program, process->executing);
	process_executing(process, NULL);
	for (int i = 0; i < DESCRIPTORS / 64; i++)
		while (process->close_on_exec[i])
			descriptor_set(process, i * 64 + __builtin_ctzl(process->close_on_exec[i]), NULL, false);
	return 0;
}

static void give_up_all(struct process *process)
{
	calls_drop_process(process);
	while (process->top) {
		struct open *open = descriptor_get(process, process->top - 1);

		process->top--;
		if (open)
			open_release(open);
	}
	process_set_directory(process, path_root(), NULL);
	process_execute(&process->program, NULL);
	process_executing(process, NULL);
	process->exited = true;
}

int64_t fs_exit(struct call *call)
{
	struct process *process = process_of(call->message.word[0]);

	if (!process)
		return -ESRCH;
	give_up_all(process);
	return 0;
}

/* Also of a child that was not to be, without FS_exit before. */
int64_t fs_reap(struct call *call)
{
	struct process *process = process_or_zombie(call->message.word[0]);

	if (!process)
		return -ESRCH;
	if (!process->exited)
		give_up_all(process);
	processes[IDENTITY_SLOT(process->identity)] = NULL;
	pool_free(process);
	return 0;
}

int64_t fs_credentials(struct call *call)
{
	const struct fs_credentials *request = (const struct fs_credentials *)call->message.word;
	struct process *process = process_of(request->identity);

	if (!process)
		return -ESRCH;
	process->who = (struct credentials){ request->uid, request->gid };
	return 0;
}
