/*
 * blk: the disk for fs. Requests come in the ring that fs shares with it (abi/ring.h, abi/blk.h) and go to the device as they come,
 * many at a time; the device reads and writes page frames by DMA, so no byte of a file passes through this server. What the
 * ring says is checked first: blocks must lie on the disk and frames in page memory. It refuses to touch anything else.
 *
 *   ring request -> descriptor chain: header | frames, adjacent ones merged | status -> device -> completion
 *
 * A request is read where it lies, each word once, and stays in the ring until it can begin.
 */
#include "blk.h"
#include "disk.h"

#include <asm/errno.h>

/* What the device reads and writes besides the frames: behind the queue in the pool. */
struct exchange {
	struct virtio_block_header header[QUEUE_SIZE_MAX];
	volatile uint8_t status[QUEUE_SIZE_MAX];
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

/* Requests that the device holds, by the heads of their chains. */
static struct job { uint64_t id; bool quiet; } job[QUEUE_SIZE_MAX];

static bool completed;	/* fs is to be notified */

static void complete(uint64_t id, int64_t status, bool quiet)
{
	ring_complete(ring, id, status, 0);
	completed |= !quiet || status;
}

/* Adjacent frames become one segment. Each word is read only once: fs may change it meanwhile. False: a frame outside of page memory. */
static bool add_frames(struct chain *chain, const volatile uint32_t *frame, unsigned count, uint16_t flags)
{
	uint64_t first = page_memory.physical / PAGE_BYTES, most = disk.segment_bytes_max, start = 0, bytes = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t number = frame[i], physical = number << PAGE_SHIFT;

		if (number - first >= page_memory.pages)
			return false;
		if (bytes && (start + bytes != physical || bytes == most)) {
			chain_add(&disk.queue, chain, start, (uint32_t)bytes, flags);
			bytes = 0;
		}
		if (!bytes)
			start = physical;
		bytes += PAGE_BYTES;
	}
	chain_add(&disk.queue, chain, start, (uint32_t)bytes, flags);
	return true;
}

static struct chain begin(void)
{
	struct chain chain = chain_begin(&disk.queue);

	chain_add(&disk.queue, &chain, exchange_physical + offsetof(struct exchange, header[chain.head]), sizeof(exchange->header[0]), DESCRIPTOR_NEXT);
	return chain;
}

static inline void submit(struct chain *chain, uint64_t id, uint32_t type, uint64_t sector, bool quiet)
{
	unsigned head = chain->head;

	chain_add(&disk.queue, chain, exchange_physical + offsetof(struct exchange, status[head]), 1, DESCRIPTOR_DEVICE_WRITES);
	exchange->header[head] = (struct virtio_block_header){ .type = type, .sector = sector };
	exchange->status[head] = BLOCK_ERROR;	/* until the device says otherwise */
	job[head] = (struct job){ id, quiet };
	queue_add(&disk.queue, chain);
}

/* 0, or the errno of a request that does not reach the device. */
static int transfer(const volatile struct ring_request *request, uint64_t id, uint32_t operation)
{
	bool write = operation == BLK_REQUEST_write;
	uint32_t count = request->count;
	uint64_t first = request->first;
	struct chain chain;

	if ((!write && operation != BLK_REQUEST_read) || !count || count > RING_FRAMES)
		return EINVAL;
	if (first > disk.blocks || count > disk.blocks - first)
		return EIO;
	if (write && disk.read_only)
		return EROFS;
	chain = begin();
	if (!add_frames(&chain, request->frame, count, write ? DESCRIPTOR_NEXT : DESCRIPTOR_NEXT | DESCRIPTOR_DEVICE_WRITES))
		return EFAULT;
	submit(&chain, id, write ? BLOCK_WRITE : BLOCK_READ, first * (PAGE_BYTES / SECTOR_BYTES), request->flags & RING_QUIET);
	return 0;
}

/* A device that offers no flush has no cache to flush. */
static void flush(uint64_t id)
{
	struct chain chain;

	if (!disk.has_flush) {
		complete(id, 0, false);
		return;
	}
	chain = begin();
	submit(&chain, id, BLOCK_FLUSH, 0, false);
}

/* A flush waits, and with it all that is behind it, until the device has done what was asked before: only that is it obliged to flush. */
static bool may_begin(uint32_t operation)
{
	return disk.queue.free_count >= (operation == BLK_REQUEST_flush ? disk.queue.size : SEGMENTS_MAX);
}

/* As many requests as the device can hold; the rest wait in the ring. */
static void take_requests(void)
{
	const volatile struct ring_request *request;
	uint16_t before = disk.queue.available_index;

	while ((request = ring_asked(ring))) {
		uint64_t id = request->id;
		uint32_t operation = request->operation;
		int error = 0;

		if (!usable)
			error = EIO;
		else if (!may_begin(operation))
			break;
		else if (operation == BLK_REQUEST_flush)
			flush(id);
		else
			error = transfer(request, id, operation);
		ring_taken(ring);
		if (error)
			complete(id, -error, false);
	}
	if (disk.queue.available_index != before && queue_publish(&disk.queue))
		disk_notify(&disk);
}

static void finish(unsigned head, bool failed)
{
	uint8_t status = exchange->status[head];

	if (status != BLOCK_OK && !failed)
		log_line("blk: request of type %u at sector %lu: status %u", exchange->header[head].type, exchange->header[head].sector, status);
	complete(job[head].id, failed || status != BLOCK_OK ? -EIO : 0, job[head].quiet);
}

/* The device has broken its own rules: no frame may be in its hands any more, and nothing is asked of it again. */
static void give_up_device(const char *why)
{
	log_line("blk: the device is not used any more: %s", why);
	disk_reset(&disk);
	usable = false;
	for (unsigned head = 0; head < disk.queue.size; head++)
		if (disk.queue.chain[head].length)
			finish(head, true);
}

static void take_answers(void)
{
	enum queue_result result;
	unsigned head;

	while ((result = queue_next(&disk.queue, &head)) == QUEUE_USED)
		finish(head, false);
	if (result == QUEUE_BROKEN)
		give_up_device("its used ring names a request that it does not hold");
}

static void handle_interrupt(void)
{
	if (!usable)
		return;
	if (!disk_interrupt(&disk))
		give_up_device("it asks for a reset");
	sys_irq_ack(SLOT_IRQ, disk.irq);
}

/* A device may well have finished by now what it was asked: that needs no interrupt, which is only wanted while this server waits. */
static void work(void)
{
	do {
		if (usable) {
			queue_ignore(&disk.queue);
			take_answers();
		}
		take_requests();
	} while (usable && queue_listen(&disk.queue));
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
		work();
		if (completed && !ring_is_quiet(ring))
			sys_notify(SLOT_NOTIFY_FS, NOTIFY_RING_LOWER);
		completed = false;
	}
}
