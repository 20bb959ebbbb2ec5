/*
 * Putting pages into page tables: the map call and the map item. Taking them out is in unmap.c.
 * A fresh mapping needs no flush: a hart that remembers the empty entry faults, and the fault is found to be stale.
 */
#include "mapping.h"
#include "capability.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"
#include "thread.h"
#include "user.h"

#define ADDRESS_MASK (~(PAGE_BYTES - 1))
#define MAP_CONTIGUOUS_MAX 512UL	/* leaves per call */

/* Some right; no writing without reading, which Sv39 cannot express; nothing else in the low bits of the address. */
static bool rights_valid(uint64_t rights)
{
	return rights && rights <= (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE) &&
	       (rights & (RIGHT_READ | RIGHT_WRITE)) != RIGHT_WRITE;
}

static bool pages_valid(uint64_t address, uint64_t pages)
{
	return pages && pages <= USER_END >> PAGE_SHIFT && range_inside(address, pages << PAGE_SHIFT, 0, USER_END);
}

/* ---- Map items */

/* The frames of the item, from the message or from the replier's memory. */
static long item_frames(struct thread *replier, struct map_item *item)
{
	if (item->pages > 1)
		return user_read(replier->space, replier->x[A0 + 2], item->physical, item->pages * sizeof(uint64_t));
	item->physical[0] = replier->x[A0 + 2];
	return OK;
}

/* Has the reserve enough tables? Two neighbouring regions without any may share one: then one too many is asked for. */
static long item_tables(struct space *space, const struct map_item *item)
{
	uint64_t missing = 0, last = ~0UL;

	for (uint64_t i = 0; i < item->pages; i++) {
		uint64_t address = item->address + (i << PAGE_SHIFT), region = address / LARGE_BYTES;

		if (!item->physical[i] || region == last)
			continue;
		last = region;
		missing += walk_missing(table_walk(space, address));
	}
	return missing <= space->reserve_pages ? OK : ERR_NO_TABLE;
}

long map_item_check(struct thread *replier, struct thread *thread, struct map_item *item)
{
	const struct capability *extent;
	uint64_t fault_page;
	struct walk walk;
	long error = capability_check(replier->space, replier->x[A0 + 3], KIND_PAGE_MEMORY, 0, &extent);

	item->address = replier->x[A0] & ADDRESS_MASK;
	item->rights = replier->x[A0] & ~ADDRESS_MASK;
	item->pages = replier->x[A0 + 1];
	fault_page = (thread->fault_address - item->address) >> PAGE_SHIFT;
	if (error)
		return error;
	if (!rights_valid(item->rights) || item->pages > MAP_ITEM_MAX || !pages_valid(item->address, item->pages) ||
	    thread->fault_address < item->address || fault_page >= item->pages || !thread->space)
		return ERR_INVALID;
	if (item->rights & ~extent->rights)
		return ERR_NO_RIGHT;
	error = item_frames(replier, item);
	for (uint64_t i = 0; !error && i < item->pages; i++)
		if ((item->physical[i] || i == fault_page) && !extent_covers(extent, item->physical[i], 1))
			error = ERR_INVALID;
	if (error)
		return error;
	walk = table_walk(thread->space, thread->fault_address);
	if (!walk.entry)
		return ERR_NO_TABLE;
	if (*walk.entry && walk.level)
		return ERR_INVALID;
	return item_tables(thread->space, item);
}

static void map_item_page(struct thread *thread, uint64_t address, uint64_t physical, uint64_t rights)
{
	bool faulting = address == (thread->fault_address & ADDRESS_MASK);
	struct walk walk = table_walk(thread->space, address);
	uint64_t entry = entry_make(physical, rights, faulting ? thread->fault_access : 0);

	if (!*walk.entry) {
		bool extended = table_extend(thread->space, &walk, address, 0);

		assert(extended);
		table_fill(walk, entry);
	} else if (faulting) {
		table_replace(walk, entry);
		tlb_flush_page(thread->space, address);
	}
}

void map_item_act(struct thread *thread, const struct map_item *item)
{
	for (uint64_t i = 0; i < item->pages; i++)
		if (item->physical[i])
			map_item_page(thread, item->address + (i << PAGE_SHIFT), item->physical[i], item->rights);
	if (item->rights & RIGHT_EXECUTE)
		fetch_fence();
}

/* ---- The map call */

struct map_request {
	struct space *space;
	uint64_t address, rights, pages, frames, flags;
	unsigned level;
	struct user_array list;
};

static uint64_t request_frame(const struct map_request *request, uint64_t leaf)
{
	if (request->flags & MAP_LIST)
		return *user_element(&request->list, leaf);
	return request->frames + leaf * level_bytes(request->level);
}

