/*
 * Write-back. A dirty page is written together with its dirty neighbours; while the write is under way the page may be written again
 * and is then dirty anew. Stores through mappings are known by their D bits, harvested right before: a store after that sets its bit again.
 * The page that holds the end of a file is written from a copy with a zeroed tail if stores may have touched the tail.
 */
#include "internal.h"
#include "ring.h"

/* The frame to write a page from; null: no memory for the copy. */
static struct frame *source_of(struct frame *frame, struct pending *pending)
{
	uint64_t tail = frame->object->length & PAGE_MASK;

	if (!tail || frame->index != frame->object->length >> PAGE_SHIFT || !(frame->flags & PAGE_STORED))
		return frame;
	pending->copy = frame_take(FRAME_OWN);
	if (!pending->copy)
		return NULL;
	memcpy(frame_bytes(pending->copy), frame_bytes(frame), tail);
	memset((char *)frame_bytes(pending->copy) + tail, 0, CORE_PAGE - tail);
	return pending->copy;
}

static bool may_write(const struct frame *frame, bool failed_too)
{
	return frame && (frame->flags & (PAGE_DIRTY | PAGE_BUSY)) == PAGE_DIRTY && (failed_too || !(frame->flags & PAGE_FAILED))
		&& frame->index < object_end(frame->object);
}

/* One that has failed goes alone: with others it would keep them, too, from ever being written. */
unsigned write_cluster(struct frame *frame, bool sync, unsigned most)
{
	struct object *object = frame->object;
	struct core_request request;
	uint64_t first = frame->index;
	struct pending *pending = request_begin(object, FS_REQUEST_write, first, 0);

	if (!pending)
		return 0;
	while (pending->count < most && may_write(frame, most == 1)) {
		struct frame *source = source_of(frame, pending);

		if (!source)
			break;
		page_clean(frame);
		frame->flags |= PAGE_WRITING;
		pages_tag(object, frame->index, TAG_WRITING, true);
		request.frame[pending->count++] = frame_physical(source);
		frame = pages_find(object, first + pending->count);
	}
	pending->sync = sync;
	if (pending->count)
		request_send(pending, object->length, &request);
	else
		request_abandon(pending);
	return pending->count;
}

/* ---- waiting for it */

enum { SYNC_HARVEST, SYNC_START, SYNC_WAIT };

/*
 * A page that is under I/O, or whose last write failed. That one is tried by itself, with nothing else of the object on its way: a disk may join
 * what lies side by side, and one bad sector would fail all of it again.
 */
static RARE long sync_carefully(struct frame *frame, struct waiter *waiter)
{
	struct frame *other = frame->flags & PAGE_BUSY ? frame : pages_next(frame->object, 0, TAG_WRITING);

	if (other)
		return wait_park(&other->waiters, waiter);
	if (!write_cluster(frame, true, 1))
		return core.pendings_used == PENDINGS ? request_wait(waiter) : memory_wait(waiter);
	waiter->progress[1]++;
	return wait_park(&frame->waiters, waiter);
}

/* One after the other: a page under write that is dirty again is written again after that. */
static long sync_start(struct object *object, uint64_t last, struct waiter *waiter)
{
	uint64_t *at = &waiter->progress[1], end = minimum(last, object_end(object));
	struct frame *frame;

	while (object->dirty_pages && *at < end && (frame = pages_next(object, *at, TAG_DIRTY)) && frame->index < end) {
		unsigned pages;

		*at = frame->index;
		if (frame->flags & (PAGE_BUSY | PAGE_FAILED))
			return sync_carefully(frame, waiter);
		pages = write_cluster(frame, true, CORE_BATCH);
		if (!pages)
			return core.pendings_used == PENDINGS ? request_wait(waiter) : memory_wait(waiter);
		*at += pages;
	}
	return 0;
}

