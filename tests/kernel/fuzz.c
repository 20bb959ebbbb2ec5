/*
 * Millions of kernel calls with random arguments. The fuzzer runs in a space of its own with a little of everything: weak
 * capabilities to what others use, strong ones to a scratch space, to some object and page memory. Main answers
 * its calls, faults and exceptions at random. Nothing is expected but that the kernel goes on and, at the end, gives everything back.
 *
 * Boot arguments: fuzz=N calls, seed=N.
 */
#include "test.h"

uint64_t fuzz_calls, fuzz_seed;

#define SLOTS 40
#define SLOTS_FREE 12
#define EXTENT_PAGES 24

static uint64_t state;

static uint64_t random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t scratch_frames, scratch_objects;
static uint64_t endpoint;
static volatile uint64_t last_token;

/* A number that somebody might find interesting. */
static uint64_t value(void)
{
	static const uint64_t special[] = {
		0, 1, 2, 7, 8, 63, 64, 4095, 4096, 1UL << 31, 1UL << 32, USER_END - 4096, USER_END, 1UL << 39, 1UL << 63, ~0UL, ~0xfffUL,
		0xffffffc080200000, 0x80000000, 0x80200000, 0x10000000, 0xc000000, INIT_BASE, BOOT_INFO_BASE, NOWHERE, NOWHERE + 0x200000,
	};

	switch (random() % 8) {
	case 0:
		return special[random() % (sizeof(special) / sizeof(special[0]))];
	case 1:
		return scratch_frames + random() % EXTENT_PAGES * PAGE_BYTES;
	case 2:
		return scratch_objects + random() % EXTENT_PAGES * PAGE_BYTES;
	case 3:
		return NOWHERE + random() % 1024 * PAGE_BYTES + random() % 8;
	case 4:
		return last_token ^ (random() % 4 ? 0 : 1UL << random() % 64);
	case 5:
		return (uint64_t)boot + random() % 4096;
	case 6:
		return random() % SLOTS;
	default:
		return random() >> random() % 64;
	}
}

/* What the fuzzer made in this slot goes, so that the next round has pages to make something of. */
static void end(uint64_t slot)
{
	space_clear(slot);
	while (sys_take(slot) > 0)
		;
	while (sys_destroy(slot) == ERR_AGAIN)
		;
}

static void fuzz(struct worker *worker)
{
	static uint64_t x[32];

	for (uint64_t i = 0; i < worker->argument[0]; i++) {
		for (unsigned r = 1; r < 32; r++)
			x[r] = random() % 3 ? value() : random() % SLOTS;
		if (random() % 4)
			x[10] = random() % SLOTS;	/* plain calls: a slot first */
		x[17] = random() % 16 ? ~(random() % KERNEL_CALLS) : random() >> 1;
		if (x[17] == (uint64_t)SYS_ipc_recv || x[17] == (uint64_t)SYS_ipc_reply_recv)
			x[30] = 1;		/* a receive without a deadline might last */
		raw_call(x);
		worker->argument[1] = i;
		if (!(random() % 64))
			*(volatile uint64_t *)(NOWHERE + random() % 64 * PAGE_BYTES);
	}
	for (uint64_t slot = SLOTS_FREE; slot < SPACE_SLOTS; slot++)
		end(slot);
}

static void answer(struct message *message)
{
	static const uint64_t access = RIGHT_READ | RIGHT_WRITE;
	uint64_t token = message->token;
	struct message out = { 0 };

	last_token = token;
	if (message->label == LABEL_EXCEPTION) {	/* over the instruction, if it was one */
		struct registers registers;

		sys_registers(token, &registers, REGISTERS_FPU);
		if (message->word[0] != EXCEPTION_INTERRUPT || *(uint16_t *)registers.pc == 0x73)
			registers.pc += (*(uint16_t *)registers.pc & 3) == 3 ? 4 : 2;
		sys_registers(token, &registers, REGISTERS_WRITE | (random() % 2 ? REGISTERS_FPU : 0));
		reply(token, 0, 0);
		return;
	}
	if (message->label == LABEL_FAULT && random() % 2) {
		out.flags = REPLY_MAP;
		out.word[0] = (message->word[0] & ~0xfffUL) | access;
		out.word[1] = 1;
		out.word[2] = scratch_frames + random() % EXTENT_PAGES * PAGE_BYTES;
		out.word[3] = INIT_SLOT_PAGE_MEMORY;
		if (!ipc_reply(token, &out))
			return;
	}
	if (message->label == LABEL_FAULT) {
		reply(token, 1, 0);
		return;
	}
	if (!(random() % 4) && sys_fault(token, value(), 1 + random() % 2) == OK)
		return;
	if (!(random() % 4) && ipc_forward(token, endpoint, message) == OK)
		return;
	reply(token, random() >> 1, random());
}

