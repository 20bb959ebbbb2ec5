/*
 * What is asked of the file server: reading, writing, giving blocks, forgetting, and what follows when the answer comes. While a
 * request is under way its pages stay in the object's tree, marked busy, so an answer finds them by number. An answer is believed
 * only as far as it names a request that is under way.
 */
#include "internal.h"
#include "ring.h"

struct pending *request_begin(struct object *object, unsigned operation, uint64_t first, unsigned count)
{
	struct pending *pending;
	unsigned index = core.pending_hint;

	if (core.pendings_used == PENDINGS)
		return NULL;
	do
		index = index + 1 < PENDINGS ? index + 1 : 0;
	while (core.pendings[index].id);
	core.pending_hint = index;
	pending = &core.pendings[index];
	pending->id = ++core.request_serial * PENDINGS + index;
	pending->object = object;
	pending->operation = operation;
	pending->first = first;
	pending->count = count;
	pending->copy = NULL;
	pending->served = false;
	pending->sync = false;
	core.pendings_used++;
	if (object)
		object->requests++;
	return pending;
}

/* Field by field: frames that are not named are not cleared either. */
void request_send(struct pending *pending, uint64_t length, struct core_request *request)
{
	request->id = pending->id;
	request->operation = pending->operation;
	request->count = pending->count;
	request->object = pending->object->number;
	request->first = pending->first;
	request->length = length;
	request->pager = pending->operation == FS_REQUEST_page_in ? pending->object->pager : 0;
	request->modified = pending->operation == FS_REQUEST_write ? core_object_modified(pending->object) : 0;
	request->sync = pending->sync;
	core.ops.request(request);
}

void request_send_plain(struct pending *pending, uint64_t length)
{
	struct core_request request;

	request_send(pending, length, &request);
}

void request_abandon(struct pending *pending)
{
	pending->id = 0;
	core.pendings_used--;
	core.pendings_served -= pending->served;
	if (pending->object)
		pending->object->requests--;
}

long request_wait(struct waiter *waiter)
{
	return wait_park(&core.request_waiters, waiter);
}

void request_later(struct object *object)
{
	if (object->deferred)
		return;
	object->deferred = true;
	object->deferred_next = NULL;
	*(core.deferred ? &core.deferred_last->deferred_next : &core.deferred) = object;
	core.deferred_last = object;
	core.ops.later();
}

/* One piece of one of them: what is not finished with that stands at the end again. */
void request_deferred(void)
{
	struct object *object = core.deferred;

	if (!object)
		return;
	core.deferred = object->deferred_next;
	object->deferred = false;
	if (object->trim)
		object_trim(object);
	else
		object_settle(object);
}

bool core_deferred_step(void)
{
	if (!page_zero_leaves())
		request_deferred();
	return memory_search_on() || core.sweep[SWEEP_ZERO].object || deferred_can_go_on();
}

/* ---- reading */

/* Frames for as many pages as are wanted, absent and below the end. */
static unsigned take_pages(struct object *object, uint64_t index, uint64_t pages, uint64_t *physical)
{
	uint64_t end = object_end(object);
	unsigned count = 0;

	while (count < pages && count < CORE_BATCH && index + count < end && !pages_find(object, index + count)) {
		struct frame *frame = count && core_counters.free_pages < 2 * WANT_STEP ? NULL : frame_take(FRAME_CACHE);

		if (frame && !pages_insert(object, index + count, frame)) {
			frame_free(frame);
			frame = NULL;
		}
		if (!frame)
			break;
		frame->flags = PAGE_READING;
		physical[count++] = frame_physical(frame);
	}
	return count;
}

unsigned page_in(struct object *object, uint64_t index, uint64_t pages, long *status)
{
	struct core_request request;
	struct pending *pending = NULL;

	*status = 0;
	if (!object->pager || core.pendings_served < PENDINGS_SERVED)
		pending = request_begin(object, FS_REQUEST_page_in, index, 0);
	if (!pending)
		return 0;
	pending->count = take_pages(object, index, object->careful ? 1 : pages, request.frame);
	if (!pending->count) {
		request_abandon(pending);
		*status = -ENOMEM;
		return 0;
	}
	pending->served = object->pager;
	core.pendings_served += pending->served;
	request_send(pending, object->length, &request);
	return pending->count;
}

/* A page that could not be read leaves; with others it may be read alone, so only a page that was alone fails its waiters. */
static void page_in_failed(struct object *object, struct frame *frame, long error, bool alone)
{
	if (!alone || error == -EAGAIN)
		error = 0;
	wait_fail(&frame->waiters, error);
	frame->flags &= ~PAGE_READING;
	page_forget(frame);
	object->careful |= !alone;
}

static void page_in_done(struct object *object, struct frame *frame, bool hole)
{
	uint64_t start = frame->index << PAGE_SHIFT;
	uint64_t valid = object->length > start ? minimum(object->length - start, CORE_PAGE) : 0;

	if (hole)
		page_clear(frame);
	else if (valid < CORE_PAGE)
		memset((char *)frame_bytes(frame) + valid, 0, CORE_PAGE - valid);
	frame->flags = (frame->flags & ~PAGE_READING) | PAGE_TOUCHED;
	if (object->backed) {
		frame->flags |= hole ? 0 : PAGE_BLOCK;
		core_counters.page_ins += !hole;
		core.policy->added(frame);
	}
	wait_wake(&frame->waiters);
}

