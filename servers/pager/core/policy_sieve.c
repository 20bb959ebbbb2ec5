/*
 * SIEVE (Zhang et al., 2024) for a page cache: pages stand in the order in which they came, and a hand walks from the oldest to the newest. A page
 * used since the hand last passed stays where it is; the first one that was not goes. New pages stand in front of everything, not behind the
 * hand as with clock, so a page that nobody wants again is met soon, and one pass over a large file takes its own pages instead of everybody's.
 *
 *     oldest ───────────── settled ──────────► hand ───► edge ── fresh ──► newest
 *        ▲                                                                    │
 *        └───────────────────────── the ring closes ──────────────────────────┘
 *
 * Being read in counts as a use, and so does what a program does with a page at once (eight reads of 512 bytes). The newest pages are therefore
 * fresh: the hand passes them by, and their uses are forgotten when they settle. Only who comes back later has shown that the page is worth it.
 */
#include "policy.h"

#define FRESH_SHARE 8		/* one page in so many is fresh */

static struct frame *oldest, *hand, *edge;	/* edge: the oldest fresh page */
static uint64_t in_ring, fresh;

static void start(void)
{
	oldest = hand = edge = NULL;
	in_ring = fresh = 0;
}

static void settle(void)
{
	edge->flags &= ~(PAGE_FRESH | PAGE_TOUCHED);
	edge = edge->next;
	fresh--;
}

static void added(struct frame *frame)
{
	ring_insert(oldest, frame);
	if (!oldest)
		oldest = hand = frame;
	if (!fresh++)
		edge = frame;
	frame->flags |= PAGE_FRESH;
	in_ring++;
	if (fresh > 1 + in_ring / FRESH_SHARE)
		settle();
}

static void removed(struct frame *frame)
{
	struct frame *next = ring_remove(frame);

	if (oldest == frame)
		oldest = next;
	if (hand == frame)
		hand = next;
	if (edge == frame)
		edge = next;
	if (frame->flags & PAGE_FRESH)
		fresh--;
	in_ring--;
}

static struct frame *look(bool kind)
{
	struct frame *frame = hand_step(&hand);

	return !frame || !kind || (!(frame->flags & PAGE_FRESH) && page_untouched(frame)) ? frame : NULL;
}

const struct policy policy_sieve = { "sieve", start, added, removed, look };
