/*
 * Random calls: fuzz [-v] [-n] [SEED [COUNT]]. Children throw Linux calls with random arguments at the system, in lots of a
 * few hundred, and with -n also native kernel calls (negative numbers) with random registers; the parent and the files
 * beside must stay as they were. A child may die; with -n it may also hang, because it may wait for nothing (it is killed
 * then), and so it may in a user-mode emulator, which trips over bad pointers itself.
 *
 * What would harm on purpose is left out: reboot, signals to anybody but the child itself, and names outside of the
 * child's own directory. Sleeps are short, pipes do not wait, sizes are bounded, so that a lot ends soon.
 */
#include "test.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

enum { LOT = 250, PATIENCE_MILLISECONDS = 20000, SPAN_MAX = 1 << 20 };

static uint64_t random_state;
static bool verbose, native, any_span;
static int hung;			/* children that had to be killed */
static long *succeeded, *thrown;	/* shared with the children */

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dUL;
}

static size_t below(size_t limit)
{
	return (random_word() >> 20) % limit;
}

/* --- arguments by kind: mostly sensible, so that calls get past their first check --- */

static unsigned char *buffer;		/* 16 pages, some of them without rights */
static const char *const names[] = { "a", "b", "c", "d/a", "d/b", "d", ".", "d/.", "a/", "", "l", "missing/x", "d/../a" };

static long wild(void)
{
	static const unsigned long special[] = { 0, 1, 8, 4095, 4096, 1UL << 31, 1UL << 32, (1UL << 38) - 4096, 1UL << 38, 1UL << 63, ~0UL, ~7UL, 0xffffffffUL, 0x80000000UL };

	if (below(2))
		return (long)special[below(sizeof(special) / sizeof(*special))];
	return (long)(random_word() >> below(64));
}

static long pointer(void)
{
	size_t choice = below(16);

	if (choice == 0)
		return wild();
	if (choice == 1)
		return (long)0xffffffc000000000UL + (long)below(1 << 30);
	return (long)(buffer + below(16 * PAGE));
}

/* Of a range to be mapped or unmapped. An emulator in user mode lies in the same memory and would be hit itself. */
static long address(void)
{
	long result = below(8) ? (long)(buffer + below(16) * PAGE) : pointer();

	if (!any_span && (unsigned long)result < 1UL << 50)
		result = (long)(buffer + below(16) * PAGE) + (result & 1);
	return result;
}

static long length(void)
{
	static const long lengths[] = { 0, 1, 7, 8, 100, 4095, 4096, 4097, 8192, 20000, 65536 };

	return below(12) ? lengths[below(sizeof(lengths) / sizeof(*lengths))] : wild();
}

/* Of a range. An emulator keeps a record per page, so that large ranges take it minutes. */
static long span(void)
{
	long bytes = length();

	return any_span || (unsigned long)bytes < SPAN_MAX || (unsigned long)bytes >= 1UL << 50 ? bytes : bytes & (SPAN_MAX - 1);
}

static long bounded_length(void)
{
	return (long)below(5) ? length() & 0xffff : (long)below(70000);
}

static long descriptor(void)
{
	return below(10) ? (long)below(16) : wild();
}

static long directory(void)
{
	return below(4) ? AT_FDCWD : descriptor();
}

/* Never an absolute path and never upwards: whatever a call does to a name, it does it inside of the child's directory. */
static long name(void)
{
	if (below(12) == 0)
		return (long)0x80;
	if (below(12) == 0)
		return (long)0xffffffc000000123UL;
	return (long)names[below(sizeof(names) / sizeof(*names))];
}

static long small(void)
{
	return below(10) ? (long)below(16) : wild();
}

static long file_flags(void)
{
	static const int flags[] = { O_RDONLY, O_RDWR, O_WRONLY, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_TRUNC, O_RDWR | O_APPEND, O_RDONLY | O_DIRECTORY, O_RDWR | O_CREAT | O_EXCL };

	return flags[below(8)] | O_NONBLOCK | (below(4) ? 0 : (long)(random_word() & O_CLOEXEC));
}

static long map_flags(void)
{
	return (long)(random_word() & (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE)) | (below(2) ? MAP_PRIVATE : 0);
}

