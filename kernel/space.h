/*
 * A space: a page table, its reserve of table pages, and a two-level table of capabilities. One page.
 *
 * Life:  created (no root) -- give --> usable -- unmap, take --> no root -- destroy --> dying -- swept --> gone
 *
 * A dying space takes no new threads. The sweep runs over the object table twice, a bounded piece per call of destroy: first it stops
 * the space's threads, then it frees the callers that wait for the space. After the first run nobody can receive for
 * the space any more, so after the second nobody waits for it, and thread->space and thread->holder never dangle.
 */
#ifndef SPACE_H
#define SPACE_H

#include "object.h"

#define SWEEP_OBJECTS 1024	/* object table entries looked at per call of destroy */

struct capability;
struct thread;

struct space {
	/* Page table: riscv/sv39.c, table.c, riscv/tlb.c */
	uint64_t *root;
	uint64_t satp;
	uint64_t asid, asid_generation;
	uint64_t reserve_first, reserve_pages;	/* indices of objects, chained through the pages' first words */

	struct reference route;
	struct reference leaf[SPACE_LEAVES];

	/* Destruction */
	uint64_t threads;		/* how many have thread->space == this */
	uint64_t sweep;			/* next object to look at; beyond object_count: the second run */
	bool dying;
	bool received;			/* somebody may have it as thread->holder */

	uint64_t slots[SPACE_SLOTS * 4];	/* struct capability, [0] never used */
};
_Static_assert(sizeof(struct space) <= PAGE_BYTES, "a space is one page");

/* The place of a slot, or NULL if the space has no such slot. */
struct capability *space_slot(struct space *space, uint64_t slot);

/* The same if the slot holds nothing alive; otherwise BAD_SLOT or IN_USE. */
long space_empty_slot(struct space *space, uint64_t slot, struct capability **result);

/* NOT_EMPTY; AGAIN; OK: nothing refers to it any more. */
long space_dismantle(struct space *space);

long sys_space_set(struct thread *caller, const uint64_t *argument);

#endif
