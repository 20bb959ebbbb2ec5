/*
 * Changing a file's length. Cutting: fetch what is needed, then in one step set the length and zero the last page's tail; then take the pages past
 * it out of all page tables (private copies too), in slices; then drop the pages, waiting for those that are being read, written
 * or given blocks. Only after that may fs free blocks. Writers and other truncations wait; nothing past the end can come back, since
 * reads, faults and write-back look at the length first.
 */
#include "internal.h"

/* Everything that can fail or wait. */
static long prepare_cut(struct object *object, uint64_t length, struct waiter *waiter)
{
	long status = memory_want(waiter, false);

	if (status)
		return status;
	if (length & PAGE_MASK)
		return page_get(object, length >> PAGE_SHIFT, NULL, 1, waiter, &status) ? 0 : status;
	return 0;
}

static void cut(struct object *object, uint64_t length, struct waiter *waiter)
{
	object->length = length;
	object->cut = object->shown = true;
	page_zero_tail(object, waiter);	/* the page is there: prepare_cut */
	object_modify(object);
}

static long drop_pages(struct object *object, struct waiter *waiter)
{
	struct frame *frame;

	if (!object_free_copies(object))
		return CORE_AGAIN;
	for (uint64_t budget = slice_frames(); (frame = pages_next(object, object_end(object), TAG_USED)); budget--) {
		if (!budget)
			return CORE_AGAIN;
		if (frame->flags & PAGE_BUSY)
			return wait_park(&frame->waiters, waiter);
		page_forget(frame);
	}
	return 0;
}

/* A write that began before the cut tells fs the old length: it must be over first. Each page once: later writes know better. */
static long wait_for_writes(struct object *object, struct waiter *waiter)
{
	struct frame *frame = pages_next(object, waiter->progress[1], TAG_WRITING);

	if (!frame)
		return 0;
	waiter->progress[1] = frame->index + 1;
	return wait_park(&frame->waiters, waiter);
}

static long truncate_step(struct object *object, uint64_t length, struct waiter *waiter)
{
	long status = 0;

	if (!waiter->progress[0] && length > object->length) {
		status = memory_want(waiter, false);
		if (!status)
			status = page_zero_tail(object, waiter);
		if (status)
			return status;
		object->length = length;
		object_modify(object);
	} else if (!waiter->progress[0] && length < object->length) {
		status = prepare_cut(object, length, waiter);
		if (status)
			return status;
		cut(object, length, waiter);
	}
	waiter->progress[0] = 1;	/* the length is what it should be: now the pages */
	status = object_cut_off(object, waiter);
	if (!status)
		status = drop_pages(object, waiter);
	return status ? status : wait_for_writes(object, waiter);
}

long core_object_truncate(struct object *object, uint64_t length, struct waiter *waiter)
{
	long status = wait_error(waiter);

	if (length > CORE_FILE_MAX)
		return -EFBIG;
	if (waiter->progress[0])
		status = 0;		/* an error of I/O on pages that go anyway */
	if (!waiter->object)
		wait_keep(waiter, object);
	if (!status)
		status = lock_take(&object->lock, waiter);
	if (status == CORE_WAIT)
		return status;
	if (!status)
		status = truncate_step(object, length, waiter);
	if (core_not_yet(status))
		return status;
	object->cut = false;		/* fs is told by the answer */
	object->past_end = false;
	lock_drop(&object->lock, waiter);
	waiter->object = NULL;
	object_drop_later(object);
	return status;
}
