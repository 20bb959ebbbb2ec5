/*
 * What Linux's semantics say that programs and the disk must see, kept as plain bytes: the reference of pager_model.c. Files are byte
 * arrays; a space is an array of pages, each with its rights and, if it is private and was written, a full copy. Knows nothing of the core.
 *
 * A byte is UNKNOWN where nothing is promised: past the end of a file in its last page, once a store went there.
 */
#ifndef PAGER_REFERENCE_H
#define PAGER_REFERENCE_H

#include "pager_random.h"

#define UNKNOWN 0x100
#define LOW_PAGES 320UL
#define HIGH_PAGES 1600UL
#define FIRST_PAGE (USER_START / PAGE)
#define HIGH_FIRST (CORE_USER_END / PAGE - HIGH_PAGES)
#define STACK_TOP (CORE_USER_END - 16 * PAGE)
#define STACK_LIMIT (24 * PAGE)
#define MMAP_TOP (STACK_TOP - STACK_LIMIT - PAGE)

struct ref_file {
	uint64_t number, length;
	bool anonymous;				/* shared memory without a file */
	bool tail_unknown;
	unsigned opens, mapped_pages;
	bool linked, used;
	uint8_t bytes[FILE_PAGES * PAGE];
};

struct ref_page {
	bool mapped, shared, stack;
	uint8_t prot, max_prot;
	struct ref_file *file;			/* null: private, of nothing */
	uint32_t index;
	uint16_t *copy;				/* private and written */
};

struct ref_space {
	struct ref_page low[LOW_PAGES], high[HIGH_PAGES];
	uint64_t heap_start, heap_end;
};

static struct ref_page *page_at(struct ref_space *space, uint64_t address)
{
	uint64_t page = address / PAGE;

	if (page >= FIRST_PAGE && page < FIRST_PAGE + LOW_PAGES)
		return &space->low[page - FIRST_PAGE];
	return page >= HIGH_FIRST && page < CORE_USER_END / PAGE ? &space->high[page - HIGH_FIRST] : NULL;
}

static bool ref_mapped(struct ref_space *space, uint64_t address)
{
	struct ref_page *page = page_at(space, address);

	return page && page->mapped;
}

static bool ref_free(struct ref_space *space, uint64_t start, uint64_t end)
{
	for (; start < end; start += PAGE)
		if (ref_mapped(space, start))
			return false;
	return true;
}

/* The address that a top-down search must find; 0: none in the window that is modelled. */
static uint64_t ref_gap(struct ref_space *space, uint64_t bytes)
{
	uint64_t run = 0;

	for (uint64_t at = MMAP_TOP; at > HIGH_FIRST * PAGE;) {
		at -= PAGE;
		run = ref_mapped(space, at) ? 0 : run + PAGE;
		if (run == bytes)
			return at;
	}
	return 0;
}

static void ref_unmap_page(struct ref_page *page)
{
	if (page->mapped && page->file)
		page->file->mapped_pages--;
	free(page->copy);
	memset(page, 0, sizeof *page);
}

static void ref_unmap(struct ref_space *space, uint64_t start, uint64_t end)
{
	for (; start < end; start += PAGE)
		if (page_at(space, start))
			ref_unmap_page(page_at(space, start));
}

static void ref_map(struct ref_space *space, uint64_t start, uint64_t end, const struct ref_page *like)
{
	ref_unmap(space, start, end);
	for (uint32_t i = 0; start < end; start += PAGE, i++) {
		struct ref_page *page = page_at(space, start);

		MUST(page);
		*page = *like;
		page->mapped = true;
		page->index += i;
		if (page->file)
			page->file->mapped_pages++;
	}
}

static void ref_fork_window(struct ref_page *to, const struct ref_page *from, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		to[i] = from[i];
		if (from[i].mapped && from[i].file)
			from[i].file->mapped_pages++;
		if (from[i].copy)
			to[i].copy = memcpy(malloc(PAGE * sizeof(uint16_t)), from[i].copy, PAGE * sizeof(uint16_t));
	}
}

