/*
 * Give and take: who pays for page tables. The kernel itself has no page to spend.
 */
#include "mapping.h"
#include "riscv/hardware.h"
#include "thread.h"

/* The root has come or gone; it may be the one in use. */
static void set_root(struct space *space, uint64_t *root)
{
	space_unload(space);
	space->root = root;
	if (this_hart->space == space)
		space_load(space);
}

void table_give(struct space *space, uint64_t index)
{
	uint64_t *table = object_create(index, KIND_TABLE, PAGE_BYTES);

	if (space->root) {
		reserve_push(space, table);
		return;
	}
	root_init(table);
	set_root(space, table);
}

long sys_give(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	uint64_t physical = argument[2], index;
	const struct capability *extent;
	struct space *space = capability_page(target);
	long error = capability_check(caller->space, argument[1], KIND_OBJECT_MEMORY, 0, &extent);

	if (error || space->dying)
		return error ? error : ERR_BAD_SLOT;
	error = object_can_create(extent, physical, &index);
	if (error)
		return error;
	/* Nothing below may fail. */
	table_give(space, index);
	return OK;
}

long sys_take(struct thread *caller unused, const struct capability *target, const uint64_t *argument unused)
{
	struct space *space = capability_page(target);
	uint64_t *table = space->root;

	table_tidy(space);
	if (!space->reserve_pages && (!table || table_entries(table)))
		return ERR_EMPTY;
	/* Nothing below may fail. */
	if (space->reserve_pages)
		table = reserve_pop(space);
	else
		set_root(space, NULL);
	object_destroy(object_index(table));
	return (long)physical_of(table);
}
