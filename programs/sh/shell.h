/*
 * What the parts of the shell share: its memory, its tree of commands, its variables.
 *
 *   text --parse.c--> struct node tree --execute.c--> processes
 *                     words stay raw  --expand.c--> argument lists
 *
 * memory.c holds memory and variables; main.c the commands that run in the shell itself, and where commands come from.
 */
#ifndef SHELL_H
#define SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* --- memory: everything of one command line is freed in one step, back to a mark --- */

struct chunk {
	struct chunk *before;
	size_t used, size;
	char bytes[];
};
struct mark {
	struct chunk *chunk;
	size_t used;
};
void *keep(size_t bytes);
char *keep_text(const char *text, size_t length);
struct mark memory_mark(void);
void memory_release(struct mark mark);

/* --- the tree of commands --- */

enum node_kind {
	NODE_SIMPLE,		/* words, assignments among them, and redirections */
	NODE_PIPE,		/* left | right */
	NODE_AND, NODE_OR,	/* left && right, left || right */
	NODE_SEQUENCE,		/* left ; right */
	NODE_BACKGROUND,	/* left & */
	NODE_NOT,		/* ! left */
	NODE_SUBSHELL,		/* ( left ) */
	NODE_GROUP,		/* { left } */
	NODE_IF,		/* if left then right else other */
	NODE_WHILE, NODE_UNTIL,	/* while left do right */
	NODE_FOR,		/* for words[0] in words[1...] do right */
};

struct word {
	struct word *next;
	const char *raw;	/* with its quotes and dollars, as typed */
};

enum redirection_kind { READ_FROM, WRITE_TO, APPEND_TO, DUPLICATE };

struct redirection {
	struct redirection *next;
	enum redirection_kind kind;
	int descriptor;
	const char *target;	/* raw: a file name, or for DUPLICATE a descriptor or "-" */
};

struct node {
	enum node_kind kind;
	struct node *left, *right, *other;
	struct word *words;
	struct redirection *redirections;
};

/* --- where commands come from: a string, or a descriptor that children may share (then read byte by byte) --- */

struct source {
	int descriptor;		/* -1: text only */
	bool shared, prompts;
	const char *text;
	size_t next, length;
	char buffer[512];
};

enum parse_result { PARSE_COMMAND, PARSE_EMPTY, PARSE_ERROR, PARSE_END };
enum parse_result parse_line(struct source *source, struct node **tree);
void parse_begin(void);		/* a new source: forget what was read ahead of the old one */

/* --- variables and parameters --- */

const char *variable_get(const char *name);
void variable_set(const char *name, const char *value, bool export);
void variable_unset(const char *name);
char **variable_environment(void);
void variables_import(char **environment);

/* --- the running shell --- */

struct shell {
	int status;		/* $? */
	pid_t pid;		/* $$, also in subshells */
	pid_t background;	/* $! */
	bool interactive, child;
	char **arguments;	/* $0 $1 ... */
	int arguments_count;
	int loops;		/* how many enclose what runs now */
	int breaks;		/* how many are still to be left, by break or continue */
	bool continues;		/* the last of them goes on with its next round */
	bool failed;		/* an expansion was refused: the command line is over, and a script as well, with status 2 */
};
extern struct shell shell;

char **expand_words(const struct word *words, int *count);
char *expand_one(const char *raw);
int execute(const struct node *node);
char *capture_output(const char *command);

/* --- process.c --- */

#define SAVED_MAX 16

struct saved {
	int descriptor, copy;	/* copy -1: it was closed */
};
bool redirect(const struct redirection *redirection, struct saved *saved, int *saved_count);
void redirect_back(const struct saved *saved, int saved_count);
pid_t fork_child(bool in_background);
int wait_for(pid_t pid);		/* the status as $? has it */
void background_add(pid_t pid);
void background_poll(void);		/* collect those that have ended, so that they do not stay zombies */
int background_wait(pid_t pid);		/* one process (its status is returned), or with pid 0 all */
void leave(int status);			/* flush and end this process */

/* --- pattern.c: * ? [a-z] [!x], each character of which counts unless quoted --- */

bool pattern_is(const char *text, const bool *quoted);
bool pattern_matches(const char *pattern, const bool *quoted, const char *text);

/* Commands of a string, of a file. */
int run_text(const char *text);
int run_script_file(const char *path, char **arguments);

/* Commands that the shell runs itself. */
struct builtin {
	const char *name;
	int (*run)(char **arguments);
};
const struct builtin *builtin_find(const char *name);
int builtin_test(char **arguments);	/* test.c: also [ */

#endif
