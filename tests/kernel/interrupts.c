/* `interrupt` in every state that a thread can be in. */
#include "test.h"

#define SEND_SLOT 10
#define OTHER_SLOT 11

static uint64_t endpoint, pager;

static void call(struct worker *worker)
{
	worker->message.label = 12;
	worker->result = ipc_call(SEND_SLOT, &worker->message);
}

static void wait(struct worker *worker)
{
	worker->message.deadline = worker->argument[0];
	worker->result = ipc_recv(OTHER_SLOT, &worker->message);
}

static void spin(struct worker *worker)
{
	while (!worker->argument[1])
		worker->argument[0]++;
}

static void load(struct worker *worker)
{
	worker->argument[0] = *(volatile uint64_t *)NOWHERE;
}

static void self(struct worker *worker)
{
	worker->result = sys_interrupt(12);
}

static uint64_t interrupted(void)
{
	struct message *message = receive(exceptions, EVENT_MESSAGE);

	CHECK(message->label, LABEL_EXCEPTION);
	CHECK(message->word[0], EXCEPTION_INTERRUPT);
	return message->token;
}

static struct worker *started(void (*function)(struct worker *))
{
	struct worker *worker = worker_new(function, second_space, pager, 5);

	worker_start(worker);
	return worker;
}

static void finish(struct worker *worker, long result)
{
	settle();
	CHECK(worker->done, true);
	CHECK(worker->result, result);
	worker_free(worker);
}

/* Not received yet: withdrawn, the caller is told, the message never arrives. */
static void queued(void)
{
	struct worker *worker = started(call);
	struct message message = { .deadline = 1 };

	CHECK(sys_interrupt(worker->thread), OK);
	CHECK(ipc_recv(endpoint, &message), EVENT_TIMEOUT);
	CHECK(sys_interrupt(worker->thread), OK);	/* once more makes no second one */
	CHECK(reply(interrupted(), 0, 0), OK);
	finish(worker, ERR_INTERRUPTED);
}

/* Received: the holder is told, once, and decides. */
static void held(void)
{
	struct worker *worker = started(call);
	uint64_t token = receive(endpoint, EVENT_MESSAGE)->token;
	struct message *message, none = { .deadline = 1 };

	CHECK(sys_interrupt(worker->thread), OK);
	CHECK(sys_interrupt(worker->thread), OK);
	message = receive(endpoint, EVENT_INTERRUPTED);
	CHECK(message->token, token);
	CHECK(ipc_recv(endpoint, &none), EVENT_TIMEOUT);
	CHECK(reply(token, 7, 0), OK);
	CHECK(worker->done, false);
	CHECK(reply(interrupted(), 0, 0), OK);
	CHECK(worker->message.label, 12);
	finish(worker, 0);

	worker = started(call);	/* answered before it was told: nothing comes any more */
	token = receive(endpoint, EVENT_MESSAGE)->token;
	CHECK(sys_interrupt(worker->thread), OK);
	CHECK(reply(token, 7, 0), OK);
	none.deadline = 1;
	CHECK(ipc_recv(endpoint, &none), EVENT_TIMEOUT);
	CHECK(reply(interrupted(), 0, 0), OK);
	finish(worker, 0);

	worker = started(call);	/* destroyed while the event is queued */
	receive(endpoint, EVENT_MESSAGE);
	CHECK(sys_interrupt(worker->thread), OK);
	worker_free(worker);
	none.deadline = 1;
	CHECK(ipc_recv(endpoint, &none), EVENT_TIMEOUT);
}

/* A server that waits gets the event at once. */
static void server(struct worker *worker)
{
	worker->result = ipc_recv(OTHER_SLOT, &worker->message);
	worker->argument[0] = worker->message.token;
	worker->argument[2] = (uint64_t)ipc_recv(OTHER_SLOT, &worker->message);
	worker->argument[1] = worker->message.token;
	worker->message = (struct message){ 0 };
	ipc_reply(worker->argument[0], &worker->message);
}

