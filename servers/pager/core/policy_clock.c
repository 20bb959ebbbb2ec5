/*
 * The default replacement policy: a ring of cache pages and a hand. A page that was used since the hand last passed gets another
 * round. Pages that may not go now (dirty, busy, mapped) are passed by; two rounds without a find mean that there is none.
 */
#include "internal.h"

static struct frame *hand;
static uint64_t in_ring;

/* Null: begin anew (core_init). A new page stands behind the hand: it is looked at last. */
static void added(struct frame *frame)
{
	if (!frame || !hand) {
		hand = frame;
		in_ring = frame != NULL;
		if (frame)
			frame->next = frame->previous = frame;
		return;
	}
	frame->next = hand;
	frame->previous = hand->previous;
	frame->previous->next = frame;
	hand->previous = frame;
	in_ring++;
}

static void removed(struct frame *frame)
{
	if (!frame->next)
		return;
	if (hand == frame)
		hand = frame->next == frame ? NULL : frame->next;
	frame->next->previous = frame->previous;
	frame->previous->next = frame->next;
	frame->next = frame->previous = NULL;
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

const struct policy policy_clock = { "clock", added, removed, victim };
