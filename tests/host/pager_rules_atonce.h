/*
 * Tests of pager_core.c: what is done at once, and that nothing else is. The other rules hold for either way.
 */
#ifndef PAGER_RULES_ATONCE_H
#define PAGER_RULES_ATONCE_H

#define READ_NOW(address, count, position) core_read_at_once(space, 1, address, count, position, TRANSFER_AT)
#define WRITE_NOW(address, count, position) core_write_at_once(space, 1, address, count, position, TRANSFER_AT)

/* What is there is moved at once; what would wait, fail or end short is left alone. */
static void transfers_at_once(void)
{
	struct object *object = open_file(1, make_file(0, 3 * PAGE + 10));
	uint64_t total;

	make_buffer(4);
	fill_buffer(BUFFER, 4 * PAGE, 9);
	MUST(READ_NOW(BUFFER, 1, 0) == CORE_WAIT && WRITE_NOW(BUFFER, 1, 0) == CORE_WAIT);
	MUST(RUN(core_read(space, 1, BUFFER, 4 * PAGE, 0, TRANSFER_AT, w)) == 3 * PAGE + 10);
	MUST(READ_NOW(BUFFER, 10, PAGE + 5) == 10 && load(BUFFER + 9) == 2 && load(BUFFER + 10) == 1);
	MUST(READ_NOW(BUFFER + PAGE - 5, 10, 2 * PAGE) == 10 && load(BUFFER + PAGE - 6) == 1 && load(BUFFER + PAGE + 4) == 3 && load(BUFFER + PAGE + 5) == 2);
	MUST(READ_NOW(BUFFER, 100, 3 * PAGE) == 10 && READ_NOW(BUFFER, 1, 3 * PAGE + 10) == CORE_WAIT);
	MUST(READ_NOW(BUFFER, 2, PAGE - 1) == CORE_WAIT && READ_NOW(BUFFER, 0, 0) == CORE_WAIT && READ_NOW(BUFFER, PAGE + 1, 0) == CORE_WAIT);
	MUST(READ_NOW(0, 1, 0) == CORE_WAIT && READ_NOW(BUFFER + 4 * PAGE - 1, 2, 0) == CORE_WAIT && READ_NOW(BUFFER + 4 * PAGE - 1, 2, 3 * PAGE + 9) == CORE_WAIT);
	MUST(core_read_at_once(space, 9, BUFFER, 1, 0, TRANSFER_AT) == CORE_WAIT && core_read_at_once(space, 1, BUFFER, 1, 0, TRANSFER_AT | TRANSFER_VECTOR) == CORE_WAIT);
	MUST(core_read_at_once(space, 1, BUFFER, 7, 0, 0) == 7 && core_seek(1, 0, 1) == 7);
	MUST(map_memory(A, PAGE, PROT_READ, MAP_PRIVATE) > 0 && map_memory(A + PAGE, PAGE, RW, MAP_SHARED) > 0 && store(A + PAGE, 77) == 0);
	MUST(READ_NOW(A, 1, 0) == CORE_WAIT && READ_NOW(A + PAGE, 1, 0) == CORE_WAIT && WRITE_NOW(A + PAGE, 1, 5) == 1 && pread_byte(1, 5) == 77);
	MUST(WRITE_NOW(BUFFER, 1, 3 * PAGE + 11) == CORE_WAIT && WRITE_NOW(A + PAGE, 1, 3 * PAGE + 10) == 1 && object->length == 3 * PAGE + 11);
	MUST(core_object_modified(object) && map_memory(A + 2 * PAGE, 2 * PAGE, RW, MAP_PRIVATE) > 0 && store(A + 3 * PAGE, 1) == 0 && load(A + 2 * PAGE) == 0);
	MUST(READ_NOW(A + 2 * PAGE, 1, PAGE) == 1 && load(A + 2 * PAGE) == 2 && load(A + 2 * PAGE + 1) == 0);
	MUST(WRITE_NOW(BUFFER, 2, 2 * PAGE - 1) == CORE_WAIT && WRITE_NOW(BUFFER, 1, 4 * PAGE) == CORE_WAIT && WRITE_NOW(BUFFER, 1, -1UL) == CORE_WAIT);
	object->cut = true;
	MUST(WRITE_NOW(BUFFER, 1, 0) == CORE_WAIT);
	object->cut = false, object->past_end = true;
	MUST(WRITE_NOW(BUFFER, 1, 0) == CORE_WAIT);
	object->past_end = false, total = core_counters.total_pages, core_counters.total_pages = 0;
	MUST(WRITE_NOW(BUFFER, 1, 0) == CORE_WAIT);
	core_counters.total_pages = total;
	MUST(core_set_append(1, true) == 0 && WRITE_NOW(BUFFER, 1, -1UL) == CORE_WAIT && WRITE_NOW(BUFFER, 1, 0) == CORE_WAIT);
	MUST(core_write_at_once(space, 1, A + PAGE, 1, 0, 0) == 1 && core_seek(1, 0, 1) == 3 * PAGE + 12 && pread_byte(1, 3 * PAGE + 11) == 77);
	MUST(RUN(core_object_sync(object, w)) == 0 && on_disk(1, 5) == 77 && on_disk(1, 3 * PAGE + 11) == 77);
}

