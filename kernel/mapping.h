/*
 * What a space's pages show: the mapping calls (mapping.c, unmap.c), the map item in the reply to a fault, the reserve of table
 * pages (table.c), and the kernel's own way to user memory (user.c). Entries and walks: riscv/sv39.h.
 */
#ifndef MAPPING_H
#define MAPPING_H

#include "riscv/sv39.h"

struct space;
struct thread;

/* `replier` answers the fault of `thread` with the map item in its message registers: all is mapped, or an error. Also for fastpath.S. */
long fault_answer_map(uint64_t start, uint64_t pages, uint64_t frame, uint64_t slot, struct thread *replier, struct thread *thread);

/* The call; also for init's own pages, at boot. */
long sys_map(struct thread *caller, const struct capability *target, const uint64_t *argument);

/* The reserve: table pages, zero but for their first words, which chain them. They are the owner's gift; empty tables come back to it. */
static inline uint64_t *reserve_pop(struct space *space)
{
	uint64_t *table = object_page(space->reserve_first);

	assert(space->reserve_pages);
	space->reserve_first = table[0];
	table[0] = 0;
	space->reserve_pages--;
	return table;
}

static inline void reserve_push(struct space *space, uint64_t *table)
{
	table[0] = space->reserve_first;
	space->reserve_first = object_index(table);
	space->reserve_pages++;
}

/* A free page becomes the root, if there is none yet, or one more in the reserve. */
void table_give(struct space *space, uint64_t index);

/*
 * The only way to user memory: walk the page table of a space in software, obey its rights, note the use, go through the
 * direct map. Nothing else in the kernel follows a user's address. Only page memory is reached, never a device.
 *
 * The byte at `address` if it may be accessed so (ACCESS_READ or ACCESS_WRITE), and how many follow it; NULL if not.
 */
uint8_t *user_reach(struct space *space, uint64_t address, uint64_t access, uint64_t *bytes);

/*
 * The same, if the page's entry has all these bits already, and a large one was reached last: a physical address, which may be a
 * device's, or 0: look closer.
 */
static always_inline uint64_t user_physical(struct space *space, uint64_t address, uint64_t bits)
{
	uint64_t region = address / LARGE_BYTES, inside = address % PAGE_BYTES, *entry;

	if (likely(region == space->near_region)) {
		entry = space->near_table + entry_index(address, 0);
	} else if (likely(region == space->near_large)) {
		entry = space->large_entry;
		inside = address % LARGE_BYTES;
	} else {
		struct walk walk = table_walk(space, address);

		if (walk.level || address >= USER_END)
			return 0;
		entry = walk.entry;
	}
	return likely(!(~*entry & bits)) ? entry_physical(*entry) + inside : 0;
}

/* All of a kernel buffer, from (ACCESS_READ) or to user memory. OK or BAD_ADDRESS. */
long user_transfer(struct space *space, uint64_t address, void *buffer, uint64_t bytes, uint64_t access);

#endif
