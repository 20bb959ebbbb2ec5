/*
 * The mapping calls: mmap, munmap, mprotect, madvise, brk, and what fork and /proc need of them. Arguments are a program's: anything may
 * be in them. Long ranges go in slices while the space is locked; progress[0] says where the work stands.
 */
#include "internal.h"
#include "kernel.h"

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* ---- taking away */

/* One slice: not too many private pages, not too many page table entries. */
static uint64_t slice_end(struct vma *vma, uint64_t start, uint64_t end)
{
	end = vma_slice(vma, start, end);
	if ((vma->flags & VMA_COPIES) && end - start > slice_frames() * CORE_PAGE)
		end = minimum(end, anon_reach(vma->space, start >> PAGE_SHIFT, end >> PAGE_SHIFT, slice_frames()) << PAGE_SHIFT);
	return end;
}

long vma_empty(struct vma *vma, uint64_t *at, uint64_t end, struct waiter *waiter)
{
	uint64_t start = *at, stop = slice_end(vma, start, end);

	if ((vma->flags & VMA_COPIES) && !anon_part_range(vma->space, start >> PAGE_SHIFT, stop >> PAGE_SHIFT))
		return memory_wait(waiter);
	vma_unmap(vma, start, stop);
	if (vma->flags & VMA_COPIES)
		anon_remove(vma->space, start >> PAGE_SHIFT, stop >> PAGE_SHIFT);
	if (start == vma->start && stop == vma->end)
		vma->flags &= ~VMA_COPIES;
	*at = stop;
	return stop < end ? CORE_AGAIN : 0;
}

long space_clear(struct space *space, uint64_t *at, uint64_t end, struct waiter *waiter)
{
	uint64_t budget = slice_records();
	struct vma *vma;
	long status = memory_want(waiter, false);

	if (status)
		return status;
	if (!space_split(space, *at) || !space_split(space, end))
		return memory_wait(waiter);
	while ((vma = vma_above(space, *at)) && vma->start < end) {
		uint64_t start = vma->start;

		if (!budget--)
			return CORE_AGAIN;
		*at = start;
		status = vma_empty(vma, at, vma->end, waiter);
		if (!status) {
			space_delete(vma);
		} else {
			if (*at > start) {
				vma->offset += *at - start;
				vma_move(vma, *at, vma->end);
			}
			return status;
		}
	}
	return 0;
}

/* All of a VMA at once. False: it is too much, or its private pages do not lie in one leaf of our own, so memory may be needed. */
static STRAIGHT bool clear_vma(struct vma *vma)
{
	uint64_t first = vma->start >> PAGE_SHIFT, last = vma->end >> PAGE_SHIFT;

	if (vma->mapped_pages > core_slice_pages)
		return false;
	if (vma->flags & VMA_COPIES) {
		if (last - first > slice_frames() || !anon_near(vma->space, first, last))
			return false;
		vma_unmap(vma, vma->start, vma->end);
		anon_remove(vma->space, first, last);
	} else {
		vma_unmap(vma, vma->start, vma->end);
	}
	space_delete(vma);
	return true;
}

/* Most of what is taken away was asked for as such. Null: it is not one VMA. */
static STRAIGHT struct vma *vma_of(struct space *space, uint64_t address, uint64_t length)
{
	struct vma *vma = vma_above(space, address);

	return vma && vma->start == address && vma->end == address + (pages_of(length) << PAGE_SHIFT) ? vma : NULL;
}

STRAIGHT long core_munmap_at_once(struct space *space, uint64_t address, uint64_t length)
{
	struct vma *vma = space->busy.owner || core.memory_waiters ? NULL : vma_of(space, address, length);

	return vma && !vma->object && clear_vma(vma) ? 0 : CORE_WAIT;
}

long core_munmap(struct space *space, uint64_t address, uint64_t length, struct waiter *waiter)
{
	uint64_t end = address + (pages_of(length) << PAGE_SHIFT);
	struct vma *vma;
	long status;

	if ((address & PAGE_MASK) || !length || address > CORE_USER_END || length > CORE_USER_END - address)
		return -EINVAL;
	status = lock_check(&space->busy, waiter);
	if (status)
		return status;
	vma = vma_of(space, address, length);
	if (vma && clear_vma(vma))
		return space_step(space, waiter, 0);
	if (waiter->progress[0] < address)
		waiter->progress[0] = address;
	return space_step(space, waiter, space_clear(space, &waiter->progress[0], end, waiter));
}