static void not_at_once_what_others_hold(void)
{
	struct object *object = open_file(1, make_file(0, 40 * PAGE));
	struct task read = { 0 }, other = { 0 }, write = { 0 }, fork = { 0 };
	struct table *its_table;
	struct space *child = new_space(&its_table);
	struct map_page page;
	struct map_item item;
	uint64_t marker;

	make_buffer(20);
	fill_buffer(BUFFER, 20 * PAGE, 9);
	MUST(core_read(space, 1, BUFFER, 1, 0, 0, &read.waiter) == CORE_WAIT && READ_NOW(BUFFER, 1, 0) == CORE_WAIT);
	MUST(pread_byte(1, PAGE) == 2 && READ_NOW(BUFFER, 1, PAGE) == 1 && core_read_at_once(space, 1, BUFFER, 1, 0, 0) == CORE_WAIT);
	drain();
	MUST(core_read(space, 1, BUFFER, 1, 0, 0, &read.waiter) == 1 && core_read_at_once(space, 1, BUFFER, 1, 0, 0) == 1);
	MUST(map_file(open_file(2, make_file(1, PAGE)), A, PAGE, RW, MAP_PRIVATE, 0) > 0);
	MUST(core_read(space, 1, A, 1, 0, 0, &other.waiter) == CORE_WAIT);
	MUST(pread_byte(1, 0) == 1 && READ_NOW(BUFFER, 1, 0) == 1 && core_read_at_once(space, 1, BUFFER, 1, 0, 0) == CORE_WAIT);
	core_cancel(&other.waiter);
	MUST(core_read_at_once(space, 1, BUFFER, 1, 0, 0) == 1);
	MUST(core_write(space, 1, BUFFER, 2 * PAGE, 39 * PAGE, TRANSFER_AT, &write.waiter) == CORE_WAIT);
	MUST(WRITE_NOW(BUFFER, 1, 0) == CORE_WAIT && READ_NOW(BUFFER, 1, 0) == 1);
	core_cancel(&write.waiter);
	drain();
	MUST(WRITE_NOW(BUFFER, 1, 0) == 1);
	for (unsigned i = 2; !description_find(1)->ahead.marker; i++)
		MUST(RUN(core_read(space, 1, BUFFER, 1, i * PAGE, TRANSFER_AT, w)) == 1);
	drain();
	marker = description_find(1)->ahead.marker;
	MUST(READ_NOW(BUFFER, 1, (marker - 1) * PAGE) == 1 && READ_NOW(BUFFER, 1, marker * PAGE) == CORE_WAIT);
	MUST(map_file(object, A, 2 * PAGE, RW, MAP_SHARED, 0) > 0);
	MUST(core_fault_at_once(space, A, ACCESS_READ, &page, &item) == MANY_PAGES && core_fault_at_once(space, A, ACCESS_EXECUTE, &page, &item) == NOT_AT_ONCE);
	vma_search(space, A)->ahead.marker = 1;
	MUST(core_fault_at_once(space, A, ACCESS_READ, &page, &item) == NOT_AT_ONCE);
	vma_search(space, A)->ahead.marker = 0;
	core_slice_pages = 4;
	MUST(core_space_fork(space, child, &fork.waiter) == CORE_AGAIN && READ_NOW(BUFFER, 1, 0) == CORE_WAIT && WRITE_NOW(BUFFER, 1, 0) == CORE_WAIT);
	MUST(core_fault_at_once(space, A, ACCESS_READ, &page, &item) == NOT_AT_ONCE);
	core_cancel(&fork.waiter);
	end_space(child, its_table);
}

