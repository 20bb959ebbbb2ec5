/*
 * Reads and writes at once (core.h): the piece lies within one page of the file, which is there, and in one VMA, whose pages are there; nobody holds what
 * it changes. All that is checked before a byte moves. Everything else, and what each error is called, is in transfer.c.
 */
#include "transfer.h"

static STRAIGHT void copy_part(uint8_t *theirs, uint8_t *ours, uint64_t bytes, bool write)
{
	if (write)
		memcpy(theirs, ours, bytes);	/* a page of the user's own */
	else
		memmove(ours, theirs, bytes);
}

static RARE bool copy_across(struct vma *vma, uint64_t address, uint8_t *ours, uint64_t bytes, bool write)
{
	uint64_t first = CORE_PAGE - (address & PAGE_MASK);
	uint8_t *low = user_at_hand(vma, address, write), *high = user_at_hand(vma, address + first, write);

	if (!low || !high)
		return false;
	copy_part(low, ours, first, write);
	copy_part(high, ours + first, bytes - first, write);
	return true;
}

/* To the user's `room` bytes (write) or from there; false: nothing. */
static STRAIGHT bool copy_ready(struct space *space, uint64_t address, uint64_t room, uint8_t *ours, uint64_t bytes, bool write)
{
	struct vma *vma = space->busy.owner ? NULL : space_vma(space, address);
	uint8_t *theirs;

	if (!vma || !user_may(vma, write) || room > vma->end - address)
		return false;
	if ((address & PAGE_MASK) + bytes > CORE_PAGE)
		return copy_across(vma, address, ours, bytes, write);
	theirs = user_at_hand(vma, address, write);
	if (theirs)
		copy_part(theirs, ours, bytes, write);
	return theirs;
}

/* Null: not at once, or the offset and the length are not ours to look at. *position: where it is to begin, if the flags do not say. */
static STRAIGHT struct description *description_ready(uint64_t open, uint64_t count, unsigned flags, uint64_t *position)
{
	struct description *description = description_find(open);

	if (!description || (flags & ~TRANSFER_AT) || count - 1 >= CORE_PAGE)
		return NULL;
	if (flags & TRANSFER_AT)
		return description;
	*position = description->offset;
	return description->lock.owner ? NULL : description;
}

/* The file's page, if it is there and the piece lies within it. */
static STRAIGHT struct frame *page_ready(struct object *object, uint64_t position, uint64_t bytes)
{
	struct frame *frame = pages_find(object, position >> PAGE_SHIFT);

	return frame && !(frame->flags & PAGE_READING) && (position & PAGE_MASK) + bytes <= CORE_PAGE ? frame : NULL;
}

STRAIGHT long core_read_at_once(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags)
{
	struct description *description = description_ready(open, count, flags, &position);
	struct object *object;
	struct frame *frame;
	uint64_t bytes;

	if (!description)
		return CORE_WAIT;
	object = description->object;
	if (position >= object->length)
		return CORE_WAIT;
	bytes = minimum(count, object->length - position);
	frame = page_ready(object, position, bytes);
	if (!frame || (description->ahead.marker && description->ahead.marker == position >> PAGE_SHIFT))
		return CORE_WAIT;
	if (!copy_ready(space, address, count, (uint8_t *)frame_bytes(frame) + (position & PAGE_MASK), bytes, true))
		return CORE_WAIT;
	frame->flags |= PAGE_TOUCHED;
	if (!(flags & TRANSFER_AT))
		description->offset = position + bytes;
	return bytes;
}

/* The page has its block; behind the end nobody is at work, and nothing is to be zeroed or cut off. */
static STRAIGHT bool may_write_at_once(const struct object *object, const struct frame *frame, uint64_t position)
{
	return position <= object->length && !object->lock.owner && !object->cut && !object->past_end
		&& (!object->backed || ((frame->flags & PAGE_BLOCK) && !too_many_dirty()));
}

STRAIGHT long core_write_at_once(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags)
{
	struct description *description = description_ready(open, count, flags, &position);
	struct object *object;
	struct frame *frame;

	if (!description || (description->append && (flags & TRANSFER_AT)))
		return CORE_WAIT;
	object = description->object;
	if (description->append)
		position = object->length;
	frame = page_ready(object, position, count);
	if (!frame || !may_write_at_once(object, frame, position))
		return CORE_WAIT;
	if (!copy_ready(space, address, count, (uint8_t *)frame_bytes(frame) + (position & PAGE_MASK), count, false))
		return CORE_WAIT;
	frame->flags |= PAGE_TOUCHED;
	page_dirty(frame);
	if (position + count > object->length)
		object->length = position + count;
	object_modify(object);
	if (!(flags & TRANSFER_AT))
		description->offset = position + count;
	return count;
}
