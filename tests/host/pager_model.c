/*
 * The pager's core against a model: actors do random steps (map, unmap, protect, load, store, read, write, fork, truncate, sync, unlink,
 * ...) on their own spaces and files, one operation per actor under way, all of them parked and woken in random order while the disk answers
 * when it likes. Every byte that a program or the disk shows is compared with pager_reference.h. Memory is small, so
 * that reclaim happens all the time. Other actors, without a reference, call with whatever arguments.
 *
 *	pager_model [steps [seed]]		steps per seed; without a seed: several
 *
 * sources: servers/pager/core/
 */
#include "pager_reference.h"
#include "pager.h"

#include <time.h>

#define ACTORS 4
#define CHAOS 3
#define SPACES 3
#define ACTOR_FILES 3
#define SHARED 4
#define OPENS_EACH 4
#define CHECK_EVERY 512

static uint64_t steps, seed, failures;

static void fail_at(const char *file, int line, const char *fact)
{
	printf("%s:%d: %s\n\tseed %lu, step %lu; repeat with: pager_model %lu %lu\n", file, line, fact, seed, steps, steps + 1, seed);
	fflush(stdout);
	abort();
}

enum step {
	LOAD, STORE, MMAP, MUNMAP, MPROTECT, MADVISE, BRK, READ, WRITE, TRUNCATE, SYNC, SYNC_ALL, MSYNC, FORK, EXIT, FROM_USER, TO_USER,
	OBJECT_READ, KINDS,
	PROMPT = KINDS,		/* open, close, seek, unlink, ...: done at once */
};

static const unsigned weight[KINDS] = {
	[LOAD] = 22, [STORE] = 22, [MMAP] = 10, [MUNMAP] = 6, [MPROTECT] = 5, [MADVISE] = 3, [BRK] = 2, [READ] = 12, [WRITE] = 14,
	[TRUNCATE] = 3, [SYNC] = 2, [SYNC_ALL] = 1, [MSYNC] = 2, [FORK] = 1, [EXIT] = 1, [FROM_USER] = 2, [TO_USER] = 3, [OBJECT_READ] = 1,
};

struct program {		/* a space and its reference */
	struct space *space;
	struct table *table;
	struct ref_space ref;
};

struct ref_open { struct ref_file *file; uint64_t offset; bool append; };

struct operation {
	struct waiter waiter;	/* first: world_wake */
	bool active, runnable, freeing, sure;
	enum step kind;
	struct program *program, *child;
	struct ref_open *open;
	struct ref_file *file;
	uint64_t address, length, offset, position;
	unsigned prot, max_prot, flags, access;
	uint64_t refused_before, failed_before;
	uint8_t buffer[3 * PAGE];
};

struct actor {
	struct operation operation;
	struct program program[SPACES];
	struct ref_file file[ACTOR_FILES + SHARED];
	struct ref_open open[OPENS_EACH];
	unsigned number;
};

static struct actor actor[ACTORS];
static uint64_t done_kind[KINDS], out_of_memory, cancelled, denied, reclaimed;

static void world_wake(struct waiter *waiter)
{
	((struct operation *)waiter)->runnable = true;
}

static bool one_in(unsigned n)
{
	return !random_below(n);
}

static uint64_t open_number(const struct actor *actor, const struct ref_open *open)
{
	return 1 + actor->number * OPENS_EACH + (open - actor->open);
}

static uint64_t end_page(uint64_t bytes)
{
	return (bytes + PAGE - 1) / PAGE;
}

/* ---- choosing */

static struct ref_open *some_open(struct actor *actor)
{
	struct ref_open *open = &actor->open[random_below(OPENS_EACH)];

	return open->file ? open : NULL;
}

/* Mostly near mapped pages. */
static uint64_t some_address(struct program *program)
{
	unsigned kind = random_below(16);

	if (kind == 0)
		return random_next() % (CORE_USER_END + PAGE);
	for (unsigned tries = 0; tries < 40; tries++) {
		uint64_t page = kind < 10 ? FIRST_PAGE + random_below(LOW_PAGES) : HIGH_FIRST + HIGH_PAGES / 2 + random_below(HIGH_PAGES / 2);

		if (ref_mapped(&program->ref, page * PAGE) || tries == 39)
			return page * PAGE + random_below(PAGE);
	}
	return 0;
}

static unsigned some_prot(void)
{
	static const unsigned prots[] = { PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_NONE,
		PROT_READ | PROT_EXEC, PROT_EXEC, PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC };

	return prots[random_below(sizeof prots / sizeof *prots)];
}

