/*
 * Wrong arguments, as a table: each Linux call that Quire answers with bad pointers, descriptors, flags and lengths, and
 * the errno that Linux gives. What an error must not do (move offsets, lose descriptors) is checked around it.
 */
#include "test.h"

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

/* Stand for what is only known when the test runs. */
enum { FILE_RW = -1000000, FILE_READ, FILE_WRITE, DIRECTORY, PIPE_READ, PIPE_WRITE, CLOSED,
       GOOD, NULL_PAGE, KERNEL, PATH, TEXT_END, PLACES };

struct bad_call {
	const char *name;
	long number;
	long arguments[6];
	int error;
};

#define CWD AT_FDCWD
static const struct bad_call calls[] = {
#define C(name, error, ...) { #name, SYS_##name, { __VA_ARGS__ }, error }
	C(getcwd, EFAULT, NULL_PAGE, 1000), C(getcwd, EFAULT, KERNEL, 1000), C(getcwd, ERANGE, GOOD, 1), C(getcwd, ERANGE, GOOD, 0),
	C(dup, EBADF, CLOSED), C(dup, EBADF, -1), C(dup3, EBADF, CLOSED, 50, 0), C(dup3, EINVAL, FILE_RW, FILE_RW, 0),
	C(dup3, EINVAL, FILE_RW, 50, 1), C(dup3, EBADF, FILE_RW, -1, 0), C(dup3, EBADF, FILE_RW, 1 << 28, 0),
	C(fcntl, EBADF, CLOSED, F_GETFD), C(fcntl, EINVAL, FILE_RW, 12345), C(fcntl, EINVAL, FILE_RW, F_DUPFD, -1),
	C(ioctl, EBADF, CLOSED, 0x5401, GOOD), C(ioctl, ENOTTY, FILE_RW, 0x5401, GOOD), C(ioctl, ENOTTY, PIPE_READ, 0x5413, GOOD),
	C(mkdirat, EFAULT, CWD, NULL_PAGE, 0755), C(mkdirat, EFAULT, CWD, KERNEL, 0755), C(mkdirat, EBADF, CLOSED, PATH, 0755),
	C(mkdirat, ENOTDIR, FILE_RW, PATH, 0755), C(mkdirat, ENOENT, CWD, TEXT_END, 0755),
	C(unlinkat, EFAULT, CWD, NULL_PAGE, 0), C(unlinkat, EINVAL, CWD, PATH, 0x10), C(unlinkat, EBADF, CLOSED, PATH, 0), C(unlinkat, ENOENT, CWD, TEXT_END, 0),
	C(symlinkat, EFAULT, NULL_PAGE, CWD, PATH), C(symlinkat, EFAULT, PATH, CWD, KERNEL), C(symlinkat, EBADF, PATH, CLOSED, PATH),
	C(linkat, EFAULT, CWD, NULL_PAGE, CWD, PATH, 0), C(linkat, EFAULT, CWD, PATH, CWD, KERNEL, 0), C(linkat, EINVAL, CWD, PATH, CWD, PATH, 1),
	C(linkat, EBADF, CLOSED, PATH, CWD, PATH, 0),
	C(statfs, EFAULT, NULL_PAGE, GOOD), C(statfs, EFAULT, PATH, NULL_PAGE), C(statfs, EFAULT, PATH, KERNEL),
	C(fstatfs, EBADF, CLOSED, GOOD), C(fstatfs, EFAULT, FILE_RW, KERNEL),
	C(truncate, EFAULT, NULL_PAGE, 0), C(truncate, EINVAL, PATH, -1), C(ftruncate, EBADF, CLOSED, 0), C(ftruncate, EINVAL, FILE_READ, 0),
	C(ftruncate, EINVAL, FILE_RW, -1), C(ftruncate, EINVAL, PIPE_WRITE, 0), C(ftruncate, EINVAL, DIRECTORY, 0),
	C(faccessat, EFAULT, CWD, NULL_PAGE, 0), C(faccessat, EINVAL, CWD, PATH, 8), C(faccessat, EBADF, CLOSED, PATH, 0),
	C(chdir, EFAULT, NULL_PAGE), C(chdir, EFAULT, KERNEL), C(chdir, ENOTDIR, PATH), C(chdir, ENOENT, TEXT_END),
	C(fchdir, EBADF, CLOSED), C(fchdir, ENOTDIR, FILE_RW),
	C(fchmod, EBADF, CLOSED, 0644), C(fchmodat, EFAULT, CWD, NULL_PAGE, 0644), C(fchmodat, EBADF, CLOSED, PATH, 0644),
	C(fchownat, EFAULT, CWD, NULL_PAGE, 0, 0, 0), C(fchownat, EINVAL, CWD, PATH, 0, 0, 1), C(fchown, EBADF, CLOSED, 0, 0),
	C(openat, EFAULT, CWD, NULL_PAGE, 0, 0), C(openat, EFAULT, CWD, KERNEL, 0, 0), C(openat, EBADF, CLOSED, PATH, 0, 0), C(openat, ENOENT, CWD, TEXT_END, 0, 0),
	C(openat, ENOTDIR, FILE_RW, PATH, 0, 0), C(openat, EISDIR, CWD, PATH, O_RDWR, 0),
	C(close, EBADF, CLOSED), C(close, EBADF, -1), C(close, EBADF, 1 << 30),
	C(pipe2, EINVAL, GOOD, 1),
	C(getdents64, EBADF, CLOSED, GOOD, 4096), C(getdents64, ENOTDIR, FILE_RW, GOOD, 4096), C(getdents64, EFAULT, DIRECTORY, NULL_PAGE, 4096),
	C(getdents64, EFAULT, DIRECTORY, KERNEL, 4096), C(getdents64, EINVAL, DIRECTORY, GOOD, 5),
	C(lseek, EBADF, CLOSED, 0, 0), C(lseek, ESPIPE, PIPE_READ, 0, 0), C(lseek, EINVAL, FILE_RW, -5, SEEK_SET), C(lseek, EINVAL, FILE_RW, 0, 77),
	C(read, EBADF, CLOSED, GOOD, 10), C(read, EBADF, FILE_WRITE, GOOD, 10), C(read, EFAULT, FILE_RW, NULL_PAGE, 10), C(read, EFAULT, FILE_RW, KERNEL, 10),
	C(read, EISDIR, DIRECTORY, GOOD, 10), C(read, EBADF, PIPE_WRITE, GOOD, 10), C(read, EFAULT, PIPE_READ, NULL_PAGE, 2), C(read, EFAULT, PIPE_READ, KERNEL, 2),
	C(write, EBADF, CLOSED, GOOD, 10), C(write, EBADF, FILE_READ, GOOD, 10), C(write, EFAULT, FILE_RW, NULL_PAGE, 10), C(write, EFAULT, FILE_RW, KERNEL, 10),
	C(write, EBADF, PIPE_READ, GOOD, 10), C(write, EFAULT, PIPE_WRITE, NULL_PAGE, 10), C(write, EFAULT, PIPE_WRITE, KERNEL, 10),
	C(readv, EBADF, CLOSED, GOOD, 1), C(readv, EFAULT, FILE_RW, NULL_PAGE, 1), C(readv, EINVAL, FILE_RW, GOOD, -1), C(readv, EINVAL, FILE_RW, GOOD, 1025),
	C(writev, EBADF, CLOSED, GOOD, 1), C(writev, EFAULT, FILE_RW, KERNEL, 1), C(writev, EINVAL, FILE_RW, GOOD, 1 << 20),
	C(pread64, EBADF, CLOSED, GOOD, 10, 0), C(pread64, EFAULT, FILE_RW, NULL_PAGE, 10, 0), C(pread64, EINVAL, FILE_RW, GOOD, 10, -1), C(pread64, ESPIPE, PIPE_READ, GOOD, 10, 0),
	C(pwrite64, EBADF, CLOSED, GOOD, 10, 0), C(pwrite64, EFAULT, FILE_RW, KERNEL, 10, 0), C(pwrite64, EINVAL, FILE_RW, GOOD, 10, -1), C(pwrite64, ESPIPE, PIPE_WRITE, GOOD, 10, 0),
	C(readlinkat, EFAULT, CWD, NULL_PAGE, GOOD, 10), C(readlinkat, EINVAL, CWD, PATH, GOOD, 10), C(readlinkat, EINVAL, CWD, PATH, GOOD, 0),
	C(newfstatat, EFAULT, CWD, NULL_PAGE, GOOD, 0), C(newfstatat, EFAULT, CWD, PATH, NULL_PAGE, 0), C(newfstatat, EFAULT, CWD, PATH, KERNEL, 0),
	C(newfstatat, EINVAL, CWD, PATH, GOOD, 1 << 20), C(newfstatat, EBADF, CLOSED, PATH, GOOD, 0),
	C(fstat, EBADF, CLOSED, GOOD), C(fstat, EFAULT, FILE_RW, NULL_PAGE), C(fstat, EFAULT, FILE_RW, KERNEL),
	C(fsync, EBADF, CLOSED), C(fsync, EINVAL, PIPE_WRITE), C(fdatasync, EBADF, CLOSED), C(syncfs, EBADF, CLOSED),
	C(utimensat, EFAULT, CWD, NULL_PAGE, GOOD, 0), C(utimensat, EFAULT, CWD, PATH, KERNEL, 0), C(utimensat, EINVAL, CWD, PATH, 0, 1),
	C(renameat2, EFAULT, CWD, NULL_PAGE, CWD, PATH, 0), C(renameat2, EFAULT, CWD, PATH, CWD, KERNEL, 0), C(renameat2, EINVAL, CWD, PATH, CWD, PATH, 64),
	C(statx, EFAULT, CWD, NULL_PAGE, 0, 0x7ff, GOOD), C(statx, EFAULT, CWD, PATH, 0, 0x7ff, KERNEL), C(statx, EINVAL, CWD, PATH, 0x6000, 0x7ff, GOOD),
	C(execve, EFAULT, NULL_PAGE, 0, 0), C(execve, EFAULT, KERNEL, 0, 0), C(execve, ENOENT, TEXT_END, 0, 0),
	C(munmap, EINVAL, GOOD, 0), C(munmap, EINVAL, 1, 4096), C(munmap, EINVAL, KERNEL, 4096), C(munmap, EINVAL, 0, -4096),
	C(mmap, EINVAL, 0, 0, 3, 0x22, -1, 0), C(mmap, EBADF, 0, 4096, 3, 2, CLOSED, 0), C(mmap, EINVAL, 0, 4096, 3, 2, FILE_RW, 5), C(mmap, ENOMEM, 0, -1, 3, 0x22, -1, 0),
	C(mmap, EACCES, 0, 4096, 3, 1, FILE_READ, 0), C(mmap, EACCES, 0, 4096, 1, 2, FILE_WRITE, 0), C(mmap, EINVAL, 5, 4096, 3, 0x32, -1, 0),
	C(mmap, ENODEV, 0, 4096, 1, 2, PIPE_READ, 0), C(mmap, EINVAL, 0, 4096, 3, 0x20, -1, 0),
	C(mprotect, EINVAL, 1, 4096, 1), C(mprotect, ENOMEM, 4096, 4096, 1), C(mprotect, ENOMEM, KERNEL, 4096, 1),
	C(msync, EINVAL, GOOD, 4096, 5), C(msync, EINVAL, 1, 4096, 4), C(msync, ENOMEM, 4096, 4096, 4), C(msync, ENOMEM, KERNEL, 4096, 4),
	C(madvise, EINVAL, 1, 4096, 0),
	C(clock_gettime, EINVAL, 999, GOOD), C(clock_gettime, EFAULT, 1, NULL_PAGE), C(clock_gettime, EFAULT, 0, KERNEL), C(clock_getres, EINVAL, 999, GOOD),
	C(clock_nanosleep, EINVAL, 999, 0, GOOD, 0), C(clock_nanosleep, EFAULT, 1, 0, NULL_PAGE, 0),
	C(kill, ESRCH, 0x3fffffff, 9), C(kill, ESRCH, 0x3fffffff, 99), C(tkill, ESRCH, 0x3fffffff, 9), C(tkill, EINVAL, -1, 9), C(tgkill, EINVAL, 0, 1, 9),
	C(rt_sigaction, EINVAL, 99, GOOD, 0, 8), C(rt_sigaction, EFAULT, 10, NULL_PAGE, 0, 8), C(rt_sigaction, EFAULT, 10, 0, KERNEL, 8), C(rt_sigaction, EINVAL, 10, GOOD, 0, 16),
	C(rt_sigprocmask, EFAULT, 0, NULL_PAGE, 0, 8), C(rt_sigprocmask, EFAULT, 0, 0, KERNEL, 8), C(rt_sigprocmask, EINVAL, 0, GOOD, 0, 16),
	C(getresuid, EFAULT, KERNEL, GOOD, GOOD), C(getgroups, EINVAL, -1, GOOD), C(times, EFAULT, KERNEL),
	C(setpgid, ESRCH, 0x3fffffff, 0), C(getpgid, ESRCH, 0x3fffffff), C(getsid, ESRCH, 0x3fffffff),
	C(uname, EFAULT, NULL_PAGE), C(uname, EFAULT, KERNEL), C(gettimeofday, EFAULT, KERNEL, 0), C(sysinfo, EFAULT, NULL_PAGE),
	C(wait4, ECHILD, -1, 0, 0, 0), C(wait4, EINVAL, -1, 0, 0x4000, 0), C(waitid, EINVAL, 0, 0, 0, 0, 0), C(waitid, ECHILD, 0, 0, 0, 4, 0), C(waitid, EINVAL, 77, 0, 0, 4, 0),
	C(prlimit64, EINVAL, 0, 99, 0, GOOD), C(prlimit64, EFAULT, 0, 3, 0, KERNEL), C(prlimit64, ESRCH, 0x3fffffff, 3, 0, GOOD),
	C(getrandom, EFAULT, NULL_PAGE, 10, 0), C(getrandom, EFAULT, KERNEL, 10, 0), C(getrandom, EINVAL, GOOD, 10, 64),
	C(clone, EINVAL, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), C(clone, EINVAL, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0),
#undef C
};

