/*
 * Spaces: their VMAs as programs see them (adding, splitting, merging, rights, growth of a stack), and their life.
 * Two neighbours that could be one VMA are one: a program cannot tell, and the tree stays small.
 */
#include "internal.h"
#include "kernel.h"

struct space *core_space_create(void *table, uint64_t number)
{
	struct space *space;

	memory_prompt();
	space = slab_take(sizeof *space);
	if (!space)
		return NULL;
	if (!family_begin(space)) {
		slab_free(space, sizeof *space);
		return NULL;
	}
	space->table = table;
	space->number = number;
	space->mmap_top = CORE_USER_END;
	space->leaf_base = NO_LEAF;
	space->next = core.all_spaces;
	if (space->next)
		space->next->previous = space;
	core.all_spaces = space;
	return space;
}

long space_lock_step(struct space *space, struct waiter *waiter, long status)
{
	if (core_not_yet(status))
		lock_take(&space->busy, waiter);
	else
		lock_drop(&space->busy, waiter);
	return status;
}

static bool counts_as_writable(const struct vma *vma)
{
	return vma->object && (vma->flags & VMA_SHARED) && (vma->prot & PROT_WRITE);
}

static void harvest(void *context, uint64_t entry)
{
	struct vma *vma = context;
	struct frame *frame;

	if (!(entry & REPORT_D))
		return;
	frame = pages_find(vma->object, ((entry & ~PAGE_MASK) - vma->start + vma->offset) >> PAGE_SHIFT);
	if (!frame || !(frame->flags & PAGE_BLOCK))
		return;
	page_dirty(frame);
	object_modify(vma->object);
}

/* Only where a store through this VMA may have left its D bit. */
static void (*harvest_of(const struct vma *vma))(void *, uint64_t)
{
	return counts_as_writable(vma) && vma->object->backed ? harvest : NULL;
}

bool vma_hides_stores(const struct vma *vma)
{
	return vma->mapped_pages && harvest_of(vma);
}

void vma_harvest(struct vma *vma, uint64_t start, uint64_t end)
{
	core.ops.scan(vma->space->table, start, SCAN_DIRTY | SCAN_CLEAR, (end - start) >> PAGE_SHIFT, harvest, vma);
}

#define NEAR_PAGES 512

/* From this VMA on, as far as they lie near each other and nothing is to be harvested: one call for all, up to a slice. */
static void unmap_run(struct vma *vma, uint64_t budget)
{
	struct space *space = vma->space;
	uint64_t start = vma->start, end = start, mapped = 0;

	for (; vma && budget && !harvest_of(vma) && vma->start <= end + NEAR_PAGES * CORE_PAGE; vma = vma_next(vma), budget--) {
		if (!vma->mapped_pages)
			continue;
		mapped += vma->mapped_pages;
		if (mapped > core_slice_pages)
			break;
		vma->mapped_pages = 0;
		end = vma->end;
	}
	if (end > start)
		core.ops.unmap(space->table, start, (end - start) >> PAGE_SHIFT, NULL, NULL);
}

/* Whoever held the space is gone: its operation cannot go on. The page table goes VMA by VMA, the private pages in slices. */
long core_space_destroy(struct space *space, struct waiter *waiter)
{
	struct vma *vma;
	uint64_t end;

	if (space->busy.owner && space->busy.owner != waiter)
		lock_drop(&space->busy, space->busy.owner);
	lock_take(&space->busy, waiter);
	for (uint64_t budget = slice_records(); (vma = vma_above(space, 0)); budget--) {
		if (!budget)
			return CORE_AGAIN;
		end = vma_slice(vma, vma->start, vma->end);
		if (end < vma->end) {
			vma_unmap(vma, vma->start, end);
			vma->offset += end - vma->start;
			vma_move(vma, end, vma->end);
			return CORE_AGAIN;
		}
		if (vma->mapped_pages)
			unmap_run(vma, budget);
		vma_unmap(vma, vma->start, vma->end);
		space_delete(vma);
	}
	if (anon_drop_some(space, slice_frames()))
		return CORE_AGAIN;
	lock_drop(&space->busy, waiter);
	*(space->previous ? &space->previous->next : &core.all_spaces) = space->next;
	if (space->next)
		space->next->previous = space->previous;
	family_leave(space);
	slab_free(space, sizeof *space);
	return 0;
}