static void waiting_server(void)
{
	struct worker *one = started(server), *two;

	two = started(call);
	CHECK(sys_interrupt(two->thread), OK);
	settle();
	CHECK(one->argument[2], EVENT_INTERRUPTED);
	CHECK(one->argument[0], one->argument[1]);
	CHECK(one->done, true);
	CHECK(reply(interrupted(), 0, 0), OK);
	finish(two, 0);
	worker_free(one);
}

/* Two spaces receive from one endpoint: whoever holds the call is told, even if the other one receives first. */
static void late_server(struct worker *worker)
{
	worker->message.deadline = 0;
	worker->result = ipc_recv(OTHER_SLOT, &worker->message);
	worker->argument[0] = worker->message.token;
	worker->message = (struct message){ .deadline = read_time() + worker->argument[3] };
	ipc_recv(0, &worker->message);
	worker->message = (struct message){ 0 };
	worker->argument[2] = (uint64_t)ipc_recv(OTHER_SLOT, &worker->message);
	worker->argument[1] = worker->message.token;
	worker->message = (struct message){ 0 };
	ipc_reply(worker->argument[0], &worker->message);
}

static void shared_endpoint(void)
{
	struct worker *one = worker_new(late_server, second_space, pager, 5), *two;
	struct message none = { .deadline = 1 };

	one->argument[3] = boot->timebase_hz / 10;
	worker_start(one);
	two = started(call);
	CHECK(sys_interrupt(two->thread), OK);
	CHECK(ipc_recv(endpoint, &none), EVENT_TIMEOUT);
	CHECK(reply(interrupted(), 0, 0), OK);
	settle();
	CHECK(one->argument[2], EVENT_INTERRUPTED);
	CHECK(one->argument[0], one->argument[1]);
	finish(two, 0);
	worker_free(one);
}

/* A forward carries the mark to a server that has not heard of it. */
static void forwarded(void)
{
	uint64_t next = object_new(KIND_ENDPOINT), token;
	struct worker *worker = started(call);
	struct message forward = { .label = 13 }, none = { .deadline = 1 };

	token = receive(endpoint, EVENT_MESSAGE)->token;
	CHECK(ipc_forward(token, next, &forward), OK);
	CHECK(sys_interrupt(worker->thread), OK);	/* on its way: not withdrawn */
	token = receive(next, EVENT_MESSAGE)->token;
	CHECK(receive(next, EVENT_INTERRUPTED)->token, token);
	CHECK(ipc_forward(token, next, &forward), OK);	/* and again */
	token = receive(next, EVENT_MESSAGE)->token;
	CHECK(receive(next, EVENT_INTERRUPTED)->token, token);
	CHECK(ipc_recv(next, &none), EVENT_TIMEOUT);
	CHECK(reply(token, 0, 0), OK);
	CHECK(reply(interrupted(), 0, 0), OK);
	finish(worker, 0);
	object_free(next);
}

/* In the midst of a server's `fault`: the pager is told, and the server after it. */
static void copying(void)
{
	struct worker *worker = started(call);
	uint64_t token = receive(endpoint, EVENT_MESSAGE)->token;

	CHECK(sys_fault(token, NOWHERE, ACCESS_READ), OK);
	CHECK(sys_interrupt(worker->thread), OK);
	token = receive(pager, EVENT_MESSAGE)->token;
	CHECK(receive(pager, EVENT_INTERRUPTED)->token, token);
	CHECK(reply(token, 1, 0), OK);
	token = receive(endpoint, EVENT_REDELIVERED)->token;
	CHECK(receive(endpoint, EVENT_INTERRUPTED)->token, token);
	CHECK(reply(token, 0, 0), OK);
	CHECK(reply(interrupted(), 0, 0), OK);
	finish(worker, 0);
}