/* Each page once: writes that begin meanwhile are not ours. */
static long sync_wait(struct object *object, uint64_t last, struct waiter *waiter)
{
	struct frame *frame = pages_next(object, waiter->progress[1], TAG_WRITING);

	if (!frame || frame->index >= last)
		return 0;
	waiter->progress[1] = frame->index + 1;
	return wait_park(&frame->waiters, waiter);
}

/* An error that is to be told is told here. */
static bool may_pass_on(struct object *object, uint64_t first, uint64_t last, const struct waiter *waiter)
{
	struct frame *frame = waiter->passes_on && !object->error ? pages_next(object, first, TAG_WRITING) : NULL;

	return frame && frame->index < last;
}

/* progress[1]: page, progress[2]: phase; both begin and end as 0. */
static long sync_range(struct object *object, uint64_t first, uint64_t last, struct waiter *waiter, bool ends)
{
	long status = 0;

	if (waiter->progress[2] == SYNC_HARVEST) {
		status = object_harvest(object, first, last, waiter);
		if (status)
			return status;
		waiter->progress[1] = first;
		waiter->progress[2] = SYNC_START;
	}
	if (waiter->progress[2] == SYNC_START) {
		status = sync_start(object, last, waiter);
		if (status == CORE_WAIT)
			return status;
		waiter->progress[1] = first;
		waiter->progress[2] = SYNC_WAIT;
	}
	if (!status && ends && may_pass_on(object, first, last, waiter))
		status = CORE_WRITES;
	else if (!status && sync_wait(object, last, waiter) == CORE_WAIT)
		return CORE_WAIT;
	waiter->progress[1] = waiter->progress[2] = 0;
	if (!status) {
		status = object->error;
		object->error = 0;
	}
	return status;
}

/* All that are known: the one in work is held, so that the list goes on behind it. The first error is remembered. */
static long sync_all(struct waiter *waiter)
{
	uint64_t budget = slice_budget();

	if (!waiter->object && core.all_objects)
		wait_keep(waiter, core.all_objects);
	while (waiter->object) {
		struct object *object = waiter->object, *next;
		long status = object->backed ? sync_range(object, 0, UINT64_MAX, waiter, false) : 0;

		if (core_not_yet(status))
			return status;
		if (status && !waiter->done)
			waiter->done = -status;
		spend(&budget, BUDGET_CALL);
		for (next = object->next; budget && next && !next->dirty_pages && !next->writable_vmas && !pages_next(next, 0, TAG_WRITING); next = next->next)
			spend(&budget, 1);
		wait_keep(waiter, next);
		if (next && !budget)
			return CORE_AGAIN;
	}
	return -(long)waiter->done;
}

long core_object_sync(struct object *object, struct waiter *waiter)
{
	long status;

	waiter->error = 0;
	if (!object)
		return sync_all(waiter);
	if (!waiter->object)
		wait_keep(waiter, object);
	status = object->backed ? sync_range(object, 0, UINT64_MAX, waiter, true) : 0;
	if (!core_not_yet(status)) {
		waiter->object = NULL;
		object_drop_later(object);
	}
	return status;
}

/* ---- msync */

/* Another object than last time, perhaps because the mappings have changed meanwhile: it begins anew. */
static void sync_keep(struct waiter *waiter, struct object *object)
{
	sweep_drop(waiter);
	waiter->progress[1] = waiter->progress[2] = 0;
	wait_keep(waiter, object);
}

static long sync_vma(struct vma *vma, uint64_t start, uint64_t end, struct waiter *waiter, bool ends)
{
	uint64_t first = (start - vma->start + vma->offset) >> PAGE_SHIFT;

	if (!(vma->flags & VMA_SHARED) || !vma->object->backed)
		return 0;
	if (waiter->object != vma->object)
		sync_keep(waiter, vma->object);
	return sync_range(vma->object, first, first + ((end - start) >> PAGE_SHIFT), waiter, ends);
}

