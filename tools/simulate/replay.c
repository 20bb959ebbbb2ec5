/*
 * What each operation of a trace does to the core, and the beginning and the end of a replay. The world below is in world.h. Nothing here decides anything
 * that the core should decide.
 */
#include "replay.h"

#include "world.h"

#include <string.h>

#define BUFFER_PAGES CORE_BATCH		/* read and write move so much at a time */
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

struct file { uint64_t pages; bool open; };
struct area { uint64_t address, pages; };	/* pages 0: not mapped */

struct process {
	struct space *space;
	struct table *table;
	struct area *areas;		/* by the number of its name's word */
};

static struct trace *trace;
static const struct operation *now;	/* the one that is replayed */
static struct process *processes;	/* by the number of the name's word */
static struct process *current, reader;	/* null: it has ended; reader: who read and write work for */
static struct file *files;		/* by the number of the name's word */
static uint64_t buffer;			/* its address in the reader */
static struct counts *counts;

static _Noreturn void fail_at(const char *file, int line, const char *fact)
{
	fprintf(stderr, "%s:%d: %s does not hold, at %s:%u\n", file, line, fact, trace->path, now ? now->line : 0);
	abort();
}

static enum replayed bad(const char *format, uint32_t word)
{
	trace_complain(trace, now->line, format, trace->words[word]);
	return REPLAY_BAD_TRACE;
}

static enum replayed no_memory(void)
{
	trace_complain(trace, now->line, "memory has run out: %lu of %lu frames are anonymous, and those are not evicted yet",
		core_counters.anonymous_pages - BUFFER_PAGES, frames - BUFFER_PAGES);
	return REPLAY_NO_MEMORY;
}

static enum replayed outcome(long status)
{
	if (status == -ENOMEM)
		return no_memory();
	return status < 0 ? bad("the page of '%s' is not mapped", now->name) : REPLAYED;
}

/* ---- files. A file's number is its word's, and so is its open description's. */

static enum replayed open_file(void)
{
	struct file *file = &files[now->name];

	if (file->open)
		return bad("'%s' is open already", now->name);
	if (file->pages && file->pages != now->count)
		return bad("'%s' had another size before", now->name);
	if (now->name >= PAGER_OPENS || now->count > CORE_FILE_MAX >> PAGE_SHIFT)
		return bad("'%s' is one file too many, or too large", now->name);
	*file = (struct file){ now->count, true };
	return outcome(RUN(core_open(now->name, now->name, now->count << PAGE_SHIFT, false), &counts->read_waits));
}

static enum replayed check_file(uint32_t name)
{
	if (!files[name].open)
		return bad("'%s' is not open", name);
	return now->page + now->count > files[name].pages ? bad("past the end of '%s'", name) : REPLAYED;
}

static enum replayed close_file(void)
{
	if (!files[now->name].open)
		return bad("'%s' is not open", now->name);
	files[now->name].open = false;
	return outcome(RUN(core_close(now->name), &counts->read_waits));
}

static enum replayed transfer(void)
{
	long (*move)(struct space *, uint64_t, uint64_t, uint64_t, uint64_t, unsigned, struct waiter *) = now->kind == READ ? core_read : core_write;
	enum replayed result = check_file(now->name);

	for (uint64_t done = 0, part; result == REPLAYED && done < now->count; done += part) {
		part = minimum(now->count - done, BUFFER_PAGES);
		result = outcome(RUN(move(reader.space, now->name, buffer, part << PAGE_SHIFT, (now->page + done) << PAGE_SHIFT, TRANSFER_AT, w),
			&counts->read_waits));
		counts->references += part;
	}
	return result;
}

/* ---- memory */

static enum replayed map_area(void)
{
	struct area *area = &current->areas[now->name];
	unsigned flags = MAP_NORESERVE | (now->shared ? MAP_SHARED : MAP_PRIVATE) | (now->file == WORD_NONE ? MAP_ANONYMOUS : 0);
	enum replayed result = now->file == WORD_NONE ? REPLAYED : check_file(now->file);
	long address;

	if (area->pages)
		return bad("'%s' is mapped already", now->name);
	if (result != REPLAYED)
		return result;
	address = RUN(core_mmap(current->space, 0, now->count << PAGE_SHIFT, RWX, flags, core_open_object(now->file), now->page << PAGE_SHIFT, RWX, w),
		&counts->read_waits);
	*area = (struct area){ address, now->count };
	return outcome(address);
}

static enum replayed check_area(void)
{
	const struct area *area = &current->areas[now->name];

	if (!area->pages)
		return bad("'%s' is not mapped", now->name);
	if (now->page + now->count > area->pages)
		return bad("past the end of '%s'", now->name);
	return REPLAYED;
}

static enum replayed unmap_area(void)
{
	struct area *area = &current->areas[now->name];
	uint64_t pages = now->count ? now->count : area->pages;
	enum replayed result = check_area();

	if (result != REPLAYED)
		return result;
	if (!now->count)
		area->pages = 0;
	return outcome(RUN(core_munmap(current->space, area->address + (now->page << PAGE_SHIFT), pages << PAGE_SHIFT, w), &counts->read_waits));
}

static enum replayed touch_page(uint64_t address, unsigned access)
{
	struct map_item item;
	uint64_t waits = 0;		/* the core counts them as major faults */
	long status;

