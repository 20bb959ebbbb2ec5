/*
 * Cases of pager_steps.c: memory is short, much is dirty, and the caches are dropped.
 */
#ifndef PAGER_CASES_MEMORY_H
#define PAGER_CASES_MEMORY_H

/* A page that is not there is read, and a file is opened. */
static void needs_memory(long result)
{
	struct object *other = core_object_find(FILES);

	squeeze_to(WANT_STEP - 1);
	longest = 0;
	MUST(RUN(core_mmap(space, A / 2, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, other, 0, 7, w)) == result || result == -ENOMEM);
	MUST(result || touch(A / 2, ACCESS_READ) == 0);
	squeeze_to(WANT_STEP - 1);
	STEP(core_open(1 + FILES % PAGER_OPENS, FILES, PAGE, false));
	disk[FILES - 1].announced++;
	counted_answers();
}

static void map_all(struct object *object, uint64_t pages, unsigned access)
{
	MUST(RUN(core_mmap(space, A, pages * PAGE, RW, MAP_SHARED | MAP_FIXED, object, 0, 7, w)) == (long)A);
	for (uint64_t i = 0; i < pages; i++)
		MUST(touch(A + i * PAGE, access) == 0);
}

static void memory_from_many_mapped_pages(uint64_t size)
{
	struct object *object = open_file(1, size, false);

	open_file(FILES, 1, true);
	map_all(object, size, ACCESS_READ);
	needs_memory(A / 2);
	MUST(core_counters.reclaimed);
}

static void memory_from_pages_in_many_places(uint64_t size)
{
	struct object *object = open_file(1, 4, true);

	open_file(FILES, 1, true);
	map_in_many_places(object, size, MAP_SHARED, ACCESS_READ, 1, 2);
	needs_memory(A / 2);
	MUST(core_counters.reclaimed);
}

/* Whoever is woken takes memory or waits again, in the order in which they came, and is not woken again for the same news. Returns how many are done now. */
static uint64_t let_run(struct task *tasks, uint64_t size, uint64_t done)
{
	struct map_item item;
	uint64_t runs = 0;
	bool any = true;

	while (any || later) {
		later = later && STEP(core_deferred_step());
		any = false;
		for (uint64_t i = done; i < size; i++) {
			if (!tasks[i].woken)
				continue;
			any = true;
			tasks[i].woken = false;
			MUST(++runs <= size);
			if (STEP(core_fault(space, A + i * PAGE, ACCESS_WRITE, &tasks[i].waiter, &item)) == 0)
				MUST(i == done++);
			later = later && STEP(core_deferred_step());
		}
	}
	return done;
}

/* The first answer brings too little: they all wait again. Then there is enough. */
static void many_who_wait_for_memory(uint64_t size)
{
	struct object *object = open_file(1, 40, true);
	struct task *tasks = calloc(size + 2, sizeof *tasks);
	struct map_item item;
	uint64_t times = core_counters.reclaimed;

	MUST(RUN(do_mmap(space, A, size * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, 7, w)) == (long)A);
	MUST(RUN(core_mmap(space, A / 2, 40 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0, 7, w)) == (long)A / 2);
	for (uint64_t i = 0; i < 2; i++)
		MUST(core_fault(space, A / 2 + 30 * i * PAGE, ACCESS_READ, &tasks[size + i].waiter, &item) == CORE_WAIT && queued == i + 1);
	squeeze_to(WANT_STEP / 2 - 1);
	longest = 0;
	for (uint64_t i = 0; i < size; i++)
		MUST(STEP(core_fault(space, A + i * PAGE, ACCESS_WRITE, &tasks[i].waiter, &item)) == CORE_WAIT && !tasks[i].woken);
	STEP(world_answer());
	MUST(queued == 1 && let_run(tasks, size, 0) == 0 && core_counters.reclaimed == times + 1);
	squeeze_end();
	MUST(queued == 1 && let_run(tasks, size, 0) == size);
	counted_answers();
	free(tasks);
}

/* One page of each of so many files; fails: no write of them has ever succeeded. */
static void dirty_files(uint64_t files, bool fails)
{
	MUST(RUN(core_mmap(space, A, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, 7, w)) == (long)A && touch(A, ACCESS_WRITE) == 0);
	for (uint64_t i = 1; i <= files; i++) {
		open_file(i, 1, true);
		MUST(RUN(core_write(space, i % PAGER_OPENS, A, 10, 0, TRANSFER_AT, w)) == 10);
	}
	error_rate = fails;
	if (fails)
		MUST(RUN(core_object_sync(NULL, w)) == -EIO && core_counters.cache_dirty_pages == files);
}

static void memory_from_many_dirty_pages(uint64_t size)
{
	open_file(FILES, 1, true);
	dirty_files(size, false);
	needs_memory(A / 2);
	MUST(writes);
}

static void no_memory_from_pages_that_cannot_be_written(uint64_t size)
{
	open_file(FILES, 1, true);
	dirty_files(size, true);
	needs_memory(-ENOMEM);
}

static void write_back_of_many_files(uint64_t size)
{
	dirty_files(size, false);
	longest = 0;
	for (unsigned round = 0; round < 4; round++) {
		while (STEP(core_write_back_step()))
			counted_answers();
		counted_answers();
	}
	MUST(writes == size && !core_counters.cache_dirty_pages);
}

static void write_back_that_fails(uint64_t size)
{
	dirty_files(size, true);
	longest = 0;
	for (unsigned round = 0; round < 4; round++)
		while (STEP(core_write_back_step()))
			counted_answers();
	core_counters.total_pages /= 20;	/* much is dirty: who writes starts writing back */
	for (unsigned i = 1; i < 20; i++)
		MUST(RUN(core_write(space, i, A, 10, 0, TRANSFER_AT, w)) == 10);
	core_counters.total_pages *= 20;
	error_rate = 0;
	MUST(RUN(core_object_sync(NULL, w)) <= 0 && RUN(core_object_sync(NULL, w)) == 0 && !core_counters.cache_dirty_pages);
}

static void dropping_many_pages(uint64_t size)
{
	struct object *object = open_file(1, size, false);

	map_all(object, size, ACCESS_READ);
	MUST(RUN(core_munmap(space, A, size * PAGE, w)) == 0 && core_counters.cache_pages == size);
	longest = 0;
	MUST(RUN(core_drop_caches(w)) == 0);
	MUST(!core_counters.cache_pages);
}

static void dropping_many_files(uint64_t size)
{
	dirty_files(size, false);
	MUST(RUN(core_object_sync(NULL, w)) == 0);
	for (uint64_t i = 1; i <= size; i++)
		MUST(core_close(i % PAGER_OPENS) == 0);
	longest = 0;
	MUST(RUN(core_drop_caches(w)) == 0);
	counted_answers();
	MUST(!core_counters.cache_pages && !core_counters.objects);
}

#endif
