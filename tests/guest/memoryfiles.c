/*
 * The file system in memory, /dev/shm: what is different from the disk's. Names, mappings and transfers are those of names.c, mmap.c, files.c
 * and linker.c, which run there once more (see suite). Works in a fresh directory below /dev/shm, wherever it runs.
 */
#include "test.h"

#include <sys/statfs.h>

#define TMPFS_MAGIC 0x01021994
#define RW (PROT_READ | PROT_WRITE)

static long written, read_in;		/* blocks of file data that moved when the case began */

static void moved_blocks(long *in, long *out)
{
	*in = counter("quire_page_ins");
	*out = counter("quire_page_outs");
}

static int new_file(const char *name, size_t bytes)
{
	int file = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);

	CHECK(file >= 0);
	CHECK_EQUAL(ftruncate(file, (off_t)bytes), 0);
	return file;
}

static long blocks_of(int file)
{
	struct stat status;

	CHECK(fstat(file, &status) == 0);
	return status.st_blocks * 512 / (long)PAGE;
}

static struct statfs space_here(void)
{
	struct statfs now;

	CHECK(statfs(".", &now) == 0);
	return now;
}

static void another_device(void)
{
	struct statfs now = space_here();
	struct stat here, root;
	int file = make_file("file", 10000, 1);

	CHECK(now.f_type == TMPFS_MAGIC && now.f_bsize == PAGE && now.f_blocks && now.f_bfree <= now.f_blocks && now.f_ffree <= now.f_files);
	CHECK(fstatfs(file, &now) == 0 && now.f_type == TMPFS_MAGIC);
	CHECK(stat("/", &root) == 0 && stat("file", &here) == 0 && here.st_dev != root.st_dev);
	CHECK(here.st_size == 10000 && here.st_blksize && S_ISREG(here.st_mode) && here.st_nlink == 1);
	CHECK(stat(".", &here) == 0 && S_ISDIR(here.st_mode) && here.st_dev != root.st_dev);
	CHECK_ERROR(rename("file", "/file-of-another-device"), EXDEV);
	CHECK_ERROR(link("file", "/file-of-another-device"), EXDEV);
	CHECK_ERROR(mkdir("/dev/shm", 0777), EEXIST);
	CHECK(chdir("/dev/shm/..") == 0 && stat("shm/.", &here) == 0 && here.st_dev != root.st_dev);
	CHECK(chdir(test_directory) == 0);
	close(file);
}

/* Holes take no memory, however they are read; st_blocks counts what does. */
static void holes(void)
{
	int file = new_file("file", 100 * PAGE);
	unsigned char *memory = map_file(file, 100 * PAGE, RW, MAP_SHARED, 0), byte = 7;
	unsigned char *private = map_file(file, 100 * PAGE, RW, MAP_PRIVATE, 0);

	CHECK_EQUAL(blocks_of(file), 0);
	CHECK(pread(file, &byte, 1, 50 * PAGE) == 1 && byte == 0);
	CHECK_EQUAL(blocks_of(file), 0);
	CHECK(private[20 * PAGE] == 0);
	memory[3 * PAGE] = 1;
	CHECK_EQUAL(pwrite(file, "x", 1, 70 * PAGE + 5), 1);
	CHECK(memory[70 * PAGE + 5] == 'x' && private[70 * PAGE + 5] == 'x');
	private[21 * PAGE] = 9;
	CHECK(memory[21 * PAGE] == 0);
	CHECK_EQUAL(ftruncate(file, 10 * PAGE), 0);
	CHECK_EQUAL(blocks_of(file), 1);
	CHECK_EQUAL(ftruncate(file, 100 * PAGE), 0);
	CHECK(memory[70 * PAGE + 5] == 0 && memory[3 * PAGE] == 1);
	close(file);
}

