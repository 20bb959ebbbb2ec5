/*
 * The frame table and the free lists. One record per page of physical memory between core_init's bounds; the first extent pays for
 * it. A record is made when its frame is first wanted, so that a start costs the same with little memory and with much.
 * Refuses to reclaim: frame_take takes what is free or says no (reclaim.c makes room before a step begins).
 */
#include "internal.h"

#define FRAMES_MADE 32		/* at once */

struct core_state core;
struct core_counters core_counters;
unsigned core_fault_around_pages = 16, core_read_ahead_pages = CORE_BATCH, core_spare_pages = 32;
uint64_t core_slice_pages = 4096;

void core_init(const struct core_ops *ops, uintptr_t window, uint64_t lowest, uint64_t highest)
{
	memset(&core, 0, sizeof core);
	memset(&core_counters, 0, sizeof core_counters);
	core.ops = *ops;
	core.window = window;
	core.lowest = lowest;
	core.highest = highest;
	core.policy = &policy_clock;
	core.policy->start();
	core.want[0] = core.want[1] = WANT_STEP;
	core.memory_end = &core.memory_waiters;
}

/* Takes the table out of the beginning of the first extent; returns how many pages it took. */
static uint64_t table_make(uint64_t physical, uint64_t pages)
{
	uint64_t records = (core.highest - core.lowest) >> PAGE_SHIFT;
	uint64_t taken = pages_of(records * sizeof(struct frame));

	core_assert(taken < pages);
	core.frames = (struct frame *)(core.window + physical);
	return taken;
}

void core_add_memory(uint64_t physical, uint64_t pages)
{
	uint64_t taken = core.frames ? 0 : table_make(physical, pages);
	struct frame *first = core.frames + ((physical - core.lowest) >> PAGE_SHIFT);

	core_assert(core.extents_used < EXTENTS && physical >= core.lowest && physical + pages * CORE_PAGE <= core.highest && !(physical & PAGE_MASK));
	core.extents[core.extents_used++] = (struct frame_extent){ first + taken, first + taken, first + pages };
	core_counters.own_pages += taken;
	core_counters.total_pages += pages;
	core_counters.free_pages += pages - taken;
	if (!core.zero) {
		core.zero = frame_take(FRAME_OWN);
		page_clear(core.zero);
	}
	/* Anonymous memory leaves a rest to the page cache, so that programs can still fetch their text while the one that took all the rest is told so. */
	core_counters.memory_pages_max = core_counters.total_pages / 2;
	core.want[1] = WANT_STEP + minimum(core_counters.total_pages / 32, 1024);
}

uint64_t frames_made(void)
{
	uint64_t frames = 0;

	for (unsigned i = 0; i < core.extents_used; i++)
		frames += (uint64_t)(core.extents[i].unused - core.extents[i].first);
	return frames;
}

struct frame *frame_made(uint64_t index)
{
	struct frame_extent *extent = core.extents;

	for (; index >= (uint64_t)(extent->unused - extent->first); extent++)
		index -= (uint64_t)(extent->unused - extent->first);
	return extent->first + index;
}

static struct frame *make_some(void)
{
	struct frame_extent *extent = core.extents, *end = extent + core.extents_used;
	uint64_t physical;

	while (extent < end && extent->unused == extent->end)
		extent++;
	if (extent == end)
		return NULL;
	core.free = extent->unused;
	physical = core.lowest + ((uint64_t)(extent->unused - core.frames) << PAGE_SHIFT);
	for (unsigned i = 0; i < FRAMES_MADE && extent->unused < extent->end; i++, extent->unused++, physical += CORE_PAGE)
		*extent->unused = (struct frame){ .next = extent->unused + 1, .physical = physical, .kind = FRAME_FREE };
	extent->unused[-1].next = NULL;
	return core.free;
}

struct frame *frames_find(void)
{
	if (!make_some()) {
		core.free = core.clear;
		core.clear = NULL;
		core.clear_frames = 0;
	}
	return core.free;
}

void frame_chain(struct frame *frame)
{
	core_assert(frame->kind > FRAME_FREE && !frame->waiters);
	frame->kind = FRAME_FREE;
	frame->next = core.free;
	core.free = frame;
}

void frames_freed(uint64_t *counter, uint64_t frames)
{
	*counter -= frames;
	core_counters.free_pages += frames;
	if (core.memory_waiters && core_counters.free_pages >= core.want[1])
		memory_tell();
}

/* pages.c counts those of the cache: it depends on the object. */
void frame_free(struct frame *frame)
{
	enum frame_kind kind = frame->kind;
	uint64_t counted_there = 1;

	frame_chain(frame);
	frames_freed(kind == FRAME_CACHE ? &counted_there : frame_counter(kind), 1);
}

typedef uint64_t __attribute__((may_alias)) word_t;

/* One store per word; the loop's own cost is spread over 128 of them. */
void page_clear(struct frame *frame)
{
	word_t *to = frame_bytes(frame), *end = to + CORE_PAGE / sizeof *to;

	for (; to < end; to += 128) {
#pragma GCC unroll 128
		for (unsigned i = 0; i < 128; i++)
			to[i] = 0;
	}
}

bool core_clear_ahead(void)
{
	struct frame *frame = core.free;

	if (core.clear_frames == CLEAR_FRAMES_MAX || (!frame && !(frame = make_some())))
		return false;
	core.free = frame->next;
	page_clear(frame);
	frame->next = core.clear;
	core.clear = frame;
	return ++core.clear_frames < CLEAR_FRAMES_MAX;
}

struct frame *frame_take_cleared(enum frame_kind kind)
{
	struct frame *frame = core.clear;

	core.clear = frame->next;
	frame->next = core.free;
	core.free = frame;
	core_counters.cleared_ahead++;
	if (core.clear_frames-- == CLEAR_FRAMES_MAX)
		core.ops.clear_ahead();
	return frame_take(kind);
}

void page_copy(struct frame *to_frame, const struct frame *from_frame)
{
	word_t *to = frame_bytes(to_frame), *end = to + CORE_PAGE / sizeof *to;
	const word_t *from = frame_bytes(from_frame);

	for (; to < end; to += 128, from += 128) {
#pragma GCC unroll 128
		for (unsigned i = 0; i < 128; i++)
			to[i] = from[i];
	}
}