static long places[PLACES - FILE_RW];
#define PLACE(name) places[(name) - FILE_RW]
static bool failed_quietly;

static void prepare(void)
{
	int ends[2];

	close(make_file("file", 100, 1));
	PLACE(FILE_RW) = open("file", O_RDWR);
	PLACE(FILE_READ) = open("file", O_RDONLY);
	PLACE(FILE_WRITE) = open("file", O_WRONLY);
	PLACE(DIRECTORY) = open(".", O_RDONLY);
	CHECK(pipe(ends) == 0 && write(ends[1], "pipe", 4) == 4);
	PLACE(PIPE_READ) = ends[0];
	PLACE(PIPE_WRITE) = ends[1];
	PLACE(CLOSED) = 55;
	PLACE(GOOD) = (long)map_memory(16 * PAGE, MAP_PRIVATE);
	PLACE(NULL_PAGE) = 0x80;
	PLACE(KERNEL) = (long)0xffffffc000000000UL;
	PLACE(PATH) = (long)"file";
	PLACE(TEXT_END) = (long)"";
}

static long substitute(long argument)
{
	return argument >= FILE_RW && argument < PLACES ? places[argument - FILE_RW] : argument;
}

static void try_call(const struct bad_call *call)
{
	long arguments[6], result;

	for (int i = 0; i < 6; i++)
		arguments[i] = substitute(call->arguments[i]);
	errno = 0;
	result = syscall(call->number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
	if (result == -1 && errno == call->error)
		return;
	printf("  %s(%#lx, %#lx, %#lx, %#lx, %#lx): result %ld, errno %d (%s), not %d (%s)\n", call->name, arguments[0], arguments[1],
	       arguments[2], arguments[3], arguments[4], result, errno, strerror(errno), call->error, strerror(call->error));
	failed_quietly = true;
}

static void table(void)
{
	char have[8];
	int lowest;

	prepare();
	lowest = dup(0);
	close(lowest);
	CHECK_EQUAL(lseek(PLACE(FILE_RW), 10, SEEK_SET), 10);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (calls[i].number == SYS_openat && calls[i].error == EISDIR)
			PLACE(PATH) = (long)".";
		lseek((int)PLACE(DIRECTORY), 0, SEEK_SET);
		try_call(&calls[i]);
		PLACE(PATH) = (long)"file";
	}
	CHECK(!failed_quietly);
	CHECK_EQUAL(lseek(PLACE(FILE_RW), 0, SEEK_CUR), 10);	/* nothing has moved, */
	CHECK_EQUAL(dup(0), lowest);				/* no descriptor is lost, */
	close(lowest);
	CHECK_EQUAL(read(PLACE(PIPE_READ), have, 8), 4);	/* and the pipe still has its bytes */
	CHECK(!memcmp(have, "pipe", 4));
	CHECK_EQUAL(get_bytes("file", (void *)PLACE(GOOD), 4096), 100);
	CHECK(holds((void *)PLACE(GOOD), 100, 1, 0));
}

