/*
 * The pager's core and callers that share everything and care for nothing: a dozen operations under way on four spaces, four files and eight
 * open descriptions, with any arguments, broken off at any time, on a disk that fails, with little memory. Nothing is compared but
 * what must hold whatever happens: the core's own check, answers that are answers, no frame lost at the end.
 *
 *	pager_chaos [steps [seed]]
 *
 * sources: servers/pager/core/
 */
#include "pager_random.h"

#include <sys/uio.h>

#define CALLERS 12
#define PROGRAMS 4
#define CHAOS_FILES 4
#define OPENS 8
#define BASE 0x100000UL
#define SPREAD 48UL 			/* pages that addresses mostly fall into */

static const char *const test_name = "pager_chaos";

struct program { struct space *space; struct table *table; bool taken; };	/* taken: by a fork or an end under way */

struct caller {
	struct waiter waiter;			/* first: world_wake */
	bool active, runnable;
	unsigned kind;
	struct program *program, *child;
	uint64_t address, length, offset, number, open;
	unsigned prot, max_prot, flags, access, transfer;
	struct object *object;			/* held: the server does, while a call names one */
	uint8_t buffer[3 * PAGE] __attribute__((aligned(16)));
};

static struct caller callers[CALLERS];
static struct program programs[PROGRAMS];
static uint64_t numbers[CHAOS_FILES];
static bool opened[OPENS];

enum { ACCESS, MMAP, MUNMAP, MPROTECT, MADVISE, BRK, READ, WRITE, TRUNCATE, SYNC, MSYNC, FORK, END, COPY, OBJECT, DROP, KINDS };

static uint64_t answers[KINDS], errors[KINDS];

static void world_wake(struct waiter *waiter)
{
	((struct caller *)waiter)->runnable = true;
}

static uint64_t some_number(void)
{
	switch (random_below(40)) {
	case 0: return random_next();
	case 1: return -random_below(3 * PAGE);
	case 2: return CORE_USER_END - random_below(2 * PAGE);
	case 3: return 1UL << random_below(64);
	case 4: return CORE_FILE_MAX - random_below(2 * PAGE);
	}
	return one_in(2) ? random_below(20) * PAGE : random_below(20 * PAGE);
}

static uint64_t some_address(void)
{
	uint64_t address = BASE + random_below(SPREAD) * PAGE;

	return one_in(20) ? some_number() : one_in(3) ? address + random_below(PAGE) : address;
}

/* ---- files and spaces */

static void file_make(unsigned index)
{
	struct disk_file *file = &disk[index];
	uint64_t number = numbers[index] ? numbers[index] + FILES : index + 1 + (index == 1 ? OBJECT_IN_MEMORY : 0);

	memset(file, 0, sizeof *file);
	file->number = numbers[index] = number;
	file->linked = true;
	file->length = random_below(12 * PAGE);
}

static void file_end(unsigned index)
{
	struct object *object = core_object_find(numbers[index]);

	disk[index].linked = false;
	if (object)
		core_object_unlinked(object);
	else if (!disk[index].announced)
		drop_blocks(&disk[index], 0);
}

static void open_some(void)
{
	unsigned open = random_below(OPENS), index = random_below(CHAOS_FILES);

	if (opened[open] && one_in(3)) {
		MUST(!core_close(open));
		opened[open] = false;
	} else if (!opened[open] && disk[index].linked && !core_open(open, numbers[index], disk[index].length, one_in(3))) {
		disk[index].announced++;
		opened[open] = true;
	}
}

static void program_make(struct program *program, bool bare)
{
	static uint64_t serial;

	program->table = table_make();
	program->space = core_space_create(program->table, ++serial);
	if (program->space && bare)
		return;
	if (program->space) {
		core_space_set_heap(program->space, BASE + (SPREAD - 10) * PAGE);
		if (one_in(2))
			core_map_stack(program->space, BASE + (SPREAD + 20) * PAGE, PAGE, 16 * PAGE);
		return;
	}
	table_free(program->table);
	program->table = NULL;
}

