/*
 * Bytes of files: read, write, offsets, append, truncation, sparse files up to triple-indirect blocks, vectors, times,
 * descriptors and what they share. Names and directories are in names.c, pipes in pipes.c, wrong pointers in badcalls.c.
 */
#include "test.h"

#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>

static int open_new(const char *name)
{
	int file = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);

	CHECK(file >= 0);
	return file;
}

static off_t size_of(int file)
{
	struct stat status;

	CHECK(fstat(file, &status) == 0);
	return status.st_size;
}

static void read_write_seek(void)
{
	int file = open_new("file");
	char have[16];

	CHECK_EQUAL(write(file, "0123456789", 10), 10);
	CHECK_EQUAL(read(file, have, 5), 0);
	CHECK_EQUAL(lseek(file, 3, SEEK_SET), 3);
	CHECK_EQUAL(read(file, have, 4), 4);
	CHECK(!memcmp(have, "3456", 4));
	CHECK_EQUAL(lseek(file, 1, SEEK_CUR), 8);
	CHECK_EQUAL(read(file, have, 16), 2);
	CHECK_EQUAL(lseek(file, -4, SEEK_END), 6);
	CHECK_EQUAL(write(file, "ab", 2), 2);
	CHECK_EQUAL(pread(file, have, 16, 5), 5);
	CHECK(!memcmp(have, "5ab89", 5));
	CHECK_EQUAL(pwrite(file, "Z", 1, 0), 1);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 8);	/* pread and pwrite leave it alone */
	CHECK_EQUAL(read(file, have, 0), 0);
	CHECK_EQUAL(write(file, have, 0), 0);
	CHECK_EQUAL(size_of(file), 10);
	CHECK_ERROR(lseek(file, -1, SEEK_SET), EINVAL);
	CHECK_ERROR(lseek(file, 0, 9), EINVAL);
	CHECK_ERROR(lseek(file, INT64_MAX, SEEK_CUR), EINVAL);
	CHECK_ERROR(lseek(file, INT64_MAX, SEEK_END), EINVAL);
	CHECK_ERROR(pread(file, have, 1, -1), EINVAL);
	CHECK_ERROR(pwrite(file, have, 1, -1), EINVAL);
	CHECK_ERROR(pread(file, have, 1, INT64_MAX), EINVAL);
	CHECK_ERROR(pwrite(file, have, 1, INT64_MAX), EINVAL);
	CHECK_EQUAL(pread(file, have, 0, INT64_MAX), 0);
	CHECK_EQUAL(lseek(file, 1000, SEEK_SET), 1000);
	CHECK_EQUAL(read(file, have, 1), 0);
	close(file);
}

static void rights_of_descriptors(void)
{
	int file = make_file("file", 10, 1), directory;
	char byte;

	close(file);
	file = open("file", O_RDONLY);
	CHECK_ERROR(write(file, "x", 1), EBADF);
	CHECK_ERROR(pwrite(file, "x", 1, 0), EBADF);
	CHECK_ERROR(ftruncate(file, 0), EINVAL);
	close(file);
	file = open("file", O_WRONLY);
	CHECK_ERROR(read(file, &byte, 1), EBADF);
	CHECK_ERROR(pread(file, &byte, 1, 0), EBADF);
	close(file);
	CHECK_ERROR(read(file, &byte, 1), EBADF);
	CHECK_ERROR(write(file, &byte, 1), EBADF);
	CHECK_ERROR(close(file), EBADF);
	CHECK_ERROR(lseek(file, 0, SEEK_SET), EBADF);
	CHECK_ERROR(fsync(file), EBADF);
	CHECK_ERROR(ftruncate(file, 0), EBADF);
	CHECK_ERROR(close(-1), EBADF);
	CHECK_ERROR(close(1 << 30), EBADF);
	directory = open(".", O_RDONLY);
	CHECK(directory >= 0);
	CHECK_ERROR(read(directory, &byte, 1), EISDIR);
	CHECK_ERROR(open(".", O_WRONLY), EISDIR);
	CHECK_ERROR(open(".", O_RDWR), EISDIR);
	CHECK_ERROR(ftruncate(directory, 0), EINVAL);
	close(directory);
}