static long rights(void)
{
	return (long)(below(8) ? random_word() & 7 : random_word() & 0xff);
}

static long file_offset(void)
{
	return below(4) ? (long)below(1 << 20) : below(2) ? wild() : (long)(below(1 << 20) * PAGE);
}

static long brief_time(void)
{
	static const struct timespec times[] = { { 0, 0 }, { 0, 1000 }, { 0, -1 }, { -1, 0 }, { 0, 2000000000 }, { 0, 100000 } };

	return (long)&times[below(6)];
}

/* Not one of those that stand still while one sleeps. */
static long wake_clock(void)
{
	static const long clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, 99, -1, 1L << 40 };

	return clocks[below(6)];
}

static long vector(void)
{
	static struct iovec vectors[8];

	for (int i = 0; i < 8; i++)
		vectors[i] = (struct iovec){ (void *)pointer(), (size_t)bounded_length() };
	return below(8) ? (long)vectors : pointer();
}

static long itself(void)
{
	return getpid();
}

static long harmless_signal(void)
{
	static const int signals[] = { 0, SIGCHLD, SIGURG, SIGWINCH, 99, -1, 65 };

	return signals[below(7)];
}

static long nothing(void)
{
	return 0;
}

static const struct fuzzed {
	long number;
	long (*arguments[6])(void);
} calls[] = {
	{ SYS_getcwd, { pointer, length } }, { SYS_dup, { descriptor } }, { SYS_dup3, { descriptor, descriptor, file_flags } },
	{ SYS_fcntl, { descriptor, small, small } }, { SYS_ioctl, { descriptor, wild, pointer } }, { SYS_mkdirat, { directory, name, small } },
	{ SYS_unlinkat, { directory, name, small } }, { SYS_symlinkat, { name, directory, name } }, { SYS_linkat, { directory, name, directory, name, nothing } },
	{ SYS_statfs, { name, pointer } }, { SYS_fstatfs, { descriptor, pointer } }, { SYS_truncate, { name, file_offset } },
	{ SYS_ftruncate, { descriptor, file_offset } }, { SYS_faccessat, { directory, name, small } }, { SYS_chdir, { name } },
	{ SYS_fchmod, { descriptor, wild } }, { SYS_fchmodat, { directory, name, wild } }, { SYS_openat, { directory, name, file_flags, wild } },
	{ SYS_openat, { directory, name, file_flags, wild } }, { SYS_close, { descriptor } }, { SYS_pipe2, { pointer, file_flags } },
	{ SYS_getdents64, { descriptor, pointer, length } }, { SYS_lseek, { descriptor, file_offset, small } },
	{ SYS_read, { descriptor, pointer, bounded_length } }, { SYS_write, { descriptor, pointer, bounded_length } },
	{ SYS_readv, { descriptor, vector, small } }, { SYS_writev, { descriptor, vector, small } },
	{ SYS_pread64, { descriptor, pointer, bounded_length, file_offset } }, { SYS_pwrite64, { descriptor, pointer, bounded_length, file_offset } },
	{ SYS_readlinkat, { directory, name, pointer, length } }, { SYS_newfstatat, { directory, name, pointer, small } }, { SYS_fstat, { descriptor, pointer } },
	{ SYS_fsync, { descriptor } }, { SYS_fdatasync, { descriptor } }, { SYS_utimensat, { directory, name, pointer, small } },
	{ SYS_umask, { wild } }, { SYS_execve, { name, pointer, pointer } }, { SYS_renameat2, { directory, name, directory, name, small } },
	{ SYS_statx, { directory, name, small, wild, pointer } }, { SYS_faccessat2, { directory, name, small, small } }, { SYS_fchdir, { descriptor } },
	{ SYS_munmap, { address, span } }, { SYS_mmap, { address, span, rights, map_flags, descriptor, file_offset } },
	{ SYS_mmap, { nothing, span, rights, map_flags, descriptor, file_offset } },
	{ SYS_mprotect, { address, span, rights } }, { SYS_msync, { address, span, small } }, { SYS_madvise, { address, span, small } },
	{ SYS_waitid, { small, small, pointer, small, nothing } }, { SYS_wait4, { small, pointer, small, nothing } }, { SYS_set_tid_address, { pointer } },
	{ SYS_nanosleep, { brief_time, nothing } }, { SYS_clock_gettime, { small, pointer } }, { SYS_clock_getres, { small, pointer } },
	{ SYS_clock_nanosleep, { wake_clock, nothing, brief_time, nothing } }, { SYS_sched_yield, { nothing } }, { SYS_kill, { itself, harmless_signal } },
	{ SYS_tkill, { itself, harmless_signal } }, { SYS_tgkill, { itself, itself, harmless_signal } },
	{ SYS_rt_sigaction, { small, pointer, pointer, small } }, { SYS_rt_sigprocmask, { small, pointer, pointer, small } },
	{ SYS_times, { pointer } }, { SYS_getpgid, { small } }, { SYS_getsid, { small } }, { SYS_getgroups, { small, pointer } }, { SYS_uname, { pointer } },
	{ SYS_gettimeofday, { pointer, nothing } }, { SYS_getpid, { wild } }, { SYS_getppid, { wild } }, { SYS_gettid, { wild } }, { SYS_sysinfo, { pointer } },
	{ SYS_prlimit64, { nothing, small, nothing, pointer } }, { SYS_getrandom, { pointer, bounded_length, small } }, { SYS_getresuid, { pointer, pointer, pointer } },
};

