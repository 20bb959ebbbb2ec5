/*
 * Processes: fork, wait4, waitid, exit, kill and the default actions, faults, the stack, orphans, registers and FPU state.
 * Starting other programs is in exec.c. Handlers may be registered but nothing here relies on one being called.
 */
#include "test.h"

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

static void exit_statuses(void)
{
	static const int wanted[] = { 0, 1, 2, 127, 128, 255 };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		pid_t pid = fork_child();
		int status;

		if (pid == 0)
			_exit(wanted[i] + 256);	/* only eight bits arrive */
		status = wait_status(pid);
		CHECK(WIFEXITED(status) && !WIFSIGNALED(status));
		CHECK_EQUAL(WEXITSTATUS(status), wanted[i]);
	}
}

static void identities(void)
{
	pid_t parent = getpid(), pid;
	int ends[2];
	pid_t told[2];

	CHECK(pipe(ends) == 0);
	pid = fork_child();
	if (pid == 0) {
		told[0] = getpid();
		told[1] = getppid();
		CHECK_EQUAL(syscall(SYS_gettid), getpid());
		CHECK_EQUAL(write(ends[1], told, sizeof(told)), sizeof(told));
		_exit(0);
	}
	CHECK_EQUAL(read(ends[0], told, sizeof(told)), sizeof(told));
	CHECK(told[0] == pid && told[1] == parent && getpid() == parent);
	wait_success(pid);
	close(ends[0]);
	close(ends[1]);
}

static void waiting(void)
{
	pid_t pid, second;
	int status;

	CHECK_ERROR(waitpid(-1, &status, 0), ECHILD);
	CHECK_ERROR(waitpid(getpid(), &status, 0), ECHILD);
	CHECK_ERROR(waitpid(-1, &status, 0x4000), EINVAL);
	pid = fork_child();
	if (pid == 0) {
		sleep(1000);
		_exit(0);
	}
	CHECK_EQUAL(waitpid(pid, &status, WNOHANG), 0);
	CHECK_EQUAL(waitpid(-1, &status, WNOHANG), 0);
	second = fork_child();
	if (second == 0)
		_exit(5);
	CHECK_EQUAL(waitpid(-1, &status, 0), second);	/* the one that has ended */
	CHECK_EQUAL(WEXITSTATUS(status), 5);
	CHECK_EQUAL(kill(pid, SIGKILL), 0);
	CHECK_EQUAL(waitpid(pid, NULL, 0), pid);
	CHECK_ERROR(waitpid(pid, &status, 0), ECHILD);
	CHECK_ERROR(waitpid(-1, &status, WNOHANG), ECHILD);
}

static void wait_with_waitid(void)
{
	siginfo_t info;
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(7);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);	/* it stays a zombie */
	CHECK(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 7 && info.si_signo == SIGCHLD);
	memset(&info, 0, sizeof(info));
	CHECK(waitid(P_ALL, 0, &info, WEXITED) == 0);
	CHECK(info.si_pid == pid && info.si_status == 7);
	CHECK_ERROR(waitid(P_PID, (id_t)pid, &info, WEXITED), ECHILD);
	CHECK_ERROR(waitid(P_ALL, 0, &info, 0), EINVAL);
	pid = fork_child();
	if (pid == 0) {
		sleep(1000);
		_exit(0);
	}
	info.si_pid = 1;
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
	CHECK(kill(pid, SIGTERM) == 0);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0);
	CHECK(info.si_pid == pid && info.si_code == CLD_KILLED && info.si_status == SIGTERM);
}

/* A child that nobody waits for yet has given up its descriptors all the same. */
static void wait_for_another(void)
{
	int ends[2];
	pid_t reader, writer;
	char byte;

	CHECK(pipe(ends) == 0);
	writer = fork_child();
	if (writer == 0) {
		usleep(20000);
		_exit(3);
	}
	reader = fork_child();
	if (reader == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 4 : 5);
	}
	close(ends[1]);
	CHECK_EQUAL(WEXITSTATUS(wait_status(reader)), 4);
	CHECK_EQUAL(WEXITSTATUS(wait_status(writer)), 3);
	close(ends[0]);
}

static void default_actions(void)
{
	static const int deadly[] = { SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGQUIT, SIGABRT };
	static const int harmless[] = { SIGCHLD, SIGURG, SIGWINCH };

	for (size_t i = 0; i < sizeof(deadly) / sizeof(*deadly); i++) {
		pid_t pid = fork_child();
		int status;

		if (pid == 0) {
			expect_death();
			sleep(1000);
			_exit(0);
		}
		CHECK(kill(pid, 0) == 0 && kill(pid, deadly[i]) == 0);
		status = wait_status(pid);
		CHECK(WIFSIGNALED(status));
		CHECK_EQUAL(WTERMSIG(status), deadly[i]);
		CHECK_ERROR(kill(pid, 0), ESRCH);
	}
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		CHECK(kill(getpid(), harmless[i]) == 0);
	CHECK_ERROR(kill(getpid(), 100), EINVAL);
	CHECK_ERROR(kill(getpid(), -1), EINVAL);
	CHECK_ERROR(kill(0x3fffffff, SIGTERM), ESRCH);
}

