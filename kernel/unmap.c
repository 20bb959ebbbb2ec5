/*
 * Taking pages out of page tables, restricting them, and harvesting their accessed and dirty bits: unmap, protect, scan.
 * One walk over the range serves all three; each step removes bits atomically and reports what they were. The flushes are done
 * before the call returns, so what is reported is final.
 */
#include "mapping.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"
#include "thread.h"

#define RANGE_STEPS 512		/* leaves, or holes of any size, per call */
#define FLUSH_PAGES 8		/* more than that: flush the space once */
#define RANGE_FLAGS 7UL

_Static_assert((unsigned)SCAN_ACCESSED == REPORT_A && (unsigned)SCAN_DIRTY == REPORT_D, "scan_step uses one for the other");

struct range {
	struct space *space;
	uint64_t address, flags, pages;
	uint64_t done;			/* pages */
	uint64_t changed;		/* leaves that need a flush */
	bool reporting;
	uint64_t written, room;		/* entries of the report */
	struct user_array report;
};

/* What is done to one leaf. Result: REPORT_* bits to report. */
typedef uint64_t range_step(struct range *range, uint64_t address, struct walk *walk);

static void leaf_changed(struct range *range, uint64_t address)
{
	if (range->changed++ < FLUSH_PAGES)
		tlb_flush_page(range->space, address);
}

static long range_decode(struct thread *caller, const struct capability *target, const uint64_t *argument, struct range *range)
{
	*range = (struct range){
		.space = capability_page(target), .address = argument[1] & ~(PAGE_BYTES - 1), .flags = argument[1] & (PAGE_BYTES - 1),
		.pages = argument[2], .reporting = argument[3], .room = min(argument[4], USER_ARRAY_MAX),
	};
	if (!range->pages || range->pages > USER_END >> PAGE_SHIFT || range->flags & ~RANGE_FLAGS ||
	    !range_inside(range->address, range->pages << PAGE_SHIFT, 0, USER_END) || (range->reporting && !range->room))
		return ERR_INVALID;
	return range->reporting ? user_array(caller->space, argument[3], range->room, ACCESS_WRITE, &range->report) : OK;
}

/* The leaf or the hole at the range's next address. False: the range cuts a large leaf. */
static bool range_advance(struct range *range, uint64_t address, struct walk *walk, range_step *step)
{
	uint64_t left = range->pages - range->done, span = level_bytes(walk->level), offset = address & (span - 1), bits;

	if (walk->entry && *walk->entry) {
		if (offset || left << PAGE_SHIFT < span)
			return false;
		bits = step(range, address, walk);
		if (bits && range->reporting)
			*user_element(&range->report, range->written++) = address | bits;
	}
	range->done += min(left, (span - offset) >> PAGE_SHIFT);
	return true;
}

static long range_run(struct range *range, range_step *step)
{
	struct walk walk = { NULL, LEVELS };
	bool whole = true;

	for (unsigned i = 0; i < RANGE_STEPS && range->done < range->pages && whole; i++) {
		uint64_t address = range->address + (range->done << PAGE_SHIFT);

		if (range->reporting && range->written == range->room)
			break;
		if (walk.entry && !walk.level && address % LARGE_BYTES)
			walk.entry++;
		else
			walk = table_walk(range->space, address);
		whole = range_advance(range, address, &walk, step);
	}
	if (range->changed > FLUSH_PAGES)
		tlb_flush_space(range->space);
	this_hart->second_result = (long)range->written;
	return range->done ? (long)range->done : ERR_INVALID;
}

static uint64_t unmap_step(struct range *range, uint64_t address, struct walk *walk)
{
	uint64_t bits = entry_report(table_clear(range->space, address, walk));

	leaf_changed(range, address);
	return bits & REPORT_D || range->flags & REPORT_ACCESSED ? bits : 0;
}

static uint64_t protect_step(struct range *range, uint64_t address, struct walk *walk)
{
	uint64_t old = entry_restrict(walk->entry, range->flags, range->reporting), bits = entry_report(old);

	if (*walk->entry != old)
		leaf_changed(range, address);
	return bits & REPORT_D ? bits : 0;
}

static uint64_t scan_step(struct range *range, uint64_t address, struct walk *walk)
{
	uint64_t wanted = range->flags & (SCAN_ACCESSED | SCAN_DIRTY), bits = entry_report(*walk->entry);

	if (!(bits & wanted))
		return 0;
	if (range->flags & SCAN_CLEAR) {
		bits = entry_report(entry_clear(walk->entry, wanted));
		leaf_changed(range, address);
	}
	return bits;
}

long sys_unmap(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	struct range range;
	long error = range_decode(caller, target, argument, &range);

	if (error || range.flags & ~(uint64_t)REPORT_ACCESSED)
		return error ? error : ERR_INVALID;
	return range_run(&range, unmap_step);
}

long sys_protect(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	struct range range;
	long error = range_decode(caller, target, argument, &range);

	return error ? error : range_run(&range, protect_step);
}

long sys_scan(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	struct range range;
	long error = range_decode(caller, target, argument, &range);

	if (error || !(range.flags & (SCAN_ACCESSED | SCAN_DIRTY)))
		return error ? error : ERR_INVALID;
	return range_run(&range, scan_step);
}
