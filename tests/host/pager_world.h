/*
 * The world below the pager's core, played for its host tests (pager_core.c, pager_model.c): page memory and page tables
 * (tools/simulate/page_tables.h), and a file server with a disk that answers in random order, with errors if wanted. It checks what
 * the core promises to it: items name page memory, only blocks that exist are written, no tail past the end reaches the disk.
 */
#ifndef PAGER_WORLD_H
#define PAGER_WORLD_H

#include "internal.h"
#include "page_tables.h"
#include "ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GARBAGE 0xdd		/* what a deleted file left in a free block */

static uint64_t random_state = 1;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

static uint64_t random_below(uint64_t bound)
{
	return bound ? (random_next() >> 11) % bound : 0;
}

/* ---- the operations that may end at once, tried so or not before they are begun */

static bool at_once;

static bool tries_at_once(const struct waiter *waiter)
{
	static const struct waiter fresh;

	return at_once && !memcmp(waiter, &fresh, sizeof fresh);
}

static inline long do_fault(struct space *space, uint64_t address, unsigned access, struct waiter *waiter, struct map_item *item)
{
	struct map_page page;
	enum at_once result = tries_at_once(waiter) ? core_fault_at_once(space, address, access, &page, item) : NOT_AT_ONCE;

	if (result == NOT_AT_ONCE)
		return core_fault(space, address, access, waiter, item);
	if (result == ONE_PAGE)
		*item = (struct map_item){ .address = address & -PAGE, .rights = page.rights, .pages = 1, .frame = { page.frame } };
	return 0;
}

static inline long do_read(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags, struct waiter *waiter)
{
	long done = tries_at_once(waiter) ? core_read_at_once(space, open, address, count, position, flags) : CORE_WAIT;

	return done == CORE_WAIT ? core_read(space, open, address, count, position, flags, waiter) : done;
}

static inline long do_write(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags, struct waiter *waiter)
{
	long done = tries_at_once(waiter) ? core_write_at_once(space, open, address, count, position, flags) : CORE_WAIT;

	return done == CORE_WAIT ? core_write(space, open, address, count, position, flags, waiter) : done;
}

/* As the straight way asks: only for memory without a file. */
static inline long do_mmap(struct space *space, uint64_t address, uint64_t length, unsigned prot, unsigned flags, struct object *object, uint64_t offset,
	unsigned max_prot, struct waiter *waiter)
{
	bool tried = tries_at_once(waiter) && !object && (flags & MAP_ANONYMOUS) && max_prot == (PROT_READ | PROT_WRITE | PROT_EXEC);
	long place = tried ? core_mmap_at_once(space, address, length, prot, flags) : CORE_WAIT;

	return place == CORE_WAIT ? core_mmap(space, address, length, prot, flags, object, offset, max_prot, waiter) : place;
}

static inline long do_munmap(struct space *space, uint64_t address, uint64_t length, struct waiter *waiter)
{
	long status = tries_at_once(waiter) ? core_munmap_at_once(space, address, length) : CORE_WAIT;

	return status == CORE_WAIT ? core_munmap(space, address, length, waiter) : status;
}

/* Whatever is in a page table is found from its frame. */
struct sought { struct table *table; uint64_t address; bool found; };

static void seek_mapping(struct vma *vma, uint64_t address, void *context)
{
	struct sought *sought = context;

	sought->found |= vma->space->table == sought->table && address == sought->address;
}

/* A truncation under way has it in hand. */
static bool copy_past_a_cut(const struct frame *sought)
{
	for (const struct object *object = core.all_objects; object; object = object->next)
		for (const struct frame *frame = object->copies; frame; frame = frame->next)
			if (object->shown && frame == sought)
				return true;
	return false;
}

static void check_table(struct table *table)
{
	uint64_t *entry;

	for (struct sought sought = { .table = table }; (entry = entry_next(table, &sought.address, CORE_USER_END)); sought.address += PAGE) {
		struct frame *frame = frame_of(bytes_at(*entry & ~(PAGE - 1)));

		sought.found = frame == core.zero || copy_past_a_cut(frame);
		if (!sought.found)
			frame_each_mapping(frame, seek_mapping, &sought);
		MUST(sought.found);
	}
}

/* ---- the file server and its disk. A file's number is generation * FILES + index + 1; those in memory have OBJECT_IN_MEMORY besides. */

#ifndef FILES
#define FILES 64
#endif
#define FILE_PAGES 96UL			/* bytes are kept for so many; pages past them are holes */

struct disk_file {
	uint64_t number, length, announced;	/* on disk; uses told to the pager */
	uint8_t *block[FILE_PAGES];
	bool fresh[FILE_PAGES];			/* the block was given and not yet written */
	bool linked, truncating;
};

