/*
 * The shell's processes and descriptors: forking, waiting, the table of background processes, redirections and the way
 * back from them. There are no process groups: ^C reaches the foreground because the shell and its background processes
 * ignore SIGINT. execute.c decides what runs where.
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

int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return status_of(status, true);
}

/* --- background processes --- */

static struct { pid_t pid; int status; bool ended; } background[64];

void background_add(pid_t pid)
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

pid_t fork_child(bool in_background)
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

	if (shell.failed)
		return false;
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
bool redirect(const struct redirection *redirection, struct saved *saved, int *saved_count)
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

void redirect_back(const struct saved *saved, int saved_count)
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
