/* The message calls: what arrives, in which order, and what is refused. */
#include "test.h"

#define SEND_SLOT 10		/* in the second space */

static void call_once(struct worker *worker)
{
	worker->message.label = 77;
	for (unsigned i = 0; i < 6; i++)
		worker->message.word[i] = 100 + i;
	worker->message.receive_slot = 20;
	worker->result = ipc_call(SEND_SLOT, &worker->message);
}

static void delivered(const struct message *message, const struct worker *worker)
{
	CHECK(message->label, 77);
	for (unsigned i = 0; i < 6; i++)
		CHECK(message->word[i], 100 + i);
	CHECK(message->badge, 33);
	CHECK(message->identity >= 1000 && message->identity < 1100, true);
	CHECK(message->token != 0 && TOKEN_THREAD(message->token) == (object_physical(worker->thread) - boot->object_base) / PAGE_BYTES, true);
	CHECK(message->capability, 0);
	CHECK(message->address, 0);
}

static void answered(const struct worker *worker)
{
	CHECK(worker->done, true);
	CHECK(worker->result, 0);
	CHECK(worker->message.label, 5);
	CHECK(worker->message.word[0], 6);
	CHECK(worker->message.word[1] | worker->message.word[5] | worker->message.badge | worker->message.token |
	      worker->message.identity | worker->message.address, 0);
}

/* The caller comes first and is queued; the receiver comes first and waits. */
static void rendezvous(uint64_t endpoint)
{
	struct worker *worker = worker_new(call_once, second_space, 0, 5);
	struct message *message;

	worker_start(worker);
	CHECK(worker->done, false);
	message = receive(endpoint, EVENT_MESSAGE);
	delivered(message, worker);
	CHECK(reply(message->token, 5, 6), OK);
	settle();
	answered(worker);
	worker_free(worker);

	worker = worker_new(call_once, second_space, 0, 5);
	sys_thread_set(worker->thread, THREAD_START, 0);
	message = receive(exceptions, EVENT_MESSAGE);
	worker->message.deadline = message->token;
	struct registers registers = { .pc = 0 };
	CHECK(sys_registers(message->token, &registers, 0), OK);
	CHECK(registers.x[10], 0);
	worker_free(worker);
}

static void server(struct worker *worker)
{
	worker->result = ipc_recv(11, &worker->message);
	for (int i = 0; i < 13; i++) {
		worker->argument[0] = worker->message.token;
		worker->message.word[0]++;
		worker->message.capability = 0;
		worker->result = ipc_reply_recv(worker->message.token, 11, &worker->message);
	}
}

/* Every call is counted, whichever path it takes. */
static void counted(uint64_t send)
{
	static struct kernel_info before, after;
	struct message message = { 0 };

	CHECK(sys_info(INIT_SLOT_CONTROL, &before), OK);
	for (unsigned i = 0; i < 10; i++)
		CHECK(ipc_call(send, &message), 0);
	CHECK(sys_info(INIT_SLOT_CONTROL, &after), OK);
	CHECK(after.ipc_calls - before.ipc_calls, 10);
}

/* Main calls a server that waits in another space. */
static void calling(uint64_t endpoint)
{
	uint64_t send = mint(endpoint, RIGHT_SEND, 9);
	struct worker *worker;
	struct message message = { .word = { 1, 2, 3, 4, 5, 6 }, .label = 8 };

	give_slot(second_space, 11, endpoint, RIGHT_RECEIVE, 0);
	worker = worker_new(server, second_space, 0, 5);
	worker_start(worker);
	CHECK(ipc_call(send, &message), 0);
	CHECK(message.word[0], 2);
	CHECK(message.word[5], 6);
	CHECK(message.label, 8);
	CHECK(message.badge | message.token | message.identity, 0);
	CHECK(worker->message.badge, 9);
	CHECK(ipc_call(send, &message), 0);
	CHECK(message.word[0], 3);
	message.label = LABEL_KERNEL;
	CHECK(ipc_call(send, &message), ERR_INVALID);
	message = (struct message){ .capability = EMPTY_SLOT };
	CHECK(ipc_call(send, &message), ERR_BAD_SLOT);
	counted(send);
	message = (struct message){ .word = { 3 } };
	CHECK(ipc_call(endpoint, &message), 0);	/* all of it went to the right one */
	CHECK(message.word[0], 4);
	worker_free(worker);
	sys_cap_delete(second_space, 11);
	slot_free(send);
}

