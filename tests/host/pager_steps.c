/*
 * No step of the pager's core grows with what it works on. The core is compiled with a call at each basic block (flags below), so the test counts
 * what a step really does, whoever wrote the loop. Each case makes a situation of a size, runs operations through it to their end, and the longest single
 * step is compared with that of the same case four times as large: it may not be longer.
 *
 *	pager_steps [-v] [part of a name]
 *
 * sources: servers/pager/core/
 * flags: -fsanitize-coverage=trace-pc
 */
#define FILES 4096
#include "pager_world.h"

static const char *now_testing;

static _Noreturn void fail_at(const char *file, int line, const char *fact)
{
	printf("%s: %s:%d: %s\n", now_testing, file, line, fact);
	fflush(stdout);
	abort();
}

struct task { struct waiter waiter; bool woken; };

static void world_wake(struct waiter *waiter)
{
	((struct task *)waiter)->woken = true;
}

/* ---- counting */

static uint64_t blocks, longest;
static bool counting;

__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	blocks += counting;
}

/* One step: what the core does between two messages. */
#define STEP(call) ({ \
	__typeof__(call) step_result_; \
	blocks = 0; \
	counting = true; \
	step_result_ = (call); \
	counting = false; \
	longest = blocks > longest ? blocks : longest; \
	step_result_; })

/* The world's own work does not count; an entry of a page table costs as much as a block of ours. */
static uint64_t entries_between(struct table *table, uint64_t address, uint64_t pages)
{
	uint64_t count = 0;

	for (uint64_t at = address; entry_next(table, &at, address + pages * PAGE); at += PAGE)
		count++;
	return count;
}

#define BELOW(work) do { \
	bool was_counting_ = counting; \
	counting = false; \
	blocks += was_counting_ ? 20 + entries_between(table, address, pages) : 0; \
	work; \
	counting = was_counting_; \
} while (0)

struct report { void (*tell)(void *context, uint64_t entry); void *context; };

static void tell(void *context, uint64_t entry)
{
	struct report *report = context;

	counting = true;
	report->tell(report->context, entry);
	counting = false;
}

static void counted_unmap(void *table, uint64_t address, uint64_t pages, void (*dirty)(void *, uint64_t), void *context)
{
	struct report report = { dirty, context };

	BELOW(world_unmap(table, address, pages, dirty ? tell : NULL, &report));
}

static void counted_protect(void *table, uint64_t address, unsigned rights, uint64_t pages, void (*dirty)(void *, uint64_t), void *context)
{
	struct report report = { dirty, context };

	BELOW(world_protect(table, address, rights, pages, dirty ? tell : NULL, &report));
}

static void counted_scan(void *table, uint64_t address, unsigned flags, uint64_t pages, void (*seen)(void *, uint64_t), void *context)
{
	struct report report = { seen, context };

	BELOW(world_scan(table, address, flags, pages, tell, &report));
}

/* ---- running */

static void counted_answers(void)
{
	while (later || queued) {
		if (later)
			later = STEP(core_deferred_step());
		else
			STEP(world_answer());
	}
}

/* A call to its end, the disk answering meanwhile. `w` is its waiter. */
#define RUN(call) ({ \
	struct task task = { 0 }; \
	struct waiter *w = &task.waiter; \
	long result_; \
	for (;;) { \
		task.woken = false; \
		result_ = STEP(call); \
		if (result_ == CORE_WAIT && !task.woken) \
			counted_answers(); \
		if (result_ != CORE_AGAIN && (result_ != CORE_WAIT || !task.woken)) \
			break; \
	} \
	result_; })

#define A 0x10000000UL
#define RW (PROT_READ | PROT_WRITE)

static struct space *space;
static struct table *table;

static struct object *open_file(uint64_t number, uint64_t pages, bool blocks_too)
{
	struct disk_file *file = &disk[(number - 1) % FILES];

	*file = (struct disk_file){ .number = number, .length = pages * PAGE, .linked = true };
	for (uint64_t page = 0; blocks_too && page < pages && page < FILE_PAGES; page++)
		file->block[page] = calloc(1, PAGE);
	MUST(core_open(number % PAGER_OPENS, number, pages * PAGE, false) == 0);
	file->announced++;
	return core_object_find(number);
}

static long touch_in(struct space *in, struct table *through, uint64_t address, unsigned access)
{
	struct map_item item;

	while (!reach(through, address, access)) {
		long status = RUN(core_fault(in, address, access, w, &item));

		if (status)
			return status;
		map(through, &item, address, access);
	}
	return 0;
}

