/* map, unmap, protect, scan, give, take: arguments, reports, tables, stale translations, large pages. */
#include "test.h"

static uint64_t space;

static long map(uint64_t address_rights, uint64_t pages, uint64_t frames, unsigned flags)
{
	return sys_map(space, address_rights, pages, frames, INIT_SLOT_PAGE_MEMORY, flags);
}

static long unmap(uint64_t address, uint64_t pages)
{
	return sys_unmap(space, address, pages, NULL, 0).value;
}

static void arguments(void)
{
	uint64_t frame = frame_new(), entries[2], weak = mint(INIT_SLOT_PAGE_MEMORY, RIGHT_READ, 0), two = frame_new();

	CHECK(map(NOWHERE | 0, 1, frame, 0), ERR_INVALID);
	CHECK(map(NOWHERE | 2, 1, frame, 0), ERR_INVALID);
	CHECK(map(NOWHERE | 9, 1, frame, 0), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 0, frame, 0), ERR_INVALID);
	CHECK(map(NOWHERE | 1, ~0UL, frame, 0), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 1UL << 52, frame, 0), ERR_INVALID);
	CHECK(map((USER_END - PAGE_BYTES) | 1, 2, frame, 0), ERR_INVALID);
	CHECK(map(USER_END | 1, 1, frame, 0), ERR_INVALID);
	CHECK(map(~0xfffUL | 1, 1, frame, 0), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 1, frame + 8, 0), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 1, 0, 0), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 1, boot->object_base, 0), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 2, boot->object_base - PAGE_BYTES, 0), ERR_INVALID);
	CHECK(unmap(NOWHERE, 1), 1);
	CHECK(map(NOWHERE | 1, 1, frame, 2), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 1, frame, ~0U), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 512, frame, MAP_LARGE), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 1, boot->page_base & ~(LARGE_BYTES - 1), MAP_LARGE), ERR_INVALID);
	CHECK(map((NOWHERE + PAGE_BYTES) | 1, 512, (boot->page_base + LARGE_BYTES) & ~(LARGE_BYTES - 1), MAP_LARGE), ERR_INVALID);
	CHECK(map(NOWHERE | 1, 512, 0x80200000, MAP_LARGE), ERR_INVALID);	/* the kernel */
	CHECK(sys_map(space, NOWHERE | 3, 1, frame, weak, 0), ERR_NO_RIGHT);
	CHECK(sys_map(space, NOWHERE | 1, 1, frame, EMPTY_SLOT, 0), ERR_BAD_SLOT);
	CHECK(sys_map(space, NOWHERE | 1, 1, frame, INIT_SLOT_OBJECT_MEMORY, 0), ERR_WRONG_KIND);
	for (uint64_t slot = INIT_SLOT_DEVICES_BELOW; slot <= INIT_SLOT_DEVICES_ABOVE; slot++) {
		CHECK(sys_map(space, NOWHERE | 1, 1, boot->controller_base, slot, 0), ERR_INVALID);	/* the kernel's own device */
		CHECK(sys_map(space, NOWHERE | 1, 1, boot->controller_base + 0x200000, slot, 0), ERR_INVALID);
		CHECK(sys_map(space, NOWHERE | 1, 512, boot->controller_base, slot, MAP_LARGE), ERR_INVALID);
		CHECK(sys_map(space, NOWHERE | 1, 1, 0x80000000, slot, 0), ERR_INVALID);	/* the firmware */
	}
	CHECK(map(NOWHERE | 1, 1, frame, 0), 1);
	CHECK(map(NOWHERE | 1, 1, two, 0), 1);	/* not empty: stays */
	CHECK(unmap(NOWHERE, 1), 1);

	CHECK(unmap(NOWHERE, 0), ERR_INVALID);
	CHECK(unmap(NOWHERE, ~0UL), ERR_INVALID);
	CHECK(unmap(USER_END, 1), ERR_INVALID);
	CHECK(unmap(USER_END - PAGE_BYTES, 2), ERR_INVALID);
	CHECK(unmap(NOWHERE | 2, 1), ERR_INVALID);
	CHECK(sys_unmap(space, NOWHERE, 1, entries, 0).value, ERR_INVALID);
	CHECK(sys_unmap(space, NOWHERE, 1, (uint64_t *)NOWHERE, 1).value, ERR_BAD_ADDRESS);
	CHECK(sys_unmap(space, NOWHERE, 1, (uint64_t *)((char *)entries + 1), 1).value, ERR_INVALID);
	CHECK(sys_unmap(space, NOWHERE, 1, (uint64_t *)BOOT_INFO_BASE, 1).value, ERR_BAD_ADDRESS);
	CHECK(sys_unmap(space, NOWHERE, 1, (uint64_t *)~7UL, 1).value, ERR_BAD_ADDRESS);
	CHECK(sys_unmap(space, NOWHERE, 1, entries, 2).value, 1);
	CHECK(sys_protect(space, NOWHERE | 8, 1, NULL, 0).value, ERR_INVALID);
	CHECK(sys_scan(space, NOWHERE | SCAN_CLEAR, 1, entries, 1).second, 0);	/* nothing selected */
	CHECK(sys_scan(space, NOWHERE | 8, 1, entries, 1).value, ERR_INVALID);
	slot_free(weak);
}

