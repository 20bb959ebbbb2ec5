/*
 * The pager's core against a model: actors do random steps (map, unmap, protect, load, store, read, write, fork, truncate, sync, unlink,
 * ...) on their own spaces and files, one operation per actor under way, all of them parked, woken and broken off in random order while the disk
 * answers when it likes. Every byte that a program or the disk shows is compared with pager_reference.h. Memory is small, so that
 * reclaim happens all the time. pager_chaos.c has callers that share everything and care for nothing.
 *
 *	pager_model [steps [seed]]		steps per seed, 200000; without a seed: ten of them, two million steps in all
 *
 * sources: servers/pager/core/
 */
#include "pager_judge.h"

static const char *const test_name = "pager_model";

#define CHECK_EVERY 512
#define IN_MEMORY (ACTOR_FILES - 1)	/* one file of each actor is in memory */

static void world_wake(struct waiter *waiter)
{
	((struct operation *)waiter)->runnable = true;
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
	if (core_map_stack(space, STACK_TOP, 2 * PAGE, STACK_LIMIT)) {	/* no memory: nor would exec begin such a program */
		program_kill(program);
		return;
	}
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
		status = do_fault(program->space, operation->address, operation->access, &operation->waiter, &item);
		if (status)
			return status;
		map(program->table, &item, operation->address, operation->access);
	}
}

/* Its writes could be left to somebody, but cannot: it is repeated and waits, as the shell has it do then. */
static long sync(const struct operation *operation, struct object *object, struct waiter *waiter)
{
	uint64_t ignored[3];
	long status;

	waiter->passes_on = one_in(2);
	do
		status = operation->kind == SYNC ? core_object_sync(object, waiter) :
			core_msync(operation->program->space, operation->address, operation->length, operation->flags, waiter, &ignored[0], &ignored[1], &ignored[2]);
	while (status == CORE_WRITES && (waiter->passes_on = false, true));
	return status;
}