/* ---- mmap */

/* Linux's default heuristic: what could never be had is refused at once. */
static bool too_much(uint64_t length, unsigned prot, unsigned flags)
{
	bool counts = (flags & MAP_SHARED) ? (flags & MAP_ANONYMOUS) : (prot & PROT_WRITE);

	return counts && !(flags & MAP_NORESERVE) && length >> PAGE_SHIFT > core_counters.total_pages;
}

static bool is_free(struct space *space, uint64_t start, uint64_t end)
{
	struct vma *vma = vma_above(space, start);

	return !vma || vma->start >= end;
}

/* Where the mapping will lie, or -errno. */
static long choose_address(struct space *space, uint64_t hint, uint64_t length, unsigned flags)
{
	uint64_t found;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (hint & PAGE_MASK)
			return -EINVAL;
		if (hint > CORE_USER_END - length)
			return -ENOMEM;
		if (hint < USER_START)
			return -EPERM;
		if ((flags & MAP_FIXED_NOREPLACE) && !is_free(space, hint, hint + length))
			return -EEXIST;
		return hint;
	}
	hint &= ~PAGE_MASK;
	if (hint >= USER_START && hint <= CORE_USER_END - length && is_free(space, hint, hint + length))
		return hint;
	found = vma_gap_below(space, length, space->mmap_top);
	if (!found)
		found = vma_gap_below(space, length, CORE_USER_END);
	return found ? (long)found : -ENOMEM;
}

/* What MAP_SHARED_VALIDATE may come with; others are not ignored there. */
#define FLAGS_KNOWN (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | \
		     MAP_POPULATE | MAP_NONBLOCK | MAP_STACK)

static STRAIGHT long check_mmap(uint64_t length, unsigned prot, unsigned flags, const struct object *object, uint64_t offset, unsigned max_prot)
{
	unsigned type = flags & MAP_TYPE;

	if (!length || (offset & PAGE_MASK) || (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE))
		return -EINVAL;
	if (!object != !!(flags & MAP_ANONYMOUS) || (flags & MAP_HUGETLB))
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (!object || flags & ~FLAGS_KNOWN))
		return object ? -EOPNOTSUPP : -EINVAL;
	if (length > CORE_USER_END)
		return -ENOMEM;
	if (object && offset + length < offset)
		return -EOVERFLOW;
	if (prot & ~(max_prot & PROT_ALL))
		return -EACCES;
	return too_much(length, prot, flags) ? -ENOMEM : 0;
}

/* Only what a new VMA takes of it, and no object yet. */
static STRAIGHT void describe(struct vma *wanted, uint64_t start, uint64_t end, unsigned prot, unsigned max_prot, unsigned flags)
{
	wanted->start = start;
	wanted->end = end;
	wanted->object = NULL;
	wanted->offset = wanted->limit = 0;
	wanted->ahead = (struct ahead){ 0 };
	wanted->mapped_pages = 0;
	wanted->prot = prot;
	wanted->max_prot = max_prot;
	wanted->flags = flags;
}

static long add_mapping(struct space *space, struct vma *wanted, struct waiter *waiter)
{
	struct object *made = NULL;
	struct vma *vma;

	if ((wanted->flags & VMA_SHARED) && !wanted->object) {
		made = object_anonymous(wanted->end - wanted->start);
		if (!made)
			return memory_wait(waiter);
		wanted->object = made;
	}
	vma = space_add(space, wanted);
	if (made)
		object_drop(made);
	return vma ? (long)wanted->start : memory_wait(waiter);
}

/* Private memory without a file, where there is none. */
STRAIGHT long core_mmap_at_once(struct space *space, uint64_t address, uint64_t length, unsigned prot, unsigned flags)
{
	struct vma wanted;
	long place;

	prot &= PROT_ALL;
	length = pages_of(length) << PAGE_SHIFT;
	if (space->busy.owner || (flags & MAP_TYPE) != MAP_PRIVATE || check_mmap(length, prot, flags, NULL, 0, PROT_ALL) ||
	    core_counters.free_pages < core.want[0])
		return CORE_WAIT;
	place = choose_address(space, address, length, flags);
	if (place < 0 || ((flags & MAP_FIXED) && !is_free(space, place, place + length)))
		return CORE_WAIT;
	describe(&wanted, place, place + length, prot, PROT_ALL, 0);
	return space_add_here(space, &wanted) ? place : CORE_WAIT;
}