	counts->references++;
	if (reach(current->table, address, access))
		return REPLAYED;
	status = RUN(core_fault(current->space, address, access, w, &item), &waits);
	if (status)
		return outcome(status);
	map(current->table, &item, address, access);
	return REPLAYED;
}

static enum replayed touch(void)
{
	unsigned access = now->kind == LOAD ? ACCESS_READ : now->kind == STORE ? ACCESS_WRITE : ACCESS_EXECUTE;
	enum replayed result = check_area();

	for (uint64_t i = 0; result == REPLAYED && i < now->count; i++)
		result = touch_page(current->areas[now->name].address + ((now->page + i) << PAGE_SHIFT), access);
	return result;
}

/* ---- processes */

static bool process_make(struct process *process)
{
	static uint64_t serial;

	process->areas = calloc(trace->words_count, sizeof *process->areas);
	process->table = table_make();
	process->space = core_space_create(process->table, ++serial);
	return process->areas && process->table && process->space;
}

static long process_end(struct process *process)
{
	long status = process->space ? RUN(core_space_destroy(process->space, w), &counts->read_waits) : 0;

	if (process->table)
		table_free(process->table);
	free(process->areas);
	*process = (struct process){ 0 };
	return status;
}

static enum replayed fork_process(void)
{
	struct process *child = &processes[now->name];

	if (child->space)
		return bad("there is a process '%s' already", now->name);
	if (!process_make(child))
		return no_memory();
	memcpy(child->areas, current->areas, trace->words_count * sizeof *child->areas);
	return outcome(RUN(core_space_fork(current->space, child->space, w), &counts->read_waits));
}

static enum replayed switch_process(void)
{
	if (!processes[now->name].space)
		return bad("there is no process '%s'", now->name);
	current = &processes[now->name];
	return REPLAYED;
}

static enum replayed exit_process(void)
{
	struct process *process = current;

	current = NULL;
	return outcome(process_end(process));
}

/* ---- all of it */

static enum replayed write_dirty(void)
{
	uint64_t before = write_waits;
	long status;

	if (now->kind == SYNC) {
		status = RUN(core_object_sync(NULL, w), &counts->read_waits);
		write_waits = before;		/* it is there to wait */
		return outcome(status);
	}
	while (core_write_back_step())
		disk_answers();
	return REPLAYED;
}

static enum replayed step(void)
{
	static enum replayed (*const action[])(void) = {
		[OPEN] = open_file, [CLOSE] = close_file, [READ] = transfer, [WRITE] = transfer, [MAP] = map_area, [UNMAP] = unmap_area,
		[LOAD] = touch, [STORE] = touch, [FETCH] = touch, [FORK] = fork_process, [PROCESS] = switch_process, [EXIT] = exit_process,
		[SYNC] = write_dirty, [TICK] = write_dirty,
	};

	if (!current && now->kind != PROCESS)
		return bad("the process has ended", WORD_NONE);
	return action[now->kind]();
}

static void start(const struct settings *settings)
{
	const uint8_t zeros[PAGE] = { 0 };
	uint64_t ignored = 0;

	world_start(settings->frames, BUFFER_PAGES);
	MUST(core_set_policy(settings->policy, strlen(settings->policy)));
	MUST(core_set_read_ahead(settings->read_ahead, strlen(settings->read_ahead)));
	core_read_ahead_pages = settings->read_ahead_pages;
	core_fault_around_pages = settings->fault_around;
	core_spare_pages = settings->spare >= 0 ? (uint64_t)settings->spare : minimum(32, settings->frames / 32);
	processes = calloc(trace->words_count, sizeof *processes);
	files = calloc(trace->words_count, sizeof *files);
	MUST(processes && files && process_make(&reader));
	buffer = RUN(core_mmap(reader.space, 0, BUFFER_PAGES * PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0, RWX, w), &ignored);
	for (uint64_t i = 0; i < BUFFER_PAGES; i++)
		MUST(RUN(core_copy_out(reader.space, buffer + i * PAGE, zeros, PAGE, w), &ignored) == (long)PAGE);
	current = &processes[WORD_MAIN];
	MUST(process_make(current));
}

static void end(void)
{
	for (uint32_t i = 0; i < trace->words_count; i++)
		process_end(&processes[i]);
	process_end(&reader);
	world_end();
	free(processes);
	free(files);
}

enum replayed replay(struct trace *wanted, const struct settings *settings, struct counts *result)
{
	enum replayed replayed = REPLAYED;

	trace = wanted;
	counts = result;
	*counts = (struct counts){ 0 };
	now = NULL;
	start(settings);
	for (now = trace->operations; replayed == REPLAYED && now < trace->operations + trace->count; now++)
		replayed = step();
	now = NULL;
	end();
	counts->write_waits = write_waits;
	counts->faults_read = core_counters.faults_read;
	counts->faults_write = core_counters.faults_write;
	counts->faults_cow = core_counters.faults_cow;
	counts->faults_major = core_counters.faults_major;
	counts->pages_read = core_counters.page_ins;
	counts->pages_written = core_counters.page_outs;
	counts->evictions = core_counters.reclaimed;
	counts->left_dirty = core_counters.cache_dirty_pages;
	return replayed;
}