/* Is one leaf's frame covered by the extent and not the kernel's own device? */
static long frame_check(const struct map_request *request, const struct capability *extent, uint64_t frame)
{
	uint64_t bytes = level_bytes(request->level);

	if (!extent_covers(extent, frame, bytes >> PAGE_SHIFT))
		return ERR_INVALID;
	return hardware_owns(frame, bytes) ? ERR_NO_RIGHT : OK;
}

/* Decode and validate all but the frames. */
static long request_decode(struct thread *caller, const uint64_t *argument, struct map_request *request)
{
	bool large = argument[5] & MAP_LARGE;
	uint64_t unit = large ? LARGE_BYTES : PAGE_BYTES;

	request->address = argument[1] & ADDRESS_MASK;
	request->rights = argument[1] & ~ADDRESS_MASK;
	request->pages = argument[2];
	request->frames = argument[3];
	request->flags = argument[5];
	request->level = large ? 1 : 0;
	if (!rights_valid(request->rights) || !pages_valid(request->address, request->pages) ||
	    request->flags & ~(uint64_t)(MAP_LIST | MAP_LARGE | MAP_REPLACE) || (large && (request->flags & MAP_LIST)) ||
	    request->address % unit || (request->pages << PAGE_SHIFT) % unit)
		return ERR_INVALID;
	if (!(request->flags & MAP_LIST)) {
		request->pages = min(request->pages, MAP_CONTIGUOUS_MAX * unit >> PAGE_SHIFT);
		return request->frames % unit ? ERR_INVALID : OK;
	}
	request->pages = min(request->pages, MAP_LIST_MAX);
	return user_array(caller->space, request->frames, request->pages, ACCESS_READ, &request->list);
}

/* OK, NO_TABLE, or IN_USE: pages of another size are in the way of MAP_REPLACE. */
static long map_leaf(const struct map_request *request, uint64_t address, uint64_t frame)
{
	struct walk walk = table_walk(request->space, address);
	uint64_t entry = entry_make(frame, request->rights, 0);

	if (!walk.entry)
		return ERR_NO_TABLE;
	if (walk.level >= request->level && !*walk.entry) {
		if (!table_extend(request->space, &walk, address, request->level))
			return ERR_NO_TABLE;
		table_fill(walk, entry);
	} else if (request->flags & MAP_REPLACE) {
		if (walk.level != request->level)
			return ERR_IN_USE;
		table_replace(walk, entry);
		tlb_flush_page(request->space, address);
	}
	return OK;
}

long sys_map(struct thread *caller, const uint64_t *argument)
{
	const struct capability *target, *extent;
	struct map_request request;
	uint64_t done = 0, unit;
	long error = capability_check(caller->space, argument[0], KIND_SPACE, RIGHT_CONTROL, &target);

	if (error)
		return error;
	error = capability_check(caller->space, argument[4], KIND_DEVICE_MEMORY, 0, &extent);
	if (error == ERR_WRONG_KIND)
		error = capability_check(caller->space, argument[4], KIND_PAGE_MEMORY, 0, &extent);
	if (error || (error = request_decode(caller, argument, &request)))
		return error;
	if (request.rights & ~(uint64_t)extent->rights)
		return ERR_NO_RIGHT;
	request.space = object_page(target->index);
	unit = level_bytes(request.level);
	/* Each frame is read once and checked; a bad one, a lack of tables or a page of another size ends it early. */
	for (uint64_t leaf = 0; !error && done < request.pages; leaf++) {
		uint64_t frame = request_frame(&request, leaf);

		if (frame || !(request.flags & MAP_LIST))
			error = frame_check(&request, extent, frame);
		if (!error && frame)
			error = map_leaf(&request, request.address + leaf * unit, frame);
		if (!error)
			done += unit >> PAGE_SHIFT;
	}
	if (request.rights & RIGHT_EXECUTE)
		fetch_fence();
	return done ? (long)done : error;
}

void map_boot_page(struct space *space, uint64_t address, uint64_t physical, uint64_t rights)
{
	struct walk walk = table_walk(space, address);
	bool extended = table_extend(space, &walk, address, 0);

	assert(extended);
	table_fill(walk, entry_make(physical, rights, rights & RIGHT_WRITE ? ACCESS_WRITE : ACCESS_READ));
}

bool fault_is_stale(struct space *space, uint64_t address, uint64_t access)
{
	struct walk walk;

	if (address >= USER_END)
		return false;
	walk = table_walk(space, address);
	if (!walk.entry || !(entry_rights(*walk.entry) & access))
		return false;
	entry_use(walk.entry, access);
	tlb_flush_page(space, address);
	return true;
}