static long touch(uint64_t address, unsigned access)
{
	return touch_in(space, table, address, access);
}

/* One page of the object, or more, in `places` places with gaps between them; each is touched. */
static void map_in_many_places(struct object *object, uint64_t places, unsigned flags, unsigned access, uint64_t first, uint64_t pages)
{
	for (uint64_t i = 0; i < places; i++) {
		uint64_t address = A + i * (pages + 1) * PAGE;

		MUST(RUN(do_mmap(space, address, pages * PAGE, RW, flags | MAP_FIXED, object, first * PAGE, 7, w)) == (long)address);
		for (uint64_t page = 0; page < pages; page++)
			MUST(touch(address + page * PAGE, access) == 0);
	}
}

static uint64_t entries_in_all(void)
{
	uint64_t entries = 0;

	for (struct space *each = core.all_spaces; each; each = each->next)
		entries += ((struct table *)each->table)->entries;
	return entries;
}

/* ---- the cases. `longest` is set back when the situation is there. */

static void fsync_of_many_places(uint64_t size)
{
	struct object *object = open_file(1, 4, true);

	map_in_many_places(object, size, MAP_SHARED, ACCESS_WRITE, 1, 2);
	longest = 0;
	MUST(RUN(core_object_sync(object, w)) == 0 && writes == 2 && !core_counters.cache_dirty_pages);
	for (unsigned i = 0; i < 2 * size; i++)
		STEP(core_write_back_step());
}

static void msync_of_many_mappings(uint64_t size)
{
	struct object *object = open_file(1, 4, true);
	uint64_t number, length, modified;

	for (uint64_t i = 0; i < size; i++) {	/* the same page again and again: neighbours that are not joined */
		MUST(RUN(do_mmap(space, A + i * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, object, 0, 7, w)) > 0);
		MUST(touch(A + i * PAGE, ACCESS_WRITE) == 0);
	}
	longest = 0;
	MUST(RUN(core_msync(space, A, size * PAGE, MS_ASYNC, w, &number, &length, &modified)) == 0);
	MUST(RUN(core_msync(space, A, 8 * PAGE, MS_SYNC, w, &number, &length, &modified)) == 0 && writes);
}

static void cutting_many_places(uint64_t size)
{
	struct object *object = open_file(1, 4, true);

	map_in_many_places(object, size, MAP_SHARED, ACCESS_WRITE, 1, 2);
	longest = 0;
	MUST(RUN(core_object_truncate(object, PAGE + 10, w)) == 0 && entries_in_all() == size && !pages_next(object, 2, TAG_USED));
	disk_truncated(1, PAGE + 10);
	MUST(touch(A + PAGE, ACCESS_READ) == -EIO);
}

static void cutting_many_copies(uint64_t size)
{
	struct object *object = open_file(1, 90, true);
	uint64_t copies;

	map_in_many_places(object, size / 16, MAP_PRIVATE, ACCESS_WRITE, 2, 40);
	copies = core_counters.anons;
	longest = 0;
	MUST(RUN(core_object_truncate(object, 10 * PAGE, w)) == 0 && core_counters.anons == size / 16 * 8 && copies == size / 16 * 40);
	MUST(touch(A + 8 * PAGE, ACCESS_READ) == -EIO && touch(A + 7 * PAGE, ACCESS_READ) == 0 && !object->copies);
}

/* Nodes and pages that many processes share: with the last one the pages are gone. */
static void cutting_shared_copies(uint64_t size)
{
	struct object *object = open_file(1, 90, true);
	uint64_t children = size / 40, free_pages;
	struct space *child[children];
	struct table *tables[children];

	map_in_many_places(object, 1, MAP_PRIVATE, ACCESS_WRITE, 2, 40);
	for (uint64_t i = 0; i < children; i++) {
		tables[i] = table_make();
		child[i] = core_space_create(tables[i], 2 + i);
		MUST(RUN(core_space_fork(space, child[i], w)) == 0);
		for (uint64_t page = 0; page < 40; page++)
			MUST(touch_in(child[i], tables[i], A + page * PAGE, i % 8 ? ACCESS_READ : ACCESS_WRITE) == 0);
	}
	free_pages = core_counters.free_pages;
	longest = 0;
	MUST(RUN(core_object_truncate(object, 10 * PAGE, w)) == 0 && core_counters.free_pages >= free_pages + (children / 8) * 32);
	for (uint64_t i = 0; i < children; i++) {
		MUST(touch_in(child[i], tables[i], A + 8 * PAGE, ACCESS_READ) == -EIO && touch_in(child[i], tables[i], A, ACCESS_READ) == 0);
		MUST(RUN(core_space_destroy(child[i], w)) == 0);
		table_free(tables[i]);
	}
}

