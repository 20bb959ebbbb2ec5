/*
 * Spaces; space.h draws their life. Page tables are in mapping.c and table.c; here are the leaves, the settings and
 * the sweep that lets nobody wait for the dead.
 */
#include "endpoint.h"
#include "thread.h"

#define SWEEP_OBJECTS 1024	/* threads stopped and object table entries looked at per call of destroy */

long space_dismantle(struct space *space)
{
	uint64_t end = space->received ? object_count : 0;
	unsigned steps = SWEEP_OBJECTS;

	if (space->root || space->reserve_pages)
		return ERR_NOT_EMPTY;
	space->dying = true;
	for (; steps && !list_empty(&space->threads); steps--)
		thread_leave_space((struct thread *)((char *)space->threads.next - offsetof(struct thread, in_space)));
	for (; steps && space->sweep < end; steps--, space->sweep++) {
		struct thread *thread = object_page(space->sweep);

		if (object_kind(space->sweep) == KIND_THREAD && thread->state == THREAD_HELD && thread->holder == space)
			call_lost(thread);
	}
	return !list_empty(&space->threads) || space->sweep < end ? ERR_AGAIN : OK;
}

long sys_space_set(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	uint64_t field = argument[1], place = argument[3];
	bool leaf = field == SPACE_LEAF, valid = leaf ? place < SPACE_LEAVES : field == SPACE_ROUTE;
	struct space *space = capability_page(target);
	const struct capability *value;
	long error = capability_check(caller->space, argument[2], leaf ? KIND_LEAF : KIND_ROUTE, leaf ? RIGHT_CONTROL : 0, &value);

	if (error || !valid)
		return valid ? error : ERR_INVALID;
	/* Nothing below may fail. */
	*(leaf ? &space->leaf[place] : &space->route) = capability_reference(value);
	if (!leaf)
		space->route_page = capability_page(value);
	return OK;
}
