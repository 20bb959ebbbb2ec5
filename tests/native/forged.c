/*
 * What only servers may say: a program calls each operation of each server's protocol, natively, through the three capabilities that it has,
 * with all kinds of words. The badge says who it is, so the answer is ENOSYS and nothing else happens. Linux calls made as
 * messages, to their own server or to another, may do what they do; whoever made them may come to harm, nobody else. Runs on Quire only.
 */
#include "fs.h"
#include "init.h"
#include "linux.h"
#include "pager.h"
#include "proc.h"
#include "syscall.h"
#include "test.h"

#include <time.h>

static const uint64_t servers[] = { CLIENT_SLOT_PAGER, CLIENT_SLOT_FS, CLIENT_SLOT_PROC };

#define X(number, name, ...) number,
static const uint64_t labels[] = { PAGER_LIST(X) FS_LIST(X) PROC_LIST(X) }, linux_labels[] = { LINUX_CALL_LIST(X) };
#undef X

static uint64_t word_of_kind(unsigned kind, unsigned index)
{
	static char buffer[PAGE];
	const uint64_t words[] = { 0, 1, index, (uint64_t)buffer, (uint64_t)getpid() << 16 | 1, 1UL << 63, ~0UL, 1UL << 32 | 11, 0xffffffc080200000 };

	return words[(kind + index * 5) % (sizeof(words) / sizeof(*words))];
}

static long say(uint64_t server, uint64_t label, unsigned kind, struct message *message)
{
	*message = (struct message){ .label = label };
	for (unsigned i = 0; i < 6; i++)
		message->word[i] = word_of_kind(kind, i);
	return ipc_call(server, message);
}

static void protocols(void)
{
	struct message message;

	for (size_t server = 0; server < 3; server++)
		for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
			for (unsigned kind = 0; kind < 9; kind++) {
				if (labels[i] == PAGER_supply || labels[i] == FS_serve)
					continue;	/* userpager.c */
				CHECK_EQUAL(say(servers[server], labels[i], kind, &message), 0);
				CHECK_EQUAL((long)message.word[0], -ENOSYS);
			}
}

static void labels_without_a_row(void)
{
	static const uint64_t none[] = { 512, 513, 0xfff, 0x1fff, 0x4000, 1UL << 32, 1UL << 62, (1UL << 62) + 63 };
	struct message message;

	for (size_t server = 0; server < 3; server++)
		for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
			CHECK_EQUAL(say(servers[server], none[i], i, &message), 0);
			CHECK_EQUAL((long)message.word[0], -ENOSYS);
		}
	CHECK(say(CLIENT_SLOT_FS, LABEL_FAULT, 0, &message) < 0);
	CHECK(say(CLIENT_SLOT_PROC, LABEL_EXCEPTION, 1, &message) < 0);
}

/* Another process's calls leave words in the servers: that of the pipe is the last. */
static pid_t other_calls(void)
{
	int pipes[2], file;
	char byte;
	pid_t pid;

	CHECK(pipe(pipes) == 0);
	pid = fork_child();
	if (pid == 0) {
		file = open("file", O_RDWR | O_CREAT, 0600);
		CHECK(file >= 0 && write(file, "text", 4) == 4 && fcntl(file, F_DUPFD, 123) == 123);
		CHECK(mmap((void *)0x12345000, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) != MAP_FAILED);
		CHECK(write(pipes[1], "x", 1) == 1);
		sleep(600);
		_exit(1);
	}
	CHECK(read(pipes[0], &byte, 1) == 1 && close(pipes[0]) == 0 && close(pipes[1]) == 0);
	return pid;
}

/* A Linux call's answer is one word. Behind it, who asks natively finds nothing that others have said or been told. */
static void answers_of_one_word(void)
{
	static const struct { uint64_t server, label, word; } calls[] = {
		{ CLIENT_SLOT_PAGER, LINUX_brk, 0 }, { CLIENT_SLOT_PAGER, LINUX_mprotect, 1 }, { CLIENT_SLOT_PAGER, PAGER_supply, 1 },
		{ CLIENT_SLOT_FS, LINUX_umask, 022 }, { CLIENT_SLOT_FS, LINUX_close, 1000 }, { CLIENT_SLOT_FS, LINUX_pipe2, 0 },
		{ CLIENT_SLOT_PROC, LINUX_getpgid, 0 }, { CLIENT_SLOT_PROC, LINUX_getpid, 0 },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct message message = { .label = calls[i].label, .word = { calls[i].word } };
		pid_t pid = other_calls();

		CHECK_EQUAL(ipc_call(calls[i].server, &message), 0);
		for (unsigned word = 1; word < 6; word++)
			if (message.word[word])
				test_stop(TEST_FAILED, __LINE__, "call %lx: word %u is %lx", (long)calls[i].label, word, (long)message.word[word]);
		CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	}
}

/* Some end the child, some wait for ever. */
static void linux_calls_as_messages(void)
{
	const struct timespec pause = { 0, 1000000 };

	for (size_t server = 0; server < 3; server++)
		for (size_t i = 0; i < sizeof(linux_labels) / sizeof(*linux_labels); i++) {
			uint64_t label = linux_labels[i];
			struct message message;
			int status;
			pid_t pid;

			if (label == LINUX_reboot || label == LINUX_kill || label == LINUX_tkill || label == LINUX_tgkill)
				continue;	/* they would harm on purpose */
			pid = fork_child();
			if (pid == 0) {
				for (unsigned kind = 0; kind < 9; kind++)
					say(servers[server], label, kind, &message);
				_exit(0);
			}
			for (int tries = 0; waitpid(pid, &status, WNOHANG) == 0; tries++) {
				nanosleep(&pause, NULL);
				if (tries == 5)
					CHECK(kill(pid, SIGKILL) == 0);
				CHECK(tries < 2000);
			}
		}
}

static const struct test tests[] = {
	{ protocols, "protocols" },
	{ labels_without_a_row, "labels_without_a_row" },
	{ answers_of_one_word, "answers_of_one_word" },
	{ linux_calls_as_messages, "linux_calls_as_messages" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
