/*
 * brk: the heap is a mapping like others, of which the space knows where it ends for the program.
 */
#include "internal.h"

void core_space_set_heap(struct space *space, uint64_t start)
{
	space->heap_start = space->heap_end = start;
}

/* Room for the heap up to `end`, and a page between it and the next mapping. */
static bool heap_grow(struct space *space, uint64_t start, uint64_t end, struct waiter *waiter, long *status)
{
	struct vma wanted = { .start = start, .end = end, .prot = PROT_READ | PROT_WRITE, .max_prot = PROT_ALL };

	if (start == end)
		return true;
	if (end > CORE_USER_END - CORE_PAGE || !is_free(space, start, end + CORE_PAGE) || too_much(end - start, PROT_WRITE, MAP_PRIVATE))
		return false;
	*status = memory_want(waiter, false);
	if (*status)
		return false;
	if (space_add(space, &wanted))
		return true;
	*status = memory_wait(waiter);
	return false;
}

long core_brk(struct space *space, uint64_t end, struct waiter *waiter)
{
	uint64_t old_page = pages_of(space->heap_end) << PAGE_SHIFT, new_page;
	long status = lock_check(&space->busy, waiter);

	if (status)
		return status;
	if (end < space->heap_start || end > CORE_USER_END)
		return space_step(space, waiter, space->heap_end);
	new_page = pages_of(end) << PAGE_SHIFT;
	if (new_page < old_page) {
		if (waiter->progress[0] < new_page)
			waiter->progress[0] = new_page;
		status = space_clear(space, &waiter->progress[0], old_page, waiter);
		/* If memory runs out on the way, what has gone is gone: the rest stays, behind the end that was asked for. */
		if (!core_not_yet(status) && (!status || waiter->progress[0] > new_page))
			space->heap_end = end;
	} else if (heap_grow(space, old_page, new_page, waiter, &status)) {
		space->heap_end = end;
	}
	if (core_not_yet(status))
		return space_step(space, waiter, status);
	return space_step(space, waiter, space->heap_end);
}