static void ref_fork(struct ref_space *child, const struct ref_space *parent)
{
	*child = (struct ref_space){ .heap_start = parent->heap_start, .heap_end = parent->heap_end };
	ref_fork_window(child->low, parent->low, LOW_PAGES);
	ref_fork_window(child->high, parent->high, HIGH_PAGES);
}

static void ref_destroy(struct ref_space *space)
{
	ref_unmap(space, FIRST_PAGE * PAGE, (FIRST_PAGE + LOW_PAGES) * PAGE);
	ref_unmap(space, HIGH_FIRST * PAGE, CORE_USER_END);
}

/* A stack below which the page lies grows to it, as an access there makes it. */
static void ref_grow(struct ref_space *space, uint64_t address)
{
	uint64_t at = address / PAGE * PAGE, above = at;
	struct ref_page like;

	if (at < STACK_TOP - STACK_LIMIT || at >= STACK_TOP || ref_mapped(space, at))
		return;
	while (above < STACK_TOP && !ref_mapped(space, above))
		above += PAGE;
	if (above == STACK_TOP || !page_at(space, above)->stack || ref_mapped(space, at - PAGE))
		return;
	like = *page_at(space, above);
	like.copy = NULL;
	ref_map(space, at, above, &like);
}

/* 0, or the error that an access must get. */
static long ref_access(struct ref_space *space, uint64_t address, unsigned access)
{
	unsigned need = access & ACCESS_WRITE ? PROT_WRITE : access & ACCESS_EXECUTE ? PROT_EXEC : PROT_READ | PROT_WRITE;
	struct ref_page *page;

	ref_grow(space, address);
	page = page_at(space, address);
	if (!page || !page->mapped || !(page->prot & need))
		return -EFAULT;
	return page->file && page->index >= (page->file->length + PAGE - 1) / PAGE ? -EIO : 0;
}

/* How many of the bytes from address on the core may touch. */
static uint64_t ref_prefix(struct ref_space *space, uint64_t address, uint64_t bytes, unsigned access)
{
	uint64_t done = 0;

	while (done < bytes && address + done < CORE_USER_END && !ref_access(space, address + done, access))
		done += PAGE - (address + done) % PAGE;
	return done < bytes ? done : bytes;
}

static unsigned file_byte(const struct ref_file *file, uint64_t offset)
{
	if (offset < file->length)
		return file->bytes[offset];
	return file->tail_unknown ? UNKNOWN : 0;
}

static unsigned ref_load(struct ref_space *space, uint64_t address)
{
	struct ref_page *page = page_at(space, address);

	if (page->copy)
		return page->copy[address % PAGE];
	return page->file ? file_byte(page->file, page->index * PAGE + address % PAGE) : 0;
}

/* A private page gets bytes of its own: those that it shows now. */
static void ref_copy(struct ref_page *page)
{
	page->copy = malloc(PAGE * sizeof *page->copy);
	for (unsigned i = 0; i < PAGE; i++)
		page->copy[i] = page->file ? file_byte(page->file, page->index * PAGE + i) : 0;
}

static void ref_store(struct ref_space *space, uint64_t address, uint8_t byte)
{
	struct ref_page *page = page_at(space, address);
	uint64_t offset = page->index * PAGE + address % PAGE;

	if (page->shared) {
		if (offset < page->file->length)
			page->file->bytes[offset] = byte;
		else
			page->file->tail_unknown = true;
		return;
	}
	if (!page->copy)
		ref_copy(page);
	page->copy[address % PAGE] = byte;
}

/* Growing: what was past the end reads as zero. The rest of the page past the new end is as unknown as before. */
static void ref_grow_file(struct ref_file *file, uint64_t length)
{
	if (length <= file->length)
		return;
	memset(file->bytes + file->length, 0, length - file->length);
	if (length / PAGE != file->length / PAGE)
		file->tail_unknown = false;
	file->length = length;
}

static void ref_cut_window(struct ref_page *pages, uint64_t count, const struct ref_file *file)
{
	for (uint64_t i = 0; i < count; i++) {
		if (pages[i].file != file || pages[i].index < (file->length + PAGE - 1) / PAGE)
			continue;
		free(pages[i].copy);
		pages[i].copy = NULL;
	}
}

#endif
