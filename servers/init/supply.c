/* See supply.h. */
#include "supply.h"

#include "init.h"
#include "power.h"

#define LARGE_PAGES (LARGE_BYTES / PAGE_BYTES)
#define VIEW_BASE 0x40000000UL
#define WINDOW_BASE 0x1000000000UL	/* the arena's first page appears here */

_Static_assert(OWN_SLOTS <= SPACE_SLOTS, "init's own slots need no leaf");

static struct {
	uint64_t objects_next, objects_end;
	uint64_t page_first, page_end;
	uint64_t arena_base, arena_next, arena_mapped, arena_end;
	uint64_t view_next;
} supply;

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* The arena lies in the larger one of the gaps before and behind the boot archive. */
static void choose_arena(const struct boot_info *boot)
{
	uint64_t archive = boot->initrd_base, archive_end = boot->initrd_base + boot->initrd_bytes;
	uint64_t start = supply.page_first, end = supply.page_end / LARGE_BYTES * LARGE_BYTES;

	if (boot->initrd_bytes && archive - start >= supply.page_end - archive_end)
		end = archive;
	else if (boot->initrd_bytes)
		start = archive_end;
	supply.arena_base = supply.arena_next = supply.arena_mapped = round_up(start, LARGE_BYTES);
	supply.arena_end = end;
}

uint64_t supply_device(uint64_t registers)
{
	const struct boot_info *boot = (const struct boot_info *)BOOT_INFO_BASE;

	return registers < boot->controller_base ? INIT_SLOT_DEVICES_BELOW : INIT_SLOT_DEVICES_ABOVE;
}

void supply_init(const struct boot_info *boot)
{
	supply.objects_next = boot->object_first_free;
	supply.objects_end = boot->object_base + boot->object_pages * PAGE_BYTES;
	supply.page_first = boot->page_first_free;
	supply.page_end = boot->page_base + boot->page_pages * PAGE_BYTES;
	supply.view_next = VIEW_BASE;
	choose_arena(boot);
}

static uint64_t next_object(void)
{
	if (supply.objects_next >= supply.objects_end)
		give_up("object memory has run out while starting the servers");
	supply.objects_next += PAGE_BYTES;
	return supply.objects_next - PAGE_BYTES;
}

void supply_object(enum kind kind, uint64_t slot)
{
	long error = sys_create(INIT_SLOT_OBJECT_MEMORY, next_object(), kind, slot);

	if (error < 0)
		give_up("cannot create an object of kind %d: error %ld", kind, error);
}

/* How many pages the next call maps: large ones, or small ones up to where large ones begin. */
static uint64_t map_part(uint64_t address, uint64_t pages, uint64_t physical, unsigned *flags)
{
	uint64_t small = -(address / PAGE_BYTES) % LARGE_PAGES;

	*flags = !small && pages >= LARGE_PAGES && physical % LARGE_BYTES == 0 ? MAP_LARGE : 0;
	if (*flags)
		return pages / LARGE_PAGES * LARGE_PAGES;
	return small && small < pages && (address ^ physical) % LARGE_BYTES == 0 ? small : pages;
}

static void map(uint64_t space, uint64_t address_rights, uint64_t pages, uint64_t physical, uint64_t memory)
{
	while (pages) {
		unsigned flags;
		uint64_t part = map_part(address_rights, pages, physical, &flags);
		long done = sys_map(space, address_rights, part, physical, memory, flags);

		if (done == ERR_NO_TABLE)
			done = sys_give(space, INIT_SLOT_OBJECT_MEMORY, next_object());
		else if (done > 0)
			address_rights += done * PAGE_BYTES, physical += done * PAGE_BYTES, pages -= done;
		if (done < 0)
			give_up("cannot map %lu pages at %lx to %lx: error %ld", pages, physical, address_rights, done);
	}
}

void supply_map(uint64_t space, uint64_t address, unsigned rights, uint64_t pages, uint64_t physical, uint64_t memory)
{
	map(space, address | rights, pages, physical, memory);
}

volatile void *supply_view(uint64_t physical, uint64_t bytes, unsigned rights, uint64_t memory)
{
	uint64_t start = physical / PAGE_BYTES * PAGE_BYTES, pages = (round_up(physical + bytes, PAGE_BYTES) - start) / PAGE_BYTES;
	uint64_t address = supply.view_next;

	supply.view_next += (pages + 1) * PAGE_BYTES;
	map(INIT_SLOT_SPACE, address | rights, pages, start, memory);
	return (volatile void *)(address + physical - start);
}

struct frames supply_frames(uint64_t pages)
{
	struct frames frames = { .physical = supply.arena_next };

	if (supply.arena_next >= supply.arena_end || pages > (supply.arena_end - supply.arena_next) / PAGE_BYTES)
		give_up("page memory has run out while starting the servers: give the machine more");
	supply.arena_next += pages * PAGE_BYTES;
	while (supply.arena_mapped < supply.arena_next) {
		map(INIT_SLOT_SPACE, (WINDOW_BASE + supply.arena_mapped - supply.arena_base) | RIGHT_READ | RIGHT_WRITE,
		    LARGE_PAGES, supply.arena_mapped, INIT_SLOT_PAGE_MEMORY);
		supply.arena_mapped += LARGE_BYTES;
	}
	frames.view = (void *)(WINDOW_BASE + frames.physical - supply.arena_base);
	return frames;
}

uint64_t supply_objects_free(void)
{
	return (supply.objects_end - supply.objects_next) / PAGE_BYTES;
}

struct supply_left supply_left(void)
{
	struct supply_left left = {
		.memory = {
			{ supply.page_first, (supply.arena_base - supply.page_first) / PAGE_BYTES },
			{ supply.arena_next, (supply.page_end - supply.arena_next) / PAGE_BYTES },
		},
		.objects = { supply.objects_next, supply_objects_free() },
	};

	supply.arena_end = supply.arena_next;
	supply.objects_end = supply.objects_next;
	return left;
}

static void unmap(uint64_t address, uint64_t pages)
{
	while (pages) {
		long done = sys_unmap(INIT_SLOT_SPACE, address, pages, NULL, 0).value;

		if (done <= 0)
			give_up("cannot unmap %lu pages at %lx: error %ld", pages, address, done);
		address += done * PAGE_BYTES, pages -= done;
	}
}

void supply_unview(volatile const void *view, uint64_t bytes)
{
	uint64_t start = (uint64_t)view / PAGE_BYTES * PAGE_BYTES;

	unmap(start, (round_up((uint64_t)view + bytes, PAGE_BYTES) - start) / PAGE_BYTES);
}

void supply_close(void)
{
	unmap(WINDOW_BASE, (supply.arena_mapped - supply.arena_base) / PAGE_BYTES);
}