static void large_transfers(void)
{
	enum { BYTES = 300000 };
	static unsigned char have[BYTES];
	int file = open_new("file");

	fill(have, BYTES, 2, 0);
	CHECK_EQUAL(write(file, have + 1000, BYTES - 1000), BYTES - 1000);
	CHECK_EQUAL(pwrite(file, have, BYTES, 0), BYTES);
	memset(have, 0, BYTES);
	CHECK_EQUAL(pread(file, have + 1, BYTES - 1, 1), BYTES - 1);
	CHECK(holds(have + 1, BYTES - 1, 2, 1));
	CHECK_EQUAL(pread(file, have, BYTES, BYTES - 12345), 12345);
	CHECK(holds(have, 12345, 2, BYTES - 12345));
	close(file);
}

static void append(void)
{
	int one = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644), two = open("log", O_RDWR | O_APPEND);

	CHECK(one >= 0 && two >= 0);
	CHECK_EQUAL(write(one, "one ", 4), 4);
	CHECK_EQUAL(write(two, "two ", 4), 4);
	CHECK_EQUAL(lseek(one, 0, SEEK_SET), 0);
	CHECK_EQUAL(write(one, "three ", 6), 6);
	CHECK_EQUAL(lseek(one, 0, SEEK_CUR), 14);
	CHECK(file_is("log", "one two three "));
	CHECK(fcntl(one, F_GETFL) & O_APPEND);
	CHECK(fcntl(one, F_SETFL, 0) == 0);
	CHECK_EQUAL(lseek(one, 0, SEEK_SET), 0);
	CHECK_EQUAL(write(one, "ONE", 3), 3);
	CHECK(file_is("log", "ONE two three "));
	CHECK(fcntl(one, F_SETFL, O_APPEND) == 0);
	CHECK_EQUAL(write(one, "four", 4), 4);
	CHECK(file_is("log", "ONE two three four"));
	close(one);
	close(two);
}

