/*
 * Runs a tree of commands. The shell waits for foreground processes one by one; those of the background stand in the
 * table of process.c until `wait` asks for them. break, continue and a failed expansion are marks in `shell` that make
 * execute() skip everything up to the place that takes the mark away: a loop, or the reader of command lines.
 */
#define _GNU_SOURCE
#include "shell.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct shell shell;

/* Between a break, a continue or a failed expansion and the end of its effect. */
static bool skipping(void)
{
	return shell.failed || shell.breaks;
}

/* --- simple commands --- */

static void try_program(const char *path, char **arguments)
{
	execve(path, arguments, variable_environment());
	if (errno == ENOEXEC)
		leave(run_script_file(path, arguments));
}

/* Does not return. 127: not found, 126: found, but it cannot run. */
static void run_program(char **arguments)
{
	const char *path = variable_get("PATH");
	int error = ENOENT;

	if (strchr(arguments[0], '/')) {
		try_program(arguments[0], arguments);
		error = errno;
		path = NULL;
	}
	while (path && *path) {
		size_t length = strcspn(path, ":");
		char *full = keep(length + strlen(arguments[0]) + 2);

		sprintf(full, "%.*s/%s", (int)length, path, arguments[0]);
		try_program(full, arguments);
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
		path += length + (path[length] == ':');
	}
	if (error == ENOENT && !strchr(arguments[0], '/'))
		fprintf(stderr, "sh: %s: command not found\n", arguments[0]);
	else
		fprintf(stderr, "sh: %s: %s\n", arguments[0], strerror(error));
	leave(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

static size_t assignment_length(const char *raw)
{
	size_t length = 0;

	if (!isalpha((unsigned char)*raw) && *raw != '_')
		return 0;
	while (isalnum((unsigned char)raw[length]) || raw[length] == '_')
		length++;
	return raw[length] == '=' ? length : 0;
}

static const struct word *assign(const struct word *words, bool export)
{
	size_t length;

	while (words && (length = assignment_length(words->raw))) {
		variable_set(keep_text(words->raw, length), expand_one(words->raw + length + 1), export);
		words = words->next;
	}
	return words;
}

static int run_builtin(const struct builtin *builtin, char **arguments, const struct node *node)
{
	struct saved saved[SAVED_MAX];
	int saved_count = 0, status = 1;
	bool lasting = !strcmp(arguments[0], "exec");

	if (lasting && arguments[1]) {
		/* The process changes; no way back is needed. */
		if (redirect(node->redirections, NULL, NULL))
			run_program(arguments + 1);
		return 1;
	}
	if (redirect(node->redirections, lasting ? NULL : saved, &saved_count))
		status = builtin->run(arguments);
	redirect_back(saved, saved_count);
	return status;
}

/* in_place: this process has nothing else to do and becomes the program. */
static int run_simple(const struct node *node, bool in_place)
{
	const struct word *words = node->words;
	const struct builtin *builtin;
	char **arguments;
	int count;
	pid_t pid;

	while (words && assignment_length(words->raw))
		words = words->next;
	shell.status = words ? shell.status : 0;
	arguments = expand_words(words, &count);
	if (shell.failed)
		return 2;
	if (!count) {
		struct saved saved[SAVED_MAX];
		int saved_count = 0;
		bool redirected;

		assign(node->words, false);
		redirected = redirect(node->redirections, saved, &saved_count);
		redirect_back(saved, saved_count);
		return redirected ? shell.status : 1;
	}
	builtin = builtin_find(arguments[0]);
	if (builtin) {
		assign(node->words, false);
		if (shell.failed)
			return 2;
		return run_builtin(builtin, arguments, node);
	}
	pid = in_place ? 0 : fork_child(false);
	if (pid < 0)
		return 126;
	if (pid > 0)
		return wait_for(pid);
	assign(node->words, true);
	if (shell.failed || !redirect(node->redirections, NULL, NULL))
		leave(shell.failed ? 2 : 1);
	run_program(arguments);
	return 127;
}

/* --- compound commands --- */

static int run_pipe(const struct node *node)
{
	int ends[2], status;
	pid_t left, right;

	if (pipe(ends) < 0) {
		fprintf(stderr, "sh: pipe: %s\n", strerror(errno));
		return 1;
	}
	left = fork_child(false);
	if (left == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		leave(execute(node->left));
	}
	right = fork_child(false);
	if (right == 0) {
		dup2(ends[0], 0);
		close(ends[0]);
		close(ends[1]);
		leave(execute(node->right));
	}
	close(ends[0]);
	close(ends[1]);
	status = right > 0 ? wait_for(right) : 126;
	if (left > 0) {
		int ignored;

		waitpid(left, &ignored, 0);
	}
	return status;
}

static int run_background(const struct node *node)
{
	pid_t pid = fork_child(true);

	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		if (null > 0) {
			dup2(null, 0);
			close(null);
		}
		/* $! is the program itself, so that `kill $!` ends it and not a shell that waits for it. */
		leave(node->left->kind == NODE_SIMPLE ? run_simple(node->left, true) : execute(node->left));
	}
	if (pid < 0)
		return 126;
	background_add(pid);
	return 0;
}

static int run_subshell(const struct node *node)
{
	pid_t pid = fork_child(false);

	if (pid == 0) {
		if (!redirect(node->redirections, NULL, NULL))
			leave(shell.failed ? 2 : 1);
		leave(execute(node->left));
	}
	return pid < 0 ? 126 : wait_for(pid);
}

/* At the end of a loop's round: is there no further one? */
static bool loop_ends(void)
{
	if (shell.failed || !shell.breaks)
		return shell.failed;
	if (--shell.breaks || !shell.continues)
		return true;
	shell.continues = false;
	return false;
}

static int run_for(const struct node *node)
{
	int count, status = 0;
	char **values = expand_words(node->words->next, &count);
	const char *name = node->words->raw;
	bool ends = shell.failed;

	shell.loops++;
	for (int i = 0; i < count && !ends; i++) {
		struct mark mark = memory_mark();

		variable_set(name, values[i], false);
		status = execute(node->right);
		memory_release(mark);
		ends = loop_ends();
	}
	shell.loops--;
	return status;
}

static int run_while(const struct node *node)
{
	int status = 0;

	shell.loops++;
	do {
		struct mark mark = memory_mark();
		bool wanted = (execute(node->left) == 0) == (node->kind == NODE_WHILE);

		if (!wanted && !skipping())
			break;
		status = execute(node->right);
		memory_release(mark);
	} while (!loop_ends());
	shell.loops--;
	return status;
}

static int run_compound(const struct node *node)
{
	switch (node->kind) {
	case NODE_GROUP:
		return execute(node->left);
	case NODE_IF:
		if (execute(node->left) == 0)
			return execute(node->right);
		return node->other ? execute(node->other) : 0;
	case NODE_FOR:
		return run_for(node);
	default:
		return run_while(node);
	}
}

static int run_redirected(const struct node *node)
{
	struct saved saved[SAVED_MAX];
	int saved_count = 0, status = 1;

	if (redirect(node->redirections, saved, &saved_count))
		status = run_compound(node);
	redirect_back(saved, saved_count);
	return status;
}

static int execute_node(const struct node *node)
{
	int status;

	switch (node->kind) {
	case NODE_SIMPLE:
		return run_simple(node, false);
	case NODE_PIPE:
		return run_pipe(node);
	case NODE_AND:
		return execute(node->left) == 0 ? execute(node->right) : shell.status;
	case NODE_OR:
		return execute(node->left) != 0 ? execute(node->right) : shell.status;
	case NODE_SEQUENCE:
		execute(node->left);
		return execute(node->right);
	case NODE_NOT:
		status = execute(node->left);
		return skipping() ? status : !status;
	case NODE_BACKGROUND:
		return run_background(node);
	case NODE_SUBSHELL:
		return run_subshell(node);
	default:
		return run_redirected(node);
	}
}

int execute(const struct node *node)
{
	if (!skipping())
		shell.status = execute_node(node);
	if (shell.failed)
		shell.status = 2;
	return shell.status;
}

/* What a command writes, without the newlines at its end. */
char *capture_output(const char *command)
{
	char *output = NULL, block[1024];
	size_t length = 0, size = 0;
	int ends[2];
	ssize_t got;
	pid_t pid;

	if (pipe(ends) < 0)
		return "";
	pid = fork_child(false);
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		leave(run_text(command));
	}
	close(ends[1]);
	while ((got = read(ends[0], block, sizeof(block))) > 0) {
		if (length + (size_t)got + 1 > size) {
			char *larger = keep(size = 2 * (length + sizeof(block)));

			if (length)
				memcpy(larger, output, length);
			output = larger;
		}
		memcpy(output + length, block, (size_t)got);
		length += (size_t)got;
	}
	close(ends[0]);
	if (pid > 0)
		shell.status = wait_for(pid);
	while (length && output[length - 1] == '\n')
		length--;
	if (!output)
		return "";
	output[length] = 0;
	return output;
}
