/*
 * fork: the child gets a copy of every VMA record and a share of the parent's anonymous layer. The parent's private pages lose their
 * write right in the page table, so that whoever writes first makes the copy (anon.c). All of it goes in slices; the parent's faults wait meanwhile, and
 * nothing is shared before the last one, so a fork that is broken off has changed nothing.
 */
#include "internal.h"

/* One slice more, from *at on; true: the whole VMA is protected. Broken off before, it is as it was: its pages get the right back at a store. */
static bool protect_private(struct vma *vma, uint64_t *at)
{
	uint64_t start = *at > vma->start ? *at : vma->start;

	if ((vma->flags & VMA_SHARED) || !(vma->flags & VMA_WRITTEN))
		return true;
	*at = vma_slice(vma, start, vma->end);
	if (start < *at)
		core.ops.protect(vma->space->table, start, PROT_READ | PROT_EXEC, (*at - start) >> PAGE_SHIFT, NULL, NULL);
	if (*at < vma->end)
		return false;
	vma->flags &= ~VMA_WRITTEN;
	return true;
}

/* progress[0]: VMAs below are done; progress[1]: how far the next one is write-protected. */
long core_space_fork(struct space *parent, struct space *child, struct waiter *waiter)
{
	uint64_t budget = slice_records();
	struct vma *vma;
	long status = lock_check(&parent->busy, waiter);

	if (status || (status = memory_want(waiter, false)))
		return status == CORE_WAIT ? status : space_step(parent, waiter, status);
	while ((vma = vma_above(parent, waiter->progress[0]))) {
		if (!budget-- || !protect_private(vma, &waiter->progress[1]))
			return space_step(parent, waiter, CORE_AGAIN);
		if (!space_clone(child, vma))
			return space_step(parent, waiter, memory_wait(waiter));
		waiter->progress[0] = vma->end;
	}
	anon_share(parent, child);
	child->heap_start = parent->heap_start;
	child->heap_end = parent->heap_end;
	child->mmap_top = parent->mmap_top;
	return space_step(parent, waiter, 0);
}
