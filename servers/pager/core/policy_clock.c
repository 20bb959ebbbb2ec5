/*
 * The default replacement policy: a ring of cache pages and a hand. A page that was used since the hand last passed gets another
 * round. Pages that may not go now (dirty, busy, mapped) are passed by; two rounds without a find mean that there is none.
 */
#include "internal.h"

static struct frame *hand;
static uint64_t in_ring;

static void start(void)
{
	hand = NULL;
	in_ring = 0;
}

/* A new page stands behind the hand: it is looked at last. */
static void added(struct frame *frame)
{
	ring_insert(hand, frame);
	if (!hand)
		hand = frame;
	in_ring++;
}

static void removed(struct frame *frame)
{
	struct frame *next = ring_remove(frame);

	if (hand == frame)
		hand = next;
	in_ring--;
}

static struct frame *victim(void)
{
	for (uint64_t left = 2 * in_ring; left; left--) {
		struct frame *frame = hand;

		hand = hand->next;
		if (!page_reclaimable(frame) || page_mapped(frame))
			continue;
		if (!(frame->flags & PAGE_TOUCHED))
			return frame;
		frame->flags &= ~PAGE_TOUCHED;
	}
	return NULL;
}

const struct policy policy_clock = { "clock", start, added, removed, victim };