static struct disk_file disk[FILES];
static uint64_t blocks_free, reads, writes, releases, trims, refused_blocks, failed_io, requests_seen;
static unsigned error_rate, again_rate;		/* one in so many; 0: none */
static struct core_request *queue_of_requests;
static unsigned queued, queue_room;

static uint64_t served;		/* what was asked last of a program's pager, which never answers by itself */

static void world_request(const struct core_request *request)
{
	if (request->pager) {
		MUST(request->operation == FS_REQUEST_page_in && request->count == 1 && (request->object & OBJECT_IN_MEMORY));
		served = request->id;
		return;
	}
	if (queued == queue_room) {
		queue_room = queue_room ? 2 * queue_room : 64;
		queue_of_requests = realloc(queue_of_requests, queue_room * sizeof *request);
	}
	queue_of_requests[queued++] = *request;
	requests_seen++;
	MUST(request->operation == FS_REQUEST_release || request->operation == FS_REQUEST_trim || request->count);
	MUST(request->operation == FS_REQUEST_release || request->operation == FS_REQUEST_trim || !(request->object & OBJECT_IN_MEMORY));
	MUST(request->object && disk[(request->object - 1) % FILES].number == request->object);
	for (unsigned i = 0; i < request->count && (request->operation == FS_REQUEST_page_in || request->operation == FS_REQUEST_write); i++)
		bytes_at(request->frame[i]);
}

static void drop_blocks(struct disk_file *file, uint64_t first)
{
	for (uint64_t page = first; page < FILE_PAGES; page++) {
		if (!file->block[page])
			continue;
		free(file->block[page]);
		file->block[page] = NULL;
		blocks_free++;
	}
}

static uint8_t **block_of(struct disk_file *file, uint64_t page)
{
	return page < FILE_PAGES ? &file->block[page] : NULL;
}

static int64_t answer_page_in(struct disk_file *file, const struct core_request *request, uint64_t *holes)
{
	for (unsigned i = 0; i < request->count; i++) {
		uint64_t page = request->first + i;
		uint8_t **block = block_of(file, page);

		if (!block || !*block || page * PAGE >= file->length) {
			*holes |= 1UL << i;
			continue;
		}
		memcpy(bytes_at(request->frame[i]), *block, PAGE);
		reads++;
	}
	return 0;
}

/*
 * Bytes past the end are zero: past the end when the write began, or, since a page under write may be written again, past the end now. If the file
 * grew meanwhile and was cut again, they may be anything: the truncation waits for this write, and then frees the block.
 */
static uint64_t written_at;	/* what the last write said of its time */

static int64_t answer_write(struct disk_file *file, const struct core_request *request)
{
	const struct object *object = core_object_find(request->object);
	uint64_t length = object->length > request->length ? object->length : request->length;

	for (unsigned i = 0; i < request->count; i++) {
		uint64_t page = request->first + i;
		uint8_t **block = block_of(file, page), *from = bytes_at(request->frame[i]);

		MUST(block && *block);
		MUST(page * PAGE < request->length);
		for (uint64_t at = length - page * PAGE; at < PAGE && page < object_end(object); at++)
			MUST(!from[at]);
		memcpy(*block, from, PAGE);
		file->fresh[page] = false;
		writes++;
	}
	if (request->length > file->length)
		file->length = request->length;
	written_at = request->modified;
	return 0;
}

static int64_t answer_allocate(struct disk_file *file, const struct core_request *request, uint64_t *given)
{
	uint64_t most = 1 + random_below(request->count);

	for (; *given < most; ++*given) {
		uint8_t **block = block_of(file, request->first + *given);

		if (!block || (!*block && !blocks_free))
			break;
		if (*block)
			continue;
		blocks_free--;
		*block = malloc(PAGE);
		memset(*block, GARBAGE, PAGE);
		file->fresh[request->first + *given] = true;
	}
	refused_blocks += !*given;
	return *given ? 0 : -ENOSPC;
}

static int64_t answer_release(struct disk_file *file, const struct core_request *request)
{
	MUST(request->length <= file->announced);
	file->announced -= request->length;
	releases++;
	if (!file->announced && !file->linked) {
		drop_blocks(file, 0);
		file->length = 0;
	}
	return 0;
}

static int64_t answer_trim(struct disk_file *file, const struct core_request *request)
{
	drop_blocks(file, request->first);
	if (file->length > request->length)
		file->length = request->length;
	trims++;
	return 0;
}

static bool blocks_being_freed(const struct disk_file *file, const struct core_request *request)
{
	return (request->operation == FS_REQUEST_allocate || request->operation == FS_REQUEST_page_in) && file->truncating;
}

static bool later;		/* the core wants core_deferred_step */

