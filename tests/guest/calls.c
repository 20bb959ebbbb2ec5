/*
 * Time and the small calls: clocks, sleeping, identity, limits, uname, getrandom, signal registration, user-mode counters,
 * and the numbers that nobody answers.
 */
#include "test.h"

#include <grp.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <time.h>

static long nanoseconds(clockid_t clock)
{
	struct timespec now;

	CHECK(clock_gettime(clock, &now) == 0);
	CHECK(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void clocks(void)
{
	long before = nanoseconds(CLOCK_MONOTONIC), now;
	struct timeval day;
	struct timespec resolution;

	for (int i = 0; i < 1000; i++, before = now) {
		now = nanoseconds(CLOCK_MONOTONIC);
		CHECK(now >= before);
	}
	CHECK(nanoseconds(CLOCK_REALTIME) > 1600000000L * 1000000000L);
	CHECK(gettimeofday(&day, NULL) == 0);
	CHECK(labs(day.tv_sec - nanoseconds(CLOCK_REALTIME) / 1000000000) <= 2 && day.tv_usec >= 0 && day.tv_usec < 1000000);
	CHECK(labs(time(NULL) - day.tv_sec) <= 2);
	CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0 && resolution.tv_nsec > 0);
	CHECK(labs(nanoseconds(CLOCK_TAI) / 1000000000 - time(NULL)) <= 100);	/* leap seconds, where they are known */
	CHECK(clock_nanosleep(CLOCK_TAI, 0, &(struct timespec){ 0, 1000 }, NULL) == 0);
	CHECK_ERROR(clock_gettime(12345, &resolution), EINVAL);
}

static void processor_time(void)
{
	struct tms before, after;
	long start = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
	volatile unsigned long work = 0;

	CHECK(times(&before) != (clock_t)-1);
	while (nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start < 30000000)
		for (int i = 0; i < 10000; i++)
			work += (unsigned long)i;
	CHECK(times(&after) != (clock_t)-1);
	CHECK(after.tms_utime + after.tms_stime > before.tms_utime + before.tms_stime);
	start = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
	usleep(50000);
	CHECK(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start < 40000000);	/* sleeping costs nothing */
}

static void sleeping(void)
{
	struct timespec wanted = { 0, 20000000 }, rest, bad = { 0, 1000000000 }, negative = { -1, 0 };
	long start = nanoseconds(CLOCK_MONOTONIC);

	CHECK(nanosleep(&wanted, &rest) == 0);
	CHECK(nanoseconds(CLOCK_MONOTONIC) - start >= 20000000);
	CHECK_ERROR(nanosleep(&bad, NULL), EINVAL);
	CHECK_ERROR(nanosleep(&negative, NULL), EINVAL);
	CHECK(clock_nanosleep(CLOCK_REALTIME, 0, &wanted, NULL) == 0);
	start = nanoseconds(CLOCK_MONOTONIC);
	wanted = (struct timespec){ (start + 30000000) / 1000000000, (start + 30000000) % 1000000000 };
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wanted, NULL) == 0);
	CHECK(nanoseconds(CLOCK_MONOTONIC) - start >= 30000000);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wanted, NULL) == 0);	/* it has passed */
	CHECK_EQUAL(clock_nanosleep(12345, 0, &wanted, NULL), EINVAL);
	CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL), EINVAL);
	wanted = (struct timespec){ 0, 0 };
	CHECK(nanosleep(&wanted, NULL) == 0);
}

