/*
 * The process server against a model of everything around it: kernel threads with tokens, marks and loans, a pager and an fs that
 * take their time, and programs that do random things to themselves and to each other. servers/proc runs unchanged; the
 * model hands it one event per receive, in random order, until process 1 has ended and the machine is off.
 *
 * Checked at each step: every token that proc uses is good; nobody runs after PAGER_exit; a vfork parent does not run beside its
 * child; a child begins with its parent's registers; who is waited for was a child and ended as the status says; fs and pager hear of each
 * process once.
 *
 * sources: libsys/argument.c libsys/format.c libsys/loan.c
 */
#define read_time riscv_read_time
#include "../../libsys/syscall.h"
#undef read_time
static uint64_t now_ticks;
static uint64_t read_time(void)
{
	return now_ticks;
}

/* One unit, so that a run can start from fresh tables. The C library's headers would clash with Linux' own: by hand. */
#include "../../servers/proc/main.c"
#include "../../servers/proc/handed.c"
#include "../../servers/proc/process.c"
#include "../../servers/proc/clone.c"
#include "../../servers/proc/exec.c"
#include "../../servers/proc/exit.c"
#include "../../servers/proc/wait.c"
#include "../../servers/proc/signal.c"
#include "../../servers/proc/clock.c"
#include "../../servers/proc/identity.c"
#include "../../servers/proc/random.c"
#include "../../servers/proc/status.c"

#include <setjmp.h>
int printf(const char *format, ...);
int vprintf(const char *format, va_list arguments);
int atoi(const char *text);
_Noreturn void exit(int status);

/* Stands for initcode.S. */
__asm__(".section .rodata\n.globl initcode_start, initcode_end\ninitcode_start: .zero 64\ninitcode_end: .zero 1\n.text\n");

#define THREADS 8192
#define MEMORY PAGE_BYTES	/* bytes of a program, at MEMORY_BASE; everything else is refused */
#define MEMORY_BASE 0x1000UL
#define BAD_ADDRESS 0xdead0000UL

enum where { NOWHERE, NEW, USER, QUEUED, HELD, FAULTING, DEAD };

static struct thread {
	enum where where;
	enum server server;		/* QUEUED, HELD */
	bool forwarded, routed, exception, marked, told;	/* told: EVENT_INTERRUPTED is due */
	bool lends;			/* its call came with a loan */
	bool present, refused;		/* its memory for the next copy; the pager refused the last fault */
	bool redelivered;
	uint64_t number, identity, badge, label, word[6], cause;
	bool has_exception, begins;	/* begins: has not run yet */
	uint64_t inherits;		/* what a child must find in s1: the parent's when it called clone */
	uint64_t tid_wanted, tid_address;	/* clone's; the child's own. 0: none */
	struct registers registers;
	uint8_t memory[MEMORY];
} threads[THREADS];
static unsigned thread_count;

/* What fs and pager know by process slot, and what the model knows by pid. */
static struct {
	uint64_t fs, pager;		/* identity, 0: none */
	bool closed;			/* FS_exit came */
	bool exited;			/* PAGER_exit is done */
	bool again;			/* its thread was the one of the slot's last process */
	bool ended;			/* its last process's thread is still there */
	unsigned thread;
} slots[PROCESS_MAX];
static uint64_t ends_heard, used_again;
static struct {
	uint64_t sent;			/* signals that may have ended it */
	int exit_code;			/* of its exit call, -1: none */
	uint32_t parent, vfork_child;
	bool shares, waited;
} pids[PID_MAX];

static uint16_t capability[64 + PROCESS_MAX];	/* slot -> thread + 1 */
static unsigned leaves = SERVER_LEAVES, seed, budget, made, max_processes, deaths_in[PROCESS_ZOMBIE + 1];
static bool verbose, gentle;	/* gentle: nobody ends before the budget does, so that the table fills up */
static jmp_buf off;

static unsigned random_number(unsigned below)
{
	static uint64_t state;

	if (seed) {
		state = seed * 0x9e3779b97f4a7c15UL;
		seed = 0;
	}
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (state >> 11) % below : 0;
}