static long check_msync(uint64_t address, uint64_t *length, unsigned flags)
{
	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (address & PAGE_MASK) || ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	*length = pages_of(*length) << PAGE_SHIFT;
	return *length && (*length > CORE_USER_END || address > CORE_USER_END - *length) ? -ENOMEM : 0;
}

/* progress[0]: address reached, progress[3]: a hole was seen. */
long core_msync(struct space *space, uint64_t address, uint64_t length, unsigned flags, struct waiter *waiter, uint64_t *object, uint64_t *live_length,
	uint64_t *modified)
{
	uint64_t end, *at = &waiter->progress[0], budget = slice_records();
	struct vma *vma;
	long status = check_msync(address, &length, flags);

	*object = *live_length = *modified = 0;
	waiter->error = 0;
	if (status || (status = lock_check(&space->busy, waiter)))
		return status;
	end = address + length;
	if (*at < address)
		*at = address;
	while (!status && *at < end) {
		vma = vma_above(space, *at);
		if (!vma || vma->start > *at)
			waiter->progress[3] = 1;
		if (!vma || vma->start >= end)
			break;
		if (!budget--)
			return CORE_AGAIN;
		if (*at < vma->start)
			*at = vma->start;
		if (flags & MS_SYNC)
			status = sync_vma(vma, *at, minimum(end, vma->end), waiter, vma->end >= end && !waiter->progress[3]);
		if (core_not_yet(status))
			return status;
		*at = vma->end;
	}
	if (waiter->object) {
		*object = waiter->object->number;
		*live_length = waiter->object->length;
		*modified = core_object_modified(waiter->object);
		sync_keep(waiter, NULL);
	}
	*at = 0;	/* who finds that the writes cannot be passed on repeats it, and waits */
	return status ? status : waiter->progress[3] ? -ENOMEM : 0;
}

/* ---- in the background */

/*
 * Goes on through the objects that have dirty pages, from where the writer stands; clusters started. What cannot be written now is passed by. Its object may
 * be clean with the cluster, and then the writer stands before the next one.
 */
static unsigned write_on(unsigned requests, uint32_t rounds)
{
	uint64_t budget = slice_budget();
	unsigned started = 0;

	while (core.writer.object && started < requests && budget) {
		struct object *object = core.writer.object;
		struct frame *frame = core.round - object->dirty_since >= rounds ? pages_next(object, core.writer.page, TAG_DIRTY) : NULL;

		spend(&budget, 1);
		if (!frame) {
			core.writer = (struct writer){ object->dirty_next, 0 };
			continue;
		}
		core.writer.page = frame->index + 1;
		if (!may_write(frame, false))
			continue;
		if (write_cluster(frame, false, CORE_BATCH))
			started++;
		else if (core.pendings_used == PENDINGS)
			break;
	}
	return started;
}

static void write_from_the_first(void)
{
	core.writer = (struct writer){ core.dirty_objects, 0 };
}

void write_some(unsigned requests)
{
	if (!core.writer.object)
		write_from_the_first();
	write_on(requests, 0);
}

/* A slice of it. */
static void harvest_next(void)
{
	struct object *object = core.harvest ? core.harvest : core.all_objects;

	for (uint64_t budget = slice_budget(); object && budget && !object_hides_stores(object); object = object->next)
		spend(&budget, 1);
	core.harvest = object;
	core.harvested = !object || (object_hides_stores(object) && object_harvest_some(object));
	if (object && core.harvested)
		core.harvest = object->next;
}

/*
 * Called until it answers false, and again at the next tick: that is a round. A round writes what an earlier round has seen dirty
 * already, and looks for stores through mappings in one object.
 */
static void begin_round(void)
{
	core.round++;
	core.harvested = false;
	write_from_the_first();
}

bool core_write_back_step(void)
{
	unsigned started;

	if (!core.in_round)
		begin_round();
	if (!core.harvested)
		harvest_next();
	request_deferred();
	started = write_on(8, 2);
	core.in_round = started || core.writer.object || !core.harvested;
	return core.in_round && core.pendings_used < PENDINGS;
}
