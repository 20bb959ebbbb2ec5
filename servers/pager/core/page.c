/*
 * One page of an object: getting it with its content, giving it a block, its dirty mark, letting it go. A page that is missed may
 * bring others along (ahead.c says how many); when the reader comes to the middle of them, the next ones are asked for.
 */
#include "internal.h"
#include "ring.h"

static long page_wait(struct frame *frame, struct waiter *waiter)
{
	waiter->fetched = true;
	return wait_park(&frame->waiters, waiter);
}

static void ahead_advance(struct ahead *ahead, uint64_t first, uint64_t pages, uint64_t cluster)
{
	ahead->next = first + pages;
	ahead->marker = cluster > 1 ? first + pages / 2 : 0;
}

void page_read_ahead(struct object *object, struct ahead *ahead)
{
	uint64_t next = ahead->next, cluster;
	unsigned asked;
	long status;

	ahead->marker = 0;
	if (next >= object_end(object) || pages_find(object, next) || !memory_room(CORE_BATCH))
		return;
	cluster = ahead_cluster(ahead, true);
	asked = page_in(object, next, cluster, &status);
	if (asked)
		ahead_advance(ahead, next, asked, cluster);
}

static long page_fetch(struct object *object, uint64_t index, struct ahead *ahead, uint64_t pages, struct waiter *waiter)
{
	uint64_t cluster = ahead ? ahead_cluster(ahead, index == ahead->next && index) : 1;
	unsigned asked;
	long status;

	pages = minimum(pages > cluster ? pages : cluster, CORE_BATCH);
	if (pages > 1)
		memory_room(pages);
	asked = page_in(object, index, pages, &status);
	if (!asked)
		return status ? memory_wait(waiter) : request_wait(waiter);
	if (ahead)
		ahead_advance(ahead, index, asked, cluster);
	return page_wait(pages_find(object, index), waiter);
}

struct frame *page_new(struct object *object, uint64_t index)
{
	struct frame *frame = frame_take_clear(FRAME_CACHE);

	if (!frame)
		return NULL;
	if (!pages_insert(object, index, frame)) {
		frame_free(frame);
		return NULL;
	}
	frame->flags = PAGE_TOUCHED;
	if (object->backed)
		core.policy->added(frame);
	return frame;
}

/* Files in memory have a limit, and are refused a little earlier than anonymous memory: who fills them must not be the end of others. */
static bool may_grow_now(void)
{
	return core_counters.memory_pages < core_counters.memory_pages_max && core_counters.free_pages + core_counters.cache_pages >= 2 * core.want[1];
}

/* 0, -ENOSPC, or CORE_WAIT: deleted files may be on their way out. */
static long may_grow(struct waiter *waiter)
{
	if (may_grow_now())
		return 0;
	return deferred_can_go_on() ? wait_again(waiter) : -ENOSPC;
}

/*
 * The zero page leaves the places where the first page of this file in memory will be mapped: a slice, by whoever comes along. With the last
 * one the page is made; until then nobody gets at it. True: so it is. Another page may have to be finished first.
 */
static bool zero_leaves(void)
{
	struct sweep *sweep = &core.sweep[SWEEP_ZERO];
	struct object *object = sweep->object;
	uint64_t budget = slice_budget();

	if (!sweep_on(SWEEP_ZERO, sweep_unmap, &budget))
		return false;
	if (sweep->first < object_end(object) && !pages_find(object, sweep->first) && may_grow_now())
		page_new(object, sweep->first);
	object_drop_later(object);
	return true;
}

bool page_zero_leaves(void)
{
	if (!core.sweep[SWEEP_ZERO].object)
		return false;
	zero_leaves();
	return true;
}

static bool zero_is_leaving(const struct object *object, uint64_t index)
{
	const struct sweep *sweep = &core.sweep[SWEEP_ZERO];

	return sweep->object == object && sweep->first == index;
}

/* Of a page that is not past the end. */
static struct frame *make_for_zero(struct object *object, uint64_t index, struct waiter *waiter, long *status)
{
	if (!core.sweep[SWEEP_ZERO].object) {
		sweep_begin(SWEEP_ZERO, object, index, index + 1);
		object_hold(object);
		core.ops.later();	/* the caller may be killed */
	}
	if (zero_leaves() && pages_find(object, index))
		return pages_find(object, index);
	*status = wait_again(waiter);
	return NULL;
}

struct frame *page_make(struct object *object, uint64_t index, struct waiter *waiter, long *status)
{
	struct frame *frame;

	*status = object_in_memory(object) ? may_grow(waiter) : 0;
	if (*status)
		return NULL;
	if (object->zero_mapped && index < object_end(object))
		return make_for_zero(object, index, waiter, status);
	frame = page_new(object, index);
	if (!frame)
		*status = memory_wait(waiter);
	return frame;
}

struct frame *page_bring(struct object *object, uint64_t index, struct ahead *ahead, uint64_t pages, struct waiter *waiter, long *status)
{
	struct frame *frame = pages_find(object, index);

