/*
 * mmaptest [-v] [-d DIRECTORY] [case...]: what a user may expect of mmap, case by case; the list of the teaching lab that
 * Quire comes from, and a little beyond. Every case also holds on Linux. Cases that count page reads and writes need
 * the exact counters in Quire's /proc/vmstat and are skipped elsewhere. Read tests/guest/test.h next.
 */
#define _GNU_SOURCE
#include "../tests/guest/test.h"

#include <spawn.h>
#include <sys/auxv.h>

extern char **environ;

#define READ_WRITE (PROT_READ | PROT_WRITE)

/*
 * Counted cases run twice and count in the second round: the first one brings in this program's own pages, which come
 * from the disk like any others.
 */
static bool counting;
#define COUNTED(value, wanted) do { \
	if (counting) \
		CHECK_EQUAL(value, wanted); \
	else \
		(void)(value); \
} while (0)

static unsigned char touch(const volatile unsigned char *byte)
{
	return *byte;
}

static void lazy_round(int file)
{
	unsigned char *memory;
	long before;

	drop_caches();
	before = counter("quire_page_ins");
	memory = map_file(file, 8 * PAGE, PROT_READ, MAP_PRIVATE, 0);
	COUNTED(counter("quire_page_ins") - before, 0);
	CHECK_EQUAL(touch(memory + 3 * PAGE), pattern(1, 3 * PAGE));
	COUNTED(counter("quire_page_ins") - before, 1);
	CHECK(munmap(memory, 8 * PAGE) == 0);
}

static void lazy(void)
{
	int file;

	NEED_COUNTERS();
	file = make_file("lazy", 8 * PAGE, 1);
	for (counting = false; ; counting = true) {
		lazy_round(file);
		if (counting)
			break;
	}
	close(file);
}

static void tail_is_zero(void)
{
	int file = make_file("tail", 6144, 2);
	unsigned char *memory = map_file(file, 2 * PAGE, PROT_READ, MAP_PRIVATE, 0);

	CHECK(holds(memory, 6144, 2, 0));
	CHECK(all_bytes(memory + 6144, 2 * PAGE - 6144, 0));
	CHECK(munmap(memory, 2 * PAGE) == 0);
	close(file);
}

static void tail_counted(void)
{
	int file;

	NEED_COUNTERS();
	file = make_file("tail", 6144, 2);
	for (counting = false; ; counting = true) {
		unsigned char *memory;
		long before;

		drop_caches();
		before = counter("quire_page_ins");
		memory = map_file(file, 2 * PAGE, PROT_READ, MAP_SHARED, 0);
		CHECK(holds(memory, PAGE, 2, 0));
		COUNTED(counter("quire_page_ins") - before, 1);
		CHECK(holds(memory + PAGE, 2048, 2, PAGE));
		CHECK(all_bytes(memory + 6144, 2048, 0));
		COUNTED(counter("quire_page_ins") - before, 2);
		CHECK(munmap(memory, 2 * PAGE) == 0);
		if (counting)
			break;
	}
	close(file);
}

static void offsets_in_any_order(void)
{
	static const int order[] = { 5, 0, 7, 2, 6, 1, 4, 3 };
	int file = make_file("offsets", 16 * PAGE, 3);
	unsigned char *memory = map_file(file, 8 * PAGE, PROT_READ, MAP_PRIVATE, 6 * PAGE);
	unsigned char *last = map_file(file, PAGE, PROT_READ, MAP_SHARED, 15 * PAGE);

	for (size_t i = 0; i < 8; i++)
		CHECK(holds(memory + order[i] * PAGE + 100, 50, 3, (size_t)(order[i] + 6) * PAGE + 100));
	CHECK(holds(last, PAGE, 3, 15 * PAGE));
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 100), EINVAL);
	munmap(memory, 8 * PAGE);
	munmap(last, PAGE);
	close(file);
}

static void private_stays_private(void)
{
	int file = make_file("private", 2 * PAGE, 4);
	unsigned char *memory = map_file(file, 2 * PAGE, READ_WRITE, MAP_PRIVATE, 0), block[2 * PAGE];

	memset(memory, 'x', PAGE + 10);
	CHECK(all_bytes(memory, PAGE + 10, 'x'));
	CHECK(holds(memory + PAGE + 10, PAGE - 10, 4, PAGE + 10));
	CHECK(msync(memory, 2 * PAGE, MS_SYNC) == 0);
	CHECK(munmap(memory, 2 * PAGE) == 0);
	close(file);
	CHECK_EQUAL(get_bytes("private", block, sizeof(block)), 2 * PAGE);
	CHECK(holds(block, 2 * PAGE, 4, 0));
}

