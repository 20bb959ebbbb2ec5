/*
 * The harness of the guest tests: a table of {function, name}, a line per failing case (with -v also per passing one), a
 * closing line, exit status 1 if anything failed or nothing passed. Each case runs in an empty directory of its own under $TESTDIR
 * (default /tmp), which is removed afterwards. Linux is the referee: everything here also runs under qemu-riscv64.
 *
 *	static void adds(void) { CHECK(1 + 1 == 2); }
 *	static const struct test tests[] = { { adds, "adds" }, { 0 } };
 *	int main(int count, char **arguments) { return test_main(count, arguments, tests); }
 *
 * $TEST_DIFFERS may name a list of cases in which the system below is known not to be Linux (lines "PROGRAM CASE: reason",
 * see qemu-user-differs); these are skipped with that reason. A failed CHECK ends its case; in a child process it ends the
 * child with TEST_CHILD_FAILED. Where only Quire can tell (counters), a case says SKIP and counts as skipped, never as passed;
 * on Quire itself tests/run.py takes a skipped case for a failure. Programs include neither abi/ nor libsys/.
 */
#ifndef TEST_H
#define TEST_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define TEST_CHILD_FAILED 99
#define UNUSED __attribute__((unused))

struct test {
	void (*run)(void);
	const char *name;
};

enum test_outcome { TEST_PASSED, TEST_FAILED, TEST_SKIPPED };

static jmp_buf test_end;
static const char *test_name = "?";
static pid_t test_pid;
static bool test_verbose;
static char test_directory[512];	/* absolute; the case starts in it */
static char *test_list;			/* $TEST_DIFFERS, from /; NULL: nothing is known to differ */

/* Says what went wrong and ends the case (or, in a child, the process). */
static void UNUSED __attribute__((noreturn, format(printf, 3, 4)))
test_stop(enum test_outcome outcome, int line, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fflush(stdout);
	if (outcome == TEST_FAILED)
		printf("FAILED %s, line %d%s: %s\n", test_name, line, getpid() == test_pid ? "" : ", in a child", text);
	else
		printf("skipped %s: %s\n", test_name, text);
	fflush(stdout);
	if (getpid() != test_pid)
		_exit(TEST_CHILD_FAILED);
	longjmp(test_end, outcome);
}

#define CHECK(condition) do { \
	if (!(condition)) \
		test_stop(TEST_FAILED, __LINE__, "%s (errno %d)", #condition, errno); \
} while (0)

#define CHECK_EQUAL(value, wanted) do { \
	long value_ = (long)(value), wanted_ = (long)(wanted); \
	if (value_ != wanted_) \
		test_stop(TEST_FAILED, __LINE__, "%s is %ld, not %ld (errno %d)", #value, value_, wanted_, errno); \
} while (0)

/* The call answers -1 with this errno. */
#define CHECK_ERROR(call, error) do { \
	errno = 0; \
	long result_ = (long)(call); \
	if (result_ != -1 || errno != (error)) \
		test_stop(TEST_FAILED, __LINE__, "%s gives %ld, errno %d (%s), not %s", #call, result_, errno, strerror(errno), #error); \
} while (0)

#define SKIP(reason) test_stop(TEST_SKIPPED, __LINE__, "%s", reason)

/* --- counters, which only Quire has --- */

/* The value of a line of /proc/vmstat, -1: there is no such line. */
static long UNUSED counter(const char *name)
{
	static char text[8192];
	size_t length = strlen(name), used = 0;
	int file = open("/proc/vmstat", O_RDONLY);
	ssize_t got;

	if (file < 0)
		return -1;
	while (used + 1 < sizeof(text) && (got = read(file, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)got;
	close(file);
	text[used] = 0;
	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, name, length) && line[length] == ' ')
			return atol(line + length);
	return -1;
}

static bool UNUSED on_quire(void)
{
	return counter("quire_page_ins") >= 0;
}

#define NEED_COUNTERS() do { \
	if (!on_quire()) \
		SKIP("no exact counters in /proc/vmstat here"); \
} while (0)

/* Writes everything back and forgets all clean pages that nobody maps. */
static void UNUSED drop_caches(void)
{
	int file;

	sync();
	file = open("/proc/sys/vm/drop_caches", O_WRONLY);
	CHECK(file >= 0);
	CHECK(write(file, "3\n", 2) == 2);
	close(file);
}

