/*
 * Capabilities: copying them with fewer rights, and the two calls that make and end what they name. Looking them up is in
 * space.h; dying in each kind's own way is in that kind's file.
 */
#include "endpoint.h"
#include "thread.h"

/* Where a new capability may go. BAD_SLOT: no such slot. IN_USE: something alive is there. */
static long empty_slot(struct space *space, uint64_t slot, struct capability **place)
{
	*place = space_slot(space, slot);
	if (!*place)
		return ERR_BAD_SLOT;
	return capability_alive(*place) ? ERR_IN_USE : OK;
}

/* Badge and extent of a copy, which is the source so far. */
static long mint_details(struct capability *copy, uint64_t badge, uint64_t extent)
{
	enum kind kind = word_kind(copy->word);
	bool badged = kind == KIND_ENDPOINT || kind == KIND_NOTIFICATION;

	if (!badge && !extent)
		return OK;
	if (badged ? extent : !kind_is_extent(kind) || !extent || !extent_covers(copy, badge, extent))
		return ERR_INVALID;
	if (badged && copy->badge && badge != copy->badge)
		return ERR_NO_RIGHT;
	copy->badge = badge;	/* or its base */
	if (extent)
		copy->count = extent;
	return OK;
}

long sys_cap_mint(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	uint64_t slot = argument[1], rights = argument[3], badge = argument[4], extent = argument[5];
	const struct capability *source = capability_get(caller->space, argument[2]);
	struct capability *place, copy;
	long error;

	if (!source || rights & ~(uint64_t)RIGHT_ALL)
		return source ? ERR_INVALID : ERR_BAD_SLOT;
	if (rights & ~source->rights)
		return ERR_NO_RIGHT;
	copy = *source;
	copy.rights = capability_rights(word_kind(copy.word), rights);
	if ((error = mint_details(&copy, badge, extent)) || (error = empty_slot(capability_page(target), slot, &place)))
		return error;
	/* Nothing below may fail. */
	*place = copy;
	return OK;
}

long sys_cap_delete(struct thread *caller unused, const struct capability *target, const uint64_t *argument)
{
	struct capability *place = space_slot(capability_page(target), argument[1]);

	if (!place || !place->word)
		return ERR_BAD_SLOT;
	/* Nothing below may fail. */
	*place = (struct capability){ 0 };
	return OK;
}

long sys_create(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	uint64_t physical = argument[1], kind = argument[2], slot = argument[3], index;
	struct capability *place;
	void *page;
	long error;

	if (kind < KIND_SPACE || kind > KIND_ROUTE)
		return ERR_INVALID;
	if ((error = object_can_create(target, physical, &index)) || (error = empty_slot(caller->space, slot, &place)))
		return error;
	/* Nothing below may fail. */
	page = object_create(index, (enum kind)kind, kind == KIND_THREAD ? sizeof(struct thread) : PAGE_BYTES);
	if (kind == KIND_ENDPOINT)
		endpoint_init(page);
	else if (kind == KIND_THREAD)
		thread_init(page);
	else if (kind == KIND_SPACE)
		space_init(page);
	*place = (struct capability){ objects[index].word, (uint32_t)index, capability_rights((enum kind)kind, RIGHT_ALL), { 0 }, { .page = page } };
	return OK;
}

long sys_destroy(struct thread *caller unused, const struct capability *target, const uint64_t *argument unused)
{
	uint64_t index = target->index;
	enum kind kind = word_kind(target->word);
	long error = OK;

	if (kind == KIND_SPACE)
		error = space_dismantle(object_page(index));
	else if (kind == KIND_THREAD)
		thread_dismantle(object_page(index));
	else if (kind == KIND_ENDPOINT)
		error = endpoint_dismantle(object_page(index));
	else if (kind == KIND_NOTIFICATION)
		timer_stop(&((struct notification *)object_page(index))->timer);
	/* Leaves and routes (and notifications) are only ever named by references, which die with the page. */
	if (!error)
		object_destroy(index);
	return error;
}
