/*
 * Reading ahead: how many pages a reader is given at once. A strategy is asked when a page is missed, and when a reader comes to the middle of what was
 * read ahead for it; what it says is cut to core_read_ahead_pages, to the end of the file and to the room that there is (page.c). A new one is a
 * function and a row here.
 */
#include "internal.h"

#define ROW_STARTS 3
#define ROW_LONGEST 5

/* Needs proof: a reader that misses page after page is in a row, and gets clusters of 8, 16, 32 pages from the fourth on. Who jumps gets what it touches. */
static uint64_t row(struct ahead *ahead, bool goes_on)
{
	ahead->row = goes_on ? ahead->row + (ahead->row < ROW_LONGEST) : 0;
	return ahead->row < ROW_STARTS ? 1 : 1UL << ahead->row;
}

/* Trusts everybody: as much as there may be, at every miss. */
static uint64_t eager(struct ahead *ahead, bool goes_on)
{
	(void)ahead;
	(void)goes_on;
	return CORE_BATCH;
}

static const struct { const char *name; uint64_t (*cluster)(struct ahead *ahead, bool goes_on); } strategies[] = { { "row", row }, { "eager", eager } };
#define STRATEGIES (sizeof strategies / sizeof *strategies)

const char *core_read_ahead_name(unsigned i)
{
	return i < STRATEGIES ? strategies[i].name : NULL;
}

bool core_set_read_ahead(const char *name, size_t length)
{
	for (unsigned i = 0; i < STRATEGIES; i++) {
		if (!is_called(strategies[i].name, name, length))
			continue;
		core.read_ahead = i;
		return true;
	}
	return false;
}

uint64_t ahead_cluster(struct ahead *ahead, bool goes_on)
{
	return minimum(strategies[core.read_ahead].cluster(ahead, goes_on), core_read_ahead_pages);
}