static void read_only_descriptor(void)
{
	int file = make_file("readonly", PAGE, 5);
	unsigned char *memory;

	close(file);
	file = open("readonly", O_RDONLY);
	CHECK_ERROR(mmap(NULL, PAGE, READ_WRITE, MAP_SHARED, file, 0), EACCES);
	memory = map_file(file, PAGE, READ_WRITE, MAP_PRIVATE, 0);
	memory[0] = 'p';
	CHECK(munmap(memory, PAGE) == 0);
	memory = map_file(file, PAGE, PROT_READ, MAP_SHARED, 0);
	CHECK_EQUAL(memory[0], pattern(5, 0));
	CHECK_ERROR(mprotect(memory, PAGE, READ_WRITE), EACCES);
	CHECK_EQUAL(WRITE_SIGNAL(memory), SIGSEGV);
	munmap(memory, PAGE);
	close(file);
	file = open("readonly", O_WRONLY);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0), EACCES);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0), EACCES);
	close(file);
}

static void outlives_close(void)
{
	int file = make_file("closed", 3 * PAGE, 6);
	unsigned char *memory = map_file(file, 3 * PAGE, READ_WRITE, MAP_SHARED, 0), block[3 * PAGE];

	CHECK(close(file) == 0);
	CHECK(holds(memory, 3 * PAGE, 6, 0));
	memory[PAGE] = 'c';
	CHECK(munmap(memory, 3 * PAGE) == 0);
	CHECK_EQUAL(get_bytes("closed", block, sizeof(block)), 3 * PAGE);
	CHECK_EQUAL(block[PAGE], 'c');
	CHECK(holds(block + PAGE + 1, 2 * PAGE - 1, 6, PAGE + 1));
}

static void unmap_in_parts(void)
{
	int file = make_file("parts", 8 * PAGE, 7);
	unsigned char *memory = map_file(file, 8 * PAGE, READ_WRITE, MAP_SHARED, 0), block[8 * PAGE];

	for (size_t page = 0; page < 8; page++)
		memory[page * PAGE] = (unsigned char)('A' + page);
	CHECK(munmap(memory, PAGE) == 0);			/* front */
	CHECK_EQUAL(READ_SIGNAL(memory), SIGSEGV);
	CHECK(munmap(memory + 7 * PAGE, PAGE) == 0);		/* back */
	CHECK_EQUAL(READ_SIGNAL(memory + 7 * PAGE), SIGSEGV);
	CHECK(munmap(memory + 3 * PAGE, 2 * PAGE) == 0);	/* middle */
	CHECK_EQUAL(READ_SIGNAL(memory + 3 * PAGE), SIGSEGV);
	CHECK_EQUAL(READ_SIGNAL(memory + 5 * PAGE - 1), SIGSEGV);
	for (size_t page = 0; page < 8; page++)
		if (page != 0 && page != 7 && page != 3 && page != 4)
			CHECK(memory[page * PAGE] == 'A' + page && holds(memory + page * PAGE + 1, PAGE - 1, 7, page * PAGE + 1));
	memory[6 * PAGE + 1] = '!';
	CHECK(munmap(memory, 8 * PAGE) == 0);			/* what is left, and holes */
	close(file);
	CHECK_EQUAL(get_bytes("parts", block, sizeof(block)), 8 * PAGE);
	for (size_t page = 0; page < 8; page++)
		CHECK_EQUAL(block[page * PAGE], 'A' + page);
	CHECK_EQUAL(block[6 * PAGE + 1], '!');
}

static void one_file_twice(void)
{
	int file = make_file("twice", 2 * PAGE, 8);
	unsigned char *one = map_file(file, 2 * PAGE, READ_WRITE, MAP_SHARED, 0);
	unsigned char *two = map_file(file, 2 * PAGE, READ_WRITE, MAP_SHARED, 0);
	unsigned char *own = map_file(file, PAGE, READ_WRITE, MAP_PRIVATE, PAGE);

	CHECK(one != two);
	own[0] = 'o';
	one[PAGE] = '1';
	two[PAGE + 1] = '2';
	CHECK(two[PAGE] == '1' && one[PAGE + 1] == '2' && own[0] == 'o');
	CHECK_EQUAL(own[1], pattern(8, PAGE + 1));
	munmap(one, 2 * PAGE);
	CHECK(two[PAGE] == '1' && two[PAGE + 1] == '2');
	munmap(two, 2 * PAGE);
	munmap(own, PAGE);
	close(file);
}

