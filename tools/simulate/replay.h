/*
 * Replays a trace (trace.h) on the pager's core with so much memory, and counts. The core is Quire's, unchanged; what is played is
 * the world below: page tables (page_tables.h), a disk that answers at once.
 *
 * FRAMES hold content: cached pages of files and anonymous pages. What the core needs for itself (its frame table, trees, VMAs) comes on top, so a trace
 * meets the same number of frames whatever its shape, and textbook figures come out exactly when nothing is read ahead or given back in advance.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "trace.h"

struct settings {
	uint64_t frames;
	const char *policy;		/* a replacement policy's name that the core knows */
	const char *read_ahead;		/* a strategy's */
	unsigned read_ahead_pages;	/* at most; 1: none */
	unsigned fault_around;		/* pages, a power of two; 1: none */
	int spare;			/* pages given back beyond what is needed; negative: as Quire, but at most 1/32 of the frames */
};

struct counts {
	uint64_t references;		/* pages that the trace reads, writes or touches */
	uint64_t faults_read, faults_write;	/* page faults of loads, stores, fetches */
	uint64_t faults_cow, faults_major;	/* ... of these: with a copy, with a wait for the disk */
	uint64_t read_waits;		/* how often read and write waited for a page from the disk */
	uint64_t write_waits;		/* how often anything waited for dirty pages to be written, for memory's sake */
	uint64_t pages_read, pages_written, evictions, left_dirty;
};

static inline uint64_t counts_faults(const struct counts *counts)
{
	return counts->faults_read + counts->faults_write + counts->read_waits;
}

enum replayed { REPLAYED, REPLAY_BAD_TRACE, REPLAY_NO_MEMORY };		/* not REPLAYED: trace->error says why */

enum replayed replay(struct trace *trace, const struct settings *settings, struct counts *counts);

#endif
