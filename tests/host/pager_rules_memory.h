/*
 * Tests of pager_core.c: mappings, fork, memory, and callers that lie.
 */
#ifndef PAGER_RULES_MEMORY_H
#define PAGER_RULES_MEMORY_H

/* ---- mappings */

static void mmap_is_lazy(void)
{
	struct object *object = open_file(1, make_file(0, 10 * PAGE));

	MUST(map_file(object, A, 10 * PAGE, PROT_READ, MAP_PRIVATE, 0) == A);
	MUST(core_counters.page_ins == 0 && requests_seen == 0);
	MUST(load(A + 7 * PAGE + 5) == 8 && core_counters.page_ins == 1);
	MUST(load(A + 2 * PAGE) == 3 && load(A + 9 * PAGE + PAGE - 1) == 10);
	MUST(core_counters.page_ins == 3 && core_counters.faults_major == 3);
	MUST(load(A + 7 * PAGE) == 8 && core_counters.faults_read == 3);
}

static void tail_of_last_page_is_zero(void)
{
	struct object *object = open_file(1, make_file(0, 6144));

	MUST(map_file(object, A, 6144, PROT_READ, MAP_PRIVATE, 0) == A);
	MUST(load(A) == 1 && load(A + 4095) == 1 && load(A + 6143) == 2 && load(A + 6144) == 0 && load(A + 8191) == 0);
	MUST(load(A + 8192) == -EFAULT);
}

static void offsets_are_honoured(void)
{
	struct object *object = open_file(1, make_file(0, 20 * PAGE));

	MUST(map_file(object, A, 3 * PAGE, PROT_READ, MAP_SHARED, 5 * PAGE) == A && load(A) == 6 && load(A + 2 * PAGE) == 8);
	MUST(map_file(object, A + 3 * PAGE, 2 * PAGE, PROT_READ, MAP_SHARED, PAGE) == A + 3 * PAGE);
	MUST(load(A + 3 * PAGE) == 2 && load(A + 4 * PAGE) == 3 && load(A + 5 * PAGE) == -EFAULT && load(A - 1) == -EFAULT);
}

static void past_the_end_is_sigbus(void)
{
	struct object *object = open_file(1, make_file(0, PAGE + 1));

	MUST(map_file(object, A, 4 * PAGE, RW, MAP_SHARED, 0) == A);
	MUST(load(A + PAGE) == 2 && load(A + 2 * PAGE) == -EIO && store(A + 3 * PAGE, 1) == -EIO);
}

static void private_writes_stay_private(void)
{
	struct object *object = open_file(1, make_file(0, 2 * PAGE));

	make_buffer(4);
	MUST(map_file(object, A, 2 * PAGE, RW, MAP_PRIVATE, 0) == A && map_file(object, A + 4 * PAGE, 2 * PAGE, RW, MAP_SHARED, 0) > 0);
	MUST(store(A, 99) == 0 && load(A) == 99 && load(A + 1) == 1 && load(A + 4 * PAGE) == 1);
	MUST(store(A + 4 * PAGE + 2, 77) == 0 && load(A + 2) == 1);		/* copied already */
	MUST(store(A + 5 * PAGE, 55) == 0 && load(A + PAGE) == 55);		/* not yet copied */
	MUST(pread_byte(1, 0) == 1 && pread_byte(1, 2) == 77 && RUN(core_object_sync(object, w)) == 0);
	MUST(on_disk(1, 0) == 1 && on_disk(1, 2) == 77);
}

static void mapping_outlives_close(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));

	MUST(map_file(object, A, PAGE, RW, MAP_SHARED, 0) == A && core_close(1) == 0);
	drop_caches();
	MUST(load(A) == 1 && store(A, 5) == 0 && RUN(do_munmap(space, A, PAGE, w)) == 0);
	MUST(RUN(core_object_sync(NULL, w)) == 0 && on_disk(1, 0) == 5);
	drop_caches();
	drain();
	MUST(releases == 1 && disk[0].announced == 0 && core_counters.objects == 0);
}

