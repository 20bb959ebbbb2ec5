/*
 * Requests to the block driver: metadata blocks of the core, data blocks between the disk and the pager's frames, flushes.
 * At most RING_SLOTS are under way; ids are a slot and a sequence number, so an answer that nobody asked for means nothing.
 */
#include "shell.h"

#include "blk.h"

enum purpose { FREE, METADATA, DATA, FLUSH };

static struct slot { enum purpose purpose; uint32_t number; uint64_t id; } slots[RING_SLOTS];	/* number: frame of the cache, or task */
static struct ring *ring;
static uint64_t sequence, flushes_begun, flushes_done, flushes_wanted;
static uint64_t unflushed;		/* writes asked since the last flush began */
static unsigned used;			/* slots */
static uint8_t unused[RING_SLOTS];	/* from `used` on: the others */
static bool has_flush, asked, answered;
static bool gathering;			/* metadata whose flush follows */

int blocks_info(uint64_t *blocks, bool *read_only)
{
	struct message message = { .label = BLK_info };
	int result = call_server(SLOT_BLK, &message);
	const struct blk_info_reply *reply = (const struct blk_info_reply *)message.word;

	if (result < 0)
		return result;
	*blocks = reply->blocks;
	*read_only = reply->read_only;
	has_flush = reply->has_flush;
	return 0;
}

void blocks_init(struct ring *shared)
{
	ring = shared;
	for (unsigned slot = 0; slot < RING_SLOTS; slot++)
		unused[slot] = slot;
}

/* quiet: a flush will be asked for behind it. There must be a slot for that. */
static INLINED bool start_request(enum purpose purpose, uint32_t number, unsigned operation, uint64_t first, uint32_t count, const uint32_t *frames, bool quiet)
{
	struct ring_request *request = used < RING_SLOTS ? ring_next_place(ring) : NULL;	/* fields that mean nothing to blk are not filled */
	unsigned slot;

	if (!request)
		return false;
	slot = unused[used++];
	request->id = ++sequence << 8 | slot;
	request->operation = operation;
	request->count = count;
	request->first = first;
	request->flags = quiet && has_flush && used < RING_SLOTS - 1 ? RING_QUIET : 0;
	for (uint32_t i = 0; i < count; i++)
		request->frame[i] = frames[i];
	ring_ask_placed(ring);
	slots[slot] = (struct slot){ purpose, number, sequence << 8 | slot };
	unflushed += operation == BLK_REQUEST_write;
	asked = work_left = true;
	return true;
}

bool blocks_start(unsigned operation, uint64_t first, uint32_t count, const uint32_t *frames, uint32_t task, bool quiet)
{
	return start_request(DATA, task, operation, first, count, frames, quiet);
}

/* ---- the core's */

static bool start_metadata(unsigned operation, uint32_t frame, uint32_t block)
{
	uint32_t page = frame_of((const uint8_t *)start->pool + (size_t)frame * BLOCK_BYTES);

	return start_request(METADATA, frame, operation, block, 1, &page, gathering);
}

static bool start_read(uint32_t frame, uint32_t block)
{
	return start_metadata(BLK_REQUEST_read, frame, block);
}

static bool start_write(uint32_t frame, uint32_t block)
{
	return start_metadata(BLK_REQUEST_write, frame, block);
}

static uint64_t now(void)
{
	return time_of_ticks(read_time());
}

static void unlinked(uint64_t object)
{
	struct message message = { .label = PAGER_unlinked, .word = { object } };

	call_server(SLOT_PAGER, &message);
}

const struct core_ops device_ops = { start_read, start_write, wake, now, unlinked };

/* ---- flushes: one at a time; a flush that is under way already does not count for who asks now */

static void start_flush(void)
{
	if (flushes_begun != flushes_done || flushes_wanted == flushes_begun || !start_request(FLUSH, 0, BLK_REQUEST_flush, 0, 0, NULL, false))
		return;
	flushes_begun++;
	unflushed = 0;
}

bool blocks_all_flushed(void)
{
	return !has_flush || (!unflushed && flushes_begun == flushes_done && flushes_wanted == flushes_begun);
}

uint64_t blocks_write_and_flush(uint64_t *stamp)
{
	uint64_t flush;

	gathering = true;
	*stamp = cache_write_back();
	gathering = false;
	flush = blocks_flush();
	return cache_started(*stamp) ? flush : 0;
}

uint64_t blocks_flush(void)
{
	uint64_t wanted = flushes_begun + 1;

	if (!has_flush)
		return 0;
	flushes_wanted = wanted;
	start_flush();
	return wanted;
}

bool blocks_flushed(uint64_t flush)
{
	return flush <= flushes_done;
}

/* ---- completions */

static void complete(const struct ring_completion *completion)
{
	struct slot *slot = &slots[completion->id % RING_SLOTS], done = *slot;

	if ((completion->id & 0xff) >= RING_SLOTS || !done.purpose || done.id != completion->id)
		return;
	slot->purpose = FREE;
	unused[--used] = slot - slots;
	answered = true;
	if (done.purpose == METADATA) {
		core_io_done(done.number, completion->status);
	} else if (done.purpose == DATA) {
		pages_io_done(done.number, completion->status);
	} else {
		if (completion->status)
			volume.broken = true;
		flushes_done = flushes_begun;
		pages_flushed();
		wake_awaited(WAIT_FLUSH);
	}
}

void blocks_take(void)
{
	struct ring_completion completion;

	answered = false;
	while (ring_next_completion(ring, &completion))
		complete(&completion);
	if (answered) {
		start_flush();
		cache_retry();
		wake_awaited(WAIT_SLOT);
	}
}

/* blk stands above: it runs at once, and what it has answered when it waits again needs no notification. */
bool blocks_send(void)
{
	if (!asked)
		return false;
	asked = false;
	ring_set_quiet(ring, true);
	sys_notify(SLOT_NOTIFY_BLK, NOTIFY_RING_UPPER);
	ring_set_quiet(ring, false);
	return ring_has_completion(ring);
}