/* A buffer whose bytes are known and that is not the file itself. */
static bool good_buffer(struct program *program, uint64_t address, uint64_t bytes, const struct ref_file *file, bool write)
{
	for (uint64_t at = address; at < address + bytes && at < CORE_USER_END; at = (at / PAGE + 1) * PAGE) {
		struct ref_page *page = page_at(&program->ref, at);

		if (!page || !page->mapped)
			continue;
		if (file && page->file == file && !page->copy)
			return false;
		if (write && error_rate && page->file && !page->shared && !page->copy)
			return false;	/* a copy may be made for a read that then fails */
		for (uint64_t i = at; !write && i < address + bytes && i / PAGE == at / PAGE; i++)
			if (ref_load(&program->ref, i) == UNKNOWN)
				return false;
	}
	return true;
}

/* A read that is broken off may have made copies of private pages: the model cannot tell. */
static bool makes_copies(struct program *program, uint64_t address, uint64_t bytes)
{
	for (uint64_t at = address; at < address + bytes && at < CORE_USER_END; at = (at / PAGE + 1) * PAGE) {
		struct ref_page *page = page_at(&program->ref, at);

		if (page && page->mapped && page->file && !page->shared && !page->copy)
			return true;
	}
	return false;
}

static bool choose_transfer(struct actor *actor, struct operation *operation)
{
	bool read = operation->kind == READ;

	operation->open = some_open(actor);
	if (!operation->open)
		return false;
	operation->file = operation->open->file;
	operation->address = some_address(operation->program);
	operation->length = one_in(3) ? random_below(5 * PAGE) : random_below(200);
	operation->position = one_in(4) ? operation->file->length : random_below(40 * PAGE);
	operation->flags = one_in(2) ? TRANSFER_AT : 0;
	if (operation->open->offset > 60 * PAGE)
		operation->flags = TRANSFER_AT;
	if (!read && operation->open->append && operation->file->length > 80 * PAGE)
		return false;
	operation->sure = read && makes_copies(operation->program, operation->address, operation->length);
	return good_buffer(operation->program, operation->address, operation->length, operation->file, read);
}

static bool choose_mmap(struct actor *actor, struct operation *operation)
{
	struct ref_open *open = one_in(2) ? some_open(actor) : NULL;

	operation->file = open ? open->file : NULL;
	operation->length = 1 + random_below((one_in(6) ? 40 : 8) * PAGE);
	operation->offset = open ? random_below(12) * PAGE : 0;
	operation->prot = some_prot();
	operation->max_prot = one_in(6) && open ? PROT_READ | PROT_EXEC : 7;
	operation->flags = (one_in(2) ? MAP_SHARED : MAP_PRIVATE) | (open ? 0 : MAP_ANONYMOUS);
	operation->address = 0;
	if (!one_in(3)) {
		operation->address = (FIRST_PAGE + random_below(LOW_PAGES - 48)) * PAGE;
		operation->flags |= one_in(2) ? MAP_FIXED : one_in(2) ? MAP_FIXED_NOREPLACE : 0;
	}
	if (!open && (operation->flags & MAP_SHARED)) {
		for (unsigned i = ACTOR_FILES; i < ACTOR_FILES + SHARED; i++)
			if (!actor->file[i].mapped_pages)
				operation->file = &actor->file[i];
		return operation->file;
	}
	return true;
}

static bool choose_operation(struct actor *actor, struct operation *operation)
{
	uint64_t sum = 0, pick;
	unsigned kind = 0;

	for (unsigned i = 0; i < KINDS; i++)
		sum += weight[i];
	for (pick = random_below(sum); pick >= weight[kind]; kind++)
		pick -= weight[kind];
	operation->kind = kind;
	operation->program = &actor->program[random_below(SPACES)];
	if (!operation->program->space)
		return false;
	operation->address = some_address(operation->program);
	operation->length = one_in(4) ? 1 + random_below(PAGE) : 1 + random_below(64);
	switch (operation->kind) {
	case LOAD: case STORE:
		operation->access = operation->kind == STORE ? ACCESS_WRITE : one_in(8) ? ACCESS_EXECUTE : ACCESS_READ;
		if (operation->length > PAGE - operation->address % PAGE)
			operation->length = PAGE - operation->address % PAGE;
		return true;
	case MMAP:
		return choose_mmap(actor, operation);
	case MUNMAP: case MPROTECT: case MADVISE: case MSYNC:
		operation->address &= one_in(50) ? ~0UL : ~(PAGE - 1);
		operation->length = random_below((one_in(8) ? 64 : 8) * PAGE);
		operation->prot = some_prot();
		operation->flags = operation->kind == MSYNC ? (one_in(4) ? MS_ASYNC : MS_SYNC) : one_in(3) ? MADV_WILLNEED : MADV_DONTNEED;
		return true;
	case BRK:
		operation->address = operation->program->ref.heap_start + (int64_t)random_below(20 * PAGE) - PAGE;
		return true;
	case READ: case WRITE:
		return choose_transfer(actor, operation);
	case TRUNCATE: case SYNC: case OBJECT_READ:
		operation->open = some_open(actor);
		operation->file = operation->open ? operation->open->file : NULL;
		operation->length = one_in(2) ? random_below(20) * PAGE : random_below(60 * PAGE);
		operation->offset = random_below(30 * PAGE);
		return operation->file;
	case FORK:
		for (unsigned i = 0; i < SPACES; i++)
			if (!actor->program[i].space)
				operation->child = &actor->program[i];
		return operation->child;
	case FROM_USER: case TO_USER:
		operation->length = random_below(sizeof operation->buffer);
		operation->sure = operation->kind == TO_USER;
		return good_buffer(operation->program, operation->address, operation->length, NULL, operation->kind == TO_USER);
	default:
		return true;
	}
}

