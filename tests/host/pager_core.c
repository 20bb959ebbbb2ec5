/*
 * The rules of the pager's core, one test each: what programs see of mappings, files and memory (DESIGN, section 3), and what callers
 * with bad arguments get. Each begins with a fresh core, one program and the files it makes, and is done twice, the second time with long work
 * in tiny slices and all that can be at once done so. pager_model.c does the same at random.
 *
 * sources: servers/pager/core/
 */
#include "pager_world.h"

#include <setjmp.h>
#include <sys/uio.h>

static jmp_buf out;

static _Noreturn void fail_at(const char *file, int line, const char *fact)
{
	printf("\n    %s:%d: %s", file, line, fact);
	longjmp(out, 1);
}

struct task { struct waiter waiter; bool woken; };

static void world_wake(struct waiter *waiter)
{
	((struct task *)waiter)->woken = true;
}

/* A call as far as it comes without the disk. */
#define TRY(call) ({ \
	long result_; \
	while ((result_ = (call)) == CORE_AGAIN) \
		; \
	result_; })

/* Runs a call to its end, the disk answering meanwhile. `w` is its waiter. */
#define RUN(call) ({ \
	struct task task = { 0 }; \
	struct waiter *w = &task.waiter; \
	long result_; \
	while ((result_ = (task.woken = false, (call))) == CORE_WAIT || result_ == CORE_AGAIN) \
		while (result_ == CORE_WAIT && !task.woken) \
			MUST(world_answer()); \
	result_; })

#define A 0x10000000UL		/* where tests map */
#define RW (PROT_READ | PROT_WRITE)

static struct space *space;
static struct table *table;

static struct space *new_space(struct table **its_table)
{
	*its_table = table_make();
	return core_space_create(*its_table, 1);
}

static void drain(void)
{
	while (world_answer())
		;
}

static void end_space(struct space *which, struct table *its_table)
{
	MUST(RUN(core_space_destroy(which, w)) == 0);
	table_free(its_table);
}

/* ---- programs */

static long touch(struct space *in, struct table *through, uint64_t address, unsigned access, uint8_t *byte)
{
	struct map_item item;

	for (unsigned tries = 0; tries < 3; tries++) {
		uint8_t *at = reach(through, address, access);
		long status;

		if (at && (access & ACCESS_WRITE))
			*at = *byte;
		if (at) {
			*byte = *at;
			return 0;
		}
		status = RUN(do_fault(in, address, access, w, &item));
		if (status)
			return status;
		map(through, &item, address, access);
	}
	MUST(!"a fault that is answered is over");
	return 0;
}

static int load_of(struct space *in, struct table *through, uint64_t address)
{
	uint8_t byte;
	long status = touch(in, through, address, ACCESS_READ, &byte);

	return status ? (int)status : byte;
}

static long store_of(struct space *in, struct table *through, uint64_t address, uint8_t byte)
{
	return touch(in, through, address, ACCESS_WRITE, &byte);
}

#define load(address) load_of(space, table, address)
#define store(address, byte) store_of(space, table, address, byte)

/* ---- files: content byte = page + 1 */

static uint64_t make_file(unsigned index, uint64_t length)
{
	struct disk_file *file = &disk[index];

	file->number = index + 1;
	file->length = length;
	file->linked = true;
	for (uint64_t page = 0; page * PAGE < length; page++) {
		file->block[page] = malloc(PAGE);
		memset(file->block[page], page + 1, PAGE);
		if ((page + 1) * PAGE > length)
			memset(file->block[page] + length % PAGE, GARBAGE, PAGE - length % PAGE);
	}
	return file->number;
}

static uint64_t make_hole_file(unsigned index, uint64_t length)
{
	disk[index].number = index + 1;
	disk[index].length = length;
	disk[index].linked = true;
	return index + 1;
}

static struct object *open_file(uint64_t open, uint64_t number)
{
	MUST(core_open(open, number, disk[number - 1].length, false) == 0);
	disk[number - 1].announced++;
	return core_object_find(number);
}

static long map_file(struct object *object, uint64_t address, uint64_t length, unsigned prot, unsigned flags, uint64_t offset)
{
	return RUN(do_mmap(space, address, length, prot, flags | MAP_FIXED, object, offset, 7, w));
}

static long map_memory(uint64_t address, uint64_t length, unsigned prot, unsigned flags)
{
	return RUN(do_mmap(space, address, length, prot, flags | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, 7, w));
}

#define BUFFER 0x20000000UL

