/*
 * Spaces; space.h draws their life. Page tables are in mapping.c and table.c; here are the leaves, the settings and
 * the sweep that lets nobody wait for the dead.
 */
#include "endpoint.h"
#include "thread.h"

#define SWEEP_OBJECTS 1024	/* threads stopped and object table entries looked at per call of destroy */

struct capability *space_leaf_slot(struct space *space, uint64_t slot)
{
	uint64_t leaf = (slot - SPACE_SLOTS) / LEAF_SLOTS;
	struct capability *slots;

	if (leaf >= SPACE_LEAVES || slot < SPACE_SLOTS)
		return NULL;
	slots = reference_page(&space->leaf[leaf]);
	return slots ? slots + (slot - SPACE_SLOTS) % LEAF_SLOTS : NULL;
}

long space_dismantle(struct space *space)
{
	uint64_t end = space->received ? object_count : 0;
	unsigned steps = SWEEP_OBJECTS;

	if (space->root || space->reserve_pages)
		return ERR_NOT_EMPTY;
	space->dying = true;
	for (; steps && space->threads; steps--)
		thread_leave_space(space->threads);
	for (; steps && space->sweep < end; steps--, space->sweep++) {
		struct thread *thread = object_page(space->sweep);

		if (object_kind(space->sweep) == KIND_THREAD && thread->state == THREAD_HELD && thread->holder == space)
			call_lost(thread);
	}
	return space->threads || space->sweep < end ? ERR_AGAIN : OK;
}

long sys_space_set(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	uint64_t field = argument[1], slot = argument[2], place = argument[3];
	struct space *space = capability_page(target);
	const struct capability *value = NULL;
	long error = OK;

	if (field == SPACE_ROUTE && slot)
		error = capability_check(caller->space, slot, KIND_ROUTE, 0, &value);
	else if (field == SPACE_LEAF)
		error = capability_check(caller->space, slot, KIND_LEAF, RIGHT_CONTROL, &value);
	if (error || (field != SPACE_ROUTE && field != SPACE_LEAF) || (field == SPACE_LEAF && place >= SPACE_LEAVES))
		return error ? error : ERR_INVALID;
	/* Nothing below may fail. */
	if (field == SPACE_ROUTE)
		space->route = value ? capability_reference(value) : (struct reference){ 0 };
	else
		space->leaf[place] = capability_reference(value);
	return OK;
}