static void refused(uint64_t endpoint)
{
	uint64_t send_only = mint(endpoint, RIGHT_SEND, 0), receive_only = mint(endpoint, RIGHT_RECEIVE, 0);
	struct message message = { 0 };

	CHECK(ipc_call(EMPTY_SLOT, &message), ERR_BAD_SLOT);
	CHECK(ipc_call(0, &message), ERR_BAD_SLOT);
	CHECK(ipc_call(OWN, &message), ERR_WRONG_KIND);
	CHECK(ipc_call(receive_only, &message), ERR_NO_RIGHT);
	CHECK(ipc_recv(send_only, &message), ERR_NO_RIGHT);
	CHECK(ipc_recv(OWN, &message), ERR_WRONG_KIND);
	CHECK(ipc_recv(EMPTY_SLOT, &message), ERR_BAD_SLOT);
	CHECK(ipc_reply_recv(1, send_only, &message), ERR_NO_RIGHT);
	CHECK(ipc_reply_recv(1, endpoint, &message), ERR_BAD_TOKEN);
	CHECK(ipc_forward(1, EMPTY_SLOT, &message), ERR_BAD_SLOT);
	CHECK(ipc_forward(1, OWN, &message), ERR_WRONG_KIND);
	CHECK(ipc_forward(1, receive_only, &message), ERR_NO_RIGHT);
	CHECK(ipc_forward(1, send_only, &message), ERR_BAD_TOKEN);
	slot_free(send_only);
	slot_free(receive_only);
}

/* A capability travels with a call and with a reply. */
static void send_capability(struct worker *worker)
{
	worker->message.capability = 21;
	worker->message.receive_slot = 22;
	worker->result = ipc_call(SEND_SLOT, &worker->message);
	worker->argument[0] = (uint64_t)sys_notify(22, 8);
}

static void capabilities(uint64_t endpoint)
{
	uint64_t notification = object_new(KIND_NOTIFICATION), other = object_new(KIND_NOTIFICATION);
	struct worker *worker = worker_new(send_capability, second_space, 0, 5);
	struct message *message, answer = { 0 };

	give_slot(second_space, 21, notification, RIGHT_SEND, 3);
	worker_start(worker);
	message = receive(endpoint, EVENT_MESSAGE);
	CHECK(message->capability, ARRIVAL);
	CHECK(sys_notify(ARRIVAL, 4), OK);
	CHECK(sys_thread_set(INIT_SLOT_THREAD, THREAD_BOUND, ARRIVAL), ERR_NO_RIGHT);
	answer.capability = other;
	CHECK(ipc_reply(message->token, &answer), OK);
	settle();
	CHECK(worker->done, true);
	CHECK(worker->message.capability, 22);
	CHECK(worker->argument[0], OK);
	sys_cap_delete(OWN, ARRIVAL);
	sys_cap_delete(second_space, 21);
	sys_cap_delete(second_space, 22);
	worker_free(worker);
	object_free(other);
	object_free(notification);
}

