/*
 * A split virtqueue (virtio 1.1, 2.6) in memory that the caller gives. It knows nothing about registers or disks.
 *
 *   descriptors (16 bytes each) | available ring | padding to a page | used ring
 *
 * A request is a chain of descriptors, known by its head. The device's used ring is input: a head that it does not hold, or an
 * index that runs ahead, is reported as QUEUE_BROKEN. The chains themselves are kept privately, out of the device's reach.
 */
#ifndef BLK_QUEUE_H
#define BLK_QUEUE_H

#include "virtio.h"

#include <stdbool.h>
#include <stddef.h>

#define QUEUE_SIZE_MAX 256
#define QUEUE_BYTES_MAX (4 * 4096)

struct queue {
	struct virtio_descriptor *descriptor;
	struct virtio_available *available;
	struct virtio_used *used;
	uint16_t size;			/* a power of two */
	uint16_t available_index;	/* of the next entry to fill; published by queue_publish */
	uint16_t used_index;		/* of the next entry to read */
	uint16_t free_count, free_head;
	uint16_t next[QUEUE_SIZE_MAX];	/* of free descriptors and of those in a chain */
	struct { uint16_t length, last; } chain[QUEUE_SIZE_MAX];	/* the one that begins here; length 0: none does */
};

/* Offsets of the two rings from the descriptors. */
size_t queue_available_offset(unsigned size);
size_t queue_used_offset(unsigned size);

/* `memory`: QUEUE_BYTES_MAX bytes, page aligned. */
void queue_init(struct queue *queue, void *memory, unsigned size);

/* A chain is written on free descriptors, of which there must be enough. It is none before queue_add, and may be left as it is. */
struct chain { unsigned head, last, next, length; };

static inline struct chain chain_begin(const struct queue *queue)
{
	return (struct chain){ .head = queue->free_head, .next = queue->free_head };
}

/* flags: DESCRIPTOR_NEXT in all but the last one. */
static inline void chain_add(const struct queue *queue, struct chain *chain, uint64_t physical, uint32_t bytes, uint16_t flags)
{
	struct virtio_descriptor *descriptor = &queue->descriptor[chain->next];

	chain->last = chain->next;
	chain->next = queue->next[chain->last];
	chain->length++;
	descriptor->address = physical;
	descriptor->bytes = bytes;
	descriptor->flags = flags;
	descriptor->next = (uint16_t)chain->next;
}

/* The device sees it after queue_publish. */
void queue_add(struct queue *queue, const struct chain *chain);
/* True: the device wants to be notified. */
bool queue_publish(struct queue *queue);

enum queue_result { QUEUE_EMPTY, QUEUE_USED, QUEUE_BROKEN };
/* The next request that the device has finished; its descriptors are free again. */
enum queue_result queue_next(struct queue *queue, unsigned *head);

/* The device need not interrupt when it finishes something; from now on it shall. True: it has finished something already. */
void queue_ignore(struct queue *queue);
bool queue_listen(struct queue *queue);

#endif