static void munmap_front_back_middle(void)
{
	struct object *object = open_file(1, make_file(0, 9 * PAGE));

	MUST(map_file(object, A, 9 * PAGE, RW, MAP_SHARED, 0) == A && vma_count() == 1);
	MUST(RUN(do_munmap(space, A, PAGE, w)) == 0 && vma_count() == 1 && load(A) == -EFAULT && load(A + PAGE) == 2);
	MUST(RUN(do_munmap(space, A + 8 * PAGE, 1, w)) == 0 && vma_count() == 1 && load(A + 8 * PAGE) == -EFAULT);
	MUST(store(A + 4 * PAGE, 200) == 0 && RUN(do_munmap(space, A + 4 * PAGE, PAGE, w)) == 0 && vma_count() == 2);
	MUST(load(A + 4 * PAGE) == -EFAULT && load(A + 3 * PAGE) == 4 && load(A + 5 * PAGE) == 6);
	MUST(map_file(object, A + 4 * PAGE, PAGE, RW, MAP_SHARED, 4 * PAGE) > 0 && vma_count() == 1 && load(A + 4 * PAGE) == 200);
	MUST(RUN(do_munmap(space, 0, CORE_USER_END, w)) == 0 && vma_count() == 0);
}

static void mprotect_splits_and_merges(void)
{
	MUST(map_memory(A, 10 * PAGE, RW, MAP_PRIVATE) == A && store(A + 4 * PAGE, 9) == 0);
	MUST(RUN(core_mprotect(space, A + 3 * PAGE, 3 * PAGE, PROT_READ, w)) == 0 && vma_count() == 3);
	MUST(store(A + 4 * PAGE, 1) == -EFAULT && load(A + 4 * PAGE) == 9 && store(A + 6 * PAGE, 1) == 0);
	MUST(RUN(core_mprotect(space, A + 4 * PAGE, PAGE, PROT_NONE, w)) == 0 && load(A + 4 * PAGE) == -EFAULT && vma_count() == 5);
	MUST(RUN(core_mprotect(space, A, 10 * PAGE, RW, w)) == 0 && vma_count() == 1 && load(A + 4 * PAGE) == 9);
	MUST(RUN(core_mprotect(space, A + 9 * PAGE, 2 * PAGE, PROT_READ, w)) == -ENOMEM && store(A + 9 * PAGE, 1) == -EFAULT);
}

static void mprotect_obeys_the_open_mode(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));

	MUST(RUN(do_mmap(space, A, PAGE, RW, MAP_SHARED | MAP_FIXED, object, 0, PROT_READ, w)) == -EACCES);
	MUST(RUN(do_mmap(space, A, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0, PROT_READ | PROT_EXEC, w)) == A);
	MUST(RUN(core_mprotect(space, A, PAGE, RW, w)) == -EACCES && RUN(core_mprotect(space, A, PAGE, PROT_READ | PROT_EXEC, w)) == 0);
}

static void addresses_are_chosen_as_on_linux(void)
{
	long first = RUN(do_mmap(space, 0, 3 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 7, w)), second;

	MUST(first == (long)(CORE_USER_END - 3 * PAGE));
	second = RUN(do_mmap(space, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 7, w));
	MUST(second == first - (long)PAGE && RUN(do_munmap(space, first, 2 * PAGE, w)) == 0);
	MUST(RUN(do_mmap(space, 0, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 7, w)) == first);
	MUST(RUN(do_mmap(space, A + 7, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 7, w)) == A);		/* a hint */
	MUST(RUN(do_mmap(space, A, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 7, w)) == second - (long)PAGE);
	MUST(RUN(do_mmap(space, A, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0, 7, w)) == -EEXIST);
	MUST(RUN(do_mmap(space, A + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0, 7, w)) == A + PAGE);
}

static void huge_mappings_are_instant(void)
{
	struct object *object = open_file(1, make_hole_file(0, 1UL << 40));
	long place = RUN(do_mmap(space, 0, 128UL << 30, PROT_READ, MAP_SHARED, object, 0, 7, w));

	MUST(place > 0 && load(place + (100UL << 30)) == 0 && core_counters.page_ins == 0);
	MUST(RUN(do_mmap(space, 0, 1UL << 40, PROT_READ, MAP_SHARED, object, 0, 7, w)) == -ENOMEM);
	MUST(RUN(do_mmap(space, 0, 1UL << 36, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 7, w)) == -ENOMEM);	/* more than there is */
	MUST(RUN(do_mmap(space, 0, 1UL << 36, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0, 7, w)) > 0);
	MUST(RUN(do_munmap(space, place, 128UL << 30, w)) == 0);
}

