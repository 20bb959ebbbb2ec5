/*
 * Which replacement policies there are, and the ring of cache pages that each of them keeps in an order of its own. A new policy is a file policy_NAME.c
 * and a line here; docs/experiments.md goes through it step by step.
 */
#include "internal.h"

static const struct policy *const policies[] = { &policy_clock, &policy_fifo, &policy_sieve };
#define POLICIES (sizeof policies / sizeof *policies)

const char *core_policy_name(unsigned i)
{
	return i < POLICIES ? policies[i]->name : NULL;
}

bool is_called(const char *called, const char *name, size_t length)
{
	size_t at = 0;

	while (at < length && called[at] && called[at] == name[at])
		at++;
	return at == length && !called[at];
}

bool core_set_policy(const char *name, size_t length)
{
	for (unsigned i = 0; i < POLICIES; i++) {
		if (!is_called(policies[i]->name, name, length))
			continue;
		core.policy = policies[i];
		core.policy->start();
		return true;
	}
	return false;
}

void ring_insert(struct frame *before, struct frame *frame)
{
	if (!before)
		before = frame->next = frame->previous = frame;
	frame->next = before;
	frame->previous = before->previous;
	frame->previous->next = frame;
	before->previous = frame;
}

struct frame *ring_remove(struct frame *frame)
{
	struct frame *next = frame->next == frame ? NULL : frame->next;

	frame->next->previous = frame->previous;
	frame->previous->next = frame->next;
	frame->next = frame->previous = NULL;
	return next;
}

struct frame *hand_step(struct frame **hand)
{
	struct frame *frame = *hand;

	if (frame)
		*hand = frame->next;
	return frame;
}

bool page_untouched(struct frame *frame)
{
	bool touched;

	if (!page_reclaimable(frame) || page_mapped(frame))
		return false;
	touched = frame->flags & PAGE_TOUCHED;
	frame->flags &= ~PAGE_TOUCHED;
	return !touched;
}