/* First come, first served; and each has its own token. */
static void order(uint64_t endpoint)
{
	struct worker *worker[3];
	uint64_t token[3];

	for (unsigned i = 0; i < 3; i++) {
		worker[i] = worker_new(call_once, second_space, 0, 5 + i);
		worker_start(worker[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		struct message *message = receive(endpoint, EVENT_MESSAGE);

		delivered(message, worker[i]);
		token[i] = message->token;
	}
	for (unsigned i = 3; i-- > 0; ) {
		CHECK(reply(token[i], 5, 6), OK);
		settle();
		answered(worker[i]);
	}
	for (unsigned i = 0; i < 3; i++)
		worker_free(worker[i]);
}

/* What a server finds in its registers, and what a caller finds: nothing that was not sent. */
static void raw_server(struct worker *worker)
{
	static uint64_t x[32];

	for (unsigned i = 0; i < 32; i++)
		x[i] = 0x5555000000000000 + i;
	x[17] = (uint64_t)SYS_ipc_recv;
	x[5] = 11;
	x[29] = x[30] = 0;
	raw_call(x);
	worker->argument[0] = (uint64_t)x;
	worker->result = reply(x[6], 1, 2);
}

static void leaks(uint64_t endpoint, uint64_t send)
{
	static uint64_t x[32];
	uint64_t *there;
	struct worker *worker;

	give_slot(second_space, 11, endpoint, RIGHT_RECEIVE, 0);
	worker = worker_new(raw_server, second_space, 0, 5);
	worker_start(worker);
	for (unsigned i = 0; i < 32; i++)
		x[i] = 0x6666000000000000 + i;
	x[17] = (uint64_t)SYS_ipc_call;
	x[5] = send;
	x[28] = x[29] = 0;		/* a call looks neither at a token nor at a deadline */
	raw_call(x);
	for (unsigned i = 1; i < 32; i++)
		if (i < 2 || i > 4)
			CHECK(x[i], i == 10 ? 2 : i == 16 ? 1 : 0);
	there = (uint64_t *)worker->argument[0];
	for (unsigned i = 1; i < 32; i++)
		if ((i < 2 || i > 4) && i != 6)
			CHECK(there[i], i >= 10 && i <= 16 ? 0x6666000000000000 + i : 0);
	worker_free(worker);
	sys_cap_delete(second_space, 11);
}

/* With a message of its own: what a failure leaves in it means nothing. */
static long forward_and_receive(uint64_t token, uint64_t slot, uint64_t endpoint, struct message message)
{
	return ipc_forward_recv(token, slot, endpoint, &message);
}

/* Hands the first caller on and, in the same call, receives the second one; each failure leaves the token and receives nothing. */
static void forward_server(struct worker *worker)
{
	struct message *message = &worker->message;
	uint64_t token;

	worker->result = ipc_recv(11, message);
	token = message->token;
	message->word[1] = (uint64_t)(forward_and_receive(token, EMPTY_SLOT, 11, *message) != ERR_BAD_SLOT) |
			   (uint64_t)(forward_and_receive(token, 11, 11, *message) != ERR_NO_RIGHT) << 1 |
			   (uint64_t)(forward_and_receive(token, 12, EMPTY_SLOT, *message) != ERR_BAD_SLOT) << 2 |
			   (uint64_t)(forward_and_receive(token, 12, 12, *message) != ERR_NO_RIGHT) << 3 |
			   (uint64_t)(forward_and_receive(token ^ 1UL << 30, 12, 11, *message) != ERR_BAD_TOKEN) << 4;
	message->word[0] = 66;
	worker->result = ipc_forward_recv(token, 12, 11, message);
	worker->result = worker->result ? worker->result : ipc_reply(message->token, message);
}

static void forwarding(uint64_t endpoint)
{
	uint64_t front = object_new(KIND_ENDPOINT), send = mint(front, RIGHT_SEND, 0);
	struct worker *server = worker_new(forward_server, second_space, 0, 7), *caller = worker_new(call_once, second_space, 0, 5);
	struct message *message, second = { .word = { 3 } };

	give_slot(second_space, 11, front, RIGHT_RECEIVE, 0);
	give_slot(second_space, 12, endpoint, RIGHT_SEND, 4);
	sys_cap_delete(second_space, SEND_SLOT);
	give_slot(second_space, SEND_SLOT, front, RIGHT_SEND, 33);
	worker_start(server);
	worker_start(caller);
	CHECK(server->done, false);
	message = receive(endpoint, EVENT_MESSAGE);
	CHECK(message->word[0], 66);
	CHECK(message->word[1], 0);
	CHECK(message->label, 77);
	CHECK(message->badge, 4);
	CHECK(reply(message->token, 5, 6), OK);
	settle();
	answered(caller);
	CHECK(ipc_call(send, &second), 0);	/* the server waits: it received when it forwarded */
	CHECK(second.word[0], 3);
	settle();
	CHECK(server->result, OK);
	worker_free(caller);
	worker_free(server);
	sys_cap_delete(second_space, 11);
	sys_cap_delete(second_space, 12);
	sys_cap_delete(second_space, SEND_SLOT);
	give_slot(second_space, SEND_SLOT, endpoint, RIGHT_SEND, 33);
	slot_free(send);
	object_free(front);
}

void test_messages(void)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT);

	give_slot(second_space, SEND_SLOT, endpoint, RIGHT_SEND, 33);
	rendezvous(endpoint);
	calling(endpoint);
	refused(endpoint);
	capabilities(endpoint);
	order(endpoint);
	leaks(endpoint, endpoint);	/* in a leaf: the slow path */
	give_slot(OWN, PLACE, endpoint, RIGHT_SEND, 0);
	leaks(endpoint, PLACE);
	sys_cap_delete(OWN, PLACE);
	forwarding(endpoint);
	sys_cap_delete(second_space, SEND_SLOT);
	object_free(endpoint);
}