/* Each process appends lines of its own; no line may be torn or lost. */
static void append_together(void)
{
	enum { WRITERS = 4, LINES = 25 };
	int file = open("log", O_RDWR | O_CREAT | O_APPEND, 0644), seen[WRITERS] = { 0 };
	pid_t pids[WRITERS];
	char line[8];

	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork_child();
		if (pids[i] == 0) {
			for (int j = 0; j < LINES; j++) {
				snprintf(line, sizeof(line), "%d:%04d\n", i, j);
				CHECK_EQUAL(write(file, line, 7), 7);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < WRITERS; i++)
		wait_success(pids[i]);
	CHECK_EQUAL(size_of(file), 7 * WRITERS * LINES);
	for (int i = 0; i < WRITERS * LINES; i++) {
		int writer, number;

		CHECK_EQUAL(pread(file, line, 7, i * 7), 7);
		line[7] = 0;
		CHECK_EQUAL(sscanf(line, "%d:%d", &writer, &number), 2);
		CHECK(writer >= 0 && writer < WRITERS && number == seen[writer]++);
	}
	close(file);
}

static void truncation(void)
{
	int file = make_file("file", 3 * PAGE, 3);
	unsigned char have[4 * PAGE];

	CHECK(ftruncate(file, PAGE + 50) == 0);
	CHECK_EQUAL(size_of(file), PAGE + 50);
	CHECK(ftruncate(file, 3 * PAGE) == 0);
	CHECK_EQUAL(pread(file, have, sizeof(have), 0), 3 * PAGE);
	CHECK(holds(have, PAGE + 50, 3, 0) && all_bytes(have + PAGE + 50, 2 * PAGE - 50, 0));
	CHECK(truncate("file", 5) == 0);
	CHECK_EQUAL(size_of(file), 5);
	CHECK_EQUAL(pwrite(file, "x", 1, 100), 1);
	CHECK_EQUAL(pread(file, have, sizeof(have), 0), 101);
	CHECK(holds(have, 5, 3, 0) && all_bytes(have + 5, 95, 0) && have[100] == 'x');
	CHECK_ERROR(ftruncate(file, -1), EINVAL);
	CHECK_ERROR(truncate("file", -1), EINVAL);
	CHECK_ERROR(truncate("missing", 0), ENOENT);
	CHECK_ERROR(truncate(".", 0), EISDIR);
	CHECK_ERROR(ftruncate(file, (off_t)1 << 62), EFBIG);
	CHECK_ERROR(pwrite(file, "x", 1, (off_t)1 << 62), EFBIG);
	CHECK_EQUAL(size_of(file), 101);
	close(file);
	file = open("file", O_RDONLY | O_TRUNC);
	CHECK(file >= 0 && size_of(file) == 0);
	close(file);
}

/* Direct, indirect, double and triple indirect blocks, and the borders between them for blocks of 4 KiB. */
static void sparse_offsets(void)
{
	static const off_t offsets[] = {
		11 * 4096 + 4090, 12 * 4096 + 100, 12 * 4096 + 1024 * 4096L - 3, 12 * 4096 + 1024 * 4096L + 15, 100L << 20, (1L << 32) + 5,
		(1L << 32) + (4L << 20) + 12 * 4096 - 5, (1L << 32) + (4L << 20) + 12 * 4096 + 7, (6L << 30) + 12345, (900L << 30) + 1,
	};
	enum { COUNT = sizeof(offsets) / sizeof(*offsets) };
	int file = open_new("sparse");
	struct stat status;
	char have[16];

	for (int i = 0; i < COUNT; i++)
		CHECK_EQUAL(pwrite(file, "sparse-file!", 12, offsets[i]), 12);
	CHECK_EQUAL(size_of(file), offsets[COUNT - 1] + 12);
	CHECK(fsync(file) == 0);
	if (on_quire())
		drop_caches();
	for (int i = 0; i < COUNT; i++) {
		CHECK_EQUAL(pread(file, have, 12, offsets[i]), 12);
		CHECK(!memcmp(have, "sparse-file!", 12));
	}
	CHECK_EQUAL(pread(file, have, 8, (1L << 31) - 4), 8);
	CHECK(all_bytes(have, 8, 0));
	CHECK(fstat(file, &status) == 0 && status.st_blocks < 8 * 60);
	CHECK(ftruncate(file, (1L << 32) + 9) == 0);
	CHECK_EQUAL(pread(file, have, 12, (1L << 32) + 5), 4);
	CHECK(ftruncate(file, 50) == 0 && fsync(file) == 0);
	CHECK(fstat(file, &status) == 0 && status.st_blocks == 0);
	close(file);
}

/* Many blocks in each tree, so that allocation and freeing walk it; every block must come back. */
static void blocks_come_back(void)
{
	struct stat status;
	int file = open_new("file");

	for (int round = 0; round < 3; round++) {
		for (off_t offset = 0; offset < 200; offset++)
			CHECK_EQUAL(pwrite(file, &offset, sizeof(offset), offset * 37 * 4096), sizeof(offset));
		for (off_t offset = 0, have; offset < 200; offset++)
			CHECK(pread(file, &have, sizeof(have), offset * 37 * 4096) == sizeof(have) && have == offset);
		CHECK(ftruncate(file, round == 1 ? 5000 : 0) == 0 && fsync(file) == 0);
		CHECK(fstat(file, &status) == 0 && status.st_blocks <= 8);
	}
	close(file);
}

static void no_old_bytes(void)
{
	unsigned char have[PAGE];
	int file = make_file("secret", 40 * PAGE, 4);

	CHECK(fsync(file) == 0 && close(file) == 0 && unlink("secret") == 0);
	file = open_new("fresh");
	for (off_t block = 0; block < 40; block++)
		CHECK_EQUAL(pwrite(file, "f", 1, block * (off_t)PAGE + 2000), 1);
	CHECK(fsync(file) == 0);
	if (on_quire())
		drop_caches();
	for (off_t block = 0; block < 40; block++) {
		ssize_t got = pread(file, have, PAGE, block * (off_t)PAGE);

		CHECK_EQUAL(got, block == 39 ? 2001 : PAGE);
		CHECK(all_bytes(have, 2000, 0) && have[2000] == 'f' && all_bytes(have + 2001, (size_t)got - 2001, 0));
	}
	close(file);
}

static void vectors(void)
{
	char one[4], two[10], big[3];
	struct iovec out[] = { { "abc", 3 }, { "", 0 }, { "defghij", 7 } };
	struct iovec in[] = { { one, 4 }, { two, 2 }, { big, 3 } };
	struct iovec huge[] = { { one, 1 }, { two, (size_t)-1 } };
	volatile int negative = -1, many = 2000;	/* volatile: the compiler refuses such nonsense */
	int file = open_new("file");

	CHECK_EQUAL(writev(file, out, 3), 10);
	CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQUAL(readv(file, in, 3), 9);
	CHECK(!memcmp(one, "abcd", 4) && !memcmp(two, "ef", 2) && !memcmp(big, "ghi", 3));
	CHECK_EQUAL(readv(file, in, 3), 1);
	CHECK_EQUAL(one[0], 'j');
	CHECK_EQUAL(readv(file, in, 0), 0);
	CHECK_ERROR(readv(file, in, negative), EINVAL);
	CHECK_ERROR(writev(file, out, many), EINVAL);
	CHECK_ERROR(writev(file, huge, 2), EINVAL);
	CHECK_ERROR(writev(-1, out, 3), EBADF);
	CHECK_EQUAL(size_of(file), 10);
	close(file);
}

static void duplicates_share_the_offset(void)
{
	int file = make_file("file", 100, 5), copy = dup(file), other = open("file", O_RDONLY);
	unsigned char have[10];

	CHECK(copy >= 0 && other >= 0);
	CHECK_EQUAL(lseek(file, 20, SEEK_SET), 20);
	CHECK_EQUAL(read(copy, have, 10), 10);
	CHECK(holds(have, 10, 5, 20));
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 30);
	CHECK_EQUAL(lseek(other, 0, SEEK_CUR), 0);
	CHECK(close(file) == 0);
	CHECK_EQUAL(read(copy, have, 10), 10);
	CHECK(holds(have, 10, 5, 30));
	CHECK_EQUAL(dup2(copy, 40), 40);
	CHECK_EQUAL(lseek(40, 0, SEEK_CUR), 40);
	CHECK_EQUAL(dup2(other, 40), 40);	/* closes what was there */
	CHECK_EQUAL(lseek(40, 0, SEEK_CUR), 0);
	CHECK_EQUAL(dup2(40, 40), 40);
	CHECK_ERROR(dup2(39, 40), EBADF);
	CHECK_ERROR(dup3(copy, copy, 0), EINVAL);
	CHECK_ERROR(dup3(copy, 41, 12345), EINVAL);
	CHECK_ERROR(dup(-5), EBADF);
	CHECK_ERROR(dup2(copy, -1), EBADF);
	close(40);
	close(copy);
	close(other);
}