static void a_hundred_thousand_vmas(void)
{
	uint64_t pages = 200000;

	MUST(RUN(do_mmap(space, A, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, NULL, 0, 7, w)) == A);
	for (uint64_t i = 0; i < pages; i += 2)
		MUST(RUN(core_mprotect(space, A + i * PAGE, PAGE, PROT_READ, w)) == 0);
	MUST(core_counters.vmas == pages && space->root->height <= 25);
	MUST(store(A + 77777 * PAGE, 3) == 0 && store(A + 77778 * PAGE, 3) == -EFAULT);
	MUST(RUN(do_munmap(space, A + 1000 * PAGE, PAGE, w)) == 0);
	MUST(RUN(do_mmap(space, 0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 7, w)) == (long)(CORE_USER_END - PAGE));
	core_check();
	MUST(map_memory(A + 1000 * PAGE, PAGE, PROT_READ, MAP_PRIVATE) > 0);
	MUST(RUN(core_mprotect(space, A, pages * PAGE, RW, w)) == 0 && core_counters.vmas == 2 && load(A + 77777 * PAGE) == 3);
}

static void stack_grows_to_its_guard(void)
{
	uint64_t top = CORE_USER_END - PAGE;

	MUST(core_map_stack(space, top, 2 * PAGE, 64 * PAGE) == 0);
	MUST(store(top - 1, 1) == 0 && store(top - 10 * PAGE, 2) == 0 && load(top - 64 * PAGE) == 0);
	MUST(load(top - 64 * PAGE - 1) == -EFAULT && load(top) == -EFAULT);
	MUST(RUN(do_mmap(space, 0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 7, w)) == (long)(top - 66 * PAGE));
	end_space(space, table);
	space = new_space(&table);
	MUST(core_map_stack(space, top, PAGE, 64 * PAGE) == 0 && map_memory(top - 10 * PAGE, PAGE, RW, MAP_PRIVATE) > 0);
	MUST(store(top - 9 * PAGE, 1) == -EFAULT && store(top - 8 * PAGE, 1) == 0);	/* a page stays free between them */
	MUST(core_map_stack(space, top, PAGE, 64 * PAGE) == -EEXIST && core_map_stack(space, top + 1, PAGE, PAGE) == -EINVAL);
}

static void the_heap(void)
{
	MUST(map_memory(A, PAGE, RW, MAP_PRIVATE) > 0);	/* the image ends in the heap's first page */
	core_space_set_heap(space, A + 100);
	MUST(RUN(core_brk(space, 0, w)) == A + 100 && RUN(core_brk(space, A + 200, w)) == A + 200 && store(A + 150, 1) == 0);
	MUST(RUN(core_brk(space, A + 5 * PAGE, w)) == A + 5 * PAGE && store(A + 4 * PAGE, 4) == 0 && store(A + 5 * PAGE, 4) == -EFAULT);
	MUST(RUN(core_brk(space, A + PAGE, w)) == A + PAGE && load(A + 4 * PAGE) == -EFAULT && load(A + 150) == 1);
	MUST(RUN(core_brk(space, A + 5 * PAGE, w)) == A + 5 * PAGE && load(A + 4 * PAGE) == 0);
	MUST(map_memory(A + 8 * PAGE, PAGE, RW, MAP_PRIVATE) > 0);
	MUST(RUN(core_brk(space, A + 8 * PAGE, w)) == A + 5 * PAGE && RUN(core_brk(space, A + 7 * PAGE, w)) == A + 7 * PAGE);
	MUST(RUN(core_brk(space, 1UL << 40, w)) == A + 7 * PAGE);
}

