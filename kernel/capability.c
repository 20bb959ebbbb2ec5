/*
 * Capabilities: looking them up, copying them with fewer rights, and the two calls that make and end what they name.
 * Dying in each kind's own way is in that kind's file.
 */
#include "capability.h"
#include "endpoint.h"
#include "notification.h"
#include "thread.h"

const struct capability *capability_get(struct space *space, uint64_t slot)
{
	const struct capability *capability = space_slot(space, slot);

	return likely(capability && capability_alive(capability)) ? capability : NULL;
}

long capability_check(struct space *space, uint64_t slot, enum kind kind, uint32_t rights, const struct capability **result)
{
	const struct capability *capability = capability_get(space, slot);

	*result = capability;
	if (unlikely(!capability))
		return ERR_BAD_SLOT;
	if (unlikely(word_kind(capability->word) != kind))
		return ERR_WRONG_KIND;
	return likely((capability->rights & rights) == rights) ? OK : ERR_NO_RIGHT;
}

static uint64_t extent_unit(const struct capability *extent)
{
	return word_kind(extent->word) == KIND_IRQ ? 1 : PAGE_BYTES;
}

bool extent_covers(const struct capability *extent, uint64_t base, uint64_t count)
{
	uint64_t unit = extent_unit(extent);

	return base % unit == 0 && count <= extent->count && base >= extent->base &&
	       range_inside((base - extent->base) / unit, count, 0, extent->count);
}

uint64_t capability_arrive(struct thread *thread, const struct capability *capability)
{
	uint64_t slot = thread->x[T4];
	struct capability *place;

	if (likely(!slot || !capability || !capability->word) || !capability_alive(capability) || !thread->space)
		return 0;
	place = space_slot(thread->space, slot);
	if (!place)
		return 0;
	*place = *capability;
	return slot;
}

/* May `source` be copied as `copy` with this badge and extent? Fills in the copy's. */
static long mint_details(const struct capability *source, struct capability *copy, uint64_t badge, uint64_t extent)
{
	enum kind kind = word_kind(source->word);

	if (kind_is_extent(kind) && kind != KIND_CONTROL) {
		if (!badge && !extent)
			return OK;
		if (!extent || !extent_covers(source, badge, extent))
			return ERR_INVALID;
		copy->base = badge;
		copy->count = extent;
		return OK;
	}
	if (extent || (badge && kind != KIND_ENDPOINT && kind != KIND_NOTIFICATION))
		return ERR_INVALID;
	if (source->badge && badge && badge != source->badge)
		return ERR_NO_RIGHT;
	copy->badge = source->badge ? source->badge : badge;
	return OK;
}

long sys_cap_mint(struct thread *caller, const uint64_t *argument)
{
	uint64_t slot = argument[1], rights = argument[3], badge = argument[4], extent = argument[5];
	const struct capability *target, *source;
	struct capability *place, copy;
	long error = capability_check(caller->space, argument[0], KIND_SPACE, RIGHT_CONTROL, &target);

	if (error)
		return error;
	source = capability_get(caller->space, argument[2]);
	if (!source)
		return ERR_BAD_SLOT;
	if (rights & ~(uint64_t)RIGHT_ALL)
		return ERR_INVALID;
	if (rights & ~source->rights)
		return ERR_NO_RIGHT;
	copy = *source;
	copy.rights = (uint32_t)rights;
	if ((error = mint_details(source, &copy, badge, extent)) ||
	    (error = space_empty_slot(object_page(target->index), slot, &place)))
		return error;
	/* Nothing below may fail. */
	*place = copy;
	return OK;
}

long sys_cap_delete(struct thread *caller, const uint64_t *argument)
{
	uint64_t slot = argument[1];
	const struct capability *target;
	struct capability *place;
	long error = capability_check(caller->space, argument[0], KIND_SPACE, RIGHT_CONTROL, &target);

	if (error)
		return error;
	place = space_slot(object_page(target->index), slot);
	if (!place || !place->word)
		return ERR_BAD_SLOT;
	/* Nothing below may fail. */
	*place = (struct capability){ 0 };
	return OK;
}

long sys_create(struct thread *caller, const uint64_t *argument)
{
	uint64_t physical = argument[1], kind = argument[2], index;
	const struct capability *extent;
	struct capability *place;
	void *page;
	long error = capability_check(caller->space, argument[0], KIND_OBJECT_MEMORY, 0, &extent);

	if (error)
		return error;
	if (kind < KIND_SPACE || kind > KIND_ROUTE || !extent_covers(extent, physical, 1))
		return ERR_INVALID;
	index = (physical - memory.object_base) >> PAGE_SHIFT;
	if ((error = object_can_create(index)) || (error = space_empty_slot(caller->space, argument[3], &place)))
		return error;
	/* Nothing below may fail. */
	page = object_create(index, (enum kind)kind);
	if (kind == KIND_ENDPOINT)
		endpoint_init(page);
	else if (kind == KIND_THREAD)
		thread_init(page);
	*place = (struct capability){ .word = objects[index].word, .index = (uint32_t)index, .rights = RIGHT_ALL };
	return OK;
}

long sys_destroy(struct thread *caller, const uint64_t *argument)
{
	const struct capability *target = capability_get(caller->space, argument[0]);
	uint64_t index;
	long error = OK;

	if (!target)
		return ERR_BAD_SLOT;
	if (kind_is_extent(word_kind(target->word)))
		return ERR_WRONG_KIND;
	if (!(target->rights & RIGHT_CONTROL))
		return ERR_NO_RIGHT;
	index = target->index;
	switch (word_kind(target->word)) {
	case KIND_SPACE:
		error = space_dismantle(object_page(index));
		break;
	case KIND_THREAD:
		thread_dismantle(object_page(index));
		break;
	case KIND_ENDPOINT:
		error = endpoint_dismantle(object_page(index));
		break;
	default:	/* Notifications, leaves and routes are only ever named by references, which die with the page. */
		break;
	}
	if (!error)
		object_destroy(index);
	return error;
}
