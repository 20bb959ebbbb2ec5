/* Nobody waits for the dead: a server's space, an endpoint, a thread die with callers in every state. */
#include "test.h"

#define SEND_SLOT 10
#define PAGER_SLOT 11

static uint64_t endpoint, pager, server_space;

/* The server takes what comes and keeps it. */
static void hoard(struct worker *worker)
{
	for (;;)
		if (ipc_recv(worker->argument[0], &worker->message) >= 0)
			worker->argument[1]++;
}

static void call(struct worker *worker)
{
	worker->result = ipc_call(SEND_SLOT, &worker->message);
}

static void load(struct worker *worker)
{
	worker->argument[0] = *(volatile uint64_t *)NOWHERE;
}

static uint64_t registers_of_worker[32];

static void foreign(struct worker *worker)
{
	registers_of_worker[17] = 63;
	registers_of_worker[10] = 55;
	raw_call(registers_of_worker);
	worker->result = (long)registers_of_worker[10];
}

static void trap(struct worker *worker)
{
	(void)worker;
	__asm__ volatile(".option push\n.option norvc\nebreak\n.option pop");
}

static struct worker *started(void (*function)(struct worker *), uint64_t fault_endpoint)
{
	struct worker *worker = worker_new(function, second_space, fault_endpoint, 5);

	worker_start(worker);
	return worker;
}

static struct worker *hoarder(uint64_t slot)
{
	struct worker *worker = worker_new(hoard, server_space, 0, 9);

	worker->argument[0] = slot;
	worker_start(worker);
	return worker;
}

static void kill_space(uint64_t dying)
{
	long result, steps = 0;

	CHECK(sys_unmap(dying, INIT_BASE, INIT_PAGES, NULL, 0).value, INIT_PAGES);
	while ((result = sys_take(dying)) > 0)
		object_page_free((uint64_t)result);
	while ((result = sys_destroy(dying)) == ERR_AGAIN) {
		steps++;
		CHECK(sys_give(dying, INIT_SLOT_OBJECT_MEMORY, boot->object_base), ERR_BAD_SLOT);
	}
	CHECK(result, OK);
	CHECK(steps > 0, true);	/* bounded steps */
	object_page_free(object_physical(dying));
	slot_free(dying);
}

/* Callers of each sort are held by a server whose space is taken away under its running threads. */
static void server_death(void)
{
	uint64_t own_exceptions = object_new(KIND_ENDPOINT), token;
	struct worker *servers[3], *native, *fault, *routed, *exception, *queued;
	struct message *message;
	struct registers registers;

	server_space = space_new(0);
	give_slot(server_space, SEND_SLOT, endpoint, RIGHT_RECEIVE, 0);
	give_slot(server_space, PAGER_SLOT, pager, RIGHT_RECEIVE, 0);
	give_slot(server_space, 12, own_exceptions, RIGHT_RECEIVE, 0);
	servers[0] = hoarder(SEND_SLOT);
	servers[1] = hoarder(PAGER_SLOT);
	servers[2] = hoarder(12);
	native = started(call, pager);
	fault = started(load, pager);
	routed = started(foreign, pager);
	exception = worker_new(trap, second_space, pager, 5);
	worker_start(exception);	/* its own exceptions go to main so far */
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(sys_thread_set(exception->thread, THREAD_EXCEPTION, own_exceptions), OK);
	CHECK(reply(message->token, 0, 0), OK);
	settle();
	CHECK(servers[0]->argument[1], 2);
	CHECK(servers[1]->argument[1], 1);
	CHECK(servers[2]->argument[1], 1);
	CHECK(sys_interrupt(native->thread), OK);
	settle();
	CHECK(servers[0]->argument[1], 3);
	kill_space(server_space);
	message = receive(exceptions, EVENT_MESSAGE);	/* in the order of their pages; take them as they come */
	for (unsigned i = 0; i < 3; i++) {
		uint64_t cause = message->word[0];

		token = message->token;
		if (cause == EXCEPTION_ROUTE_LOST && message->word[2] == 63) {
			CHECK(sys_registers(token, &registers, 0), OK);
			CHECK(*(uint32_t *)registers.pc, 0x73);
			CHECK(registers.x[10], 55);
			registers.pc += 4;
			registers.x[10] = (uint64_t)-5;
			CHECK(sys_registers(token, &registers, REGISTERS_WRITE), OK);
		} else if (cause == EXCEPTION_ROUTE_LOST) {
			CHECK(message->word[2], LABEL_FAULT);
		} else {
			CHECK(cause, EXCEPTION_INTERRUPT);
		}
		CHECK(reply(token, 0, 0), OK);
		if (i < 2)
			message = receive(exceptions, EVENT_MESSAGE);
	}
	settle();
	CHECK(native->done, true);
	CHECK(native->result, ERR_GONE);
	CHECK(routed->done, true);
	CHECK(routed->result, -5);
	message = receive(own_exceptions, EVENT_MESSAGE);	/* an exception call goes to the successor */
	CHECK(message->word[0], EXCEPTION_BREAKPOINT);
	message = receive(pager, EVENT_MESSAGE);	/* the fault, repeated */
	CHECK(message->word[0], NOWHERE);
	queued = started(call, pager);	/* the endpoint outlives the server: this one waits for the successor */
	CHECK(queued->done, false);
	CHECK(reply(receive(endpoint, EVENT_MESSAGE)->token, 0, 0), OK);
	settle();
	CHECK(queued->done, true);
	for (unsigned i = 0; i < 3; i++)
		worker_free(servers[i]);
	worker_free(native);
	worker_free(fault);
	worker_free(routed);
	worker_free(exception);
	worker_free(queued);
	object_free(own_exceptions);
}

