/*
 * Pages for the server's records, and numbered records of one size in such pages. Memory given to a table stays with it:
 * records are few and small. Nothing here waits; no memory is an answer that the caller passes on (ENFILE, ENOMEM).
 */
#include "core.h"

struct free_page { struct free_page *next; };

static struct free_page *free_pages;
static uint8_t *untouched, *untouched_end;

void pool_init(void *pages, uint32_t count)
{
	free_pages = NULL;
	untouched = pages;
	untouched_end = untouched + (size_t)count * BLOCK_BYTES;
}

void *pool_raw(void)
{
	struct free_page *page = free_pages;

	if (page) {
		free_pages = page->next;
	} else if (untouched < untouched_end) {
		page = (struct free_page *)untouched;
		untouched += BLOCK_BYTES;
	}
	return page;
}

void *pool_page(void)
{
	void *page = pool_raw();

	return page ? memset(page, 0, BLOCK_BYTES) : NULL;
}

void pool_free(void *page)
{
	struct free_page *free = page;

	free->next = free_pages;
	free_pages = free;
}

static bool grow(struct table *table)
{
	uint32_t per_page = BLOCK_BYTES / table->record_bytes, first = table->used_pages * per_page + 1;
	void *page;

	if (!table->page)
		table->page = pool_page();	/* room for 512 pages of records */
	if (!table->page || table->used_pages >= BLOCK_BYTES / sizeof(void *) || first > table->limit)
		return false;
	page = pool_page();
	if (!page)
		return false;
	table->page[table->used_pages++] = page;
	for (uint32_t number = first + per_page - 1; number >= first; number--)
		if (number <= table->limit)
			table_free(table, number);
	return true;
}

void *table_take(struct table *table, uint32_t *number)
{
	uint32_t *record;

	if (!table->free && !grow(table))
		return NULL;
	*number = table->free;
	record = table_get(table, *number);
	table->free = *record;
	return memset(record, 0, table->record_bytes);
}

void table_free(struct table *table, uint32_t number)
{
	uint32_t *record = table_get(table, number);

	*record = table->free;
	table->free = number;
}
