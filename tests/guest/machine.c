/*
 * What of the machine is a process's own: its registers, the FPU's included, its stack, thread-local memory; and what it must not do: faults.
 */
#include "test.h"

#include <sched.h>
#include <sys/syscall.h>

static int run_code(uint32_t instruction)
{
	uint32_t *code = map_memory(PAGE, MAP_PRIVATE);
	int signal;

	code[0] = instruction;
	CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
	__builtin___clear_cache((char *)code, (char *)code + 4);
	signal = CALL_SIGNAL(code);
	munmap(code, PAGE);
	return signal;
}

static void faults(void)
{
	volatile uintptr_t nowhere = 0;

	CHECK_EQUAL(READ_SIGNAL(nowhere), SIGSEGV);
	CHECK_EQUAL(WRITE_SIGNAL(nowhere + 8), SIGSEGV);
	CHECK_EQUAL(WRITE_SIGNAL((uintptr_t)faults), SIGSEGV);		/* the program's own code */
	CHECK_EQUAL(WRITE_SIGNAL("constant"), SIGSEGV);
	CHECK_EQUAL(run_code(0x00008067), 0);				/* ret */
	CHECK_EQUAL(run_code(0xffffffff), SIGILL);
	CHECK_EQUAL(run_code(0x00100073), SIGTRAP);			/* ebreak */
	CHECK_EQUAL(run_code(0x10200073), SIGILL);			/* sret: not for user mode */
	CHECK_EQUAL(CALL_SIGNAL(nowhere), SIGSEGV);
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

static const struct test tests[] = {
	{ faults, "faults" },
	{ next_after_each_end, "next_after_each_end" },
	{ stack_grows, "stack_grows" },
	{ stack_overflows, "stack_overflows" },
	{ registers_survive, "registers_survive" },
	{ floating_point, "floating_point" },
	{ thread_local_storage, "thread_local_storage" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
