/*
 * fork: the child gets a copy of every VMA record and a share of the parent's anonymous layer. The parent's private pages lose their
 * write right in the page table, so that whoever writes first makes the copy (anon.c). The parent's faults wait meanwhile.
 */
#include "internal.h"

static void protect_private(struct vma *vma)
{
	if ((vma->flags & VMA_SHARED) || !(vma->flags & VMA_WRITTEN))
		return;
	core.ops.protect(vma->space->table, vma->start, PROT_READ | PROT_EXEC, (vma->end - vma->start) >> PAGE_SHIFT, NULL, NULL);
	vma->flags &= ~VMA_WRITTEN;
}

/* progress[0]: addresses below are done. */
long core_space_fork(struct space *parent, struct space *child, struct waiter *waiter)
{
	uint64_t budget = slice_records();
	struct vma *vma;
	long status = lock_check(&parent->busy, waiter);

	if (status || (status = memory_want(waiter, false)))
		return status == CORE_WAIT ? status : space_step(parent, waiter, status);
	while ((vma = vma_above(parent, waiter->progress[0]))) {
		if (!budget--)
			return space_step(parent, waiter, CORE_AGAIN);
		if (!space_clone(child, vma))
			return space_step(parent, waiter, memory_wait(waiter));
		protect_private(vma);
		waiter->progress[0] = vma->end;
	}
	anon_share(parent, child);
	child->heap_start = parent->heap_start;
	child->heap_end = parent->heap_end;
	child->mmap_top = parent->mmap_top;
	return space_step(parent, waiter, 0);
}