/* A heap that was given back in part does not end where it ended before. */
static void the_heap_shrinks_as_far_as_memory_lets_it(void)
{
	struct task shrink = { 0 };

	core_space_set_heap(space, A);
	MUST(RUN(core_brk(space, A + 20 * PAGE, w)) == A + 20 * PAGE);
	for (unsigned i = 0; i < 20; i++)
		MUST(store(A + i * PAGE, 1) == 0);
	core_slice_pages = 4;
	MUST(core_brk(space, A + PAGE, &shrink.waiter) == CORE_AGAIN && load(A) == 1);
	squeeze_to(0);
	MUST(TRY(core_brk(space, A + PAGE, &shrink.waiter)) == A + PAGE && TRY(core_brk(space, 0, &shrink.waiter)) == A + PAGE);
	squeeze_end();
	MUST(load(A + PAGE) == -EFAULT && load(A + 19 * PAGE) == 1 && RUN(core_brk(space, A + 20 * PAGE, w)) == A + PAGE);
}

static void dontneed_forgets(void)
{
	struct object *object = open_file(1, make_file(0, 2 * PAGE));

	MUST(map_memory(A, 4 * PAGE, RW, MAP_PRIVATE) > 0 && store(A + PAGE, 1) == 0 && store(A + 2 * PAGE, 2) == 0);
	MUST(RUN(core_madvise(space, A + PAGE, PAGE, MADV_DONTNEED, w)) == 0 && load(A + PAGE) == 0 && load(A + 2 * PAGE) == 2);
	MUST(map_file(object, A, PAGE, RW, MAP_PRIVATE, 0) > 0 && store(A, 9) == 0);
	MUST(RUN(core_madvise(space, A, PAGE, MADV_DONTNEED, w)) == 0 && load(A) == 1);
	MUST(RUN(core_madvise(space, A, 10 * PAGE, MADV_DONTNEED, w)) == -ENOMEM && load(A + 2 * PAGE) == 0);
	MUST(RUN(core_madvise(space, A, PAGE, 77, w)) == -EINVAL && RUN(core_madvise(space, A, PAGE, MADV_FREE, w)) == -EINVAL);
}

/* ---- fork */

static void fork_copies_on_write_both_ways(void)
{
	struct table *its_table;
	struct space *child;

	MUST(map_memory(A, 3 * PAGE, RW, MAP_PRIVATE) > 0 && map_memory(A + 8 * PAGE, PAGE, RW, MAP_SHARED) > 0);
	MUST(store(A, 1) == 0 && store(A + PAGE, 2) == 0 && store(A + 8 * PAGE, 3) == 0);
	child = new_space(&its_table);
	MUST(RUN(core_space_fork(space, child, w)) == 0);
	MUST(store(A, 10) == 0 && load_of(child, its_table, A) == 1 && core_counters.faults_cow == 1);
	MUST(store_of(child, its_table, A + PAGE, 20) == 0 && load(A + PAGE) == 2 && core_counters.faults_cow == 2);
	MUST(store_of(child, its_table, A, 11) == 0 && core_counters.faults_cow == 2 && load(A) == 10);	/* the last owner keeps the page */
	MUST(store(A + PAGE, 21) == 0 && core_counters.faults_cow == 2 && load_of(child, its_table, A + PAGE) == 20);
	MUST(store_of(child, its_table, A + 8 * PAGE, 30) == 0 && load(A + 8 * PAGE) == 30);
	MUST(load_of(child, its_table, A + 2 * PAGE) == 0 && store(A + 2 * PAGE, 5) == 0 && load_of(child, its_table, A + 2 * PAGE) == 0);
	core_check();
	end_space(child, its_table);
	MUST(load(A) == 10 && load(A + 8 * PAGE) == 30);
}

