/*
 * Random calls of six threads in three spaces, some of them servers for the others: calls, answers, forwards, faults, copies, interrupts,
 * notifications, FPU. All that comes back, in its order, goes into one number; tests/boot/kernel.py runs this with the fast path
 * and without it and compares the numbers. No two priorities are the same, so the order does not depend on time.
 */
#include "test.h"

#define SERVERS 3		/* the first two have spaces of their own, one of which the third shares; the rest are clients */
#define THREADS (2 * SERVERS)
#define EPISODES 30		/* sooner or later all wait for one another */
#define ROUNDS 50
#define OPERATIONS 40		/* of a thread in a round */
#define TOKENS 6		/* that a server keeps */

/* Slots of each space: sending to a server; receiving as one; memory; a notification to send along; where capabilities arrive. */
enum { SEND = 10, SEND_ALONE = 13, RECEIVE = 16, MEMORY = 19, BELL = 20, ARRIVES = 21 };
#define ROUTED_FIRST 60		/* foreign calls: one for each slot to send to */
#define PAGES 4			/* from NOWHERE on */

static uint64_t state, outcome, events[5], frames[PAGES];

struct actor {
	uint64_t x[32];
	unsigned number, left, tokens;		/* left: operations in this round */
	struct { uint64_t token, label, address; } held[TOKENS];
	uint8_t buffer[256];
};
static struct actor actors[THREADS];

static uint64_t random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void note(uint64_t value)
{
	outcome = (outcome ^ value) * 0x100000001b3 + (outcome >> 61);
}

/* What a call left in all registers that it may change. */
static void call(struct actor *actor, long number)
{
	uint64_t *x = actor->x;

	x[17] = (uint64_t)number;
	raw_call(x);
	note(actor->number);
	for (unsigned i = 1; i < 32; i++)
		if (i < 2 || i > 4)
			note(x[i]);
}

/* Random words; slots that are mostly right. */
static void prepare(struct actor *actor)
{
	uint64_t *x = actor->x;

	for (unsigned i = 5; i < 32; i++)
		x[i] = random() | 1;
	x[1] = random();
	x[16] = random() >> (random() % 32 ? 1 : 0);
	x[7] = 0;
	x[28] = random() % 16 ? 0 : random() % 2 ? BELL : EMPTY_SLOT;
	x[29] = random() % 4 ? 0 : ARRIVES;
	x[30] = random() % 16 ? 0 : random() % 2 ? 1 : ~0UL;
}

static uint64_t target(void)
{
	return random() % 32 ? SEND + random() % (2 * SERVERS) : random() % 64;
}

static void forget(struct actor *actor, unsigned which)
{
	actor->held[which] = actor->held[--actor->tokens];
}

/* An event arrived in the registers. Who has many tokens forgets one; if its caller is interrupted, it comes back. */
static void received(struct actor *actor)
{
	uint64_t event = actor->x[17], token = actor->x[6];

	if (event >= sizeof(events) / sizeof(events[0]))
		return;
	events[event]++;
	for (unsigned i = 0; i < actor->tokens; i++)
		if (TOKEN_THREAD(actor->held[i].token) == TOKEN_THREAD(token))
			forget(actor, i);
	if (!token)
		return;
	if (actor->tokens == TOKENS)
		forget(actor, random() % TOKENS);
	actor->held[actor->tokens].token = token;
	actor->held[actor->tokens].label = actor->x[16];
	actor->held[actor->tokens++].address = actor->x[10];
}

static void copy(struct actor *actor, uint64_t token)
{
	uint64_t there = random() % 4 ? (uint64_t)actors[random() % THREADS].buffer + random() % 128 : NOWHERE + random() % (PAGES * PAGE_BYTES);

	prepare(actor);
	actor->x[10] = token;
	actor->x[11] = there;
	actor->x[12] = (uint64_t)actor->buffer + random() % 128;
	actor->x[13] = random() % 128;
	actor->x[14] = random() % 2;
	call(actor, SYS_copy);
	for (unsigned i = 0; i < sizeof(actor->buffer); i++)
		note(actor->buffer[i]);
}

static void fault(struct actor *actor, uint64_t token)
{
	prepare(actor);
	actor->x[10] = token;
	actor->x[11] = NOWHERE + random() % (PAGES * PAGE_BYTES);
	actor->x[12] = ACCESS_READ + random() % 2;
	call(actor, SYS_fault);
}

