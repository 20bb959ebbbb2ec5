/*
 * Runs a tree of commands. The shell waits for foreground processes one by one; background processes stand in a small
 * table until `wait` asks for them. There are no process groups: ^C reaches the foreground because the shell and its
 * background processes ignore SIGINT.
 */
#define _GNU_SOURCE
#include "shell.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct shell shell;

static const char *signal_message(int signal)
{
	return signal == SIGINT ? "" : strsignal(signal);
}

static int status_of(int wait_status, bool tell)
{
	if (WIFEXITED(wait_status))
		return WEXITSTATUS(wait_status);
	if (tell && WTERMSIG(wait_status) != SIGPIPE)
		fprintf(stderr, "%s\n", signal_message(WTERMSIG(wait_status)));
	return 128 + WTERMSIG(wait_status);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return status_of(status, true);
}

/* --- background processes --- */

static struct { pid_t pid; int status; bool ended; } background[64];

static void background_add(pid_t pid)
{
	shell.background = pid;
	for (size_t i = 0; i < sizeof(background) / sizeof(*background); i++) {
		if (background[i].pid)
			continue;
		background[i].pid = pid;
		background[i].ended = false;
		return;
	}
}

void background_poll(void)
{
	for (size_t i = 0; i < sizeof(background) / sizeof(*background); i++)
		if (background[i].pid && !background[i].ended && waitpid(background[i].pid, &background[i].status, WNOHANG) == background[i].pid)
			background[i].ended = true;
}

int background_wait(pid_t pid)
{
	int status = pid ? 127 : 0;

	for (size_t i = 0; i < sizeof(background) / sizeof(*background); i++) {
		if (!background[i].pid || (pid && background[i].pid != pid))
			continue;
		if (!background[i].ended && waitpid(background[i].pid, &background[i].status, 0) < 0)
			background[i].status = 0;
		if (pid)
			status = status_of(background[i].status, true);
		background[i].pid = 0;
	}
	return status;
}

static void become_child(bool in_background)
{
	shell.child = true;
	if (shell.interactive && !in_background)
		signal(SIGINT, SIG_DFL);
	if (in_background)
		signal(SIGINT, SIG_IGN);
	shell.interactive = false;
	memset(background, 0, sizeof(background));
}

static pid_t fork_child(bool in_background)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		fprintf(stderr, "sh: fork: %s\n", strerror(errno));
	if (pid == 0)
		become_child(in_background);
	return pid;
}

void leave(int status)
{
	fflush(NULL);
	_exit(status);
}

/* --- redirections --- */

#define SAVED_BASE 20

struct saved {
	int descriptor, copy;	/* copy -1: it was closed */
};

static int open_target(const struct redirection *redirection, const char *target)
{
	static const int flags[] = {
		[READ_FROM] = O_RDONLY,
		[WRITE_TO] = O_WRONLY | O_CREAT | O_TRUNC,
		[APPEND_TO] = O_WRONLY | O_CREAT | O_APPEND,
	};

	return open(target, flags[redirection->kind], 0666);
}

static bool redirect_one(const struct redirection *redirection)
{
	char *target = expand_one(redirection->target);
	int descriptor;

	if (redirection->kind == DUPLICATE) {
		if (!strcmp(target, "-")) {
			close(redirection->descriptor);
			return true;
		}
		descriptor = isdigit((unsigned char)*target) ? atoi(target) : -1;
		if (descriptor == redirection->descriptor ? fcntl(descriptor, F_GETFD) < 0 : dup2(descriptor, redirection->descriptor) < 0) {
			fprintf(stderr, "sh: %s: %s\n", target, strerror(EBADF));
			return false;
		}
		return true;
	}
	descriptor = open_target(redirection, target);
	if (descriptor < 0) {
		fprintf(stderr, "sh: %s: %s\n", target, strerror(errno));
		return false;
	}
	if (descriptor != redirection->descriptor) {
		dup2(descriptor, redirection->descriptor);
		close(descriptor);
	}
	return true;
}

/* With `saved` (room for SAVED_MAX), what the descriptors were before can be restored. */
#define SAVED_MAX 16

static bool redirect(const struct redirection *redirection, struct saved *saved, int *saved_count)
{
	fflush(NULL);
	for (; redirection; redirection = redirection->next) {
		if (saved) {
			if (*saved_count == SAVED_MAX)
				return false;
			saved[*saved_count].descriptor = redirection->descriptor;
			saved[(*saved_count)++].copy = fcntl(redirection->descriptor, F_DUPFD_CLOEXEC, SAVED_BASE);
		}
		if (!redirect_one(redirection))
			return false;
	}
	return true;
}

static void redirect_back(const struct saved *saved, int saved_count)
{
	fflush(NULL);
	while (saved_count-- > 0) {
		if (saved[saved_count].copy < 0) {
			close(saved[saved_count].descriptor);
			continue;
		}
		dup2(saved[saved_count].copy, saved[saved_count].descriptor);
		close(saved[saved_count].copy);
	}
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

static int run_simple(const struct node *node)
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
		return run_builtin(builtin, arguments, node);
	}
	pid = fork_child(false);
	if (pid < 0)
		return 126;
	if (pid > 0)
		return wait_for(pid);
	assign(node->words, true);
	if (!redirect(node->redirections, NULL, NULL))
		leave(1);
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
		leave(execute(node->left));
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
			leave(1);
		leave(execute(node->left));
	}
	return pid < 0 ? 126 : wait_for(pid);
}

static int run_for(const struct node *node)
{
	int count, status = 0;
	char **values = expand_words(node->words->next, &count);
	const char *name = node->words->raw;

	for (int i = 0; i < count; i++) {
		struct mark mark = memory_mark();

		variable_set(name, values[i], false);
		status = execute(node->right);
		memory_release(mark);
	}
	return status;
}

static int run_while(const struct node *node)
{
	int status = 0;

	for (;;) {
		struct mark mark = memory_mark();

		if ((execute(node->left) == 0) != (node->kind == NODE_WHILE))
			return status;
		status = execute(node->right);
		memory_release(mark);
	}
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
	switch (node->kind) {
	case NODE_SIMPLE:
		return run_simple(node);
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
		return !execute(node->left);
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
	shell.status = execute_node(node);
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