/* --- bytes and files --- */

/* The byte that stands at an offset of a file made with this seed; never zero. */
static unsigned char UNUSED pattern(unsigned seed, size_t offset)
{
	return (unsigned char)(1 + (seed * 37 + offset * 7 + offset / PAGE * 11 + offset / 251) % 255);
}

static void UNUSED fill(void *memory, size_t bytes, unsigned seed, size_t offset)
{
	unsigned char *next = memory;

	for (size_t i = 0; i < bytes; i++)
		next[i] = pattern(seed, offset + i);
}

static bool UNUSED holds(const void *memory, size_t bytes, unsigned seed, size_t offset)
{
	const unsigned char *next = memory;

	for (size_t i = 0; i < bytes; i++)
		if (next[i] != pattern(seed, offset + i))
			return false;
	return true;
}

static bool UNUSED all_bytes(const void *memory, size_t bytes, unsigned char value)
{
	const unsigned char *next = memory;

	for (size_t i = 0; i < bytes; i++)
		if (next[i] != value)
			return false;
	return true;
}

/* A new file of pattern bytes, open for reading and writing. */
static int UNUSED make_file(const char *name, size_t bytes, unsigned seed)
{
	int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	unsigned char block[PAGE];

	CHECK(file >= 0);
	for (size_t done = 0; done < bytes; ) {
		size_t part = bytes - done < sizeof(block) ? bytes - done : sizeof(block);

		fill(block, part, seed, done);
		CHECK_EQUAL(write(file, block, part), part);
		done += part;
	}
	return file;
}

static void UNUSED put_text(const char *name, const char *text)
{
	int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(file >= 0);
	CHECK_EQUAL(write(file, text, strlen(text)), strlen(text));
	CHECK(close(file) == 0);
}

/* Reads a file from its start; how many bytes came. */
static size_t UNUSED get_bytes(const char *name, void *memory, size_t room)
{
	int file = open(name, O_RDONLY);
	size_t used = 0;
	ssize_t got;

	CHECK(file >= 0);
	while (used < room && (got = read(file, (char *)memory + used, room - used)) > 0)
		used += (size_t)got;
	CHECK(close(file) == 0);
	return used;
}

static bool UNUSED file_is(const char *name, const char *text)
{
	static char have[4096];
	size_t length = get_bytes(name, have, sizeof(have));

	return length == strlen(text) && !memcmp(have, text, length);
}

