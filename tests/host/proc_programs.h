/*
 * The programs of proc_life.c: they do random things to themselves and to each other, and look at what came of it.
 */
#ifndef PROC_PROGRAMS_H
#define PROC_PROGRAMS_H

static uint64_t somewhere(void)
{
	return random_number(20) ? MEMORY_BASE + random_number(8) * 64 : BAD_ADDRESS;
}

static int32_t some_pid(void)
{
	static const int special[] = { 0, -1, -1, -2, -300, 40000 };

	return random_number(12) ? (int)processes[random_number(process_highest + 1)].pid : special[random_number(6)];
}

static unsigned some_signal(void)
{
	static const uint8_t signals[] = { 0, SIGTERM, SIGKILL, SIGKILL, SIGINT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGUSR1, 40, 64, 65 };

	return signals[random_number(sizeof(signals))];
}

static void set_words(struct thread *thread, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	thread->word[0] = a;
	thread->word[1] = b;
	thread->word[2] = c;
	thread->word[3] = d;
	thread->word[4] = e;
}

static void note_signal(struct thread *thread, int32_t pid, unsigned signal)
{
	struct process *to = process_of_pid(pid);

	if (signal < 1 || signal > 64)
		return;
	for (unsigned other = 1; other < PID_MAX && pid <= 0; other++)
		pids[other].sent |= BIT(signal);
	if (pid > 0 && pid < PID_MAX)
		pids[pid].sent |= BIT(signal);
	if (to && to->pid != IDENTITY_PID(thread->identity) && signal == SIGKILL)
		deaths_in[to->state]++;
}

static void program_wait(struct thread *thread)
{
	static const unsigned which[] = { P_ALL, P_PID, P_PGID, 9 };
	uint64_t status = random_number(4) ? somewhere() : 0;

	if (random_number(3)) {
		set_words(thread, random_number(3) ? -1 : some_pid(), status, random_number(2) ? WNOHANG : 0, 0, 0);
		call_linux(thread, SERVER_PROC, LINUX_wait4);
	} else {
		set_words(thread, which[random_number(4)], some_pid(), status,
			  WEXITED | (random_number(2) ? WNOHANG : 0) | (random_number(3) ? 0 : WNOWAIT), 0);
		call_linux(thread, SERVER_PROC, LINUX_waitid);
	}
}

static void program_clone(struct thread *thread)
{
	static const uint64_t extra[] = { 0, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, CLONE_PARENT_SETTID, CLONE_VFORK, CLONE_VFORK | CLONE_VM,
					  CLONE_VFORK | CLONE_VM, CLONE_VM, CLONE_THREAD };
	uint64_t flags = (random_number(10) ? SIGCHLD : 0) | extra[random_number(8)];

	if (process_living >= max_processes || !budget)
		flags = CLONE_THREAD;
	set_words(thread, flags, 0, somewhere(), 0, somewhere());
	thread->tid_wanted = flags & CLONE_CHILD_SETTID && thread->word[4] != BAD_ADDRESS ? thread->word[4] : 0;
	call_linux(thread, SERVER_PROC, LINUX_clone);
}

static void program_signals(struct thread *thread)
{
	static const uint64_t handlers_of[] = { 0, 0, 1, 1, 0x7777 };
	uint64_t *memory = (uint64_t *)thread->memory;

	if (random_number(2)) {
		/* Process 1 shall live long in a long run: no handlers. */
		memory[0] = handlers_of[random_number(budget > 4000 && IDENTITY_PID(thread->identity) == 1 ? 4 : 5)];
		memory[1] = random_number(4) ? 0 : SA_NOCLDWAIT;
		memory[2] = random_number(3);
		set_words(thread, some_signal(), random_number(3) ? MEMORY_BASE : 0, random_number(2) ? somewhere() : 0, 8, 0);
		call_linux(thread, SERVER_PROC, LINUX_rt_sigaction);
	} else {
		memory[0] = random_number(2) ? 0 : BIT(SIGTERM) | BIT(SIGKILL) | BIT(SIGCHLD);
		set_words(thread, random_number(4), MEMORY_BASE, random_number(2) ? somewhere() : 0, 8, 0);
		call_linux(thread, SERVER_PROC, LINUX_rt_sigprocmask);
	}
}

