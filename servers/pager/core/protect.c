/*
 * mprotect and madvise: what changes what a range means, VMA by VMA and in slices as in mapping.c; progress[0] says where the work stands.
 */
#include "internal.h"

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
	if (prot & ~(PROT_ALL | PROT_SEM))
		return -EINVAL;
	prot &= PROT_ALL;
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