static void others(void)
{
	struct worker *worker = started(wait);
	struct message *message;
	struct registers registers;
	uint64_t token;

	CHECK(sys_interrupt(worker->thread), OK);	/* RECEIVING */
	token = interrupted();
	CHECK(sys_registers(token, &registers, 0), OK);
	CHECK(registers.x[17], ERR_INTERRUPTED);
	CHECK(reply(token, 0, 0), OK);
	finish(worker, ERR_INTERRUPTED);

	worker = worker_new(wait, second_space, pager, 5);	/* with a deadline */
	worker->argument[0] = read_time() + 1000 * boot->timebase_hz;
	worker_start(worker);
	CHECK(sys_interrupt(worker->thread), OK);
	CHECK(reply(interrupted(), 0, 0), OK);
	finish(worker, ERR_INTERRUPTED);

	worker = started(load);	/* a fault in the queue is repeated */
	CHECK(sys_interrupt(worker->thread), OK);
	CHECK(reply(interrupted(), 0, 0), OK);
	settle();
	token = receive(pager, EVENT_MESSAGE)->token;
	CHECK(sys_interrupt(worker->thread), OK);	/* one that is held */
	CHECK(receive(pager, EVENT_INTERRUPTED)->token, token);
	CHECK(reply(token, 0, 0), OK);
	CHECK(reply(interrupted(), 0, 0), OK);
	settle();
	worker_free(worker);

	worker = worker_new(spin, second_space, 0, 5);	/* running: it was preempted by main */
	message = NULL;
	CHECK(sys_thread_set(worker->thread, THREAD_START, 0), OK);
	message = receive(exceptions, EVENT_MESSAGE);
	registers = (struct registers){ .pc = (uint64_t)spin };
	registers.x[10] = (uint64_t)worker;
	CHECK(sys_registers(message->token, &registers, REGISTERS_WRITE), OK);
	CHECK(sys_interrupt(worker->thread), OK);	/* even before its first instruction */
	CHECK(reply(message->token, 0, 0), OK);
	token = interrupted();
	CHECK(worker->argument[0], 0);
	CHECK(reply(token, 0, 0), OK);
	for (unsigned i = 0; i < 1000 && !worker->argument[0]; i++) {	/* the host may let the guest stand still */
		struct message pause = { .deadline = read_time() + boot->timebase_hz / 100 };

		CHECK(ipc_recv(0, &pause), EVENT_TIMEOUT);
	}
	CHECK(worker->argument[0] > 0, true);
	CHECK(sys_interrupt(worker->thread), OK);
	token = interrupted();
	CHECK(sys_registers(token, &registers, 0), OK);
	CHECK(registers.pc >= (uint64_t)spin && registers.pc < (uint64_t)spin + 64, true);
	worker_free(worker);

	worker = worker_new(self, second_space, 0, 5);
	give_slot(second_space, 12, worker->thread, RIGHT_CONTROL, 0);
	worker_start(worker);
	token = interrupted();
	CHECK(sys_interrupt(worker->thread), OK);	/* while the exception is held: another one follows */
	CHECK(reply(token, 0, 0), OK);
	CHECK(reply(interrupted(), 0, 0), OK);
	sys_cap_delete(second_space, 12);
	finish(worker, OK);
}

void test_interrupts(void)
{
	uint64_t pager_endpoint = object_new(KIND_ENDPOINT);

	endpoint = object_new(KIND_ENDPOINT);
	pager = mint(pager_endpoint, RIGHT_SEND | RIGHT_RECEIVE, 17);
	give_slot(second_space, SEND_SLOT, endpoint, RIGHT_SEND | RIGHT_LEND, 33);
	give_slot(second_space, OTHER_SLOT, endpoint, RIGHT_RECEIVE, 0);
	queued();
	held();
	waiting_server();
	shared_endpoint();
	forwarded();
	copying();
	others();
	sys_cap_delete(second_space, SEND_SLOT);
	sys_cap_delete(second_space, OTHER_SLOT);
	slot_free(pager);
	object_free(pager_endpoint);
	object_free(endpoint);
}
