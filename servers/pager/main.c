/*
 * The pager: one loop that receives, does a bounded step, answers or parks. The tables below say which operation a label
 * stands for and who may ask for it; everything else that arrives is refused. What a message says is input, whoever sent it.
 *
 * Reading order: straight.c (what is answered at once), calls.c (a fault), processes.c, exec.c, files.c; park.c for what waits; core/core.h for what is decided there.
 */
#include "calls.h"
#include "memory.h"
#include "reply.h"
#include "requests.h"
#include "served.h"
#include "straight.h"
#include "table.h"

#include <linux/errno.h>

#define STEPS_PER_MESSAGE 4
#define FIRST_SECONDS 1			/* whoever starts the system does not find it busy with what can wait */
#define WRITE_BACK_SECONDS 5
#define TURNS_PER_SECOND 100		/* a turn is as long as the kernel's time slice */
#define IN_THE_PAST 1			/* a deadline: receive what is there, do not wait */

static long (*const linux_operation[LINUX_CALLS])(struct call *) = {
#define LINUX_PAGER(number, name)	[number] = linux_##name,
#define LINUX_FS(number, name)
#define LINUX_PROC(number, name)
#define X(number, name, server)		LINUX_##server(number, name)
	LINUX_CALL_LIST(X)
#undef X
};

/* By label - PAGER_FIRST. A row has one of the two operations. */
#define PAGER_FIRST PAGER_spawn
static const struct {
	uint64_t badge;
	long (*prompt)(const struct message *request, struct message *reply);
	long (*forward)(struct call *call);
} pager_operation[] = {
#define PAGER_CALL(name)	.prompt = prompt_##name
#define PAGER_FORWARD(name)	.forward = forward_##name
#define X(number, name, how, from, text) [number - PAGER_FIRST] = { BADGE_##from, PAGER_##how(name) },
	PAGER_LIST(X)
#undef X
};
#define PAGER_OPERATIONS (sizeof(pager_operation) / sizeof(pager_operation[0]))

static uint64_t timebase_hz;
static struct job write_back, deferred;
static bool write_back_waits;

static void refuse(const struct message *message, long error)
{
	struct message reply = { .label = error };

	reply.word[0] = error;		/* what a routed caller sees */
	reply_call(message->token, &reply);
}

static void dispatch_fault(const struct message *message)
{
	struct process *process = process_find(message->identity);

	/* The badge names the space that the thread ran in when it faulted. */
	if (!process || !process->domain || message->badge != BADGE_FAULT + process->domain->number) {
		log_line("pager: a fault from nowhere: badge %lx, identity %lx", (unsigned long)message->badge, (unsigned long)message->identity);
		refuse(message, -ESRCH);
		return;
	}
	if (message->word[1] & ACCESS_COPY)
		faults_copy++;
	call_begin(process, message, serve_fault);
}

static void dispatch_linux(const struct message *message)
{
	struct process *process = process_find(message->identity);

	if (message->label >= LINUX_CALLS || !linux_operation[message->label])
		refuse(message, -ENOSYS);
	else if (!process || !process->domain)
		refuse(message, -ESRCH);
	else
		call_begin(process, message, linux_operation[message->label]);
}

/* A process that has given up its space can still end, and its last token may carry a sync. */
static bool needs_space(uint64_t label)
{
	return label != PAGER_exit && label != PAGER_sync && label != PAGER_truncate;
}

static bool allowed(const struct message *message, uint64_t row)
{
	return message->badge == pager_operation[row].badge || ((message->label == PAGER_counters || message->label == PAGER_vma) && message->badge == BADGE_PROC);
}

static void dispatch_server(const struct message *message)
{
	uint64_t row = message->label - PAGER_FIRST;
	struct message reply = { 0 };
	struct process *process;

	if (row >= PAGER_OPERATIONS || !allowed(message, row)) {
		refuse(message, -ENOSYS);
		return;
	}
	if (pager_operation[row].prompt) {
		reply.label = pager_operation[row].prompt(message, &reply);
		reply_call(message->token, &reply);
		return;
	}
	process = process_find(message->identity);
	if (!process || (!process->domain && needs_space(message->label)))
		refuse(message, -ESRCH);
	else
		call_begin(process, message, pager_operation[row].forward);
}

static void dispatch_message(const struct message *message)
{
	if (message->badge >= BADGE_FAULT && message->label == LABEL_FAULT)
		dispatch_fault(message);
	else if (message->badge == BADGE_CLIENT && message->label != PAGER_supply)
		dispatch_linux(message);
	else if (message->badge == BADGE_CLIENT || message->badge == BADGE_FS || message->badge == BADGE_PROC)
		dispatch_server(message);
	else
		refuse(message, -ENOSYS);
}

/* Write-back fills half of the ring at most, and goes on when there is room again. */
static void write_back_step(struct job *job)
{
	write_back_waits = !requests_room();
	if (!write_back_waits && core_write_back_step())
		job_queue(job);
}

