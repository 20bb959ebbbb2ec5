/*
 * Putting pages into page tables: the map call and the map item. Taking them out is in unmap.c. Frames are checked one by one
 * against the memory capability that is named; tables are only ever taken from the space's reserve.
 * A fresh mapping needs no flush: a hart that remembers the empty entry faults, and the fault is found to be stale.
 */
#include "mapping.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"
#include "thread.h"

#define PAGE_OF(address) ((address) & ~(PAGE_BYTES - 1))
#define OFFSET_OF(address) ((address) & (PAGE_BYTES - 1))
#define MAP_CONTIGUOUS_MAX 512UL	/* leaves per call */

/* Some right; no writing without reading, which Sv39 cannot express; nothing else in the low bits. */
static inline bool rights_valid(uint64_t rights)
{
	return rights && rights <= (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE) && (rights & (RIGHT_READ | RIGHT_WRITE)) != RIGHT_WRITE;
}

/* And pages below USER_END. */
static bool arguments_valid(uint64_t address, uint64_t rights, uint64_t pages)
{
	return rights_valid(rights) && pages && pages <= USER_END >> PAGE_SHIFT && range_inside(address, pages << PAGE_SHIFT, 0, USER_END);
}

/* Has the reserve enough tables for pages outside the table of the faulting one? Two neighbours may share one: then one too many is asked for. */
static long item_tables(struct space *space, const struct map_item *item)
{
	uint64_t missing = *item->walk.entry ? 0 : item->walk.level, last = item->fault_address / LARGE_BYTES;

	for (uint64_t i = 0; i < item->pages; i++) {
		uint64_t address = item->address + (i << PAGE_SHIFT), region = address / LARGE_BYTES;
		struct walk walk;

		if (!item->physical[i] || region == last)
			continue;
		last = region;
		walk = table_walk(space, address);
		missing += *walk.entry ? 0 : walk.level;
	}
	return missing <= space->reserve_pages ? OK : ERR_NO_TABLE;
}

/* All frames, each read once: the faulting page has one, and the extent covers them. */
static long item_frames(struct thread *replier, const struct capability *extent, uint64_t frames, uint64_t fault_page, struct map_item *item)
{
	uint64_t base = extent->base, bytes = extent->count << PAGE_SHIFT;
	struct user_array list = { { &frames }, 1 };
	long error = item->pages > 1 ? user_array(replier->space, frames, item->pages, ACCESS_READ, &list) : OK;

	if (error)
		return error;
	for (uint64_t i = 0; i < item->pages; i++) {
		uint64_t physical = *user_element(&list, i);

		if (unlikely(physical - base >= bytes || OFFSET_OF(physical)) && (physical || i == fault_page))
			return ERR_INVALID;
		item->physical[i] = physical;
	}
	return OK;
}

long map_item_check(struct thread *replier, struct thread *thread, struct map_item *item)
{
	const uint64_t *word = &replier->x[A0];
	uint64_t fault_address = thread->fault_address, fault_page = (fault_address - PAGE_OF(word[0])) >> PAGE_SHIFT;
	const struct capability *extent;
	long error = capability_check(replier->space, word[3], KIND_PAGE_MEMORY, 0, &extent);

	item->address = PAGE_OF(word[0]);
	item->rights = OFFSET_OF(word[0]);
	item->pages = word[1];
	item->fault_address = fault_address;
	if (error || item->pages > MAP_ITEM_MAX || !arguments_valid(item->address, item->rights, item->pages) ||
	    fault_address < item->address || fault_page >= item->pages || !thread->space)
		return error ? error : ERR_INVALID;
	if (item->rights & ~(uint64_t)extent->rights)
		return ERR_NO_RIGHT;
	if ((error = item_frames(replier, extent, word[2], fault_page, item)))
		return error;
	item->walk = table_walk(thread->space, fault_address);
	if (!item->walk.entry)
		return ERR_NO_TABLE;
	if (item->walk.level)
		return *item->walk.entry ? ERR_INVALID : item_tables(thread->space, item);
	return item->address / LARGE_BYTES == (item->address + ((item->pages - 1) << PAGE_SHIFT)) / LARGE_BYTES ? OK :
	       item_tables(thread->space, item);
}

/* Pages [first, end) of the item, which share a table. The faulting page comes first: then only empty entries are filled. */
static void map_item_run(struct thread *thread, const struct map_item *item, uint64_t first, uint64_t end)
{
	uint64_t fault_page = (item->fault_address - item->address) >> PAGE_SHIFT, filled = 0, bits = entry_make(0, item->rights, 0);
	struct walk walk = item->walk;
	bool faulting, extended = true;

	while (first < end && !item->physical[first])
		first++;
	if (first == end)
		return;
	faulting = fault_page - first < end - first;
	if (walk.level || !faulting)
		walk = table_walk(thread->space, item->address + (first << PAGE_SHIFT));
	else
		walk.entry -= fault_page - first;
	if (walk.level && !*walk.entry)
		extended = table_extend(thread->space, &walk, item->address + (first << PAGE_SHIFT), 0);
	assert(extended);
	if (walk.level)
		return;
	if (faulting && entry_replace(walk.entry + (fault_page - first), entry_make(item->physical[fault_page], item->rights, thread->fault_access)))
		tlb_flush_page(thread->space, item->fault_address);
	else
		filled = faulting;
	for (uint64_t *entry = walk.entry; first < end; first++, entry++)
		if (item->physical[first] && !*entry) {
			*entry = entry_make(item->physical[first], 0, 0) | bits;
			filled++;
		}
	objects[object_index(table_of(walk.entry))].word += filled * OBJECT_ENTRY;
}