/* ---- Tokens */

static void try_tokens(struct worker *worker)
{
	struct message message = { 0 };

	worker->result = ipc_reply(worker->argument[0], &message);	/* another space's token */
	worker->argument[1] = (uint64_t)sys_copy(worker->argument[0], INIT_BASE, &message, 8, COPY_IN);
	worker->argument[2] = (uint64_t)sys_fault(worker->argument[0], INIT_BASE, ACCESS_READ);
}

static void lending_call(struct worker *worker)
{
	worker->message.label = 4;
	worker->message.word[0] = 44;
	worker->result = ipc_call(SEND_SLOT, &worker->message);
}

static void forged(uint64_t token)
{
	static struct registers registers;
	static char buffer[8];

	for (uint64_t i = 0; i < 64; i++) {
		uint64_t bad = token ^ 1UL << i;

		CHECK(reply(bad, 0, 0), ERR_BAD_TOKEN);
		CHECK(sys_copy(bad, INIT_BASE, buffer, 8, COPY_IN), ERR_BAD_TOKEN);
		CHECK(sys_fault(bad, INIT_BASE, ACCESS_READ), ERR_BAD_TOKEN);
		CHECK(sys_registers(bad, &registers, 0), ERR_BAD_TOKEN);
	}
	CHECK(reply(0, 0, 0), ERR_BAD_TOKEN);
	CHECK(reply(~0UL, 0, 0), ERR_BAD_TOKEN);
	CHECK(sys_registers(token, &registers, 0), ERR_INVALID);	/* a native call's registers are its own */
}

/* A caller's page becomes a leaf, in which two capabilities stand as if it were a thread whose call this space holds. */
static void disguised(void)
{
	uint64_t own = 0xffffffc000000000 + boot->object_first_free - 6 * PAGE_BYTES, slots = SPACE_SLOTS + 2 * LEAF_SLOTS, endpoint, token, leaf;
	struct worker *worker = worker_new(lending_call, second_space, 0, 5);
	struct message message = { 0 };

	CHECK(sys_create(INIT_SLOT_OBJECT_MEMORY, endpoint = object_page_new(), KIND_ENDPOINT, PLACE), OK);
	give_slot(second_space, SEND_SLOT, PLACE, RIGHT_SEND, 0);
	worker_start(worker);
	token = receive(PLACE, EVENT_MESSAGE)->token;
	message.deadline = read_time() + boot->timebase_hz / 1000;
	CHECK(ipc_recv(PLACE, &message), EVENT_TIMEOUT);	/* nobody waits there any more */
	worker_free(worker);
	leaf = object_new(KIND_LEAF);
	CHECK((object_physical(leaf) - boot->object_base) / PAGE_BYTES, TOKEN_THREAD(token));
	CHECK(sys_space_set(OWN, SPACE_LEAF, leaf, 2), OK);
	CHECK(sys_cap_mint(OWN, slots + 16, INIT_SLOT_IRQ, 0, 1, 3), OK);
	CHECK(sys_cap_mint(OWN, slots + 17, PLACE, RIGHT_SEND, own, 0), OK);
	message = (struct message){ .label = 1 };
	CHECK(ipc_reply_recv(token | TOKEN_THREAD(~0UL), PLACE, &message), ERR_BAD_TOKEN);
	sys_cap_delete(second_space, SEND_SLOT);
	CHECK(sys_destroy(PLACE), OK);
	object_page_free(endpoint);
	object_free(leaf);
}

