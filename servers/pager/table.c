/*
 * Page tables through the kernel's bounded calls (table.h): each does a part and reports; the loop goes on with the rest. They cannot fail
 * for a good range, and the core gives no others: an error is a broken invariant.
 */
#include "table.h"

#include "spaces.h"

#define ENTRIES 256

static uint64_t report[ENTRIES] __attribute__((aligned(8 * ENTRIES)));	/* in one page: else it is told in more parts */

enum { UNMAP, PROTECT, SCAN };

static STRAIGHT struct result part(unsigned what, uint64_t slot, uint64_t address, unsigned bits, uint64_t pages, uint64_t *entries)
{
	switch (what) {
	case UNMAP:
		return sys_unmap(slot, address, pages, entries, entries ? ENTRIES : 0);
	case PROTECT:
		return sys_protect(slot, address | bits, pages, entries, entries ? ENTRIES : 0);
	default:
		return sys_scan(slot, address | bits, pages, entries, entries ? ENTRIES : 0);
	}
}

/* Who wants to be told nothing spares the kernel the report. */
static STRAIGHT void whole(unsigned what, const struct domain *domain, uint64_t address, unsigned bits, uint64_t pages,
		  void (*tell)(void *context, uint64_t entry), void *context)
{
	while (pages) {
		struct result result = part(what, domain_slot(domain), address, bits, pages, tell ? report : 0);

		if (result.value <= 0 || (uint64_t)result.value > pages || (uint64_t)result.second > ENTRIES)
			panic("pager: mapping call %u at %lx, %lu pages: %ld", what, (unsigned long)address, (unsigned long)pages, result.value);
		for (long i = 0; tell && i < result.second; i++)
			tell(context, report[i]);
		address += result.value * PAGE_BYTES;
		pages -= result.value;
	}
}

static RARE void unmap_reported(void *domain, uint64_t address, uint64_t pages, void (*dirty)(void *context, uint64_t address), void *context)
{
	whole(UNMAP, domain, address, 0, pages, dirty, context);
}

void table_unmap(void *domain, uint64_t address, uint64_t pages, void (*dirty)(void *context, uint64_t address), void *context)
{
	if (dirty)
		unmap_reported(domain, address, pages, dirty, context);
	else
		whole(UNMAP, domain, address, 0, pages, NULL, NULL);
}

void table_protect(void *domain, uint64_t address, unsigned rights, uint64_t pages, void (*dirty)(void *context, uint64_t address), void *context)
{
	whole(PROTECT, domain, address, rights, pages, dirty, context);
}

static RARE void scan_many(void *domain, uint64_t address, unsigned flags, uint64_t pages, void (*seen)(void *context, uint64_t entry), void *context)
{
	whole(SCAN, domain, address, flags, pages, seen, context);
}

/* Of one page the kernel tells without a report. */
void table_scan(void *domain, uint64_t address, unsigned flags, uint64_t pages, void (*seen)(void *context, uint64_t entry), void *context)
{
	struct result result;

	if (pages != 1) {
		scan_many(domain, address, flags, pages, seen, context);
		return;
	}
	result = sys_scan(domain_slot(domain), address | flags, 1, 0, 0);
	if (result.value != 1)
		panic("pager: scan at %lx: %ld", (unsigned long)address, result.value);
	if (result.second)
		seen(context, address | result.second);
}