static void program_small(struct thread *thread)
{
	static const uint16_t calls[] = { LINUX_getpid, LINUX_getppid, LINUX_gettid, LINUX_uname, LINUX_clock_gettime, LINUX_getrandom,
					  LINUX_setsid, LINUX_setpgid, LINUX_getpgid, LINUX_prlimit64, LINUX_times, LINUX_sysinfo,
					  LINUX_gettimeofday, LINUX_getresuid, LINUX_clock_getres, LINUX_set_tid_address, 500, 5000 };

	set_words(thread, random_number(3) ? random_number(10) : somewhere(), random_number(2) ? 16 : somewhere(), 0, somewhere(), 0);
	call_linux(thread, SERVER_PROC, calls[random_number(sizeof(calls) / 2)]);
}

static void program_sleep(struct thread *thread)
{
	uint64_t *memory = (uint64_t *)thread->memory;

	memory[0] = random_number(3);
	memory[1] = random_number(1000000000 + (random_number(10) ? 0 : 100));
	set_words(thread, MEMORY_BASE, MEMORY_BASE, 0, 0, 0);
	call_linux(thread, SERVER_PROC, LINUX_nanosleep);
}

static void program_exit(struct thread *thread)
{
	if (!budget && random_number(30) == 0) {
		set_words(thread, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0, 0);
		call_linux(thread, SERVER_PROC, LINUX_reboot);
		return;
	}
	set_words(thread, random_number(300), 0, 0, 0, 0);
	call_linux(thread, SERVER_PROC, random_number(2) ? LINUX_exit : LINUX_exit_group);
}

/* A call's result is looked at before the next call is made. */
static void look_at_result(struct thread *thread)
{
	uint32_t pid = IDENTITY_PID(thread->identity);
	long result = thread->registers.x[10];

	if (!thread->routed)
		return;
	thread->routed = false;
	if (thread->label == LINUX_getpid || thread->label == LINUX_gettid)
		CHECK(result == pid);
	if (thread->label == LINUX_wait4 && result > 0) {
		int32_t status;

		memcpy(&status, thread->memory + (thread->word[1] - MEMORY_BASE) % MEMORY, sizeof(status));
		CHECK(pids[result].parent == pid && !pids[result].waited);
		pids[result].waited = true;
		if (!thread->word[1])
			return;
		if (status & 0x7f && !(pids[result].sent & BIT(status & 0x7f)))
			printf("pid %ld: status %x, sent %lx\n", result, status, pids[result].sent);
		if (status & 0x7f)
			CHECK(pids[result].sent & BIT(status & 0x7f));
		else
			CHECK(status >> 8 == (pids[result].exit_code & 0xff));
	}
}

static void program_step(struct thread *thread)
{
	uint32_t pid = IDENTITY_PID(thread->identity);
	int32_t to;
	unsigned signal;

	look_at_result(thread);
	switch (pid == 1 && !budget ? 0 : gentle && budget ? random_number(2) + 1 : random_number(pid == 1 ? 11 : 12) + 1) {
	case 0: case 12:
		program_exit(thread);
		break;
	case 1: case 2:
		program_clone(thread);
		break;
	case 3: case 4:
		program_wait(thread);
		break;
	case 5:
		to = some_pid();
		signal = some_signal();
		set_words(thread, to, signal, 0, 0, 0);
		call_linux(thread, SERVER_PROC, LINUX_kill);
		break;
	case 6:
		program_signals(thread);
		break;
	case 7:
		program_sleep(thread);
		break;
	case 8:
		call_linux(thread, SERVER_FS, MODEL_READ);
		break;
	case 9:
		if (pid != 1 || random_number(2)) {
			call_linux(thread, SERVER_FS, MODEL_EXECVE);
			break;
		}
		/* fall through */
	case 10:
		program_small(thread);
		break;
	case 11:
		if (pid == 1) {
			program_small(thread);
		} else if (random_number(3) == 0) {
			pids[pid].sent |= BIT(SIGILL);
			make_exception(thread, EXCEPTION_ILLEGAL);
		} else {
			thread->routed = thread->exception = thread->lends = false;
			thread->label = LABEL_FAULT;
			queue(thread, SERVER_PAGER, false);
		}
		break;
	}
}

#endif