/* ---- doing: one try */

static void program_start(struct program *program)
{
	static uint64_t number;
	struct ref_page stack = { .prot = PROT_READ | PROT_WRITE, .max_prot = 7, .stack = true };
	struct space *space = core_space_create(program->table = table_make(), ++number);

	if (!space) {
		table_free(program->table);
		return;
	}
	program->space = space;
	memset(&program->ref, 0, sizeof program->ref);
	if (!core_map_stack(space, STACK_TOP, 2 * PAGE, STACK_LIMIT))
		ref_map(&program->ref, STACK_TOP - 2 * PAGE, STACK_TOP, &stack);
	program->ref.heap_start = program->ref.heap_end = (FIRST_PAGE + LOW_PAGES - 40) * PAGE + 100;
	core_space_set_heap(space, program->ref.heap_start);
}

static long try_access(struct operation *operation)
{
	struct program *program = operation->program;

	for (unsigned tries = 0;; tries++) {
		struct map_item item;
		uint8_t *at = reach(program->table, operation->address, operation->access);
		long status;

		if (at && operation->kind == STORE)
			memcpy(at, operation->buffer, operation->length);
		if (at && operation->kind == LOAD)
			memcpy(operation->buffer, at, operation->length);
		if (at)
			return 0;
		MUST(tries < 2);
		status = core_fault(program->space, operation->address, operation->access, &operation->waiter, &item);
		if (status)
			return status;
		map(program->table, &item, operation->address, operation->access);
	}
}

static long try_operation(struct actor *actor, struct operation *operation)
{
	struct space *space = operation->program->space;
	struct waiter *waiter = &operation->waiter;
	struct object *object = operation->file && !operation->file->anonymous ? core_object_find(operation->file->number) : NULL;
	uint64_t ignored[3];

	switch (operation->kind) {
	case LOAD: case STORE:
		return try_access(operation);
	case MMAP:
		return core_mmap(space, operation->address, operation->length, operation->prot, operation->flags,
			operation->flags & MAP_ANONYMOUS ? NULL : object, operation->offset, operation->max_prot, waiter);
	case MUNMAP:
		return core_munmap(space, operation->address, operation->length, waiter);
	case MPROTECT:
		return core_mprotect(space, operation->address, operation->length, operation->prot, waiter);
	case MADVISE:
		return core_madvise(space, operation->address, operation->length, operation->flags, waiter);
	case BRK:
		return core_brk(space, operation->address, waiter);
	case READ:
		return core_read(space, open_number(actor, operation->open), operation->address, operation->length, operation->position, operation->flags, waiter);
	case WRITE:
		return core_write(space, open_number(actor, operation->open), operation->address, operation->length, operation->position, operation->flags, waiter);
	case TRUNCATE:
		return core_object_truncate(object, operation->length, waiter);
	case SYNC:
		return core_object_sync(object, waiter);
	case SYNC_ALL:
		return core_object_sync(NULL, waiter);
	case MSYNC:
		return core_msync(space, operation->address, operation->length, operation->flags, waiter, &ignored[0], &ignored[1], &ignored[2]);
	case FORK:
		return core_space_fork(space, operation->child->space, waiter);
	case EXIT:
		return core_space_destroy(space, waiter);
	case FROM_USER:
		return core_copy_in(space, operation->address, operation->buffer, operation->length, waiter);
	case TO_USER:
		return core_copy_out(space, operation->address, operation->buffer, operation->length, waiter);
	case OBJECT_READ:
		return core_object_read(object, operation->offset, operation->buffer, sizeof operation->buffer, waiter);
	default:
		return 0;
	}
}
/* ---- judging what was done */

static bool memory_short(void)
{
	return error_rate || core_counters.free_pages + core_counters.cache_pages < core.want[1] + 64;
}

/* May this failure come although the model expects success? The disk was full or broken, or memory short. */
static bool excused(const struct operation *operation, long result)
{
	if (result == -ENOMEM && memory_short()) {
		out_of_memory++;
		return true;
	}
	if (result == -ENOSPC && refused_blocks > operation->refused_before)
		return ++denied;
	return result == -EIO && failed_io > operation->failed_before;
}

static void disk_matches(const struct ref_file *file, uint64_t first, uint64_t last)
{
	const struct disk_file *on_disk = &disk[(file->number - 1) % FILES];

	if (file->anonymous || !file->linked || error_rate)
		return;
	for (uint64_t page = first; page < last && page * PAGE < file->length; page++) {
		uint64_t valid = file->length - page * PAGE < PAGE ? file->length - page * PAGE : PAGE;

		for (uint64_t i = 0; i < valid; i++)
			MUST(file->bytes[page * PAGE + i] == (on_disk->block[page] ? on_disk->block[page][i] : 0));
	}
}