static void sleepers_wake_in_order(void)
{
	static const unsigned int milliseconds[] = { 1200, 400, 800, 0 };	/* far apart: a busy host lets the guest stand still */
	int ends[2];
	char order[5] = "";

	CHECK(pipe(ends) == 0);
	for (int i = 0; i < 4; i++) {
		if (fork_child() == 0) {
			char letter = (char)('a' + i);

			usleep(milliseconds[i] * 1000);
			_exit(write(ends[1], &letter, 1) != 1);
		}
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQUAL(read(ends[0], order + i, 1), 1);
	CHECK(!strcmp(order, "dbca"));
	for (int i = 0; i < 4; i++)
		wait_success(-1);
	close(ends[0]);
	close(ends[1]);
}

static unsigned long read_cycle(void)
{
	unsigned long value;

	__asm__ volatile("rdcycle %0" : "=r"(value));
	return value;
}

static unsigned long read_time(void)
{
	unsigned long value;

	__asm__ volatile("rdtime %0" : "=r"(value));
	return value;
}

static unsigned long read_instret(void)
{
	unsigned long value;

	__asm__ volatile("rdinstret %0" : "=r"(value));
	return value;
}

static void user_counters(void)
{
	unsigned long (*const read_counter[])(void) = { read_cycle, read_time, read_instret };

	for (int i = 0; i < 3; i++) {
		unsigned long before = read_counter[i]();

		usleep(2000);
		for (volatile int j = 0; j < 10000; j++)
			;
		CHECK(read_counter[i]() > before);
	}
}

static void system_names(void)
{
	struct utsname names;
	struct sysinfo info;

	CHECK(uname(&names) == 0);
	CHECK(!strcmp(names.sysname, "Linux") && !strcmp(names.machine, "riscv64"));
	CHECK(names.release[0] >= '3' && names.release[0] <= '9' && names.version[0]);
	CHECK(sysinfo(&info) == 0);
	CHECK(info.uptime >= 0 && info.procs > 0 && info.mem_unit > 0 && info.totalram >= info.freeram);
	CHECK(info.totalram * info.mem_unit >= 16UL << 20);
}

static void random_bytes(void)
{
	unsigned char one[64], two[64] = { 0 };

	CHECK_EQUAL(getrandom(one, sizeof(one), 0), sizeof(one));
	CHECK_EQUAL(getrandom(two, sizeof(two), GRND_NONBLOCK), sizeof(two));
	CHECK(memcmp(one, two, sizeof(one)) && !all_bytes(two, sizeof(two), 0));
	CHECK_EQUAL(getrandom(one, 0, 0), 0);
	CHECK_ERROR(getrandom(one, 1, 0x100), EINVAL);
}

static void users(void)
{
	uid_t real, effective, saved;

	CHECK(getuid() == geteuid() && getgid() == getegid());
	CHECK(getresuid(&real, &effective, &saved) == 0 && real == getuid() && effective == real && saved == real);
	CHECK(getgroups(0, NULL) >= 0);
	if (getuid() == 0) {
		pid_t pid = fork_child();

		if (pid == 0) {
			CHECK(setresgid(5, 6, 7) == 0 && getgid() == 5 && getegid() == 6);
			CHECK(setresuid(1, 2, 3) == 0 && getuid() == 1 && geteuid() == 2);
			CHECK(getresuid(&real, &effective, &saved) == 0 && real == 1 && effective == 2 && saved == 3);
			CHECK(setresuid((uid_t)-1, 3, (uid_t)-1) == 0 && geteuid() == 3);
			CHECK_ERROR(setresuid(9, 9, 9), EPERM);
			_exit(0);
		}
		wait_success(pid);
		CHECK(getuid() == 0);
	}
}

static void sessions(void)
{
	pid_t pid, group = getpgid(0);

	CHECK(group > 0 && getpgid(getpid()) == group && getsid(0) >= 0);
	CHECK_ERROR(getpgid(0x3fffffff), ESRCH);
	pid = fork_child();
	if (pid == 0) {
		CHECK(getpgid(0) == group);
		CHECK(setpgid(0, 0) == 0 && getpgid(0) == getpid());
		CHECK_ERROR(setsid(), EPERM);		/* the leader of a group */
		CHECK_ERROR(setpgid(0, -1), EINVAL);
		_exit(0);
	}
	wait_success(pid);
	pid = fork_child();
	if (pid == 0) {
		CHECK(setsid() == getpid() && getsid(0) == getpid() && getpgid(0) == getpid());
		_exit(0);
	}
	wait_success(pid);
}

static void limits(void)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur >= 1 << 20 && limit.rlim_cur <= limit.rlim_max);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= 64 && limit.rlim_cur <= limit.rlim_max);
	CHECK(getrlimit(RLIMIT_AS, &limit) == 0 && getrlimit(RLIMIT_DATA, &limit) == 0);
	CHECK_ERROR(syscall(SYS_prlimit64, 0, 99, NULL, &limit), EINVAL);
	CHECK_ERROR(syscall(SYS_prlimit64, 0x3fffffff, RLIMIT_STACK, NULL, &limit), ESRCH);
}

