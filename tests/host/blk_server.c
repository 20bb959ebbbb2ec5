/*
 * Host test of blk's loop: random requests in the ring, a device played by the test that ends them in any order, sometimes with an error.
 * A flush must not reach the device before all that was asked before it is done, and nothing asked is lost. fs is notified of
 * each completion in the turn in which it is made, but for quiet ones that succeed. The device often ends a request in the very moment in which
 * it hears of it; it interrupts only if it may, so blk must not wait while something is finished that it has not seen.
 *
 * sources: servers/blk/main.c servers/blk/queue.c libsys/ring.c libsys/format.c
 */
#include "blk.h"
#include "disk.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) do { checks++; if (!(condition)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); exit(1); } } while (0)
#define TURNS 200000

uint64_t log_slot;
static unsigned checks;
static jmp_buf end;
static uint8_t pool[256 * 1024] __attribute__((aligned(4096)));
static char ring_memory[RING_PAGES * 4096] __attribute__((aligned(4096)));
static struct ring *const ring = (struct ring *)ring_memory;
static struct queue *device;

/* What fs has asked, in the ring's order; `asked` and `answered` count. Held by the device: head of the chain. */
static struct request { uint32_t operation; bool quiet, done, at_device, failed; uint64_t first; } requests[1 << 20];
static unsigned asked, oldest, notified, to_be_notified, turns, at_once;
static bool interrupt;
static uint16_t seen;
static struct { unsigned number; uint16_t head; } held[QUEUE_SIZE_MAX];
static unsigned held_count;

bool disk_find(struct disk *disk, const struct start_info *start)
{
	static uint32_t registers;

	*disk = (struct disk){ .registers = &registers, .blocks = 1 << 20, .has_flush = true, .segment_bytes_max = 1 << 20 };
	queue_init(&disk->queue, (void *)start->pool, QUEUE_SIZE_MAX);
	device = &disk->queue;
	return true;
}

bool disk_interrupt(struct disk *disk) { (void)disk; return true; }
void disk_reset(struct disk *disk) { (void)disk; }
void log_line(const char *format, ...) { (void)format; }
void panic(const char *format, ...) { printf("panic: %s\n", format); exit(1); }
long ipc_reply(uint64_t token, struct message *message) { (void)token, (void)message; return 0; }

struct result syscall6(long number, uint64_t slot, uint64_t bits, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	(void)slot, (void)bits, (void)c, (void)d, (void)e, (void)f;
	notified += number == SYS_notify;
	return (struct result){ 0, 0 };
}

/* ---- the device: each request is known by the block that it begins with, a flush by being the oldest one not seen */

static unsigned number_of(const struct virtio_block_header *header)
{
	unsigned number = oldest;

	if (header->type == BLOCK_FLUSH)
		while (requests[number].operation != BLK_REQUEST_flush || requests[number].at_device || requests[number].done)
			number++;
	else
		while (requests[number].first != header->sector / 8 || requests[number].operation == BLK_REQUEST_flush || requests[number].at_device)
			number++;
	CHECK(number < asked);
	return number;
}

static void take_completions(void);

static void device_takes(void)
{
	take_completions();
	while (seen != device->available->index) {
		uint16_t head = device->available->ring[seen++ % device->size];
		unsigned number = number_of((const struct virtio_block_header *)device->descriptor[head].address);

		requests[number].at_device = true;
		if (requests[number].operation == BLK_REQUEST_flush)
			for (unsigned i = oldest; i < number; i++)
				CHECK(requests[i].done);
		held[held_count].number = number;
		held[held_count++].head = head;
	}
}

static void device_ends_one(void)
{
	unsigned which = rand() % held_count, number = held[which].number;
	uint16_t head = held[which].head, last = head;

	while (device->descriptor[last].flags & DESCRIPTOR_NEXT)
		last = device->descriptor[last].next;
	requests[number].failed = rand() % 20 == 0;
	*(uint8_t *)device->descriptor[last].address = requests[number].failed ? BLOCK_ERROR : BLOCK_OK;
	device->used->ring[device->used->index % device->size].head = head;
	device->used->index++;
	interrupt |= !device->available->flags;
	to_be_notified |= !requests[number].quiet || requests[number].failed;
	held[which] = held[--held_count];
}

void disk_notify(struct disk *disk)
{
	(void)disk;
	device_takes();
	while (held_count && rand() % 2)
		device_ends_one(), at_once++;
}

/* ---- fs */

static void ask(void)
{
	bool flush = rand() % 6 == 0;
	struct ring_request request = { .id = asked, .operation = flush ? BLK_REQUEST_flush : BLK_REQUEST_read + rand() % 2,
					.count = flush ? 0 : 1 + rand() % 4, .first = flush ? 0 : (uint64_t)asked % 100000 * 8,
					.flags = !flush && rand() % 2 ? RING_QUIET : 0 };

	for (unsigned i = 0; i < request.count; i++)
		request.frame[i] = 0x80000 + rand() % 1024;
	if (ring_ask(ring, &request))
		requests[asked++] = (struct request){ .operation = request.operation, .quiet = request.flags, .first = request.first };
}

static void take_completions(void)
{
	struct ring_completion completion;

	while (ring_next_completion(ring, &completion)) {
		struct request *request = &requests[completion.id];

		CHECK(completion.id < asked && request->at_device && !request->done && completion.status == (request->failed ? -5 : 0));
		request->done = true;
	}
	while (oldest < asked && requests[oldest].done)
		oldest++;
}

/* One turn: what blk has done in the last one is looked at, then something new happens. At the end nothing more is asked. */
long ipc_recv(uint64_t endpoint, struct message *message)
{
	(void)endpoint;
	CHECK(notified == to_be_notified);
	CHECK(device->used_index == device->used->index && !device->available->flags);
	notified = to_be_notified = 0;
	device_takes();
	for (unsigned i = rand() % 8; i && turns < TURNS; i--)
		ask();
	for (unsigned i = rand() % 8; i && held_count; i--)
		device_ends_one();
	if (turns++ > TURNS && oldest == asked)
		longjmp(end, 1);
	CHECK(turns < 2 * TURNS);
	message->word[0] = NOTIFY_RING_UPPER | (interrupt ? NOTIFY_IRQ : 0);
	interrupt = false;
	return EVENT_NOTIFICATION;
}

int main(void)
{
	const struct start_info start = { .pool = (uint64_t)pool, .pool_physical = (uint64_t)pool, .pool_bytes = sizeof(pool),
					  .ring_fs_blk = (uint64_t)ring, .memory = { { 0x80000000, 1024 } } };

	srand(1);
	if (!setjmp(end))
		server_main(&start);
	CHECK(asked > TURNS / 2 && at_once > TURNS / 10 && !held_count && oldest == asked);
	printf("blk_server: %u requests, %u checks passed\n", asked, checks);
	return 0;
}
