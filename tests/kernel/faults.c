/* Faults as calls: what the pager sees, its answers, and the items that it must not get away with. */
#include "test.h"

static uint64_t pager;

static void load(struct worker *worker)
{
	worker->argument[0] = *(volatile uint64_t *)worker->argument[3];
}

static void store(struct worker *worker)
{
	*(volatile uint64_t *)worker->argument[3] = 42;
}

static void jump(struct worker *worker)
{
	((void (*)(struct worker *))worker->argument[3])(worker);
}

static struct worker *faulting(void (*function)(struct worker *), uint64_t address)
{
	struct worker *worker = worker_new(function, second_space, pager, 5);

	worker->argument[3] = address;
	worker_start(worker);
	return worker;
}

static long answer_map(uint64_t token, uint64_t address_rights, uint64_t pages, uint64_t frames, uint64_t memory)
{
	struct message message = { .word = { address_rights, pages, frames, memory }, .flags = REPLY_MAP };

	return ipc_reply(token, &message);
}

static uint64_t fault_token(uint64_t address, uint64_t access)
{
	struct message *message = receive(pager, EVENT_MESSAGE);

	CHECK(message->label, LABEL_FAULT);
	CHECK(message->word[0], address);
	CHECK(message->word[1], access);
	CHECK(message->word[2] >= INIT_BASE && message->badge == 17 && message->identity >= 1000, true);
	return message->token;
}

static void unmap_all(uint64_t pages)
{
	CHECK(sys_unmap(second_space, NOWHERE, pages, NULL, 0).value > 0, true);
}

static void single(void)
{
	uint64_t frame = frame_new(), token, entry;
	struct worker *worker = faulting(load, NOWHERE + 8);

	token = fault_token(NOWHERE + 8, ACCESS_READ);
	CHECK(answer_map(token, NOWHERE | RIGHT_READ, 1, frame, INIT_SLOT_PAGE_MEMORY), OK);
	CHECK(answer_map(token, NOWHERE | RIGHT_READ, 1, frame, INIT_SLOT_PAGE_MEMORY), ERR_BAD_TOKEN);
	settle();
	CHECK(worker->done, true);
	worker_free(worker);
	CHECK(sys_scan(second_space, NOWHERE | SCAN_ACCESSED | SCAN_DIRTY, 1, &entry, 1).second, 1);
	CHECK(entry, NOWHERE | REPORT_A);

	worker = faulting(store, NOWHERE);	/* it may only read: the answer replaces the page */
	token = fault_token(NOWHERE, ACCESS_WRITE);
	CHECK(answer_map(token, NOWHERE | RIGHT_READ | RIGHT_WRITE, 1, frame_new(), INIT_SLOT_PAGE_MEMORY), OK);
	settle();
	CHECK(worker->done, true);
	worker_free(worker);
	CHECK(sys_scan(second_space, NOWHERE | SCAN_DIRTY, 1, &entry, 1).second, 1);
	CHECK(entry, NOWHERE | REPORT_A | REPORT_D);
	worker = faulting(load, NOWHERE);
	CHECK(worker->done && worker->argument[0] == 42, true);
	worker_free(worker);

	worker = faulting(jump, NOWHERE);
	token = fault_token(NOWHERE, ACCESS_EXECUTE);
	CHECK(reply(token, 1, 0), OK);	/* refused */
	settle();
	struct message *message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->word[0], EXCEPTION_REFUSED);
	CHECK(message->word[2], NOWHERE);
	worker_free(worker);
	unmap_all(1);
}

/* Around the fault, a list: other pages fill empty places only and stay unaccessed; 0 skips. */
static void list(void)
{
	static uint64_t frames[MAP_ITEM_MAX] __attribute__((aligned(8 * MAP_ITEM_MAX))), entries[8];
	uint64_t token, first = NOWHERE, other = frame_new();
	struct worker *worker;

	for (unsigned i = 0; i < MAP_ITEM_MAX; i++)
		frames[i] = i == 3 ? 0 : frame_new();
	CHECK(sys_map(second_space, (first + PAGE_BYTES) | RIGHT_READ, 1, other, INIT_SLOT_PAGE_MEMORY, 0), 1);
	worker = faulting(store, first + 2 * PAGE_BYTES);
	token = fault_token(first + 2 * PAGE_BYTES, ACCESS_WRITE);
	CHECK(answer_map(token, first | 3, MAP_ITEM_MAX, (uint64_t)frames, INIT_SLOT_PAGE_MEMORY), OK);
	settle();
	CHECK(worker->done, true);
	worker_free(worker);
	CHECK(sys_scan(second_space, first | SCAN_ACCESSED | SCAN_DIRTY, 64, entries, 8).second, 1);
	CHECK(entries[0], (first + 2 * PAGE_BYTES) | REPORT_A | REPORT_D);
	worker = faulting(store, first + 3 * PAGE_BYTES);
	token = fault_token(first + 3 * PAGE_BYTES, ACCESS_WRITE);	/* skipped */
	worker_free(worker);
	CHECK(answer_map(token, first | 3, 1, frames[0], INIT_SLOT_PAGE_MEMORY), ERR_BAD_TOKEN);
	worker = faulting(store, first + PAGE_BYTES);
	token = fault_token(first + PAGE_BYTES, ACCESS_WRITE);	/* kept as it was */
	CHECK(reply(token, 0, 0), OK);	/* plain: it just faults again */
	settle();
	token = fault_token(first + PAGE_BYTES, ACCESS_WRITE);
	worker_free(worker);
	worker = faulting(store, first + 31 * PAGE_BYTES);
	CHECK(worker->done, true);
	worker_free(worker);
	unmap_all(MAP_ITEM_MAX);
}