static long raw_call(long call_number, const long arguments[6])
{
	register long a0 __asm__("a0") = arguments[0];
	register long a1 __asm__("a1") = arguments[1];
	register long a2 __asm__("a2") = arguments[2];
	register long a3 __asm__("a3") = arguments[3];
	register long a4 __asm__("a4") = arguments[4];
	register long a5 __asm__("a5") = arguments[5];
	register long a7 __asm__("a7") = call_number;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
	return a0;
}

/* A native call leaves no register but sp, gp and tp as it was. words: a0..a5, a6, t0..t5. */
void native_call(long call_number, const long words[13]);
__asm__(
	".text\n"
	".globl native_call\n"
	"native_call:\n"
	"	addi sp, sp, -112\n"
	"	sd ra, 0(sp)\n"
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n"
	"	sd s\\n, 8 + 8 * \\n(sp)\n"
	"	.endr\n"
	"	mv a7, a0\n"
	"	mv t6, a1\n"
	"	ld a0, 0(t6)\n	ld a1, 8(t6)\n	ld a2, 16(t6)\n	ld a3, 24(t6)\n	ld a4, 32(t6)\n	ld a5, 40(t6)\n	ld a6, 48(t6)\n"
	"	ld t0, 56(t6)\n	ld t1, 64(t6)\n	ld t2, 72(t6)\n	ld t3, 80(t6)\n	ld t4, 88(t6)\n	ld t5, 96(t6)\n"
	"	ecall\n"
	"	ld ra, 0(sp)\n"
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n"
	"	ld s\\n, 8 + 8 * \\n(sp)\n"
	"	.endr\n"
	"	addi sp, sp, 112\n"
	"	ret\n");

/* abi/kernel.h: calls -1..-28; t5 is a deadline, set to a time that has passed, so that no receive waits for ever. */
static void throw_native(void)
{
	long words[13];

	for (int i = 0; i < 13; i++)
		words[i] = below(3) == 0 ? wild() : below(2) ? (long)below(70) : pointer();
	words[12] = 1;
	native_call(-1 - (long)below(32), words);
}

static void throw_call(void)
{
	const struct fuzzed *call = &calls[below(sizeof(calls) / sizeof(*calls))];
	long arguments[6];

	for (int i = 0; i < 6; i++)
		arguments[i] = call->arguments[i] ? call->arguments[i]() : wild();
	if (call->number == SYS_fcntl && arguments[1] == F_SETFL)
		arguments[2] |= O_NONBLOCK;
	if (raw_call(call->number, arguments) >= 0)
		++*succeeded;
}

