/*
 * Judges what the core answered to an operation of pager_model.c, and does the same to the reference. An error that the reference does not
 * expect is excused if the disk was full or broken, or memory short, meanwhile.
 */
#ifndef PAGER_JUDGE_H
#define PAGER_JUDGE_H

#include "pager_actor.h"

static bool memory_short(void)
{
	return error_rate || core_counters.free_pages + core_counters.cache_pages < core.want[1] + 64;
}

/* No block was to be had since the operation began, or no page for files in memory. */
static bool disk_full(const struct operation *operation)
{
	return refused_blocks > operation->refused_before || memory_short() || core_counters.memory_pages + 8 > core_counters.memory_pages_max;
}

/* May this failure come although the model expects success? The disk was full or broken, or memory short. */
static bool excused(const struct operation *operation, long result)
{
	if (result == -ENOMEM && memory_short()) {
		out_of_memory++;
		return true;
	}
	if (result == -ENOSPC && disk_full(operation))
		return ++denied;
	return result == -EIO && failed_io > operation->failed_before;
}

/* A block that came after the sync had looked, for a store that was broken off: its page is dirty until it is written. */
static bool given_since(const struct ref_file *file, uint64_t page)
{
	struct object *object = core_object_find(file->number);
	struct frame *frame = object ? pages_find(object, page) : NULL;

	return disk[(file->number - 1) % FILES].fresh[page] && frame && (frame->flags & PAGE_DIRTY);
}

static void disk_matches(const struct ref_file *file, uint64_t first, uint64_t last)
{
	const struct disk_file *on_disk = &disk[(file->number - 1) % FILES];

	if (file->anonymous || file->number & OBJECT_IN_MEMORY || !file->linked || error_rate)
		return;
	for (uint64_t page = first; page < last && page * PAGE < file->length; page++) {
		uint64_t valid = file->length - page * PAGE < PAGE ? file->length - page * PAGE : PAGE;

		for (uint64_t i = 0; i < valid && !given_since(file, page); i++)
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

/* After an operation that fell short: the reference has let the stack grow as far as the whole would have; the core perhaps not. */
static void settle_stack(struct program *program)
{
	for (uint64_t at = STACK_TOP - STACK_LIMIT; at < STACK_TOP; at += PAGE) {
		struct ref_page *page = page_at(&program->ref, at);
		struct pager_vma vma;

		if (page->mapped && page->stack && !page->copy && (!core_vma_info(program->space, at, false, &vma) || vma.start > at))
			ref_unmap_page(page);
	}
}

/*
 * A read takes the page that it copies to, a private one's copy included, before it has the bytes for it. So where it stopped too early,
 * for want of memory or because it was broken off, there may be a copy that shows no later change of the file, as on Linux.
 */
static void settle_copy(struct program *program, uint64_t address)
{
	struct ref_page *page = page_at(&program->ref, address);

	if (page && page->mapped && !page->shared && !page->copy && anon_find(program->space, address / PAGE))
		ref_copy(page);
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
	/* -ENOMEM of a hole and of memory look alike: the core may have stopped before the hole, or before a right that is missing. */
	if (excused(operation, result))
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
	if (result && (result != expected || memory_short())) {	/* short memory and a hole have the same errno: how far it came is not known */
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

static bool core_is_free(struct space *space, uint64_t start, uint64_t end)
{
	struct pager_vma vma;

	return !core_vma_info(space, start, false, &vma) || vma.start >= end;
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
	MUST(result == (long)operation->address);
	if (new < old && memory_short() && !core_is_free(operation->program->space, new, old)) {	/* a part had gone when memory ran out */
		program_kill(operation->program);
		return;
	}
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
	if (result < 0 || (uint64_t)result < may)
		settle_stack(operation->program);
	if (read && (result < 0 || (uint64_t)result < may))
		settle_copy(operation->program, operation->address + (result < 0 ? 0 : result));
	if (want && !may && !broken_off) {
		MUST(result == -EFAULT || excused(operation, result));
		return;
	}
	if (result < 0) {
		MUST(excused(operation, result) || (result == -EFAULT && (failed_io > operation->failed_before || disk_full(operation))));
		return;
	}
	MUST((uint64_t)result <= may);
	MUST((uint64_t)result == may || broken_off || memory_short() || failed_io > operation->failed_before || disk_full(operation));
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
	if (result < 0 || (uint64_t)result < may)
		settle_stack(operation->program);
	if (!may && !broken_off) {
		MUST(result == -EFAULT || excused(operation, result));
		return;
	}
	if (result < 0) {
		MUST(excused(operation, result) || (result == -EFAULT && disk_full(operation)));
		return;
	}
	MUST((uint64_t)result == may || broken_off || memory_short() || failed_io > operation->failed_before || disk_full(operation));
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
		MUST(result == -EIO ? failed_io > 0 : error_rate && result == -ENOMEM);	/* an old error is told late, even when the disk is well again */
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

#endif