static void a_cut_broken_off(uint64_t size)
{
	struct object *object = open_file(1, 90, true);
	struct task task = { 0 };

	map_in_many_places(object, size, MAP_SHARED, ACCESS_WRITE, 1, 2);
	longest = 0;
	MUST(STEP(core_object_truncate(object, PAGE, &task.waiter)) == CORE_AGAIN && object->shown);
	core_cancel(&task.waiter);
	counted_answers();
	MUST(!object->shown && !object->lock.owner && !entries_in_all() && trims == 1);
}

static void first_store_to_a_hole(uint64_t size)
{
	struct object *object = open_file(OBJECT_IN_MEMORY + 1, 8, false);

	map_in_many_places(object, size, MAP_SHARED, ACCESS_READ, 1, 2);
	MUST(object->zero_mapped && !object->pages);
	longest = 0;
	MUST(touch(A, ACCESS_WRITE) == 0 && object->pages == 1 && entries_in_all() == size + 1);
	for (uint64_t i = 0; i < size; i++)
		MUST(touch(A + 3 * i * PAGE, ACCESS_READ) == 0);
	*reach(table, A, ACCESS_WRITE) = 7;
	MUST(*reach(table, A + 3 * (size - 1) * PAGE, ACCESS_READ) == 7);
}

static void unlinking_many_pages(uint64_t size)
{
	struct object *object = open_file(OBJECT_IN_MEMORY + 1, size, false);

	map_in_many_places(object, 1, MAP_SHARED, ACCESS_WRITE, 0, size);
	longest = 0;
	MUST(RUN(do_munmap(space, A, size * PAGE, w)) == 0 && object->pages == size);
	STEP((core_object_unlinked(object), 0));
	STEP(core_close((OBJECT_IN_MEMORY + 1) % PAGER_OPENS));
	counted_answers();
	MUST(!core_counters.objects && !core_counters.memory_pages);
}

/* What all mappings have, asked for part by part. */
static void count_mappings(uint64_t *resident, uint64_t *dirty)
{
	struct pager_vma vma = { 0 };
	uint64_t of_vma = 0;

	*resident = *dirty = 0;
	while (STEP(core_vma_info(space, vma.counted, true, &vma))) {
		of_vma += vma.resident_pages;
		*dirty += vma.dirty_pages;
		if (vma.counted < vma.end)
			continue;
		*resident += of_vma < vma.resident_most ? of_vma : vma.resident_most;
		of_vma = 0;
	}
}

/* A page in every 64th, which is a leaf of its own. */
static void counting_many_pages(uint64_t size)
{
	struct object *object = open_file(1, 64 * size, false);
	uint64_t resident, dirty;
	enum { OWN = 1UL << 32, COPIES = 2UL << 32, SHARED = 3UL << 32 };

	MUST(RUN(do_mmap(space, OWN, 64 * size * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, NULL, 0, 7, w)) == (long)OWN);
	MUST(RUN(do_mmap(space, COPIES, 64 * size * PAGE, RW, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, object, 0, 7, w)) == (long)COPIES);
	MUST(RUN(do_mmap(space, SHARED, 64 * size * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0, 7, w)) == (long)SHARED);
	for (uint64_t i = 0; i < size; i++) {
		MUST(touch(OWN + 64 * i * PAGE, ACCESS_WRITE) == 0 && touch(SHARED + 64 * i * PAGE, ACCESS_READ) == 0);
		MUST(touch(COPIES + 64 * i * PAGE, i % 2 ? ACCESS_READ : ACCESS_WRITE) == 0);
	}
	longest = 0;
	count_mappings(&resident, &dirty);
	MUST(dirty == size + size / 2 && resident >= 3 * size && resident <= 3 * size + size / 2);
}