static void fork_is_cheap_and_exact(void)
{
	struct table *tables[20];
	struct space *children[20];
	uint64_t free_pages;

	MUST(map_memory(A, 1000 * PAGE, RW, MAP_PRIVATE) > 0);
	for (uint64_t i = 0; i < 1000; i++)
		MUST(store(A + i * PAGE, i) == 0);
	free_pages = core_counters.free_pages;
	for (unsigned i = 0; i < 20; i++) {
		children[i] = new_space(&tables[i]);
		MUST(RUN(core_space_fork(i ? children[i - 1] : space, children[i], w)) == 0);
	}
	MUST(core_counters.free_pages + 10 > free_pages && core_counters.anons == 1000);
	for (unsigned i = 0; i < 20; i++)
		MUST(store_of(children[i], tables[i], A + i * PAGE, 100) == 0);
	core_check();
	MUST(core_counters.anons == 1020 && load(A + 5 * PAGE) == 5 && load_of(children[7], tables[7], A + 6 * PAGE) == 6);
	for (unsigned i = 0; i < 20; i++)
		end_space(children[i], tables[i]);
	MUST(core_counters.anons == 1000 && store(A, 1) == 0 && core_counters.faults_cow == 20);
}

static void count_mapping(struct vma *vma, uint64_t address, void *context)
{
	MUST(address >= vma->start && address < vma->end);
	++*(unsigned *)context;
}

static unsigned mappings_of(struct frame *frame)
{
	unsigned count = 0;

	frame_each_mapping(frame, count_mapping, &count);
	return count;
}

static void a_frame_knows_its_mappings(void)
{
	struct object *object = open_file(1, make_file(0, 2 * PAGE));
	struct table *tables[3];
	struct space *children[3];
	struct frame *frame;

	MUST(map_memory(A, 2 * PAGE, RW, MAP_PRIVATE) > 0 && store(A, 1) == 0 && store(A + PAGE, 2) == 0);
	MUST(map_file(object, A + 4 * PAGE, 2 * PAGE, RW, MAP_SHARED, 0) > 0 && load(A + 4 * PAGE) == 1);
	frame = anon_find(space, A / PAGE);
	for (unsigned i = 0; i < 3; i++) {
		children[i] = new_space(&tables[i]);
		MUST(RUN(core_space_fork(i ? children[i - 1] : space, children[i], w)) == 0);
	}
	MUST(mappings_of(frame) == 4 && mappings_of(pages_find(object, 0)) == 4);
	MUST(store_of(children[1], tables[1], A, 3) == 0 && mappings_of(frame) == 3 && mappings_of(anon_find(children[1], A / PAGE)) == 1);
	MUST(RUN(do_munmap(children[2], A, 5 * PAGE, w)) == 0 && mappings_of(frame) == 2 && mappings_of(pages_find(object, 0)) == 3);
	MUST(mappings_of(anon_find(space, A / PAGE + 1)) == 3);
	end_space(space, table);
	MUST(mappings_of(frame) == 1 && mappings_of(pages_find(object, 0)) == 2);
	space = new_space(&table);
	for (unsigned i = 0; i < 3; i++)
		end_space(children[i], tables[i]);
}

/* One slice of fork or mprotect: its space's faults wait, others' do not; broken off, it has changed nothing that a program can see. */
static void a_slice_locks_its_space_alone(void)
{
	struct task fork = { 0 }, protect = { 0 }, fault = { 0 };
	struct table *its_table;
	struct space *child = new_space(&its_table);
	struct map_item item;

	core_slice_pages = 4;
	MUST(map_memory(A, 20 * PAGE, RW, MAP_PRIVATE) > 0);
	for (unsigned i = 0; i < 20; i++)
		MUST(store(A + i * PAGE, i) == 0);
	MUST(core_space_fork(space, child, &fork.waiter) == CORE_AGAIN && do_fault(space, A, ACCESS_WRITE, &fault.waiter, &item) == CORE_WAIT);
	MUST(core_map_stack(child, A, PAGE, PAGE) == 0 && store_of(child, its_table, A - 1, 1) == 0);
	core_cancel(&fork.waiter);
	MUST(fault.woken && store(A, 30) == 0);
	end_space(child, its_table);
	MUST(core_mprotect(space, A, 20 * PAGE, PROT_READ, &protect.waiter) == CORE_AGAIN);
	MUST(do_fault(space, A, ACCESS_WRITE, &fault.waiter, &item) == CORE_WAIT);
	core_cancel(&protect.waiter);
	for (unsigned i = 0; i < 20; i++)
		MUST(load(A + i * PAGE) == (i ? (int)i : 30) && store(A + i * PAGE, 40 + i) == 0);
	MUST(RUN(core_mprotect(space, A, 20 * PAGE, PROT_READ, w)) == 0 && store(A + 19 * PAGE, 1) == -EFAULT && load(A + 19 * PAGE) == 59);
}

