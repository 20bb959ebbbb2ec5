/*
 * Collects a new program's strings: argv, envp and the path, out of the old space into pages of the pager's own. Every address
 * is the caller's word: bad ones are EFAULT, too much is E2BIG. A try that has to wait is repeated at the same place.
 */
#include "exec.h"

#include <linux/errno.h>

enum { LIST_SCRIPT, LIST_SCRIPT_PATH, LIST_ARGV, LIST_ENVP, LIST_PATH, LIST_END };

#define STEPS 64			/* strings and pointers in one slice */
#define POINTERS (CORE_PAGE / sizeof(char *))

_Static_assert(STACK_STRINGS_MAX / CORE_PAGE <= POINTERS, "one page of pointers names all string pages");

/* Where the next byte goes and how many fit there; null: no memory, or too much. */
static char *strings_room(struct strings *strings, uint64_t *room)
{
	uint64_t index = strings->bytes / CORE_PAGE, at = strings->bytes % CORE_PAGE;

	if (!strings->page)
		strings->page = core_allocate(CORE_PAGE);
	if (!strings->page || index >= POINTERS)
		return 0;
	if (!strings->page[index])
		strings->page[index] = core_allocate(CORE_PAGE);
	*room = CORE_PAGE - at;
	return strings->page[index] ? strings->page[index] + at : 0;
}

void strings_free(struct strings *strings)
{
	if (!strings->page)
		return;
	/* The pages were filled in order: none lies behind the first that is missing. */
	for (unsigned i = 0; i < POINTERS && strings->page[i]; i++)
		core_free(strings->page[i], CORE_PAGE);
	core_free(strings->page, CORE_PAGE);
	strings->page = 0;
	strings->bytes = 0;
}

static long limit(const struct exec *exec)
{
	return exec->strings.bytes + 8 * (exec->plan.argc + exec->plan.envc) > STACK_STRINGS_MAX ? -E2BIG : 0;
}

/* Bytes of our own. */
static long append(struct exec *exec, const char *bytes, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t room;
		char *to = strings_room(&exec->strings, &room);

		if (!to)
			return -ENOMEM;
		*to = bytes[i];
		exec->strings.bytes++;
	}
	return 0;
}

static uint64_t length_within(const char *text, uint64_t bytes)
{
	uint64_t length = 0;

	while (length < bytes && text[length])
		length++;
	return length;
}

/* The rest of the string at `address` in the old space, a page at a time. 0: all of it is here. */
static long copy_string(struct call *call, struct exec *exec, uint64_t address)
{
	for (;;) {
		uint64_t from = address + exec->gather.copied, room, length;
		char *to = strings_room(&exec->strings, &room);
		long done;

		if (!to)
			return exec->strings.bytes >= STACK_STRINGS_MAX ? -E2BIG : -ENOMEM;
		if (from >= CORE_USER_END || from < address)
			return -EFAULT;
		if (room > CORE_PAGE - from % CORE_PAGE)
			room = CORE_PAGE - from % CORE_PAGE;
		done = core_copy_in(exec->process->domain->space, from, to, room, &call->job.waiter);
		if (core_not_yet(done))
			return done;
		job_fresh(&call->job);
		if (done <= 0)
			return -EFAULT;
		length = length_within(to, done);
		if (length < (uint64_t)done) {
			exec->strings.bytes += length + 1;
			exec->gather.copied = 0;
			return limit(exec);
		}
		exec->strings.bytes += done;
		exec->gather.copied += done;
		if (exec->gather.copied >= STACK_STRING_MAX)
			return -E2BIG;
	}
}

/* One element of argv or envp. 1: the list is at its end. */
static long copy_element(struct call *call, struct exec *exec, uint64_t list, uint64_t *count)
{
	long result;

	if (!list)
		return 1;	/* Linux, too, takes a null list for an empty one */
	if (!exec->gather.pointer) {
		uint64_t from = list + 8 * exec->gather.index;

		if (from >= CORE_USER_END || from < list)
			return -EFAULT;
		result = core_copy_in(exec->process->domain->space, from, &exec->gather.pointer, 8, &call->job.waiter);
		if (core_not_yet(result)) {
			exec->gather.pointer = 0;
			return result;
		}
		job_fresh(&call->job);
		if (result != 8)
			return -EFAULT;
		if (!exec->gather.pointer)
			return 1;
	}
	/* The interpreter's arguments replace the script's argv[0]. */
	if (exec->script && list == exec->argv && exec->gather.list == LIST_ARGV && !exec->gather.index)
		result = 0;
	else if (!(result = copy_string(call, exec, exec->gather.pointer)))
		++*count;
	if (result)
		return result;
	exec->gather.index++;
	exec->gather.pointer = 0;
	return 0;
}

static bool blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static void prepend(struct exec *exec, const char *text, unsigned bytes)
{
	memmove(exec->prefix.text + bytes + 1, exec->prefix.text, exec->prefix.bytes);
	memcpy(exec->prefix.text, text, bytes);
	exec->prefix.text[bytes] = 0;
	exec->prefix.bytes += bytes + 1;
}

/* `#! interpreter argument`: all that follows the interpreter is one argument. */
bool exec_prefix(struct exec *exec)
{
	const char *at = exec->line + 2, *end = exec->line + exec->line_bytes, *word, *word_end;

	while (end > at && blank(end[-1]))
		end--;
	while (at < end && blank(*at))
		at++;
	for (word = at; at < end && *at && !blank(*at); at++)
		;
	word_end = at;
	while (at < end && blank(*at))
		at++;
	if (word == word_end || length_within(at, end - at) != (uint64_t)(end - at))
		return false;
	if (at < end)
		prepend(exec, at, end - at);
	prepend(exec, word, word_end - word);
	return true;
}

static long append_prefix(struct exec *exec)
{
	for (unsigned i = 0; i < exec->prefix.bytes; i++)
		exec->plan.argc += !exec->prefix.text[i];
	return append(exec, exec->prefix.text, exec->prefix.bytes);
}

/* One step of the current list. 0: more of it, 1: at its end. */
static long gather_step(struct call *call, struct exec *exec)
{
	long result;

	switch (exec->gather.list) {
	case LIST_SCRIPT:
		result = exec->script ? append_prefix(exec) : 0;
		return result ? result : 1;
	case LIST_SCRIPT_PATH:
		if (!exec->script)
			return 1;
		result = copy_string(call, exec, exec->path);
		if (result)
			return result;
		exec->plan.argc++;
		return 1;
	case LIST_ARGV:
		return copy_element(call, exec, exec->argv, &exec->plan.argc);
	case LIST_ENVP:
		/* A program always has an argv[0], as on Linux since 5.18. */
		if (!exec->plan.argc) {
			exec->plan.argc = 1;
			return append(exec, "", 1);
		}
		return copy_element(call, exec, exec->envp, &exec->plan.envc);
	default:
		if (!exec->gather.copied)
			exec->plan.path = exec->strings.bytes;
		result = copy_string(call, exec, exec->path);
		return result ? result : 1;
	}
}

long exec_gather(struct call *call, struct exec *exec)
{
	for (unsigned steps = 0; steps < STEPS; steps++) {
		long result = gather_step(call, exec);

		if (result < 0)
			return result;
		if (!result)
			continue;
		exec->gather.list++;
		exec->gather.index = exec->gather.pointer = 0;
		if (exec->gather.list == LIST_END)
			return limit(exec);
	}
	return CORE_AGAIN;
}