static void ignored_and_blocked(void)
{
	sigset_t set;
	pid_t pid;
	int status;

	pid = fork_child();
	if (pid == 0) {
		expect_death();
		signal(SIGTERM, SIG_IGN);
		CHECK(raise(SIGTERM) == 0 && kill(getpid(), SIGTERM) == 0);
		CHECK(signal(SIGTERM, SIG_DFL) == SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
		CHECK(raise(SIGUSR1) == 0);
		CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0 && sigismember(&set, SIGUSR1));
		CHECK_ERROR(sigaction(SIGKILL, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL), EINVAL);
		sigprocmask(SIG_UNBLOCK, &set, NULL);	/* now it strikes */
		_exit(3);
	}
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
	pid = fork_child();
	if (pid == 0) {
		expect_death();
		abort();
	}
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static int run_code(uint32_t instruction)
{
	pid_t pid = fork_child();
	int status;

	if (pid == 0) {
		uint32_t *code = map_memory(PAGE, MAP_PRIVATE);

		expect_death();
		code[0] = instruction;
		CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
		__builtin___clear_cache((char *)code, (char *)code + 4);
		((void (*)(void))code)();
		_exit(0);
	}
	status = wait_status(pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void faults(void)
{
	volatile uintptr_t nowhere = 0;
	pid_t pid;
	int status;

	CHECK_EQUAL(READ_SIGNAL(nowhere), SIGSEGV);
	CHECK_EQUAL(WRITE_SIGNAL(nowhere + 8), SIGSEGV);
	CHECK_EQUAL(WRITE_SIGNAL((uintptr_t)faults), SIGSEGV);		/* the program's own code */
	CHECK_EQUAL(WRITE_SIGNAL("constant"), SIGSEGV);
	CHECK_EQUAL(run_code(0x00008067), 0);				/* ret */
	CHECK_EQUAL(run_code(0xffffffff), SIGILL);
	CHECK_EQUAL(run_code(0x00100073), SIGTRAP);			/* ebreak */
	CHECK_EQUAL(run_code(0x10200073), SIGILL);			/* sret: not for user mode */
	pid = fork_child();
	if (pid == 0) {
		expect_death();
		((void (*)(void))nowhere)();
		_exit(0);
	}
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static double series(double x, int terms)
{
	double sum = 0, term = 1;

	for (int i = 1; i <= terms; i++) {
		sum += term;
		term *= x / i;
	}
	return sum;
}

static void end_somehow(int how, int end)
{
	volatile uintptr_t nowhere = 8;
	char byte;

	expect_death();
	switch (how) {
	case 1: *(volatile char *)nowhere = 1; break;
	case 2: __asm__ volatile(".word 0xffffffff"); break;
	case 3: (void)!read(end, &byte, 1); break;
	case 4: sleep(100); break;
	case 5: for (;;) {}
	}
	_exit(0);
}

/* Quire gives the thread of an ended process to the next one, whatever it was doing when it ended: that one must find its
 * number where it asked for it, and its parent's registers, the FPU's included. */
static void next_after_each_end(void)
{
	int ends[2], tid = 0;

	CHECK(pipe(ends) == 0);
	for (int i = 0; i < 30; i++) {
		double number = series(i + 0.5, 10);
		pid_t pid = fork_child();

		if (pid == 0)
			end_somehow(i % 6, ends[0]);
		if (i % 6 > 2) {
			usleep(2000);
			CHECK(kill(pid, SIGKILL) == 0);
		}
		CHECK((wait_status(pid) == 0) == (i % 6 == 0));
		pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_CHILD_SETTID, 0, 0, 0, &tid);
		CHECK(pid >= 0);
		if (pid == 0)
			_exit(tid == syscall(SYS_getpid) && number == series(i + 0.5, 10) ? 0 : 1);
		CHECK_EQUAL(wait_status(pid), 0);
	}
	close(ends[0]);
	close(ends[1]);
}

static int __attribute__((noinline)) recurse(int depth)
{
	volatile char frame[4000];

	frame[0] = (char)depth;
	return depth ? recurse(depth - 1) + frame[0] - (char)depth : 0;
}

static void __attribute__((noinline)) touch_far_below(void)
{
	volatile char frame[3 << 20];

	frame[0] = 1;	/* the far end first */
	frame[sizeof(frame) / 2] = frame[0];
	CHECK_EQUAL(frame[sizeof(frame) / 2], 1);
}

static void stack_grows(void)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		touch_far_below();
		CHECK_EQUAL(recurse(1300), 0);	/* more than 5 MiB */
		_exit(0);
	}
	wait_success(pid);
}

static void stack_overflows(void)
{
	struct rlimit limit;
	pid_t pid;
	int status;

	CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
	if (limit.rlim_cur > 64 << 20)
		SKIP("the stack has no small limit here");
	pid = fork_child();
	if (pid == 0) {
		expect_death();
		_exit(recurse(1 << 20) & 1);
	}
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void orphans(void)
{
	pid_t pid, parents[2];
	int ends[2], go[2];
	char byte;

	CHECK(pipe(ends) == 0 && pipe(go) == 0);
	pid = fork_child();
	if (pid == 0) {
		if (fork_child() == 0) {
			parents[0] = getppid();
			CHECK_EQUAL(read(go[0], &byte, 1), 1);
			parents[1] = getppid();
			CHECK_EQUAL(write(ends[1], parents, sizeof(parents)), sizeof(parents));
		}
		_exit(0);
	}
	wait_success(pid);
	CHECK_EQUAL(write(go[1], "x", 1), 1);
	CHECK_EQUAL(read(ends[0], parents, sizeof(parents)), sizeof(parents));
	CHECK(parents[1] != pid && parents[1] != getpid() && parents[1] > 0);
	CHECK_ERROR(waitpid(-1, NULL, 0), ECHILD);	/* a grandchild is not ours */
	close(ends[0]);
	close(ends[1]);
	close(go[0]);
	close(go[1]);
}

static void many_at_once(void)
{
	enum { CHILDREN = 40 };
	int ends[2], sum = 0, status;
	pid_t pids[CHILDREN];
	char byte;

	CHECK(pipe(ends) == 0);
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork_child();
		if (pids[i] == 0) {
			close(ends[1]);
			read(ends[0], &byte, 1) == 0 ? _exit(i) : _exit(200);
		}
	}
	close(ends[1]);		/* all of them wake at once */
	close(ends[0]);
	for (int i = 0; i < CHILDREN; i++) {
		CHECK(waitpid(-1, &status, 0) > 0 && WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	CHECK_EQUAL(sum, CHILDREN * (CHILDREN - 1) / 2);
}

static void many_in_turn(void)
{
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork_child();

		if (pid == 0)
			_exit(0);
		wait_success(pid);
	}
}

static void deep_family(void)
{
	volatile int depth = 0;

	while (depth < 10) {
		pid_t pid = fork_child();

		if (pid) {
			wait_success(pid);
			if (depth)
				_exit(0);
			return;
		}
		depth++;
	}
	_exit(0);
}

static void fork_copies_memory(void)
{
	static unsigned char data[64 * PAGE];
	unsigned char *heap = malloc(64 * PAGE);
	pid_t pid;

	fill(data, sizeof(data), 1, 0);
	fill(heap, 64 * PAGE, 2, 0);
	pid = fork_child();
	if (pid == 0) {
		CHECK(holds(data, sizeof(data), 1, 0) && holds(heap, 64 * PAGE, 2, 0));
		memset(data, 0, sizeof(data));
		memset(heap, 0, 64 * PAGE);
		_exit(0);
	}
	wait_success(pid);
	CHECK(holds(data, sizeof(data), 1, 0) && holds(heap, 64 * PAGE, 2, 0));
	free(heap);
}

static void vfork_suspends_the_parent(void)
{
	static volatile int shared;
	pid_t pid = vfork();

	if (pid == 0) {
		struct timespec pause = { 0, 30000000 };

		syscall(SYS_nanosleep, &pause, NULL);
		shared = 1;
		_exit(0);
	}
	CHECK(pid > 0);
	CHECK_EQUAL(shared, 1);
	wait_success(pid);
}

static void clone_flags(void)
{
	CHECK_ERROR(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERROR(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), EINVAL);
}

/*
 * Puts a constant into every register that it may use, makes the system call `number` with bad arguments, reads a byte of
 * `page` (which faults it in), and compares. Returns 0, or the number of the first register that changed.
 */
long check_registers(long number, const void *page);
__asm__(
	".text\n"
	".globl check_registers\n"
	"check_registers:\n"
	"	addi sp, sp, -128\n"
	"	sd ra, 0(sp)\n"
	"	sd a0, 8(sp)\n"
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n"
	"	sd s\\n, 16 + 8 * \\n(sp)\n"
	"	.endr\n"
	"	mv a7, a0\n"
	"	mv a6, a1\n"
	"	li ra, 0x1234501\n"
	"	.irp n, 5,6,7,8,9,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"	li x\\n, 0x7654300 + \\n\n"
	"	fmv.d.x f\\n, x\\n\n"
	"	.endr\n"
	"	.irp n, 11,12,13,14,15\n"
	"	li x\\n, -0x70000 - \\n\n"
	"	.endr\n"
	"	li a0, -1\n"
	"	ecall\n"
	"	lb a0, 0(a6)\n"
	"	.irp n, 5,6,7,8,9,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"	li a0, 0x7654300 + \\n\n"
	"	bne a0, x\\n, 1f\n"
	"	.endr\n"
	"	.irp n, 11,12,13,14,15\n"
	"	li a0, -0x70000 - \\n\n"
	"	bne a0, x\\n, 1f\n"
	"	.endr\n"
	"	li a0, 0x1234501\n"
	"	bne a0, ra, 1f\n"
	"	ld a0, 8(sp)\n"
	"	bne a0, a7, 1f\n"
	"	.irp n, 5,6,7,8,9,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"	fmv.x.d a1, f\\n\n"
	"	li a0, 0x7654300 + \\n\n"
	"	bne a0, a1, 1f\n"
	"	.endr\n"
	"	li a0, 0\n"
	"1:	ld ra, 0(sp)\n"
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n"
	"	ld s\\n, 16 + 8 * \\n(sp)\n"
	"	.endr\n"
	"	addi sp, sp, 128\n"
	"	ret\n");

static void registers_survive(void)
{
	static const long calls[] = { SYS_getpid, SYS_close, SYS_munmap, SYS_read, SYS_clock_gettime, 777 };
	int file = make_file("file", 8 * PAGE, 1);

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		char *memory = map_file(file, PAGE, PROT_READ, MAP_PRIVATE, (off_t)(i * PAGE));

		CHECK_EQUAL(check_registers(calls[i], memory), 0);
		munmap(memory, PAGE);
	}
	close(file);
}

/* Several processes compute at the same time; the FPU must be everybody's own. */
static void floating_point(void)
{
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = fork_child();
		if (pids[i] == 0) {
			double first = series(i + 0.5, 40);

			for (int round = 0; round < 500; round++) {
				if (round % 100 == 0)
					usleep(1000);
				CHECK(series(i + 0.5, 40) == first);
			}
			_exit(first > 2.71 * i ? 0 : 1);
		}
	}
	for (int i = 0; i < 4; i++)
		wait_success(pids[i]);
}