/* A server dies that had asked the pager for a page; a pager dies that was asked. */
static void copy_death(void)
{
	struct worker *worker, *server;
	uint64_t token;

	server_space = space_new(0);
	give_slot(server_space, PAGER_SLOT, pager, RIGHT_RECEIVE, 0);
	server = hoarder(PAGER_SLOT);
	worker = started(call, pager);
	token = receive(endpoint, EVENT_MESSAGE)->token;
	CHECK(sys_fault(token, NOWHERE, ACCESS_READ), OK);
	settle();
	CHECK(server->argument[1], 1);
	kill_space(server_space);	/* the pager: the server tries again */
	token = receive(endpoint, EVENT_REDELIVERED)->token;
	CHECK(reply(token, 0, 0), OK);
	settle();
	CHECK(worker->done, true);
	worker_free(worker);
	worker_free(server);
}

static void endpoint_death(void)
{
	uint64_t dying = object_new(KIND_ENDPOINT), dying_pager = object_new(KIND_ENDPOINT), token;
	struct worker *queued, *routed, *fault, *held, *receiver;
	struct message *message;

	sys_cap_delete(second_space, SEND_SLOT);
	give_slot(second_space, SEND_SLOT, dying, RIGHT_SEND | RIGHT_RECEIVE | RIGHT_LEND, 0);
	held = started(call, dying_pager);
	token = receive(dying, EVENT_MESSAGE)->token;
	queued = started(call, 0);
	routed = started(foreign, 0);
	fault = started(load, dying_pager);
	object_free(dying);
	object_free(dying_pager);
	for (unsigned i = 0; i < 2; i++) {
		message = receive(exceptions, EVENT_MESSAGE);
		CHECK(message->word[0], EXCEPTION_ROUTE_LOST);
	}
	settle();
	CHECK(queued->done && queued->result == ERR_GONE, true);
	CHECK(reply(token, 0, 0), OK);	/* a token outlives the endpoint */
	settle();
	CHECK(held->done && held->result == 0, true);
	worker_free(queued);
	worker_free(routed);
	worker_free(fault);
	worker_free(held);

	dying = object_new(KIND_ENDPOINT);	/* redelivery to a dead endpoint */
	dying_pager = object_new(KIND_ENDPOINT);
	sys_cap_delete(second_space, SEND_SLOT);
	give_slot(second_space, SEND_SLOT, dying, RIGHT_SEND | RIGHT_LEND, 0);
	held = started(call, dying_pager);
	token = receive(dying, EVENT_MESSAGE)->token;
	CHECK(sys_fault(token, NOWHERE, ACCESS_READ), OK);
	token = receive(dying_pager, EVENT_MESSAGE)->token;
	object_free(dying);
	CHECK(reply(token, 0, 0), OK);
	settle();
	CHECK(held->done && held->result == ERR_GONE, true);
	worker_free(held);
	object_free(dying_pager);

	dying = object_new(KIND_ENDPOINT);	/* receivers */
	server_space = second_space;
	sys_cap_delete(second_space, SEND_SLOT);
	give_slot(second_space, SEND_SLOT, dying, RIGHT_RECEIVE, 0);
	receiver = hoarder(SEND_SLOT);
	object_free(dying);
	sys_thread_set(receiver->thread, THREAD_PRIORITY, 0);
	worker_free(receiver);
	sys_cap_delete(second_space, SEND_SLOT);
	give_slot(second_space, SEND_SLOT, endpoint, RIGHT_SEND | RIGHT_LEND, 5);
}

