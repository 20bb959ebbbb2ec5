/* Thread settings, scheduling, FPU state, registers, exceptions. */
#include "test.h"

static void nothing(struct worker *worker)
{
	worker->result = 1;
}

static void settings(void)
{
	struct worker *worker = worker_new(nothing, OWN, 0, 5);
	uint64_t thread = worker->thread, notification = object_new(KIND_NOTIFICATION), other = mint(notification, RIGHT_SEND, 0);
	uint64_t second = object_new(KIND_NOTIFICATION);
	uint64_t endpoint = object_new(KIND_ENDPOINT), receive_only = mint(endpoint, RIGHT_RECEIVE, 0), bare;

	CHECK(sys_thread_set(thread, 0, 0), ERR_INVALID);
	CHECK(sys_thread_set(thread, 8, 0), ERR_INVALID);
	CHECK(sys_thread_set(thread, THREAD_SPACE, EMPTY_SLOT), ERR_BAD_SLOT);
	CHECK(sys_thread_set(thread, THREAD_SPACE, thread), ERR_WRONG_KIND);
	CHECK(sys_thread_set(thread, THREAD_FAULT, EMPTY_SLOT), ERR_BAD_SLOT);
	CHECK(sys_thread_set(thread, THREAD_FAULT, receive_only), ERR_NO_RIGHT);
	CHECK(sys_thread_set(thread, THREAD_EXCEPTION, notification), ERR_WRONG_KIND);
	CHECK(sys_thread_set(thread, THREAD_PRIORITY, PRIORITIES), ERR_INVALID);
	CHECK(sys_thread_set(thread, THREAD_PRIORITY, ~0UL), ERR_INVALID);
	CHECK(sys_thread_set(thread, THREAD_BOUND, other), ERR_NO_RIGHT);
	CHECK(sys_thread_set(thread, THREAD_BOUND, endpoint), ERR_WRONG_KIND);
	CHECK(sys_thread_set(thread, THREAD_BOUND, notification), OK);
	CHECK(sys_thread_set(INIT_SLOT_THREAD, THREAD_BOUND, notification), ERR_IN_USE);
	CHECK(sys_thread_set(thread, THREAD_BOUND, notification), ERR_IN_USE);
	CHECK(sys_thread_set(thread, THREAD_BOUND, second), ERR_IN_USE);
	object_free(notification);
	CHECK(sys_thread_set(thread, THREAD_BOUND, second), OK);	/* a dead one does not count */
	CHECK(sys_thread_set(thread, THREAD_BOUND, 0), ERR_BAD_SLOT);
	CHECK(sys_thread_set(INIT_SLOT_THREAD, THREAD_SPACE, OWN), ERR_INVALID);	/* it runs */
	CHECK(sys_thread_set(INIT_SLOT_THREAD, THREAD_START, 0), ERR_INVALID);
	bare = object_new(KIND_THREAD);
	CHECK(sys_thread_set(bare, THREAD_START, 0), ERR_INVALID);	/* no space, no exception endpoint */
	CHECK(sys_thread_set(bare, THREAD_SPACE, OWN), OK);
	CHECK(sys_thread_set(bare, THREAD_START, 0), ERR_INVALID);
	object_free(bare);
	worker_start(worker);
	CHECK(worker->result, 1);
	CHECK(sys_thread_set(thread, THREAD_START, 0), ERR_INVALID);
	worker_free(worker);
	object_free(second);
	slot_free(other);
	slot_free(receive_only);
	object_free(endpoint);
}

static void set_high(struct worker *worker)
{
	worker->result = sys_thread_set(10, THREAD_PRIORITY, 6);
	worker->argument[0] = (uint64_t)sys_thread_set(10, THREAD_PRIORITY, 5);
	worker->argument[1] = (uint64_t)sys_thread_set(10, THREAD_PRIORITY, 2);
}

static void priorities(void)
{
	struct worker *worker = worker_new(set_high, second_space, 0, 5);

	give_slot(second_space, 10, worker->thread, RIGHT_CONTROL, 0);
	worker_start(worker);
	CHECK(worker->result, ERR_NO_RIGHT);
	CHECK(worker->argument[0], OK);
	CHECK(worker->argument[1], OK);
	sys_cap_delete(second_space, 10);
	worker_free(worker);
}