/* progress[0]: how far a fixed mapping's place is cleared; progress[1]: the place. */
long core_mmap(struct space *space, uint64_t address, uint64_t length, unsigned prot, unsigned flags, struct object *object, uint64_t offset,
	unsigned max_prot, struct waiter *waiter)
{
	struct vma wanted;
	long place, status;

	prot &= PROT_ALL;
	length = length > CORE_USER_END ? length : pages_of(length) << PAGE_SHIFT;
	if (flags & MAP_ANONYMOUS)
		offset = 0;
	status = check_mmap(length, prot, flags, object, offset, max_prot);
	if (status || (status = lock_check(&space->busy, waiter)))
		return status;
	place = waiter->progress[1] ? (long)waiter->progress[1] : choose_address(space, address, length, flags);
	if (place < 0)
		return place;
	status = memory_want(waiter, false);
	if (!status && (flags & MAP_FIXED) && !(flags & MAP_FIXED_NOREPLACE) && !is_free(space, place, place + length)) {
		waiter->progress[1] = place;
		if (waiter->progress[0] < (uint64_t)place)
			waiter->progress[0] = place;
		status = space_clear(space, &waiter->progress[0], place + length, waiter);
	}
	if (!status) {
		describe(&wanted, place, place + length, prot, max_prot, (flags & MAP_TYPE) == MAP_PRIVATE ? 0 : VMA_SHARED);
		wanted.object = object;
		wanted.offset = object ? offset : 0;
		status = add_mapping(space, &wanted, waiter);
	}
	return space_step(space, waiter, status);
}

/* ---- mprotect, madvise */

static long check_range(uint64_t address, uint64_t *length)
{
	if (address & PAGE_MASK)
		return -EINVAL;
	if (*length > CORE_USER_END || address > CORE_USER_END - *length)
		return -ENOMEM;
	*length = pages_of(*length) << PAGE_SHIFT;
	return 0;
}

/* From *at on: one VMA's part changes its rights, its page table entries first; *protected: how far those are. */
static long protect_part(struct space *space, uint64_t *at, uint64_t *protected, uint64_t end, unsigned prot, struct waiter *waiter)
{
	struct vma *vma = vma_above(space, *at);

	if (!vma || vma->start > *at)
		return -ENOMEM;
	if (prot & ~vma->max_prot)
		return -EACCES;
	end = minimum(end, vma->end);
	if (vma->prot != prot) {
		if (!(vma->flags & VMA_SHARED) && !(vma->prot & PROT_WRITE) && too_much(end - *at, prot, MAP_PRIVATE))
			return -ENOMEM;
		if (*at > vma->start || end < vma->end) {
			if (!space_split(space, *at) || !space_split(space, end))
				return memory_wait(waiter);
			vma = vma_above(space, *at);
		}
		if (!vma_protect(vma, prot, protected))
			return CORE_AGAIN;
		vma_set_prot(vma, prot);
		space_merge(vma);
	}
	*at = end;
	return 0;
}

long core_mprotect(struct space *space, uint64_t address, uint64_t length, unsigned prot, struct waiter *waiter)
{
	long status = check_range(address, &length);

	if (status)
		return status;
	if (prot & ~PROT_ALL)
		return -EINVAL;
	status = lock_check(&space->busy, waiter);
	if (status)
		return status;
	if (waiter->progress[0] < address)
		waiter->progress[0] = address;
	for (uint64_t budget = slice_records(); !status && waiter->progress[0] < address + length; budget--) {
		status = budget ? memory_want(waiter, false) : CORE_AGAIN;
		if (!status)
			status = protect_part(space, &waiter->progress[0], &waiter->progress[1], address + length, prot, waiter);
	}
	return space_step(space, waiter, status);
}