/* Workers in `space` touch pages; what they did is read back. */
static void touch(struct worker *worker)
{
	for (uint64_t i = 0; i < worker->argument[1]; i++) {
		volatile uint64_t *at = (volatile uint64_t *)(worker->argument[0] + i * PAGE_BYTES);

		worker->argument[3] = *at;
		if (worker->argument[2])
			*at = worker->argument[2];
	}
}

/* Result: did it come through without a fault? Value: the last word read. */
static bool touches(uint64_t address, uint64_t pages, uint64_t value, uint64_t *read)
{
	struct worker *worker = worker_new(touch, space, 0, 5);
	bool done;

	worker->argument[0] = address;
	worker->argument[1] = pages;
	worker->argument[2] = value;
	worker_start(worker);
	done = worker->done;
	if (read)
		*read = worker->argument[3];
	if (!done)
		receive(exceptions, EVENT_MESSAGE);
	worker_free(worker);
	return done;
}

/* Sixteen pages with a hole. */
static void map_all_but(uint64_t hole, uint64_t frames)
{
	CHECK(map(NOWHERE | 3, hole, frames, 0), (long)hole);
	CHECK(map((NOWHERE + (hole + 1) * PAGE_BYTES) | 3, 15 - hole, frames + (hole + 1) * PAGE_BYTES, 0), 15 - (long)hole);
}

static void reports(void)
{
	static uint64_t entries[16] __attribute__((aligned(128)));
	uint64_t frames = frame_new(), *last = page_end(), behind = last[1];	/* contiguous, as they come */
	struct result result;

	for (unsigned i = 1; i < 16; i++)
		frame_new();
	map_all_but(5, frames);
	CHECK(touches(NOWHERE, 2, 0, NULL), true);
	CHECK(touches(NOWHERE + 2 * PAGE_BYTES, 3, 9, NULL), true);
	CHECK(touches(NOWHERE + 5 * PAGE_BYTES, 1, 0, NULL), false);
	result = sys_scan(space, NOWHERE | SCAN_ACCESSED, 16, entries, 16);
	CHECK(result.value, 16);
	CHECK(result.second, 5);
	CHECK(entries[0], NOWHERE | REPORT_A);
	CHECK(entries[4], (NOWHERE + 4 * PAGE_BYTES) | REPORT_A | REPORT_D);
	result = sys_scan(space, NOWHERE | SCAN_ACCESSED, 16, last, 16);	/* the report's page is full: stops */
	CHECK(result.value, 1);
	CHECK(result.second, 1);
	CHECK(last[0], NOWHERE | REPORT_A);
	CHECK(last[1], behind);
	result = sys_scan(space, NOWHERE | SCAN_DIRTY | SCAN_CLEAR, 16, entries, 2);	/* no room: stops */
	CHECK(result.value, 4);
	CHECK(result.second, 2);
	result = sys_scan(space, NOWHERE | SCAN_DIRTY, 16, entries, 16);
	CHECK(result.second, 1);
	CHECK(touches(NOWHERE + 2 * PAGE_BYTES, 1, 8, NULL), true);	/* and is dirty anew, the flush was done */
	result = sys_protect(space, NOWHERE | RIGHT_READ, 16, entries, 16);
	CHECK(result.value, 16);
	CHECK(result.second, 2);
	CHECK(entries[0], (NOWHERE + 2 * PAGE_BYTES) | REPORT_A | REPORT_D);
	CHECK(entries[1], (NOWHERE + 4 * PAGE_BYTES) | REPORT_A | REPORT_D);
	CHECK(sys_scan(space, NOWHERE | SCAN_DIRTY, 16, entries, 16).second, 0);
	CHECK(touches(NOWHERE, 1, 0, NULL), true);
	CHECK(touches(NOWHERE, 1, 5, NULL), false);
	CHECK(sys_protect(space, NOWHERE | 7, 16, NULL, 0).value, 16);	/* never grants */
	CHECK(touches(NOWHERE, 1, 5, NULL), false);
	CHECK(sys_protect(space, NOWHERE | RIGHT_WRITE, 1, NULL, 0).value, 1);	/* nothing left */
	CHECK(touches(NOWHERE, 1, 0, NULL), false);
	CHECK(sys_scan(space, NOWHERE | SCAN_ACCESSED, 1, entries, 16).second, 1);	/* but it is still there */
	result = sys_unmap(space, NOWHERE | REPORT_ACCESSED, 16, entries, 16);
	CHECK(result.value, 16);
	CHECK(result.second, 5);
	CHECK(touches(NOWHERE + PAGE_BYTES, 1, 0, NULL), false);
	map_all_but(5, frames);
	CHECK(touches(NOWHERE, 3, 9, NULL), true);
	result = sys_unmap(space, NOWHERE, 16, entries, 2);
	CHECK(result.value, 2);
	CHECK(result.second, 2);
	result = sys_unmap(space, NOWHERE + 2 * PAGE_BYTES, 14, entries, 1);
	CHECK(result.second, 1);
	CHECK(unmap(NOWHERE, 16), 16);
}