static void faults_at_once(void)
{
	struct object *object = open_file(1, make_file(0, 3 * PAGE));
	struct map_page page;
	struct map_item item;

	MUST(map_file(object, A, 4 * PAGE, RW, MAP_PRIVATE, 0) > 0 && map_file(object, A + 8 * PAGE, PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	MUST(core_fault_at_once(space, A, ACCESS_READ, &page, &item) == NOT_AT_ONCE && core_fault_at_once(space, A, ACCESS_WRITE, &page, &item) == NOT_AT_ONCE);
	MUST(load(A) == 1 && load(A + PAGE) == 2);
	MUST(core_fault_at_once(space, A + 5, ACCESS_READ, &page, &item) == MANY_PAGES && item.address == A && item.at == 0 && page.rights == PROT_READ);
	MUST(core_fault_at_once(space, A + 8 * PAGE, ACCESS_READ, &page, &item) == ONE_PAGE && page.frame == item.frame[item.at]);
	MUST(store(A + PAGE, 50) == 0 && core_fault_at_once(space, A + PAGE + 9, ACCESS_WRITE, &page, &item) == ONE_PAGE && page.rights == RW);
	MUST(*bytes_at(page.frame) == 50 && core_fault_at_once(space, A + 3 * PAGE, ACCESS_READ, &page, &item) == NOT_AT_ONCE);
	MUST(core_fault_at_once(space, A + 8 * PAGE, ACCESS_WRITE, &page, &item) == NOT_AT_ONCE && core_fault_at_once(space, 0, ACCESS_READ, &page, &item) == NOT_AT_ONCE);
	MUST(map_memory(BUFFER, 20 * PAGE, RW, MAP_SHARED) > 0 && core_fault_at_once(space, BUFFER, ACCESS_READ, &page, &item) == ONE_PAGE && page.rights == RW);
	MUST(core_fault_at_once(space, BUFFER + PAGE, ACCESS_WRITE, &page, &item) == ONE_PAGE && *bytes_at(page.frame) == 0 && load(BUFFER) == 0);
	MUST(store(BUFFER, 3) == 0 && core_fault_at_once(space, BUFFER, ACCESS_WRITE, &page, &item) == MANY_PAGES && *bytes_at(page.frame) == 3);
}

/* Who stores here and there finds a leaf of its own at once, too, not only the one that was found last; but none that a fork shares. */
static void stores_here_and_there_at_once(void)
{
	uint64_t far = A + 2 * NODE_SLOTS * PAGE;
	struct table *its_table;
	struct space *child = new_space(&its_table);
	struct map_page page;
	struct map_item item;

	MUST(map_memory(A, 3 * NODE_SLOTS * PAGE, RW, MAP_PRIVATE) > 0);
	MUST(core_fault_at_once(space, A, ACCESS_WRITE, &page, &item) == NOT_AT_ONCE && store(A, 7) == 0 && store(far, 8) == 0);
	MUST(core_fault_at_once(space, A + PAGE, ACCESS_WRITE, &page, &item) == ONE_PAGE && page.rights == RW && *bytes_at(page.frame) == 0);
	MUST(core_fault_at_once(space, far, ACCESS_READ, &page, &item) == ONE_PAGE && page.rights == RW && *bytes_at(page.frame) == 8);
	MUST(core_fault_at_once(space, A, ACCESS_WRITE, &page, &item) == ONE_PAGE && page.rights == RW && *bytes_at(page.frame) == 7);
	MUST(RUN(core_space_fork(space, child, w)) == 0);
	MUST(core_fault_at_once(space, far, ACCESS_WRITE, &page, &item) == NOT_AT_ONCE && core_fault_at_once(space, A, ACCESS_WRITE, &page, &item) == NOT_AT_ONCE);
	MUST(core_fault_at_once(space, A, ACCESS_READ, &page, &item) != NOT_AT_ONCE && !(page.rights & PROT_WRITE) && *bytes_at(page.frame) == 7);
	end_space(child, its_table);
	MUST(core_fault_at_once(space, far, ACCESS_WRITE, &page, &item) == ONE_PAGE && *bytes_at(page.frame) == 8);
}

#define MAP_NOW(address, length, flags) core_mmap_at_once(space, address, length, RW, MAP_PRIVATE | MAP_ANONYMOUS | (flags))
#define UNMAP_NOW(address, length) core_munmap_at_once(space, address, length)

/* One private mapping without a file comes and goes at once, if nobody must be asked or told. */
static void mappings_at_once(void)
{
	uint64_t free;
	struct task other = { 0 };
	long place = MAP_NOW(0, PAGE - 1, 0);

	MUST(place > 0 && store(place, 5) == 0 && load(place) == 5 && vma_count() == 1);
	MUST(UNMAP_NOW(place, PAGE + 1) == CORE_WAIT && UNMAP_NOW(place + 1, PAGE - 1) == CORE_WAIT && UNMAP_NOW(place, 0) == CORE_WAIT && UNMAP_NOW(place, -1UL) == CORE_WAIT);
	MUST(UNMAP_NOW(place, 1) == 0 && load(place) == -EFAULT && vma_count() == 0 && UNMAP_NOW(place, 1) == CORE_WAIT);
	MUST(MAP_NOW(A, 2 * PAGE, MAP_FIXED) == A && MAP_NOW(A + 2 * PAGE, PAGE, MAP_FIXED_NOREPLACE) == A + 2 * PAGE && vma_count() == 1);
	MUST(MAP_NOW(A + PAGE, PAGE, MAP_FIXED) == CORE_WAIT && MAP_NOW(A, PAGE, MAP_FIXED_NOREPLACE) == CORE_WAIT && UNMAP_NOW(A, PAGE) == CORE_WAIT);
	MUST(MAP_NOW(A + 8 * PAGE + 1, PAGE, MAP_FIXED) == CORE_WAIT && MAP_NOW(0, 0, 0) == CORE_WAIT && MAP_NOW(0, -1UL, 0) == CORE_WAIT && MAP_NOW(0, 1UL << 37, 0) == CORE_WAIT);
	MUST(core_mmap_at_once(space, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS) == CORE_WAIT && core_mmap_at_once(space, 0, PAGE, RW, MAP_PRIVATE) == CORE_WAIT);
	MUST(map_file(open_file(1, make_file(0, PAGE)), A + 8 * PAGE, PAGE, RW, MAP_PRIVATE, 0) > 0 && UNMAP_NOW(A + 8 * PAGE, PAGE) == CORE_WAIT);
	space->busy.owner = &other.waiter;
	MUST(MAP_NOW(0, PAGE, 0) == CORE_WAIT && UNMAP_NOW(A, 3 * PAGE) == CORE_WAIT);
	space->busy.owner = NULL, core.memory_waiters = &other.waiter;
	MUST(UNMAP_NOW(A, 3 * PAGE) == CORE_WAIT && MAP_NOW(0, PAGE, 0) == CORE_WAIT);
	core.memory_waiters = NULL, free = core_counters.free_pages, core_counters.free_pages = core.want[0] - 1;
	MUST(MAP_NOW(0, PAGE, 0) == CORE_WAIT);
	core_counters.free_pages = free;
	MUST(UNMAP_NOW(A, 3 * PAGE) == 0 && vma_count() == 1);
}

#endif
