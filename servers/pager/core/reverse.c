/*
 * From a frame to where it may be mapped. What visits all places of many pages, or must have a bound, is a sweep (sweep.c).
 *
 *   cache      frame --object--> its VMAs, by offset
 *   anonymous  frame --family--> spaces --tree by page--> the same frame? --> VMA
 *
 * A family is the spaces that came of one another by fork and may share nodes of their anonymous layers (anon.c). A page keeps its address in
 * all of them, so its number is enough to ask each of them for it. Fork and fault pay one link and one store for this; a fork
 * without exec makes the family larger, and only who asks pays for that.
 */
#include "internal.h"

bool family_begin(struct space *space)
{
	space->family = slab_take(sizeof *space->family);
	if (!space->family)
		return false;
	space->family->spaces = space;
	return true;
}

void family_leave(struct space *space)
{
	struct family *family = space->family;

	*(space->family_previous ? &space->family_previous->family_next : &family->spaces) = space->family_next;
	if (space->family_next)
		space->family_next->family_previous = space->family_previous;
	if (!family->spaces)
		slab_free(family, sizeof *family);
}

void family_join(struct space *space, struct family *family)
{
	family_leave(space);
	space->family = family;
	space->family_previous = NULL;
	space->family_next = family->spaces;
	space->family_next->family_previous = space;
	family->spaces = space;
}

static void each_of_object(struct frame *frame, void (*visit)(struct vma *vma, uint64_t address, void *context), void *context)
{
	for (struct vma *vma = frame->object->vmas; vma; vma = vma->next) {
		uint64_t page = frame->index - (vma->offset >> PAGE_SHIFT);

		if (page < (vma->end - vma->start) >> PAGE_SHIFT)
			visit(vma, vma->start + (page << PAGE_SHIFT), context);
	}
}

/* A page may be there without a VMA: its space is just being taken apart. */
static void each_of_family(struct frame *frame, void (*visit)(struct vma *vma, uint64_t address, void *context), void *context)
{
	uint64_t address = frame->index << PAGE_SHIFT;

	for (struct space *space = frame->family->spaces; space; space = space->family_next) {
		struct vma *vma = anon_peek(space, frame->index) == frame ? vma_above(space, address) : NULL;

		if (vma && vma->start <= address)
			visit(vma, address, context);
	}
}

void frame_each_mapping(struct frame *frame, void (*visit)(struct vma *vma, uint64_t address, void *context), void *context)
{
	core_assert(frame->kind == FRAME_CACHE || frame->kind == FRAME_ANON);
	if (frame->kind == FRAME_CACHE)
		each_of_object(frame, visit, context);
	else
		each_of_family(frame, visit, context);
}
