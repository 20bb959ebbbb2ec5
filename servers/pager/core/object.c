/*
 * Objects: a file's live length and cached pages, found by number, and shared memory without a file.
 *
 *   core_object_use --> used (opens, holders, VMAs) --the last one goes--> cached --its last page goes--> released to fs, freed
 *                        ^                                                  |
 *                        `------------------- used again -------------------'
 *
 * An unlinked object, and one without a file, does not stay cached: its pages go, dirty or not, once no request names them. The pages of a file in
 * memory go in no other way.
 */
#include "internal.h"

static struct object **bucket_of(uint64_t number)
{
	return &core.objects[(number ^ number >> 32 ^ number >> 44) % OBJECT_BUCKETS];
}

static struct object *object_make(uint64_t length)
{
	struct object *object = slab_take(sizeof *object);

	if (!object)
		return NULL;
	object->length = minimum(length, CORE_FILE_MAX);
	object->next = core.all_objects;
	if (object->next)
		object->next->previous = object;
	core.all_objects = object;
	core_counters.objects++;
	return object;
}

void object_free(struct object *object)
{
	struct object **link = bucket_of(object->number);

	core_assert(!object->pages && !object->root && !object->lock.queue && !object->copies);
	if (object->number) {
		while (*link != object)
			link = &(*link)->hash_next;
		*link = object->hash_next;
	}
	*(object->previous ? &object->previous->next : &core.all_objects) = object->next;
	if (object->next)
		object->next->previous = object->previous;
	if (core.harvest == object)
		core.harvest = object->next;
	for (unsigned kind = 0; kind < SWEEPS; kind++)
		if (core.sweep[kind].object == object)
			sweep_end(kind);
	core_counters.objects--;
	slab_free(object, sizeof *object);
}

struct object *core_object_find(uint64_t number)
{
	struct object *object = *bucket_of(number);

	while (object && object->number != number)
		object = object->hash_next;
	return object;
}

struct object *core_object_use(uint64_t number, uint64_t length)
{
	struct object *object = core_object_find(number);

	if (!object && number) {
		memory_prompt();
		object = object_make(length);
		if (!object)
			return NULL;
		object->number = number;
		object->backed = !(number & OBJECT_IN_MEMORY);
		object->hash_next = *bucket_of(number);
		*bucket_of(number) = object;
	}
	if (object)
		object->uses++;
	return object;
}

struct object *object_anonymous(uint64_t length)
{
	struct object *object = object_make(length);

	if (object)
		object->holds = 1;
	return object;
}

/* True: there are more that can go. */
static bool discard_pages(struct object *object)
{
	struct frame *frame = pages_next(object, 0, TAG_USED);

	if (object_in_memory(object) && !object->discarded)
		core_counters.memory_pages -= object->pages;
	object->discarded = true;
	for (uint64_t budget = slice_frames(); frame && budget; budget--) {
		uint64_t index = frame->index;

		if (!(frame->flags & PAGE_BUSY))
			page_forget(frame);
		frame = pages_next(object, index + 1, TAG_USED);
	}
	return frame;
}

void object_settle(struct object *object)
{
	if (object->opens || object->holds || object->vmas || object->lock.owner || object->deferred)
		return;
	if (object->pages && (object->unlinked || !object->number) && discard_pages(object)) {
		request_later(object);
		return;
	}
	if (object->pages || object->requests || (object->pager && !object->unlinked))
		return;
	if (object->number)
		object_release(object);
	else
		object_free(object);
}

void object_hold(struct object *object)
{
	object->holds++;
}

void object_drop(struct object *object)
{
	core_assert(object->holds);
	object->holds--;
	object_settle(object);
}

void object_drop_later(struct object *object)
{
	core_assert(object->holds);
	object->holds--;
	if ((!object->pages || object->unlinked) && !object->opens && !object->vmas)
		request_later(object);
}

void core_object_hold(struct object *object)
{
	object_hold(object);
}

void core_object_drop(struct object *object)
{
	object_drop(object);
}

void core_object_unlinked(struct object *object)
{
	object->unlinked = true;
	object_settle(object);
}

bool core_object_leaving(const struct object *object)
{
	return object->unlinked && !object->opens && !object->holds && !object->vmas;
}

/* Page table entries of pages mapped before do not count any more: there are none. */
void object_lost_map(struct object *object)
{
	if (object->vmas)
		return;
	object->epoch++;
	object->zero_mapped = false;
}

long core_object_serve(struct object *object, uint64_t pager)
{
	if (!object_in_memory(object) || object->vmas)
		return object->vmas ? -EBUSY : -EINVAL;
	object->pager = pager;
	return 0;
}

uint64_t core_object_pager(const struct object *object)
{
	return object->pager;
}

uint64_t core_object_number(const struct object *object)
{
	return object->number;
}

uint64_t core_object_length(const struct object *object)
{
	return object->length;
}

uint64_t core_object_pages(const struct object *object)
{
	return object->pages;
}

void object_modify(struct object *object)
{
	uint64_t now = core.ops.now();

	object->modified = now ? now : 1;
}

uint64_t core_object_modified(struct object *object)
{
	uint64_t modified = object->modified;

	object->modified = 0;
	return modified;
}

/* From page *at on; true: that was all. */
static bool drop_clean(struct object *object, uint64_t *at, uint64_t *budget)
{
	struct frame *frame;

	while (object->backed && (frame = pages_next(object, *at, TAG_USED))) {
		if (!*budget)
			return false;
		*at = frame->index + 1;
		spend(budget, BUDGET_PAGE);
		if (page_reclaimable(frame) && !page_mapped(frame))
			page_forget(frame);
	}
	return true;
}

/* The object in work is held, so that the list goes on behind it; with its hold it goes if nothing else keeps it. progress[0]: its next page; progress[1]: begun. */
static bool drop_all(struct waiter *waiter)
{
	uint64_t budget = slice_budget();

	if (!waiter->progress[1])
		wait_keep(waiter, core.all_objects);
	waiter->progress[1] = 1;
	while (waiter->object) {
		if (!budget || !drop_clean(waiter->object, &waiter->progress[0], &budget))
			return false;
		spend(&budget, BUDGET_PAGE);
		waiter->progress[0] = 0;
		wait_keep(waiter, waiter->object->next);
	}
	return true;
}

long core_drop_caches(struct waiter *waiter)
{
	if (!drop_all(waiter))
		return CORE_AGAIN;
	if (deferred_can_go_on()) {
		request_deferred();
		return CORE_AGAIN;
	}
	slab_trim();
	return 0;
}

/* ELF headers: no sequence to guess, so no read-ahead. */
long core_object_read(struct object *object, uint64_t offset, void *to, uint64_t bytes, struct waiter *waiter)
{
	long status = wait_error(waiter);

	while (!status && waiter->done < bytes && offset + waiter->done < object->length) {
		uint64_t at = offset + waiter->done;
		uint64_t part = minimum(minimum(bytes - waiter->done, object->length - at), CORE_PAGE - (at & PAGE_MASK));
		struct frame *frame;

		status = memory_want(waiter, false);
		if (status)
			break;
		frame = page_get(object, at >> PAGE_SHIFT, NULL, 1, waiter, &status);
		if (!frame)
			break;
		memcpy((char *)to + waiter->done, (char *)frame_bytes(frame) + (at & PAGE_MASK), part);
		waiter->done += part;
	}
	return status ? status : (long)waiter->done;
}
