/*
 * execve's way through the pager (exec.h): the phases, and what fs and proc say to an exec under way. What the phases do is in
 * gather.c, image.c, elf.c and stack.c; the caller's registers are proc's.
 */
#include "exec.h"

#include "fs.h"
#include "pager.h"
#include "reply.h"
#include "served.h"

#include <linux/errno.h>

_Static_assert(sizeof(struct exec) <= CORE_PAGE, "the core's slabs hold it");

static struct exec *execs;

static struct exec *exec_of_thread(uint64_t thread)
{
	struct exec *exec = execs;

	while (exec && exec->thread != thread)
		exec = exec->next;
	return exec;
}

static void drop_object(struct exec *exec)
{
	if (exec->object)
		core_object_drop(exec->object);
	exec->object = 0;
}

void exec_drop(struct process *process)
{
	struct exec *exec = process->exec, **link = &execs;

	if (!exec)
		return;
	while (*link != exec)
		link = &(*link)->next;
	*link = exec->next;
	drop_object(exec);
	strings_free(&exec->strings);
	if (exec->page)
		core_free(exec->page, CORE_PAGE);
	if (exec->domain)
		domain_release(exec->domain);
	core_free(exec, sizeof(*exec));
	process->exec = 0;
}

static struct exec *exec_create(struct process *process, uint64_t thread)
{
	struct exec *exec = core_allocate(sizeof(*exec));

	if (!exec)
		return 0;
	exec->process = process;
	exec->thread = thread;
	exec->next = execs;
	execs = exec;
	process->exec = exec;
	exec->page = core_allocate(CORE_PAGE);
	return exec;
}

/* The file begins with `#!`: keep its first line, ask fs for the interpreter. */
static long keep_line(struct call *call, struct exec *exec)
{
	const struct fs_script script = { exec->thread, exec->path, exec->argv, exec->envp };
	unsigned length = 0, most = exec->page_bytes < EXEC_LINE ? exec->page_bytes : EXEC_LINE;

	if (++exec->scripts > EXEC_SCRIPTS)
		return -ELOOP;
	while (length < most && exec->page[length] != '\n')
		length++;
	if (length == EXEC_LINE)
		return -ENOEXEC;	/* cut lines run the wrong program */
	memcpy(exec->line, exec->page, length);
	exec->line_bytes = length;
	if (!exec_prefix(exec))
		return -ENOEXEC;
	drop_object(exec);
	if (!forward_call(call->token, SLOT_FS, FS_script, &script, sizeof(script)))
		exec_drop(call->process);
	return CALL_DONE;
}

static long read_header(struct call *call, struct exec *exec)
{
	long bytes = core_object_read(exec->object, 0, exec->page, CORE_PAGE, &call->job.waiter);

	if (bytes < 0)
		return bytes;
	job_fresh(&call->job);
	exec->file_bytes = core_object_length(exec->object);
	exec->page_bytes = bytes;
	if (bytes >= 2 && exec->page[0] == '#' && exec->page[1] == '!')
		return keep_line(call, exec);
	return elf_check(exec->page, bytes, exec->file_bytes, &exec->table);
}

/* Usually the program headers follow the header in the first page. Else they get the page, with the header before them. */
static long read_table(struct call *call, struct exec *exec)
{
	const char *table = exec->page + exec->table.offset;
	long result;

	if (exec->table.offset + exec->table.bytes > exec->page_bytes) {
		table = exec->page + ELF_HEADER_BYTES;
		if (exec->table.bytes > CORE_PAGE - ELF_HEADER_BYTES)
			return -ENOEXEC;
		result = core_object_read(exec->object, exec->table.offset, exec->page + ELF_HEADER_BYTES, exec->table.bytes, &call->job.waiter);
		if (result < 0)
			return result;
		job_fresh(&call->job);
		if ((uint64_t)result != exec->table.bytes)
			return -ENOEXEC;
	}
	result = elf_parse(exec->page, table, exec->file_bytes, &exec->image);
	if (result == -ENOENT)
		log_line("pager: process %lu: the program asks for a dynamic linker; only static ones run", (unsigned long)IDENTITY_PID(call->process->identity));
	return result;
}