static void cancel(struct caller *caller);

static void cancel_users(struct program *program, struct caller *except)
{
	for (unsigned i = 0; i < CALLERS; i++)
		if (&callers[i] != except && callers[i].active && (callers[i].program == program || callers[i].child == program))
			cancel(&callers[i]);
}

static void program_end(struct program *program)
{
	struct waiter waiter = { 0 };
	long status;

	cancel_users(program, NULL);
	while ((status = core_space_destroy(program->space, &waiter)))
		MUST(status == CORE_AGAIN);
	table_free(program->table);
	*program = (struct program){ 0 };
}

static void let_go(struct caller *caller)
{
	if (caller->object)
		core_object_drop(caller->object);
	caller->object = NULL;
}

static void cancel(struct caller *caller)
{
	caller->active = false;
	core_cancel(&caller->waiter);
	let_go(caller);
	if (caller->kind == FORK)
		program_end(caller->child);
	if (caller->kind == END)
		caller->program->taken = false;
}

/* ---- calls */

static void choose(struct caller *caller)
{
	static const unsigned often[] = { ACCESS, ACCESS, ACCESS, ACCESS, MMAP, READ, WRITE, COPY };

	memset(caller, 0, offsetof(struct caller, buffer));
	caller->kind = one_in(2) ? often[random_below(sizeof often / sizeof *often)] : random_below(KINDS);
	caller->program = &programs[random_below(PROGRAMS)];
	if (!caller->program->space || caller->program->taken)
		return;
	caller->address = some_address();
	caller->length = some_number();
	if (caller->kind == MUNMAP && !one_in(20))
		caller->length %= 4 * PAGE;
	caller->offset = some_number();
	if (!one_in(8))
		caller->offset &= ~(PAGE - 1);
	caller->prot = caller->kind == COPY ? random_below(2) : one_in(4) ? random_below(8) : (PROT_READ | PROT_WRITE);
	caller->flags = one_in(30) ? random_next() : (one_in(2) ? MAP_SHARED : MAP_PRIVATE) | (one_in(2) ? MAP_ANONYMOUS : 0) | (one_in(8) ? 0 : MAP_FIXED);
	caller->max_prot = one_in(8) ? random_below(8) : 7;
	caller->transfer = one_in(3) ? random_below(5) : TRANSFER_AT;
	if (caller->transfer & TRANSFER_VECTOR)
		caller->length = one_in(10) ? caller->length : random_below(5);
	if (caller->kind == ACCESS)
		caller->address &= ~(PAGE - 1) | 0xff;
	caller->access = 1U << random_below(3);
	caller->open = one_in(30) ? some_number() : random_below(OPENS);
	caller->number = numbers[random_below(CHAOS_FILES)];
	if (caller->kind == FORK) {
		for (unsigned i = 0; i < PROGRAMS && !caller->child; i++)
			if (!programs[i].space)
				caller->child = &programs[i];
		if (!caller->child)
			return;
		program_make(caller->child, true);
		if (!caller->child->space)
			return;
		caller->child->taken = true;
	}
	if (caller->kind == END) {
		if (!one_in(12))
			return;
		cancel_users(caller->program, caller);
		caller->program->taken = true;
	}
	caller->object = core_object_find(caller->number);
	if (caller->object)
		core_object_hold(caller->object);
	caller->active = caller->runnable = true;
}

static long access_memory(struct caller *caller)
{
	struct map_item item;
	uint8_t *at = reach(caller->program->table, caller->address, caller->access);
	long status;

	if (at && (caller->access & ACCESS_WRITE))
		*at = random_next();
	if (at)
		return 0;
	status = do_fault(caller->program->space, caller->address, caller->access, &caller->waiter, &item);
	if (!status) {
		map(caller->program->table, &item, caller->address, caller->access);
		at = reach(caller->program->table, caller->address, caller->access);
		MUST(at);
		if (caller->access & ACCESS_WRITE)
			*at = random_next();
	}
	return status;
}

