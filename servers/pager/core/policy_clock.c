/*
 * The default replacement policy: a ring of cache pages and a hand. A page that was used since the hand last passed gets another
 * round. Pages that may not go now (dirty, busy, mapped) are passed by.
 */
#include "policy.h"

static struct frame *hand;

static void start(void)
{
	hand = NULL;
}

/* A new page stands behind the hand: it is looked at last. */
static void added(struct frame *frame)
{
	ring_insert(hand, frame);
	if (!hand)
		hand = frame;
}

static void removed(struct frame *frame)
{
	struct frame *next = ring_remove(frame);

	if (hand == frame)
		hand = next;
}

static struct frame *look(bool kind)
{
	struct frame *frame = hand_step(&hand);

	return !frame || !kind || page_untouched(frame) ? frame : NULL;
}

const struct policy policy_clock = { "clock", start, added, removed, look };
