/*
 * A ring between two servers: requests one way, completions the other, in memory that both have mapped (RING_PAGES pages, given by
 * init, zeroed). There are two: pager (asks) and fs (answers); fs (asks) and blk (answers).
 *
 *   asker     fills request[request_head % RING_SLOTS], advances request_head, notifies the answerer with
 *             NOTIFY_RING_UPPER if the answerer stands below (fs -> blk), NOTIFY_RING_LOWER if it stands above (pager -> fs):
 *             the bit says on which side of the *receiver* the partner stands.
 *   answerer  takes requests at request_tail, later fills completion[completion_head % RING_SLOTS], notifies back unless `quiet`.
 *
 * The asker keeps at most RING_SLOTS requests outstanding, so completions never overflow and nobody ever waits. Both sides treat
 * what the other wrote as input: indices are taken modulo RING_SLOTS, ids are looked up, not trusted. Requests are answered in any
 * order, each exactly once. `epoch` is raised by an answerer that has restarted: the asker then repeats all outstanding requests.
 */
#ifndef ABI_RING_H
#define ABI_RING_H

#include <stdint.h>

#define RING_SLOTS 64
#define RING_FRAMES 32
#define RING_PAGES 4

struct ring_request {
	uint64_t id;			/* chosen by the asker, comes back in the completion */
	uint32_t operation;		/* enum fs_request or enum blk_request */
	uint32_t count;			/* pages or blocks, 1..RING_FRAMES where frames are named */
	uint64_t object;		/* object number (pager -> fs) */
	uint64_t first;			/* first page of the object; first block of 4096 bytes on the disk */
	uint64_t length;		/* see the operation */
	uint64_t modified;		/* FS_REQUEST_write: as in pager_stat_reply */
	uint64_t flags;			/* RING_* */
	uint32_t frame[RING_FRAMES];	/* physical page numbers; frame[i] holds page first + i */
};

enum ring_flag {
	RING_SYNC = 1,			/* FS_REQUEST_write: somebody waits until it is durable. It is answered when data, metadata and a device flush
					 * are done, if that is possible at once; FS_msync and FS_synced make sure */
	RING_QUIET = 2,			/* to blk: no notification if it succeeds; a flush comes behind it, whose notification is enough */
};

struct ring_completion {
	uint64_t id;
	int64_t status;			/* 0, or -errno as Linux numbers it */
	uint64_t value;			/* see the operation */
};

struct ring {
	uint32_t epoch;
	uint32_t request_head, request_tail;
	uint32_t completion_head, completion_tail;
	uint32_t quiet;			/* the asker's: answers need no notification, it looks for them itself */
	uint32_t unused[2];
	struct ring_request request[RING_SLOTS];
	struct ring_completion completion[RING_SLOTS];
};

/* pager -> fs */
enum fs_request {
	FS_REQUEST_page_in = 1,	/* read pages into frames; value: bit i set: page first + i is a hole (its frame is zeroed by the pager, not by fs).
				 * Pages wholly past the length on disk are holes. The tail of the last block is as on disk. */
	FS_REQUEST_write,	/* write frames to the pages' blocks, which exist; length: the object's live length. The frames stay pinned till the answer */
	FS_REQUEST_allocate,	/* give blocks to the `count` (may exceed RING_FRAMES) pages from first on; value: pages from first that have
				 * blocks now (>= 1); status -ENOSPC: none. fs does not write to the blocks: the pager holds the pages dirty */
	FS_REQUEST_release,	/* the pager has forgotten the object; length: the number of uses (opens and execs) that it had seen.
				 * fs ignores it when it has announced more uses since (and subtracts: the pager counts from 0 again). Answered at once. */
	FS_REQUEST_trim,	/* free the blocks of all pages from first on: a write past the end was given up after blocks were asked for it, or a
				 * truncation after the cut; length: the live length, taken over if the one on disk is larger.
				 * The pager asks for nothing past first until the answer */
};
/* page_in and allocate may be answered -EAGAIN while a truncation that the pager has finished (FS_truncated) still frees blocks there, allocate also
 * while there is no space but the release of a deleted object is still to come: the pager asks again. */

/* fs -> blk. Blocks of 4096 bytes. */
enum blk_request {
	BLK_REQUEST_read = 1, BLK_REQUEST_write,	/* count blocks from first, frame by frame */
	BLK_REQUEST_flush,				/* device write cache; all writes asked before it are done and durable after it */
};

_Static_assert(sizeof(struct ring_request) == 184 && sizeof(struct ring) <= RING_PAGES * 4096, "a ring fits its pages");

#endif