static RARE void complete_page_in(struct pending *pending, int64_t status, uint64_t holes)
{
	for (unsigned i = 0; i < pending->count; i++) {
		struct frame *frame = pages_find(pending->object, pending->first + i);

		core_assert(frame && (frame->flags & PAGE_READING));
		if (status)
			page_in_failed(pending->object, frame, status, pending->count == 1);
		else
			page_in_done(pending->object, frame, holes >> i & 1);
	}
}

/* ---- writing */

static void complete_write(struct pending *pending, int64_t status)
{
	struct object *object = pending->object;

	for (unsigned i = 0; i < pending->count; i++) {
		struct frame *frame = pages_find(object, pending->first + i);

		core_assert(frame && (frame->flags & PAGE_WRITING));
		frame->flags &= ~PAGE_WRITING;
		pages_tag(object, frame->index, TAG_WRITING, false);
		if (status) {
			page_dirty(frame);
			frame->flags |= PAGE_FAILED;
		}
		wait_wake(&frame->waiters);
	}
	if (status)
		object->error = status;
	else
		core_counters.page_outs += pending->count;
	if (pending->copy)
		frame_free(pending->copy);
}

/* ---- blocks */

static RARE void complete_allocate(struct pending *pending, int64_t status, uint64_t value)
{
	uint64_t given = status ? 0 : minimum(value, pending->count);

	if (!status && !given)
		status = -EIO;
	for (unsigned i = 0; i < pending->count; i++) {
		struct frame *frame = pages_find(pending->object, pending->first + i);

		core_assert(frame && (frame->flags & PAGE_ALLOCATING));
		frame->flags &= ~PAGE_ALLOCATING;
		if (i < given) {
			frame->flags |= PAGE_BLOCK;
			page_dirty(frame);
		}
		wait_fail(&frame->waiters, i < given || status == -EAGAIN ? 0 : status);
	}
}

/* ---- giving up: what a write past the end asked for and did not use, and whole objects */

bool object_trim_wanted(struct object *object)
{
	if (object->cut)
		return true;
	if (object->past_end && !pages_next(object, object_end(object), TAG_USED))
		object->past_end = false;
	return object->past_end;
}

static void trim_end(struct object *object)
{
	object->trim = TRIM_NONE;
	object->past_end = false;
	object->lock.owner = NULL;
	wait_wake(&object->lock.queue);
}

/* A slice; null: all pages past the end are gone. Else the next one: perhaps busy. */
static struct frame *trim_pages(struct object *object)
{
	struct frame *frame;

	for (uint64_t budget = slice_frames(); (frame = pages_next(object, object_end(object), TAG_USED)) && budget; budget--) {
		if (frame->flags & PAGE_BUSY)
			break;
		if (frame->flags & PAGE_BLOCK)
			object->trim = TRIM_BLOCKS;
		page_forget(frame);
	}
	return frame;
}

void object_trim(struct object *object)
{
	struct pending *pending;
	struct frame *frame;

	if (object->trim == TRIM_SENT)
		return;
	object->lock.owner = &core.trimmer;
	if (!object->trim)
		object->trim = object->cut ? TRIM_BLOCKS : TRIM_PAGES;
	object->cut = false;
	if (!object_cut_off_some(object) || !object_free_copies(object)) {
		request_later(object);
		return;
	}
	frame = trim_pages(object);
	if (frame) {
		if (!(frame->flags & PAGE_BUSY))
			request_later(object);
		return;			/* else its answer brings us back */
	}
	if (pages_next(object, 0, TAG_WRITING))
		return;			/* it may tell fs an older length */
	if (object->trim == TRIM_PAGES) {
		trim_end(object);
		return;
	}
	pending = request_begin(object, FS_REQUEST_trim, object_end(object), 0);
	if (!pending) {
		request_later(object);
		return;
	}
	object->trim = TRIM_SENT;
	request_send_plain(pending, object->length);
}

void object_release(struct object *object)
{
	struct pending *pending = request_begin(object, FS_REQUEST_release, 0, 0);

	if (!pending) {
		request_later(object);
		return;
	}
	request_send_plain(pending, object->uses);
	pending->object = NULL;
	object_free(object);
}

void core_complete(uint64_t id, int64_t status, uint64_t value)
{
	struct pending *pending = &core.pendings[id % PENDINGS];
	struct object *object = pending->object;

	if (!id || pending->id != id)
		return;
	if (status > 0 || status < -4095)
		status = -EIO;
	if (pending->operation == FS_REQUEST_page_in)
		complete_page_in(pending, status, value);
	else if (pending->operation == FS_REQUEST_write)
		complete_write(pending, status);
	else if (pending->operation == FS_REQUEST_allocate)
		complete_allocate(pending, status, value);
	request_abandon(pending);
	core.search.changed = true;
	wait_wake(&core.request_waiters);
	if (core.memory_waiters)
		memory_tell();
	if (object && pending->operation == FS_REQUEST_trim)
		trim_end(object);
	if (object && object->trim)
		object_trim(object);
	else if (object)
		object_settle(object);
	if (core.deferred)
		request_deferred();
}
