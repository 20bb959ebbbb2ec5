/*
 * The file server's loop and its two tables of calls, expanded from abi/linux.h and abi/fs.h. Each turn does a bounded amount of
 * what is ready (the pager's requests, woken calls, one slice of freeing), then receives. Read next: shell.h, core/core.h.
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

static const struct { uint64_t label; enum badge from; call_handler *handler; } native_calls[] = {
#define X(number, name, how, from, text) { number, BADGE_##from, fs_##name },
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

call_handler *handler_of(const struct message *message)
{
	bool needs_process = message->badge == BADGE_CLIENT || message->label == FS_mmap || message->label == FS_script;
	call_handler *handler = NULL;

	if (message->badge == BADGE_CLIENT && message->label < LINUX_CALLS)
		handler = linux_calls[message->label];
	for (unsigned i = 0; message->badge != BADGE_CLIENT && i < sizeof(native_calls) / sizeof(native_calls[0]); i++)
		if (native_calls[i].label == message->label && native_calls[i].from == message->badge)
			handler = native_calls[i].handler;
	if (handler && needs_process && !process_of(message->identity))
		return no_process;
	return handler && needs_process && !ready ? wait_for_mount : handler;
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

/* Five eighths of the pool hold metadata blocks, the rest records; the cache's own records come off the end. */
static void divide_pool(void)
{
	uint64_t pages = start->pool_bytes / PAGE_BYTES, cache = pages * 5 / 8, buckets = 64, record_pages;
	uint8_t *records = (uint8_t *)start->pool + cache * PAGE_BYTES;

	while (buckets < cache)
		buckets *= 2;
	record_pages = (cache * sizeof(struct block) + buckets * sizeof(uint32_t) + PAGE_BYTES - 1) / PAGE_BYTES;
	if (pages < 64 || cache + record_pages + 16 > pages)
		panic("fs: a pool of %lu pages is too small", pages);
	cache_init((uint8_t *)start->pool, cache, (struct block *)records, (uint32_t *)(records + cache * sizeof(struct block)), buckets);
	pool_init(records + record_pages * PAGE_BYTES, pages - cache - record_pages);
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

static void begin(void)
{
	if (!volume.mounted)
		mount();
	if (!volume.mounted || !find_overlays())
		return;
	ready = true;
	log_line("fs: mounted %u blocks, %u free", volume.super->blocks_count, volume.super->free_blocks);
	wake(WAIT_KEY(WAIT_MOUNT, 0));
}

/* ---- the loop */

/* One turn. True: something can go on at once. */
static bool work(void)
{
	blocks_take();
	if (!ready)
		begin();
	calls_run_ready();
	if (!calls_ready())
		pages_run();	/* what waits for the same block as a truncation must not come before it */
	node_jobs_step();
	blocks_send();
	sync_arm_timer();
	return pages_ready() || calls_ready() || node_jobs_ready();
}

static void serve(bool wait)
{
	static struct message message;
	long event;

	pages_observe();
	event = receive(&message, wait);
	if (event == EVENT_MESSAGE || event == EVENT_INTERRUPTED || event == EVENT_REDELIVERED)
		call_arrived(&message, event);
	else if (event == EVENT_TIMEOUT || event == ERR_TIMEOUT)
		pages_admit();
	else if (event == EVENT_NOTIFICATION && message.word[0] & NOTIFY_TIMER)
		sync_timer();
}

void server_main(const struct start_info *given)
{
	start = given;
	volume.ops = &device_ops;
	divide_pool();
	pages_init((struct ring *)start->ring_pager_fs);
	blocks_init((struct ring *)start->ring_fs_blk);
	for (;;) {
		bool busy = work();

		for (unsigned turns = 0; busy && turns < TURNS; turns++)
			busy = work();
		serve(!busy && !pages_unadmitted());
	}
}
