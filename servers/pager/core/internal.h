/*
 * The core's state, and what is short enough to be a part of its caller and acts on it. Users of the core include core.h only; its own files
 * include this one, and with it what they share:
 *
 *   frame.h   frames and records, free memory       object.h  objects, their pages, open descriptions, requests below
 *   policy.h  which page goes first                 space.h   VMAs, anonymous layers, faults
 *   wait.h    parked waiters, locks                 sweep.h   long work in slices
 *
 * Two rules keep the files simple:
 *  - Memory is made free only at the beginning of an operation's step (memory_want), and at its end for what is read ahead (memory_room).
 *    Allocators never reclaim, so frames, nodes and VMAs that a step has looked at stay where they are until the step ends.
 *  - A step that cannot go on parks the waiter and ends; the operation is later repeated from its start. Nothing is remembered but what
 *    the waiter holds.
 *
 * Read in this order: frame.c, slab.c, wait.c, pages.c, object.c, vma.c, space.c, anon.c, fault.c, reverse.c, sweep.c.
 */
#ifndef PAGER_CORE_INTERNAL_H
#define PAGER_CORE_INTERNAL_H

#include "pager.h"
#include "policy.h"
#include "sweep.h"

/* ---- everything that must begin anew with core_init */
#define OBJECT_BUCKETS 4096
#define OPENS_PER_CHUNK 512

struct core_state {
	struct core_ops ops;
	uintptr_t window;
	uint64_t lowest, highest;
	struct frame *frames, *free, *zero;
	struct frame *clear;		/* free, too, but cleared already: taken where that is of use, or last */
	unsigned clear_frames;
	struct frame *slab[SLAB_CLASSES];
	struct frame *slab_empty[SLAB_CLASSES];
	struct waiter *memory_waiters, *request_waiters;
	struct waiter **memory_end;	/* where the next one goes that waits for memory */
	uint32_t memory_news;		/* how often it was said that there may be some */
	struct object *objects[OBJECT_BUCKETS], *all_objects, *dirty_objects, *deferred, *deferred_last;
	struct object *harvest;		/* whose D bits are looked at next, in the background */
	struct space *all_spaces;
	struct description **opens[PAGER_OPENS / OPENS_PER_CHUNK];
	struct waiter trimmer;		/* owns the locks of objects under object_trim */
	struct sweep sweep[SWEEPS];
	unsigned sweeping;		/* bit i: sweep[i] is under way between steps */
	struct lock sweep_lock;		/* whose SWEEP_CALLER is */
	struct pending pendings[PENDINGS];
	unsigned pendings_used, pendings_served, pending_hint;
	uint64_t request_serial;
	uint64_t want[2];		/* free frames for one step; [1]: for one that takes anonymous memory */
	struct writer writer;
	uint32_t round;			/* of the background write-back: they are numbered */
	bool in_round;			/* ... and one is under way */
	bool harvested;			/* ... and has looked at its object's D bits */
	struct frame_extent extents[EXTENTS];
	unsigned extents_used;
	struct search search;
	const struct policy *policy;
	unsigned read_ahead;		/* which strategy */
};
extern struct core_state core;

static inline bool deferred_can_go_on(void)	/* without an answer from below */
{
	return core.deferred && core.pendings_used < PENDINGS;
}

static inline struct frame *frame_of(const void *pointer)
{
	return core.frames + (((uintptr_t)pointer - core.window - core.lowest) >> PAGE_SHIFT);
}

static inline uint64_t frame_physical(const struct frame *frame)
{
	return frame->physical;
}

static inline void *frame_bytes(const struct frame *frame)
{
	return (void *)(core.window + frame_physical(frame));
}

static inline struct description **description_slot(uint64_t open)	/* null: there is no such part of the table */
{
	struct description **chunk = open < PAGER_OPENS ? core.opens[open / OPENS_PER_CHUNK] : NULL;

	return chunk ? &chunk[open % OPENS_PER_CHUNK] : NULL;
}

static inline struct description *description_find(uint64_t open)	/* null: not open */
{
	struct description **slot = description_slot(open);

	return slot ? *slot : NULL;
}

#define core_assert(fact) (__builtin_expect(!!(fact), 1) ? (void)0 : core.ops.broken(#fact))

static inline uint64_t *frame_counter(enum frame_kind kind)
{
	return kind == FRAME_ANON ? &core_counters.anonymous_pages : &core_counters.own_pages;
}

/* Null: none is free. Contents are old: clear them. */
static inline struct frame *frame_take(enum frame_kind kind)
{
	struct frame *frame = core.free;

	if (__builtin_expect(!frame, 0) && !(frame = frames_find()))
		return NULL;
	core.free = frame->next;
	core_counters.free_pages--;
	frame->next = frame->previous = NULL;
	frame->object = NULL;
	frame->flags = 0;
	frame->count = 1;
	frame->kind = kind;
	if (kind != FRAME_CACHE)	/* pages.c counts those: it depends on the object */
		++*frame_counter(kind);
	return frame;
}

/* The same, all zero. */
static inline struct frame *frame_take_clear(enum frame_kind kind)
{
	struct frame *frame;

	if (core.clear)
		return frame_take_cleared(kind);
	frame = frame_take(kind);
	if (frame)
		page_clear(frame);
	return frame;
}

static inline void *slab_raw(size_t bytes)	/* not zeroed: its content is old. Null: no free frame */
{
	struct frame *frame = bytes <= SLAB_LARGEST ? core.slab[(bytes + 15) / 16] : NULL;
	void **record = frame ? frame->records : NULL;

	if (!record || !*record)
		return slab_fetch(bytes);
	frame->records = *record;
	frame->count++;
	return record;
}

static inline void slab_free(void *record, size_t bytes)
{
	struct frame *frame = frame_of(record);

	core_assert(frame->kind == FRAME_SLAB);
	if (bytes > SLAB_LARGEST || !frame->records || frame->count == 1) {
		slab_give(record, bytes);
		return;
	}
	core_assert(frame->index == (bytes + 15) / 16 * 16);
	*(void **)record = frame->records;
	frame->records = record;
	frame->count--;
}

/* A new page into a slot of the leaf of our own that is remembered; who shares what was there keeps it. */
static inline void anon_set(struct space *space, struct frame **slot, uint64_t page, struct frame *frame)
{
	struct frame *old = *slot;

	core_assert(anon_near(space, page, page + 1) && (!old || old->count > 1));
	if (old)
		old->count--;
	*slot = frame;
	space->leaf->tag[TAG_USED] |= 1UL << page % NODE_SLOTS;
	frame->index = page;
	frame->family = space->family;
	core_counters.anons++;
}

/* Enough free memory for one step; the common case is one comparison. */
static inline long memory_want(struct waiter *waiter, bool anonymous)
{
	return core_counters.free_pages >= core.want[anonymous] ? 0 : memory_reclaim(waiter, anonymous);
}

#endif