static void deferred_step(struct job *job)
{
	if (core_deferred_step())
		job_queue(job);
}

static void deferred_begin(void)
{
	job_queue(&deferred);
}

static RARE void timer_start(uint64_t seconds)
{
	sys_timer_set(SLOT_CONTROL, SLOT_NOTIFICATION, NOTIFY_TIMER, read_time() + seconds * timebase_hz);
}

/* That nobody is ready, once. */
static void ask_for_idle(void)
{
	sys_irq_bind(SLOT_IRQ, IRQ_IDLE, SLOT_NOTIFICATION, NOTIFY_IRQ);
}

/*
 * The pager stands above all programs: while it works none of them runs. So that a program that has it read a gigabyte gets no more of the
 * processor than the others, long work and programs take turns; nobody waits for programs that do not want theirs, which IRQ_IDLE says.
 */
static uint64_t turn_end;		/* rdtime */
static bool programs_turn;

static void turn_begin(uint64_t now, bool programs)
{
	programs_turn = programs;
	turn_end = now + timebase_hz / TURNS_PER_SECOND;
	if (programs)
		ask_for_idle();
}

/* Until when to wait for a message while there are jobs. Long work begins with its own turn, unless the last was just now. */
static RARE uint64_t patience(void)
{
	uint64_t now = read_time();

	if (jobs_soon())
		return IN_THE_PAST;
	if (now >= turn_end)
		turn_begin(now, !programs_turn && now - turn_end < timebase_hz / TURNS_PER_SECOND);
	return programs_turn ? turn_end : IN_THE_PAST;
}

/* One frame each time: a program that becomes ready meanwhile waits for no more than that. */
static RARE void idle(void)
{
	programs_turn = false;
	if (core_clear_ahead())
		ask_for_idle();
}

static void tick(void)
{
	timer_start(WRITE_BACK_SECONDS);
	ask_for_idle();
}

static void dispatch_notification(uint64_t bits)
{
	if (bits & NOTIFY_RING_UPPER)
		requests_answers();
	if (bits & NOTIFY_TIMER)
		tick();
	if (bits & NOTIFY_IRQ)
		idle();
	if (bits & NOTIFY_TIMER || write_back_waits)
		job_queue(&write_back);
}

/* As on Linux, work on files and memory is finished: it ends soon. What waits for a program does not. */
static void dispatch_interrupted(const struct message *message)
{
	struct process *process = process_find(message->identity);
	struct call *call = process ? &process->call : 0;

	if (call && call->token == message->token)
		served_interrupted(call);
}

static void dispatch(long event, const struct message *message)
{
	switch (event) {
	case EVENT_MESSAGE:
	case EVENT_REDELIVERED:
		dispatch_message(message);
		break;
	case EVENT_NOTIFICATION:
		dispatch_notification(message->word[0]);
		break;
	case EVENT_INTERRUPTED:
		dispatch_interrupted(message);
		break;
	case EVENT_TIMEOUT:
		break;
	default:
		panic("pager: receive failed: %ld", event);
	}
}

static _Noreturn void broken(const char *fact)
{
	panic("pager: %s", fact);
}

/* Who is wrong about a name must not measure the default. */
static void set_by_name(const char *arguments, const char *key, bool (*set)(const char *name, size_t length))
{
	size_t length;
	const char *name = argument_value(arguments, key, &length);

	if (name && !set(name, length))
		panic("pager: the boot argument %s= gives a name that is none", key);
}

static void start_core(const struct start_info *start)
{
	static const struct core_ops ops = {
		.unmap = table_unmap, .protect = table_protect, .scan = table_scan,
		.request = request_queue, .wake = job_wake, .later = deferred_begin, .clear_ahead = ask_for_idle, .now = read_time, .broken = broken,
	};
	struct extent extents[sizeof(start->memory) / sizeof(start->memory[0])];
	uint64_t lowest, highest;

	memory_start(start, &lowest, &highest, extents);
	core_init(&ops, WINDOW, lowest, highest);
	set_by_name(start->arguments, "policy", core_set_policy);
	set_by_name(start->arguments, "readahead", core_set_read_ahead);
	for (unsigned i = 0; i < sizeof(extents) / sizeof(extents[0]); i++) {
		if (extents[i].pages)
			core_add_memory(extents[i].physical, extents[i].pages);
	}
}

_Noreturn void server_main(const struct start_info *start)
{
	start_core(start);
	requests_start(start);
	exec_start(start->random);
	write_back.run = write_back_step;
	deferred.run = deferred_step;
	timebase_hz = start->timebase_hz;
	timer_start(FIRST_SECONDS);
	for (;;) {
		long event;
		const struct message *message = straight_receive(jobs_waiting() ? patience() : 0, &event);

		if (requests_quiet)
			requests_answers();
		dispatch(event, message);
		if (jobs_waiting())
			jobs_run(STEPS_PER_MESSAGE, !programs_turn);
		if (requests_news)
			requests_tell();
	}
}