/* Answer, forward or copy for one of the last callers; then often receive. */
static void serve(struct actor *actor)
{
	unsigned which = random() % actor->tokens, choice = random() % 16;
	uint64_t token = actor->held[which].token ^ (random() % 64 ? 0 : 1UL << random() % 64), endpoint = random() % 32 ? RECEIVE + actor->number : target();
	bool receives = random() % 4;

	if (choice < 3) {
		copy(actor, token);
		return;
	}
	if (choice == 3) {
		fault(actor, token);
		if (!actor->x[10])
			forget(actor, which);
		return;
	}
	prepare(actor);
	actor->x[6] = token;
	if (choice < 8) {
		actor->x[5] = target();
		actor->x[7] = receives ? endpoint : 0;
		call(actor, SYS_ipc_forward);
	} else {
		actor->x[5] = endpoint;
		if (actor->held[which].label == LABEL_FAULT && random() % 16) {
			actor->x[7] = REPLY_MAP;
			actor->x[10] = (actor->held[which].address & ~(PAGE_BYTES - 1)) | (random() % 16 ? RIGHT_READ | RIGHT_WRITE : random() % 8);
			actor->x[11] = 1;
			actor->x[12] = frames[random() % PAGES];
			actor->x[13] = MEMORY;
		} else if (random() % 16 == 0) {
			actor->x[7] = random() % 4;
		}
		call(actor, receives ? SYS_ipc_reply_recv : SYS_ipc_reply);
	}
	if (actor->x[17] <= EVENT_TIMEOUT || (long)actor->x[17] == ERR_BAD_TOKEN)
		forget(actor, which);
	if (receives)
		received(actor);
}

static void wait(struct actor *actor, uint64_t endpoint)
{
	prepare(actor);
	actor->x[5] = endpoint;
	if (!endpoint)
		actor->x[30] = 0;
	call(actor, SYS_ipc_recv);
	received(actor);
}

/* Servers ask only those behind them: two who hold each other's call would wait for ever. */
static void ask(struct actor *actor)
{
	uint64_t slot = actor->number < SERVERS ? SEND + actor->number + 1 : target();

	prepare(actor);
	if (random() % 2) {
		actor->x[5] = slot;
		call(actor, SYS_ipc_call);
	} else {
		call(actor, ROUTED_FIRST + (long)slot);
	}
}

static void touch(void)
{
	volatile uint64_t *place = (uint64_t *)(NOWHERE + random() % PAGES * PAGE_BYTES);

	if (random() % 2)
		*place = random();
	note(*place);
}

static void act(struct worker *worker)
{
	struct actor *actor = (struct actor *)worker->argument[0];
	bool server = actor->number < SERVERS;

	for (uint64_t seed = 0; ; ) {
		if (!actor->left--) {
			wait(actor, 0);
			actor->left = OPERATIONS;
		} else if (random() % 32 == 0) {
			if (seed)
				note(fpu_mismatch(seed));
			fpu_fill(seed = random());
		} else if (!server && random() % 4 == 0) {
			touch();
		} else if (!server || (actor->number < SERVERS - 1 && random() % 64 == 0)) {
			ask(actor);
		} else if (!actor->tokens || random() % 8 == 0) {
			wait(actor, RECEIVE + actor->number);
		} else {
			serve(actor);
		}
	}
}

static void step_over(uint64_t token)
{
	static struct registers registers;

	CHECK(sys_registers(token, &registers, 0), OK);
	registers.pc += 4;
	CHECK(sys_registers(token, &registers, REGISTERS_WRITE), OK);
}

/* All wait: something has to happen. */
static void poke(struct worker *workers[THREADS], const uint64_t bells[THREADS], uint64_t space)
{
	struct message message = { .deadline = 1 };

	if (random() % 4 == 0)
		CHECK(sys_interrupt(workers[random() % THREADS]->thread), OK);
	if (random() % 4 == 0)
		note((uint64_t)sys_unmap(space, NOWHERE, PAGES, NULL, 0).value);
	for (unsigned i = 0; i < THREADS; i++)
		if (random() % 2)
			CHECK(sys_notify(bells[i], random()), OK);
	for (;;) {
		long event = ipc_recv(exceptions, &message);

		if (event == EVENT_TIMEOUT)
			return;
		note(message.token);
		note(message.word[0]);
		note(message.word[1]);
		CHECK(event, EVENT_MESSAGE);
		if (message.word[0] == EXCEPTION_ROUTE_LOST)
			step_over(message.token);
		CHECK(reply(message.token, 0, 0), OK);
	}
}

