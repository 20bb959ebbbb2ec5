/*
 * Records out of frames. A class per size in steps of 16 bytes up to half a page; larger ones get a frame each. What a slab needs to
 * know stands in its frame's record, so a page holds nothing but records. An emptied slab goes back to the free list, but for
 * one per class, which keeps a record that comes and goes from fetching and giving back a frame each time.
 */
#include "internal.h"

static unsigned class_of(size_t bytes)
{
	return (bytes + 15) / 16;
}

static void list_add(struct frame **list, struct frame *frame)
{
	frame->previous = NULL;
	frame->next = *list;
	if (*list)
		(*list)->previous = frame;
	*list = frame;
}

static void list_remove(struct frame **list, struct frame *frame)
{
	*(frame->previous ? &frame->previous->next : list) = frame->next;
	if (frame->next)
		frame->next->previous = frame->previous;
	frame->next = frame->previous = NULL;
}

/* A fresh slab, all of its records chained in the order of their addresses. */
static struct frame *slab_make(unsigned class)
{
	struct frame *frame = frame_take(FRAME_SLAB);
	uint64_t bytes = 16UL * class;
	char *at;

	if (!frame)
		return NULL;
	frame->index = bytes;
	frame->count = 0;
	at = frame_bytes(frame);
	frame->records = at;
	for (uint64_t left = CORE_PAGE / bytes; left; left--, at += bytes)
		*(void **)at = left > 1 ? at + bytes : NULL;
	list_add(&core.slab[class], frame);
	return frame;
}

static struct frame *slab_with_room(unsigned class)
{
	struct frame *frame = core.slab[class];

	if (frame)
		return frame;
	frame = core.slab_empty[class];
	if (!frame)
		return slab_make(class);
	core.slab_empty[class] = NULL;
	list_add(&core.slab[class], frame);
	return frame;
}

void *slab_fetch(size_t bytes)
{
	unsigned class = class_of(bytes);
	struct frame *frame;
	void *record;

	if (bytes > SLAB_LARGEST) {
		core_assert(bytes <= CORE_PAGE);
		frame = frame_take(FRAME_SLAB);
		return frame ? frame_bytes(frame) : NULL;
	}
	frame = slab_with_room(class);
	if (!frame)
		return NULL;
	record = frame->records;
	frame->records = *(void **)record;
	frame->count++;
	if (!frame->records)
		list_remove(&core.slab[class], frame);
	return record;
}

void *slab_take(size_t bytes)
{
	void *record = slab_raw(bytes);

	return record ? memset(record, 0, bytes) : NULL;
}

void slab_give(void *record, size_t bytes)
{
	struct frame *frame = frame_of(record);
	unsigned class = class_of(bytes);

	if (bytes > SLAB_LARGEST) {
		frame_free(frame);
		return;
	}
	core_assert(frame->index == 16UL * class && frame->count);
	if (!frame->records)
		list_add(&core.slab[class], frame);
	*(void **)record = frame->records;
	frame->records = record;
	if (--frame->count)
		return;
	list_remove(&core.slab[class], frame);
	if (core.slab_empty[class])
		frame_free(frame);
	else
		core.slab_empty[class] = frame;
}

void slab_trim(void)
{
	for (unsigned class = 0; class < SLAB_CLASSES; class++) {
		if (core.slab_empty[class])
			frame_free(core.slab_empty[class]);
		core.slab_empty[class] = NULL;
	}
}

void *core_allocate(size_t bytes)
{
	void *record = bytes <= CORE_PAGE ? slab_take(bytes) : NULL;

	if (record || bytes > CORE_PAGE)
		return record;
	memory_prompt();
	return slab_take(bytes);
}

void core_free(void *record, size_t bytes)
{
	if (record)
		slab_free(record, bytes);
}
