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

#include "proc_kernel.h"
#include "proc_servers.h"
#include "proc_programs.h"

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