static void two_files_at_once(void)
{
	int left = make_file("left", 2 * PAGE, 9), right = make_file("right", 2 * PAGE, 10);
	unsigned char *one = map_file(left, 2 * PAGE, READ_WRITE, MAP_SHARED, 0);
	unsigned char *two = map_file(right, 2 * PAGE, READ_WRITE, MAP_SHARED, 0);
	char byte[2];

	CHECK(holds(two, 2 * PAGE, 10, 0) && holds(one, 2 * PAGE, 9, 0));
	one[5] = 'L';
	two[5] = 'R';
	CHECK(pread(left, &byte[0], 1, 5) == 1 && pread(right, &byte[1], 1, 5) == 1);
	CHECK(byte[0] == 'L' && byte[1] == 'R');
	munmap(one, 2 * PAGE);
	CHECK_EQUAL(two[5], 'R');
	munmap(two, 2 * PAGE);
	close(left);
	close(right);
}

static void half_open(void)
{
	int file = make_file("half", 4 * PAGE, 11);
	unsigned char *memory = map_file(file, 4 * PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK(munmap(memory + 2 * PAGE, 2 * PAGE) == 0);
	CHECK_EQUAL(READ_SIGNAL(memory + 2 * PAGE - 1), 0);
	CHECK_EQUAL(READ_SIGNAL(memory + 2 * PAGE), SIGSEGV);
	CHECK_EQUAL(READ_SIGNAL(memory + 4 * PAGE - 1), SIGSEGV);
	munmap(memory, 2 * PAGE);
	close(file);
}

static void untouched_is_not_read(void)
{
	int file;

	NEED_COUNTERS();
	file = make_file("untouched", 64 * PAGE, 12);
	for (counting = false; ; counting = true) {
		unsigned char *memory;
		long before;

		drop_caches();
		before = counter("quire_page_ins");
		memory = map_file(file, 64 * PAGE, PROT_READ, MAP_PRIVATE, 0);
		for (size_t page = 0; page < 64; page += 16)
			CHECK_EQUAL(touch(memory + page * PAGE), pattern(12, page * PAGE));
		munmap(memory, 64 * PAGE);
		COUNTED(counter("quire_page_ins") - before, 4);
		if (counting)
			break;
	}
	close(file);
}

static void clean_is_not_written(void)
{
	int file;

	NEED_COUNTERS();
	file = make_file("clean", 32 * PAGE, 13);
	for (counting = false; ; counting = true) {
		unsigned char *memory;
		long before;

		drop_caches();
		memory = map_file(file, 32 * PAGE, READ_WRITE, MAP_SHARED, 0);
		before = counter("quire_page_outs");
		for (size_t page = 0; page < 32; page++)
			CHECK_EQUAL(touch(memory + page * PAGE + 9), pattern(13, page * PAGE + 9));
		memory[3 * PAGE] = memory[17 * PAGE] = memory[18 * PAGE + 5] = 'd';
		CHECK(msync(memory, 32 * PAGE, MS_SYNC) == 0);
		COUNTED(counter("quire_page_outs") - before, 3);
		CHECK(msync(memory, 32 * PAGE, MS_SYNC) == 0);
		munmap(memory, 32 * PAGE);
		fsync(file);
		COUNTED(counter("quire_page_outs") - before, 3);
		if (counting)
			break;
	}
	close(file);
}

static void exit_writes_dirty_pages(void)
{
	int file = make_file("exit", 3 * PAGE, 14);
	unsigned char block[3 * PAGE];
	pid_t pid = fork_child();

	if (pid == 0) {
		unsigned char *memory = map_file(file, 3 * PAGE, READ_WRITE, MAP_SHARED, 0);

		memory[0] = 'a';
		memory[2 * PAGE + 7] = 'b';
		_exit(0);
	}
	wait_success(pid);
	close(file);
	CHECK_EQUAL(get_bytes("exit", block, sizeof(block)), 3 * PAGE);
	CHECK(block[0] == 'a' && block[2 * PAGE + 7] == 'b');
	CHECK(holds(block + 1, 2 * PAGE, 14, 1));
}

static void fork_copies_private(void)
{
	int file = make_file("forked", 2 * PAGE, 15), ends[2];
	unsigned char *memory = map_file(file, 2 * PAGE, READ_WRITE, MAP_PRIVATE, 0);
	unsigned char *own = map_memory(2 * PAGE, MAP_PRIVATE);
	pid_t pid;
	char byte;

	CHECK(pipe(ends) == 0);
	memory[0] = 'p';
	own[0] = 'q';
	pid = fork_child();
	if (pid == 0) {
		close(ends[1]);
		CHECK(memory[0] == 'p' && own[0] == 'q' && memory[1] == pattern(15, 1));
		memory[0] = own[0] = 'c';			/* the child's own */
		memory[PAGE] = own[PAGE] = 'c';
		CHECK_EQUAL(read(ends[0], &byte, 1), 1);	/* until the parent has stored */
		CHECK(memory[0] == 'c' && own[0] == 'c' && memory[PAGE] == 'c' && own[PAGE] == 'c');
		CHECK(memory[5] == pattern(15, 5) && own[5] == 0);
		_exit(0);
	}
	close(ends[0]);
	memory[5] = own[5] = 'P';
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	wait_success(pid);
	CHECK(memory[0] == 'p' && own[0] == 'q' && memory[PAGE] == pattern(15, PAGE) && own[PAGE] == 0);
	CHECK(memory[5] == 'P' && own[5] == 'P');
	close(ends[1]);
	munmap(memory, 2 * PAGE);
	munmap(own, 2 * PAGE);
	close(file);
}

static void fork_shares_shared(void)
{
	int file = make_file("shared", 2 * PAGE, 16);
	unsigned char *memory = map_file(file, 2 * PAGE, READ_WRITE, MAP_SHARED, 0);
	unsigned char *common = map_memory(2 * PAGE, MAP_SHARED);
	pid_t pid;

	memory[0] = common[0] = 'p';
	pid = fork_child();
	if (pid == 0) {
		CHECK(memory[0] == 'p' && common[0] == 'p');
		memory[PAGE] = common[PAGE] = 'c';
		CHECK(munmap(memory, 2 * PAGE) == 0);		/* the parent keeps its own mapping */
		_exit(0);
	}
	wait_success(pid);
	CHECK(memory[PAGE] == 'c' && common[PAGE] == 'c' && memory[0] == 'p');
	CHECK(holds(memory + 1, PAGE - 1, 16, 1));
	munmap(memory, 2 * PAGE);
	munmap(common, 2 * PAGE);
	close(file);
}

static void kernel_address(void)
{
	static const unsigned long addresses[] = { 0, 0x80000000UL, 0x80200000UL, 1UL << 38, 0xffffffc000000000UL, 0xffffffff80000000UL, ~7UL };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		CHECK_EQUAL(READ_SIGNAL(addresses[i]), SIGSEGV);
		CHECK_EQUAL(WRITE_SIGNAL(addresses[i]), SIGSEGV);
	}
}

