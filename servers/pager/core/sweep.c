/*
 * Sweeps: going over all places where an object is mapped, a slice at a time, while everything else goes on. There may be any number of such places:
 * a library is mapped by every process.
 *
 *   the object's VMAs   new ──► visited ──► visited ──► at ──► not yet ──► not yet
 *
 * What was there when the sweep began is visited: a VMA that goes takes the sweep on to the next one, the second part of one that is split and
 * fork's copy stand right behind it, new ones in front of all, and as long as a sweep is under way, no two of the object's are joined. Nothing new can keep it from ending.
 *
 * An operation's sweep that takes more than one slice needs the lock; it waits for nothing but its turn, so the lock is never kept for long. The others
 * belong to no one: whoever comes along goes on with them.
 */
#include "internal.h"

static uint64_t object_page(const struct vma *vma, uint64_t address)
{
	return (address - vma->start + vma->offset) >> PAGE_SHIFT;
}

/* The part of a VMA that shows pages first..last-1 of its object; false: none. */
static bool overlap(const struct vma *vma, uint64_t first, uint64_t last, uint64_t *start, uint64_t *end)
{
	uint64_t base = vma->offset >> PAGE_SHIFT, pages = (vma->end - vma->start) >> PAGE_SHIFT;

	if (last <= base || first >= base + pages)
		return false;
	*start = vma->start + (first > base ? (first - base) << PAGE_SHIFT : 0);
	*end = last < base + pages ? vma->start + ((last - base) << PAGE_SHIFT) : vma->end;
	return *start < *end;
}

static STRAIGHT bool slice(struct sweep *sweep, sweep_visit *visit, uint64_t *budget)
{
	while (sweep->at) {
		struct vma *vma = sweep->at;
		uint64_t start, end, stop;

		if (!*budget)
			return false;
		spend(budget, 1);
		if (overlap(vma, sweep->page > sweep->first ? sweep->page : sweep->first, sweep->last, &start, &end)) {
			stop = visit(vma, start, end, budget);
			if (stop < end) {
				sweep->page = object_page(vma, stop);
				return false;
			}
		}
		sweep->at = vma->next;
		sweep->page = 0;
	}
	return true;
}

void sweep_begin(enum sweep_kind kind, struct object *object, uint64_t first, uint64_t last)
{
	core.sweep[kind] = (struct sweep){ .object = object, .first = first, .last = last, .at = object->vmas };
}

bool sweep_on(enum sweep_kind kind, sweep_visit *visit, uint64_t *budget)
{
	core.sweeping |= 1U << kind;
	if (!slice(&core.sweep[kind], visit, budget))
		return false;
	sweep_end(kind);
	return true;
}

void sweep_end(enum sweep_kind kind)
{
	core.sweeping &= ~(1U << kind);
	core.sweep[kind].object = NULL;
}

void sweep_drop(struct waiter *waiter)
{
	if (core.sweep_lock.owner != waiter)
		return;
	sweep_end(SWEEP_CALLER);
	core.sweep_lock.owner = NULL;
	wait_wake(&core.sweep_lock.queue);
}

bool sweep_crosses(const struct object *object)
{
	for (unsigned kind = 0; kind < SWEEPS; kind++)
		if ((core.sweeping >> kind & 1) && core.sweep[kind].object == object)
			return true;
	return false;
}

void sweep_pass(struct vma *vma)
{
	for (unsigned kind = 0; kind < SWEEPS; kind++) {
		struct sweep *sweep = &core.sweep[kind];

		if (!(core.sweeping >> kind & 1) || sweep->at != vma)
			continue;
		sweep->at = vma->next;
		sweep->page = 0;
	}
}

static bool is_for(const struct sweep *sweep, const struct object *object, uint64_t first, uint64_t last)
{
	return sweep->object == object && sweep->first == first && sweep->last == last;
}

