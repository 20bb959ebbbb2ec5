/*
 * give and take: who pays for page tables. The kernel itself has no page to spend.
 */
#include "table.h"
#include "capability.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"
#include "thread.h"

uint64_t *reserve_pop(struct space *space)
{
	uint64_t *table = object_page(space->reserve_first);

	assert(space->reserve_pages);
	space->reserve_first = table[0];
	space->reserve_pages--;
	return table;
}

void reserve_push(struct space *space, uint64_t *table)
{
	table[0] = space->reserve_first;
	space->reserve_first = object_index(table);
	space->reserve_pages++;
}

/* The root has come or gone; it may be the one in use. */
static void set_root(struct space *space, uint64_t *root)
{
	space->root = root;
	if (this_hart->space == space)
		space_load(space);
}

void table_give(struct space *space, uint64_t index)
{
	uint64_t *table = object_create(index, KIND_TABLE);

	if (space->root) {
		reserve_push(space, table);
		return;
	}
	root_init(table);
	set_root(space, table);
}

long sys_give(struct thread *caller, const uint64_t *argument)
{
	uint64_t physical = argument[2], index;
	const struct capability *target, *extent;
	struct space *space;
	long error = capability_check(caller->space, argument[0], KIND_SPACE, RIGHT_CONTROL, &target);

	if (error || (error = capability_check(caller->space, argument[1], KIND_OBJECT_MEMORY, 0, &extent)))
		return error;
	space = object_page(target->index);
	if (!extent_covers(extent, physical, 1))
		return ERR_INVALID;
	index = (physical - memory.object_base) >> PAGE_SHIFT;
	if (space->dying || (error = object_can_create(index)))
		return space->dying ? ERR_BAD_SLOT : error;
	/* Nothing below may fail. */
	table_give(space, index);
	return OK;
}

long sys_take(struct thread *caller, const uint64_t *argument)
{
	const struct capability *target;
	struct space *space;
	uint64_t *table;
	long error = capability_check(caller->space, argument[0], KIND_SPACE, RIGHT_CONTROL, &target);

	if (error)
		return error;
	space = object_page(target->index);
	if (!space->reserve_pages && (!space->root || table_entries(space->root)))
		return ERR_EMPTY;
	/* Nothing below may fail. */
	if (space->reserve_pages) {
		table = reserve_pop(space);
	} else {
		table = space->root;
		set_root(space, NULL);
		tlb_flush_space(space);
	}
	object_destroy(object_index(table));
	return (long)physical_of(table);
}
