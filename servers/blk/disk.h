/*
 * The virtio block device: finding it, agreeing on features, its registers. One disk: the first one at the lowest address.
 * What the device says (sizes, limits) is checked; a device that cannot serve blocks of 4096 bytes is refused with a log line.
 */
#ifndef BLK_DISK_H
#define BLK_DISK_H

#include "queue.h"
#include "server.h"

struct disk {
	volatile uint32_t *registers;	/* null: there is no disk */
	uint32_t irq;
	uint64_t blocks;		/* of 4096 bytes */
	bool read_only, has_flush;
	uint32_t segment_bytes_max;	/* multiple of PAGE_BYTES */
	struct queue queue;
};

/* The queue lies in the first QUEUE_BYTES_MAX bytes of the pool. False: no usable disk. */
bool disk_find(struct disk *disk, const struct start_info *start);
void disk_notify(struct disk *disk);
/* Reads and clears the cause of an interrupt. False: the device says that it is broken. */
bool disk_interrupt(struct disk *disk);
/* Takes all memory away from the device: nothing is in flight afterwards. */
void disk_reset(struct disk *disk);

#endif
