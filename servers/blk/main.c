/*
 * blk: the disk for fs. Requests come in the ring that fs shares with it (abi/ring.h, abi/blk.h) and go to the device as they come,
 * many at a time; the device reads and writes page frames by DMA, so no byte of a file passes through this server. What the
 * ring says is checked first: blocks must lie on the disk and frames in page memory. It refuses to touch anything else.
 *
 *   ring request -> job (64) -> descriptor chain: header | frames, adjacent ones merged | status -> device -> completion
 */
#include "blk.h"
#include "disk.h"

#include <asm/errno.h>

/* What the device reads and writes besides the frames: behind the queue in the pool. */
struct exchange {
	struct virtio_block_header header[RING_SLOTS];
	volatile uint8_t status[RING_SLOTS];
};
_Static_assert(QUEUE_BYTES_MAX + sizeof(struct exchange) <= 256 * 1024, "all of it fits the pool");

/* Header, one segment per frame, status. */
#define SEGMENTS_MAX (RING_FRAMES + 2)

static struct disk disk;
static bool usable;
static struct ring *ring;
static struct exchange *exchange;
static uint64_t exchange_physical;
static struct extent page_memory;

/* Requests that the device holds. */
static struct job { uint64_t id; bool busy, quiet; } job[RING_SLOTS];
static unsigned job_free[RING_SLOTS], job_free_count;
static unsigned job_of_head[QUEUE_SIZE_MAX];

static struct ring_request next;	/* taken from the ring, not yet begun */
static bool has_next;

static bool completed;	/* fs is to be notified */

static void complete(uint64_t id, int64_t status, bool quiet)
{
	ring_complete(ring, id, status, 0);
	completed |= !quiet || status;
}

/* 0, or the errno of a request that must not reach the device. */
static int check(const struct ring_request *request)
{
	if (request->operation == BLK_REQUEST_flush)
		return 0;
	if (request->operation != BLK_REQUEST_read && request->operation != BLK_REQUEST_write)
		return EINVAL;
	if (!request->count || request->count > RING_FRAMES)
		return EINVAL;
	if (request->first > disk.blocks || request->count > disk.blocks - request->first)
		return EIO;
	if (request->operation == BLK_REQUEST_write && disk.read_only)
		return EROFS;
	for (unsigned i = 0; i < request->count; i++)
		if (request->frame[i] - page_memory.physical / PAGE_BYTES >= page_memory.pages)
			return EFAULT;
	return 0;
}

static unsigned frame_segments(const struct ring_request *request, struct segment *segment)
{
	unsigned count = 0, flags = request->operation == BLK_REQUEST_read ? DESCRIPTOR_DEVICE_WRITES : 0;

	for (unsigned i = 0; i < request->count; i++) {
		uint64_t physical = (uint64_t)request->frame[i] << PAGE_SHIFT;
		struct segment *last = count ? &segment[count - 1] : NULL;

		if (last && last->physical + last->bytes == physical && last->bytes + PAGE_BYTES <= disk.segment_bytes_max)
			last->bytes += PAGE_BYTES;
		else
			segment[count++] = (struct segment){ physical, PAGE_BYTES, flags };
	}
	return count;
}

static void submit(const struct ring_request *request)
{
	static const uint32_t type[] = {
		[BLK_REQUEST_read] = BLOCK_READ, [BLK_REQUEST_write] = BLOCK_WRITE, [BLK_REQUEST_flush] = BLOCK_FLUSH,
	};
	struct segment segment[SEGMENTS_MAX];
	unsigned slot = job_free[--job_free_count], count = 1;
	bool flush = request->operation == BLK_REQUEST_flush;

	exchange->header[slot] = (struct virtio_block_header){
		.type = type[request->operation], .sector = flush ? 0 : request->first * (PAGE_BYTES / SECTOR_BYTES),
	};
	exchange->status[slot] = BLOCK_ERROR;	/* until the device says otherwise */
	segment[0] = (struct segment){ exchange_physical + offsetof(struct exchange, header[slot]), sizeof(exchange->header[0]), 0 };
	if (!flush)
		count += frame_segments(request, segment + 1);
	segment[count++] = (struct segment){ exchange_physical + offsetof(struct exchange, status[slot]), 1, DESCRIPTOR_DEVICE_WRITES };
	job[slot] = (struct job){ .id = request->id, .busy = true, .quiet = request->flags & RING_QUIET };
	job_of_head[queue_add(&disk.queue, segment, count)] = slot;
}