/* A frame exchanged under a running program is seen at once. */
static void remap(void)
{
	uint64_t one = frame_new(), two = frame_new(), read;

	CHECK(map(NOWHERE | 3, 1, one, 0), 1);
	CHECK(touches(NOWHERE, 1, 111, NULL), true);
	CHECK(unmap(NOWHERE, 1), 1);
	CHECK(map(NOWHERE | 3, 1, two, 0), 1);
	CHECK(touches(NOWHERE, 1, 222, &read), true);
	CHECK(read, 0);
	CHECK(unmap(NOWHERE, 1), 1);
	CHECK(touches(NOWHERE, 1, 0, NULL), false);
	CHECK(map(NOWHERE | 1, 1, one, 0), 1);
	CHECK(touches(NOWHERE, 1, 0, &read), true);
	CHECK(read, 111);
	CHECK(unmap(NOWHERE, 1), 1);
	CHECK(map(NOWHERE | 1, 1, two, 0), 1);
	CHECK(touches(NOWHERE, 1, 0, &read), true);
	CHECK(read, 222);
	CHECK(unmap(NOWHERE, 1), 1);
}

/* Many spaces, more than a small machine has ASIDs: the same address shows each its own frame. */
static void spaces(void)
{
	uint64_t many[6], keep = space, read;

	for (unsigned i = 0; i < 6; i++) {
		many[i] = space = space_new(2);
		CHECK(map(NOWHERE | 3, 1, frame_new(), 0), 1);
	}
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 6; i++) {
			space = many[i];
			CHECK(touches(NOWHERE, 1, 1000 * round + i + 1, &read), true);
			CHECK(read, round ? 1000 * (round - 1) + i + 1 : 0);
		}
	for (unsigned i = 0; i < 6; i++)
		space_free(many[i]);
	space = keep;
}

/* Large pages: whole or not at all; copied from and to like small ones. */
static void large(void)
{
	uint64_t frames = (boot->page_first_free + 8 * LARGE_BYTES) & ~(LARGE_BYTES - 1), at = 0x80000000UL, read, entries[4];

	CHECK(sys_give(space, INIT_SLOT_OBJECT_MEMORY, object_page_new()), OK);
	CHECK(map(at | 3, 4 * 512, frames, MAP_LARGE), 4 * 512);
	CHECK(touches(at + LARGE_BYTES - PAGE_BYTES, 2, 31, NULL), true);
	CHECK(touches(at + LARGE_BYTES, 1, 0, &read), true);
	CHECK(read, 31);
	CHECK(sys_scan(space, at | SCAN_DIRTY, 4 * 512, entries, 4).second, 2);
	CHECK(entries[1], (at + LARGE_BYTES) | REPORT_A | REPORT_D);
	CHECK(unmap(at + PAGE_BYTES, 1), ERR_INVALID);
	CHECK(unmap(at, 1), ERR_INVALID);
	CHECK(sys_protect(space, at | 1, 511, NULL, 0).value, ERR_INVALID);
	CHECK(unmap(at, 512 + 1), 512);
	CHECK(map((at + LARGE_BYTES) | 3, 1, frame_new(), 0), ERR_IN_USE);
	CHECK(map((at + LARGE_BYTES) | 3, 512, frames, MAP_LARGE), 512);	/* not empty: stays */
	CHECK(map(at | 3, 1, frame_new(), 0), 1);
	CHECK(map(at | 3, 512, frames, MAP_LARGE), ERR_IN_USE);
	CHECK(unmap(at, 4 * 512), 4 * 512);
}

