/*
 * What a VMA looks like from outside, for /proc: ranges, rights, and counts of what is in memory, a part at a time. A page of a file counts as
 * resident if it is cached and the VMA has had pages mapped, which is as exact as not reading the page table allows. Dirty are the pages that are known
 * to be: D bits are looked for in the VMA's own part of the page table alone.
 */
#include "internal.h"

/* As far as a step looks: so many leaves of pages; so many entries of the page table, if there are D bits to be looked for. */
static void count_part(struct vma *vma, uint64_t at, struct pager_vma *info)
{
	uint64_t end = vma_hides_stores(vma) ? vma_slice(vma, at, vma->end) : vma->end, pages = (end - at) >> PAGE_SHIFT, cached = 0;
	uint64_t index = (vma->offset + at - vma->start) >> PAGE_SHIFT, leaves = slice_records();

	if (vma->object)
		cached = pages_count(vma->object, index, &pages, TAG_USED, leaves);
	if (!(vma->flags & VMA_SHARED)) {
		info->dirty_pages = info->resident_pages = anon_count(vma->space, at >> PAGE_SHIFT, &pages, leaves);
		if (vma->object)
			cached = pages_count(vma->object, index, &pages, TAG_USED, leaves);	/* it may be less far now */
	}
	info->counted = at + (pages << PAGE_SHIFT);
	info->resident_pages = minimum(info->resident_pages + minimum(cached, vma->mapped_pages), pages);
	if (!(vma->flags & VMA_SHARED))
		return;
	if (vma_hides_stores(vma))
		vma_harvest(vma, at, info->counted);
	info->dirty_pages = pages_count(vma->object, index, &pages, TAG_DIRTY, leaves);
}

bool core_vma_info(struct space *space, uint64_t above, bool counts, struct pager_vma *info)
{
	struct vma *vma = vma_above(space, above);
	uint64_t pages;

	if (!vma)
		return false;
	pages = (vma->end - vma->start) >> PAGE_SHIFT;
	*info = (struct pager_vma) {
		.start = vma->start, .end = vma->end, .offset = vma->object ? vma->offset : 0,
		.object = vma->object ? vma->object->number : 0, .prot = vma->prot,
		.flags = (vma->flags & VMA_SHARED ? MAP_SHARED : MAP_PRIVATE) | (vma->object && vma->object->number ? 0 : MAP_ANONYMOUS)
			| (vma->flags & VMA_STACK ? MAP_GROWSDOWN : 0),
		.is_stack = (vma->flags & VMA_STACK) != 0,
		.is_heap = !vma->object && space->heap_start < vma->end && space->heap_end > vma->start,
		.counted = vma->end, .resident_most = vma->flags & VMA_SHARED ? minimum(vma->mapped_pages, pages) : pages,
	};
	if (counts)
		count_part(vma, above > vma->start ? above & ~PAGE_MASK : vma->start, info);
	return true;
}
