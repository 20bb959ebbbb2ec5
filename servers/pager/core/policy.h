/*
 * Replacement: a policy says which cache page goes first (policy.c, policy_NAME.c). It keeps them in a ring of its own; what its functions may look at
 * are the flags and page_reclaimable, page_mapped, page_untouched. One static state each: there is one cache.
 */
#ifndef PAGER_CORE_POLICY_H
#define PAGER_CORE_POLICY_H

#include "frame.h"

struct policy {
	const char *name;
	void (*start)(void);			/* forget everything */
	void (*added)(struct frame *frame);	/* a page came in, clean or dirty, used already or read ahead */
	void (*removed)(struct frame *frame);	/* ... goes, because `look` found it or for another reason */
	struct frame *(*look)(bool kind);	/* the hand goes on by one page: that one, or, if kind, null unless it may go and is not worth keeping */
};
extern const struct policy policy_clock, policy_fifo, policy_sieve;

void ring_insert(struct frame *before, struct frame *frame);	/* before null: into an empty ring */
struct frame *ring_remove(struct frame *frame);			/* returns the one behind it, null: the ring is empty now */
struct frame *hand_step(struct frame **hand);			/* the hand goes on by one page: that one, null: the ring is empty */
bool page_mapped(const struct frame *frame);		/* maybe in a page table */
bool page_reclaimable(const struct frame *frame);	/* clean, idle, of a file; perhaps mapped */
bool page_untouched(struct frame *frame);			/* it may go now and was not used since this was last asked */

bool is_called(const char *called, const char *name, size_t length);	/* name need not end with a 0 */

#endif