/* The fuzzer's slots: 1.. as named; the rest is for what it makes itself. */
static void fill_slots(uint64_t space, uint64_t scratch, struct worker *worker, uint64_t others[3])
{
	give_slot(space, 1, endpoint, RIGHT_SEND | RIGHT_LEND, 1);
	give_slot(space, 2, endpoint, RIGHT_SEND, 2);
	give_slot(space, 3, scratch, RIGHT_ALL, 0);
	give_slot(space, 4, worker->thread, 0, 0);
	give_slot(space, 5, space, 0, 0);
	give_slot(space, 6, others[0], RIGHT_ALL & ~RIGHT_CONTROL, 0);	/* endpoint */
	give_slot(space, 7, others[1], RIGHT_ALL & ~RIGHT_CONTROL, 0);	/* notification */
	give_slot(space, 8, others[2], RIGHT_ALL & ~RIGHT_CONTROL, 0);	/* route */
	CHECK(sys_cap_mint(space, 9, INIT_SLOT_PAGE_MEMORY, RIGHT_ALL, scratch_frames, EXTENT_PAGES), OK);
	CHECK(sys_cap_mint(space, 10, INIT_SLOT_OBJECT_MEMORY, RIGHT_ALL, scratch_objects, EXTENT_PAGES), OK);
	give_slot(space, 11, INIT_SLOT_IRQ, 0, 0);
}

static void fuzz_round(uint64_t calls, uint64_t seed)
{
	uint64_t space, scratch, others[3], pager;
	struct worker *worker;
	struct kernel_info before, after;

	sys_info(INIT_SLOT_CONTROL, &before);
	space = space_new(6);
	scratch = space_new(2);
	state = seed * 0x9e3779b97f4a7c15 | 1;
	endpoint = object_new(KIND_ENDPOINT);
	pager = mint(endpoint, RIGHT_SEND, 9);
	others[0] = object_new(KIND_ENDPOINT);
	others[1] = object_new(KIND_NOTIFICATION);
	others[2] = object_new(KIND_ROUTE);
	worker = worker_new(fuzz, space, pager, 5);
	worker->argument[0] = calls;
	fill_slots(space, scratch, worker, others);
	CHECK(sys_thread_set(worker->thread, THREAD_EXCEPTION, endpoint), OK);
	CHECK(sys_space_set(space, SPACE_ROUTE, others[2], 0), OK);
	CHECK(sys_route_set(others[2], 63, 1), OK);
	CHECK(sys_thread_set(worker->thread, THREAD_START, 0), OK);
	struct message *message = receive(endpoint, EVENT_MESSAGE);
	struct registers registers = { .pc = (uint64_t)fuzz };
	registers.x[10] = (uint64_t)worker;
	registers.x[2] = (uint64_t)(worker->stack + 512);
	__asm__ volatile("mv %0, gp" : "=r"(registers.x[3]));
	registers.x[1] = 0xdead0000;	/* at the end it jumps there */
	CHECK(sys_registers(message->token, &registers, REGISTERS_WRITE), OK);
	reply(message->token, 0, 0);

	for (uint64_t quiet = 0, progress = 0; quiet < 1000; ) {
		struct message in = { .deadline = read_time() + boot->timebase_hz / 500, .receive_slot = random() % 2 ? ARRIVAL : 0 };
		long event = ipc_recv(endpoint, &in);

		if (event == EVENT_MESSAGE && in.label == LABEL_FAULT && in.word[0] == 0xdead0000)
			break;
		if (event == EVENT_TIMEOUT)	/* it may wait where nobody serves */
			sys_interrupt(worker->thread);
		else if (event == EVENT_MESSAGE || event == EVENT_REDELIVERED)
			answer(&in);
		else
			CHECK(event, EVENT_INTERRUPTED);
		quiet = worker->argument[1] == progress ? quiet + 1 : 0;
		progress = worker->argument[1];
	}
	CHECK(worker->argument[1], calls - 1);
	worker_free(worker);
	space_free(scratch);
	object_free(others[0]);
	object_free(others[1]);
	object_free(others[2]);
	sys_cap_delete(OWN, ARRIVAL);
	space_free(space);
	slot_free(pager);
	object_free(endpoint);
	sys_info(INIT_SLOT_CONTROL, &after);
	CHECK(after.object_pages_free, before.object_pages_free);
}

void test_fuzz(void)
{
	scratch_frames = frame_new();
	for (unsigned i = 1; i < EXTENT_PAGES; i++)
		frame_new();
	scratch_objects = object_pages_lend(EXTENT_PAGES);
	for (uint64_t done = 0, round = 0; done < fuzz_calls; done += 100000, round++)
		fuzz_round(fuzz_calls - done < 100000 ? fuzz_calls - done : 100000, fuzz_seed + round);
}