static void make_buffer(uint64_t pages)
{
	MUST(map_memory(BUFFER, pages * PAGE, RW, MAP_PRIVATE) == BUFFER);
}

static void fill_buffer(uint64_t at, uint64_t bytes, int byte)
{
	uint8_t *data = malloc(bytes);

	memset(data, byte, bytes);
	MUST(RUN(core_copy_out(space, at, data, bytes, w)) == (long)bytes);
	free(data);
}

static long pwrite_byte(uint64_t open, uint64_t position, uint64_t count, int byte)
{
	fill_buffer(BUFFER, count, byte);
	return RUN(do_write(space, open, BUFFER, count, position, TRANSFER_AT, w));
}

static int pread_byte(uint64_t open, uint64_t position)
{
	uint8_t byte;

	if (RUN(do_read(space, open, BUFFER, 1, position, TRANSFER_AT, w)) != 1)
		return -1;
	MUST(RUN(core_copy_in(space, BUFFER, &byte, 1, w)) == 1);
	return byte;
}

static int on_disk(uint64_t number, uint64_t offset)
{
	uint8_t *block = disk[number - 1].block[offset / PAGE];

	return block ? block[offset % PAGE] : 0;
}

static long truncate_file(struct object *object, uint64_t length)
{
	uint64_t number = object->number;
	long status = RUN(core_object_truncate(object, length, w));

	if (!status)
		disk_truncated(number, length);
	return status;
}

static uint64_t vma_count(void)
{
	struct pager_vma vma = { 0 };
	uint64_t count = 0;

	while (core_vma_info(space, vma.end, false, &vma))
		count++;
	return count;
}

#include "pager_rules_atonce.h"
#include "pager_rules_files.h"
#include "pager_rules_memory.h"
#include "pager_rules_sweep.h"
#include "pager_rules_search.h"