static volatile bool stop;

static void spin(struct worker *worker)
{
	while (!stop)
		worker->argument[0]++;
}

/* Like worker_start, but does not wait until everything has settled, which it never does here. */
static void spinner_start(struct worker *worker)
{
	struct registers registers = { .pc = (uint64_t)worker->function };
	struct message *start;

	CHECK(sys_thread_set(worker->thread, THREAD_START, 0), OK);
	start = receive(exceptions, EVENT_MESSAGE);
	registers.x[10] = (uint64_t)worker;
	registers.x[2] = (uint64_t)(worker->stack + sizeof(worker->stack) / sizeof(worker->stack[0]));
	__asm__ volatile("mv %0, gp" : "=r"(registers.x[3]));
	sys_registers(start->token, &registers, REGISTERS_WRITE);
	reply(start->token, 0, 0);
}

/* Main lets the others run. */
static void pass(unsigned parts_of_second)
{
	struct message message = { .deadline = read_time() + boot->timebase_hz / parts_of_second };

	CHECK(ipc_recv(0, &message), EVENT_TIMEOUT);
}

/* Two at one priority that never wait: both go on, though neither gives up the hart. */
static void slices(void)
{
	struct worker *one = worker_new(spin, OWN, 0, 5), *two = worker_new(spin, OWN, 0, 5), *low = worker_new(spin, OWN, 0, 4);
	bool even = false;

	stop = false;
	spinner_start(one);
	spinner_start(two);
	spinner_start(low);
	for (unsigned i = 0; i < 100 && !even; i++) {	/* a busy host may take a slice as a whole */
		pass(5);
		even = one->argument[0] > 1000 && one->argument[0] < 4 * two->argument[0] && two->argument[0] < 4 * one->argument[0];
	}
	CHECK(even, true);
	CHECK(low->argument[0], 0);
	worker_free(one);
	worker_free(two);
	worker_free(low);
}

/* One that only makes calls, answered at a higher priority; the time slice nearly always ends there. Another one has its turns all the same. */
static void echo(struct worker *worker)
{
	ipc_recv(worker->argument[0], &worker->message);
	for (;;) {
		for (volatile int i = 0; i < 50000; i++)
			;
		ipc_reply_recv(worker->message.token, worker->argument[0], &worker->message);
	}
}

static volatile uint64_t asked;

static void ask(struct worker *worker)
{
	for (; !stop; asked++)
		ipc_call(worker->argument[0], &worker->message);
}

/* How often did the one that asks go on in the meantime? Each time, a turn of this thread has begun. */
static void count_turns(struct worker *worker)
{
	for (uint64_t last = 0; !stop; )
		if (last != asked) {
			last = asked;
			worker->argument[0]++;
		}
}

static void slices_of_callers(void)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT);
	struct worker *server = worker_new(echo, OWN, 0, 9), *caller = worker_new(ask, OWN, 0, 5), *other = worker_new(count_turns, OWN, 0, 5);

	stop = false;
	server->argument[0] = caller->argument[0] = endpoint;
	spinner_start(server);
	spinner_start(caller);
	spinner_start(other);
	for (unsigned i = 0; i < 100 && other->argument[0] <= 10; i++)	/* about 50 in a second, if the host lets the guest run */
		pass(4);
	CHECK(other->argument[0] > 10, true);
	worker_free(other);
	worker_free(caller);
	worker_free(server);
	object_free(endpoint);
}

/* FPU registers and the rounding mode survive others' use of them. */
static void fpu_user(struct worker *worker)
{
	uint64_t seed = worker->argument[0], bad = 0;

	fpu_fill(seed);
	for (int i = 0; i < 20; i++) {
		ipc_call(10, &worker->message);
		bad |= fpu_mismatch(seed);
		if (i % 3 == 0)
			fpu_fill(++seed);
	}
	worker->argument[1] = bad;
}