/* What page tables say of dirty pages is looked at, all of it. */
static void counting_dirty_pages(uint64_t size)
{
	struct object *object = open_file(1, 90, true);
	uint64_t resident, dirty;

	for (uint64_t i = 0; i < size; i += 80) {	/* one mapping after the other, and a large one without blocks */
		MUST(RUN(do_mmap(space, A + i * PAGE, 80 * PAGE, RW, MAP_SHARED | MAP_FIXED, object, PAGE, 7, w)) > 0);
		for (uint64_t page = 0; page < 80; page++)
			MUST(touch(A + (i + page) * PAGE, ACCESS_WRITE) == 0);
	}
	object = open_file(2, size, false);
	MUST(RUN(do_mmap(space, 2 * A, size * PAGE, RW, MAP_SHARED | MAP_FIXED, object, 0, 7, w)) > 0);
	for (uint64_t page = 0; page < size; page++)
		MUST(touch(2 * A + page * PAGE, ACCESS_READ) == 0);
	longest = 0;
	count_mappings(&resident, &dirty);
	MUST(dirty == size && resident == 2 * size && core_counters.cache_dirty_pages == 80);
}

static void a_program_of_many_pages(uint64_t size)
{
	struct table *its_table = table_make();
	struct space *child = core_space_create(its_table, 2);

	MUST(RUN(do_mmap(space, A, size * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, 7, w)) > 0);
	for (uint64_t i = 0; i < size; i++)
		MUST(touch(A + i * PAGE, ACCESS_WRITE) == 0);
	for (uint64_t i = 0; i < size; i += 4)
		MUST(RUN(core_mprotect(space, A + i * PAGE, PAGE, PROT_READ, w)) == 0);
	longest = 0;
	MUST(RUN(core_space_fork(space, child, w)) == 0 && RUN(core_madvise(space, A, size * PAGE / 2, MADV_DONTNEED, w)) == 0);
	MUST(RUN(core_mprotect(space, A, size * PAGE, PROT_READ, w)) == 0 && RUN(do_munmap(space, A, size * PAGE / 2, w)) == 0);
	MUST(RUN(core_space_destroy(child, w)) == 0);
	table_free(its_table);
}

#include "pager_cases_memory.h"

static const struct { void (*run)(uint64_t size); const char *name; } cases[] = {
	{ fsync_of_many_places, "fsync of a file in many places" },
	{ msync_of_many_mappings, "msync of many mappings" },
	{ cutting_many_places, "cutting a file in many places" },
	{ cutting_many_copies, "cutting off many copies" },
	{ cutting_shared_copies, "cutting off shared copies" },
	{ a_cut_broken_off, "a cut broken off" },
	{ first_store_to_a_hole, "the first store to a hole in many places" },
	{ unlinking_many_pages, "unlinking a file of many pages" },
	{ counting_many_pages, "counting many pages" },
	{ counting_dirty_pages, "counting dirty pages" },
	{ a_program_of_many_pages, "a program of many pages" },
	{ memory_from_many_mapped_pages, "memory from many mapped pages" },
	{ memory_from_pages_in_many_places, "memory from pages in many places" },
	{ memory_from_many_dirty_pages, "memory from many dirty pages" },
	{ no_memory_from_pages_that_cannot_be_written, "no memory from pages that cannot be written" },
	{ many_who_wait_for_memory, "many who wait for memory" },
	{ write_back_of_many_files, "write-back of many files" },
	{ write_back_that_fails, "write-back that fails" },
	{ dropping_many_pages, "dropping many pages" },
	{ dropping_many_files, "dropping many files" },
};

static uint64_t longest_step(void (*run)(uint64_t size), uint64_t size)
{
	error_rate = again_rate = 0;
	core_slice_pages = 256;
	core_fault_around_pages = 1;
	world_start(20000, 4000);
	reads = writes = releases = trims = refused_blocks = failed_io = requests_seen = 0;
	core.ops.unmap = counted_unmap;
	core.ops.protect = counted_protect;
	core.ops.scan = counted_scan;
	table = table_make();
	space = core_space_create(table, 1);
	longest = 0;
	run(size);
	core_check();
	check_table(table);
	MUST(RUN(core_space_destroy(space, w)) == 0);
	table_free(table);
	counted_answers();
	core_check();
	return longest;
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	const char *part = argc > 1 + verbose ? argv[1 + verbose] : "";
	unsigned passed = 0, failed = 0;

	setbuf(stdout, NULL);
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t small, large;

		now_testing = cases[i].name;
		if (!strstr(now_testing, part))
			continue;
		small = longest_step(cases[i].run, 640);
		large = longest_step(cases[i].run, 4 * 640);
		if (verbose)
			printf("%-44s %8lu %8lu\n", now_testing, small, large);
		if (large > small + small / 4 + 100)
			failed++, printf("    FAILED: %s: a step of %lu blocks became one of %lu\n", now_testing, small, large);
		else
			passed++;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
