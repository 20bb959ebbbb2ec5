/*
 * The shell: sh [-c COMMAND [NAME ARGUMENT...]] [FILE [ARGUMENT...]], or commands from standard input.
 *
 * Pipes, redirections (< > >> n> n>&m), & ; && || !, ( ) { }, if while until for break continue, variables, ${...} with
 * - + = ? and #, quotes, $(...), patterns * ? [a-z] in a path's last component, test.
 * A process that a signal ended gives status 128 + signal and a message; 126 and 127 mean "cannot run" and "not found".
 * No job control, here-documents, functions, case or arithmetic. Read shell.h next, then execute.c.
 */
#define _GNU_SOURCE
#include "shell.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- commands that must run in the shell itself --- */

static int builtin_cd(char **arguments)
{
	const char *target = arguments[1] ? arguments[1] : variable_get("HOME");

	if (!target)
		target = "/";
	if (chdir(target) == 0)
		return 0;
	fprintf(stderr, "cd: %s: %s\n", target, strerror(errno));
	return 1;
}

static int builtin_exit(char **arguments)
{
	leave(arguments[1] ? atoi(arguments[1]) & 255 : shell.status);
	return 0;
}

static int builtin_export(char **arguments)
{
	char **environment = arguments[1] ? NULL : variable_environment();

	for (; environment && *environment; environment++)
		printf("export %s\n", *environment);
	for (arguments++; *arguments; arguments++) {
		char *equals = strchr(*arguments, '=');

		if (equals)
			*equals = 0;
		variable_set(*arguments, equals ? equals + 1 : NULL, true);
	}
	return 0;
}

static int builtin_unset(char **arguments)
{
	for (arguments++; *arguments; arguments++)
		variable_unset(*arguments);
	return 0;
}

static int builtin_wait(char **arguments)
{
	int status = 0;

	if (!arguments[1])
		return background_wait(0);
	for (arguments++; *arguments; arguments++)
		status = background_wait(atoi(*arguments));
	return status;
}

static int builtin_shift(char **arguments)
{
	int by = arguments[1] ? atoi(arguments[1]) : 1;

	if (by < 0 || by >= shell.arguments_count)
		return 1;
	shell.arguments[by] = shell.arguments[0];
	shell.arguments += by;
	shell.arguments_count -= by;
	return 0;
}

/* read NAME: one line from standard input, byte by byte, so that nothing behind it is lost. */
static int builtin_read(char **arguments)
{
	char line[1024];
	size_t length = 0;
	ssize_t got;

	while (length + 1 < sizeof(line) && (got = read(0, line + length, 1)) == 1 && line[length] != '\n')
		length++;
	line[length] = 0;
	if (arguments[1])
		variable_set(arguments[1], line, false);
	return got == 1 ? 0 : 1;
}

static int builtin_umask(char **arguments)
{
	mode_t mask = umask(0);

	umask(arguments[1] ? (mode_t)strtoul(arguments[1], NULL, 8) : mask);
	if (!arguments[1])
		printf("%04o\n", (unsigned)mask);
	return 0;
}

/* break [N], continue [N]: marks how many loops are to be left; execute.c does it. Outside of a loop, nothing. */
static int leave_loops(char **arguments, bool continues)
{
	int count = arguments[1] ? atoi(arguments[1]) : 1;

	if (count < 1) {
		fprintf(stderr, "sh: %s: %s is not a number above 0\n", arguments[0], arguments[1]);
		shell.failed = true;
		return 2;
	}
	shell.breaks = count < shell.loops ? count : shell.loops;
	shell.continues = continues && shell.breaks;
	return 0;
}

static int builtin_break(char **arguments)
{
	return leave_loops(arguments, false);
}

static int builtin_continue(char **arguments)
{
	return leave_loops(arguments, true);
}

static int builtin_nothing(char **arguments)
{
	(void)arguments;
	return 0;
}

static const struct builtin builtins[] = {
	{ ":", builtin_nothing }, { "[", builtin_test }, { "break", builtin_break }, { "cd", builtin_cd },
	{ "continue", builtin_continue }, { "exec", builtin_nothing }, { "exit", builtin_exit }, { "export", builtin_export },
	{ "read", builtin_read }, { "shift", builtin_shift }, { "test", builtin_test }, { "umask", builtin_umask },
	{ "unset", builtin_unset }, { "wait", builtin_wait },
};

const struct builtin *builtin_find(const char *name)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(*builtins); i++)
		if (!strcmp(builtins[i].name, name))
			return &builtins[i];
	return NULL;
}

/* --- where commands come from --- */

static int run_source(struct source *source)
{
	parse_begin();
	for (;;) {
		struct mark mark = memory_mark();
		struct node *tree;
		enum parse_result result;

		background_poll();
		result = parse_line(source, &tree);
		if (result == PARSE_COMMAND)
			execute(tree);
		memory_release(mark);
		fflush(NULL);
		if (result == PARSE_ERROR)
			shell.status = 2;
		if (result == PARSE_END || ((result == PARSE_ERROR || shell.failed) && !source->prompts))
			return shell.status;
		shell.failed = false;
	}
}

int run_text(const char *text)
{
	struct source source = { .descriptor = -1, .text = text, .length = strlen(text) };

	return run_source(&source);
}

int run_script_file(const char *path, char **arguments)
{
	struct source source = { .descriptor = open(path, O_RDONLY | O_CLOEXEC) };
	struct stat status;

	if (source.descriptor < 0 || fstat(source.descriptor, &status) < 0 || S_ISDIR(status.st_mode)) {
		fprintf(stderr, "sh: %s: %s\n", path, strerror(source.descriptor < 0 ? errno : EISDIR));
		return source.descriptor < 0 && errno == ENOENT ? 127 : 126;
	}
	if (source.descriptor < 10) {
		int high = fcntl(source.descriptor, F_DUPFD_CLOEXEC, 10);

		if (high >= 0) {
			close(source.descriptor);
			source.descriptor = high;
		}
	}
	shell.loops = 0;
	shell.arguments = arguments;
	for (shell.arguments_count = 0; arguments[shell.arguments_count]; )
		shell.arguments_count++;
	return run_source(&source);
}

static int run_standard_input(char **arguments)
{
	struct source source = { .descriptor = 0, .shared = true, .prompts = isatty(0) };

	shell.interactive = source.prompts;
	shell.arguments = arguments;
	shell.arguments_count = 1;
	if (shell.interactive)
		signal(SIGINT, SIG_IGN);
	return run_source(&source);
}

int main(int count, char **arguments)
{
	extern char **environ;

	variables_import(environ);
	if (!variable_get("PATH"))
		variable_set("PATH", "/bin:/tests", true);
	shell.pid = getpid();
	if (count > 2 && !strcmp(arguments[1], "-c")) {
		shell.arguments = count > 3 ? arguments + 3 : arguments;
		shell.arguments_count = count > 3 ? count - 3 : 1;
		leave(run_text(arguments[2]));
	}
	if (count > 1 && arguments[1][0] == '-' && arguments[1][1]) {
		fprintf(stderr, "usage: sh [-c COMMAND [NAME ARGUMENT...]] [FILE [ARGUMENT...]]\n");
		return 2;
	}
	if (count > 1)
		leave(run_script_file(arguments[1], arguments + 1));
	leave(run_standard_input(arguments));
}
