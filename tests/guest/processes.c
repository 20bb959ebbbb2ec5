/*
 * Processes: fork, wait4, waitid, exit, kill and the default actions, orphans. What of the machine is a process's own is in machine.c, starting other
 * programs in exec.c. Handlers may be registered but nothing here relies on one being called.
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
	{ orphans, "orphans" },
	{ many_at_once, "many_at_once" },
	{ many_in_turn, "many_in_turn" },
	{ deep_family, "deep_family" },
	{ fork_copies_memory, "fork_copies_memory" },
	{ vfork_suspends_the_parent, "vfork_suspends_the_parent" },
	{ clone_flags, "clone_flags" },
	{ killed_anywhere, "killed_anywhere" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