static void fork_shares_the_offset(void)
{
	int file = make_file("file", 100, 6);
	unsigned char have[10];
	pid_t pid;

	CHECK_EQUAL(lseek(file, 10, SEEK_SET), 10);
	pid = fork_child();
	if (pid == 0) {
		CHECK_EQUAL(read(file, have, 10), 10);
		CHECK(holds(have, 10, 6, 10));
		CHECK(close(file) == 0);
		_exit(0);
	}
	wait_success(pid);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 20);
	CHECK_EQUAL(read(file, have, 10), 10);
	CHECK(holds(have, 10, 6, 20));
	close(file);
}

static void descriptor_flags(void)
{
	int file = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0644), lowest, copy;

	CHECK(file >= 0);
	CHECK_EQUAL(fcntl(file, F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(file, F_SETFD, 0) == 0 && fcntl(file, F_GETFD) == 0);
	CHECK_EQUAL(fcntl(file, F_GETFL) & O_ACCMODE, O_RDWR);
	copy = fcntl(file, F_DUPFD, 30);
	CHECK_EQUAL(copy, 30);
	CHECK_EQUAL(fcntl(file, F_DUPFD_CLOEXEC, 30), 31);
	CHECK_EQUAL(fcntl(31, F_GETFD), FD_CLOEXEC);
	CHECK_ERROR(fcntl(file, F_DUPFD, -1), EINVAL);
	CHECK_ERROR(fcntl(file, 9999, 0), EINVAL);
	CHECK_ERROR(fcntl(-1, F_GETFD), EBADF);
	CHECK_EQUAL(dup3(file, 32, O_CLOEXEC), 32);
	CHECK_EQUAL(fcntl(32, F_GETFD), FD_CLOEXEC);
	close(30);
	close(31);
	close(32);
	lowest = dup(file);
	close(file);
	CHECK_EQUAL(open("file", O_RDONLY), file);	/* always the lowest that is free */
	close(file);
	close(lowest);
}