static void fail(const char *file, int line, const char *what)
{
	printf("%s:%d: %s (budget %u)\n", file, line, what, budget);
	exit(1);
}
#define CHECK(condition) do { if (!(condition)) fail(__FILE__, __LINE__, #condition); } while (0)

void log_line(const char *format, ...)
{
	va_list arguments;

	if (!verbose)
		return;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

void panic(const char *format, ...)
{
	va_list arguments;

	printf("panic: ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(1);
}

/* ---- the kernel */

static uint64_t token_of(const struct thread *thread)
{
	return thread->number << TOKEN_THREAD_BITS | (thread - threads);
}

static struct thread *thread_of(uint64_t token)
{
	struct thread *thread = &threads[TOKEN_THREAD(token)];

	return TOKEN_THREAD(token) < thread_count && thread->where == HELD && thread->server == SERVER_PROC && token_of(thread) == token ?
	       thread : NULL;
}

static void queue(struct thread *thread, enum server server, bool forwarded)
{
	thread->where = QUEUED;
	thread->server = server;
	thread->forwarded = forwarded;
	thread->number++;
	thread->told = false;
}

static void make_exception(struct thread *thread, uint64_t cause)
{
	CHECK(thread->has_exception);
	thread->exception = thread->lends = true;
	thread->routed = false;
	thread->redelivered = false;
	thread->badge = BADGE_EXCEPTION;
	thread->label = LABEL_EXCEPTION;
	thread->word[0] = thread->cause = cause;
	queue(thread, SERVER_PROC, false);
}

static void call_linux(struct thread *thread, enum server server, uint64_t number)
{
	thread->exception = false;
	thread->routed = thread->lends = true;
	thread->redelivered = false;
	thread->badge = BADGE_CLIENT;
	thread->label = number;
	thread->registers.x[9] = random_number(1000000);
	queue(thread, server, false);
}

/* It would run user code now. */
static void resume(struct thread *thread)
{
	uint32_t pid = IDENTITY_PID(thread->identity), child = pids[pid].vfork_child;

	if (random_number(2))
		thread->present = false;
	if (thread->marked) {
		thread->marked = false;
		make_exception(thread, EXCEPTION_INTERRUPT);
		return;
	}
	CHECK(!slots[IDENTITY_SLOT(thread->identity)].exited);
	CHECK(slots[IDENTITY_SLOT(thread->identity)].fs == thread->identity);
	CHECK(!child || !pids[child].shares);
	CHECK(!thread->begins || pid == 1 || (thread->registers.x[9] == thread->inherits && !thread->registers.x[10]));
	CHECK(!thread->begins || !thread->tid_address || !memcmp(thread->memory + (thread->tid_address - MEMORY_BASE), &pid, sizeof(pid)));
	thread->begins = false;
	pids[pid].vfork_child = 0;
	thread->where = USER;
}

static void interrupt(struct thread *thread)
{
	CHECK(thread->where != NEW && thread->where != DEAD);
	switch (thread->where) {
	case USER:
		make_exception(thread, EXCEPTION_INTERRUPT);
		break;
	case QUEUED:
		/* A call not yet received is withdrawn, a forward carries the mark. */
		if (!thread->exception && !thread->forwarded && (!thread->redelivered || random_number(2)))
			make_exception(thread, EXCEPTION_INTERRUPT);
		else
			thread->marked = true;
		break;
	default:
		thread->marked = thread->told = true;
	}
}

static long copy(struct thread *thread, uint64_t remote, uint8_t *own, size_t bytes, enum copy_direction direction)
{
	uint8_t *at = thread->memory + (remote - MEMORY_BASE);

	if (remote < MEMORY_BASE || remote >= MEMORY_BASE + MEMORY || !thread->present) {
		if (remote >= INITCODE_BASE && remote < INITCODE_BASE + PAGE_BYTES * INITCODE_PAGES && thread->present)
			return bytes;
		return 0;
	}
	if (bytes > MEMORY_BASE + MEMORY - remote)
		bytes = MEMORY_BASE + MEMORY - remote;
	memcpy(direction == COPY_IN ? own : at, direction == COPY_IN ? at : own, bytes);
	return bytes;
}

static long set_thread(uint64_t slot, uint64_t field, uint64_t value)
{
	struct thread *thread = &threads[capability[slot] - 1];

	CHECK(capability[slot] && (thread->where == NEW || (thread->where == HELD && thread->server == SERVER_PROC && field == THREAD_IDENTITY)));
	switch (field) {
	case THREAD_EXCEPTION:
		CHECK(value == SLOT_EXCEPTION_MASTER);
		thread->has_exception = true;
		break;
	case THREAD_IDENTITY:
		CHECK(value == slots[slot - 64].pager);
		thread->identity = value;
		break;
	case THREAD_START:
		make_exception(thread, EXCEPTION_START);
		break;
	}
	return 0;
}

struct result syscall6(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	struct thread *thread = thread_of(a);
	long value = 0;

	(void)f;
	switch (number) {
	case SYS_copy:
		CHECK(thread);
		value = thread->lends ? copy(thread, b, (uint8_t *)c, d, e) : ERR_NO_LOAN;
		break;
	case SYS_fault:
		CHECK(thread && thread->lends && c & (ACCESS_READ | ACCESS_WRITE));
		thread->where = FAULTING;
		thread->word[5] = b;	/* no call here has six words */
		break;
	case SYS_registers:
		CHECK(thread);
		if (c & REGISTERS_WRITE) {
			thread->registers = *(struct registers *)b;
			thread->exception = thread->lends = true;	/* from now on: the answer leaves them as they are */
		} else if (!thread->routed && !thread->exception)
			value = ERR_INVALID;
		else
			*(struct registers *)b = thread->registers;
		break;
	case SYS_interrupt:
		CHECK(capability[a]);
		interrupt(&threads[capability[a] - 1]);
		break;
	case SYS_cap_mint:
		if (c == SLOT_NOTIFICATION) {
			value = b < 64 + leaves * LEAF_SLOTS ? 0 : ERR_BAD_SLOT;
			break;
		}
		CHECK(b < 64 + leaves * LEAF_SLOTS && d == RIGHT_CONTROL);
		if (capability[b] && threads[capability[b] - 1].where != DEAD)
			value = ERR_IN_USE;
		else
			capability[b] = capability[c];
		break;
	case SYS_cap_delete:
		capability[b] = 0;
		break;
	case SYS_thread_set:
		value = set_thread(a, b, c);
		break;
	default:
		CHECK(!"a kernel call that proc does not make");
	}
	return (struct result){ value, 0 };
}

long ipc_reply(uint64_t token, struct message *message)
{
	struct thread *thread = thread_of(token);

	CHECK(thread);
	if (!thread->exception)
		thread->registers.x[10] = message->word[0];
	if (verbose && thread->routed)
		printf("pid %lu: call %lu = %ld\n", IDENTITY_PID(thread->identity), thread->label, (long)message->word[0]);
	resume(thread);
	return 0;
}

long ipc_forward(uint64_t token, uint64_t slot, struct message *message)
{
	struct thread *thread = thread_of(token);

	CHECK(thread);
	CHECK(message->label != PAGER_fork || message->word[2] == ends_heard);
	CHECK(message->label != PAGER_exit || message->word[1] == ends_heard);
	if (message->label == PAGER_commit || message->label == PAGER_exit)
		pids[IDENTITY_PID(thread->identity)].shares = false;	/* it never runs in that space again */
	thread->label = message->label;
	memcpy(thread->word, message->word, sizeof(thread->word));
	thread->badge = BADGE_PROC;
	queue(thread, slot == SLOT_PAGER ? SERVER_PAGER : SERVER_FS, true);
	return 0;
}

/* ---- fs and pager, as far as proc calls them */

static struct thread *new_thread(uint64_t identity)
{
	struct thread *thread = NULL;
	unsigned slot = IDENTITY_SLOT(identity);

	for (unsigned i = 0; i < THREADS && !thread; i++)
		if (threads[i].where == NOWHERE || threads[i].where == DEAD)
			thread = &threads[i];
	CHECK(thread);
	if (thread - threads >= thread_count)
		thread_count = thread - threads + 1;
	CHECK(!slots[slot].pager && !slots[slot].ended);
	slots[slot].pager = identity;
	slots[slot].exited = slots[slot].again = false;
	slots[slot].thread = thread - threads;
	*thread = (struct thread){ .where = NEW, .number = thread->number + 1, .identity = identity, .begins = true };
	capability[SLOT_RECEIVED] = thread - threads + 1;
	made++;
	return thread;
}

/* The thread that the slot's last process has left, if it is still there. */
static struct thread *old_thread(uint64_t identity)
{
	unsigned slot = IDENTITY_SLOT(identity);

	if (!slots[slot].ended)
		return NULL;
	CHECK(!slots[slot].pager && threads[slots[slot].thread].where == HELD && threads[slots[slot].thread].server == SERVER_PROC);
	slots[slot].pager = identity;
	slots[slot].ended = slots[slot].exited = false;
	slots[slot].again = threads[slots[slot].thread].begins = true;
	made++;
	used_again++;
	return &threads[slots[slot].thread];
}

/* The pager destroys it, if proc has heard of its end, which it counts. */
static void destroy_ended(unsigned slot)
{
	if (!slots[slot].ended || threads[slots[slot].thread].where != HELD)
		return;
	threads[slots[slot].thread].where = DEAD;
	CHECK(capability[64 + slot] == slots[slot].thread + 1);
	capability[64 + slot] = 0;
	if (capability[SLOT_RECEIVED] == slots[slot].thread + 1)
		capability[SLOT_RECEIVED] = 0;
	slots[slot].ended = false;
}

static long fs_call(struct message *message)
{
	uint64_t identity = message->word[0];
	unsigned slot = IDENTITY_SLOT(identity);

	switch (message->label) {
	case FS_fork:
		slot = IDENTITY_SLOT(message->word[1]);
		CHECK(!slots[slot].fs);
		if (message->word[0] && random_number(20) == 0)
			return -ENOMEM;
		slots[slot].fs = message->word[1];
		slots[slot].closed = false;
		memset(&pids[IDENTITY_PID(message->word[1])], 0, sizeof(pids[0]));
		pids[IDENTITY_PID(message->word[1])].exit_code = -1;
		pids[IDENTITY_PID(message->word[1])].sent = BIT(SIGCHLD);	/* a child of its own may end */
		return 0;
	case FS_exit:
		CHECK(slots[slot].fs == identity && !slots[slot].closed);
		slots[slot].closed = true;
		return 0;
	case FS_reap:
		CHECK(slots[slot].fs == identity);
		slots[slot].fs = 0;
		return 0;
	}
	CHECK(slots[slot].fs == identity);
	return 0;
}

static long pager_call(struct message *message)
{
	uint64_t identity = message->word[0];

	switch (message->label) {
	case PAGER_spawn:
		new_thread(identity);
		message->capability = SLOT_RECEIVED;
		return 0;
	case PAGER_vma:
		return -ENOENT;
	}
	return 0;
}

static void check_end(void)
{
	unsigned left = 0;

	for (unsigned slot = 1; slot < PROCESS_MAX; slot++) {
		CHECK(!slots[slot].fs || slots[slot].closed);	/* a zombie of the last process at most */
		left += slots[slot].pager != 0;
	}
	CHECK(left == 1);
	left = 0;
	for (unsigned entry = free_entries; entry; entry = entries[entry].next)
		left++;
	for (unsigned slot = 1; slot < PROCESS_MAX; slot++)
		for (unsigned entry = processes[slot].state == PROCESS_FREE ? 0 : processes[slot].actions; entry; entry = entries[entry].next)
			left++;
	CHECK(left == first_unused - 1u);
}

long ipc_call(uint64_t slot, struct message *message)
{
	long label = 0;

	message->flags = 0;
	if (slot == SLOT_INIT) {
		CHECK(message->label == INIT_poweroff);
		check_end();
		longjmp(off, 1);
	}
	label = slot == SLOT_FS ? fs_call(message) : pager_call(message);
	message->label = label;
	return 0;
}

/* ---- fs and pager, as far as tokens pass through them */

static void to_proc(struct thread *thread, enum badge badge, uint64_t label)
{
	thread->label = label;
	thread->badge = badge;
	queue(thread, SERVER_PROC, true);
}

static void pager_forked(struct thread *thread)
{
	struct proc_forked request = { .identity = thread->word[0], .error = random_number(10) ? 0 : -ENOMEM };
	uint32_t pid = IDENTITY_PID(request.identity), parent = IDENTITY_PID(thread->identity);
	struct thread *child;

	for (unsigned i = 0; i < 2; i++)
		destroy_ended(random_number(process_highest + 2) % PROCESS_MAX);
	CHECK(slots[IDENTITY_SLOT(request.identity)].fs == request.identity);
	pids[pid].parent = parent;
	pids[pid].shares = !request.error && thread->word[1];
	if (!request.error) {
		child = old_thread(request.identity);
		if (!child)
			child = new_thread(request.identity);
		child->inherits = thread->registers.x[9];
		child->tid_address = thread->tid_wanted;
		if (thread->word[1])
			pids[parent].vfork_child = pid;
	}
	memcpy(thread->word, &request, sizeof(request));
	to_proc(thread, BADGE_PAGER, PROC_forked);
}

static void bad_access_of(struct thread *thread, unsigned signal)
{
	struct proc_bad_access request = { signal, 0x123, ACCESS_READ, 0x456 };

	pids[IDENTITY_PID(thread->identity)].sent |= BIT(signal);
	memcpy(thread->word, &request, sizeof(request));
	to_proc(thread, BADGE_PAGER, PROC_bad_access);
}

static void pager_step(struct thread *thread)
{
	struct proc_exec request = { .pc = 0x5000, .sp = 0x6000, .name = "program" };
	unsigned slot = IDENTITY_SLOT(thread->identity);

	switch (thread->label) {
	case PAGER_fork:
		pager_forked(thread);
		break;
	case PAGER_exit:
		CHECK(slots[slot].pager == thread->identity && !slots[slot].exited && !slots[slot].closed);
		slots[slot].exited = true;
		if (!thread->word[0]) {
			slots[slot].ended = true;
			slots[slot].pager = 0;
		}
		to_proc(thread, BADGE_PAGER, PROC_exited);
		break;
	case PAGER_commit:
		CHECK(thread->registers.pc == 0x5000 && thread->registers.x[2] == 0x6000);
		resume(thread);
		break;
	case PAGER_exec:
		memcpy(thread->word, &request, sizeof(request));
		to_proc(thread, BADGE_PAGER, PROC_exec);
		break;
	case LABEL_FAULT:
		if (random_number(6) == 0)
			bad_access_of(thread, random_number(3) ? SIGSEGV : SIGKILL);
		else
			resume(thread);
		break;
	default:
		CHECK(!"the pager's label");
	}
}

/* A fault that proc's copy made. */
static void copy_fault_step(struct thread *thread)
{
	thread->refused = thread->word[5] / PAGE_BYTES != MEMORY_BASE / PAGE_BYTES && thread->word[5] / PAGE_BYTES != INITCODE_BASE / PAGE_BYTES;
	thread->present |= !thread->refused;
	if (random_number(100) == 0 && IDENTITY_PID(thread->identity) != 1) {
		bad_access_of(thread, SIGKILL);		/* memory has run out */
		return;
	}
	thread->redelivered = true;
	queue(thread, SERVER_PROC, false);
	if (thread->marked && !thread->exception && random_number(2)) {
		thread->marked = false;
		make_exception(thread, EXCEPTION_INTERRUPT);
	}
}

enum { MODEL_READ = 63, MODEL_EXECVE = 221 };

static void fs_step(struct thread *thread)
{
	struct proc_signal pipe = { SIGPIPE, -EPIPE };
	struct proc_status_request status = { random_number(20), random_number(5), MEMORY_BASE, 200, random_number(100) };

	if (thread->label == FS_shutdown) {
		to_proc(thread, BADGE_FS, PROC_shut);
		return;
	}
	if (thread->label == MODEL_EXECVE && !thread->marked) {
		thread->label = PAGER_exec;
		queue(thread, SERVER_PAGER, true);
		return;
	}
	switch (random_number(4)) {
	case 0:
		pids[IDENTITY_PID(thread->identity)].sent |= BIT(SIGPIPE);
		memcpy(thread->word, &pipe, sizeof(pipe));
		to_proc(thread, BADGE_FS, PROC_signal);
		break;
	case 1:
		memcpy(thread->word, &status, sizeof(status));
		to_proc(thread, BADGE_FS, PROC_status);
		break;
	default:
		resume(thread);
	}
}

/* ---- programs */

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

/* ---- one receive of proc: let things happen until there is something for it */

static long deliver(struct thread *thread, struct message *message)
{
	long event = thread->redelivered ? EVENT_REDELIVERED : EVENT_MESSAGE;

	thread->where = HELD;
	memcpy(message->word, thread->word, sizeof(message->word));
	message->label = thread->label;
	message->badge = thread->badge;
	message->token = token_of(thread);
	message->identity = thread->identity;
	message->address = !thread->redelivered || !thread->refused ? 0 : thread->word[5] ? thread->word[5] : 1;
	message->capability = thread->label == PROC_forked && !thread->word[1] && !slots[IDENTITY_SLOT(thread->word[0])].again ? SLOT_RECEIVED : 0;
	if (message->capability)
		capability[SLOT_RECEIVED] = slots[IDENTITY_SLOT(thread->word[0])].thread + 1;
	thread->redelivered = thread->refused = false;
	if (thread->routed && (thread->label == LINUX_exit || thread->label == LINUX_exit_group))
		pids[IDENTITY_PID(thread->identity)].exit_code = thread->word[0] & 0xff;
	if (thread->routed && thread->label == LINUX_kill)
		note_signal(thread, thread->word[0], thread->word[1]);
	if (thread->marked)
		thread->told = true;
	ends_heard += thread->label == PROC_exited && event == EVENT_MESSAGE && slots[IDENTITY_SLOT(thread->identity)].ended;
	return event;
}

/* Makes one random thread take a step. True: there is an event for proc. */
static bool step(struct message *message, long *event)
{
	struct thread *thread = &threads[random_number(thread_count)];

	switch (thread->where) {
	case USER:
		if (budget)
			budget--;
		program_step(thread);
		return false;
	case FAULTING:
		copy_fault_step(thread);
		return false;
	case HELD:
		if (thread->server != SERVER_PROC || !thread->told)
			return false;
		thread->told = false;
		message->token = token_of(thread);
		message->identity = thread->identity;
		*event = EVENT_INTERRUPTED;
		return true;
	case QUEUED:
		if (thread->server == SERVER_PROC) {
			*event = deliver(thread, message);
			return true;
		}
		/* The others take their time, but not so long when they are told to hurry. */
		if (random_number(thread->marked ? 2 : 5) == 0) {
			if (thread->server == SERVER_PAGER)
				pager_step(thread);
			else
				fs_step(thread);
		}
		return false;
	default:
		return false;
	}
}

static void stands_still(void)
{
	for (unsigned slot = 1; slot <= process_highest; slot++) {
		const struct process *process = &processes[slot];
		const struct thread *thread = &threads[slots[slot].thread];

		printf("pid %u: state %u parent %u, thread at %u server %u label %lx marked %d\n", process->pid, process->state,
		       process->parent, thread->where, thread->server, thread->label, thread->marked);
	}
	CHECK(!"the system stands still");
}

long ipc_recv(uint64_t endpoint, struct message *message)
{
	long event;

	CHECK(endpoint == SLOT_ENDPOINT && message->receive_slot == SLOT_RECEIVED);
	/* However many calls come: whoever has slept enough has been woken, and the next one will be. */
	CHECK(message->deadline == sleeper_first() && (!message->deadline || message->deadline > now_ticks));
	for (unsigned tries = 0;; tries++) {
		now_ticks += random_number(2000);
		if (message->deadline && now_ticks >= message->deadline && random_number(3) == 0)
			return EVENT_TIMEOUT;
		if (budget && random_number(20000) == 0) {
			for (unsigned pid = 1; pid < PID_MAX; pid++)
				pids[pid].sent |= BIT(SIGINT);
			message->word[0] = NOTIFY_CONSOLE_INTERRUPT;
			return EVENT_NOTIFICATION;
		}
		if (step(message, &event))
			return event;
		if (tries > 2000000)
			stands_still();
	}
}

long ipc_reply_recv(uint64_t token, uint64_t endpoint, struct message *message)
{
	ipc_reply(token, message);
	return ipc_recv(endpoint, message);
}

long ipc_forward_recv(uint64_t token, uint64_t slot, uint64_t endpoint, struct message *message)
{
	ipc_forward(token, slot, message);
	return ipc_recv(endpoint, message);
}

static void reset(void)
{
	memset(threads, 0, sizeof(threads));
	memset(slots, 0, sizeof(slots));
	memset(pids, 0, sizeof(pids));
	memset(capability, 0, sizeof(capability));
	memset(processes, 0, sizeof(processes));
	memset(slot_of_pid, 0, sizeof(slot_of_pid));
	memset(pid_uses, 0, sizeof(pid_uses));
	memset(entries, 0, sizeof(entries));
	memset(&shutdown, 0, sizeof(shutdown));
	ends_heard = exits_heard = 0;
	copied_from = NULL;
	thread_count = process_highest = process_living = free_slots = last_pid = free_entries = sleepers = made = 0;
	first_unused = 1;
	served = NULL;
	pids[1].exit_code = -1;
	now_ticks = 1;
}

static void run(unsigned number, unsigned steps, unsigned processes_at_once)
{
	static struct start_info start = { .timebase_hz = 10000000, .realtime_ns = 1700000000123456789, .arguments = "log=1 -- echo hi" };

	reset();
	seed = number;
	budget = steps;
	max_processes = processes_at_once;
	if (!setjmp(off))
		server_main(&start);
}

/* Small requests share a block: no byte is given twice, none stays behind, and large ones do not disturb them. */
static void check_random(void)
{
	static uint8_t drawn[400][16], large[100];

	random_init((const uint8_t[32]){ 1, 2, 3 });
	for (unsigned i = 0; i < 400; i++) {
		random_bytes(drawn[i], i % 3 ? sizeof(drawn[i]) : 8);
		if (i % 50 == 0)
			random_bytes(large, sizeof(large));
		for (unsigned gone = 0; gone < sizeof(spare) - spare_bytes; gone++)
			CHECK(!spare[gone]);
		for (unsigned j = 0; j < i; j++)
			CHECK(memcmp(drawn[i], drawn[j], 8) && memcmp(drawn[i], drawn[j] + 8, 8));
	}
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "free", "making", "starting", "running", "forking", "vforked", "waiting", "sleeping",
					     "last", "exiting", "zombie" };
	unsigned runs = argc > 1 ? atoi(argv[1]) : 150, first = argc > 2 ? atoi(argv[2]) : 1, total = 0;

	verbose = argc > 3;
	check_random();
	for (unsigned i = first; i < first + runs; i++) {
		run(i, i % 50 ? 4000 : 60000, i % 50 ? 2 + i % 17 : 300);
		total += made;
	}
	gentle = true;
	run(1, 30000, PROCESS_MAX + 10);
	CHECK(made >= PROCESS_MAX - 1);
	leaves = 2;
	run(1, 10000, PROCESS_MAX + 10);
	CHECK(made >= 2 * LEAF_SLOTS - 1);
	leaves = SERVER_LEAVES;
	gentle = false;
	run(2, 400000, 40);
	CHECK(made > PID_MAX);
	total += made;
	CHECK(used_again > total / 4);
	printf("%u runs, %u processes, %lu with the thread of another one; SIGKILLs met:", runs, total, used_again);
	for (unsigned state = PROCESS_MAKING; state <= PROCESS_ZOMBIE; state++)
		printf(" %s %u", names[state], deaths_in[state]);
	printf("\n");
	return 0;
}