static UNUSED void *map_file(int file, size_t bytes, int rights, int flags, off_t offset)
{
	void *memory = mmap(NULL, bytes, rights, flags, file, offset);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static UNUSED void *map_memory(size_t bytes, int flags)
{
	return map_file(-1, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, 0);
}

/* --- children --- */

static pid_t UNUSED fork_child(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	return pid;
}

/* pid -1: any child. */
static int UNUSED wait_status(pid_t pid)
{
	int status;
	pid_t ended = waitpid(pid, &status, 0);

	CHECK(ended == pid || (pid == -1 && ended > 0));
	return status;
}

static void UNUSED wait_success(pid_t pid)
{
	int status = wait_status(pid);

	if (WIFSIGNALED(status))
		test_stop(TEST_FAILED, 0, "a child died of signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status))
		test_stop(TEST_FAILED, 0, "a child ended with status %d", WEXITSTATUS(status));
}

/* A child that is about to die of a signal: whoever reports that (an emulator) need not disturb the output. */
static void UNUSED expect_death(void)
{
	close(2);
}

enum touch { TOUCH_READ, TOUCH_WRITE, TOUCH_CALL };

/* Touches one byte, or calls what is there, in a child; the signal it died of, 0: none. */
static int UNUSED touch_signal(uintptr_t address, enum touch touch)
{
	pid_t pid = fork_child();
	int status;

	if (pid == 0) {
		volatile unsigned char *byte = (volatile unsigned char *)address;

		expect_death();
		switch (touch) {
		case TOUCH_READ: (void)*byte; break;
		case TOUCH_WRITE: *byte = 1; break;
		case TOUCH_CALL: ((void (*)(void))address)(); break;
		}
		_exit(0);
	}
	status = wait_status(pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#define READ_SIGNAL(address) touch_signal((uintptr_t)(address), TOUCH_READ)
#define WRITE_SIGNAL(address) touch_signal((uintptr_t)(address), TOUCH_WRITE)
#define CALL_SIGNAL(address) touch_signal((uintptr_t)(address), TOUCH_CALL)

/* --- running the table --- */

static void test_empty_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		char full[1024];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
		if (unlink(full) < 0) {
			chmod(full, 0700);
			test_empty_directory(full);
			rmdir(full);
		}
	}
	if (directory)
		closedir(directory);
}

static enum test_outcome test_run(const struct test *test)
{
	volatile enum test_outcome outcome = TEST_PASSED;
	int end;

	test_name = test->name;
	errno = 0;
	end = setjmp(test_end);
	if (end)
		outcome = (enum test_outcome)end;
	else
		test->run();
	if (outcome == TEST_PASSED && test_verbose)
		printf("ok %s\n", test->name);
	fflush(stdout);
	if (outcome == TEST_FAILED)
		for (int descriptor = 3; descriptor < 64; descriptor++)
			close(descriptor);
	if (chdir(test_directory) == 0)
		test_empty_directory(test_directory);
	return outcome;
}

static void test_begin(const char *program)
{
	const char *parent = getenv("TESTDIR") ? getenv("TESTDIR") : "/tmp";
	const char *slash = strrchr(program, '/');
	struct rlimit no_core = { 0, 0 };

	test_list = getenv("TEST_DIFFERS");
	if (test_list && !(test_list = realpath(test_list, NULL))) {
		printf("cannot read %s: %s\n", getenv("TEST_DIFFERS"), strerror(errno));
		exit(2);
	}
	setrlimit(RLIMIT_CORE, &no_core);
	setvbuf(stdout, NULL, _IOLBF, 1024);
	mkdir(parent, 0777);
	test_pid = getpid();
	snprintf(test_directory, sizeof(test_directory), "%s/%s.%d", parent, slash ? slash + 1 : program, test_pid);
	if (mkdir(test_directory, 0755) < 0 || chdir(test_directory) < 0) {
		printf("cannot work in %s: %s\n", test_directory, strerror(errno));
		exit(2);
	}
}

static bool test_wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

/* The reason why this case is not run here, NULL: run it. */
static const char *test_differs(const char *program, const char *name)
{
	static char line[400];
	const char *slash = strrchr(program, '/');
	char wanted[200];
	FILE *list = test_list ? fopen(test_list, "r") : NULL;
	bool found = false;

	snprintf(wanted, sizeof(wanted), "%s %s: ", slash ? slash + 1 : program, name);
	while (list && !found && fgets(line, sizeof(line), list))
		found = !strncmp(line, wanted, strlen(wanted));
	if (list)
		fclose(list);
	line[strcspn(line, "\n")] = 0;
	return found ? line + strlen(wanted) : NULL;
}

static int test_finish(int passed, int failed, int skipped)
{
	if (chdir("/") == 0)
		rmdir(test_directory);
	printf("%d passed, %d failed", passed, failed);
	if (skipped)
		printf(", %d skipped", skipped);
	printf("\n");
	return failed || !passed ? 1 : 0;
}

/* Arguments: [-v] [-d DIRECTORY] [case...]. The result is the exit status. */
static int UNUSED test_main(int count, char **arguments, const struct test *tests)
{
	int outcomes[3] = { 0 };
	const char *program = arguments[0];

	(void)count;
	for (arguments++; *arguments && **arguments == '-'; arguments++) {
		if (!strcmp(*arguments, "-v"))
			test_verbose = true;
		else if (!strcmp(*arguments, "-d") && arguments[1])
			setenv("TESTDIR", *++arguments, 1);
		else
			return fprintf(stderr, "usage: %s [-v] [-d DIRECTORY] [case...]\n", program), 2;
	}
	test_begin(program);
	for (; tests->run; tests++) {
		const char *reason = test_differs(program, tests->name);

		if (!test_wanted(tests->name, arguments))
			continue;
		if (reason)
			printf("skipped %s: %s\n", tests->name, reason);
		outcomes[reason ? TEST_SKIPPED : test_run(tests)]++;
	}
	if (*arguments && !outcomes[TEST_PASSED] && !outcomes[TEST_FAILED] && !outcomes[TEST_SKIPPED]) {
		printf("no such case: %s\n", *arguments);
		outcomes[TEST_FAILED]++;
	}
	return test_finish(outcomes[TEST_PASSED], outcomes[TEST_FAILED], outcomes[TEST_SKIPPED]);
}

#endif
