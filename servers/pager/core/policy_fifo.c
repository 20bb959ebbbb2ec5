/*
 * First in, first out, whatever was used meanwhile: the textbooks' policy, and the yardstick that a better one has to beat. A page that may not
 * go when its turn comes (dirty, busy, mapped) is passed by until the hand comes round again.
 */
#include "policy.h"

static struct frame *hand;

static void start(void)
{
	hand = NULL;
}

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
	(void)kind;
	return hand_step(&hand);
}

const struct policy policy_fifo = { "fifo", start, added, removed, look };
