/*
 * execve, from PAGER_exec to PROC_exec and PAGER_commit. A new domain grows beside the old one; until proc commits, the caller has
 * lost nothing, and every way out before that (an error, PAGER_abort, exit, reap) drops the record with all it holds.
 *
 *   none --PAGER_exec--> reading the header --#!--> line kept --PAGER_exec, script=1--+
 *                           |    ^          (up to EXEC_SCRIPTS times)                 |
 *                           v    '----------------------------------------------------'
 *            strings gathered --> segments mapped --> stack written --PROC_exec--> ready --PAGER_commit--> none
 */
#ifndef PAGER_EXEC_H
#define PAGER_EXEC_H

#include "spaces.h"
#include "stack.h"

#define EXEC_LINE 256		/* of `#!` and what follows, as on Linux */
#define EXEC_SCRIPTS 5		/* scripts that are interpreters of scripts: one more is ELOOP, as on Linux */

struct exec {
	struct exec *next;		/* all that are under way */
	struct process *process;
	uint64_t thread;		/* TOKEN_THREAD of the caller: what fs and proc call it */
	struct object *object;		/* held while it is read and mapped */
	struct domain *domain;		/* the new one */
	uint64_t file_bytes;
	uint64_t path, argv, envp;	/* execve's arguments, in the old space */
	bool script, ready;
	unsigned phase;
	uint64_t progress;		/* within the phase */
	char line[EXEC_LINE];
	unsigned line_bytes, scripts;
	struct {			/* what goes before the first script's path, as strings: interpreter, its argument, ... */
		char text[EXEC_SCRIPTS * EXEC_LINE];
		unsigned bytes;
	} prefix;
	uint8_t random[STACK_RANDOM];	/* for AT_RANDOM */
	char *page;			/* headers; later the words of the stack */
	uint64_t page_bytes;		/* how much of it is there, or still to be copied */
	struct elf_table table;
	struct elf_image image;
	struct {			/* gather.c */
		unsigned list;
		uint64_t index, pointer, copied;
	} gather;
	struct strings strings;
	struct stack_plan plan;
	struct stack_cursor cursor;
};

void exec_start(const uint8_t *seed);			/* seed: 32 random bytes */
long forward_exec(struct call *call);
long forward_commit(struct call *call);
long prompt_abort(const struct message *request, struct message *reply);
long prompt_script(const struct message *request, struct message *reply);
void exec_drop(struct process *process);		/* whatever is under way */

/* gather.c: the strings of the new program out of the old space: 0, -errno, CORE_WAIT, CORE_AGAIN. */
long exec_gather(struct call *call, struct exec *exec);
bool exec_prefix(struct exec *exec);	/* the line becomes interpreter and argument before all others; false: it names none */
void strings_free(struct strings *strings);
/* image.c: phases as well. */
long exec_map_image(struct call *call, struct exec *exec);
long exec_write_stack(struct call *call, struct exec *exec);
void exec_random(uint8_t *bytes);

#endif