static long cut(struct caller *caller, struct object *object)
{
	uint64_t length = caller->length % (30 * PAGE);
	long status = object ? core_object_truncate(object, length, &caller->waiter) : 0;

	if (object && !status)
		disk_truncated(caller->number, length);
	return status;
}

static long copy(struct caller *caller)
{
	uint64_t bytes = caller->offset % sizeof caller->buffer;
	struct iovec *vector = (struct iovec *)caller->buffer;

	for (unsigned i = 0; i < 16; i++)
		vector[i] = (struct iovec){ (void *)some_address(), some_number() % (2 * PAGE) };
	if (caller->prot & 1)
		return core_copy_in(caller->program->space, caller->address, caller->buffer, bytes, &caller->waiter);
	return core_copy_out(caller->program->space, caller->address, caller->buffer, bytes, &caller->waiter);
}

static long attempt(struct caller *caller)
{
	struct space *space = caller->program->space;
	struct waiter *waiter = &caller->waiter;
	struct object *object = caller->object;
	uint64_t ignored[3];

	at_once = one_in(2);
	switch (caller->kind) {
	case ACCESS:
		return access_memory(caller);
	case MMAP:
		return do_mmap(space, caller->address, caller->length, caller->prot, caller->flags, caller->flags & MAP_ANONYMOUS ? NULL : object,
			caller->offset, caller->max_prot, waiter);
	case MUNMAP:
		return do_munmap(space, caller->address, caller->length, waiter);
	case MPROTECT:
		return core_mprotect(space, caller->address, caller->length, caller->prot, waiter);
	case MADVISE:
		return core_madvise(space, caller->address, caller->length, caller->access + 2, waiter);
	case BRK:
		return core_brk(space, caller->address, waiter);
	case READ:
		return do_read(space, caller->open, caller->address, caller->length, caller->offset, caller->transfer, waiter);
	case WRITE:
		return do_write(space, caller->open, caller->address, caller->length, caller->offset, caller->transfer, waiter);
	case TRUNCATE:
		return cut(caller, object);
	case SYNC:
		return core_object_sync(object, waiter);
	case MSYNC:
		return core_msync(space, caller->address, caller->length, caller->access, waiter, &ignored[0], &ignored[1], &ignored[2]);
	case FORK:
		return core_space_fork(space, caller->child->space, waiter);
	case END:
		return core_space_destroy(space, waiter);
	case COPY:
		return copy(caller);
	case DROP:
		return core_drop_caches(waiter);
	default:
		return object ? core_object_read(object, caller->offset, caller->buffer, sizeof caller->buffer, waiter) : 0;
	}
}

static void finished(struct caller *caller, long result)
{
	caller->active = false;
	answers[caller->kind]++;
	errors[caller->kind] += result < 0;
	let_go(caller);
	MUST(result >= -4095);
	MUST(!caller->waiter.link && !caller->waiter.held[0] && !caller->waiter.held[1] && !caller->waiter.object && !caller->waiter.description);
	if (caller->kind == END) {
		table_free(caller->program->table);
		*caller->program = (struct program){ 0 };
	}
	if (caller->kind != FORK)
		return;
	if (result)
		program_end(caller->child);
	else
		caller->child->taken = false;
}

static void seldom(void)
{
	unsigned index = random_below(CHAOS_FILES), program = random_below(PROGRAMS);

	switch (random_below(8)) {
	case 0: case 1: case 2:
		open_some();
		break;
	case 3:
		core_seek(random_below(OPENS + 1), some_number(), random_below(6));
		break;
	case 4:
		if (one_in(8))
			squeeze();
		break;
	case 5:
		core_write_back_step();
		break;
	case 6:
		if (disk[index].linked && one_in(200))
			file_end(index);
		else if (!disk[index].linked && !disk[index].announced && !core_object_find(numbers[index]))
			file_make(index);
		break;
	default:
		if (!programs[program].space)
			program_make(&programs[program], false);
	}
}

