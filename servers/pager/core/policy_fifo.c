/*
 * First in, first out, whatever was used meanwhile: the textbooks' policy, and the yardstick that a better one has to beat. A page that may not
 * go when its turn comes (dirty, busy, mapped) is passed by until the hand comes round again.
 */
#include "internal.h"

static struct frame *hand;
static uint64_t in_ring;

static void start(void)
{
	hand = NULL;
	in_ring = 0;
}

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
	for (uint64_t left = in_ring; left; left--) {
		struct frame *frame = hand;

		hand = hand->next;
		if (page_reclaimable(frame) && !page_mapped(frame))
			return frame;
	}
	return NULL;
}

const struct policy policy_fifo = { "fifo", start, added, removed, victim };