static void fpu(void)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT);
	struct worker *worker[3];

	give_slot(second_space, 10, endpoint, RIGHT_SEND, 0);
	for (unsigned i = 0; i < 3; i++) {
		worker[i] = worker_new(fpu_user, second_space, 0, 5);
		worker[i]->argument[0] = 0x4000000000000000 + i * 0x1111;
		worker_start(worker[i]);
	}
	fpu_fill(7);
	for (unsigned i = 0; i < 60; i++) {
		struct message *message = receive(endpoint, EVENT_MESSAGE);
		uint64_t token = message->token;

		if (i % 7 == 0)
			CHECK(fpu_mismatch(7), 0);
		CHECK(reply(token, 0, 0), OK);
	}
	settle();
	for (unsigned i = 0; i < 3; i++) {
		CHECK(worker[i]->done, true);
		CHECK(worker[i]->argument[1], 0);
		worker_free(worker[i]);
	}
	CHECK(fpu_mismatch(7), 0);
	fpu_fill(0);
	sys_cap_delete(second_space, 10);
	object_free(endpoint);
}

/* Exceptions: cause, pc, value; registers read and written, FPU included; the thread goes on where it is told to. */
static void illegal(struct worker *worker)
{
	fpu_fill(0x77);
	__asm__ volatile("li t6, 0x1234\n.word 0\nsd t6, 0(%0)" :: "r"(&worker->argument[0]) : "t6", "memory");
	worker->argument[1] = fpu_mismatch(0x88);
}

static void breakpoint(struct worker *worker)
{
	(void)worker;
	__asm__ volatile("ebreak");
}

static void access(struct worker *worker)
{
	worker->argument[0] = *(volatile uint64_t *)worker->argument[3];
}

static void exceptional(void)
{
	static struct registers registers;
	struct worker *worker = worker_new(illegal, second_space, 0, 5);
	struct message *message;
	uint64_t token;

	worker_start(worker);
	message = receive(exceptions, EVENT_MESSAGE);
	token = message->token;
	CHECK(message->label, LABEL_EXCEPTION);
	CHECK(message->word[0], EXCEPTION_ILLEGAL);
	CHECK(sys_registers(token, &registers, 8), ERR_INVALID);
	CHECK(sys_registers(token, (struct registers *)NOWHERE, 0), ERR_BAD_ADDRESS);
	CHECK(sys_registers(token, (struct registers *)NOWHERE, REGISTERS_WRITE), ERR_BAD_ADDRESS);
	CHECK(sys_registers(token, &registers, REGISTERS_FPU), OK);
	CHECK(registers.pc, message->word[1]);
	CHECK(registers.x[31], 0x1234);
	CHECK(registers.f[3], 0x7a);
	CHECK(registers.fcsr >> 5, 3);
	registers.pc += 4;
	registers.x[31] = 0x5678;
	for (unsigned i = 0; i < 32; i++)
		registers.f[i] = 0x88 + i;
	registers.fcsr = 0;
	CHECK(sys_registers(token, &registers, REGISTERS_WRITE | REGISTERS_FPU), OK);
	CHECK(sys_copy(token, INIT_BASE, &registers, 8, COPY_IN), 8);	/* exceptions always lend */
	CHECK(reply(token, 0, 0), OK);
	settle();
	CHECK(worker->done, true);
	CHECK(worker->argument[0], 0x5678);
	CHECK(worker->argument[1], 0);
	worker_free(worker);

	worker = worker_new(breakpoint, second_space, 0, 5);
	worker_start(worker);
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->word[0], EXCEPTION_BREAKPOINT);
	worker_free(worker);

	CHECK(sys_map(second_space, NOWHERE | RIGHT_READ, 1, 0x1000, INIT_SLOT_DEVICES_BELOW, 0) > 0, true);
	worker = worker_new(access, second_space, 0, 5);
	worker->argument[3] = NOWHERE + 0x20;
	worker_start(worker);	/* boot ROM: there is memory */
	CHECK(worker->done, true);
	worker_free(worker);
	CHECK(sys_unmap(second_space, NOWHERE, 1, NULL, 0).value, 1);
	CHECK(sys_map(second_space, NOWHERE | RIGHT_READ, 1, 0x60000000, INIT_SLOT_DEVICES_ABOVE, 0), 1);
	worker = worker_new(access, second_space, 0, 5);
	worker->argument[3] = NOWHERE + 0x20;
	worker_start(worker);
	if (!worker->done) {	/* a hole in the address space, if this machine has one there */
		message = receive(exceptions, EVENT_MESSAGE);
		CHECK(message->word[0], EXCEPTION_LOAD_ACCESS);
		CHECK(message->word[2], NOWHERE + 0x20);
	}
	worker_free(worker);
	CHECK(sys_unmap(second_space, NOWHERE, 1, NULL, 0).value, 1);
}