static void handler(int number)
{
	(void)number;
}

static void signal_registration(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;
	sigset_t set, before;

	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR2);
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(sigaction(SIGUSR1, NULL, &old) == 0);
	CHECK(old.sa_handler == handler && (old.sa_flags & SA_RESTART) && sigismember(&old.sa_mask, SIGUSR2) && !sigismember(&old.sa_mask, SIGUSR1));
	CHECK(signal(SIGUSR1, SIG_DFL) == handler);
	CHECK_ERROR(sigaction(SIGKILL, &action, NULL), EINVAL);
	CHECK_ERROR(sigaction(SIGSTOP, &action, NULL), EINVAL);
	CHECK_ERROR(syscall(SYS_rt_sigaction, 0, NULL, &old, 8), EINVAL);
	CHECK_ERROR(syscall(SYS_rt_sigaction, 65, NULL, &old, 8), EINVAL);
	CHECK_ERROR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 4), EINVAL);
	sigfillset(&set);
	CHECK(sigprocmask(SIG_BLOCK, &set, &before) == 0);
	CHECK(sigprocmask(SIG_SETMASK, &before, &set) == 0);
	CHECK(sigismember(&set, SIGTERM) && !sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP));
	CHECK_ERROR(sigprocmask(99, &set, NULL), EINVAL);
	CHECK_ERROR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
}

static void small_ones(void)
{
	mode_t mask = umask(0123);
	int word;

	CHECK_EQUAL(umask(07777), 0123);
	CHECK_EQUAL(umask(mask), 0777);
	CHECK_EQUAL(sched_yield(), 0);
	CHECK_EQUAL(syscall(SYS_set_tid_address, &word), getpid());
	CHECK_EQUAL(syscall(SYS_gettid), getpid());
	CHECK_ERROR(syscall(SYS_tgkill, getpid(), 0x3fffffff, 0), ESRCH);
	CHECK_ERROR(syscall(SYS_tgkill, -1, getpid(), 0), EINVAL);
	CHECK_EQUAL(syscall(SYS_tgkill, getpid(), getpid(), 0), 0);
}

static void numbers_nobody_answers(void)
{
	static const long numbers[] = { 244, 255, 300, 400, 470, 511, 512, 1000, 100000, 0x7fffffff, 1L << 40, 1L << 62 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		register long number __asm__("a7") = numbers[i];
		register long result __asm__("a0") = 1;

		__asm__ volatile("ecall" : "+r"(result) : "r"(number) : "memory");
		CHECK_EQUAL(result, -ENOSYS);
	}
}

static const struct test tests[] = {
	{ clocks, "clocks" },
	{ processor_time, "processor_time" },
	{ sleeping, "sleeping" },
	{ sleepers_wake_in_order, "sleepers_wake_in_order" },
	{ user_counters, "user_counters" },
	{ system_names, "system_names" },
	{ random_bytes, "random_bytes" },
	{ users, "users" },
	{ sessions, "sessions" },
	{ limits, "limits" },
	{ signal_registration, "signal_registration" },
	{ small_ones, "small_ones" },
	{ numbers_nobody_answers, "numbers_nobody_answers" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