static void world_later(void)
{
	later = true;
}

/* Answers one request of the queue, any one, or does a piece of what the core has put off. False: there was none. */
static bool world_answer(void)
{
	unsigned i;
	struct core_request request;
	struct disk_file *file;
	int64_t status = 0;
	uint64_t value = 0;

	if (later && (!queued || random_below(2))) {
		later = core_deferred_step();
		return true;
	}
	if (!queued)
		return false;
	i = random_below(queued);
	request = queue_of_requests[i];
	queue_of_requests[i] = queue_of_requests[--queued];
	file = &disk[(request.object - 1) % FILES];
	if (blocks_being_freed(file, &request) || (again_rate && request.operation != FS_REQUEST_release && request.operation != FS_REQUEST_write
		&& request.operation != FS_REQUEST_trim && !random_below(again_rate)))
		status = -EAGAIN;
	else if (error_rate && (request.operation == FS_REQUEST_page_in || request.operation == FS_REQUEST_write) && !random_below(error_rate))
		status = -EIO, failed_io++;
	else if (request.operation == FS_REQUEST_page_in)
		status = answer_page_in(file, &request, &value);
	else if (request.operation == FS_REQUEST_write)
		status = answer_write(file, &request);
	else if (request.operation == FS_REQUEST_allocate)
		status = answer_allocate(file, &request, &value);
	else if (request.operation == FS_REQUEST_release)
		status = answer_release(file, &request);
	else if (request.operation == FS_REQUEST_trim)
		status = answer_trim(file, &request);
	else
		MUST(!"a request that fs knows");
	core_complete(request.id, status, value);
	return true;
}

static inline void drop_caches(void)
{
	struct waiter waiter = { 0 };

	while (core_drop_caches(&waiter))
		;
}

/* What fs does after PAGER_truncate came back: sets the length, frees blocks. Nothing past the end may be under way. */
static void disk_truncated(uint64_t number, uint64_t length)
{
	struct disk_file *file = &disk[(number - 1) % FILES];

	for (unsigned i = 0; i < queued; i++) {
		MUST(queue_of_requests[i].object != number || queue_of_requests[i].operation != FS_REQUEST_write || queue_of_requests[i].length <= length);
		MUST(queue_of_requests[i].object != number || queue_of_requests[i].operation >= FS_REQUEST_release
			|| queue_of_requests[i].first + queue_of_requests[i].count <= (length + PAGE - 1) / PAGE);
	}
	drop_blocks(file, (length + PAGE - 1) / PAGE);
	file->length = length;
}

/* ---- memory that somebody else has for a while */

static struct frame *squeezed;

static inline void squeeze_end(void)
{
	while (squeezed) {
		struct frame *frame = squeezed;

		squeezed = frame->next;
		frame_free(frame);
	}
}

static inline void squeeze_to(uint64_t rest)
{
	while (core_counters.free_pages > rest) {
		struct frame *frame = frame_take(FRAME_OWN);

		frame->next = squeezed;
		squeezed = frame;
	}
}

/* Begins or ends. */
static inline void squeeze(void)
{
	if (squeezed)
		squeeze_end();
	else
		squeeze_to(random_below(2 * WANT_STEP));
}

/* ---- start */

static uint64_t clock_now = 1;

static uint64_t world_now(void)
{
	return clock_now++;
}

static void world_wake(struct waiter *waiter);		/* the test's */

static _Noreturn void world_broken(const char *fact)
{
	fail_at("core", 0, fact);
}

static bool clear_ahead;

static void world_clear_ahead(void)
{
	clear_ahead = true;
}

/* Nobody is ready for a while. */
static inline void world_rests(uint64_t frames)
{
	while (clear_ahead && frames--)
		clear_ahead = core_clear_ahead();
}

static const struct core_ops world_ops = {
	.unmap = world_unmap, .protect = world_protect, .scan = world_scan,
	.request = world_request, .wake = world_wake, .later = world_later, .clear_ahead = world_clear_ahead, .now = world_now, .broken = world_broken,
};

static void world_start(uint64_t pages, uint64_t blocks)
{
	free(memory);
	memory_pages = pages;
	memory = aligned_alloc(PAGE, pages * PAGE);
	memset(memory, 0xa5, pages * PAGE);
	for (unsigned i = 0; i < FILES; i++)
		drop_blocks(&disk[i], 0);
	memset(disk, 0, sizeof disk);
	queued = 0;
	later = clear_ahead = false;
	squeezed = NULL;
	blocks_free = blocks;
	core_init(&world_ops, (uintptr_t)memory - LOWEST, LOWEST, LOWEST + pages * PAGE);
	core_add_memory(LOWEST, pages);
}

#endif