/* Without an exception endpoint a thread is stuck, not lost: it complains as soon as it has one. */
static void stuck(void)
{
	struct worker *worker = worker_new(breakpoint, second_space, 0, 5);
	uint64_t endpoint = object_new(KIND_ENDPOINT);
	struct registers registers = { .pc = (uint64_t)breakpoint };
	struct message *message;

	CHECK(sys_thread_set(worker->thread, THREAD_EXCEPTION, endpoint), OK);
	CHECK(sys_thread_set(worker->thread, THREAD_START, 0), OK);
	message = receive(endpoint, EVENT_MESSAGE);
	CHECK(sys_registers(message->token, &registers, REGISTERS_WRITE), OK);
	object_free(endpoint);
	CHECK(reply(message->token, 0, 0), OK);
	settle();
	CHECK(sys_thread_set(worker->thread, THREAD_EXCEPTION, exceptions), OK);
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->word[0], EXCEPTION_BREAKPOINT);
	worker_free(worker);
}

static void call_twelve(struct worker *worker)
{
	worker->message.label = 7;
	ipc_call(12, &worker->message);
}

/* Whatever a thread waits for: who writes its registers lets it begin anew, and may copy from and to its memory before. */
static void begins_anew(void (*function)(struct worker *), uint64_t endpoint, uint64_t label)
{
	struct worker *worker = worker_new(function, second_space, endpoint, 5);
	struct registers registers = { .pc = (uint64_t)breakpoint };
	struct message *message;
	uint64_t token, word;

	worker->argument[3] = NOWHERE;
	worker_start(worker);
	message = receive(endpoint, EVENT_MESSAGE);
	token = message->token;
	CHECK(message->label, label);
	registers.x[10] = 1234;
	registers.x[27] = 5678;
	CHECK(sys_registers(token, &registers, REGISTERS_WRITE | REGISTERS_FPU), OK);
	CHECK(sys_copy(token, INIT_BASE, &word, sizeof(word), COPY_IN), sizeof(word));
	CHECK(sys_fault(token, NOWHERE, ACCESS_WRITE), OK);
	CHECK(reply(receive(endpoint, EVENT_MESSAGE)->token, 1, 0), OK);	/* refused */
	message = receive(endpoint, EVENT_REDELIVERED);
	CHECK(message->label, label);
	CHECK(message->address, NOWHERE);
	CHECK(sys_thread_set(worker->thread, THREAD_IDENTITY, 99), OK);
	CHECK(reply(message->token, 2, 3), OK);
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->word[0], EXCEPTION_BREAKPOINT);
	CHECK(message->identity, 99);
	CHECK(sys_registers(message->token, &registers, REGISTERS_READ), OK);
	CHECK(registers.pc, message->word[1]);
	CHECK(registers.x[10], 1234);
	CHECK(registers.x[17], 0);
	CHECK(registers.x[27], 5678);
	worker_free(worker);
}

static void used_again(void)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT);

	give_slot(second_space, 12, endpoint, RIGHT_SEND | RIGHT_LEND, 0);
	begins_anew(call_twelve, endpoint, 7);
	begins_anew(access, endpoint, LABEL_FAULT);
	sys_cap_delete(second_space, 12);
	object_free(endpoint);
}

void test_threads(void)
{
	settings();
	priorities();
	slices();
	slices_of_callers();
	fpu();
	exceptional();
	stuck();
	used_again();
}