/* A thread ends itself, and one ends its own space. */
static void suicide(struct worker *worker)
{
	worker->result = 1;
	sys_destroy(12);
	worker->result = 2;
}

static void selves(void)
{
	struct worker *worker = worker_new(suicide, second_space, 0, 5);

	give_slot(second_space, 12, worker->thread, RIGHT_CONTROL, 0);
	worker_start(worker);
	CHECK(worker->result, 1);
	CHECK(sys_destroy(worker->thread), ERR_BAD_SLOT);
	CHECK(sys_create(INIT_SLOT_OBJECT_MEMORY, object_physical(worker->thread), KIND_THREAD, worker->thread), OK);
	worker_free(worker);
	sys_cap_delete(second_space, 12);
}

static void answer_late(struct worker *worker)
{
	struct message none = { 0 };

	ipc_recv(12, &worker->message);
	ipc_recv(0, &none);
	worker->result = ipc_reply_recv(worker->message.token, 12, &worker->message);
}

/* A caller whose space has died is answered: it goes nowhere, and its server waits for the next one. */
static void caller_death(void)
{
	uint64_t space = space_new(0), bell = object_new(KIND_NOTIFICATION);
	struct worker *server = worker_new(answer_late, second_space, 0, 9), *caller = worker_new(call, space, 0, 5);

	give_slot(second_space, 12, endpoint, RIGHT_RECEIVE, 0);
	give_slot(space, SEND_SLOT, endpoint, RIGHT_SEND, 5);
	CHECK(sys_thread_set(server->thread, THREAD_BOUND, bell), OK);
	worker_start(server);
	worker_start(caller);
	space_free(space);
	CHECK(sys_notify(bell, 1), OK);
	settle();
	CHECK(caller->done || server->done, false);
	worker_free(caller);
	caller = started(call, 0);
	CHECK(server->done, true);
	CHECK(server->result, EVENT_MESSAGE);
	worker_free(caller);
	worker_free(server);
	sys_cap_delete(second_space, 12);
	object_free(bell);
}

void test_death(void)
{
	uint64_t route = object_new(KIND_ROUTE);

	endpoint = object_new(KIND_ENDPOINT);
	pager = object_new(KIND_ENDPOINT);
	give_slot(second_space, SEND_SLOT, endpoint, RIGHT_SEND | RIGHT_LEND, 5);
	CHECK(sys_route_set(route, 63, SEND_SLOT), OK);
	CHECK(sys_space_set(second_space, SPACE_ROUTE, route, 0), OK);
	server_death();
	copy_death();
	endpoint_death();
	caller_death();
	selves();
	sys_cap_delete(second_space, SEND_SLOT);
	object_free(route);
	object_free(pager);
	object_free(endpoint);
}