static void program_end(struct program *program)
{
	ref_destroy(&program->ref);
	table_free(program->table);
	program->space = NULL;
}

/* Outside of the schedule: an end that must come, whatever else goes on. */
static void program_kill(struct program *program)
{
	struct operation exit = { .kind = EXIT };
	long status;

	while ((status = core_space_destroy(program->space, &exit.waiter)) != 0)
		MUST(status == CORE_AGAIN);
	program_end(program);
}

static void judge_access(struct operation *operation, long result)
{
	struct ref_space *ref = &operation->program->ref;
	long expected = ref_access(ref, operation->address, operation->access);

	if ((!expected || result == -ENOMEM) && excused(operation, result))
		return;
	MUST(result == expected);
	for (uint64_t i = 0; !result && i < operation->length; i++) {
		if (operation->kind == STORE)
			ref_store(ref, operation->address + i, operation->buffer[i]);
		else if (ref_load(ref, operation->address + i) != UNKNOWN)
			MUST(ref_load(ref, operation->address + i) == operation->buffer[i]);
	}
}

static void judge_mmap(struct operation *operation, long result)
{
	struct ref_space *ref = &operation->program->ref;
	uint64_t bytes = end_page(operation->length) * PAGE, place = operation->address;
	struct ref_page like = {
		.prot = operation->prot, .max_prot = operation->max_prot, .shared = (operation->flags & MAP_TYPE) == MAP_SHARED,
		.file = operation->file, .index = operation->offset / PAGE,
	};

	if (operation->prot & ~operation->max_prot) {
		MUST(result == -EACCES);
		return;
	}
	if ((operation->flags & MAP_FIXED_NOREPLACE) && !ref_free(ref, place, place + bytes)) {
		MUST(result == -EEXIST);
		return;
	}
	if (excused(operation, result)) {
		if (operation->flags & MAP_FIXED)
			program_kill(operation->program);
		return;
	}
	if (!(operation->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && (!place || !ref_free(ref, place, place + bytes)))
		place = ref_gap(ref, bytes);
	MUST(place && result == (long)place);
	if (like.file && like.file->anonymous) {
		memset(like.file->bytes, 0, sizeof like.file->bytes);
		like.file->length = bytes;
	}
	ref_map(ref, place, place + bytes, &like);
}

static long range_error(const struct operation *operation)
{
	if (operation->address % PAGE)
		return -EINVAL;
	return operation->address + operation->length > CORE_USER_END ? -ENOMEM : 0;
}

static void judge_munmap(struct operation *operation, long result)
{
	uint64_t end = operation->address + end_page(operation->length) * PAGE;

	if (range_error(operation) || !operation->length) {
		MUST(result == -EINVAL);
	} else if (excused(operation, result)) {
		program_kill(operation->program);
	} else {
		MUST(!result);
		ref_unmap(&operation->program->ref, operation->address, end);
	}
}

static void judge_mprotect(struct operation *operation, long result)
{
	uint64_t at = operation->address, end = at + end_page(operation->length) * PAGE;
	long expected = range_error(operation);

	for (; !expected && at < end; at += PAGE) {
		struct ref_page *page = page_at(&operation->program->ref, at);

		expected = !page || !page->mapped ? -ENOMEM : operation->prot & ~page->max_prot ? -EACCES : 0;
		if (!expected)
			page->prot = operation->prot;
	}
	if (!expected && excused(operation, result))
		program_kill(operation->program);
	else
		MUST(result == expected);
}

static void judge_madvise(struct operation *operation, long result)
{
	uint64_t at = operation->address, end = at + end_page(operation->length) * PAGE;
	long expected = range_error(operation) ? -EINVAL : 0;

	for (; !expected && at < end; at += PAGE) {
		struct ref_page *page = page_at(&operation->program->ref, at);

		if (!page || !page->mapped) {
			expected = -ENOMEM;
			break;
		}
	}
	MUST(result == expected || excused(operation, result));
	if (operation->flags != MADV_DONTNEED || expected == -EINVAL)
		return;
	if (result && result != expected) {
		program_kill(operation->program);
		return;
	}
	for (at = operation->address; at < end; at += PAGE) {
		struct ref_page *page = page_at(&operation->program->ref, at);

		if (page) {
			free(page->copy);
			page->copy = NULL;
		}
	}
}

static void judge_brk(struct operation *operation, long result)
{
	struct ref_space *ref = &operation->program->ref;
	uint64_t old = end_page(ref->heap_end) * PAGE, new = end_page(operation->address) * PAGE;
	struct ref_page like = { .prot = PROT_READ | PROT_WRITE, .max_prot = 7 };

	if (operation->address < ref->heap_start || (new > old && !ref_free(ref, old, new + PAGE))) {
		MUST(result == (long)ref->heap_end);
		return;
	}
	if (result == (long)ref->heap_end && result != (long)operation->address && memory_short())
		return;
	if (new < old && result == -ENOMEM && excused(operation, result))
		return;
	MUST(result == (long)operation->address);
	if (new > old)
		ref_map(ref, old, new, &like);
	ref_unmap(ref, new, old > new ? old : new);
	ref->heap_end = operation->address;
}

/* broken_off: cancelled after that many bytes. */
static void judge_transfer(struct operation *operation, long result, bool broken_off)
{
	struct ref_file *file = operation->file;
	struct ref_space *ref = &operation->program->ref;
	bool read = operation->kind == READ, at = operation->flags & TRANSFER_AT;
	uint64_t position = at ? operation->position : operation->open->offset, want = operation->length, may;

	if (!read && operation->open->append)
		position = file->length;
	if (read)
		want = position >= file->length ? 0 : want < file->length - position ? want : file->length - position;
	if (operation->length && operation->address > CORE_USER_END - operation->length) {
		MUST(result == -EFAULT);
		return;
	}
	if (!operation->length) {
		MUST(!result || operation->address > CORE_USER_END);
		return;
	}
	may = ref_prefix(ref, operation->address, want, read ? ACCESS_WRITE : ACCESS_READ);
	if (want && !may && !broken_off) {
		MUST(result == -EFAULT || excused(operation, result));
		return;
	}
	if (result < 0) {
		MUST(excused(operation, result) || (result == -EFAULT && (failed_io > operation->failed_before || refused_blocks > operation->refused_before)));
		return;
	}
	MUST((uint64_t)result <= may);
	MUST((uint64_t)result == may || broken_off || memory_short() || failed_io > operation->failed_before || refused_blocks > operation->refused_before);
	for (uint64_t i = 0; read && i < (uint64_t)result; i++)
		ref_store(ref, operation->address + i, file->bytes[position + i]);
	if (!read && result) {
		ref_grow_file(file, position + result);
		for (uint64_t i = 0; i < (uint64_t)result; i++)
			file->bytes[position + i] = ref_load(ref, operation->address + i);
	}
	if (!at && result)
		operation->open->offset = position + result;
}

static void judge_copy(struct operation *operation, long result, bool broken_off)
{
	struct ref_space *ref = &operation->program->ref;
	bool out = operation->kind == TO_USER;
	uint64_t may = ref_prefix(ref, operation->address, operation->length, out ? ACCESS_WRITE : ACCESS_READ);

	if (!operation->length) {
		MUST(!result);
		return;
	}
	if (!may && !broken_off) {
		MUST(result == -EFAULT || excused(operation, result));
		return;
	}
	if (result < 0) {
		MUST(excused(operation, result) || (result == -EFAULT && refused_blocks > operation->refused_before));
		return;
	}
	MUST((uint64_t)result == may || broken_off || memory_short() || failed_io > operation->failed_before || refused_blocks > operation->refused_before);
	for (uint64_t i = 0; i < (uint64_t)result; i++) {
		if (out)
			ref_store(ref, operation->address + i, operation->buffer[i]);
		else
			MUST(ref_load(ref, operation->address + i) == operation->buffer[i]);
	}
}

static void judge_truncate(struct actor *actor, struct operation *operation, long result)
{
	struct ref_file *file = operation->file;

	if (result) {
		MUST(excused(operation, result));
		return;
	}
	if (operation->length >= file->length) {
		ref_grow_file(file, operation->length);
	} else {
		file->length = operation->length;
		file->tail_unknown = false;
		for (unsigned i = 0; i < SPACES; i++) {
			if (!actor->program[i].space)
				continue;
			ref_cut_window(actor->program[i].ref.low, LOW_PAGES, file);
			ref_cut_window(actor->program[i].ref.high, HIGH_PAGES, file);
		}
	}
	operation->freeing = true;
	operation->active = true;
	disk[(file->number - 1) % FILES].truncating = true;
}

static void judge_sync(struct actor *actor, struct operation *operation, long result)
{
	if (result) {
		MUST(error_rate && (result == -EIO || result == -ENOMEM));
		return;
	}
	for (unsigned i = 0; i < ACTOR_FILES; i++)
		if (actor->file[i].used && (operation->kind == SYNC_ALL || &actor->file[i] == operation->file) && core_object_find(actor->file[i].number))
			disk_matches(&actor->file[i], 0, FILE_PAGES);
}

static void judge_msync(struct operation *operation, long result)
{
	uint64_t at = operation->address, end = at + end_page(operation->length) * PAGE;
	long expected = operation->address % PAGE ? -EINVAL : range_error(operation);

	for (uint64_t i = at; !expected && i < end; i += PAGE)
		expected = ref_mapped(&operation->program->ref, i) ? 0 : -ENOMEM;
	MUST(result == expected || (error_rate && result == -EIO));
	for (; (!result || result == -ENOMEM) && !(operation->flags & MS_ASYNC) && !range_error(operation) && at < end; at += PAGE) {
		struct ref_page *page = page_at(&operation->program->ref, at);

		if (page && page->mapped && page->shared)
			disk_matches(page->file, page->index, page->index + 1);
	}
}

static void judge_object_read(struct operation *operation, long result)
{
	const struct ref_file *file = operation->file;
	uint64_t want = operation->offset < file->length ? file->length - operation->offset : 0;

	if (excused(operation, result))
		return;
	MUST(result == (long)(want < sizeof operation->buffer ? want : sizeof operation->buffer));
	MUST(!memcmp(operation->buffer, file->bytes + operation->offset, result));
}

static void judge(struct actor *actor, struct operation *operation, long result)
{
	done_kind[operation->kind]++;
	switch (operation->kind) {
	case LOAD: case STORE: judge_access(operation, result); break;
	case MMAP: judge_mmap(operation, result); break;
	case MUNMAP: judge_munmap(operation, result); break;
	case MPROTECT: judge_mprotect(operation, result); break;
	case MADVISE: judge_madvise(operation, result); break;
	case BRK: judge_brk(operation, result); break;
	case READ: case WRITE: judge_transfer(operation, result, false); break;
	case TRUNCATE: judge_truncate(actor, operation, result); break;
	case SYNC: case SYNC_ALL: judge_sync(actor, operation, result); break;
	case MSYNC: judge_msync(operation, result); break;
	case FROM_USER: case TO_USER: judge_copy(operation, result, false); break;
	case OBJECT_READ: judge_object_read(operation, result); break;
	case EXIT:
		MUST(!result);
		program_end(operation->program);
		break;
	case FORK:
		MUST(!result || excused(operation, result));
		if (result)
			program_kill(operation->child);
		else
			ref_fork(&operation->child->ref, &operation->program->ref);
		break;
	default:
		break;
	}
}

/* ---- breaking off */

static bool may_cancel(const struct operation *operation)
{
	switch (operation->kind) {
	case LOAD: case STORE: case SYNC: case SYNC_ALL: case MSYNC: case OBJECT_READ: case FROM_USER: case FORK: case WRITE: case TRUNCATE:
		return true;
	case READ: case TO_USER:
		return !operation->sure;
	default:
		return false;
	}
}

static void cancel(struct actor *actor, struct operation *operation)
{
	uint64_t done = operation->waiter.done;

	operation->active = false;
	core_cancel(&operation->waiter);
	MUST(!operation->waiter.link);
	cancelled++;
	if (operation->kind == READ || operation->kind == WRITE)
		judge_transfer(operation, done, true);
	else if (operation->kind == FROM_USER || operation->kind == TO_USER)
		judge_copy(operation, done, true);
	else if (operation->kind == FORK)
		program_kill(operation->child);
	if (operation->kind != TRUNCATE)
		return;
	if (core_object_length(core_object_find(operation->file->number)) == operation->length)
		judge_truncate(actor, operation, 0);
	operation->freeing = operation->active = false;
	disk[(operation->file->number - 1) % FILES].truncating = false;
}

/* ---- what is done at once */

static void file_create(struct actor *actor, unsigned index)
{
	unsigned slot = actor->number * ACTOR_FILES + index;
	struct ref_file *file = &actor->file[index];
	struct disk_file *on_disk = &disk[slot];
	uint64_t number = on_disk->number ? on_disk->number + FILES : slot + 1;

	memset(file, 0, sizeof *file);
	memset(on_disk, 0, sizeof *on_disk);
	file->number = on_disk->number = number;
	file->linked = file->used = on_disk->linked = true;
	file->length = on_disk->length = random_below(20 * PAGE);
	for (uint64_t page = 0; page < end_page(file->length); page++) {
		if (one_in(4) || !blocks_free)
			continue;
		blocks_free--;
		on_disk->block[page] = malloc(PAGE);
		for (unsigned i = 0; i < PAGE; i++)
			on_disk->block[page][i] = random_next();
		memcpy(file->bytes + page * PAGE, on_disk->block[page], PAGE);
	}
	memset(file->bytes + file->length, 0, sizeof file->bytes - file->length);
}

static void file_close(struct actor *actor, struct ref_open *open)
{
	MUST(!core_close(open_number(actor, open)));
	open->file->opens--;
	open->file = NULL;
}

static void file_unlink(struct ref_file *file)
{
	struct object *object = core_object_find(file->number);
	struct disk_file *on_disk = &disk[(file->number - 1) % FILES];

	file->linked = on_disk->linked = false;
	if (object)
		core_object_unlinked(object);
	else if (!on_disk->announced)
		drop_blocks(on_disk, 0);
}

static void open_or_close(struct actor *actor)
{
	struct ref_open *open = &actor->open[random_below(OPENS_EACH)];
	struct ref_file *file = &actor->file[random_below(ACTOR_FILES)];
	struct disk_file *on_disk = &disk[(file->number - 1) % FILES];

	if (open->file) {
		if (one_in(3))
			file_close(actor, open);
		return;
	}
	if (!file->linked)
		return;
	if (!core_object_find(file->number) && !error_rate)
		MUST(on_disk->length == file->length);
	if (core_open(open_number(actor, open), file->number, on_disk->length, false) == 0) {
		on_disk->announced++;
		*open = (struct ref_open){ file, 0, false };
		file->opens++;
	} else {
		MUST(memory_short());
	}
}

static void seek(struct actor *actor)
{
	struct ref_open *open = some_open(actor);
	int64_t offset = random_below(60 * PAGE);
	unsigned whence = random_below(3);
	int64_t base = !open || whence == 0 ? 0 : whence == 1 ? open->offset : open->file->length;

	if (!open)
		return;
	if (one_in(3))
		offset = -offset;
	if (base + offset > 60 * (int64_t)PAGE)
		return;
	if (base + offset < 0) {
		MUST(core_seek(open_number(actor, open), offset, whence) == -EINVAL);
		return;
	}
	MUST(core_seek(open_number(actor, open), offset, whence) == base + offset);
	open->offset = base + offset;
}

static void compare_vmas(struct program *program)
{
	uint64_t pages = 0, mapped = 0;
	struct pager_vma vma = { 0 };

	while (core_vma_info(program->space, vma.end, &vma)) {
		for (uint64_t at = vma.start; at < vma.end; at += PAGE, pages++) {
			struct ref_page *page = page_at(&program->ref, at);

			MUST(page && page->mapped && page->prot == vma.prot && page->shared == !!(vma.flags & MAP_SHARED));
			MUST(vma.object == (page->file ? page->file->number : 0));
			MUST(!page->file || page->index == (vma.offset + at - vma.start) / PAGE);
		}
		MUST(vma.resident_pages <= (vma.end - vma.start) / PAGE);
	}
	for (uint64_t i = 0; i < LOW_PAGES; i++)
		mapped += program->ref.low[i].mapped;
	for (uint64_t i = 0; i < HIGH_PAGES; i++)
		mapped += program->ref.high[i].mapped;
	MUST(mapped == pages);
}

static void do_at_once(struct actor *actor)
{
	struct program *program = &actor->program[random_below(SPACES)];
	unsigned index = random_below(ACTOR_FILES);
	struct ref_file *file = &actor->file[index];
	struct ref_open *open = some_open(actor);

	switch (random_below(10)) {
	case 0: case 1: case 2:
		open_or_close(actor);
		break;
	case 3:
		seek(actor);
		break;
	case 4:
		if (open) {
			open->append = one_in(2);
			MUST(!core_set_append(open_number(actor, open), open->append));
		}
		break;
	case 5:
		if (program->space)
			compare_vmas(program);
		break;
	case 6:
		if (one_in(8))
			core_drop_caches();
		break;
	case 7:
		core_write_back_step();
		break;
	case 8:
		if (file->linked && one_in(12))
			file_unlink(file);
		else if (!file->linked && !file->opens && !file->mapped_pages && !disk[(file->number - 1) % FILES].announced)
			file_create(actor, index);
		break;
	default:
		if (!program->space)
			program_start(program);
	}
}

/* ---- the schedule */

static void operation_begin(struct actor *actor, struct operation *operation)
{
	bool (*choose)(struct actor *, struct operation *) = choose_operation;

	memset(operation, 0, offsetof(struct operation, buffer));
	if (one_in(6)) {
		do_at_once(actor);
		return;
	}
	if (!choose(actor, operation))
		return;
	if (operation->child) {
		program_start(operation->child);
		if (!operation->child->space)
			return;
		/* fork wants a fresh space: the stack that program_start gave it goes */
		program_kill(operation->child);
		operation->child->table = table_make();
		operation->child->space = core_space_create(operation->child->table, 7);
		if (!operation->child->space) {
			table_free(operation->child->table);
			return;
		}
	}
	for (unsigned i = 0; i < sizeof operation->buffer; i += 8)
		*(uint64_t *)&operation->buffer[i] = random_next();
	operation->refused_before = refused_blocks;
	operation->failed_before = failed_io;
	operation->active = operation->runnable = true;
}

static void actor_step(struct actor *actor)
{
	struct operation *operation = &actor->operation;
	long result;

	if (!operation->active) {
		operation_begin(actor, operation);
		steps++;
	} else if (operation->freeing) {
		if (one_in(3)) {
			disk_truncated(operation->file->number, operation->file->length);
			disk[(operation->file->number - 1) % FILES].truncating = false;
			operation->freeing = operation->active = false;
		}
	} else if (operation->runnable) {
		operation->runnable = false;
		result = try_operation(actor, operation);
		if (result == CORE_WAIT)
			return;
		MUST((!operation->waiter.link && !operation->waiter.held[0] && !operation->waiter.held[1]
			&& !operation->waiter.object && !operation->waiter.description) || result == CORE_AGAIN);
		operation->runnable = result == CORE_AGAIN;
		operation->active = result == CORE_AGAIN;
		if (result != CORE_AGAIN)
			judge(actor, operation, result);
	} else if (one_in(40) && may_cancel(operation)) {
		cancel(actor, operation);
	}
}

static bool stuck(void)
{
	for (unsigned i = 0; i < ACTORS; i++)
		if (!actor[i].operation.active || actor[i].operation.runnable || actor[i].operation.freeing)
			return false;
	return !queued;
}

static void actors_start(void)
{
	memset(actor, 0, sizeof actor);
	for (unsigned i = 0; i < ACTORS; i++) {
		actor[i].number = i;
		for (unsigned j = 0; j < ACTOR_FILES; j++)
			file_create(&actor[i], j);
		for (unsigned j = ACTOR_FILES; j < ACTOR_FILES + SHARED; j++)
			actor[i].file[j].anonymous = true;
		program_start(&actor[i].program[0]);
	}
}

static bool anyone_active(void)
{
	for (unsigned i = 0; i < ACTORS; i++)
		if (actor[i].operation.active)
			return true;
	return false;
}

/* Everything ends: all must be on the disk, and every frame free. */
static void actors_end(uint64_t free_before)
{
	struct operation sync = { .kind = SYNC_ALL };

	error_rate = again_rate = 0;
	while (anyone_active()) {
		for (unsigned i = 0; i < ACTORS; i++)
			if (actor[i].operation.active)
				actor_step(&actor[i]);
		world_answer();
		MUST(!stuck());
	}
	while (world_answer())
		;
	for (unsigned i = 0; i < 2; i++) {	/* the first one reports old errors */
		sync = (struct operation){ .kind = SYNC_ALL, .runnable = true };
		for (long status = CORE_WAIT; status == CORE_WAIT;) {
			while (!sync.runnable)
				MUST(world_answer());
			sync.runnable = false;
			status = core_object_sync(NULL, &sync.waiter);
		}
	}
	for (unsigned i = 0; i < ACTORS; i++) {
		for (unsigned j = 0; j < ACTOR_FILES; j++)
			disk_matches(&actor[i].file[j], 0, FILE_PAGES);
		for (unsigned j = 0; j < SPACES; j++)
			if (actor[i].program[j].space)
				program_kill(&actor[i].program[j]);
		for (unsigned j = 0; j < OPENS_EACH; j++)
			if (actor[i].open[j].file)
				file_close(&actor[i], &actor[i].open[j]);
	}
	core_check();
	core_drop_caches();
	while (world_answer())
		;
	core_drop_caches();
	core_check();
	for (unsigned i = 0; i < ACTORS * ACTOR_FILES; i++) {
		MUST(!disk[i].announced);
		for (uint64_t page = end_page(disk[i].length); page < FILE_PAGES; page++)
			MUST(!disk[i].block[page]);
	}
	MUST(!core_counters.objects && !core_counters.vmas && !core_counters.anons && !core_counters.cache_pages);
	MUST(core_counters.free_pages == free_before);
}

static void run(uint64_t seed_now, uint64_t count)
{
	uint64_t free_before;

	seed = seed_now;
	steps = 0;
	random_state = seed * 0x9e3779b97f4a7c15 + 1;
	world_start(120 + random_below(one_in(4) ? 800 : 160), 30 + random_below(one_in(2) ? 60 : 400));
	error_rate = one_in(4) ? 20 : 0;
	again_rate = one_in(3) ? 10 : 0;
	disk[0].number = disk[0].announced = 1;		/* the table of opens stays once it was needed */
	MUST(!core_open(1, 1, 0, false));
	core_close(1);
	while (world_answer())
		;
	core_drop_caches();
	free_before = core_counters.free_pages;
	actors_start();
	while (steps < count) {
		if (one_in(3))
			world_answer();
		actor_step(&actor[random_below(ACTORS)]);
		MUST(!stuck());
		if (!(steps % CHECK_EVERY))
			core_check();
	}
	reclaimed += core_counters.reclaimed;
	actors_end(free_before);
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000, total = 0, runs = 0;

	if (argc > 2) {
		run(strtoul(argv[2], NULL, 0), count);
		total = steps, runs = 1;
	}
	for (uint64_t i = 1; argc <= 2 && i <= 10; i++, runs++) {
		run(i, count);
		total += steps;
	}
	printf("%lu steps", total);
	for (unsigned i = 0; i < KINDS; i++)
		printf(" %lu", done_kind[i]);
	printf("; %lu cancelled, %lu out of memory, %lu without a block, %lu reads, %lu writes, %lu trims, %lu releases, %lu reclaimed\n", cancelled, out_of_memory, denied, reads, writes, trims, releases, reclaimed);
	printf("%lu passed, %lu failed\n", runs, failures);
	return failures != 0;
}
