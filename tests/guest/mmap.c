/*
 * Mappings beyond mmaptest: placement, MAP_FIXED, splitting by mprotect, wrong arguments, truncation under a mapping,
 * brk, madvise, many VMAs. What a mapping must not do (reach past its end, outlive its rights) is probed in children.
 */
#include "test.h"

#define READ_WRITE (PROT_READ | PROT_WRITE)

static void wrong_arguments(void)
{
	int file = make_file("file", PAGE, 1);
	char *memory = map_memory(2 * PAGE, MAP_PRIVATE);

	CHECK_ERROR(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 77, 0), EBADF);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 1), EINVAL);
	CHECK_ERROR(mmap(memory + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
	CHECK_ERROR(mmap(NULL, ~0UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK_ERROR(munmap(memory + 1, PAGE), EINVAL);
	CHECK_ERROR(munmap(memory, 0), EINVAL);
	CHECK_ERROR(munmap(memory, ~0UL - PAGE), EINVAL);
	CHECK_ERROR(mprotect(memory + 1, PAGE, PROT_READ), EINVAL);
	CHECK_ERROR(msync(memory + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERROR(msync(memory, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERROR(msync(memory, PAGE, 64), EINVAL);
	CHECK_EQUAL(msync(memory, ~0UL, MS_SYNC), 0);	/* rounded up it is nothing */
	CHECK_ERROR(msync(memory, -(size_t)PAGE, MS_SYNC), ENOMEM);
	CHECK(munmap(memory + PAGE, PAGE) == 0);
	CHECK_ERROR(mprotect(memory, 2 * PAGE, PROT_READ), ENOMEM);
	CHECK_ERROR(msync(memory, 2 * PAGE, MS_SYNC), ENOMEM);
	CHECK(munmap(memory + PAGE, PAGE) == 0);	/* nothing there: fine */
	munmap(memory, PAGE);
	close(file);
}

static void map_a_directory_or_pipe(void)
{
	int directory = open(".", O_RDONLY), ends[2];

	CHECK(directory >= 0 && pipe(ends) == 0);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0), ENODEV);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV);
	close(directory);
	close(ends[0]);
	close(ends[1]);
}

static void lengths_round_up(void)
{
	char *memory = map_memory(PAGE + 1, MAP_PRIVATE);

	memory[2 * PAGE - 1] = 1;
	CHECK(munmap(memory + PAGE, 1) == 0);
	CHECK_EQUAL(READ_SIGNAL(memory + 2 * PAGE - 1), SIGSEGV);
	memory[0] = 1;
	munmap(memory, 1);
}

static void hint_and_fixed(void)
{
	char *memory = map_memory(8 * PAGE, MAP_PRIVATE), *again;

	memset(memory, 'm', 8 * PAGE);
	again = mmap(memory + 2 * PAGE, 2 * PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(again != MAP_FAILED && (again >= memory + 8 * PAGE || again + 2 * PAGE <= memory));
	munmap(again, 2 * PAGE);
	again = mmap(memory + 2 * PAGE, 2 * PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(again == memory + 2 * PAGE);
	CHECK(all_bytes(memory, 2 * PAGE, 'm') && all_bytes(again, 2 * PAGE, 0) && all_bytes(memory + 4 * PAGE, 4 * PAGE, 'm'));
	CHECK(munmap(memory + 5 * PAGE, PAGE) == 0);
	again = mmap(memory + 5 * PAGE, PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(again == memory + 5 * PAGE);	/* a free hint is taken */
	CHECK_EQUAL(again[0], 0);
	munmap(memory, 8 * PAGE);
}

static void fixed_over_dirty_file(void)
{
	int file = make_file("file", 4 * PAGE, 2);
	unsigned char *memory = map_file(file, 4 * PAGE, READ_WRITE, MAP_SHARED, 0), byte;

	memory[PAGE] = 'd';
	CHECK(mmap(memory + PAGE, PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + PAGE);
	CHECK_EQUAL(memory[PAGE], 0);
	memory[PAGE] = 'a';
	CHECK(pread(file, &byte, 1, PAGE) == 1 && byte == 'd');
	munmap(memory, 4 * PAGE);
	close(file);
}

static void protect_splits(void)
{
	char *memory = map_memory(6 * PAGE, MAP_PRIVATE);

	memset(memory, 'p', 6 * PAGE);
	CHECK(mprotect(memory + 2 * PAGE, 2 * PAGE, PROT_READ) == 0);
	CHECK_EQUAL(WRITE_SIGNAL(memory + 2 * PAGE), SIGSEGV);
	CHECK_EQUAL(WRITE_SIGNAL(memory + 4 * PAGE - 1), SIGSEGV);
	CHECK_EQUAL(READ_SIGNAL(memory + 3 * PAGE), 0);
	CHECK_EQUAL(WRITE_SIGNAL(memory + 2 * PAGE - 1), 0);
	CHECK_EQUAL(WRITE_SIGNAL(memory + 4 * PAGE), 0);
	CHECK(mprotect(memory + 3 * PAGE, PAGE, PROT_NONE) == 0);
	CHECK_EQUAL(READ_SIGNAL(memory + 3 * PAGE), SIGSEGV);
	CHECK(mprotect(memory, 6 * PAGE, READ_WRITE) == 0);
	CHECK(all_bytes(memory, 6 * PAGE, 'p'));
	memset(memory, 'q', 6 * PAGE);
	munmap(memory, 6 * PAGE);
}

static void protect_none_first(void)
{
	char *memory = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	CHECK_EQUAL(READ_SIGNAL(memory), SIGSEGV);
	CHECK(mprotect(memory + PAGE, PAGE, READ_WRITE) == 0);
	memory[PAGE] = 1;
	CHECK_EQUAL(READ_SIGNAL(memory + 2 * PAGE), SIGSEGV);
	munmap(memory, 4 * PAGE);
}

/* Copy-on-write survives taking the right to write away and giving it back. */
static void protect_and_fork(void)
{
	char *memory = map_memory(PAGE, MAP_PRIVATE);
	pid_t pid;

	memory[0] = 'p';
	CHECK(mprotect(memory, PAGE, PROT_READ) == 0);
	pid = fork_child();
	if (pid == 0) {
		CHECK(mprotect(memory, PAGE, READ_WRITE) == 0);
		memory[0] = 'c';
		_exit(0);
	}
	wait_success(pid);
	CHECK_EQUAL(memory[0], 'p');
	CHECK(mprotect(memory, PAGE, READ_WRITE) == 0);
	memory[0] = 'q';
	munmap(memory, PAGE);
}

static void execute_rights(void)
{
	/* li a0, 42; ret */
	static const unsigned int code[] = { 0x02a00513, 0x00008067 };
	unsigned int *memory = map_memory(PAGE, MAP_PRIVATE);

	memcpy(memory, code, sizeof(code));
	CHECK_EQUAL(CALL_SIGNAL(memory), SIGSEGV);
	CHECK(mprotect(memory, PAGE, PROT_READ | PROT_EXEC) == 0);
	__builtin___clear_cache((char *)memory, (char *)memory + PAGE);
	CHECK_EQUAL(((int (*)(void))memory)(), 42);
	munmap(memory, PAGE);
}

static void past_the_end_of_file(void)
{
	int file = make_file("short", PAGE + 10, 3);
	unsigned char *memory = map_file(file, 4 * PAGE, READ_WRITE, MAP_SHARED, 0);
	unsigned char *own = map_file(file, 4 * PAGE, READ_WRITE, MAP_PRIVATE, 0);

	CHECK_EQUAL(READ_SIGNAL(memory + 2 * PAGE - 1), 0);
	CHECK_EQUAL(READ_SIGNAL(memory + 2 * PAGE), SIGBUS);
	CHECK_EQUAL(WRITE_SIGNAL(memory + 3 * PAGE), SIGBUS);
	CHECK_EQUAL(READ_SIGNAL(own + 2 * PAGE), SIGBUS);
	CHECK_EQUAL(WRITE_SIGNAL(own + 2 * PAGE), SIGBUS);
	munmap(memory, 4 * PAGE);
	munmap(own, 4 * PAGE);
	close(file);
}

static void truncate_under_the_mapping(void)
{
	int file = make_file("cut", 4 * PAGE, 4);
	unsigned char *memory = map_file(file, 4 * PAGE, READ_WRITE, MAP_SHARED, 0);
	unsigned char *own = map_file(file, 4 * PAGE, READ_WRITE, MAP_PRIVATE, 0);

	CHECK(holds(memory, 4 * PAGE, 4, 0));
	own[0] = own[3 * PAGE] = 'o';
	memory[3 * PAGE + 1] = 'm';
	CHECK(ftruncate(file, PAGE + 100) == 0);
	CHECK_EQUAL(READ_SIGNAL(memory + 2 * PAGE), SIGBUS);
	CHECK_EQUAL(READ_SIGNAL(own + 3 * PAGE), SIGBUS);	/* the private copy is gone, too */
	CHECK(holds(memory, PAGE + 100, 4, 0) && all_bytes(memory + PAGE + 100, PAGE - 100, 0));
	CHECK_EQUAL(own[0], 'o');
	CHECK(ftruncate(file, 4 * PAGE) == 0);
	CHECK(all_bytes(memory + PAGE + 100, 3 * PAGE - 100, 0));
	CHECK_EQUAL(own[3 * PAGE], 0);
	munmap(memory, 4 * PAGE);
	munmap(own, 4 * PAGE);
	close(file);
}

static void private_sees_the_file_until_written(void)
{
	int file = make_file("file", 2 * PAGE, 5);
	unsigned char *own = map_file(file, 2 * PAGE, READ_WRITE, MAP_PRIVATE, 0);

	CHECK(own[0] == pattern(5, 0) && own[PAGE] == pattern(5, PAGE));
	own[PAGE + 1] = 'o';
	CHECK(pwrite(file, "ab", 2, 0) == 2 && pwrite(file, "cd", 2, PAGE) == 2);
	CHECK(own[0] == 'a' && own[1] == 'b');
	CHECK(own[PAGE] == pattern(5, PAGE) && own[PAGE + 1] == 'o');
	munmap(own, 2 * PAGE);
	close(file);
}

static void anonymous_is_zero(void)
{
	for (int round = 0; round < 4; round++) {
		unsigned char *memory = map_memory(32 * PAGE, round % 2 ? MAP_SHARED : MAP_PRIVATE);

		CHECK(all_bytes(memory, 32 * PAGE, 0));
		memset(memory, 0xee, 32 * PAGE);
		munmap(memory, 32 * PAGE);
	}
}

static void read_before_write(void)
{
	unsigned char *memory = map_memory(2 * PAGE, MAP_PRIVATE), *other = map_memory(PAGE, MAP_PRIVATE);

	CHECK_EQUAL(memory[0] + memory[PAGE] + other[0], 0);	/* perhaps the same page of zeroes three times */
	memory[0] = 1;
	CHECK(memory[PAGE] == 0 && other[0] == 0);
	munmap(memory, 2 * PAGE);
	munmap(other, PAGE);
}

static void break_moves(void)
{
	char *start = sbrk(0), *grown;
	char *first = (char *)(((uintptr_t)start + PAGE - 1) & ~(PAGE - 1));

	CHECK(sbrk(64 * PAGE) == start);
	grown = sbrk(0);
	CHECK(grown == start + 64 * PAGE);
	CHECK(all_bytes(start, 64 * PAGE, 0));
	memset(start, 'b', 64 * PAGE);
	CHECK(brk(first + PAGE) == 0);
	CHECK_EQUAL(READ_SIGNAL(first), 0);
	CHECK(brk(first + 4 * PAGE) == 0);
	CHECK(all_bytes(first + PAGE, 3 * PAGE, 0));	/* what was given back comes anew */
	CHECK(first[PAGE - 1] == 'b');
	CHECK(brk(start) == 0);
}

static void break_shrinks(void)
{
	char *start = sbrk(0);
	char *first = (char *)(((uintptr_t)start + PAGE - 1) & ~(PAGE - 1));

	CHECK(brk(first + 4 * PAGE) == 0);
	memset(first, 'b', 4 * PAGE);
	CHECK(brk(first + PAGE) == 0);
	CHECK_EQUAL(READ_SIGNAL(first), 0);
	CHECK_EQUAL(READ_SIGNAL(first + PAGE), SIGSEGV);
	CHECK_EQUAL(READ_SIGNAL(first + 3 * PAGE), SIGSEGV);
	CHECK(brk(start) == 0);
}

static void advise(void)
{
	unsigned char *memory = map_memory(4 * PAGE, MAP_PRIVATE);

	memset(memory, 'a', 4 * PAGE);
	CHECK(madvise(memory + PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
	CHECK(all_bytes(memory, PAGE, 'a') && all_bytes(memory + PAGE, 2 * PAGE, 0) && all_bytes(memory + 3 * PAGE, PAGE, 'a'));
	CHECK(madvise(memory, 4 * PAGE, MADV_NORMAL) == 0);
	CHECK(madvise(memory, 4 * PAGE, MADV_WILLNEED) == 0);
	CHECK_ERROR(madvise(memory + 1, PAGE, MADV_NORMAL), EINVAL);
	munmap(memory, 4 * PAGE);
}

static void unknown_advice(void)
{
	char *memory = map_memory(PAGE, MAP_PRIVATE);

	CHECK_ERROR(madvise(memory, PAGE, 9999), EINVAL);
	munmap(memory, PAGE);
}

static void protect_nothing(void)
{
	char *memory = map_memory(PAGE, MAP_PRIVATE);

	CHECK(mprotect(memory, 0, PROT_READ) == 0);
	memory[0] = 1;
	munmap(memory, PAGE);
}

static void fixed_without_replacing(void)
{
	char *memory = map_memory(3 * PAGE, MAP_PRIVATE);

	memory[PAGE] = 'm';
	CHECK_ERROR(mmap(memory + PAGE, PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	CHECK_EQUAL(memory[PAGE], 'm');
	munmap(memory + PAGE, PAGE);
	CHECK(mmap(memory + PAGE, PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == memory + PAGE);
	munmap(memory, 3 * PAGE);
}

/* MAP_SHARED_VALIDATE: a flag that is not known is refused, where MAP_SHARED ignores it. */
static void validated_flags(void)
{
	int file = make_file("file", PAGE, 6);
	char *memory = map_file(file, PAGE, READ_WRITE, MAP_SHARED_VALIDATE | MAP_NORESERVE, 0);

	memory[0] = 'v';
	munmap(memory, PAGE);
	munmap(map_file(file, PAGE, READ_WRITE, MAP_SHARED_VALIDATE | 21 << 26, 0), PAGE);	/* MAP_HUGE_2MB, which means nothing without MAP_HUGETLB */
	CHECK_ERROR(mmap(NULL, PAGE, READ_WRITE, MAP_SHARED_VALIDATE | MAP_SYNC, file, 0), EOPNOTSUPP);
	munmap(map_file(file, PAGE, READ_WRITE, MAP_SHARED | MAP_SYNC, 0), PAGE);
	CHECK_ERROR(mmap(NULL, PAGE, READ_WRITE, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	close(file);
}

static void advise_file(void)
{
	int file = make_file("file", 2 * PAGE, 6);
	unsigned char *own = map_file(file, 2 * PAGE, READ_WRITE, MAP_PRIVATE, 0);
	unsigned char *memory = map_file(file, 2 * PAGE, READ_WRITE, MAP_SHARED, 0);

	own[0] = 'o';
	memory[1] = 's';
	CHECK(madvise(memory, 2 * PAGE, MADV_DONTNEED) == 0);
	CHECK(memory[1] == 's' && memory[2] == pattern(6, 2));	/* nothing shared is lost */
	CHECK(madvise(own, 2 * PAGE, MADV_DONTNEED) == 0);
	CHECK(own[0] == pattern(6, 0) && own[1] == 's');		/* back to the file */
	munmap(own, 2 * PAGE);
	munmap(memory, 2 * PAGE);
	close(file);
}

/* Every second page with other rights: as many VMAs as pages, then one again. */
static void many_areas(void)
{
	enum { PAGES = 400 };
	unsigned char *memory = map_memory(PAGES * PAGE, MAP_PRIVATE);

	for (size_t page = 0; page < PAGES; page++)
		memory[page * PAGE] = (unsigned char)page;
	for (size_t page = 0; page < PAGES; page += 2)
		CHECK(mprotect(memory + page * PAGE, PAGE, PROT_READ) == 0);
	CHECK_EQUAL(WRITE_SIGNAL(memory + 200 * PAGE), SIGSEGV);
	CHECK_EQUAL(WRITE_SIGNAL(memory + 201 * PAGE), 0);
	for (size_t page = 1; page < PAGES; page += 4)
		CHECK(munmap(memory + page * PAGE, PAGE) == 0);
	for (size_t page = 0; page < PAGES; page++)
		if (page % 4 != 1)
			CHECK_EQUAL(memory[page * PAGE], page & 255);
	CHECK_EQUAL(READ_SIGNAL(memory + 5 * PAGE), SIGSEGV);
	CHECK(munmap(memory, PAGES * PAGE) == 0);
}

static void shared_memory_between_relatives(void)
{
	unsigned int *memory = map_memory(4 * PAGE, MAP_SHARED);
	pid_t pids[4];

	for (unsigned int i = 0; i < 4; i++) {
		pids[i] = fork_child();
		if (pids[i] == 0) {
			pid_t grandchild = fork_child();

			if (grandchild == 0) {
				memory[i * 1024] = 100 + i;
				_exit(0);
			}
			wait_success(grandchild);
			memory[i * 1024 + 1] = memory[i * 1024] + 1;
			_exit(0);
		}
	}
	for (unsigned int i = 0; i < 4; i++)
		wait_success(pids[i]);
	for (unsigned int i = 0; i < 4; i++)
		CHECK(memory[i * 1024] == 100 + i && memory[i * 1024 + 1] == 101 + i);
	munmap(memory, 4 * PAGE);
}

static void unlinked_but_mapped(void)
{
	int file = make_file("gone", 4 * PAGE, 7);
	unsigned char *memory = map_file(file, 4 * PAGE, READ_WRITE, MAP_SHARED, 0);

	CHECK(unlink("gone") == 0 && close(file) == 0);
	CHECK_ERROR(open("gone", O_RDONLY), ENOENT);
	memory[PAGE] = 'u';
	CHECK(msync(memory, 4 * PAGE, MS_SYNC) == 0);
	CHECK(memory[PAGE] == 'u' && holds(memory + 2 * PAGE, 2 * PAGE, 7, 2 * PAGE));
	munmap(memory, 4 * PAGE);
}

static void sparse_through_memory(void)
{
	int file = open("sparse", O_RDWR | O_CREAT, 0644);
	struct stat status;
	unsigned char *memory;

	CHECK(file >= 0 && ftruncate(file, 64 * PAGE) == 0);
	memory = map_file(file, 64 * PAGE, READ_WRITE, MAP_SHARED, 0);
	CHECK_EQUAL(memory[10 * PAGE], 0);
	memory[40 * PAGE] = 's';
	CHECK(msync(memory, 64 * PAGE, MS_SYNC) == 0);
	munmap(memory, 64 * PAGE);
	CHECK(fstat(file, &status) == 0 && status.st_size == 64 * (off_t)PAGE);
	CHECK(status.st_blocks >= 8 && status.st_blocks <= 32);	/* the page, and perhaps indirect blocks */
	close(file);
}

static void read_into_what_is_mapped(void)
{
	int file = make_file("self", 2 * PAGE, 8);
	unsigned char *memory = map_file(file, 2 * PAGE, READ_WRITE, MAP_SHARED, 0);

	/* The file is read into its own pages, not yet present, and written from them. */
	CHECK_EQUAL(pread(file, memory + PAGE, PAGE, 0), PAGE);
	CHECK(holds(memory + PAGE, PAGE, 8, 0));
	memory[0] = 'w';
	CHECK_EQUAL(pwrite(file, memory, PAGE, PAGE), PAGE);
	CHECK_EQUAL(memory[PAGE], 'w');
	munmap(memory, 2 * PAGE);
	close(file);
}

static void buffers_without_rights(void)
{
	int file = make_file("file", PAGE, 9);
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(none != MAP_FAILED && constant != MAP_FAILED);
	CHECK_ERROR(pread(file, constant, 10, 0), EFAULT);
	CHECK_ERROR(pread(file, none, 10, 0), EFAULT);
	CHECK_ERROR(pwrite(file, none, 10, 0), EFAULT);
	CHECK_EQUAL(pwrite(file, constant, 10, 0), 10);
	munmap(none, PAGE);
	munmap(constant, PAGE);
	close(file);
}

/* /dev/zero gives anonymous memory; other devices none. */
static void zero_device(void)
{
	int zero = open("/dev/zero", O_RDWR), reader = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_RDWR);
	char *private, *shared, *other;
	pid_t pid;

	CHECK(zero >= 0 && reader >= 0 && null >= 0);
	private = map_file(reader, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, PAGE);
	shared = map_file(zero, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	other = map_file(zero, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	CHECK(all_bytes(private, 3 * PAGE, 0) && all_bytes(shared, 3 * PAGE, 0));
	pid = fork_child();
	if (pid == 0) {
		private[PAGE] = shared[PAGE] = 'c';
		_exit(0);
	}
	wait_success(pid);
	CHECK(private[PAGE] == 0 && shared[PAGE] == 'c' && other[PAGE] == 0);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0), EACCES);
	CHECK_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, null, 0), ENODEV);
	CHECK(munmap(private, 3 * PAGE) == 0 && munmap(shared, 3 * PAGE) == 0 && munmap(other, 3 * PAGE) == 0);
	close(zero);
	close(reader);
	close(null);
}

static void past_what_files_can_have(void)
{
	int file = make_file("file", PAGE, 1);

	CHECK_ERROR(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, file, 0x7ffffffffffff000), EOVERFLOW);
	CHECK_ERROR(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, file, 0x7ffffffffffff000), EOVERFLOW);
	close(file);
}

static const struct test tests[] = {
	{ zero_device, "zero_device" },
	{ past_what_files_can_have, "past_what_files_can_have" },
	{ wrong_arguments, "wrong_arguments" },
	{ map_a_directory_or_pipe, "map_a_directory_or_pipe" },
	{ lengths_round_up, "lengths_round_up" },
	{ hint_and_fixed, "hint_and_fixed" },
	{ fixed_over_dirty_file, "fixed_over_dirty_file" },
	{ protect_splits, "protect_splits" },
	{ protect_none_first, "protect_none_first" },
	{ protect_and_fork, "protect_and_fork" },
	{ execute_rights, "execute_rights" },
	{ past_the_end_of_file, "past_the_end_of_file" },
	{ truncate_under_the_mapping, "truncate_under_the_mapping" },
	{ private_sees_the_file_until_written, "private_sees_the_file_until_written" },
	{ anonymous_is_zero, "anonymous_is_zero" },
	{ read_before_write, "read_before_write" },
	{ break_moves, "break_moves" },
	{ break_shrinks, "break_shrinks" },
	{ protect_nothing, "protect_nothing" },
	{ fixed_without_replacing, "fixed_without_replacing" },
	{ unknown_advice, "unknown_advice" },
	{ advise, "advise" },
	{ validated_flags, "validated_flags" },
	{ advise_file, "advise_file" },
	{ many_areas, "many_areas" },
	{ shared_memory_between_relatives, "shared_memory_between_relatives" },
	{ unlinked_but_mapped, "unlinked_but_mapped" },
	{ sparse_through_memory, "sparse_through_memory" },
	{ read_into_what_is_mapped, "read_into_what_is_mapped" },
	{ buffers_without_rights, "buffers_without_rights" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
