/*
 * Long work in slices: how much one step may do, and sweeps (sweep.c), which visit all places where an object is mapped. Everything else goes on between
 * two slices; docs/pager.md says why a sweep misses no place that was there at its beginning.
 */
#ifndef PAGER_CORE_SWEEP_H
#define PAGER_CORE_SWEEP_H

#include "space.h"

/* What a step may do: 1 a page table entry or a record passed by, 4 a page given up, BUDGET_CALL a call below. */
#define BUDGET_CALL 64
#define BUDGET_PAGE 4

static inline uint64_t slice_budget(void)
{
	return BUDGET_CALL + core_slice_pages;
}

static inline void spend(uint64_t *budget, uint64_t cost)
{
	*budget -= minimum(*budget, cost);
}

/* One step of long work: page table entries; pages that are given up; records looked at; pieces copied. */
static inline uint64_t slice_frames(void)
{
	return 1 + core_slice_pages / 4;
}

static inline uint64_t slice_records(void)
{
	return 1 + core_slice_pages / 64;
}

static inline uint64_t slice_pieces(void)	/* copies of up to a page */
{
	return 1 + core_slice_pages / 32;
}

/* ---- sweeps (sweep.c) */
enum sweep_kind {
	SWEEP_CALLER,		/* of an operation: one at a time, the others wait */
	SWEEP_TRIM,		/* of a truncation that was broken off */
	SWEEP_HARVEST,		/* of the background */
	SWEEP_ZERO,		/* of the zero page, where a file in memory gets a page */
	SWEEP_PART,		/* of one page that is to be given up (reclaim.c) */
	SWEEPS
};

struct sweep {
	struct object *object;
	uint64_t first, last;	/* its pages first..last-1 */
	struct vma *at;		/* comes next; null: all were visited */
	uint64_t page;		/* of the object: so far `at` was visited */
};

/* The part of a VMA that comes next and what the step may still do: how far it came. */
typedef uint64_t sweep_visit(struct vma *vma, uint64_t start, uint64_t end, uint64_t *budget);
sweep_visit sweep_unmap;			/* out of page tables; for single pages */

void sweep_begin(enum sweep_kind kind, struct object *object, uint64_t first, uint64_t last);
bool sweep_on(enum sweep_kind kind, sweep_visit *visit, uint64_t *budget);	/* a slice; true: it was the last */
void sweep_end(enum sweep_kind kind);		/* broken off or over */
void sweep_drop(struct waiter *waiter);		/* the same, and if it was this waiter's, the next one's turn */
bool sweep_crosses(const struct object *object);	/* one is under way: its VMAs must not be joined */
void sweep_pass(struct vma *vma);		/* it is about to go */

/* D bits of pages first..last-1 become dirty pages. 0: all that were set when it began; CORE_AGAIN, CORE_WAIT. */
long object_harvest(struct object *object, uint64_t first, uint64_t last, struct waiter *waiter);
bool object_harvest_some(struct object *object);		/* the same for the background, a slice; true: it was the last */
/* Pages past the end leave all page tables, private copies too. 0: they have. */
long object_cut_off(struct object *object, struct waiter *waiter);
bool object_cut_off_some(struct object *object);		/* the same for object_trim */
bool object_free_copies(struct object *object);			/* after that; true: all */

#endif