static void step(struct caller *caller)
{
	long result;

	steps++;
	if (!caller->active) {
		if (one_in(5))
			seldom();
		else
			choose(caller);
		return;
	}
	if (one_in(30) && caller->kind != END) {
		cancel(caller);
		return;
	}
	if (!caller->runnable)
		return;
	caller->runnable = false;
	result = attempt(caller);
	if (result == CORE_AGAIN)
		caller->runnable = true;
	else if (result != CORE_WAIT)
		finished(caller, result);
}

static void finish_all(uint64_t free_before)
{
	error_rate = again_rate = 0;
	squeeze_end();
	for (unsigned i = 0; i < CALLERS; i++)
		if (callers[i].active && callers[i].kind != END)
			cancel(&callers[i]);
	for (unsigned i = 0; i < CALLERS; i++)
		if (callers[i].active)
			cancel(&callers[i]);
	for (unsigned i = 0; i < PROGRAMS; i++)
		if (programs[i].space)
			program_end(&programs[i]);
	for (unsigned i = 0; i < OPENS; i++)
		if (opened[i])
			MUST(!core_close(i)), opened[i] = false;
	while (world_answer())
		;
	core_check();
	for (unsigned i = 0; i < CHAOS_FILES; i++)	/* dirty pages whose writes failed go with their files */
		file_end(i);
	while (world_answer())
		;
	drop_caches();
	while (world_answer())
		;
	drop_caches();
	core_check();
	MUST(!core_counters.objects && !core_counters.vmas && !core_counters.anons && !core_counters.cache_pages);
	MUST(core_counters.free_pages == free_before);
}

static void check_all(void)
{
	core_check();
	for (unsigned i = 0; i < PROGRAMS; i++)
		if (programs[i].space)
			check_table(programs[i].table);
}

static void run(uint64_t number, uint64_t count)
{
	uint64_t free_before;
	const char *name;

	seed_begin(number);
	world_start(110 + random_below(one_in(3) ? 2000 : 150), 40 + random_below(300));
	name = core_policy_name(random_below(3));
	MUST(core_set_policy(name, strlen(name)));
	name = core_read_ahead_name(random_below(2));
	MUST(core_set_read_ahead(name, strlen(name)));
	memset(numbers, 0, sizeof numbers);
	core_slice_pages = some_slice_pages();
	error_rate = one_in(2) ? 15 : 0;
	again_rate = one_in(2) ? 10 : 0;
	for (unsigned i = 0; i < CHAOS_FILES; i++)
		file_make(i);
	MUST(!core_open(0, 1, disk[0].length, false) && !core_close(0));
	disk[0].announced++;
	while (world_answer())
		;
	drop_caches();
	free_before = core_counters.free_pages;
	clear_ahead = one_in(2);
	while (steps < count) {
		if (one_in(3))
			world_answer();
		if (one_in(9))
			world_rests(random_below(2 * CLEAR_FRAMES_MAX));
		step(&callers[random_below(CALLERS)]);
		if (!(steps % 256))
			check_all();
	}
	finish_all(free_before);
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoul(argv[1], NULL, 0) : 300000, runs = 0;

	if (argc > 2) {
		run(strtoul(argv[2], NULL, 0), count);
		runs = 1;
	}
	for (; argc <= 2 && runs < 10; runs++)
		run(runs + 1, count);
	printf("%lu steps; answers (errors):", runs * count);
	for (unsigned i = 0; i < KINDS; i++)
		printf(" %lu (%lu)", answers[i], errors[i]);
	printf("\n%lu passed, 0 failed\n", runs);
	return 0;
}
