/* Foreign system calls: ecall with a number >= 0. */
#include "test.h"

#define SERVER_SLOT 10
#define NO_SYSTEM_CALL (-38)

static uint64_t registers_of_worker[32];

static void foreign(struct worker *worker)
{
	for (unsigned i = 1; i < 32; i++)
		registers_of_worker[i] = 0x7000 + i;
	registers_of_worker[17] = worker->argument[0];
	raw_call(registers_of_worker);
}

static struct worker *caller(uint64_t number)
{
	struct worker *worker = worker_new(foreign, second_space, 0, 5);

	worker->argument[0] = number;
	worker_start(worker);
	return worker;
}

/* All registers but a0 are as before. */
static void finish(struct worker *worker, uint64_t result)
{
	settle();
	CHECK(worker->done, true);
	for (unsigned i = 1; i < 32; i++)
		if (i < 2 || i > 4)
			CHECK(registers_of_worker[i], i == 10 ? result : i == 17 ? worker->argument[0] : 0x7000 + i);
	worker_free(worker);
}

static void answers(uint64_t endpoint)
{
	static struct registers registers;
	struct message *message;
	struct worker *worker = caller(63);

	message = receive(endpoint, EVENT_MESSAGE);
	CHECK(message->label, 63);
	for (unsigned i = 0; i < 6; i++)
		CHECK(message->word[i], 0x7000 + 10 + i);
	CHECK(message->badge, 5);
	CHECK(sys_registers(message->token, &registers, 0), OK);
	CHECK(registers.x[10], 0x700a);
	CHECK(registers.x[27], 0x7000 + 27);
	CHECK(*(uint32_t *)(registers.pc - 4), 0x73);	/* behind the ecall */
	CHECK(reply(message->token, 1, 1234), OK);
	finish(worker, 1234);

	worker = caller(63);	/* the server sets all registers itself: the reply leaves them */
	message = receive(endpoint, EVENT_MESSAGE);
	CHECK(sys_registers(message->token, &registers, 0), OK);
	registers.x[10] = 4321;
	CHECK(sys_registers(message->token, &registers, REGISTERS_WRITE), OK);
	CHECK(reply(message->token, 1, 1234), OK);
	finish(worker, 4321);
}

static void nobody(uint64_t route)
{
	finish(caller(64), (uint64_t)NO_SYSTEM_CALL);
	finish(caller(2047), (uint64_t)NO_SYSTEM_CALL);
	finish(caller(2048), (uint64_t)NO_SYSTEM_CALL);
	finish(caller(~0UL >> 1), (uint64_t)NO_SYSTEM_CALL);
	CHECK(sys_route_set(route, 2048, 1), ERR_INVALID);
	CHECK(sys_route_set(route, ~0UL, 1), ERR_INVALID);
	CHECK(sys_route_set(route, 1, SPACE_SLOTS + SPACE_LEAVES * LEAF_SLOTS), ERR_INVALID);
	CHECK(sys_route_set(route, 1, ~0UL), ERR_INVALID);
}

/* `fault` in the midst of a forwarded call, itself forwarded: the same words come again. */
static void faulting(struct worker *worker, uint64_t endpoint, uint64_t send, const struct message *expected)
{
	struct message *message = receive(endpoint, EVENT_MESSAGE);

	CHECK(sys_fault(message->token, NOWHERE, ACCESS_READ), OK);
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->label, LABEL_FAULT);
	message->label = 77;
	CHECK(ipc_forward(message->token, send, message), OK);
	message = receive(endpoint, EVENT_MESSAGE);
	CHECK(message->label, 77);
	CHECK(message->word[0], NOWHERE);
	CHECK(reply(message->token, 0, 0), OK);
	message = receive(endpoint, EVENT_REDELIVERED);
	CHECK(message->label, expected->label);
	for (unsigned i = 0; i < 6; i++)
		CHECK(message->word[i], expected->word[i]);
	CHECK(reply(message->token, 1, 99), OK);
	finish(worker, 99);
}

static void redelivered(uint64_t endpoint)
{
	struct message expected = { .label = 63 };
	uint64_t send = mint(endpoint, RIGHT_SEND | RIGHT_LEND, 6);
	struct worker *worker = worker_new(foreign, second_space, exceptions, 5);

	for (unsigned i = 0; i < 6; i++)
		expected.word[i] = 0x700a + i;
	worker->argument[0] = 63;
	worker_start(worker);
	faulting(worker, endpoint, send, &expected);
	slot_free(send);
}

/* The slot is dead or wrong: an exception at the ecall, and a plain reply repeats the call. */
static void lost(uint64_t endpoint, uint64_t route)
{
	struct worker *worker;
	struct message *message;

	CHECK(sys_route_set(route, 65, EMPTY_SLOT), OK);
	worker = caller(65);
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->word[0], EXCEPTION_ROUTE_LOST);
	CHECK(message->word[2], 65);
	CHECK(*(uint32_t *)message->word[1], 0x73);
	CHECK(sys_route_set(route, 65, SERVER_SLOT), OK);
	CHECK(reply(message->token, 0, 0), OK);
	message = receive(endpoint, EVENT_MESSAGE);
	CHECK(message->label, 65);
	CHECK(reply(message->token, 0, 6), OK);
	finish(worker, 6);
}

/* Interrupted before anybody has received it: at the ecall again. Afterwards: its holder decides. */
static void interrupted(uint64_t endpoint)
{
	struct worker *worker = caller(63);
	struct message *message;
	uint64_t token;

	CHECK(sys_interrupt(worker->thread), OK);
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->word[0], EXCEPTION_INTERRUPT);
	CHECK(*(uint32_t *)message->word[1], 0x73);
	CHECK(reply(message->token, 0, 0), OK);
	settle();
	token = receive(endpoint, EVENT_MESSAGE)->token;
	CHECK(sys_interrupt(worker->thread), OK);
	CHECK(receive(endpoint, EVENT_INTERRUPTED)->token, token);
	CHECK(reply(token, 0, (uint64_t)-4), OK);
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->word[0], EXCEPTION_INTERRUPT);
	CHECK(reply(message->token, 0, 0), OK);
	finish(worker, (uint64_t)-4);
}

void test_routes(void)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT), route = object_new(KIND_ROUTE);

	give_slot(second_space, SERVER_SLOT, endpoint, RIGHT_SEND | RIGHT_LEND, 5);
	finish(caller(63), (uint64_t)NO_SYSTEM_CALL);	/* no route at all */
	CHECK(sys_space_set(second_space, SPACE_ROUTE, OWN, 0), ERR_WRONG_KIND);
	CHECK(sys_space_set(second_space, SPACE_ROUTE, route, 0), OK);
	CHECK(sys_route_set(route, 63, SERVER_SLOT), OK);
	answers(endpoint);
	redelivered(endpoint);
	nobody(route);
	lost(endpoint, route);
	interrupted(endpoint);
	CHECK(sys_space_set(second_space, SPACE_ROUTE, 0, 0), ERR_BAD_SLOT);
	object_free(route);
	finish(caller(63), (uint64_t)NO_SYSTEM_CALL);
	sys_cap_delete(second_space, SERVER_SLOT);
	object_free(endpoint);
}
