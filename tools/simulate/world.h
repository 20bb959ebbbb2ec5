/*
 * The world below the core while a trace is replayed: page memory and page tables (page_tables.h), and a disk whose answer is always the next
 * thing that happens. And the measure of memory: before each step of the core it has just the free frames that it should have.
 */
#ifndef SIMULATE_WORLD_H
#define SIMULATE_WORLD_H

#include "internal.h"
#include "page_tables.h"
#include "ring.h"

#include <sys/mman.h>

static uint64_t frames;			/* of content, at most */
static struct frame *hidden;		/* frames that the core must not have now */
static uint64_t write_waits;		/* how often a call waited for pages to be written */

/* ---- the disk */

static struct core_request *requests;
static uint64_t requests_count, requests_room;
static bool later;			/* the core wants core_deferred_step */

static void world_request(const struct core_request *request)
{
	if (requests_count == requests_room)
		requests = realloc(requests, (requests_room = 2 * requests_room + 64) * sizeof *requests);
	MUST(requests);
	requests[requests_count++] = *request;
}

/* All that is asked, in this order; answers ask for more. Returns which operations were among them, a bit for each. */
static unsigned disk_answers(void)
{
	unsigned operations = 0;

	for (uint64_t i = 0; i < requests_count; i++) {
		struct core_request request = requests[i];

		operations |= 1U << request.operation;
		core_complete(request.id, 0, request.operation == FS_REQUEST_allocate ? request.count : 0);
	}
	requests_count = 0;
	while (later)
		later = core_deferred_step();
	return operations;
}

static void world_later(void)
{
	later = true;
}

/* ---- the core runs, one operation at a time */

static void world_wake(struct waiter *waiter)
{
	(void)waiter;
}

static uint64_t world_now(void)
{
	static uint64_t ticks;

	return ++ticks;
}

static void world_clear_ahead(void)
{
}

static _Noreturn void world_broken(const char *fact)
{
	fail_at("core", 0, fact);
}

static const struct core_ops world_ops = {
	.unmap = world_unmap, .protect = world_protect, .scan = world_scan,
	.request = world_request, .wake = world_wake, .later = world_later, .clear_ahead = world_clear_ahead, .now = world_now, .broken = world_broken,
};

/*
 * Before each step: content and free frames together are what the trace was given and what every step wants to see free. A page that comes in is one too
 * many until the operation is at its end; then another one goes, at the latest (run_again). Should it always be the new one that goes, since all others are
 * dirty, `extra` ends that.
 */
static void keep_frames(uint64_t extra)
{
	uint64_t wanted = frames + WANT_STEP + extra, have;

	slab_trim();
	while ((have = core_counters.free_pages + core_counters.cache_pages + core_counters.anonymous_pages) != wanted) {
		struct frame *frame = have < wanted ? hidden : frame_take(FRAME_OWN);

		MUST(frame);
		if (have < wanted) {
			hidden = frame->next;
			frame_free(frame);
		} else {
			frame->next = hidden;
			hidden = frame;
		}
	}
}

struct run { struct waiter waiter; uint64_t done, stuck, *waits; };	/* waits: how often the call waited for pages to be read */

/* The core's call has said so. False: it is at its end. */
static bool run_again(struct run *run, long status)
{
	unsigned answered = disk_answers();

	if (status != CORE_WAIT && status != CORE_AGAIN && core_counters.free_pages < WANT_STEP)
		while (memory_search(WANT_STEP))
			;
	if (status != CORE_WAIT)
		return status == CORE_AGAIN;
	*run->waits += answered >> FS_REQUEST_page_in & 1;
	write_waits += answered >> FS_REQUEST_write & 1;
	run->stuck = run->waiter.done == run->done ? run->stuck + 1 : 0;
	run->done = run->waiter.done;
	MUST(run->stuck < 1000);
	return true;
}

/* Runs a call of the core to its end; `w` is its waiter. */
#define RUN(call, count) ({ \
	struct run run_ = { .waits = (count) }; \
	struct waiter *w = &run_.waiter; \
	long status_; \
	do { \
		(void)w; \
		keep_frames(run_.stuck / 3); \
		status_ = (call); \
	} while (run_again(&run_, status_)); \
	status_; })

/* Shares of the memory, such as the reserve, are shares of the trace's frames; the world's own and what the core needs for itself come on top. */
static void world_start(uint64_t wanted, uint64_t own)
{
	uint64_t records = wanted / 4 + 4096;		/* more than the core will need */

	frames = wanted + own;
	hidden = NULL;
	write_waits = 0;
	memory_pages = frames + records;
	memory = mmap(NULL, memory_pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(memory != MAP_FAILED);
	core_init(&world_ops, (uintptr_t)memory - LOWEST, LOWEST, LOWEST + memory_pages * PAGE);
	core_add_memory(LOWEST, memory_pages);
	core_counters.total_pages = wanted;
	core.want[1] = WANT_STEP + 1 + minimum(wanted / 32, 1024);
}

static void world_end(void)
{
	munmap(memory, memory_pages * PAGE);
}

#endif
