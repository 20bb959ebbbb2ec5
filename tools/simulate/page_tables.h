/*
 * Page memory and page tables for the pager's core on the host: entries with R W X A D bits, what the kernel's map, unmap, protect and scan do with
 * them, and what a load or store does. Shared by the simulator and the host tests of the core (tests/host/pager_world.h). It checks that the core
 * names page memory only and asks for nothing that the kernel would refuse.
 */
#ifndef PAGE_TABLES_H
#define PAGE_TABLES_H

#include "core.h"
#include "kernel.h"

#include <stdlib.h>

#define LOWEST 0x80000000UL
#define PAGE CORE_PAGE

static _Noreturn void fail_at(const char *file, int line, const char *fact);		/* the user's */
#define MUST(fact) ((fact) ? (void)0 : fail_at(__FILE__, __LINE__, #fact))

/* ---- page memory */

static uint8_t *memory;
static uint64_t memory_pages;

static uint8_t *bytes_at(uint64_t physical)
{
	MUST(physical >= LOWEST && physical < LOWEST + memory_pages * PAGE);
	return memory + (physical - LOWEST);
}

/* ---- page tables: entry = physical page | RIGHT_* | bits below */

#define ENTRY_A 64
#define ENTRY_D 128
#define CHUNK_PAGES 8192UL
#define CHUNKS (CORE_USER_END / PAGE / CHUNK_PAGES)

struct table {
	uint64_t *chunk[CHUNKS];
	uint64_t entries;
};

static uint64_t *entry_of(struct table *table, uint64_t address, bool make)
{
	uint64_t page = address / PAGE;

	MUST(address < CORE_USER_END);
	if (!table->chunk[page / CHUNK_PAGES] && make)
		table->chunk[page / CHUNK_PAGES] = calloc(CHUNK_PAGES, sizeof(uint64_t));
	return table->chunk[page / CHUNK_PAGES] ? &table->chunk[page / CHUNK_PAGES][page % CHUNK_PAGES] : NULL;
}

/* The next present entry at or after *address and below end. */
static uint64_t *entry_next(struct table *table, uint64_t *address, uint64_t end)
{
	while (*address < end) {
		uint64_t *entry = entry_of(table, *address, false);

		if (entry && *entry)
			return entry;
		*address = entry ? *address + PAGE : (*address / (CHUNK_PAGES * PAGE) + 1) * CHUNK_PAGES * PAGE;
	}
	return NULL;
}

static struct table *table_make(void)
{
	return calloc(1, sizeof(struct table));
}

static void table_free(struct table *table)
{
	MUST(!table->entries);
	for (unsigned i = 0; i < CHUNKS; i++)
		free(table->chunk[i]);
	free(table);
}

static void world_unmap(void *context, uint64_t address, uint64_t pages, void (*dirty)(void *, uint64_t), void *dirty_context)
{
	struct table *table = context;
	uint64_t end = address + pages * PAGE, *entry;

	MUST(!(address % PAGE) && pages && end <= CORE_USER_END);
	for (; (entry = entry_next(table, &address, end)); address += PAGE) {
		if (dirty && (*entry & ENTRY_D))
			dirty(dirty_context, address | REPORT_D | (*entry & ENTRY_A ? REPORT_A : 0));
		*entry = 0;
		table->entries--;
	}
}

static void world_protect(void *context, uint64_t address, unsigned rights, uint64_t pages, void (*dirty)(void *, uint64_t), void *dirty_context)
{
	struct table *table = context;
	uint64_t end = address + pages * PAGE, *entry;

	MUST(!(address % PAGE) && pages && end <= CORE_USER_END && rights && !(rights & ~7));
	for (; (entry = entry_next(table, &address, end)); address += PAGE) {
		if (dirty && (*entry & ENTRY_D)) {
			dirty(dirty_context, address | REPORT_D);
			*entry &= ~ENTRY_D;
		}
		*entry &= ~7UL | rights;
		if (!(*entry & 7)) {
			*entry = 0;
			table->entries--;
		}
	}
}

static void world_scan(void *context, uint64_t address, unsigned flags, uint64_t pages, void (*seen)(void *, uint64_t), void *seen_context)
{
	struct table *table = context;
	uint64_t end = address + pages * PAGE, *entry;
	uint64_t bits = (flags & SCAN_DIRTY ? ENTRY_D : 0) | (flags & SCAN_ACCESSED ? ENTRY_A : 0);

	MUST(!(address % PAGE) && pages && end <= CORE_USER_END);
	for (; (entry = entry_next(table, &address, end)); address += PAGE) {
		uint64_t found = *entry & bits;

		if (found)
			seen(seen_context, address | (found & ENTRY_D ? REPORT_D : 0) | (found & ENTRY_A ? REPORT_A : 0));
		if (flags & SCAN_CLEAR)
			*entry &= ~bits;
	}
}

/* What the kernel does with a map item. */
static void map(struct table *table, const struct map_item *item, uint64_t address, unsigned access)
{
	MUST(item->pages >= 1 && item->pages <= CORE_BATCH && item->at < item->pages && !(item->address % PAGE));
	MUST(item->address + item->at * PAGE == address / PAGE * PAGE && item->frame[item->at]);
	MUST(item->rights & (access & ACCESS_WRITE ? RIGHT_WRITE : access & ACCESS_EXECUTE ? RIGHT_EXECUTE : RIGHT_READ));
	MUST(!(item->rights & RIGHT_WRITE) || (item->rights & RIGHT_READ));
	for (unsigned i = 0; i < item->pages; i++) {
		uint64_t *entry = entry_of(table, item->address + i * PAGE, true);

		if (!item->frame[i] || (*entry && i != item->at))
			continue;
		bytes_at(item->frame[i]);
		table->entries += !*entry;
		*entry = item->frame[i] | item->rights;
		if (i == item->at)
			*entry |= ENTRY_A | (access & ACCESS_WRITE ? ENTRY_D : 0);
	}
}

/* The memory behind an address as the processor would reach it; null: a page fault. */
static uint8_t *reach(struct table *table, uint64_t address, unsigned access)
{
	uint64_t *entry = address < CORE_USER_END ? entry_of(table, address, false) : NULL;
	unsigned need = access & ACCESS_WRITE ? RIGHT_WRITE : access & ACCESS_EXECUTE ? RIGHT_EXECUTE : RIGHT_READ;

	if (!entry || !(*entry & need))
		return NULL;
	*entry |= ENTRY_A | (access & ACCESS_WRITE ? ENTRY_D : 0);
	return bytes_at(*entry & ~(PAGE - 1)) + address % PAGE;
}

#endif
