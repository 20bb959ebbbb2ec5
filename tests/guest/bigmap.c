/*
 * Sizes: bigmap [-v] [case...] [MEGABYTES]. A mapping of a 128 GiB sparse file costs nothing until it is touched, a
 * terabyte does not fit into Sv39's user half, and a file of MEGABYTES (default 4; more than RAM is the point of it)
 * can be written, mapped and read although not all of it fits into memory.
 */
#include "test.h"

#include <ctype.h>
#include <limits.h>
#include <time.h>

static long megabytes = 4;

/* The least time that mapping and unmapping so many bytes of a file took. */
static long map_nanoseconds(int file, size_t bytes)
{
	long least = LONG_MAX;

	for (unsigned i = 0; i < 50; i++) {
		struct timespec start, end;
		long spent;

		clock_gettime(CLOCK_MONOTONIC, &start);
		CHECK(munmap(map_file(file, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, 0), bytes) == 0);
		clock_gettime(CLOCK_MONOTONIC, &end);
		spent = (end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec - start.tv_nsec;
		least = spent < least ? spent : least;
	}
	return least;
}

static void sparse_128_gib(void)
{
	size_t bytes = (size_t)128 << 30;
	int file = open("huge", O_RDWR | O_CREAT, 0644);
	unsigned char *memory;

	CHECK(file >= 0 && ftruncate(file, (off_t)bytes) == 0);
	CHECK(map_nanoseconds(file, bytes) < 20 * map_nanoseconds(file, 4096));	/* 32 million times the size */
	memory = map_file(file, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	memory[0] = 'a';
	memory[bytes / 2 + 1] = 'm';
	memory[bytes - 1] = 'z';
	CHECK_EQUAL(memory[bytes / 4], 0);
	CHECK(munmap(memory, bytes) == 0);
	for (size_t i = 0; i < 3; i++) {
		static const char wanted[] = "amz";
		size_t offset = i == 0 ? 0 : i == 1 ? bytes / 2 + 1 : bytes - 1;
		char byte;

		CHECK(pread(file, &byte, 1, (off_t)offset) == 1 && byte == wanted[i]);
	}
	close(file);
}

static void terabyte_is_too_much(void)
{
	int file = open("terabyte", O_RDWR | O_CREAT, 0644);

	CHECK(file >= 0 && ftruncate(file, (off_t)1 << 40) == 0);
	CHECK_ERROR(mmap(NULL, (size_t)1 << 40, PROT_READ, MAP_SHARED, file, 0), ENOMEM);
	CHECK_ERROR(mmap(NULL, (size_t)1 << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), ENOMEM);
	close(file);
}

static void reserve_much(void)
{
	size_t bytes = (size_t)64 << 30;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pid_t pid;

	CHECK(memory != MAP_FAILED);
	memory[bytes / 3] = 1;
	pid = fork_child();
	if (pid == 0)
		_exit(memory[bytes / 3] != 1);
	wait_success(pid);
	CHECK(munmap(memory, bytes) == 0);
}

#define BLOCK (64 * 1024UL)

static void large_file(void)
{
	size_t bytes = (size_t)megabytes << 20;
	static unsigned char block[BLOCK];
	int file = open("large", O_RDWR | O_CREAT, 0644);
	unsigned char *memory;

	CHECK(file >= 0);
	for (size_t done = 0; done < bytes; done += BLOCK) {
		memset(block, (int)(done / BLOCK % 251), BLOCK);
		memcpy(block, &done, sizeof(done));
		CHECK_EQUAL(write(file, block, BLOCK), BLOCK);
	}
	CHECK(fsync(file) == 0);
	memory = map_file(file, bytes, PROT_READ, MAP_SHARED, 0);
	for (size_t done = 0; done < bytes; done += BLOCK) {
		CHECK(!memcmp(memory + done, &done, sizeof(done)));
		for (size_t page = PAGE; page < BLOCK; page += PAGE)
			CHECK_EQUAL(memory[done + page], done / BLOCK % 251);
	}
	munmap(memory, bytes);
	for (size_t done = 0; done < bytes; done += BLOCK) {
		CHECK_EQUAL(pread(file, block, BLOCK, (off_t)done), BLOCK);
		CHECK(!memcmp(block, &done, sizeof(done)));
		CHECK(all_bytes(block + sizeof(done), BLOCK - sizeof(done), (unsigned char)(done / BLOCK % 251)));
	}
	close(file);
}

static const struct test tests[] = {
	{ sparse_128_gib, "sparse_128_gib" },
	{ terabyte_is_too_much, "terabyte_is_too_much" },
	{ reserve_much, "reserve_much" },
	{ large_file, "large_file" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	if (count > 1 && isdigit((unsigned char)arguments[count - 1][0])) {
		megabytes = atol(arguments[--count]);
		arguments[count] = NULL;
	}
	return test_main(count, arguments, tests);
}