/* Ranges of any size take a bounded number of steps; every table comes back. */
static void tables(void)
{
	static const uint64_t places[] = { 0x40000000UL, 0x40200000UL, 0x123456000UL, USER_END - PAGE_BYTES };
	uint64_t taken = 0, steps = 0;
	long result;

	space = space_new(9);
	for (unsigned i = 0; i < 4; i++)
		CHECK(map(places[i] | 3, 1, frame_new(), 0), 1);
	for (uint64_t page = 0x40000000UL / PAGE_BYTES; page < USER_END / PAGE_BYTES; page += (uint64_t)result, steps++)
		if ((result = unmap(page * PAGE_BYTES, USER_END / PAGE_BYTES - page)) <= 0)
			break;
	CHECK(result > 0, true);
	CHECK(steps < 16, true);
	while ((result = sys_take(space)) > 0) {
		object_page_free((uint64_t)result);
		taken++;
	}
	CHECK(taken, 9);
	CHECK(map(places[0] | 3, 1, frame_new(), 0), ERR_NO_TABLE);
	CHECK(sys_take(space), ERR_EMPTY);
	CHECK(unmap(INIT_BASE, INIT_PAGES), INIT_PAGES);
	for (taken = 0; (result = sys_take(space)) > 0; taken++)
		object_page_free((uint64_t)result);
	CHECK(taken, 3);	/* the root comes last */
	CHECK(map(places[0] | 3, 1, frame_new(), 0), ERR_NO_TABLE);
	CHECK(unmap(0, 1), 1);
	CHECK(sys_scan(space, 0 | SCAN_DIRTY, 1, NULL, 0).value, 1);
	object_free(space);
}

/* How many of the reserve's pages can be had, which go back into it. */
static uint64_t reserve(void)
{
	uint64_t pages[16], count = 0;
	long result;

	for (; (result = sys_take(space)) > 0; count++)
		pages[count] = (uint64_t)result;
	CHECK(result, ERR_EMPTY);
	for (uint64_t i = 0; i < count; i++)
		CHECK(sys_give(space, INIT_SLOT_OBJECT_MEMORY, pages[i]), OK);
	return count;
}

/* The table that was emptied last stays in place, as long as no other one is emptied and none is wanted. */
static void emptied_tables(void)
{
	uint64_t at = 0x40000000UL, frame = frame_new(), read = 0;
	uint64_t large = (boot->page_base + LARGE_BYTES) & ~(LARGE_BYTES - 1);

	space = space_new(3);
	CHECK(map(at | 3, 1, frame, 0), 1);
	CHECK(map((at + LARGE_BYTES) | 3, 1, frame, 0), 1);
	CHECK(reserve(), 0);
	CHECK(unmap(at, 1), 1);
	CHECK(touches(at, 1, 0, NULL), false);
	CHECK(map(at | 3, 1, frame, 0), 1);	/* it is there, or it has come back */
	CHECK(touches(at, 1, 7, &read), true);
	CHECK(unmap(at, 1), 1);
	CHECK(map((at + 2 * LARGE_BYTES) | 3, 1, frame, 0), 1);	/* takes it */
	CHECK(touches(at, 1, 0, NULL), false);
	CHECK(touches(at + 2 * LARGE_BYTES, 1, 0, &read), true);
	CHECK(read, 7);
	CHECK(map(at | 3, 1, frame, 0), ERR_NO_TABLE);

	CHECK(unmap(at + LARGE_BYTES, 1), 1);
	CHECK(reserve(), 1);			/* so does its owner */
	CHECK(map((at + LARGE_BYTES) | 3, 1, frame, 0), 1);
	CHECK(unmap(at + LARGE_BYTES, 1), 1);
	CHECK(unmap(at + 2 * LARGE_BYTES, 1), 1);	/* the first one goes */
	CHECK(map((at + LARGE_BYTES) | 3, 512, large, MAP_LARGE), 512);
	CHECK(touches(at + LARGE_BYTES, 1, 0, NULL), true);
	CHECK(map((at + 2 * LARGE_BYTES) | 3, 512, large, MAP_LARGE), 512);	/* no table is in the way */
	CHECK(reserve(), 2);
	CHECK(unmap(at + LARGE_BYTES, 1024), 1024);
	CHECK(map(at | 3, 1, frame, 0), 1);
	CHECK(unmap(at, 1), 1);
	space_free(space);
}

void test_mapping(void)
{
	space = space_new(4);
	arguments();
	reports();
	remap();
	spaces();
	large();
	space_free(space);
	tables();
	emptied_tables();
}