	waiter->served |= object->pager != 0;
	if (frame) {
		*status = page_wait(frame, waiter);
	} else if (object->backed) {
		*status = page_fetch(object, index, ahead, pages, waiter);
	} else if (object->pager) {
		*status = may_grow(waiter);
		if (!*status)
			*status = page_fetch(object, index, NULL, 1, waiter);
	} else if (!object->number) {
		return page_make(object, index, waiter, status);
	} else if (zero_is_leaving(object, index)) {
		zero_leaves();
		*status = wait_again(waiter);
	} else {
		return core.zero;
	}
	return NULL;
}

/* May the row of pages that get blocks go on with this one? Past the end they are made for it. */
static bool wants_block(struct object *object, uint64_t index)
{
	struct frame *frame = pages_find(object, index);

	if (frame)
		return !(frame->flags & (PAGE_BLOCK | PAGE_BUSY));
	if (index < object_end(object) || core_counters.free_pages < 2 * WANT_STEP || !page_new(object, index))
		return false;
	object->past_end = true;
	return true;
}

long page_want_blocks(struct object *object, uint64_t index, uint64_t pages, struct waiter *waiter)
{
	struct frame *frame = pages_find(object, index);
	struct pending *pending;
	unsigned count = 1;

	if (frame->flags & PAGE_ALLOCATING)
		return wait_park(&frame->waiters, waiter);
	pending = request_begin(object, FS_REQUEST_allocate, index, 1);
	if (!pending)
		return request_wait(waiter);
	while (count < pages && count < CORE_BATCH && wants_block(object, index + count))
		count++;
	for (unsigned i = 0; i < count; i++)
		pages_find(object, index + i)->flags |= PAGE_ALLOCATING;
	pending->count = count;
	request_send_plain(pending, object->length);
	return wait_park(&frame->waiters, waiter);
}

void page_dirty(struct frame *frame)
{
	struct object *object = frame->object;

	if (!object->backed || (frame->flags & PAGE_DIRTY))
		return;
	core_assert(frame->flags & PAGE_BLOCK);
	frame->flags |= PAGE_DIRTY;
	pages_tag(object, frame->index, TAG_DIRTY, true);
	core_counters.cache_dirty_pages++;
	if (object->dirty_pages++)
		return;
	object->dirty_since = core.round;
	object->dirty_next = core.dirty_objects;
	object->dirty_previous = NULL;
	if (object->dirty_next)
		object->dirty_next->dirty_previous = object;
	core.dirty_objects = object;
}

void page_clean(struct frame *frame)
{
	struct object *object = frame->object;

	if (!(frame->flags & PAGE_DIRTY))
		return;
	frame->flags &= ~(PAGE_DIRTY | PAGE_FAILED);
	pages_tag(object, frame->index, TAG_DIRTY, false);
	core_counters.cache_dirty_pages--;
	if (--object->dirty_pages)
		return;
	if (core.writer.object == object)
		core.writer = (struct writer){ object->dirty_next, 0 };
	*(object->dirty_previous ? &object->dirty_previous->dirty_next : &core.dirty_objects) = object->dirty_next;
	if (object->dirty_next)
		object->dirty_next->dirty_previous = object->dirty_previous;
}

void page_forget(struct frame *frame)
{
	core_assert(frame->kind == FRAME_CACHE && !(frame->flags & PAGE_BUSY));
	page_clean(frame);
	if (frame->next)		/* else it never came in: the read failed */
		core.policy->removed(frame);
	pages_remove(frame->object, frame->index);
	wait_wake(&frame->waiters);
	frame_free(frame);
}

#define PLACES_LOOKED_AT 16

/* Exact only in one direction: a page that this denies is in no page table. */
bool page_mapped(const struct frame *frame)
{
	const struct object *object = frame->object;
	unsigned places = 0;

	if (!(frame->flags & (PAGE_MAPPED | PAGE_PARTING)) || frame->epoch != object->epoch)
		return false;
	for (struct vma *vma = object->vmas; vma; vma = vma->next) {
		uint64_t first = vma->offset >> PAGE_SHIFT;

		if (places++ == PLACES_LOOKED_AT || (frame->index >= first && frame->index - first < (vma->end - vma->start) >> PAGE_SHIFT))
			return true;
	}
	return false;
}

bool page_reclaimable(const struct frame *frame)
{
	return frame->kind == FRAME_CACHE && frame->object->backed && !(frame->flags & (PAGE_BUSY | PAGE_DIRTY)) && !frame->waiters;
}

long page_zero_tail(struct object *object, struct waiter *waiter)
{
	uint64_t tail = object->length & PAGE_MASK;
	struct frame *frame;
	long status;

	if (!tail)
		return 0;
	frame = page_get(object, object->length >> PAGE_SHIFT, NULL, 1, waiter, &status);
	if (!frame || frame == core.zero)
		return frame ? 0 : status;
	memset((char *)frame_bytes(frame) + tail, 0, CORE_PAGE - tail);
	if (frame->flags & PAGE_BLOCK)
		page_dirty(frame);
	return 0;
}