static void prepare_child(uint64_t seed)
{
	int ends[2];

	random_state = seed | 1;
	for (int i = 0; i < 64; i++)
		close(i);
	open("a", O_RDWR | O_CREAT, 0644);
	open("b", O_RDONLY | O_CREAT, 0644);
	mkdir("d", 0755);
	open("d", O_RDONLY | O_DIRECTORY);
	if (pipe2(ends, O_NONBLOCK) < 0)
		_exit(1);
	open("c", O_WRONLY | O_CREAT | O_APPEND, 0644);
	symlink("a", "l");
	/* Behind it room for the longest span. */
	buffer = mmap(NULL, 16 * PAGE + SPAN_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer == MAP_FAILED)
		_exit(1);
	memset(buffer, 0, 8 * PAGE);
	mprotect(buffer + 6 * PAGE, PAGE, PROT_READ);
	mprotect(buffer + 11 * PAGE, PAGE, PROT_NONE);
	munmap(buffer + 13 * PAGE, PAGE);
}

/* Waits for a child without waiting for ever. */
static int wait_patiently(pid_t pid)
{
	const int patience = any_span ? PATIENCE_MILLISECONDS : PATIENCE_MILLISECONDS / 40;
	const struct timespec pause = { 0, 2000000 };
	int status;

	for (int waited = 0; ; waited += 2) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		CHECK(ended == 0 || ended == pid);
		if (ended)
			return status;
		if (waited == patience) {
			CHECK(kill(pid, SIGKILL) == 0);
			hung++;
		}
		CHECK(waited < 2 * PATIENCE_MILLISECONDS);
		nanosleep(&pause, NULL);
	}
}

static void throw_lot(long count)
{
	uint64_t seed = random_word();
	int status;
	pid_t pid;

	CHECK(mkdir("lot", 0755) == 0);
	pid = fork_child();
	if (pid == 0) {
		if (chdir("lot") < 0)
			_exit(1);
		prepare_child(seed);
		for (long i = 0; i < count; i++) {
			++*thrown;
			if (native && below(4) == 0)
				throw_native();
			else
				throw_call();
		}
		_exit(0);
	}
	status = wait_patiently(pid);
	CHECK(native || !any_span || !hung);
	if (verbose)
		printf("lot %#lx: status %#x, %ld calls succeeded so far\n", (unsigned long)seed, (unsigned)status, *succeeded);
	chmod("lot", 0755);
	test_empty_directory("lot");
	CHECK(rmdir("lot") == 0);
}

/* The parent has memory, files and descriptors of its own; nobody may have touched them. */
static void check_own(int file, const unsigned char *memory)
{
	unsigned char have[2 * PAGE];

	CHECK_EQUAL(pread(file, have, sizeof(have), 0), sizeof(have));
	CHECK(holds(have, sizeof(have), 1, 0));
	CHECK(holds(memory, 4 * PAGE, 2, 0));
	CHECK_EQUAL(get_bytes("own", have, sizeof(have)), sizeof(have));
}

int main(int count, char **arguments)
{
	unsigned char *memory;
	static long total = 5000;
	static uint64_t seed = 1;
	int file, failed;

	for (arguments++, count--; count && arguments[0][0] == '-'; arguments++, count--) {
		verbose |= !strcmp(arguments[0], "-v");
		native |= !strcmp(arguments[0], "-n");
	}
	if (count > 0)
		seed = strtoul(arguments[0], NULL, 0);
	if (count > 1)
		total = atol(arguments[1]);
	random_state = seed * 0x9e3779b97f4a7c15UL | 1;
	test_name = "fuzz";
	test_begin("fuzz");
	any_span = on_quire();
	failed = setjmp(test_end);
	if (!failed) {
		file = make_file("own", 2 * PAGE, 1);
		memory = map_memory(4 * PAGE, MAP_PRIVATE);
		succeeded = map_memory(PAGE, MAP_SHARED);
		thrown = succeeded + 1;
		fill(memory, 4 * PAGE, 2, 0);
		/* A child that dies early has thrown less than its lot. */
		for (long before = 0; before < total; before = *thrown) {
			throw_lot(total - before < LOT ? total - before : LOT);
			CHECK(*thrown > before);
			check_own(file, memory);
		}
	}
	test_empty_directory(test_directory);
	printf("seed %lu, %ld calls: ", (unsigned long)seed, thrown ? *thrown : 0);
	return test_finish(!failed, failed != 0, 0);
}