static void what_emulators_let_pass(void)
{
	char *bad = (char *)0xffffffc000000000UL;
	int lowest;

	CHECK_ERROR(syscall(SYS_nanosleep, 0x80, NULL), EFAULT);
	CHECK_ERROR(syscall(SYS_nanosleep, bad, NULL), EFAULT);
	CHECK_ERROR(syscall(SYS_clock_getres, CLOCK_MONOTONIC, bad), EFAULT);
	CHECK_ERROR(syscall(SYS_prlimit64, 0, RLIMIT_STACK, bad, NULL), EFAULT);
	CHECK_ERROR(syscall(SYS_madvise, PAGE, PAGE, MADV_NORMAL), ENOMEM);
	lowest = dup(0);
	close(lowest);
	CHECK_ERROR(syscall(SYS_pipe2, 0x80, 0), EFAULT);
	CHECK_ERROR(syscall(SYS_pipe2, bad, 0), EFAULT);
	CHECK_EQUAL(dup(0), lowest);
}

/* Half of the buffer is there. Linux moves what it can or answers EFAULT; it never moves other bytes. */
static void half_buffers(void)
{
	int file = make_file("file", 4 * PAGE, 2), ends[2];
	unsigned char *memory = map_memory(2 * PAGE, MAP_PRIVATE), have[2 * PAGE];
	ssize_t moved;

	CHECK(munmap(memory + PAGE, PAGE) == 0);
	moved = pread(file, memory + PAGE - 100, 200, 0);
	CHECK(moved == 100 || (moved == -1 && errno == EFAULT));
	CHECK(moved == -1 || holds(memory + PAGE - 100, 100, 2, 0));
	memset(memory + PAGE - 100, 'h', 100);
	moved = pwrite(file, memory + PAGE - 100, 200, 0);
	CHECK(moved == 100 || (moved == -1 && errno == EFAULT));
	CHECK_EQUAL(pread(file, have, 2 * PAGE, 0), 2 * PAGE);
	CHECK(moved == -1 ? holds(have, 2 * PAGE, 2, 0) || all_bytes(have, 100, 'h') : all_bytes(have, 100, 'h'));
	CHECK(holds(have + 100, 2 * PAGE - 100, 2, 100));
	CHECK(pipe(ends) == 0);
	moved = write(ends[1], memory + PAGE - 100, 200);
	CHECK(moved == 100 || (moved == -1 && errno == EFAULT));
	close(ends[1]);
	moved = read(ends[0], have, sizeof(have));
	CHECK(moved >= 0 && moved <= 100 && all_bytes(have, (size_t)moved, 'h'));
	close(ends[0]);
	munmap(memory, PAGE);
	close(file);
}

