/*
 * Spaces; space.h draws their life. Page tables are in mapping.c and table.c; here are the slots, the settings and
 * the sweep that lets nobody wait for the dead.
 */
#include "capability.h"
#include "fault.h"
#include "thread.h"

struct capability *space_slot(struct space *space, uint64_t slot)
{
	uint64_t leaf = (slot - SPACE_SLOTS) / LEAF_SLOTS;
	struct capability *slots;

	if (likely(slot < SPACE_SLOTS))
		return slot ? (struct capability *)space->slots + slot : NULL;
	if (leaf >= SPACE_LEAVES)
		return NULL;
	slots = reference_page(&space->leaf[leaf]);
	return slots ? slots + (slot - SPACE_SLOTS) % LEAF_SLOTS : NULL;
}

long space_empty_slot(struct space *space, uint64_t slot, struct capability **result)
{
	*result = space_slot(space, slot);
	if (!*result)
		return ERR_BAD_SLOT;
	return capability_alive(*result) ? ERR_IN_USE : OK;
}

/* One thread met by the sweep. */
static void sweep_thread(struct space *space, struct thread *thread, bool first_run)
{
	if (first_run && thread->space == space)
		thread_leave_space(thread);
	else if (!first_run && thread->state == THREAD_HELD && thread->holder == space)
		call_lost(thread);
}

long space_dismantle(struct space *space)
{
	uint64_t end;

	if (space->root || space->reserve_pages)
		return ERR_NOT_EMPTY;
	if (!space->dying) {
		space->dying = true;
		space->sweep = space->threads ? 0 : object_count;
	}
	end = space->received ? 2 * object_count : object_count;
	for (unsigned i = 0; i < SWEEP_OBJECTS && space->sweep < end; i++, space->sweep++) {
		uint64_t index = space->sweep % object_count;

		if (object_kind(index) == KIND_THREAD)
			sweep_thread(space, object_page(index), space->sweep < object_count);
	}
	return space->sweep < end ? ERR_AGAIN : OK;
}

static long set_route(struct space *space, struct thread *caller, uint64_t slot)
{
	const struct capability *route = NULL;
	long error = slot ? capability_check(caller->space, slot, KIND_ROUTE, 0, &route) : OK;

	if (error)
		return error;
	/* Nothing below may fail. */
	space->route = route ? capability_reference(route) : (struct reference){ 0, 0 };
	return OK;
}

static long set_leaf(struct space *space, struct thread *caller, uint64_t slot, uint64_t place)
{
	const struct capability *leaf;
	long error = capability_check(caller->space, slot, KIND_LEAF, RIGHT_CONTROL, &leaf);

	if (error)
		return error;
	if (place >= SPACE_LEAVES)
		return ERR_INVALID;
	/* Nothing below may fail. */
	space->leaf[place] = capability_reference(leaf);
	return OK;
}

long sys_space_set(struct thread *caller, const uint64_t *argument)
{
	uint64_t field = argument[1], value = argument[2], place = argument[3];
	const struct capability *target;
	long error = capability_check(caller->space, argument[0], KIND_SPACE, RIGHT_CONTROL, &target);

	if (error)
		return error;
	switch (field) {
	case SPACE_ROUTE:
		return set_route(object_page(target->index), caller, value);
	case SPACE_LEAF:
		return set_leaf(object_page(target->index), caller, value, place);
	default:
		return ERR_INVALID;
	}
}