/* Answers that must change nothing. Each time the token stays good. */
static void lies(void)
{
	static uint64_t frames[MAP_ITEM_MAX] __attribute__((aligned(8 * MAP_ITEM_MAX)));
	uint64_t memory = INIT_SLOT_PAGE_MEMORY, frame = frame_new(), token, weak = mint(memory, RIGHT_READ, 0), entry;
	uint64_t end = boot->page_base + boot->page_pages * PAGE_BYTES;
	struct worker *worker = faulting(store, NOWHERE + PAGE_BYTES);
	uint64_t fault = NOWHERE + PAGE_BYTES;

	token = fault_token(fault, ACCESS_WRITE);
	CHECK(answer_map(token, fault | 3, 1, frame, EMPTY_SLOT), ERR_BAD_SLOT);
	CHECK(answer_map(token, fault | 3, 1, frame, OWN), ERR_WRONG_KIND);
	CHECK(answer_map(token, fault | 3, 1, boot->object_base, INIT_SLOT_OBJECT_MEMORY), ERR_WRONG_KIND);
	CHECK(answer_map(token, fault | 3, 1, frame, weak), ERR_NO_RIGHT);
	CHECK(answer_map(token, fault | 0, 1, frame, memory), ERR_INVALID);
	CHECK(answer_map(token, fault | 2, 1, frame, memory), ERR_INVALID);
	CHECK(answer_map(token, fault | 8 | 3, 1, frame, memory), ERR_INVALID);
	CHECK(answer_map(token, fault | 3, 0, frame, memory), ERR_INVALID);
	CHECK(answer_map(token, fault | 3, 1, 0, memory), ERR_INVALID);
	CHECK(answer_map(token, fault | 3, 1, frame + 1, memory), ERR_INVALID);
	CHECK(answer_map(token, fault | 3, 1, boot->page_base - PAGE_BYTES, memory), ERR_INVALID);	/* the kernel */
	CHECK(answer_map(token, fault | 3, 1, boot->object_base, memory), ERR_INVALID);
	CHECK(answer_map(token, fault | 3, 1, end, memory), ERR_INVALID);
	CHECK(answer_map(token, fault | 3, 1, ~0UL << PAGE_SHIFT, memory), ERR_INVALID);
	CHECK(answer_map(token, (fault + PAGE_BYTES) | 3, 1, frame, memory), ERR_INVALID);	/* not the page that faults */
	CHECK(answer_map(token, NOWHERE | 3, 1, frame, memory), ERR_INVALID);
	CHECK(answer_map(token, ~0xfffUL | 3, 1, frame, memory), ERR_INVALID);
	CHECK(answer_map(token, 0xffffffc080200000 | 3, 1, frame, memory), ERR_INVALID);
	CHECK(answer_map(token, NOWHERE | 3, MAP_ITEM_MAX + 1, (uint64_t)frames, memory), ERR_INVALID);
	CHECK(answer_map(token, NOWHERE | 3, ~0UL, (uint64_t)frames, memory), ERR_INVALID);
	CHECK(answer_map(token, NOWHERE | 3, 2, NOWHERE, memory), ERR_BAD_ADDRESS);
	CHECK(answer_map(token, NOWHERE | 3, 2, (uint64_t)frames + 4, memory), ERR_INVALID);
	CHECK(answer_map(token, NOWHERE | 3, 2, 0xffffffc080200000, memory), ERR_BAD_ADDRESS);
	CHECK(answer_map(token, NOWHERE | 3, 2, ~7UL, memory), ERR_BAD_ADDRESS);
	CHECK(answer_map(token, NOWHERE | 3, 2, (uint64_t)page_end(), memory), ERR_BAD_ADDRESS);	/* into the next page */
	frames[0] = frame;
	CHECK(answer_map(token, NOWHERE | 3, 2, (uint64_t)frames, memory), ERR_INVALID);	/* the faulting page is skipped */
	frames[1] = frame;
	frames[2] = frame;
	CHECK(answer_map(token, (NOWHERE - PAGE_BYTES) | 3, 3, (uint64_t)frames, memory), ERR_INVALID);	/* two tables */
	frames[2] = boot->object_base;
	CHECK(answer_map(token, NOWHERE | 3, 3, (uint64_t)frames, memory), ERR_INVALID);
	CHECK(sys_scan(second_space, NOWHERE | SCAN_ACCESSED, 64, &entry, 1).second, 0);
	CHECK(answer_map(token, NOWHERE | 3, 2, (uint64_t)frames, memory), OK);
	settle();
	CHECK(worker->done, true);
	worker_free(worker);
	unmap_all(2);
	slot_free(weak);
}