/* A path that ends at the end of memory, and one that runs past it. */
static void paths_at_the_edge(void)
{
	char *memory = map_memory(2 * PAGE, MAP_PRIVATE);

	put_text("file", "x");
	CHECK(munmap(memory + PAGE, PAGE) == 0);
	memcpy(memory + PAGE - 5, "file", 5);
	CHECK_EQUAL(access(memory + PAGE - 5, F_OK), 0);
	memcpy(memory + PAGE - 5, "file!", 5);
	CHECK_ERROR(access(memory + PAGE - 5, F_OK), EFAULT);
	CHECK_ERROR(open(memory + PAGE - 5, O_RDONLY), EFAULT);
	CHECK_ERROR(chdir(memory + PAGE - 5), EFAULT);
	munmap(memory, PAGE);
}

static void exec_pointers(void)
{
	char *good[] = { "x", NULL };
	char **edge = (char **)((char *)map_memory(2 * PAGE, MAP_PRIVATE) + PAGE) - 1;
	char *wild[] = { "x", (char *)0x80, NULL };

	CHECK(munmap(edge + 1, PAGE) == 0);
	edge[0] = "x";		/* the list runs into nothing */
	CHECK_ERROR(syscall(SYS_execve, "/bin/sh", edge, NULL), EFAULT);
	CHECK_ERROR(syscall(SYS_execve, "/bin/sh", good, edge), EFAULT);
	CHECK_ERROR(syscall(SYS_execve, "/bin/sh", wild, NULL), EFAULT);
	CHECK_ERROR(syscall(SYS_execve, "/bin/sh", (char **)0x80, NULL), EFAULT);
}

static const struct test tests[] = {
	{ table, "table" },
	{ what_emulators_let_pass, "what_emulators_let_pass" },
	{ half_buffers, "half_buffers" },
	{ paths_at_the_edge, "paths_at_the_edge" },
	{ exec_pointers, "exec_pointers" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
