/*
 * Who acts in pager_model.c: an actor has programs (spaces with their reference), files, open descriptions, and one operation under way. Here it
 * chooses the next one: mostly near what exists, sometimes anywhere.
 */
#ifndef PAGER_ACTOR_H
#define PAGER_ACTOR_H

#include "pager_reference.h"

#define ACTORS 4
#define SPACES 3
#define ACTOR_FILES 3
#define SHARED 4
#define OPENS_EACH 4

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
	bool active, runnable, freeing;
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
static uint64_t done_kind[KINDS], out_of_memory, cancelled, denied, reclaimed, cleared_ahead;

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
		for (uint64_t i = at; !write && i < address + bytes && i / PAGE == at / PAGE; i++)
			if (ref_load(&program->ref, i) == UNKNOWN)
				return false;
	}
	return true;
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
		return good_buffer(operation->program, operation->address, operation->length, NULL, operation->kind == TO_USER);
	default:
		return true;
	}
}

#endif
