/*
 * The file server's loop and its two tables of calls, expanded from abi/linux.h and abi/fs.h. A call is served when it comes; what calls,
 * notifications and the core leave to be done (woken calls, requests in rings, slices of freeing) is done a bounded amount at a time
 * between two looks at the endpoint. Read next: shell.h, core/core.h.
 */
#include "shell.h"

const struct start_info *start;

static bool ready;	/* mounted, and what lies over the disk is in place */

#define NANOSECONDS 1000000000UL
#define TURNS 16	/* of work between two looks at the endpoint */

/* ---- who may call what */

#define ROW_FS(name) int64_t linux_##name(struct call *call);
#define ROW_PAGER(name)
#define ROW_PROC(name)
#define X(number, name, server) ROW_##server(name)
LINUX_CALL_LIST(X)
#undef X
#define X(number, name, how, from, text) int64_t fs_##name(struct call *call);
FS_LIST(X)
#undef X

#undef ROW_FS
#define ROW_FS(name) [LINUX_##name] = linux_##name,
static call_handler *const linux_calls[LINUX_CALLS] = {
#define X(number, name, server) ROW_##server(name)
	LINUX_CALL_LIST(X)
#undef X
};

/* By label - FS_fork, the first. */
static const struct { enum badge from; call_handler *handler; } native_calls[] = {
#define X(number, name, how, from, text) [number - FS_fork] = { BADGE_##from, fs_##name },
	FS_LIST(X)
#undef X
};

/* A program that fs does not know (any more). */
static int64_t no_process(struct call *call)
{
	(void)call;
	return -ESRCH;
}

static int64_t wait_for_mount(struct call *call)
{
	(void)call;
	return wait_for(WAIT_KEY(WAIT_MOUNT, 0));
}

static call_handler *native_handler(const struct message *message)
{
	uint64_t row = message->label - FS_fork;

	return row < sizeof(native_calls) / sizeof(native_calls[0]) && native_calls[row].from == message->badge ? native_calls[row].handler : NULL;
}

call_handler *handler_of(const struct call *call)
{
	const struct message *message = &call->message;
	bool program = message->badge == BADGE_CLIENT;
	call_handler *handler = program && message->label < LINUX_CALLS ? linux_calls[message->label] : native_handler(message);

	if (!handler || !(program || message->label == FS_mmap || message->label == FS_script))
		return handler;
	if (!call->process)
		return no_process;
	return ready ? handler : wait_for_mount;
}

/* ---- start */

uint64_t time_of_ticks(uint64_t ticks)
{
	return start->realtime_ns + ticks / start->timebase_hz * NANOSECONDS + ticks % start->timebase_hz * NANOSECONDS / start->timebase_hz;
}

uint64_t frame_of(const void *page)
{
	return (start->pool_physical + ((uint64_t)page - start->pool)) / PAGE_BYTES;
}

/* Half of the pool caches metadata blocks of the disk, an eighth is the volume in memory; their own records and all others share the rest. */
static void divide_pool(void)
{
	uint64_t pages = start->pool_bytes / PAGE_BYTES, cache = pages / 2, memory = pages / 8, blocks = cache + memory, buckets = 64, record_pages;
	uint8_t *pool = (uint8_t *)start->pool, *records = pool + blocks * PAGE_BYTES;
	struct block *block = (struct block *)records;

	while (buckets < cache)
		buckets *= 2;
	record_pages = (blocks * sizeof(struct block) + buckets * sizeof(uint32_t) + PAGE_BYTES - 1) / PAGE_BYTES;
	if (pages < 128 || blocks + record_pages + 16 > pages)
		panic("fs: a pool of %lu pages is too small", pages);
	cache_init(pool, cache, block, (uint32_t *)(block + blocks), buckets);
	memory_init(pool + cache * PAGE_BYTES, memory, block + cache);
	pool_init(records + record_pages * PAGE_BYTES, pages - blocks - record_pages);
	node_init();
}

/* Repeated after each wait until it says yes or no. */
static void mount(void)
{
	static uint64_t blocks;
	static bool read_only, asked;
	int result = 0;

	if (!asked && blocks_info(&blocks, &read_only) < 0)
		blocks = 0;
	asked = true;
	step_begin();
	if (!volume.mounted)
		result = volume_mount(blocks, read_only);
	step_abort();
	if (result < 0 && result != WAIT)
		fatal("cannot use the disk: %s", volume.refusal ? volume.refusal : "its metadata cannot be read");
}

static bool find_overlays(void)
{
	int result;

	step_begin();
	result = overlays_find();
	step_abort();
	return result == 0;
}

static __attribute__((noinline)) void begin(void)
{
	if (!volume.mounted)
		mount();
	if (!volume.mounted || !find_overlays())
		return;
	ready = true;
	log_line("fs: mounted %u blocks, %u free", volume.super->blocks_count, volume.super->free_blocks);
	wake_awaited(WAIT_MOUNT);
}

/* ---- the loop */

/* One turn of all that is not a call. */
static __attribute__((noinline)) void work(void)
{
	bool answered;

	work_left = false;
	blocks_take();
	if (!ready)
		begin();
	calls_run_ready();
	if (!calls_ready())
		pages_run();	/* what waits for the same block as a truncation must not come before it */
	node_jobs_step();
	answered = blocks_send();
	sync_arm_timer();
	work_left = answered || calls_ready() || pages_ready() || node_jobs_ready();
}

static void serve(bool wait)
{
	uint64_t bits = 0;
	long event = calls_serve(wait, &bits);

	if (event == EVENT_NOTIFICATION) {
		if (bits & NOTIFY_TIMER)
			sync_timer();
		pages_observe();
		work_left = work_left || !pages_unadmitted();	/* else first the endpoint, then all at once */
	} else if (event == EVENT_TIMEOUT) {
		pages_admit();
		work_left = true;
	} else if (!wait) {
		work_left = true;	/* calls do not keep off what waits for the endpoint to be empty */
	}
}

void server_main(const struct start_info *given)
{
	start = given;
	volume.ops = &device_ops;
	divide_pool();
	pages_init((struct ring *)start->ring_pager_fs);
	blocks_init((struct ring *)start->ring_fs_blk);
	work_left = true;
	for (;;) {
		for (unsigned turns = 0; (work_left || calls_ready()) && turns < TURNS; turns++)
			if (work_left)
				work();
			else
				calls_run_ready();
		serve(!work_left && !calls_ready() && !pages_unadmitted());
	}
}