static void fork_keeps_file_mappings(void)
{
	struct object *object = open_file(1, make_file(0, 2 * PAGE));
	struct table *its_table;
	struct space *child = new_space(&its_table);

	MUST(map_file(object, A, PAGE, RW, MAP_SHARED, 0) > 0 && map_file(object, A + PAGE, PAGE, RW, MAP_PRIVATE, PAGE) > 0);
	MUST(store(A, 7) == 0 && store(A + PAGE, 8) == 0 && RUN(core_space_fork(space, child, w)) == 0);
	MUST(store_of(child, its_table, A, 70) == 0 && load(A) == 70 && store_of(child, its_table, A + PAGE, 80) == 0 && load(A + PAGE) == 8);
	end_space(child, its_table);
	MUST(RUN(core_object_sync(object, w)) == 0 && on_disk(1, 0) == 70 && on_disk(1, PAGE) == 2);	/* exit kept the child's stores */
}

/* ---- memory */

static void a_file_larger_than_memory(void)
{
	struct object *object = open_file(1, make_file(0, 90 * PAGE));

	make_buffer(1);
	MUST(map_file(object, A, 90 * PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 90; i++)
			MUST(load(A + i * PAGE) == (int)i + 1 && pread_byte(1, i * PAGE) == (int)i + 1);
	MUST(core_counters.reclaimed > 90);
	for (unsigned i = 0; i < 90; i++)
		MUST(pwrite_byte(1, i * PAGE, 1, 200) == 1);
	for (unsigned i = 0; i < 90; i++)
		MUST(load(A + i * PAGE) == 200);
}

static void exhaustion_is_an_error(void)
{
	struct object *object = open_file(1, make_file(0, 8 * PAGE));
	uint64_t stored = 0;
	long status;

	MUST(map_memory(A, 120 * PAGE, RW, MAP_PRIVATE | MAP_NORESERVE) > 0 && map_file(object, A + 200 * PAGE, 8 * PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	while (!(status = store(A + stored * PAGE, 1)) && stored < 120)
		stored++;
	MUST(status == -ENOMEM && stored > 60 && load(A) == 1);
	for (unsigned i = 0; i < 8; i++)
		MUST(load(A + (200 + i) * PAGE) == (int)i + 1);		/* programs still get at their text */
	MUST(RUN(core_madvise(space, A, 10 * PAGE, MADV_DONTNEED, w)) == 0 && store(A + stored * PAGE, 1) == 0);
}

/* Stores to fresh pages; how many found their frame clear. */
static uint64_t found_clear(uint64_t address, unsigned pages)
{
	uint64_t before = core_counters.cleared_ahead;

	for (unsigned i = 0; i < pages; i++)
		MUST(store(address + i * PAGE, 1) == 0 && load(address + i * PAGE + 1) == 0 && load(address + i * PAGE + PAGE - 1) == 0);
	return core_counters.cleared_ahead - before;
}

/* What a program left in its frames, nobody finds. core_check looks at those that are to be clear. */
static void frames_are_cleared_ahead(void)
{
	uint64_t free_pages;

	MUST(map_memory(A, 100 * PAGE, RW, MAP_PRIVATE) > 0 && found_clear(A, 100) == 0 && !clear_ahead);
	for (unsigned i = 0; i < 100 * PAGE; i += 8)
		MUST(store(A + i, 0x5e) == 0);
	MUST(RUN(core_madvise(space, A, 100 * PAGE, MADV_DONTNEED, w)) == 0);
	free_pages = core_counters.free_pages;
	clear_ahead = true;
	world_rests(10);
	core_check();
	MUST(clear_ahead && core_counters.free_pages == free_pages);
	MUST(found_clear(A, 20) == 10);
	world_rests(CLEAR_FRAMES_MAX);
	core_check();
	MUST(!clear_ahead && !core_clear_ahead() && core_counters.free_pages == free_pages - 20);
	MUST(map_memory(A + 200 * PAGE, 10 * PAGE, RW, MAP_SHARED) > 0);
	MUST(found_clear(A + 200 * PAGE, 10) == 10 && clear_ahead);		/* one that is not full any more says so */
	clear_ahead = false;
	MUST(found_clear(A + 20 * PAGE, 80) == CLEAR_FRAMES_MAX - 10 && !clear_ahead);
}

/* They are free frames: nothing fails while there are some, and only who has no other takes them without need. */
static void cleared_frames_are_free(void)
{
	uint64_t before = core_counters.cleared_ahead, free_pages = core_counters.free_pages;

	clear_ahead = true;
	world_rests(CLEAR_FRAMES_MAX);
	while (core_counters.free_pages > CLEAR_FRAMES_MAX)
		MUST(core_allocate(PAGE) && core.clear_frames == CLEAR_FRAMES_MAX);
	core_check();
	while (core_counters.free_pages)
		MUST(core_allocate(PAGE));
	core_check();
	MUST(!core_allocate(PAGE) && !core_clear_ahead() && free_pages && core_counters.cleared_ahead == before);
}

/* Both pages of a copy must be there at once: fetching the one may not cost the other. */
static void the_least_memory_is_enough(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));
	struct task task = { 0 };
	long status;

	open_file(2, make_file(1, PAGE));
	MUST(map_file(object, A, PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	drop_caches();
	while (core_counters.free_pages > WANT_STEP)
		core_allocate(PAGE);
	while ((task.woken = false, status = do_write(space, 2, A, 10, 0, TRANSFER_AT, &task.waiter)) == CORE_WAIT) {
		while (!task.woken)
			MUST(world_answer());
		MUST(reads < 10);
	}
	MUST(status == 10);
}

static void reads_ahead_in_a_row_only(void)
{
	struct object *object = open_file(1, make_file(0, 90 * PAGE));

	core_fault_around_pages = 1;
	MUST(map_file(object, A, 90 * PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	for (unsigned i = 80; i > 4; i -= 3)
		MUST(load(A + i * PAGE) == (int)i + 1);
	MUST(reads == 26);
	drop_caches();
	MUST(RUN(do_munmap(space, A, 90 * PAGE, w)) == 0);
	drop_caches();
	reads = requests_seen = 0;
	MUST(map_file(object, A, 90 * PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	for (unsigned i = 0; i < 90; i++)
		MUST(load(A + i * PAGE) == (int)i + 1);
	MUST(reads == 90 && requests_seen <= 10);
}

/* A request for the next pages is under way before they are wanted; it is answered only when nothing else is left, and nobody has waited. */
static void reads_ahead_while_the_reader_runs(void)
{
	unsigned waits = 0, runs = 0;

	open_file(1, make_file(0, 90 * PAGE));
	make_buffer(1);
	for (unsigned i = 0; i < 90; i++) {
		struct task task = { 0 };
		long status = core_read(space, 1, BUFFER, PAGE, i * PAGE, TRANSFER_AT, &task.waiter);

		if (status == CORE_WAIT) {
			waits++;
			drain();
			status = core_read(space, 1, BUFFER, PAGE, i * PAGE, TRANSFER_AT, &task.waiter);
		}
		MUST(status == PAGE && load(BUFFER) == (int)i + 1 && queued <= 1);
		runs += queued;
		MUST(!queued || queue_of_requests[0].first > i);
		if (queued && queue_of_requests[0].first == i + 1)
			drain();
	}
	MUST(waits == 4 && runs > 20);		/* until it is known to read in a row */
}

static void fault_around_maps_what_is_there(void)
{
	struct object *object = open_file(1, make_file(0, 40 * PAGE));

	make_buffer(40);
	MUST(RUN(do_read(space, 1, BUFFER, 40 * PAGE, 0, 0, w)) == 40 * PAGE);
	MUST(map_file(object, A, 40 * PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	core_counters.faults_read = 0;
	for (unsigned i = 0; i < 40; i++)
		MUST(load(A + i * PAGE) == (int)i + 1);
	MUST(core_counters.faults_read == 3 && core_counters.faults_major == 0);
}

static void records_of_the_server(void)
{
	void *record[200];
	uint64_t free_pages;

	slab_trim();
	free_pages = core_counters.free_pages;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 200; i++) {
			record[i] = core_allocate(1 + i * 20);
			MUST(record[i] && !((uintptr_t)record[i] & 15));
			for (unsigned j = 0; j < 1 + i * 20; j++)
				MUST(!((char *)record[i])[j]);
			memset(record[i], 0xff, 1 + i * 20);
		}
		for (unsigned i = 0; i < 200; i++)
			core_free(record[i], 1 + i * 20);
	}
	slab_trim();
	MUST(core_counters.free_pages == free_pages && !core_allocate(5000));
}

/* ---- callers that lie */

static void bad_mappings(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));
	static const struct { uint64_t address, length; unsigned flags; bool file; uint64_t offset; long result; } bad[] = {
		{ 0, 0, MAP_PRIVATE | MAP_ANONYMOUS, false, 0, -EINVAL },
		{ 0, PAGE, MAP_ANONYMOUS, false, 0, -EINVAL },
		{ 0, PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, false, 0, -EINVAL },
		{ 0, PAGE, MAP_PRIVATE, false, 0, -EINVAL },
		{ 0, PAGE, MAP_PRIVATE, true, 5, -EINVAL },
		{ 0, PAGE, MAP_PRIVATE, true, -PAGE, -EOVERFLOW },
		{ 0, -1UL, MAP_PRIVATE | MAP_ANONYMOUS, false, 0, -ENOMEM },
		{ 0, -PAGE + 1, MAP_SHARED, true, 0, -ENOMEM },
		{ A + 1, PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, false, 0, -EINVAL },
		{ 0, PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, false, 0, -EPERM },
		{ CORE_USER_END - PAGE, 2 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, false, 0, -ENOMEM },
		{ -PAGE, PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, false, 0, -ENOMEM },
		{ 0, PAGE, MAP_PRIVATE | MAP_ANONYMOUS, true, 0, -EINVAL },
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		MUST(RUN(do_mmap(space, bad[i].address, bad[i].length, RW, bad[i].flags, bad[i].file ? object : NULL, bad[i].offset, 7, w)) == bad[i].result);
	MUST(vma_count() == 0);
}

static void bad_ranges(void)
{
	static const struct { uint64_t address, length; long unmap, protect; } bad[] = {
		{ 1, PAGE, -EINVAL, -EINVAL }, { A, 0, -EINVAL, 0 }, { A, -1UL, -EINVAL, -ENOMEM }, { CORE_USER_END, PAGE, -EINVAL, -ENOMEM },
		{ -PAGE, 2 * PAGE, -EINVAL, -ENOMEM }, { CORE_USER_END - PAGE, 2 * PAGE, -EINVAL, -ENOMEM }, { A, PAGE, 0, -ENOMEM },
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		MUST(RUN(do_munmap(space, bad[i].address, bad[i].length, w)) == bad[i].unmap);
		MUST(RUN(core_mprotect(space, bad[i].address, bad[i].length, PROT_READ, w)) == bad[i].protect);
	}
	MUST(RUN(core_mprotect(space, A, PAGE, 0x100, w)) == -EINVAL);
	for (unsigned access = 0; access < 16; access++) {
		struct map_item item;

		MUST(RUN(do_fault(space, -1UL, access, w, &item)) == -EFAULT && RUN(do_fault(space, 0, access, w, &item)) == -EFAULT);
		MUST(RUN(do_fault(space, CORE_USER_END, access, w, &item)) == -EFAULT);
	}
}

static void bad_answers_and_opens(void)
{
	open_file(1, make_file(0, PAGE));
	core_complete(0, 0, 0);
	core_complete(77, 0, 0);
	core_complete(-1UL, -5, -1UL);
	MUST(core_open(1, 1, 0, false) == -EEXIST && core_open(PAGER_OPENS, 1, 0, false) == -EINVAL && core_open(2, 0, 0, false) == -EINVAL);
	MUST(core_close(-1UL) == -EBADF);
}

#endif