static __thread int thread_local = 42;
static __thread char thread_zero[100];

static void thread_local_storage(void)
{
	pid_t pid;

	CHECK(thread_local == 42 && all_bytes(thread_zero, sizeof(thread_zero), 0));
	thread_local = 43;
	pid = fork_child();
	if (pid == 0) {
		CHECK_EQUAL(thread_local, 43);
		thread_local = 44;
		errno = 5;
		_exit(0);
	}
	wait_success(pid);
	CHECK_EQUAL(thread_local, 43);
	thread_local = 42;
}

/* Killed in the midst of each kind of waiting and working. */
static void killed_anywhere(void)
{
	for (int kind = 0; kind < 4; kind++) {
		pid_t pid = fork_child();
		int ends[2], status;
		char byte;

		if (pid == 0) {
			expect_death();
			CHECK(pipe(ends) == 0);
			if (kind == 0)
				for (;;)
					getppid();
			else if (kind == 1)
				sleep(1000);
			else if (kind == 2)
				_exit(read(ends[0], &byte, 1) == 1);
			else if (fork_child() == 0)
				usleep(50000);
			else
				waitpid(-1, NULL, 0);
			_exit(0);
		}
		usleep(10000);
		CHECK(kill(pid, SIGKILL) == 0);
		status = wait_status(pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
}

static const struct test tests[] = {
	{ exit_statuses, "exit_statuses" },
	{ identities, "identities" },
	{ waiting, "waiting" },
	{ wait_with_waitid, "wait_with_waitid" },
	{ wait_for_another, "wait_for_another" },
	{ default_actions, "default_actions" },
	{ ignored_and_blocked, "ignored_and_blocked" },
	{ faults, "faults" },
	{ next_after_each_end, "next_after_each_end" },
	{ stack_grows, "stack_grows" },
	{ stack_overflows, "stack_overflows" },
	{ orphans, "orphans" },
	{ many_at_once, "many_at_once" },
	{ many_in_turn, "many_in_turn" },
	{ deep_family, "deep_family" },
	{ fork_copies_memory, "fork_copies_memory" },
	{ vfork_suspends_the_parent, "vfork_suspends_the_parent" },
	{ clone_flags, "clone_flags" },
	{ registers_survive, "registers_survive" },
	{ floating_point, "floating_point" },
	{ thread_local_storage, "thread_local_storage" },
	{ killed_anywhere, "killed_anywhere" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