/* True: the request ends here, without the device, which has no cache to flush if it offers no flush. */
static bool ends_here(const struct ring_request *request, int64_t *status)
{
	*status = usable ? -check(request) : -EIO;
	return *status || (request->operation == BLK_REQUEST_flush && !disk.has_flush);
}

/* A flush waits, and with it all that is behind it, until the device has done what was asked before: only that is it obliged to flush. */
static bool may_begin(const struct ring_request *request)
{
	if (!usable)
		return true;
	return request->operation == BLK_REQUEST_flush ? job_free_count == RING_SLOTS : job_free_count && disk.queue.free_count >= SEGMENTS_MAX;
}

/* As many requests as the device can hold; the rest wait in the ring. */
static void take_requests(void)
{
	bool submitted = false;

	while ((has_next || (has_next = ring_next_request(ring, &next))) && may_begin(&next)) {
		int64_t status;

		has_next = false;
		if (ends_here(&next, &status)) {
			complete(next.id, status, false);
			continue;
		}
		submit(&next);
		submitted = true;
	}
	if (submitted && queue_publish(&disk.queue))
		disk_notify(&disk);
}

static void finish(unsigned slot, bool failed)
{
	uint8_t status = exchange->status[slot];

	if (status != BLOCK_OK && !failed)
		log_line("blk: request of type %u at sector %lu: status %u", exchange->header[slot].type, exchange->header[slot].sector, status);
	job[slot].busy = false;
	job_free[job_free_count++] = slot;
	complete(job[slot].id, failed || status != BLOCK_OK ? -EIO : 0, job[slot].quiet);
}

/* The device has broken its own rules: no frame may be in its hands any more, and nothing is asked of it again. */
static void give_up_device(const char *why)
{
	log_line("blk: the device is not used any more: %s", why);
	disk_reset(&disk);
	usable = false;
	for (unsigned slot = 0; slot < RING_SLOTS; slot++)
		if (job[slot].busy)
			finish(slot, true);
}

static void take_answers(void)
{
	enum queue_result result;
	unsigned head;

	while ((result = queue_next(&disk.queue, &head)) == QUEUE_USED)
		finish(job_of_head[head], false);
	if (result == QUEUE_BROKEN)
		give_up_device("its used ring names a request that it does not hold");
}

static void handle_interrupt(void)
{
	if (!usable)
		return;
	if (!disk_interrupt(&disk))
		give_up_device("it asks for a reset");
	else
		take_answers();
	sys_irq_ack(SLOT_IRQ, disk.irq);
}

static void answer(struct message *message)
{
	uint64_t token = message->token;
	struct message reply = { .label = ERR_NO_CALL };

	if (message->label == BLK_info && disk.registers) {
		struct blk_info_reply info = { disk.blocks, disk.read_only, disk.has_flush };

		reply.label = 0;
		memcpy(reply.word, &info, sizeof(info));
	} else if (message->label == BLK_info) {
		reply.label = -ENODEV;
	}
	ipc_reply(token, &reply);
}

static void start_up(const struct start_info *start)
{
	ring = (struct ring *)start->ring_fs_blk;
	exchange = (struct exchange *)(start->pool + QUEUE_BYTES_MAX);
	exchange_physical = start->pool_physical + QUEUE_BYTES_MAX;
	page_memory = start->memory[0];
	while (job_free_count < RING_SLOTS)
		job_free[job_free_count] = job_free_count, job_free_count++;
	usable = disk_find(&disk, start);
	if (!usable)
		log_line("blk: no disk");
	else if (sys_irq_bind(SLOT_IRQ, disk.irq, SLOT_NOTIFICATION, NOTIFY_IRQ) < 0)
		panic("no interrupt %u", disk.irq);
}

void server_main(const struct start_info *start)
{
	start_up(start);
	for (;;) {
		struct message message = { 0 };
		long event = ipc_recv(SLOT_ENDPOINT, &message);

		if (event == EVENT_MESSAGE || event == EVENT_REDELIVERED)
			answer(&message);
		else if (event == EVENT_NOTIFICATION && message.word[0] & NOTIFY_IRQ)
			handle_interrupt();
		else if (event < 0)
			panic("receive: error %ld", event);
		take_requests();
		if (completed)
			sys_notify(SLOT_NOTIFY_FS, NOTIFY_RING_LOWER);
		completed = false;
	}
}
