/*
 * Tests of pager_core.c: what others do between two slices of a sweep, and what they see of it.
 */
#ifndef PAGER_RULES_SWEEP_H
#define PAGER_RULES_SWEEP_H

#define PLACES 6
#define PLACE(i) (A + (uint64_t)(i) * 16 * PAGE)

/* The same pages of a file; the last place is the first to be visited. */
static void map_places(struct object *object, uint64_t pages, unsigned flags)
{
	for (unsigned i = 0; i < PLACES; i++)
		MUST(map_file(object, PLACE(i), pages * PAGE, RW, flags, 0) == (long)PLACE(i));
}

static void unmap_places(void)
{
	MUST(RUN(do_munmap(space, A, PLACES * 16 * PAGE, w)) == 0);
}

/* So many slices of a cut to one page. */
static void begin_cut(struct object *object, struct task *task, unsigned slices)
{
	core_slice_pages = 4;
	while (slices--)
		MUST(core_object_truncate(object, PAGE, &task->waiter) == CORE_AGAIN && object->shown);
}

static void end_cut(struct object *object, struct task *task)
{
	long status;

	while ((status = (task->woken = false, core_object_truncate(object, PAGE, &task->waiter))) == CORE_WAIT || status == CORE_AGAIN)
		while (status == CORE_WAIT && !task->woken)
			MUST(world_answer());
	MUST(status == 0 && !object->copies && !object->shown);
	disk_truncated(object->number, PAGE);
}

static void grow_again(struct object *object)
{
	unmap_places();
	MUST(truncate_file(object, 4 * PAGE) == 0);
}

static void shows_its_own(struct table *through, unsigned i)
{
	uint8_t *byte = reach(through, PLACE(i) + PAGE, ACCESS_READ);

	MUST(!byte || *byte == 50 + i);
}

/* Parent and child show the same copies. Whatever takes memory meanwhile, neither sees anything of it. */
static void others_take_memory(struct object *object, unsigned cancelled_after)
{
	struct table *its_table;
	struct space *child = new_space(&its_table);
	struct task task = { 0 };
	long status = CORE_AGAIN;
	unsigned slices = 0;

	map_places(object, 2, MAP_PRIVATE);
	for (unsigned i = 0; i < PLACES; i++)
		MUST(store(PLACE(i) + PAGE, 50 + i) == 0);
	MUST(RUN(core_space_fork(space, child, w)) == 0);
	for (unsigned i = 0; i < PLACES; i++)
		MUST(load_of(child, its_table, PLACE(i) + PAGE) == (int)(50 + i));
	MUST(map_memory(BUFFER, 64 * PAGE, RW, MAP_PRIVATE) == BUFFER);
	core_slice_pages = 4;
	for (; status == CORE_AGAIN && (!cancelled_after || slices < cancelled_after); slices++) {
		status = core_object_truncate(object, PAGE, &task.waiter);
		MUST(store(BUFFER + slices * PAGE, 99) == 0);
		check_table(table), check_table(its_table);
		for (unsigned i = 0; i < PLACES; i++)
			shows_its_own(table, i), shows_its_own(its_table, i);
	}
	if (cancelled_after)
		core_cancel(&task.waiter);
	for (; cancelled_after && world_answer(); slices++) {
		MUST(store(BUFFER + slices * PAGE, 99) == 0);
		check_table(table), check_table(its_table);
		for (unsigned i = 0; i < PLACES; i++)
			shows_its_own(table, i), shows_its_own(its_table, i);
	}
	MUST((cancelled_after || status == 0) && slices > PLACES && !object->copies && !object->shown);
	disk_truncated(1, PAGE);
	for (unsigned i = 0; i < PLACES; i++)
		MUST(load(PLACE(i) + PAGE) == -EIO && load_of(child, its_table, PLACE(i) + PAGE) == -EIO);
	end_space(child, its_table);
	grow_again(object);
}

static void cut_copies_wait_for_all_page_tables(void)
{
	struct object *object = open_file(1, make_file(0, 4 * PAGE));

	for (unsigned cancelled_after = 0; cancelled_after <= PLACES; cancelled_after++)
		others_take_memory(object, cancelled_after);
}

/* The child has nodes of its own before the sweep gets there. */
static void a_cut_reaches_a_new_child(void)
{
	struct object *object = open_file(1, make_file(0, 4 * PAGE));

	for (unsigned slices = 1; slices < PLACES; slices++) {
		struct table *its_table;
		struct space *child = new_space(&its_table);
		struct task task = { 0 };

		map_places(object, 3, MAP_PRIVATE);
		for (unsigned i = 0; i < PLACES; i++)
			MUST(store(PLACE(i), 40) == 0 && store(PLACE(i) + 2 * PAGE, 41) == 0);
		begin_cut(object, &task, slices);
		MUST(RUN(core_space_fork(space, child, w)) == 0);
		for (unsigned i = 0; i < PLACES; i++)
			MUST(store_of(child, its_table, PLACE(i), 42) == 0);
		end_cut(object, &task);
		for (unsigned i = 0; i < PLACES; i++) {
			MUST(load_of(child, its_table, PLACE(i) + 2 * PAGE) == -EIO && load_of(child, its_table, PLACE(i)) == 42);
			MUST(load(PLACE(i) + 2 * PAGE) == -EIO && load(PLACE(i)) == 40);
		}
		end_space(child, its_table);
		grow_again(object);
	}
}

