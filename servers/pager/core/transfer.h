/*
 * A read or write under way: what transfer.c (one range) and vectors.c (an array of them) share.
 */
#ifndef PAGER_CORE_TRANSFER_H
#define PAGER_CORE_TRANSFER_H

#include "internal.h"

#define TRANSFER_MAX 0x7ffff000UL	/* Linux's MAX_RW_COUNT */

#define VECTORS_MAX 1024

/* waiter->progress[]: 0: where in the file it starts + 1; 1: the vectors are checked; 3: parked for the user's side. */
struct vector { uint64_t base, length; };

struct transfer {
	struct space *space;
	struct description *description;
	struct object *object;
	struct waiter *waiter;
	uint64_t start;			/* in the file */
	uint64_t pieces;		/* copied in this step */
	bool write, at;
	bool ended;			/* end of file */
};

static inline bool too_many_dirty(void)	/* who writes starts write-back */
{
	return core_counters.cache_dirty_pages * 3 > core_counters.total_pages;
}

long transfer_user(struct transfer *transfer, uint64_t address, bool write, uint8_t **bytes);	/* user_bytes for a transfer */
long transfer_move(struct transfer *transfer, uint64_t address, uint64_t goal);	/* from address, where the next byte is, until waiter->done is `goal` */
long transfer_vectors(struct transfer *transfer, uint64_t address, uint64_t count);

#endif
