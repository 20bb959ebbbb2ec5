/*
 * The mapping calls: mmap and munmap; mprotect and madvise are in protect.c, brk in heap.c. Arguments are a program's: anything may
 * be in them. Long ranges go in slices while the space is locked; progress[0] says where the work stands.
 */
#include "internal.h"
#include "kernel.h"

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
		     MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGE_2MB | MAP_HUGE_1GB)

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

/* Private memory without a file, where there is none. Two neighbours that become one give a record back, which may be what somebody waits for. */
STRAIGHT long core_mmap_at_once(struct space *space, uint64_t address, uint64_t length, unsigned prot, unsigned flags)
{
	struct vma wanted;
	long place;

	prot &= PROT_ALL;
	length = pages_of(length) << PAGE_SHIFT;
	if (space->busy.owner || core.memory_waiters || (flags & MAP_TYPE) != MAP_PRIVATE || check_mmap(length, prot, flags, NULL, 0, PROT_ALL) ||
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
