/*
 * Memory when it is short. Clean unmapped pages of files go first, as the policy says; then clean mapped ones, taken out of the page
 * tables; then dirty ones are written and the operation waits. An operation fails with -ENOMEM only when none of this can ever give a frame:
 * nothing to take, nothing under way, nothing to write.
 *
 * Refuses to run in the middle of a step: see the rule in internal.h.
 */
#include "internal.h"

static uint64_t give_unmapped(uint64_t pages)
{
	uint64_t given = 0;

	while (given < pages) {
		struct frame *frame = core.policy->victim();
		struct object *object = frame ? frame->object : NULL;

		if (!frame)
			break;
		page_forget(frame);
		object_settle(object);
		given++;
	}
	return given;
}

static void unmap_page(struct vma *vma, uint64_t address, void *context)
{
	(void)context;
	vma_unmap(vma, address, address + CORE_PAGE);
}

void frame_unmap(struct frame *frame)
{
	frame_each_mapping(frame, unmap_page, NULL);
}

/* Its D bits come along; a page that turns out dirty stays. */
static bool give_mapped_page(struct frame *frame)
{
	struct object *object = frame->object;

	frame_unmap(frame);
	frame->flags &= ~PAGE_MAPPED;
	if (!page_reclaimable(frame))
		return false;
	page_forget(frame);
	object_settle(object);
	return true;
}

static uint64_t give_mapped(uint64_t pages)
{
	uint64_t frames = frames_made(), given = 0;

	for (uint64_t i = 0; i < frames && given < pages; i++) {
		struct frame *frame = frame_made(core.cursor++ % frames);

		if (page_reclaimable(frame) && give_mapped_page(frame))
			given++;
	}
	return given;
}

uint64_t memory_give_back(uint64_t pages)
{
	uint64_t given = give_unmapped(pages);

	if (given < pages)
		given += give_mapped(pages - given);
	core_counters.reclaimed += given;
	return given;
}

/* What is read ahead takes the place of other clean pages, but not of mapped ones: an item that is on its way may name them. */
bool memory_room(uint64_t pages)
{
	uint64_t wanted = 2 * WANT_STEP + pages;

	if (core_counters.free_pages < wanted)
		core_counters.reclaimed += give_unmapped(wanted - core_counters.free_pages);
	return core_counters.free_pages > 2 * WANT_STEP;
}

/* There is nothing to take. Is a frame sure to come free or clean without the caller's doing? */
static long wait_for_help(struct waiter *waiter)
{
	if (deferred_can_go_on())
		return wait_again(waiter);
	write_some(8);
	return core.pendings_used ? wait_park(&core.memory_waiters, waiter) : -ENOMEM;
}

long memory_wait(struct waiter *waiter)
{
	if (memory_give_back(1 + core_spare_pages))
		return wait_park(&core.memory_waiters, waiter), wait_wake(&core.memory_waiters), CORE_WAIT;
	return wait_for_help(waiter);
}

/* Who has waited for a page makes do with less: else it would be the page just fetched that is given back, again and again. */
long memory_reclaim(struct waiter *waiter, bool anonymous)
{
	uint64_t want = waiter->fetched ? WANT_STEP / 2 : WANT_STEP;

	request_deferred();
	slab_trim();
	if (core_counters.free_pages < want)
		memory_give_back(want - core_counters.free_pages + core_spare_pages);
	if (core_counters.free_pages >= want && (!anonymous || core_counters.free_pages + core_counters.cache_pages >= core.want[1]))
		return 0;
	return wait_for_help(waiter);
}
