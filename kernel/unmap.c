/*
 * Taking pages out of page tables, restricting them, and harvesting their accessed and dirty bits: unmap, protect, scan.
 * One walk over the range serves all three; each step removes bits atomically and reports what they were. The flushes are done
 * before the call returns, so what is reported is final.
 */
#include "mapping.h"
#include "riscv/hardware.h"
#include "thread.h"

#define RANGE_STEPS 512		/* leaves, holes of any size, or lines of empty entries, per call */
#define FLUSH_PAGES 8		/* more than that: flush the space once */

_Static_assert((unsigned)SCAN_ACCESSED == REPORT_A && (unsigned)SCAN_DIRTY == REPORT_D, "scan_step uses one for the other");

struct range {
	struct space *space;
	uint64_t address, flags, pages;
	uint64_t done;			/* pages */
	uint64_t steps;			/* left */
	uint64_t changed;		/* leaves that need a flush */
	uint64_t cleared;		/* leaves of the present table */
	uint64_t written, room;		/* entries of the report; scan without one: the bits of all pages together */
	uint64_t *report;		/* NULL: nobody reads one */
};

/* What is done to one leaf. Result: REPORT_* bits to report. */
typedef uint64_t range_step(struct range *range, uint64_t address, uint64_t *entry);

static void leaf_changed(struct range *range, uint64_t address)
{
	if (range->changed++ < FLUSH_PAGES)
		tlb_flush_page(range->space, address);
}

/* How many of the next entries are empty: most of a table is. */
static uint64_t entries_empty(const uint64_t *entry, uint64_t most)
{
	uint64_t count = 0;

	for (; most - count >= 8; count += 8, entry += 8)
		if (entry[0] | entry[1] | entry[2] | entry[3] | entry[4] | entry[5] | entry[6] | entry[7])
			break;
	while (count < most && !*entry++)
		count++;
	return count;
}

/* False: the report is full. */
static always_inline bool range_leaf(struct range *range, uint64_t address, uint64_t *entry, range_step *step)
{
	uint64_t bits;

	if (unlikely(range->report) && range->written == range->room)
		return false;
	bits = step(range, address, entry);
	if (unlikely(range->report) && bits)
		range->report[range->written++] = address | bits;
	return true;
}

/* The part of the range that one table shows, up to the first entry that leads to another. False: full, or the range cuts a leaf. */
static always_inline bool range_part(struct range *range, struct walk walk, uint64_t address, range_step *step)
{
	uint64_t bytes = level_bytes(walk.level), table_end = (address | (level_bytes(walk.level + 1) - 1)) + 1, empty;
	uint64_t end = min(range->address + (range->pages << PAGE_SHIFT), table_end);
	bool whole = true;

	for (; whole && address < end && range->steps; range->steps--) {
		if (!*walk.entry) {
			empty = entries_empty(walk.entry, (end - 1) / bytes - address / bytes + 1);
			address = min(end, (address & ~(bytes - 1)) + empty * bytes);
			range->steps -= min(range->steps - 1, empty / 16);
			walk.entry += empty;
		} else if (entry_is_table(*walk.entry)) {
			break;
		} else {
			whole = !(address & (bytes - 1)) && end - address >= bytes && range_leaf(range, address, walk.entry++, step);
			address += whole ? bytes : 0;
		}
	}
	range->done = (address - range->address) >> PAGE_SHIFT;
	return whole;
}

/* A call whose flags, in the low bits of the address, are some of `known`. */
static always_inline long range_call(struct thread *caller, const struct capability *target, const uint64_t *argument, uint64_t known, range_step *step)
{
	struct range range = {
		.space = capability_page(target), .address = argument[1] & ~(PAGE_BYTES - 1), .flags = argument[1] & (PAGE_BYTES - 1),
		.pages = argument[2], .steps = RANGE_STEPS,
	};
	bool whole = true;
	uint64_t bytes;

	if (!range.pages || range.pages > USER_END >> PAGE_SHIFT || range.flags & ~known ||
	    !range_inside(range.address, range.pages << PAGE_SHIFT, 0, USER_END) || argument[3] % 8 || (argument[3] && !argument[4]))
		return ERR_INVALID;
	if (argument[3]) {
		range.report = (uint64_t *)user_reach(caller->space, argument[3], ACCESS_WRITE, &bytes);
		range.room = min(argument[4], bytes / sizeof(uint64_t));
		if (!range.report)
			return ERR_BAD_ADDRESS;
	}
	if (!range.space->root)
		range.done = range.pages;
	while (whole && range.steps && range.done < range.pages) {
		uint64_t address = range.address + (range.done << PAGE_SHIFT);
		struct walk walk = table_walk(range.space, address);

		whole = range_part(&range, walk, address, step);
		if (range.cleared && !table_count(walk.entry, -(int64_t)range.cleared))
			table_emptied(range.space, address);
		range.cleared = 0;
	}
	if (range.changed > FLUSH_PAGES)
		tlb_flush_space(range.space);
	this_hart->second_result = (long)range.written;
	return range.done ? (long)range.done : ERR_INVALID;
}

static uint64_t unmap_step(struct range *range, uint64_t address, uint64_t *entry)
{
	uint64_t bits = entry_report(entry_replace(entry, 0));

	range->cleared++;
	leaf_changed(range, address);
	return bits & REPORT_D || range->flags & REPORT_ACCESSED ? bits : 0;
}

static uint64_t protect_step(struct range *range, uint64_t address, uint64_t *entry)
{
	uint64_t old = entry_restrict(entry, range->flags, range->report), bits = entry_report(old);

	if (*entry != old)
		leaf_changed(range, address);
	return bits & REPORT_D ? bits : 0;
}

static uint64_t scan_step(struct range *range, uint64_t address, uint64_t *entry)
{
	uint64_t wanted = range->flags & (SCAN_ACCESSED | SCAN_DIRTY), bits = entry_report(*entry);

	if (!(bits & wanted))
		return 0;
	if (range->flags & SCAN_CLEAR) {
		bits = entry_report(entry_clear(entry, wanted));
		leaf_changed(range, address);
	}
	range->written |= range->report ? 0 : bits;
	return bits;
}

long sys_unmap(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	return range_call(caller, target, argument, REPORT_ACCESSED, unmap_step);
}

long sys_protect(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	return range_call(caller, target, argument, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE, protect_step);
}

long sys_scan(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	return range_call(caller, target, argument, SCAN_ACCESSED | SCAN_DIRTY | SCAN_CLEAR, scan_step);
}