void map_item_act(struct thread *thread, const struct map_item *item)
{
	for (uint64_t first = 0, end; first < item->pages; first = end) {
		end = min(item->pages, first + (LARGE_BYTES - (item->address + (first << PAGE_SHIFT)) % LARGE_BYTES) / PAGE_BYTES);
		map_item_run(thread, item, first, end);
	}
	if (item->rights & RIGHT_EXECUTE)
		fetch_fence();
}

/* Most answers are this: one page, whose table is there. False: nothing was done, and it may be wrong. */
static bool map_one(struct thread *replier, struct thread *thread)
{
	uint64_t address_rights = replier->x[A0], frame = replier->x[A0 + 2], address = thread->fault_address, rights = OFFSET_OF(address_rights);
	const struct capability *extent;
	struct walk walk;

	if (replier->x[A0 + 1] != 1 || PAGE_OF(address_rights) != PAGE_OF(address) || address >= USER_END || !rights_valid(rights) ||
	    capability_check(replier->space, replier->x[A0 + 3], KIND_PAGE_MEMORY, (uint32_t)rights, &extent) ||
	    frame - extent->base >= extent->count << PAGE_SHIFT || OFFSET_OF(frame))
		return false;
	walk = table_walk(thread->space, address);
	if (walk.level)
		return false;
	/* Nothing below may fail. */
	if (entry_replace(walk.entry, entry_make(frame, rights, thread->fault_access)))
		tlb_flush_page(thread->space, address);
	else
		objects[object_index(table_of(walk.entry))].word += OBJECT_ENTRY;
	if (rights & RIGHT_EXECUTE)
		fetch_fence();
	return true;
}

long fault_answer_map(struct thread *replier, struct thread *thread)
{
	struct map_item item;
	long error;

	if (likely(map_one(replier, thread)))
		return OK;
	error = map_item_check(replier, thread, &item);
	if (!error)
		map_item_act(thread, &item);
	return error;
}

struct map_request {
	struct space *space;
	const struct capability *extent;
	uint64_t address, rights, pages, frames, flags;
	unsigned level;
	struct user_array list;
};

/* All but the frames, which are checked as they are used. The number of pages is cut to what one call does. */
static long request_decode(struct thread *caller, const uint64_t *argument, struct map_request *request)
{
	uint64_t unit = argument[5] & MAP_LARGE ? LARGE_BYTES : PAGE_BYTES;
	long error;

	request->address = PAGE_OF(argument[1]);
	request->rights = OFFSET_OF(argument[1]);
	request->pages = argument[2];
	request->frames = argument[3];
	request->flags = argument[5];
	request->level = unit == LARGE_BYTES;
	error = capability_check(caller->space, argument[4], KIND_PAGE_MEMORY, 0, &request->extent);
	if (error && (error != ERR_WRONG_KIND || word_kind(request->extent->word) != KIND_DEVICE_MEMORY))
		return error;
	if (!arguments_valid(request->address, request->rights, request->pages) ||
	    request->flags & ~(uint64_t)(MAP_LIST | MAP_LARGE | MAP_REPLACE) || (request->flags & MAP_LIST && request->flags & MAP_LARGE) ||
	    request->address % unit || (request->pages << PAGE_SHIFT) % unit)
		return ERR_INVALID;
	if (request->rights & ~(uint64_t)request->extent->rights)
		return ERR_NO_RIGHT;
	request->pages = min(request->pages, request->flags & MAP_LIST ? MAP_LIST_MAX : MAP_CONTIGUOUS_MAX * unit >> PAGE_SHIFT);
	if (request->flags & MAP_LIST)
		return user_array(caller->space, request->frames, request->pages, ACCESS_READ, &request->list);
	return request->frames % unit ? ERR_INVALID : OK;
}

/* INVALID: not in the extent. NO_RIGHT: the kernel's own device. IN_USE: pages of another size are there. NO_TABLE. */
static long map_leaf(const struct map_request *request, uint64_t address, uint64_t frame)
{
	uint64_t bytes = level_bytes(request->level), entry = entry_make(frame, request->rights, 0);
	struct walk walk = table_walk(request->space, address);

	if (!extent_covers(request->extent, frame, bytes >> PAGE_SHIFT))
		return ERR_INVALID;
	if (hardware_owns(frame, bytes))
		return ERR_NO_RIGHT;
	if (!walk.entry)
		return ERR_NO_TABLE;
	if (walk.level >= request->level && !*walk.entry) {
		if (!table_extend(request->space, &walk, address, request->level))
			return ERR_NO_TABLE;
		table_fill(walk, entry);
	} else if (request->flags & MAP_REPLACE) {
		if (walk.level != request->level)
			return ERR_IN_USE;
		entry_replace(walk.entry, entry);
		tlb_flush_page(request->space, address);
	}
	return OK;
}

long sys_map(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	struct map_request request = { .space = capability_page(target) };
	uint64_t done = 0, unit, frame;
	long error = request_decode(caller, argument, &request);

	if (error)
		return error;
	/* Each frame is read once; a bad one, a lack of tables or a page of another size ends it early. */
	unit = level_bytes(request.level);
	for (uint64_t leaf = 0; !error && done < request.pages; leaf++) {
		frame = request.flags & MAP_LIST ? *user_element(&request.list, leaf) : request.frames + leaf * unit;
		if (frame || !(request.flags & MAP_LIST))
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