/* ---- records */

/* A new one comes first, a part or a copy of an old one right behind that: sweep.c stands on this order. */
static void link_object(struct vma *vma, struct vma *behind)
{
	struct object *object = vma->object;

	if (!object)
		return;
	vma->previous = behind;
	vma->next = behind ? behind->next : object->vmas;
	if (vma->next)
		vma->next->previous = vma;
	*(behind ? &behind->next : &object->vmas) = vma;
	object->writable_vmas += counts_as_writable(vma);
}

static void unlink_object(struct vma *vma)
{
	struct object *object = vma->object;

	if (!object)
		return;
	if (core.sweeping)
		sweep_pass(vma);
	*(vma->previous ? &vma->previous->next : &object->vmas) = vma->next;
	if (vma->next)
		vma->next->previous = vma->previous;
	object->writable_vmas -= counts_as_writable(vma);
	core.search.changed = true;
	object_lost_map(object);
	object_settle(object);
}

void space_delete(struct vma *vma)
{
	vma_remove(vma->space, vma);
	unlink_object(vma);
	slab_free(vma, sizeof *vma);
}

/* What vma_insert and link_object set is not copied. `behind`: of the object's (link_object). */
static STRAIGHT struct vma *insert(struct space *space, const struct vma *wanted, struct vma *previous, struct vma *next, struct vma *behind)
{
	struct vma *vma = slab_raw(sizeof *vma);

	if (!vma)
		return NULL;
	vma->start = wanted->start;
	vma->end = wanted->end;
	vma->object = wanted->object;
	vma->offset = wanted->offset;
	vma->limit = wanted->limit;
	vma->ahead = wanted->ahead;
	vma->mapped_pages = wanted->mapped_pages;
	vma->prot = wanted->prot;
	vma->max_prot = wanted->max_prot;
	vma->flags = wanted->flags;
	vma_insert(space, vma, previous, next);
	link_object(vma, behind);
	return vma;
}

static RARE struct vma *insert_copy(struct space *space, const struct vma *wanted, struct vma *previous, struct vma *next, struct vma *behind)
{
	return insert(space, wanted, previous, next, behind);
}

struct vma *space_clone(struct space *space, struct vma *vma)
{
	struct vma wanted = *vma;

	wanted.mapped_pages = 0;
	wanted.flags &= ~VMA_MAPPINGS;
	return insert_copy(space, &wanted, vma_last(space), NULL, vma);
}

/* May `low` and, right above it, `high` be one VMA? */
static bool alike(const struct vma *low, const struct vma *high)
{
	return low->prot == high->prot && low->max_prot == high->max_prot
		&& (low->flags & VMA_KIND) == (high->flags & VMA_KIND) && low->object == high->object && low->limit == high->limit
		&& (!low->object || low->offset + (low->end - low->start) == high->offset);
}

static inline bool mergeable(const struct vma *low, const struct vma *high)
{
	return low && high && low->end == high->start && alike(low, high);
}

/* `high` leaves first: its object keeps `low`. */
static struct vma *join(struct vma *low, struct vma *high)
{
	uint64_t end = high->end, mapped_pages = (uint64_t)low->mapped_pages + high->mapped_pages;

	low->flags |= high->flags;
	low->mapped_pages = minimum(mapped_pages, UINT32_MAX);
	space_delete(high);
	vma_move(low, low->start, end);
	return low;
}

struct vma *space_merge(struct vma *vma)
{
	struct vma *previous = vma_previous(vma), *next = vma_next(vma);

	if (vma->object && core.sweeping && sweep_crosses(vma->object))
		return vma;
	if (mergeable(vma, next))
		join(vma, next);
	return mergeable(previous, vma) ? join(previous, vma) : vma;
}

/* It becomes a part of a neighbour. */
static RARE struct vma *extend(const struct vma *wanted, struct vma *previous, struct vma *next)
{
	if (mergeable(previous, wanted)) {
		vma_move(previous, previous->start, wanted->end);
		return next && mergeable(previous, next) && !(core.sweeping && sweep_crosses(previous->object)) ? join(previous, next) : previous;
	}
	next->offset = wanted->offset;
	vma_move(next, wanted->start, next->end);
	return next;
}