static const struct { void (*test)(void); const char *name; uint64_t pages; } tests[] = {
	{ mmap_is_lazy, "mmap is lazy", 0 },
	{ tail_of_last_page_is_zero, "the tail of the last page is zero", 0 },
	{ offsets_are_honoured, "offsets are honoured, ranges half-open", 0 },
	{ past_the_end_is_sigbus, "past the end: SIGBUS", 0 },
	{ private_writes_stay_private, "private writes stay private", 0 },
	{ mapping_outlives_close, "a mapping outlives close", 0 },
	{ munmap_front_back_middle, "munmap at the front, at the back, in the middle", 0 },
	{ mprotect_splits_and_merges, "mprotect splits and merges", 0 },
	{ mprotect_obeys_the_open_mode, "mprotect obeys the open mode", 0 },
	{ addresses_are_chosen_as_on_linux, "addresses are chosen as on Linux", 0 },
	{ huge_mappings_are_instant, "huge mappings are instant", 0 },
	{ a_hundred_thousand_vmas, "a hundred thousand VMAs", 20000 },
	{ stack_grows_to_its_guard, "the stack grows to its guard", 0 },
	{ the_heap, "the heap", 0 },
	{ the_heap_shrinks_as_far_as_memory_lets_it, "the heap shrinks as far as memory lets it", 0 },
	{ dontneed_forgets, "madvise", 0 },
	{ fork_copies_on_write_both_ways, "fork copies on write both ways", 0 },
	{ fork_is_cheap_and_exact, "fork is cheap and exact", 0 },
	{ a_frame_knows_its_mappings, "a frame knows its mappings", 0 },
	{ a_slice_locks_its_space_alone, "a slice locks its space alone", 0 },
	{ fork_keeps_file_mappings, "fork keeps file mappings", 0 },
	{ only_dirty_pages_are_written, "only dirty pages are written", 0 },
	{ msync_writes_its_range, "msync writes its range", 0 },
	{ writes_are_passed_on, "writes that who syncs need not wait for", 0 },
	{ written_again_meanwhile, "written again meanwhile", 0 },
	{ background_writes_old_pages, "the background writes old pages", 0 },
	{ write_errors_are_told_once, "write errors are told once", 0 },
	{ read_errors_are_sigbus, "read errors: SIGBUS", 0 },
	{ a_full_disk_is_told_at_the_store, "a full disk is told at the store", 0 },
	{ fresh_blocks_show_no_old_bytes, "fresh blocks show no old bytes", 0 },
	{ truncate_takes_everything_back, "truncate takes everything back", 0 },
	{ truncate_waits_for_writes, "truncate waits for writes", 0 },
	{ growing_zeroes_the_old_tail, "growing zeroes the old tail", 0 },
	{ no_file_grows_too_large, "no file grows too large", 0 },
	{ read_write_and_memory_are_one, "read, write and memory are one", 0 },
	{ offsets_move, "offsets move", 0 },
	{ appends_stay_together, "appends stay together", 0 },
	{ transfers_at_once, "transfers at once", 0 },
	{ not_at_once_what_others_hold, "not at once what others hold", 0 },
	{ faults_at_once, "faults at once", 0 },
	{ stores_here_and_there_at_once, "stores here and there at once", 0 },
	{ mappings_at_once, "mappings at once", 0 },
	{ vectors, "vectors", 0 },
	{ bad_buffers_give_partial_counts, "bad buffers give partial counts", 0 },
	{ long_transfers_give_way, "long transfers give way", 0 },
	{ a_broken_off_write_leaves_no_block, "a broken-off write leaves no block", 0 },
	{ close_during_a_read, "close during a read", 0 },
	{ unlinked_files_are_not_written, "unlinked files are not written", 0 },
	{ large_shared_memory_ends_in_slices, "large shared memory ends in slices", 12000 },
	{ cut_copies_wait_for_all_page_tables, "cut copies wait for all page tables", 0 },
	{ a_cut_reaches_a_new_child, "a cut reaches a new child", 0 },
	{ a_cut_reaches_what_would_be_joined, "a cut reaches what would be joined", 0 },
	{ no_zeros_behind_a_first_store, "no zeros behind a first store", 0 },
	{ a_first_store_broken_off, "a first store broken off", 0 },
	{ a_sweep_broken_off_lets_the_next_one_in, "a sweep broken off lets the next one in", 0 },
	{ a_parting_page_is_mapped_again, "a parting page is mapped again", 0 },
	{ what_is_unmapped_goes_before_the_mapped, "what is unmapped goes before the mapped", 0 },
	{ no_page_stays_half_parted, "no page stays half parted", 0 },
	{ not_in_vain_if_something_changes, "not in vain if something changes", 0 },
	{ a_page_is_not_fetched_for_ever, "a page is not fetched for ever", 110 },
	{ a_programs_pager_is_no_help, "a program's pager is no help", 110 },
	{ the_next_prompt_call_finds_more, "the next prompt call finds more", 0 },
	{ others_come_and_go_while_caches_are_dropped, "others come and go while caches are dropped", 0 },
	{ write_back_goes_on_behind_a_file_that_goes, "write-back goes on behind a file that goes", 0 },
	{ a_round_leaves_young_files_alone, "a round leaves young files alone", 0 },
	{ unlinked_while_under_write, "unlinked while under write", 0 },
	{ release_names_the_uses, "release names the uses", 0 },
	{ a_file_larger_than_memory, "a file larger than memory", 70 },
	{ the_least_memory_is_enough, "the least memory is enough", 200 },
	{ frames_are_cleared_ahead, "frames are cleared ahead", 600 },
	{ cleared_frames_are_free, "cleared frames are free", 300 },
	{ exhaustion_is_an_error, "exhaustion is an error", 110 },
	{ reads_ahead_in_a_row_only, "reads ahead in a row only", 0 },
	{ reads_ahead_while_the_reader_runs, "reads ahead while the reader runs", 0 },
	{ fault_around_maps_what_is_there, "fault-around maps what is there", 0 },
	{ records_of_the_server, "records of the server", 0 },
	{ bad_mappings, "bad mappings", 0 },
	{ bad_ranges, "bad ranges", 0 },
	{ bad_answers_and_opens, "bad answers and opens", 0 },
};

static bool run_test(void (*test)(void), uint64_t pages, uint64_t slice_pages, bool short_ways)
{
	error_rate = again_rate = 0;
	core_fault_around_pages = 16;
	core_slice_pages = slice_pages;
	at_once = short_ways;
	world_start(pages ? pages : 2000, 1000);
	reads = writes = releases = trims = refused_blocks = failed_io = requests_seen = 0;
	space = new_space(&table);
	if (setjmp(out))
		return false;
	test();
	core_check();
	check_table(table);
	end_space(space, table);
	drain();
	core_check();
	return true;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;

	setbuf(stdout, NULL);
	for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
		if (argc > 1 && !strstr(tests[i].name, argv[1]))
			continue;
		if (run_test(tests[i].test, tests[i].pages, 4096, false) && run_test(tests[i].test, tests[i].pages, 4, true))
			passed++;
		else
			failed++, printf("\n    FAILED: %s\n", tests[i].name);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
