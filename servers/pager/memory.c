/*
 * The window onto page memory and the allocator of object memory (memory.h). Frames belong to the core from core_add_memory on;
 * this file never hands one out. It refuses nothing silently: at start, what cannot be mapped is a panic with its values.
 */
#include "memory.h"

#define LARGE_PAGES (LARGE_BYTES / PAGE_BYTES)

uint64_t object_pages, object_pages_free;

/* Free pages: those never used yet, and a stack of those that came back. */
static uint64_t unused_next;
static uint32_t *returned;
static uint64_t returned_count;

uint64_t object_page_take(void)
{
	if (!object_pages_free)
		return 0;
	object_pages_free--;
	if (returned_count)
		return (uint64_t)returned[--returned_count] << PAGE_SHIFT;
	unused_next += PAGE_BYTES;
	return unused_next - PAGE_BYTES;
}

void object_page_free(uint64_t physical)
{
	returned[returned_count++] = physical >> PAGE_SHIFT;
	object_pages_free++;
}

bool object_create(enum kind kind, uint64_t slot, uint64_t *page)
{
	while ((*page = object_page_take())) {
		long result = sys_create(SLOT_OBJECT_MEMORY, *page, kind, slot);

		if (result >= 0)
			return true;
		if (result == ERR_BAD_SLOT) {	/* a small table: init made few leaves */
			object_page_free(*page);
			*page = 0;
			return false;
		}
		if (result != ERR_RETIRED)
			panic("pager: create of kind %d at %lx, slot %lu: %ld", kind, (unsigned long)*page, (unsigned long)slot, result);
		object_pages--;		/* a retired page can never be an object again */
	}
	return false;
}

void object_destroy(uint64_t slot, uint64_t page)
{
	long result;

	while ((result = sys_destroy(slot)) == ERR_AGAIN)
		;
	if (result < 0)
		log_line("pager: destroy of slot %lu: %ld", (unsigned long)slot, result);
	object_page_free(page);
}

static void give_own_table(void)
{
	uint64_t page = object_page_take();
	long result = page ? sys_give(SLOT_SELF_SPACE, SLOT_OBJECT_MEMORY, page) : ERR_NO_MEMORY;

	if (result < 0)
		panic("pager: no page table for the window: %ld", result);
}

static void map_window(uint64_t physical, uint64_t pages)
{
	while (pages) {
		uint64_t to_boundary = LARGE_PAGES - physical / PAGE_BYTES % LARGE_PAGES;
		bool large = to_boundary == LARGE_PAGES && pages >= LARGE_PAGES;
		uint64_t part = large ? pages / LARGE_PAGES * LARGE_PAGES : pages < to_boundary ? pages : to_boundary;
		long done = sys_map(SLOT_SELF_SPACE, (WINDOW + physical) | RIGHT_READ | RIGHT_WRITE, part, physical, SLOT_PAGE_MEMORY, large ? MAP_LARGE : 0);

		if (done == ERR_NO_TABLE) {
			give_own_table();
			continue;
		}
		if (done <= 0 || (uint64_t)done > part)
			panic("pager: map of the window at %lx, %lu pages: %ld", (unsigned long)physical, (unsigned long)part, done);
		physical += done * PAGE_BYTES;
		pages -= done;
	}
}

static void largest_first(struct extent *extents, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		if (extents[i].pages <= extents[0].pages)
			continue;
		struct extent swap = extents[0];
		extents[0] = extents[i];
		extents[i] = swap;
	}
}

void memory_start(const struct start_info *start, uint64_t *lowest, uint64_t *highest, struct extent *extents)
{
	const unsigned count = sizeof(start->memory) / sizeof(start->memory[0]);
	uint64_t list_pages;

	unused_next = start->objects.physical;
	object_pages = object_pages_free = start->objects.pages;
	memcpy(extents, start->memory, sizeof(start->memory));
	largest_first(extents, count);
	*lowest = -1UL;
	*highest = 0;
	for (unsigned i = 0; i < count; i++) {
		uint64_t end = extents[i].physical + extents[i].pages * PAGE_BYTES;

		if (!extents[i].pages)
			continue;
		map_window(extents[i].physical, extents[i].pages);
		*lowest = extents[i].physical < *lowest ? extents[i].physical : *lowest;
		*highest = end > *highest ? end : *highest;
	}

	/* The list of returned object pages lies in the first frames. */
	list_pages = (object_pages * sizeof(*returned) + PAGE_BYTES - 1) / PAGE_BYTES;
	if (extents[0].pages <= list_pages)
		panic("pager: %lu pages of memory are not enough", (unsigned long)extents[0].pages);
	returned = (uint32_t *)(WINDOW + extents[0].physical);
	extents[0].physical += list_pages * PAGE_BYTES;
	extents[0].pages -= list_pages;
}