void test_tokens(void)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT), next = object_new(KIND_ENDPOINT);
	uint64_t lend = mint(next, RIGHT_SEND | RIGHT_LEND, 50), plain = mint(next, RIGHT_SEND, 51), first, second;
	struct worker *worker, *thief;
	struct message *message, forward = { .label = 9, .word = { 99 } };
	static char buffer[8];

	give_slot(second_space, SEND_SLOT, endpoint, RIGHT_SEND | RIGHT_LEND, 33);
	worker = worker_new(lending_call, second_space, 0, 5);
	worker_start(worker);
	message = receive(endpoint, EVENT_MESSAGE);
	first = message->token;
	forged(first);
	thief = worker_new(try_tokens, second_space, 0, 6);
	thief->argument[0] = first;
	worker_start(thief);
	CHECK(thief->result, ERR_BAD_TOKEN);
	CHECK(thief->argument[1], ERR_BAD_TOKEN);
	CHECK(thief->argument[2], ERR_BAD_TOKEN);
	worker_free(thief);
	CHECK(sys_copy(first, INIT_BASE, buffer, 8, COPY_IN), 8);

	/* A failed reply leaves the token. */
	forward.flags = REPLY_MAP;
	CHECK(ipc_reply(first, &forward), ERR_INVALID);
	forward.flags = 2;
	CHECK(ipc_reply(first, &forward), ERR_INVALID);
	forward.flags = 4;
	CHECK(ipc_reply(first, &forward), ERR_INVALID);
	forward.capability = EMPTY_SLOT;
	CHECK(ipc_reply(first, &forward), ERR_BAD_SLOT);
	CHECK(ipc_forward(first, lend, &forward), ERR_BAD_SLOT);
	forward.capability = 0;

	/* Forward with the loan: a new token, the old one is spent, badge of the forwarder, identity of the caller. */
	CHECK(ipc_forward(first, lend, &forward), OK);
	CHECK(reply(first, 0, 0), ERR_BAD_TOKEN);
	message = receive(next, EVENT_MESSAGE);
	second = message->token;
	CHECK(second != first && TOKEN_THREAD(second) == TOKEN_THREAD(first), true);
	CHECK(message->badge, 50);
	CHECK(message->label, 9);
	CHECK(message->word[0], 99);
	CHECK(message->identity >= 1000, true);
	CHECK(sys_copy(second, INIT_BASE, buffer, 8, COPY_IN), 8);

	/* Forward without: it is gone and does not come back. */
	CHECK(ipc_forward(second, plain, &forward), OK);
	message = receive(next, EVENT_MESSAGE);
	CHECK(message->badge, 51);
	CHECK(sys_copy(message->token, INIT_BASE, buffer, 8, COPY_IN), ERR_NO_LOAN);
	CHECK(sys_fault(message->token, INIT_BASE, ACCESS_READ), ERR_NO_LOAN);
	CHECK(ipc_forward(message->token, lend, &forward), OK);
	message = receive(next, EVENT_MESSAGE);
	CHECK(sys_copy(message->token, INIT_BASE, buffer, 8, COPY_IN), ERR_NO_LOAN);

	/* After the reply nothing is left of it. */
	second = message->token;
	CHECK(reply(second, 5, 6), OK);
	CHECK(reply(second, 5, 6), ERR_BAD_TOKEN);
	CHECK(sys_copy(second, INIT_BASE, buffer, 8, COPY_IN), ERR_BAD_TOKEN);
	settle();
	CHECK(worker->done && worker->result == 0 && worker->message.label == 5, true);
	worker_free(worker);

	/* The caller is destroyed while we hold its token, and its page becomes another thread. */
	worker = worker_new(lending_call, second_space, 0, 5);
	worker_start(worker);
	message = receive(endpoint, EVENT_MESSAGE);
	first = message->token;
	worker_free(worker);
	CHECK(reply(first, 0, 0), ERR_BAD_TOKEN);
	worker = worker_new(lending_call, second_space, 0, 5);
	CHECK(reply(first, 0, 0), ERR_BAD_TOKEN);
	worker_start(worker);
	CHECK(reply(first, 0, 0), ERR_BAD_TOKEN);
	message = receive(endpoint, EVENT_MESSAGE);
	CHECK(message->token != first, true);
	CHECK(reply(message->token, 0, 0), OK);
	settle();
	CHECK(worker->done, true);
	worker_free(worker);

	sys_cap_delete(second_space, SEND_SLOT);
	disguised();
	slot_free(lend);
	slot_free(plain);
	object_free(next);
	object_free(endpoint);
}