/* Whoever has looked at a hole sees what somebody else writes there later. */
static void holes_are_filled_for_all(void)
{
	int file = new_file("file", 8 * PAGE);
	volatile unsigned char *memory = map_file(file, 8 * PAGE, RW, MAP_SHARED, 0);
	volatile unsigned char *other = map_file(file, 8 * PAGE, PROT_READ, MAP_SHARED, 0);
	int ready[2], done[2];
	char byte;

	CHECK(pipe(ready) == 0 && pipe(done) == 0);
	for (unsigned i = 0; i < 8; i++)
		CHECK(memory[i * PAGE] == 0 && other[i * PAGE] == 0);
	if (fork_child() == 0) {
		for (unsigned i = 0; i < 8; i++)
			CHECK(memory[i * PAGE] == 0);
		CHECK(write(ready[1], "r", 1) == 1 && read(done[0], &byte, 1) == 1);
		CHECK(memory[PAGE] == 1 && memory[2 * PAGE] == 'w' && other[2 * PAGE] == 'w' && memory[3 * PAGE] == 0);
		memory[4 * PAGE] = 4;
		_exit(0);
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	memory[PAGE] = 1;
	CHECK_EQUAL(pwrite(file, "w", 1, 2 * PAGE), 1);
	CHECK(other[PAGE] == 1 && memory[2 * PAGE] == 'w');
	CHECK_EQUAL(write(done[1], "d", 1), 1);
	wait_success(-1);
	CHECK(memory[4 * PAGE] == 4 && other[4 * PAGE] == 4);
	CHECK(pread(file, &byte, 1, 4 * PAGE) == 1 && byte == 4);
}

static void content_outlives_its_users(void)
{
	unsigned char *memory;
	int file = make_file("file", 5 * PAGE + 100, 3);

	close(file);
	if (on_quire())
		drop_caches();		/* these pages have no other home */
	if (fork_child() == 0) {
		file = open("file", O_RDWR);
		memory = map_file(file, 6 * PAGE, RW, MAP_SHARED, 0);
		for (size_t i = 0; i < 5 * PAGE + 100; i++)
			CHECK(memory[i] == pattern(3, i));
		memory[4 * PAGE] = 99;
		_exit(0);
	}
	wait_success(-1);
	file = open("file", O_RDONLY);
	memory = map_file(file, 6 * PAGE, PROT_READ, MAP_PRIVATE, 0);
	CHECK(memory[4 * PAGE] == 99 && memory[5 * PAGE + 99] == pattern(3, 5 * PAGE + 99) && memory[5 * PAGE + 100] == 0);
	CHECK_EQUAL(lseek(file, 0, SEEK_END), 5 * PAGE + 100);
	close(file);
}

/* Without a name a file lives as long as somebody has it open or mapped; then its pages are free. */
static void nameless(void)
{
	unsigned long free_before = space_here().f_bfree;
	int file = make_file("file", 64 * PAGE, 5);
	unsigned char *memory = map_file(file, 64 * PAGE, RW, MAP_SHARED, 0);
	char byte;

	CHECK_EQUAL(unlink("file"), 0);
	CHECK(pread(file, &byte, 1, 3 * PAGE) == 1 && (unsigned char)byte == pattern(5, 3 * PAGE));
	close(file);
	if (fork_child() == 0) {
		CHECK(memory[40 * PAGE] == pattern(5, 40 * PAGE));
		memory[41 * PAGE] = 41;
		_exit(0);
	}
	wait_success(-1);
	CHECK(memory[41 * PAGE] == 41 && memory[0] == pattern(5, 0));
	if (on_quire())
		CHECK_EQUAL(free_before - space_here().f_bfree, 64);
	CHECK_EQUAL(munmap(memory, 64 * PAGE), 0);
	if (on_quire())
		CHECK_EQUAL(space_here().f_bfree, free_before);
}

/* fsync and msync have nothing to do; nothing of it ever goes to the disk or comes from there. */
static void the_disk_rests(void)
{
	int file;
	unsigned char *memory;

	NEED_COUNTERS();
	sync();
	moved_blocks(&read_in, &written);
	file = make_file("file", 300 * PAGE, 8);
	memory = map_file(file, 300 * PAGE, RW, MAP_SHARED, 0);
	for (unsigned i = 0; i < 300; i++)
		memory[i * PAGE + 1] = 1;
	CHECK(msync(memory, 300 * PAGE, MS_SYNC) == 0 && fsync(file) == 0 && fdatasync(file) == 0);
	CHECK(munmap(memory, 300 * PAGE) == 0 && close(file) == 0);
	drop_caches();
	file = open("file", O_RDONLY);
	memory = map_file(file, 300 * PAGE, PROT_READ, MAP_SHARED, 0);
	for (unsigned i = 0; i < 300; i++)
		CHECK(memory[i * PAGE + 1] == 1 && memory[i * PAGE] == pattern(8, i * PAGE));
	close(file);
	CHECK_EQUAL(counter("quire_page_ins"), read_in);
	CHECK_EQUAL(counter("quire_page_outs"), written);
}

static void a_program_runs_from_it(void)
{
	int from = open("/bin/sh", O_RDONLY), to = open("program", O_WRONLY | O_CREAT | O_EXCL, 0755);
	char block[PAGE];
	ssize_t got;

	CHECK(from >= 0 && to >= 0);
	while ((got = read(from, block, sizeof(block))) > 0)
		CHECK_EQUAL(write(to, block, got), got);
	CHECK(close(to) == 0 && close(from) == 0);
	if (fork_child() == 0) {
		execl("./program", "sh", "-c", "exit 42", NULL);
		_exit(1);
	}
	CHECK_EQUAL(WEXITSTATUS(wait_status(-1)), 42);
	CHECK_EQUAL(unlink("program"), 0);
}

/* ---- the limits, which are small only on Quire */

static void space_ends(void)
{
	static char block[64 * PAGE];
	unsigned long blocks, free_before;
	unsigned char *memory;
	ssize_t put;
	int file, second;

	NEED_COUNTERS();
	blocks = space_here().f_blocks;
	free_before = space_here().f_bfree;
	file = new_file("file", 0);
	memset(block, 1, sizeof(block));
	while ((put = write(file, block, sizeof(block))) == sizeof(block))
		;
	if (put >= 0)
		CHECK_ERROR(write(file, block, sizeof(block)), ENOSPC);
	CHECK_EQUAL(errno, ENOSPC);
	CHECK_EQUAL(space_here().f_bfree, 0);
	CHECK_EQUAL(blocks_of(file), free_before);
	CHECK_EQUAL(pwrite(file, block, sizeof(block), 0), sizeof(block));	/* what is there can be written */
	CHECK_EQUAL(ftruncate(file, (off_t)(2 * blocks * PAGE)), 0);	/* and a hole costs nothing */
	memory = map_file(file, 2 * blocks * PAGE, RW, MAP_SHARED, 0);
	CHECK_EQUAL(READ_SIGNAL(memory + 2 * blocks * PAGE - 1), 0);
	CHECK_EQUAL(WRITE_SIGNAL(memory + 2 * blocks * PAGE - 1), SIGBUS);
	CHECK_EQUAL(WRITE_SIGNAL(memory), 0);
	second = new_file("second", PAGE);
	CHECK_ERROR(pwrite(second, "x", 1, 0), ENOSPC);
	CHECK(munmap(memory, 2 * blocks * PAGE) == 0 && close(file) == 0 && unlink("file") == 0);
	CHECK_EQUAL(pwrite(second, "x", 1, 0), 1);	/* at once */
	CHECK_EQUAL(space_here().f_bfree, free_before - 1);
	close(second);
}

/* More than there is memory for: the writer is told, and everything goes on. */
static void memory_ends_first(void)
{
	static char block[64 * PAGE];
	unsigned long total = (unsigned long)counter("quire_total_pages");
	struct statfs now;
	unsigned char *memory;
	ssize_t put;
	pid_t eater;
	int ready[2], file, error;
	char byte;

	NEED_COUNTERS();
	CHECK(pipe(ready) == 0);
	eater = fork_child();
	if (eater == 0) {	/* leaves less than files may take, and waits */
		memory = map_memory(total * PAGE, MAP_PRIVATE | MAP_NORESERVE);
		for (unsigned long i = 0; i < total * 6 / 10; i++)
			memory[i * PAGE] = 1;
		CHECK_EQUAL(write(ready[1], "r", 1), 1);
		pause();
		for (;;)
			sleep(1000);
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	file = new_file("file", 0);
	while ((put = write(file, block, sizeof(block))) == sizeof(block))
		;
	if (put >= 0)
		put = write(file, block, sizeof(block));
	error = errno;
	now = space_here();
	CHECK(kill(eater, SIGKILL) == 0 && WTERMSIG(wait_status(eater)) == SIGKILL);
	CHECK(put < 0 && error == ENOSPC && now.f_bfree > 0);
	CHECK_EQUAL(write(file, block, sizeof(block)), sizeof(block));
	close(file);
}

static void names_end(void)
{
	struct statfs before = space_here(), now;
	unsigned long made = 0, removed = 0;
	char name[40];

	NEED_COUNTERS();
	for (;; made++) {
		int file;

		snprintf(name, sizeof(name), "name %lu", made);
		file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
		if (file < 0)
			break;
		close(file);
	}
	CHECK_EQUAL(errno, ENOSPC);
	now = space_here();
	CHECK_EQUAL(now.f_ffree, 0);
	CHECK(made >= before.f_ffree);		/* what a case before has removed may have come free since */
	CHECK_ERROR(mkdir("directory", 0755), ENOSPC);
	CHECK_ERROR(symlink("to", "link"), ENOSPC);
	CHECK_EQUAL(link("name 0", "another name"), 0);
	for (; removed < made; removed++) {
		snprintf(name, sizeof(name), "name %lu", removed);
		CHECK_EQUAL(unlink(name), 0);
	}
	CHECK_EQUAL(unlink("another name"), 0);
	CHECK(space_here().f_ffree >= before.f_ffree);
}

static const struct test tests[] = {
	{ another_device, "another_device" },
	{ holes, "holes" },
	{ holes_are_filled_for_all, "holes_are_filled_for_all" },
	{ content_outlives_its_users, "content_outlives_its_users" },
	{ nameless, "nameless" },
	{ the_disk_rests, "the_disk_rests" },
	{ a_program_runs_from_it, "a_program_runs_from_it" },
	{ space_ends, "space_ends" },
	{ memory_ends_first, "memory_ends_first" },
	{ names_end, "names_end" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	if (access("/dev/shm", W_OK) < 0) {
		printf("skipped: there is no /dev/shm here\n");
		return 0;
	}
	setenv("TESTDIR", "/dev/shm", 1);
	return test_main(count, arguments, tests);
}
