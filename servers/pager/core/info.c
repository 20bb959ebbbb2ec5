/*
 * What a VMA looks like from outside, for /proc: ranges, rights, and counts of what is in memory. A page of a file counts as
 * resident if it is cached and the VMA has had pages mapped, which is as exact as not reading the page table allows. Dirty are the pages that are known
 * to be: D bits are looked for in the VMA's own part of the page table alone, and there no further than a step goes.
 */
#include "internal.h"

static void count_pages(struct space *space, struct vma *vma, struct pager_vma *info)
{
	uint64_t first = vma->start >> PAGE_SHIFT, last = vma->end >> PAGE_SHIFT, index = vma->offset >> PAGE_SHIFT, cached;
	uint64_t shared;

	if (!(vma->flags & VMA_SHARED)) {
		info->dirty_pages = info->resident_pages = anon_count(space, first, last, &shared);
		info->shared_pages = shared;
	}
	if (!vma->object)
		return;
	cached = minimum(pages_count(vma->object, index, index + last - first, TAG_USED), vma->mapped_pages);
	info->resident_pages = minimum(info->resident_pages + cached, last - first);
	info->shared_pages += cached;
	if (!(vma->flags & VMA_SHARED))
		return;
	if (vma_hides_stores(vma))
		vma_harvest(vma, vma->start, vma_slice(vma, vma->start, vma->end));
	info->dirty_pages = pages_count(vma->object, index, index + last - first, TAG_DIRTY);
}

bool core_vma_info(struct space *space, uint64_t above, struct pager_vma *info)
{
	struct vma *vma = vma_above(space, above);

	if (!vma)
		return false;
	*info = (struct pager_vma) {
		.start = vma->start, .end = vma->end, .offset = vma->object ? vma->offset : 0,
		.object = vma->object ? vma->object->number : 0, .prot = vma->prot,
		.flags = (vma->flags & VMA_SHARED ? MAP_SHARED : MAP_PRIVATE) | (vma->object && vma->object->number ? 0 : MAP_ANONYMOUS)
			| (vma->flags & VMA_STACK ? MAP_GROWSDOWN : 0),
		.is_stack = (vma->flags & VMA_STACK) != 0,
		.is_heap = !vma->object && space->heap_start < vma->end && space->heap_end > vma->start,
	};
	count_pages(space, vma, info);
	return true;
}