static void too_many_files(void)
{
	struct rlimit limit;
	pid_t pid;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_cur > 4096)
		SKIP("the limit of descriptors is high here");
	close(open_new("file"));
	pid = fork_child();
	if (pid == 0) {
		unsigned long count = 0;

		while (open("file", O_RDONLY) >= 0)
			CHECK(++count <= limit.rlim_cur);
		CHECK_EQUAL(errno, EMFILE);
		CHECK_ERROR(dup(0), EMFILE);
		CHECK_ERROR(fcntl(0, F_DUPFD, (int)limit.rlim_cur), EINVAL);
		close(20);
		CHECK_EQUAL(dup(0), 20);
		_exit(0);
	}
	wait_success(pid);
}

static void open_flags(void)
{
	int file = make_file("file", 100, 7);

	close(file);
	CHECK_ERROR(open("file", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_ERROR(open("missing", O_RDWR), ENOENT);
	CHECK_ERROR(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
	file = open("file", O_RDWR | O_TRUNC);
	CHECK(file >= 0 && size_of(file) == 0);
	close(file);
	file = open("new", O_CREAT | O_RDONLY, 0444);	/* the mode is for those who come later */
	CHECK(file >= 0);
	close(file);
	file = open("new2", O_CREAT | O_RDWR, 0);
	CHECK(file >= 0 && write(file, "x", 1) == 1);
	close(file);
	file = open(".", O_RDONLY | O_DIRECTORY);
	CHECK(file >= 0);
	CHECK_ERROR(openat(file, "missing", O_RDONLY), ENOENT);
	CHECK_ERROR(openat(-7, "file", O_RDONLY), EBADF);
	close(openat(file, "file", O_RDONLY));
	close(file);
	file = open("file", O_RDONLY);
	CHECK_ERROR(openat(file, "file", O_RDONLY), ENOTDIR);
	close(file);
}

static void neither_read_nor_write(void)
{
	int file = make_file("file", 100, 7);
	char byte;

	close(file);
	file = open("file", O_ACCMODE);
	CHECK(file >= 0 && size_of(file) == 100);
	CHECK_EQUAL(fcntl(file, F_GETFL) & O_ACCMODE, O_ACCMODE);
	CHECK_ERROR(read(file, &byte, 1), EBADF);
	CHECK_ERROR(write(file, "x", 1), EBADF);
	CHECK_ERROR(ftruncate(file, 0), EINVAL);
	close(file);
	CHECK_ERROR(open(".", O_ACCMODE), EISDIR);
	file = open("file", O_ACCMODE | O_TRUNC);
	CHECK(file >= 0 && size_of(file) == 0);
	close(file);
}

static void rare_requests(void)
{
	int file = make_file("file", 100, 7), ends[2], on = 1, off = 0;
	void *memory = map_memory(PAGE, MAP_PRIVATE);
	char byte;

	CHECK(pipe(ends) == 0);
	CHECK_EQUAL(fcntl(file, F_GETOWN), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETPIPE_SZ), 65536);
	CHECK_ERROR(fcntl(file, F_GETPIPE_SZ), EBADF);
	CHECK(ioctl(ends[0], FIONBIO, &on) == 0 && fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	CHECK_ERROR(read(ends[0], &byte, 1), EAGAIN);
	CHECK(ioctl(ends[0], FIONBIO, &off) == 0 && !(fcntl(ends[0], F_GETFL) & O_NONBLOCK));
	CHECK(ioctl(file, FIONBIO, &on) == 0 && fcntl(file, F_GETFL) & O_NONBLOCK);
	CHECK(mprotect(memory, PAGE, PROT_READ | 8) == 0);	/* PROT_SEM */
	CHECK_ERROR(mprotect(memory, PAGE, PROT_READ | 0x10), EINVAL);
	munmap(memory, PAGE);
	close(file);
	close(ends[0]);
	close(ends[1]);
}

static void status_fields(void)
{
	int file = make_file("file", 5000, 8);
	struct stat by_name, by_descriptor, directory;
	struct statx extended;

	CHECK(fsync(file) == 0);
	CHECK(chmod("file", 0640) == 0);
	CHECK(stat("file", &by_name) == 0 && fstat(file, &by_descriptor) == 0 && stat(".", &directory) == 0);
	CHECK(by_name.st_ino == by_descriptor.st_ino && by_name.st_dev == by_descriptor.st_dev && by_name.st_ino != 0);
	CHECK_EQUAL(by_name.st_mode, S_IFREG | 0640);
	CHECK_EQUAL(by_name.st_size, 5000);
	CHECK_EQUAL(by_name.st_nlink, 1);
	CHECK_EQUAL(by_name.st_uid, geteuid());
	CHECK_EQUAL(by_name.st_blocks, 16);
	CHECK(by_name.st_blksize >= 512 && by_name.st_dev == directory.st_dev && S_ISDIR(directory.st_mode));
	CHECK(by_name.st_mtime > 1000000000 && by_name.st_ctime >= by_name.st_mtime);
	CHECK(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &extended) == 0);
	CHECK((extended.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	CHECK(extended.stx_size == 5000 && extended.stx_ino == by_name.st_ino && extended.stx_mode == (S_IFREG | 0640));
	CHECK(extended.stx_nlink == 1 && extended.stx_mtime.tv_sec == by_name.st_mtime && extended.stx_blocks == 16);
	CHECK(makedev(extended.stx_dev_major, extended.stx_dev_minor) == by_name.st_dev);
	CHECK(statx(file, "", AT_EMPTY_PATH, STATX_SIZE, &extended) == 0 && extended.stx_size == 5000);
	CHECK_ERROR(statx(file, "", 0, STATX_SIZE, &extended), ENOENT);
	CHECK_ERROR(fstatat(AT_FDCWD, "file", &by_name, 0x40000000), EINVAL);
	CHECK_ERROR(fstat(99, &by_name), EBADF);
	close(file);
}

static void modes_and_times(void)
{
	struct timespec times[2] = { { 1000, 0 }, { 2000, 0 } };
	int file = make_file("file", 10, 9);
	unsigned char *memory;
	struct stat status;

	CHECK(fchmod(file, 0751) == 0 && fstat(file, &status) == 0);
	CHECK_EQUAL(status.st_mode & 07777, 0751);
	CHECK(utimensat(AT_FDCWD, "file", times, 0) == 0 && fstat(file, &status) == 0);
	CHECK(status.st_atime == 1000 && status.st_mtime == 2000 && status.st_ctime > 1000000000);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = UTIME_NOW;
	CHECK(futimens(file, times) == 0 && fstat(file, &status) == 0);
	CHECK(status.st_atime == 1000 && status.st_mtime > 1000000000);
	times[0] = times[1] = (struct timespec){ 3000, 0 };
	CHECK(futimens(file, times) == 0);
	CHECK_EQUAL(pwrite(file, "x", 1, 0), 1);
	CHECK(fstat(file, &status) == 0 && status.st_mtime > 1000000000);
	CHECK(futimens(file, times) == 0 && ftruncate(file, 5) == 0);
	CHECK(fstat(file, &status) == 0 && status.st_mtime > 1000000000);
	CHECK(futimens(file, times) == 0);
	memory = map_file(file, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	memory[0] = 'm';
	CHECK(msync(memory, PAGE, MS_SYNC) == 0 && munmap(memory, PAGE) == 0);
	CHECK(fstat(file, &status) == 0 && status.st_mtime > 1000000000);	/* stores count, too */
	times[0].tv_nsec = 2000000000;
	CHECK_ERROR(futimens(file, times), EINVAL);
	CHECK_ERROR(utimensat(AT_FDCWD, "missing", NULL, 0), ENOENT);
	times[0].tv_nsec = times[1].tv_nsec = UTIME_OMIT;
	CHECK_EQUAL(utimensat(AT_FDCWD, "missing", times, 0), 0);	/* nothing to do: nobody looks */
	close(file);
}

static void unlinked_but_open(void)
{
	int file = make_file("gone", 3 * PAGE, 10);
	unsigned char have[3 * PAGE];
	struct stat status;

	CHECK(unlink("gone") == 0);
	CHECK(fstat(file, &status) == 0 && status.st_nlink == 0);
	CHECK_EQUAL(pwrite(file, "more", 4, 3 * PAGE), 4);
	CHECK_EQUAL(pread(file, have, sizeof(have), 0), sizeof(have));
	CHECK(holds(have, sizeof(have), 10, 0));
	close(make_file("gone", 100, 11));	/* the name is free for another file */
	CHECK_EQUAL(pread(file, have, 10, 0), 10);
	CHECK(holds(have, 10, 10, 0));
	close(file);
	CHECK_EQUAL(get_bytes("gone", have, sizeof(have)), 100);
}

static void synchronise(void)
{
	int file = make_file("file", 100, 12), directory = open(".", O_RDONLY), ends[2];

	CHECK(fsync(file) == 0 && fdatasync(file) == 0 && fsync(directory) == 0);
	CHECK(pipe(ends) == 0);
	CHECK_ERROR(fsync(ends[1]), EINVAL);
	sync();
	close(file);
	close(directory);
	close(ends[0]);
	close(ends[1]);
}

/* As if fsync followed each of them; the count is the write's. */
static void synchronous_writes(void)
{
	static const int flags[] = { O_SYNC, O_DSYNC };
	struct iovec parts[] = { { "abc", 3 }, { "defg", 4 } };
	char page[PAGE + 10], *bad = map_memory(PAGE, MAP_PRIVATE);
	bool disk;
	long outs;

	memset(page, 'p', sizeof(page));
	CHECK(munmap(bad, PAGE) == 0);
	for (int i = 0; i < 2; i++) {
		int file = open("file", O_RDWR | O_CREAT | O_TRUNC | flags[i], 0644), other = open("file", O_WRONLY | O_APPEND | flags[i]);

		CHECK_EQUAL(fcntl(file, F_GETFL) & O_SYNC, flags[i]);
		outs = counter("quire_page_outs");
		CHECK_EQUAL(write(file, "0123456789", 10), 10);
		disk = counter("quire_page_outs") > outs;	/* else a file in memory, or not Quire */
		outs = counter("quire_page_outs");
		CHECK_EQUAL(pwrite(file, page, sizeof(page), 5), sizeof(page));
		CHECK_EQUAL(counter("quire_page_outs") - outs, disk ? 2 : 0);
		CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 10);
		outs = counter("quire_page_outs");
		CHECK_EQUAL(writev(other, parts, 2), 7);
		CHECK_EQUAL(counter("quire_page_outs") - outs, disk);
		CHECK_ERROR(write(file, bad, 1), EFAULT);
		CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 10);
		CHECK_EQUAL(write(file, page, 0), 0);
		CHECK_EQUAL(size_of(file), PAGE + 22);
		CHECK_EQUAL(pread(file, page, 7, PAGE + 15), 7);
		CHECK(!memcmp(page, "abcdefg", 7));
		close(file);
		close(other);
	}
	if (on_quire())
		CHECK_EQUAL(disk, !strncmp(test_directory, "/tmp", 4));
}

static void short_synchronous_write(void)
{
	int file = open("file", O_RDWR | O_CREAT | O_SYNC, 0644);
	char *memory = map_memory(2 * PAGE, MAP_PRIVATE);
	long outs;

	memset(memory, 'm', PAGE);
	CHECK(munmap(memory + PAGE, PAGE) == 0);
	outs = counter("quire_page_outs");
	CHECK_EQUAL(write(file, memory + PAGE - 10, 20), 10);
	CHECK_EQUAL(counter("quire_page_outs") - outs, on_quire());
	CHECK(file_is("file", "mmmmmmmmmm"));
	close(file);
}

/* FIONREAD: what lies between a description's offset and the end, also where that is less than nothing. */
static void bytes_left(void)
{
	int file = make_file("file", 10000, 14), other = open("file", O_RDONLY), directory = open(".", O_RDONLY), text = open("/proc/version", O_RDONLY), left;
	char have[100];

	CHECK(file >= 0 && other >= 0 && directory >= 0 && text >= 0);
	CHECK(ioctl(file, FIONREAD, &left) == 0 && left == 0);
	CHECK(ioctl(other, FIONREAD, &left) == 0 && left == 10000);
	CHECK_EQUAL(read(other, have, sizeof have), sizeof have);
	CHECK(ioctl(other, FIONREAD, &left) == 0 && left == 9900);
	CHECK_EQUAL(write(file, have, sizeof have), sizeof have);
	CHECK(ioctl(other, FIONREAD, &left) == 0 && left == 10000);
	CHECK(ftruncate(file, 40) == 0 && ioctl(other, FIONREAD, &left) == 0 && left == -60);
	CHECK_ERROR(ioctl(other, FIONREAD, NULL), EFAULT);
	CHECK_EQUAL(read(text, have, 5), 5);
	CHECK(ioctl(text, FIONREAD, &left) == 0 && left == -5);
	CHECK_ERROR(ioctl(directory, FIONREAD, &left), ENOTTY);
	close(file);
	close(other);
	close(directory);
	close(text);
}

static void not_a_terminal(void)
{
	int file = make_file("file", 100, 13);
	struct winsize size;

	CHECK_EQUAL(isatty(file), 0);
	CHECK_ERROR(ioctl(file, TIOCGWINSZ, &size), ENOTTY);
	CHECK_ERROR(ioctl(-1, TIOCGWINSZ, &size), EBADF);
	close(file);
}

static void null_device(void)
{
	int file = open("/dev/null", O_RDWR);
	struct stat status;
	char byte;

	CHECK(file >= 0);
	CHECK_EQUAL(write(file, "gone", 4), 4);
	CHECK_EQUAL(read(file, &byte, 1), 0);
	CHECK(fstat(file, &status) == 0 && S_ISCHR(status.st_mode));
	close(file);
}

static const struct test tests[] = {
	{ read_write_seek, "read_write_seek" },
	{ rights_of_descriptors, "rights_of_descriptors" },
	{ large_transfers, "large_transfers" },
	{ append, "append" },
	{ append_together, "append_together" },
	{ truncation, "truncation" },
	{ sparse_offsets, "sparse_offsets" },
	{ blocks_come_back, "blocks_come_back" },
	{ no_old_bytes, "no_old_bytes" },
	{ vectors, "vectors" },
	{ duplicates_share_the_offset, "duplicates_share_the_offset" },
	{ fork_shares_the_offset, "fork_shares_the_offset" },
	{ descriptor_flags, "descriptor_flags" },
	{ bytes_left, "bytes_left" },
	{ too_many_files, "too_many_files" },
	{ open_flags, "open_flags" },
	{ neither_read_nor_write, "neither_read_nor_write" },
	{ rare_requests, "rare_requests" },
	{ status_fields, "status_fields" },
	{ modes_and_times, "modes_and_times" },
	{ unlinked_but_open, "unlinked_but_open" },
	{ synchronise, "synchronise" },
	{ synchronous_writes, "synchronous_writes" },
	{ short_synchronous_write, "short_synchronous_write" },
	{ not_a_terminal, "not_a_terminal" },
	{ null_device, "null_device" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