static long create_domain(struct call *call, struct exec *exec)
{
	(void)call;
	exec_random(exec->random);
	exec->domain = domain_create();
	return exec->domain ? 0 : -ENOMEM;
}

static long finish(struct call *call, struct exec *exec)
{
	struct proc_exec words = { .pc = exec->image.entry, .sp = exec->plan.sp };
	uint64_t name = exec->plan.path, at;

	/* A program is called by the last part of its path. */
	for (at = name; at < exec->strings.bytes && strings_byte(&exec->strings, at); at++) {
		if (strings_byte(&exec->strings, at) == '/')
			name = at + 1;
	}
	for (unsigned i = 0; name < at && i < sizeof(words.name) - 1; i++)
		words.name[i] = strings_byte(&exec->strings, name++);
	drop_object(exec);
	strings_free(&exec->strings);
	exec->ready = true;
	forward_later(call->token, SLOT_PROC, PROC_exec, &words, sizeof(words), 0);
	return CALL_DONE;
}

static long exec_continue(struct call *call)
{
	static long (*const phase[])(struct call *, struct exec *) = {
		read_header, read_table, exec_gather, create_domain, exec_map_image, exec_write_stack, finish,
	};
	struct exec *exec = call->process->exec;
	long result = 0;

	while (!result) {
		result = phase[exec->phase](call, exec);
		if (result)
			break;
		exec->phase++;
		exec->progress = 0;
	}
	if (!core_not_yet(result) && result != CALL_DONE)
		exec_drop(call->process);
	return result;
}

/* The use that came with it is not counted: fs takes it back. */
static long exec_failed(struct call *call, uint64_t object, int64_t error)
{
	const struct fs_exec_failed words = { object, error };

	exec_drop(call->process);
	forward_call(call->token, SLOT_FS, FS_exec_failed, &words, sizeof(words));
	return CALL_DONE;
}

/* The use is counted first: from then on the object's release tells fs, whatever becomes of the exec. */
long forward_exec(struct call *call)
{
	const struct pager_exec *request = (const struct pager_exec *)call->word;
	struct process *process = call->process;
	struct object *object = process->domain ? core_object_use(request->object, request->length) : 0;
	struct exec *exec;

	if (!object)
		return exec_failed(call, request->object, process->domain ? -ENOMEM : -ESRCH);
	core_object_hold(object);
	/* The interpreter continues the exec that found its script; anything else begins anew. */
	if (request->script && (!process->exec || !process->exec->line_bytes || process->exec->phase))
		exec_drop(process);
	if (!request->script)
		exec_drop(process);
	else if (!process->exec) {
		core_object_drop(object);
		return -ENOEXEC;
	}
	exec = process->exec ? process->exec : exec_create(process, TOKEN_THREAD(call->token));
	if (!exec || !exec->page) {
		core_object_drop(object);
		exec_drop(process);
		return -ENOMEM;
	}
	exec->object = object;
	exec->path = request->path;
	exec->argv = request->argv;
	exec->envp = request->envp;
	exec->script = request->script;
	call->operation = exec_continue;
	return exec_continue(call);
}

long forward_commit(struct call *call)
{
	struct process *process = call->process;
	struct domain *old = process->domain;

	if (!old || !process->exec || !process->exec->ready)
		return -EINVAL;
	process_enter(process, process->exec->domain);
	process->exec->domain = 0;
	exec_drop(process);
	served_end(process);
	domain_release(old);
	return 0;
}

long prompt_abort(const struct message *request, struct message *reply)
{
	struct exec *exec = exec_of_thread(request->word[0]);

	(void)reply;
	if (!exec || !exec->ready)
		return -ESRCH;
	exec_drop(exec->process);
	return 0;
}

long prompt_script(const struct message *request, struct message *reply)
{
	const struct pager_script *script = (const struct pager_script *)request->word;
	struct exec *exec = exec_of_thread(script->thread);
	uint64_t bytes;

	if (!exec || !exec->line_bytes || exec->phase)
		return -ESRCH;
	bytes = exec->line_bytes < script->bytes ? exec->line_bytes : script->bytes;
	if (sys_copy(request->token, script->address, exec->line, bytes, COPY_OUT) != (long)bytes)
		return -EFAULT;
	reply->word[0] = bytes;
	return 0;
}