/* Each place is two VMAs, the lower one newer and so visited first, that want to be one when the sweep stands between them. */
static void a_cut_reaches_what_would_be_joined(void)
{
	struct object *object = open_file(1, make_file(0, 4 * PAGE));

	for (unsigned slices = 1; slices < 2 * PLACES; slices++) {
		struct task task = { 0 };

		for (unsigned i = 0; i < PLACES; i++) {
			MUST(map_file(object, PLACE(i) + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, 2 * PAGE) > 0);
			MUST(map_file(object, PLACE(i) + PAGE, PAGE, RW, MAP_PRIVATE, PAGE) > 0);
			MUST(store(PLACE(i) + PAGE, 41) == 0 && store(PLACE(i) + 2 * PAGE, 42) == 0);
		}
		begin_cut(object, &task, slices);
		for (unsigned i = 0; i < PLACES; i++)
			MUST(RUN(core_mprotect(space, PLACE(i) + 2 * PAGE, PAGE, RW, w)) == 0);
		end_cut(object, &task);
		for (unsigned i = 0; i < PLACES; i++)
			MUST(load(PLACE(i) + PAGE) == -EIO && load(PLACE(i) + 2 * PAGE) == -EIO);
		grow_again(object);
	}
}

static struct object *shared_memory(unsigned index, uint64_t pages)
{
	disk[index] = (struct disk_file){ .number = OBJECT_IN_MEMORY + index + 1, .length = pages * PAGE, .linked = true };
	MUST(core_open(index + 1, disk[index].number, pages * PAGE, false) == 0);
	disk[index].announced++;
	return core_object_find(disk[index].number);
}

/* A page of zeros is not mapped again where the sweep has been, neither for who asks for it nor as a neighbour. */
static void no_zeros_behind_a_first_store(void)
{
	for (unsigned neighbour = 0; neighbour < 2; neighbour++) {
		struct object *object = shared_memory(neighbour, 2);
		struct task writer = { 0 }, reader[PLACES] = { 0 };
		struct map_item item;
		unsigned slices = 0;

		map_places(object, 2, MAP_SHARED);
		for (unsigned i = 0; i < PLACES; i++)
			MUST(load(PLACE(i)) == 0);
		core_slice_pages = 4;
		while (core_fault(space, PLACE(0), ACCESS_WRITE, &writer.waiter, &item) == CORE_WAIT) {
			MUST(writer.woken && ++slices < 100);
			for (unsigned i = 0; i < PLACES; i++)
				if (!reach(table, PLACE(i), ACCESS_READ) && !do_fault(space, PLACE(i) + neighbour * PAGE, ACCESS_READ, &reader[i].waiter, &item))
					map(table, &item, PLACE(i) + neighbour * PAGE, ACCESS_READ);
		}
		MUST(slices && store(PLACE(0), 77) == 0);
		for (unsigned i = 0; i < PLACES; i++) {
			core_cancel(&reader[i].waiter);
			MUST(load(PLACE(i)) == 77);
		}
		unmap_places();
	}
}

/* Nobody comes for the page any more: it is no reason to keep the file. */
static void a_first_store_broken_off(void)
{
	struct object *object = shared_memory(0, 2);
	struct task writer = { 0 };
	struct map_item item;
	uint64_t objects = core_counters.objects;

	map_places(object, 2, MAP_SHARED);
	for (unsigned i = 0; i < PLACES; i++)
		MUST(load(PLACE(i)) == 0);
	core_slice_pages = 4;
	MUST(core_fault(space, PLACE(0), ACCESS_WRITE, &writer.waiter, &item) == CORE_WAIT);
	core_cancel(&writer.waiter);
	unmap_places();
	core_object_unlinked(object);
	disk[0].linked = false;
	core_close(1);
	drain();
	MUST(core_counters.objects == objects - 1 && !core_counters.memory_pages);
}

/* The next one in the queue has its turn. */
static void a_sweep_broken_off_lets_the_next_one_in(void)
{
	struct object *object = open_file(1, make_file(0, 4 * PAGE)), *other = open_file(2, make_file(1, 4 * PAGE));

	for (unsigned queued_up = 0; queued_up < 2; queued_up++) {
		struct task first = { 0 }, second = { 0 };

		map_places(object, 4, MAP_SHARED);
		for (unsigned i = 0; i < PLACES; i++) {
			MUST(map_file(other, PLACE(i) + 8 * PAGE, 4 * PAGE, RW, MAP_SHARED, 0) > 0);
			MUST(store(PLACE(i) + PAGE, 1) == 0 && store(PLACE(i) + 9 * PAGE, 2) == 0);
		}
		begin_cut(object, &first, 2);
		if (queued_up)
			MUST(core_object_sync(other, &second.waiter) == CORE_WAIT && !queued && !second.woken);
		core_cancel(&first.waiter);
		MUST(second.woken == (queued_up == 1));
		if (queued_up)
			core_cancel(&second.waiter);
		MUST(RUN(core_object_sync(other, w)) == 0 && on_disk(2, PAGE) == 2);
		drain();
		for (unsigned i = 0; i < PLACES; i++)
			MUST(load(PLACE(i) + PAGE) == -EIO);
		disk_truncated(1, PAGE);
		grow_again(object);
	}
}

#endif