static long try_operation(struct actor *actor, struct operation *operation)
{
	struct space *space = operation->program->space;
	struct waiter *waiter = &operation->waiter;
	struct object *object = operation->file && !operation->file->anonymous ? core_object_find(operation->file->number) : NULL;

	at_once = one_in(2);
	switch (operation->kind) {
	case LOAD: case STORE:
		return try_access(operation);
	case MMAP:
		return do_mmap(space, operation->address, operation->length, operation->prot, operation->flags,
			operation->flags & MAP_ANONYMOUS ? NULL : object, operation->offset, operation->max_prot, waiter);
	case MUNMAP:
		return do_munmap(space, operation->address, operation->length, waiter);
	case MPROTECT:
		return core_mprotect(space, operation->address, operation->length, operation->prot, waiter);
	case MADVISE:
		return core_madvise(space, operation->address, operation->length, operation->flags, waiter);
	case BRK:
		return core_brk(space, operation->address, waiter);
	case READ:
		return do_read(space, open_number(actor, operation->open), operation->address, operation->length, operation->position, operation->flags, waiter);
	case WRITE:
		return do_write(space, open_number(actor, operation->open), operation->address, operation->length, operation->position, operation->flags, waiter);
	case TRUNCATE:
		return core_object_truncate(object, operation->length, waiter);
	case SYNC: case MSYNC:
		return sync(operation, object, waiter);
	case SYNC_ALL:
		return core_object_sync(NULL, waiter);
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
/* ---- breaking off */

static bool may_cancel(const struct operation *operation)
{
	switch (operation->kind) {
	case LOAD: case STORE: case SYNC: case SYNC_ALL: case MSYNC: case OBJECT_READ: case FROM_USER: case TO_USER: case FORK: case READ: case WRITE: case TRUNCATE:
		return true;
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
	else if (operation->kind == LOAD || operation->kind == STORE)
		ref_grow(&operation->program->ref, operation->address);	/* the first try did that */
	else if (operation->kind == FORK)
		program_kill(operation->child);
	if (operation->kind != TRUNCATE)
		return;
	/* What programs see of a cut that was broken off happens soon: here it is over before anyone looks. */
	while (core_object_find(operation->file->number)->shown)
		MUST(core_deferred_step() || !core_object_find(operation->file->number)->shown);
	if (core_object_length(core_object_find(operation->file->number)) == operation->length) {
		judge_truncate(actor, operation, 0);
		if (disk[(operation->file->number - 1) % FILES].length < operation->length)	/* fs is not told of a growth that was broken off: here it is */
			disk[(operation->file->number - 1) % FILES].length = operation->length;
	}
	operation->freeing = operation->active = false;
	disk[(operation->file->number - 1) % FILES].truncating = false;
}

/* ---- what is done at once */

static void file_create(struct actor *actor, unsigned index)
{
	unsigned slot = actor->number * ACTOR_FILES + index;
	struct ref_file *file = &actor->file[index];
	struct disk_file *on_disk = &disk[slot];
	uint64_t number = on_disk->number ? on_disk->number + FILES : index == IN_MEMORY ? OBJECT_IN_MEMORY + slot + 1 : slot + 1;

	memset(file, 0, sizeof *file);
	memset(on_disk, 0, sizeof *on_disk);
	file->number = on_disk->number = number;
	file->linked = file->used = on_disk->linked = true;
	file->length = on_disk->length = random_below(20 * PAGE);
	for (uint64_t page = 0; page < end_page(file->length); page++) {
		if (one_in(4) || !blocks_free || index == IN_MEMORY)
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

	while (core_vma_info(program->space, vma.counted, one_in(2), &vma)) {
		MUST(vma.counted <= vma.end && vma.resident_pages <= vma.resident_most && vma.resident_most <= (vma.end - vma.start) / PAGE);
		if (vma.counted < vma.end)
			continue;
		for (uint64_t at = vma.start; at < vma.end; at += PAGE, pages++) {
			struct ref_page *page = page_at(&program->ref, at);

			MUST(page && page->mapped && page->prot == vma.prot && page->shared == !!(vma.flags & MAP_SHARED));
			MUST(vma.object == (page->file ? page->file->number : 0));
			MUST(!page->file || page->index == (vma.offset + at - vma.start) / PAGE);
		}
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
			drop_caches();
		else if (one_in(8))
			squeeze();
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
	return !queued && !later;
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
	squeeze_end();
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
		for (long status = CORE_WAIT; status == CORE_WAIT || status == CORE_AGAIN;) {
			while (!sync.runnable)
				MUST(world_answer());
			sync.runnable = false;
			status = core_object_sync(NULL, &sync.waiter);
			sync.runnable |= status == CORE_AGAIN;
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
		if (actor[i].file[IN_MEMORY].linked)
			file_unlink(&actor[i].file[IN_MEMORY]);		/* else its pages stay */
	}
	core_check();
	drop_caches();
	while (world_answer())
		;
	drop_caches();
	core_check();
	for (unsigned i = 0; i < ACTORS * ACTOR_FILES; i++) {
		MUST(!disk[i].announced);
		for (uint64_t page = end_page(disk[i].length); page < FILE_PAGES; page++)
			MUST(!disk[i].block[page]);
	}
	MUST(!core_counters.objects && !core_counters.vmas && !core_counters.anons && !core_counters.cache_pages);
	MUST(core_counters.free_pages == free_before);
}

static void check_all(void)
{
	core_check();
	for (unsigned i = 0; i < ACTORS; i++)
		for (unsigned j = 0; j < SPACES; j++)
			if (actor[i].program[j].space)
				check_table(actor[i].program[j].table);
}

static void run(uint64_t number, uint64_t count)
{
	uint64_t free_before;

	seed_begin(number);
	failed_io = 0;
	world_start(120 + random_below(one_in(4) ? 800 : 160), 30 + random_below(one_in(2) ? 60 : 400));
	core_slice_pages = some_slice_pages();
	error_rate = one_in(4) ? 20 : 0;
	again_rate = one_in(3) ? 10 : 0;
	core_counters.memory_pages_max = 10 + random_below(core_counters.memory_pages_max);
	disk[0].number = disk[0].announced = 1;		/* the table of opens stays once it was needed */
	MUST(!core_open(1, 1, 0, false));
	core_close(1);
	while (world_answer())
		;
	drop_caches();
	free_before = core_counters.free_pages;
	clear_ahead = one_in(2);
	actors_start();
	while (steps < count) {
		if (one_in(3))
			world_answer();
		if (one_in(9))
			world_rests(random_below(2 * CLEAR_FRAMES_MAX));
		actor_step(&actor[random_below(ACTORS)]);
		MUST(!stuck());
		if (!(steps % CHECK_EVERY))
			check_all();
	}
	reclaimed += core_counters.reclaimed;
	cleared_ahead += core_counters.cleared_ahead;
	actors_end(free_before);
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000, total = 0, runs = 0;

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
	printf("; %lu cancelled, %lu out of memory, %lu without a block, %lu reads, %lu writes, %lu trims, %lu releases, %lu reclaimed, %lu cleared ahead\n", cancelled, out_of_memory, denied, reads, writes, trims, releases, reclaimed, cleared_ahead);
	printf("%lu passed, 0 failed\n", runs);
	return 0;
}