/* A space's slots. */
static void fill(uint64_t space, const uint64_t endpoints[SERVERS], uint64_t bell)
{
	for (unsigned i = 0; i < SERVERS; i++) {
		give_slot(space, SEND + i, endpoints[i], RIGHT_SEND | RIGHT_LEND, 100 + i);
		give_slot(space, SEND_ALONE + i, endpoints[i], RIGHT_SEND, 200 + i);
		give_slot(space, RECEIVE + i, endpoints[i], RIGHT_RECEIVE, 0);
	}
	give_slot(space, BELL, bell, RIGHT_SEND, 0);
	give_slot(space, MEMORY, INIT_SLOT_PAGE_MEMORY, RIGHT_READ | RIGHT_WRITE, 0);
}

static void run(uint64_t spaces[3], uint64_t pager)
{
	uint64_t bells[THREADS];
	struct worker *workers[THREADS];
	unsigned turn = random() % THREADS;

	for (unsigned i = 0; i < THREADS; i++) {
		bells[i] = object_new(KIND_NOTIFICATION);
		actors[i] = (struct actor){ .number = i };
		workers[i] = worker_new(act, i < SERVERS ? spaces[i % 2] : spaces[2], pager, 3 + 4 * ((i + turn) % THREADS));
		workers[i]->argument[0] = (uint64_t)&actors[i];
		CHECK(sys_thread_set(workers[i]->thread, THREAD_BOUND, bells[i]), OK);
	}
	for (unsigned i = 0; i < THREADS; i++)
		worker_start(workers[i]);
	for (unsigned i = 0; i < ROUNDS; i++) {
		poke(workers, bells, spaces[2]);
		settle();
	}
	for (unsigned i = 0; i < THREADS; i++) {
		worker_free(workers[i]);
		object_free(bells[i]);
	}
	note((uint64_t)sys_unmap(spaces[2], NOWHERE, PAGES, NULL, 0).value);
}

void test_paths(void)
{
	static struct kernel_info before, after;
	uint64_t spaces[3], endpoints[SERVERS], pager, route = object_new(KIND_ROUTE), bell = object_new(KIND_NOTIFICATION);

	state = fuzz_seed * 0x9e3779b97f4a7c15 | 1;
	for (unsigned i = 0; i < 3; i++)
		endpoints[i] = object_new(KIND_ENDPOINT);
	for (unsigned i = 0; i < 3; i++)
		fill(spaces[i] = space_new(4), endpoints, bell);
	for (unsigned i = 0; i < PAGES; i++)
		frames[i] = frame_new();
	for (uint64_t slot = 0; slot < 64; slot++)
		CHECK(sys_route_set(route, ROUTED_FIRST + slot, slot), OK);
	CHECK(sys_space_set(spaces[2], SPACE_ROUTE, route, 0), OK);
	pager = mint(endpoints[2], RIGHT_SEND, 17);
	CHECK(sys_info(INIT_SLOT_CONTROL, &before), OK);
	for (unsigned i = 0; i < EPISODES; i++)
		run(spaces, pager);
	CHECK(sys_info(INIT_SLOT_CONTROL, &after), OK);
	for (unsigned i = EVENT_MESSAGE; i <= EVENT_TIMEOUT; i++)
		CHECK(events[i] > 0, true);
	note(after.ipc_calls - before.ipc_calls);
	note(after.ipc_forwards - before.ipc_forwards);
	note(after.routed_calls - before.routed_calls);
	note(after.faults - before.faults);
	print_number("outcome ", (long)outcome);
	print_number(": messages ", (long)events[EVENT_MESSAGE]);
	print_number(", interrupted ", (long)events[EVENT_INTERRUPTED]);
	print_number(", redelivered ", (long)events[EVENT_REDELIVERED]);
	print_number(", faults ", (long)(after.faults - before.faults));
	print_number(", forwards ", (long)(after.ipc_forwards - before.ipc_forwards));
	print("\n");
	slot_free(pager);
	for (unsigned i = 0; i < 3; i++) {
		space_free(spaces[i]);
		object_free(endpoints[i]);
	}
	object_free(bell);
	object_free(route);
}
