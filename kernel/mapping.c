/*
 * Putting pages into page tables: the map call, and the map item in the answer to a fault. Taking them out is in unmap.c. Frames are
 * checked against the memory capability that is named; tables are only ever taken from the space's reserve.
 * A fresh mapping needs no flush: a hart that remembers the empty entry faults, and the fault is found to be stale.
 */
#include "mapping.h"
#include "riscv/hardware.h"
#include "thread.h"

#define OFFSET_MASK (PAGE_BYTES - 1)
#define RIGHTS_ALL (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE)
#define LEAVES_AT_ONCE 512UL		/* per call of map */

/*
 * Both begin with the same four words: address | rights, pages, frame (or list), slot of the memory capability. A mapping gets some
 * right, and writing, as Sv39 has it, only with reading.
 */
static inline long memory_check(struct thread *caller, const uint64_t *word, const struct capability **extent)
{
	uint64_t rights = word[0] & OFFSET_MASK;
	long error = capability_check(caller->space, word[3], KIND_USER_MEMORY, (uint32_t)rights, extent);

	if (!error && (rights - 1 >= RIGHTS_ALL || (rights & (RIGHT_READ | RIGHT_WRITE)) == RIGHT_WRITE))
		return ERR_INVALID;
	return error;
}

static inline bool frame_valid(const struct capability *extent, uint64_t frame)
{
	return likely(frame - extent->base < extent->count << PAGE_SHIFT && !(frame & OFFSET_MASK));
}

/* The list of an item with several pages, which share a table: each frame is read once; 0: none. */
static long item_list(struct space *space, const uint64_t *word, const struct capability *extent, uint64_t *frames)
{
	uint64_t pages = word[1], bytes;
	const uint64_t *list = (uint64_t *)user_reach(space, word[2], ACCESS_READ, &bytes);

	if (pages > MAP_ITEM_MAX || (word[0] & ~OFFSET_MASK) % LARGE_BYTES + (pages << PAGE_SHIFT) > LARGE_BYTES || word[2] % 8)
		return ERR_INVALID;
	if (!list || bytes < pages * sizeof(uint64_t))
		return ERR_BAD_ADDRESS;
	for (uint64_t i = 0; i < pages; i++) {
		frames[i] = list[i];
		if (frames[i] && !frame_valid(extent, frames[i]))
			return ERR_INVALID;
	}
	return OK;
}

/* The faulting page, which was `old`, can be used. */
__attribute__((noinline)) static long map_fence(struct thread *thread, uint64_t old, uint64_t rights)
{
	if (old)
		tlb_flush_page(thread->space, thread->fault_address);
	if (rights & RIGHT_EXECUTE)
		fetch_fence();
	return OK;
}

/* Any item. The fast path has kept its words in the registers; if something is wrong with it, the slow path begins anew. */
__attribute__((noinline)) static long map_item(uint64_t start, uint64_t pages, uint64_t frame, uint64_t slot, struct thread *replier,
					       struct thread *thread)
{
	uint64_t *word = &replier->x[A0], rights = start & OFFSET_MASK, address = start - rights;
	uint64_t fault = thread->fault_address, page = (fault - address) >> PAGE_SHIFT, frames[MAP_ITEM_MAX], old, filled, *entry;
	const struct capability *extent;
	long error;

	word[0] = start, word[1] = pages, word[2] = frame, word[3] = slot;
	error = memory_check(replier, word, &extent);
	if (error)
		return error;
	if (page >= pages || fault >= USER_END || !thread->space)
		return ERR_INVALID;
	if (pages > 1) {
		if ((error = item_list(replier->space, word, extent, frames)))
			return error;
		frame = frames[page];
	}
	if (!frame_valid(extent, frame))
		return ERR_INVALID;
	entry = table_reach(thread->space, fault, 0, &error);
	if (!entry)
		return error;
	/* Nothing below may fail. The faulting page replaces what was there, its neighbours do not. */
	old = entry_replace(entry, entry_make(frame, rights, thread->fault_access));
	filled = !old;
	entry -= page;
	for (uint64_t i = 0; pages > 1 && i < pages; i++)
		if (frames[i] && !entry[i]) {
			entry[i] = entry_make(frames[i], rights, 0);
			filled++;
		}
	table_count(entry, (int64_t)filled);
	return map_fence(thread, old, rights);
}

/* Most items are one page that can be read, whose table is there: it needs no stack. Whatever is different or wrong: any item. */
long fault_answer_map(uint64_t start, uint64_t pages, uint64_t frame, uint64_t slot, struct thread *replier, struct thread *thread)
{
	uint64_t rights = start & OFFSET_MASK, fault = thread->fault_address, old;
	const struct capability *extent = &replier->space->slots[slot % SPACE_SLOTS];
	struct walk walk;

	if (unlikely(pages != 1 || slot >= SPACE_SLOTS || (rights & ~6UL) != RIGHT_READ || (fault ^ start) > OFFSET_MASK ||
		     fault >= USER_END || !thread->space || extent->word != KIND_USER_MEMORY || rights & ~(uint64_t)extent->rights ||
		     !frame_valid(extent, frame)))
		return map_item(start, pages, frame, slot, replier, thread);
	walk = table_walk(thread->space, fault);
	if (unlikely(walk.level))
		return map_item(start, pages, frame, slot, replier, thread);
	/* Nothing below may fail. */
	old = entry_replace(walk.entry, entry_make(frame, rights, thread->fault_access));
	if (likely(!old))
		table_count(walk.entry, 1);
	return unlikely(old || rights & RIGHT_EXECUTE) ? map_fence(thread, old, rights) : OK;
}

long sys_map(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	struct space *space = capability_page(target);
	uint64_t rights = argument[1] & OFFSET_MASK, address = argument[1] - rights, pages = argument[2], frame = argument[3];
	uint64_t level = argument[5] == MAP_LARGE, leaf = level_bytes(level), done, limit, *entry;
	const struct capability *extent;
	long error = memory_check(caller, &argument[1], &extent);

	if (error)
		return error;
	if (argument[5] > MAP_LARGE || (address | frame | pages << PAGE_SHIFT) % leaf || !extent_covers(extent, frame, pages) ||
	    !pages || !range_inside(address, pages << PAGE_SHIFT, 0, USER_END))
		return ERR_INVALID;
	/* A lack of tables or a page of another size ends it early. */
	limit = min(pages << PAGE_SHIFT, LEAVES_AT_ONCE * leaf);
	for (done = 0; done < limit && (entry = table_reach(space, address + done, level, &error)); done += leaf)
		if (!*entry) {
			*entry = entry_make(frame + done, rights, 0);
			table_count(entry, 1);
		}
	if (rights & RIGHT_EXECUTE)
		fetch_fence();
	return done ? (long)(done >> PAGE_SHIFT) : error;
}