static void stack_guard(void)
{
	const char *highest = (const char *)getauxval(AT_EXECFN);
	uintptr_t top = ((uintptr_t)highest + strlen(highest) + PAGE) & ~(PAGE - 1);
	struct rlimit limit;

	CHECK(highest != NULL);
	CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
	if (limit.rlim_cur > 1UL << 30)
		SKIP("the stack has no limit here");
	CHECK_EQUAL(READ_SIGNAL(top - limit.rlim_cur - 1), SIGSEGV);
	CHECK_EQUAL(WRITE_SIGNAL(top - limit.rlim_cur - 1), SIGSEGV);
	CHECK_EQUAL(READ_SIGNAL(top - 1), 0);
}

static void failed_sbrk(void)
{
	char *end = sbrk(0);
	uintptr_t behind = ((uintptr_t)end + PAGE - 1) & ~(PAGE - 1);

	CHECK_ERROR((long)sbrk((intptr_t)1 << 45), ENOMEM);
	CHECK(sbrk(0) == end);
	CHECK_EQUAL(READ_SIGNAL(behind), SIGSEGV);
	CHECK_EQUAL(WRITE_SIGNAL(behind + 16 * PAGE), SIGSEGV);
}

static void pipe_into_mapping(void)
{
	int file = make_file("piped", 2 * PAGE, 17), ends[2];
	unsigned char *memory = map_file(file, 2 * PAGE, READ_WRITE, MAP_SHARED, 0);
	char text[32];

	CHECK(pipe(ends) == 0);
	CHECK_EQUAL(write(ends[1], "through a pipe", 14), 14);
	CHECK_EQUAL(read(ends[0], memory + PAGE - 7, 14), 14);	/* across two pages never touched before */
	munmap(memory, 2 * PAGE);
	CHECK_EQUAL(pread(file, text, 14, PAGE - 7), 14);
	CHECK(!memcmp(text, "through a pipe", 14));
	close(ends[0]);
	close(ends[1]);
	close(file);
}

