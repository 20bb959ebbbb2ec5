/*
 * The frame table and the free list. One record per page of physical memory between core_init's bounds; the first extent pays for
 * it. Refuses to reclaim: frame_take takes what is free or says no (reclaim.c makes room before a step begins).
 */
#include "internal.h"

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
}

/* Takes the table out of the beginning of the first extent; returns how many pages it took. */
static uint64_t table_make(uint64_t physical, uint64_t pages)
{
	uint64_t records = (core.highest - core.lowest) >> PAGE_SHIFT;
	uint64_t taken = pages_of(records * sizeof(struct frame));

	core_assert(taken < pages);
	core.frames = (struct frame *)(core.window + physical);
	memset(core.frames, 0, taken * CORE_PAGE);
	return taken;
}

static struct frame *frame_at(uint64_t physical)
{
	core_assert(physical >= core.lowest && physical < core.highest && !(physical & PAGE_MASK));
	return core.frames + ((physical - core.lowest) >> PAGE_SHIFT);
}

void core_add_memory(uint64_t physical, uint64_t pages)
{
	uint64_t taken = core.frames ? 0 : table_make(physical, pages);

	for (uint64_t i = 0; i < taken; i++)
		frame_at(physical + i * CORE_PAGE)->kind = FRAME_OWN;
	core_counters.own_pages += taken;
	core_counters.total_pages += pages;
	for (uint64_t i = pages; i-- > taken;) {
		struct frame *frame = frame_at(physical + i * CORE_PAGE);

		core_assert(frame->kind == FRAME_ABSENT);
		frame->kind = FRAME_OWN;
		core_counters.own_pages++;
		frame_free(frame);
	}
	if (!core.zero) {
		core.zero = frame_take(FRAME_OWN);
		page_clear(core.zero);
	}
	/* Anonymous memory leaves a rest to the page cache, so that programs can still fetch their text while the one that took all the rest is told so. */
	core_counters.memory_pages_max = core_counters.total_pages / 2;
	core.want[1] = WANT_STEP + minimum(core_counters.total_pages / 32, 1024);
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
		wait_wake(&core.memory_waiters);
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