STRAIGHT struct vma *space_add_here(struct space *space, const struct vma *wanted)
{
	struct vma *next = vma_above(space, wanted->start);
	struct vma *previous = next ? vma_previous(next) : vma_last(space);

	if (mergeable(previous, wanted) || mergeable(wanted, next))
		return extend(wanted, previous, next);
	return insert(space, wanted, previous, next, NULL);
}

RARE struct vma *space_add(struct space *space, const struct vma *wanted)
{
	return space_add_here(space, wanted);
}

static RARE bool vma_split(struct vma *vma, uint64_t address)
{
	struct vma high = *vma;

	high.start = address;
	high.offset += address - vma->start;
	high.mapped_pages = minimum(vma->mapped_pages, (high.end - high.start) >> PAGE_SHIFT);
	high.ahead = (struct ahead){ 0 };
	/* The upper part is cut off first, so that the copy finds its place free; put back if there is no memory for it. */
	vma_move(vma, vma->start, address);
	if (!insert_copy(vma->space, &high, vma, vma_next(vma), vma)) {
		vma_move(vma, vma->start, high.end);
		return false;
	}
	vma->mapped_pages = minimum(vma->mapped_pages, (vma->end - vma->start) >> PAGE_SHIFT);
	return true;
}

bool space_split(struct space *space, uint64_t address)
{
	struct vma *vma = vma_above(space, address);

	return !vma || address <= vma->start || vma_split(vma, address);
}

/* ---- addresses */

/* A stack grows to the page touched, unless another mapping would come nearer than the guard page. */
static bool stack_grow(struct vma *vma, uint64_t address)
{
	struct vma *previous = vma_previous(vma);
	uint64_t start = address & ~PAGE_MASK;

	if (!(vma->flags & VMA_STACK) || start < vma->limit || (previous && previous->end + CORE_PAGE > start))
		return false;
	vma_move(vma, start, vma->end);
	return true;
}

struct vma *space_find(struct space *space, uint64_t address)
{
	struct vma *vma = address < CORE_USER_END ? vma_search(space, address) : NULL;

	if (!vma || (address < vma->start && !stack_grow(vma, address)))
		return NULL;
	return vma;
}

long core_map_stack(struct space *space, uint64_t top, uint64_t initial_bytes, uint64_t limit_bytes)
{
	struct vma wanted = {
		.start = top - initial_bytes, .end = top, .limit = top - limit_bytes,
		.prot = PROT_READ | PROT_WRITE, .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC, .flags = VMA_STACK,
	};
	struct vma *above;

	if (((top | initial_bytes | limit_bytes) & PAGE_MASK) || !initial_bytes || initial_bytes > limit_bytes
		|| top > CORE_USER_END || limit_bytes > top - USER_START - CORE_PAGE)
		return -EINVAL;
	memory_prompt();
	above = vma_above(space, wanted.start);
	if (above && above->start < top)
		return -EEXIST;
	if (!space_add(space, &wanted))
		return -ENOMEM;
	space->mmap_top = wanted.limit - CORE_PAGE;
	return 0;
}

/* ---- rights */

void vma_unmap(struct vma *vma, uint64_t start, uint64_t end)
{
	if (!vma->mapped_pages || start >= end)
		return;
	core.ops.unmap(vma->space->table, start, (end - start) >> PAGE_SHIFT, harvest_of(vma), vma);
	if (start == vma->start && end == vma->end) {
		vma->mapped_pages = 0;
		vma->flags &= ~VMA_MAPPINGS;
	}
}

bool vma_protect(struct vma *vma, unsigned prot, uint64_t *at)
{
	unsigned rights = rights_of(prot);
	uint64_t start = *at > vma->start ? *at : vma->start;

	if (!vma->mapped_pages || !(rights_of(vma->prot) & ~rights))
		return true;
	*at = vma_slice(vma, start, vma->end);
	if (!rights)
		vma_unmap(vma, start, *at);
	else if (start < *at)
		core.ops.protect(vma->space->table, start, rights, (*at - start) >> PAGE_SHIFT, harvest_of(vma), vma);
	return *at == vma->end;
}

void vma_set_prot(struct vma *vma, unsigned prot)
{
	if (vma->object)
		vma->object->writable_vmas -= counts_as_writable(vma);
	vma->prot = prot;
	if (vma->object)
		vma->object->writable_vmas += counts_as_writable(vma);
}