static void stores_before_sigkill(void)
{
	int file = make_file("killed", 2 * PAGE, 18), ends[2];
	unsigned char block[2 * PAGE];
	pid_t pid;
	char byte;
	int status;

	CHECK(pipe(ends) == 0);
	pid = fork_child();
	if (pid == 0) {
		unsigned char *memory = map_file(file, 2 * PAGE, READ_WRITE, MAP_SHARED, 0);

		memory[100] = 'k';
		memory[PAGE + 100] = 'l';
		if (write(ends[1], "x", 1) == 1)
			for (;;)
				memory[200]++;
		_exit(1);
	}
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	CHECK(kill(pid, SIGKILL) == 0);
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(ends[0]);
	close(ends[1]);
	close(file);
	CHECK_EQUAL(get_bytes("killed", block, sizeof(block)), 2 * PAGE);
	CHECK(block[100] == 'k' && block[PAGE + 100] == 'l');
}

static void fresh_blocks_are_empty(void)
{
	int file = make_file("secret", 64 * PAGE, 19);
	unsigned char *memory;

	CHECK(fsync(file) == 0 && close(file) == 0 && unlink("secret") == 0);
	sync();
	file = open("fresh", O_RDWR | O_CREAT, 0644);
	CHECK(file >= 0 && ftruncate(file, 64 * PAGE) == 0);
	memory = map_file(file, 64 * PAGE, READ_WRITE, MAP_SHARED, 0);
	for (size_t page = 0; page < 64; page += 2)
		memory[page * PAGE + 1000] = 'f';
	CHECK(msync(memory, 64 * PAGE, MS_SYNC) == 0);
	munmap(memory, 64 * PAGE);
	if (on_quire())
		drop_caches();
	memory = map_file(file, 64 * PAGE, PROT_READ, MAP_SHARED, 0);
	for (size_t page = 0; page < 64; page++) {
		CHECK_EQUAL(memory[page * PAGE + 1000], page % 2 ? 0 : 'f');
		CHECK(all_bytes(memory + page * PAGE, 1000, 0) && all_bytes(memory + page * PAGE + 1001, PAGE - 1001, 0));
	}
	munmap(memory, 64 * PAGE);
	close(file);
}

/* Inode numbers of the descriptors 0..15, 0: closed. */
static void note_descriptors(ino_t numbers[16])
{
	for (int i = 0; i < 16; i++) {
		struct stat status;

		numbers[i] = fstat(i, &status) == 0 ? status.st_ino : 0;
	}
}

static void spawn_keeps_descriptors(void)
{
	char *arguments[] = { "sh", "-c", "echo out; echo err >&2", NULL };
	posix_spawn_file_actions_t actions;
	ino_t before[16], after[16];
	pid_t pid;

	note_descriptors(before);
	CHECK(posix_spawn_file_actions_init(&actions) == 0);
	posix_spawn_file_actions_addopen(&actions, 1, "spawned", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	posix_spawn_file_actions_addclose(&actions, 0);
	CHECK_EQUAL(posix_spawn(&pid, "/bin/sh", &actions, NULL, arguments, environ), 0);
	wait_success(pid);
	posix_spawn_file_actions_destroy(&actions);
	CHECK(file_is("spawned", "out\nerr\n"));
	CHECK_EQUAL(system("echo one >systemed 2>&1; cat <systemed >copied"), 0);
	CHECK(file_is("copied", "one\n"));
	note_descriptors(after);
	CHECK(!memcmp(before, after, sizeof(before)));
}

static const struct test tests[] = {
	{ lazy, "lazy" },
	{ tail_is_zero, "tail_is_zero" },
	{ tail_counted, "tail_counted" },
	{ offsets_in_any_order, "offsets_in_any_order" },
	{ private_stays_private, "private_stays_private" },
	{ read_only_descriptor, "read_only_descriptor" },
	{ outlives_close, "outlives_close" },
	{ unmap_in_parts, "unmap_in_parts" },
	{ one_file_twice, "one_file_twice" },
	{ two_files_at_once, "two_files_at_once" },
	{ half_open, "half_open" },
	{ untouched_is_not_read, "untouched_is_not_read" },
	{ clean_is_not_written, "clean_is_not_written" },
	{ exit_writes_dirty_pages, "exit_writes_dirty_pages" },
	{ fork_copies_private, "fork_copies_private" },
	{ fork_shares_shared, "fork_shares_shared" },
	{ kernel_address, "kernel_address" },
	{ stack_guard, "stack_guard" },
	{ failed_sbrk, "failed_sbrk" },
	{ pipe_into_mapping, "pipe_into_mapping" },
	{ stores_before_sigkill, "stores_before_sigkill" },
	{ fresh_blocks_are_empty, "fresh_blocks_are_empty" },
	{ spawn_keeps_descriptors, "spawn_keeps_descriptors" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