static void will_need(struct vma *vma, uint64_t start, uint64_t end)
{
	uint64_t index = (start - vma->start + vma->offset) >> PAGE_SHIFT, pages = (end - start) >> PAGE_SHIFT;
	long status;

	if (!vma->object || !vma->object->backed)
		return;
	for (unsigned i = 0; i < 4 * CORE_BATCH && i < pages && index + i < object_end(vma->object); i++) {
		if (core_counters.free_pages < core.want[1] + CORE_BATCH)
			return;
		if (!pages_find(vma->object, index + i))
			page_in(vma->object, index + i, minimum(pages - i, CORE_BATCH), &status);
	}
}

static long advise_part(struct vma *vma, uint64_t *at, uint64_t end, unsigned advice, struct waiter *waiter)
{
	if (advice == MADV_FREE && (vma->object || (vma->flags & VMA_SHARED)))
		return -EINVAL;
	if (advice == MADV_DONTNEED || advice == MADV_FREE)
		return vma_empty(vma, at, end, waiter);
	if (advice == MADV_WILLNEED)
		will_need(vma, *at, end);
	*at = end;
	return 0;
}

static bool advice_known(unsigned advice)
{
	switch (advice) {
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED: case MADV_DONTNEED: case MADV_FREE:
	case MADV_MERGEABLE: case MADV_UNMERGEABLE: case MADV_HUGEPAGE: case MADV_NOHUGEPAGE: case MADV_DONTDUMP: case MADV_DODUMP:
	case MADV_DOFORK: case MADV_KEEPONFORK: case MADV_COLD: case MADV_PAGEOUT:
		return true;
	}
	return false;
}

/* Goes over holes and says so at the end; progress[1]: a hole was seen. */
long core_madvise(struct space *space, uint64_t address, uint64_t length, unsigned advice, struct waiter *waiter)
{
	uint64_t end, *at = &waiter->progress[0];
	long status = check_range(address, &length);

	if (!advice_known(advice) || status)
		return -EINVAL;
	status = lock_check(&space->busy, waiter);
	if (status)
		return status;
	end = address + length;
	if (*at < address)
		*at = address;
	for (uint64_t budget = slice_records(); !status && *at < end; budget--) {
		struct vma *vma = vma_above(space, *at);

		status = budget ? memory_want(waiter, false) : CORE_AGAIN;
		if (status)
			break;
		if (!vma || vma->start > *at)
			waiter->progress[1] = 1;
		*at = vma && vma->start < end ? (vma->start > *at ? vma->start : *at) : end;
		if (*at < end)
			status = advise_part(vma, at, minimum(end, vma->end), advice, waiter);
	}
	status = space_step(space, waiter, status);
	return status ? status : waiter->progress[1] ? -ENOMEM : 0;
}

/* ---- the heap */

void core_space_set_heap(struct space *space, uint64_t start)
{
	space->heap_start = space->heap_end = start;
}

/* Room for the heap up to `end`, and a page between it and the next mapping. */
static bool heap_grow(struct space *space, uint64_t start, uint64_t end, struct waiter *waiter, long *status)
{
	struct vma wanted = { .start = start, .end = end, .prot = PROT_READ | PROT_WRITE, .max_prot = PROT_ALL };

	if (start == end)
		return true;
	if (end > CORE_USER_END - CORE_PAGE || !is_free(space, start, end + CORE_PAGE) || too_much(end - start, PROT_WRITE, MAP_PRIVATE))
		return false;
	*status = memory_want(waiter, false);
	if (*status)
		return false;
	if (space_add(space, &wanted))
		return true;
	*status = memory_wait(waiter);
	return false;
}

long core_brk(struct space *space, uint64_t end, struct waiter *waiter)
{
	uint64_t old_page = pages_of(space->heap_end) << PAGE_SHIFT, new_page;
	long status = lock_check(&space->busy, waiter);

	if (status)
		return status;
	if (end < space->heap_start || end > CORE_USER_END)
		return space_step(space, waiter, space->heap_end);
	new_page = pages_of(end) << PAGE_SHIFT;
	if (new_page < old_page) {
		if (waiter->progress[0] < new_page)
			waiter->progress[0] = new_page;
		status = space_clear(space, &waiter->progress[0], old_page, waiter);
		if (!status)
			space->heap_end = end;
	} else if (heap_grow(space, old_page, new_page, waiter, &status)) {
		space->heap_end = end;
	}
	if (core_not_yet(status))
		return space_step(space, waiter, status);
	return space_step(space, waiter, space->heap_end);
}