/* No table in the reserve: nothing is mapped, the token stays, giving one helps. */
static void tables(void)
{
	uint64_t space = space_new(0), frame = frame_new(), token, page;
	struct worker *worker = worker_new(store, space, pager, 5);

	worker->argument[3] = NOWHERE;
	worker_start(worker);
	token = fault_token(NOWHERE, ACCESS_WRITE);
	CHECK(answer_map(token, NOWHERE | 3, 1, frame, INIT_SLOT_PAGE_MEMORY), ERR_NO_TABLE);
	CHECK(sys_give(space, INIT_SLOT_OBJECT_MEMORY, object_page_new()), OK);
	CHECK(answer_map(token, NOWHERE | 3, 1, frame, INIT_SLOT_PAGE_MEMORY), ERR_NO_TABLE);
	page = object_page_new();
	CHECK(sys_give(space, INIT_SLOT_OBJECT_MEMORY, page), OK);
	CHECK(sys_give(space, INIT_SLOT_OBJECT_MEMORY, page), ERR_IN_USE);
	CHECK(sys_give(space, INIT_SLOT_OBJECT_MEMORY, page + 1), ERR_INVALID);
	CHECK(sys_give(space, INIT_SLOT_PAGE_MEMORY, frame), ERR_WRONG_KIND);
	CHECK(sys_create(INIT_SLOT_OBJECT_MEMORY, page, KIND_ENDPOINT, PLACE), ERR_IN_USE);
	CHECK(answer_map(token, NOWHERE | 3, 1, frame, INIT_SLOT_PAGE_MEMORY), OK);
	settle();
	CHECK(worker->done, true);
	worker_free(worker);
	CHECK(sys_take(space), ERR_EMPTY);
	CHECK(sys_unmap(space, NOWHERE, 1, NULL, 0).value, 1);
	for (int i = 0; i < 2; i++) {	/* both are free again */
		long result = sys_take(space);

		CHECK(result > 0, true);
		object_page_free((uint64_t)result);
	}
	CHECK(sys_take(space), ERR_EMPTY);
	CHECK(sys_destroy(space), ERR_NOT_EMPTY);
	space_free(space);
}

/* Addresses that no pager can map; a pager that is gone; no pager at all. */
static void hopeless(void)
{
	static const uint64_t addresses[] = { 0, USER_END, 0xffffffc080200000, ~7UL, 1UL << 62 };
	struct worker *worker;
	struct message *message;
	uint64_t token;

	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		worker = faulting(load, addresses[i]);
		token = fault_token(addresses[i], ACCESS_READ);
		CHECK(answer_map(token, (addresses[i] & ~0xfffUL) | 1, 1, frame_new(), INIT_SLOT_PAGE_MEMORY), i ? ERR_INVALID : OK);
		if (i)
			CHECK(reply(token, 1, 0), OK);
		settle();
		if (i) {
			message = receive(exceptions, EVENT_MESSAGE);
			CHECK(message->word[0], EXCEPTION_REFUSED);
			CHECK(message->word[2], addresses[i]);
		}
		CHECK(worker->done, i == 0);
		worker_free(worker);
	}
	CHECK(sys_unmap(second_space, 0, 1, NULL, 0).value, 1);

	worker = worker_new(load, second_space, 0, 5);
	worker->argument[3] = NOWHERE;
	worker_start(worker);
	message = receive(exceptions, EVENT_MESSAGE);
	CHECK(message->word[0], EXCEPTION_ROUTE_LOST);
	CHECK(message->word[2], LABEL_FAULT);
	CHECK(sys_thread_set(worker->thread, THREAD_FAULT, pager), OK);
	CHECK(reply(message->token, 0, 0), OK);	/* the access is repeated */
	settle();
	token = receive(pager, EVENT_MESSAGE)->token;
	CHECK(reply(token, 0, 0), OK);
	settle();
	token = receive(pager, EVENT_MESSAGE)->token;
	worker_free(worker);
	CHECK(reply(token, 0, 0), ERR_BAD_TOKEN);
}

void test_faults(void)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT);

	pager = mint(endpoint, RIGHT_SEND | RIGHT_RECEIVE | RIGHT_LEND, 17);
	single();
	list();
	lies();
	tables();
	hopeless();
	slot_free(pager);
	object_free(endpoint);
}
