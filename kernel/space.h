/*
 * A space: a page table, its reserve of table pages, and a two-level table of capabilities. One page.
 *
 * Life:  created (no root) -- give --> usable -- unmap, take --> no root -- destroy --> dying -- swept --> gone
 *
 * A dying space takes no new threads. Each call of destroy does a bounded piece: first the space's threads are stopped, so that
 * nobody can receive for it any more; then, if it ever received, a sweep over the object table frees the callers that wait
 * for it. So nobody waits for the dead, and thread->space and thread->holder never dangle.
 *
 * A capability says what its holder may do with one object or one extent of memory or interrupts.
 *   object:  word and index as in the object table; alive while both agree; its page; badge is what receivers see
 *   extent:  word is just the kind; base and count say which physical pages (or interrupt numbers)
 * An empty slot is all zero and fails the liveness test like a dead one. There is no derivation tree: to revoke, destroy
 * the object.
 */
#ifndef SPACE_H
#define SPACE_H

#include "object.h"

struct capability {
	uint64_t word;
	uint32_t index;
	uint32_t rights;
	union {
		uint64_t badge;
		uint64_t base;		/* physical address, or interrupt number */
	};
	union {
		uint64_t count;
		void *page;		/* of the object */
	};
};
_Static_assert(sizeof(struct capability) * LEAF_SLOTS == PAGE_BYTES, "a leaf is one page");

#define NO_REGION (~0UL)

struct space {
	/* Shared with fastpath.S: riscv/frame.h */
	uint64_t satp;			/* 0: it has no ASID now, or no root */
	struct reference route;
	void *route_page;		/* of some object; the route's while that is alive */
	uint64_t *root;			/* of the page table: riscv/sv39.c, riscv/tlb.c, table.c */
	uint64_t reserve_first, reserve_pages;	/* object indices, chained through the pages' first words */
	uint64_t near_region, *near_table;	/* the table of 4 KiB pages walked to last, and the number of its 2 MiB, or NO_REGION */
	uint64_t near_large, *large_entry;	/* the same of the large page that was reached last: its entry */
	uint64_t received;		/* somebody may have it as thread->holder */
	struct capability slots[SPACE_SLOTS];	/* [0] is never used */

	uint64_t emptied_region;	/* where the table stays that was emptied last, the number of its 2 MiB + 1; 0: nowhere */

	struct reference leaf[SPACE_LEAVES];

	/* Destruction */
	struct link threads;		/* those with thread->space == this, through thread->in_space */
	uint64_t sweep;			/* next object to look at */
	bool dying;
};
_Static_assert(sizeof(struct space) <= PAGE_BYTES, "a space is one page");

/*
 * `rights` of a capability: RIGHT_*, and two more bits that save the fast path looking at the kind, each the sign of a half:
 * this is an endpoint, and one may receive from it, or send to it.
 */
#define RIGHT_ENDPOINT_RECEIVE	(1u << 15)
#define RIGHT_ENDPOINT_SEND	(1u << 31)
static inline uint32_t capability_rights(enum kind kind, uint64_t rights)
{
	bool endpoint = kind == KIND_ENDPOINT;

	return (uint32_t)rights | (endpoint && rights & RIGHT_RECEIVE ? RIGHT_ENDPOINT_RECEIVE : 0) |
	       (endpoint && rights & RIGHT_SEND ? RIGHT_ENDPOINT_SEND : 0);
}

static inline bool kind_is_extent(enum kind kind) { return kind >= KIND_OBJECT_MEMORY; }

static inline bool capability_alive(const struct capability *capability)
{
	return object_alive(capability->word, capability->index) || kind_is_extent(word_kind(capability->word));
}

static inline struct reference capability_reference(const struct capability *capability)
{
	return (struct reference){ capability->word, capability->index, capability->rights };
}

static inline void *capability_page(const struct capability *capability) { return capability->page; }

/* The place of a slot, or NULL if the space has no such slot. */
static inline struct capability *space_slot(struct space *space, uint64_t slot)
{
	const struct reference *leaf = &space->leaf[(slot - SPACE_SLOTS) / LEAF_SLOTS];

	if (likely(slot - 1 < SPACE_SLOTS - 1))
		return &space->slots[slot];
	if (slot < SPACE_SLOTS || slot >= SPACE_SLOTS + SPACE_LEAVES * LEAF_SLOTS || !object_alive(leaf->word, leaf->index))
		return NULL;
	return (struct capability *)object_page(leaf->index) + (slot - SPACE_SLOTS) % LEAF_SLOTS;
}

/* The live capability in a slot, or NULL. */
static inline const struct capability *capability_get(struct space *space, uint64_t slot)
{
	const struct capability *capability = space_slot(space, slot);

	return likely(capability && capability_alive(capability)) ? capability : NULL;
}

/* The one way to use a slot: *result is a live capability of this kind (NONE: any object) with all these rights. BAD_SLOT, WRONG_KIND, NO_RIGHT. */
static inline long capability_check(struct space *space, uint64_t slot, enum kind kind, uint32_t rights,
				    const struct capability **result)
{
	const struct capability *capability = *result = capability_get(space, slot);

	if (unlikely(!capability))
		return ERR_BAD_SLOT;
	if (unlikely(word_kind(capability->word) != kind) && (kind != KIND_NONE || kind_is_extent(word_kind(capability->word))))
		return ERR_WRONG_KIND;
	return likely((capability->rights & rights) == rights) ? OK : ERR_NO_RIGHT;
}

/* Is [base, base + count) part of the extent? Counts are pages for memory, numbers for interrupts. */
static inline bool extent_covers(const struct capability *extent, uint64_t base, uint64_t count)
{
	uint64_t unit = word_kind(extent->word) == KIND_IRQ ? 1 : PAGE_BYTES;

	return base % unit == 0 && base >= extent->base && range_inside((base - extent->base) / unit, count, 0, extent->count);
}

static inline void space_init(struct space *space)
{
	list_init(&space->threads);
	space->near_region = space->near_large = NO_REGION;
	space->route_page = objects;
}

/* NOT_EMPTY; AGAIN; OK: nothing refers to it any more. */
long space_dismantle(struct space *space);

#endif