/* Who is done in one slice need not wait for another's sweep. */
static STRAIGHT long sweep_for(struct waiter *waiter, struct object *object, uint64_t first, uint64_t last, sweep_visit *visit)
{
	struct sweep once = { .object = object, .first = first, .last = last, .at = object->vmas };
	uint64_t budget = slice_budget();

	if (core.sweep_lock.owner != waiter || !is_for(&core.sweep[SWEEP_CALLER], object, first, last)) {
		sweep_drop(waiter);
		if (slice(&once, visit, &budget))
			return 0;
		if (lock_check(&core.sweep_lock, waiter))
			return CORE_WAIT;
		core.sweep_lock.owner = waiter;
		core.sweep[SWEEP_CALLER] = once;
		core.sweeping |= 1U << SWEEP_CALLER;
		return CORE_AGAIN;
	}
	if (!sweep_on(SWEEP_CALLER, visit, &budget))
		return CORE_AGAIN;
	sweep_drop(waiter);
	return 0;
}

/* ---- what is done at each place */

/* How far the step may go in its page table. */
static uint64_t reach(const struct vma *vma, uint64_t start, uint64_t end, uint64_t *budget)
{
	if (vma->mapped_pages > *budget)
		end = minimum(end, start + (*budget + 1) * CORE_PAGE);
	spend(budget, BUDGET_CALL + minimum(vma->mapped_pages, (end - start) >> PAGE_SHIFT));
	return end;
}

uint64_t sweep_unmap(struct vma *vma, uint64_t start, uint64_t end, uint64_t *budget)
{
	if (!vma->mapped_pages)
		return end;
	spend(budget, BUDGET_CALL);
	vma_unmap(vma, start, end);
	return end;
}

static STRAIGHT uint64_t harvest(struct vma *vma, uint64_t start, uint64_t end, uint64_t *budget)
{
	if (!vma_hides_stores(vma))
		return end;
	end = reach(vma, start, end, budget);
	vma_harvest(vma, start, end);
	return end;
}

static uint64_t cut_off(struct vma *vma, uint64_t start, uint64_t end, uint64_t *budget)
{
	uint64_t pages;

	if (vma->mapped_pages)
		end = reach(vma, start, end, budget);
	if (vma->flags & VMA_COPIES)
		end = anon_reach(vma->space, start >> PAGE_SHIFT, end >> PAGE_SHIFT, 1 + *budget / BUDGET_PAGE) << PAGE_SHIFT;
	vma_unmap(vma, start, end);
	if (vma->flags & VMA_COPIES) {
		pages = anon_cut(vma->space, start >> PAGE_SHIFT, end >> PAGE_SHIFT, &vma->object->copies);
		spend(budget, BUDGET_PAGE * (1 + pages));
	}
	return end;
}

/* ---- the users' */

long object_harvest(struct object *object, uint64_t first, uint64_t last, struct waiter *waiter)
{
	if (object_hides_stores(object))
		return sweep_for(waiter, object, first, last, harvest);
	sweep_drop(waiter);
	return 0;
}

bool object_harvest_some(struct object *object)
{
	uint64_t budget = slice_budget();

	if (core.sweep[SWEEP_HARVEST].object != object)
		sweep_begin(SWEEP_HARVEST, object, 0, UINT64_MAX);
	return sweep_on(SWEEP_HARVEST, harvest, &budget);
}

long object_cut_off(struct object *object, struct waiter *waiter)
{
	long status = object->shown ? sweep_for(waiter, object, object_end(object), UINT64_MAX, cut_off) : 0;

	if (!status)
		object->shown = false;
	return status;
}

bool object_cut_off_some(struct object *object)
{
	struct sweep *sweep = &core.sweep[SWEEP_TRIM];
	uint64_t budget = slice_budget();

	if (!object->shown)
		return true;
	if (sweep->object && sweep->object != object)
		return false;
	if (!sweep->object)
		sweep_begin(SWEEP_TRIM, object, object_end(object), UINT64_MAX);
	object->shown = !sweep_on(SWEEP_TRIM, cut_off, &budget);
	return !object->shown;
}

bool object_free_copies(struct object *object)
{
	core_assert(!object->shown);
	for (uint64_t budget = slice_frames(); object->copies; budget--) {
		struct frame *frame = object->copies;

		if (!budget)
			return false;
		object->copies = frame->next;
		frame_free(frame);
	}
	return true;
}
