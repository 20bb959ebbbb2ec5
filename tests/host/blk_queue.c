/*
 * Host test of blk's virtqueue: a device played by the test takes chains off the available ring, checks them against what was asked,
 * and gives them back in any order. Then a device that lies: it must be reported, and nothing may be handed out twice.
 *
 * sources: servers/blk/queue.c libsys/format.c
 */
#include "queue.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

static int failed;
#define CHECK(condition) do { if (!(condition)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); failed = 1; } } while (0)

#define CHAIN_MAX 34
static uint8_t memory[QUEUE_BYTES_MAX] __attribute__((aligned(4096)));
static struct queue queue;

struct segment { uint64_t physical; uint32_t bytes; bool device_writes; };

/* What the driver asked, by head; count 0: nothing. */
static struct { unsigned count; struct segment segment[CHAIN_MAX]; } asked[QUEUE_SIZE_MAX];

/* The device's side. */
static uint16_t seen, held[QUEUE_SIZE_MAX];
static unsigned held_count;

static void start(unsigned size)
{
	memset(memory, 0xa5, sizeof(memory));
	memset(asked, 0, sizeof(asked));
	queue_init(&queue, memory, size);
	CHECK(queue_used_offset(size) + 6 + 8 * size <= QUEUE_BYTES_MAX);
	/* All 16-bit indices wrap around on the way. */
	queue.available_index = queue.used_index = queue.available->index = queue.used->index = seen = 65000;
	held_count = 0;
}

static unsigned add(const struct segment *segment, unsigned count)
{
	struct chain chain = chain_begin(&queue);

	for (unsigned i = 0; i < count; i++)
		chain_add(&queue, &chain, segment[i].physical, segment[i].bytes,
			  (segment[i].device_writes ? DESCRIPTOR_DEVICE_WRITES : 0) | (i + 1 < count ? DESCRIPTOR_NEXT : 0));
	queue_add(&queue, &chain);
	return chain.head;
}

/* Now and then a chain is begun and left: that must not matter. */
static void ask(void)
{
	struct segment segment[CHAIN_MAX];
	unsigned count = 1 + rand() % CHAIN_MAX, before = queue.free_count;
	unsigned head;

	if (count > before)
		return;
	for (unsigned i = 0; i < count; i++)
		segment[i] = (struct segment){ (uint64_t)rand() << 12, 1 + rand() % 8192, rand() % 2 };
	if (rand() % 4 == 0) {
		struct chain left = chain_begin(&queue);

		for (unsigned i = 0; i < count; i++)
			chain_add(&queue, &left, 0, 1, DESCRIPTOR_NEXT);
	}
	head = add(segment, count);
	CHECK(head < queue.size && !asked[head].count && queue.free_count == before - count);
	asked[head].count = count;
	memcpy(asked[head].segment, segment, count * sizeof(segment[0]));
}

static void device_takes(void)
{
	CHECK(queue_publish(&queue));
	while (seen != queue.available->index) {
		uint16_t head = queue.available->ring[seen++ % queue.size], index = head;

		for (unsigned i = 0; i < asked[head].count; i++) {
			const struct virtio_descriptor *descriptor = &queue.descriptor[index];
			const struct segment *segment = &asked[head].segment[i];

			CHECK(descriptor->address == segment->physical && descriptor->bytes == segment->bytes);
			CHECK(!(descriptor->flags & DESCRIPTOR_DEVICE_WRITES) == !segment->device_writes);
			CHECK(!(descriptor->flags & DESCRIPTOR_NEXT) == (i + 1 == asked[head].count));
			index = descriptor->next;
		}
		CHECK(asked[head].count);
		held[held_count++] = head;
	}
}

static void device_answers(void)
{
	unsigned which;

	if (!held_count)
		return;
	which = rand() % held_count;
	queue.used->ring[queue.used->index % queue.size].head = held[which];
	queue.used->index++;
	held[which] = held[--held_count];
}

static void driver_takes(void)
{
	unsigned head, before = queue.free_count;
	enum queue_result result = queue_next(&queue, &head);

	CHECK(result != QUEUE_BROKEN);
	if (result != QUEUE_USED)
		return;
	CHECK(asked[head].count && queue.free_count == before + asked[head].count);
	asked[head].count = 0;
}

static void test_honest(unsigned size)
{
	void (*const step[])(void) = { ask, device_takes, device_answers, driver_takes };

	start(size);
	for (int round = 0; round < 100000 && !failed; round++)
		step[rand() % 4]();
	device_takes();
	while (held_count)
		device_answers();
	while (queue.free_count < size && !failed)
		driver_takes();
	CHECK(queue.free_count == size);
}

static enum queue_result lie(uint32_t head, int ahead)
{
	unsigned got;

	queue.used->ring[queue.used->index % queue.size].head = head;
	queue.used->index += ahead;
	return queue_next(&queue, &got);
}

static void test_lies(void)
{
	struct segment segment[3] = { { 0x1000, 16, false }, { 0x2000, 4096, true }, { 0x3000, 1, true } };
	int head;

	start(64);
	CHECK(lie(0, 0) == QUEUE_EMPTY);
	CHECK(lie(0, 1) == QUEUE_BROKEN);	/* nothing was asked */
	start(64);
	head = add(segment, 3);
	CHECK(lie(head + 1, 1) == QUEUE_BROKEN);	/* the middle of a chain */
	start(64);
	add(segment, 3);
	CHECK(lie(64, 1) == QUEUE_BROKEN);
	start(64);
	add(segment, 3);
	CHECK(lie(0xffffffff, 1) == QUEUE_BROKEN);
	start(64);
	head = add(segment, 3);
	CHECK(lie(head, 65) == QUEUE_BROKEN);
	start(64);
	head = add(segment, 3);
	CHECK(lie(head, 1) == QUEUE_USED && lie(head, 1) == QUEUE_BROKEN);	/* twice */
	/* A device that rewrites descriptors does not change the driver's own chains. */
	start(64);
	head = add(segment, 3);
	memset(queue.descriptor, 0xff, 64 * sizeof(*queue.descriptor));
	CHECK(lie(head, 1) == QUEUE_USED && queue.free_count == 64);
}

/* Finished while nobody listens: said when somebody does. */
static void test_listen(void)
{
	struct segment segment[1] = { { 0x1000, 16, false } };
	unsigned head;

	start(64);
	add(segment, 1);
	CHECK(!queue_listen(&queue) && queue.available->flags == 0);
	queue_ignore(&queue);
	CHECK(queue.available->flags == 1);
	queue.used->ring[queue.used->index++ % queue.size].head = queue.available->ring[65000 % queue.size];
	CHECK(queue_listen(&queue));
	CHECK(queue_next(&queue, &head) == QUEUE_USED && !queue_listen(&queue));
}

int main(void)
{
	srand(1);
	test_listen();
	test_honest(256);
	test_honest(64);
	test_lies();
	return failed;
}
