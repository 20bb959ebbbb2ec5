/*
 * Memory when it is short. A search goes round the ring of cache pages with the policy's hand. How often it has been round in vain says what it takes:
 *
 *   KIND      clean pages that nobody has mapped and the policy does not want to keep
 *   ANY       ... whatever the policy wants
 *   MAPPED    mapped ones, too: they leave all page tables first
 *   DIRTY     dirty ones are written, and operations wait for that
 *   IN_VAIN   there is nothing. If nothing is under way either, no operation can ever have more: -ENOMEM
 *
 * A step looks at a part of the ring. An operation that needs more waits; the search goes on between others' steps (core_deferred_step) until
 * there is enough and a little to spare. Prompt calls cannot wait: they have what an earlier search left.
 *
 * Refuses to run in the middle of a step: see the rule in internal.h.
 */
#include "internal.h"

#define WRITES_AT_ONCE 8

static void begin(enum search_round round)
{
	core.search.round = round;
	core.search.left = core_counters.cache_pages;
}

/* Since it was there, pages behind the hand may have become clean or unmapped. */
static void begin_anew(void)
{
	core.search.changed = false;
	begin(SEARCH_KIND);
}

/* What was taken does not say that there are no more of its kind. */
static void give(struct frame *frame, uint64_t *budget)
{
	struct object *object = frame->object;

	page_forget(frame);
	object_settle(object);
	core_counters.reclaimed++;
	spend(budget, BUDGET_PAGE);
	begin(core.search.round <= SEARCH_ANY ? SEARCH_KIND : core.search.round);
}

/* A mapped page is on its way out of all page tables. Its D bits come along; if it turns out dirty, or somebody maps it again meanwhile, it stays. */
static void part_on(uint64_t *budget)
{
	struct sweep *sweep = &core.sweep[SWEEP_PART];
	struct object *object = sweep->object;
	struct frame *frame;

	if (!sweep_on(SWEEP_PART, sweep_unmap, budget))
		return;
	frame = pages_find(object, sweep->first);
	if (!frame || !(frame->flags & PAGE_PARTING))
		return;
	frame->flags &= ~PAGE_PARTING;
	if (page_reclaimable(frame) && !page_mapped(frame))
		give(frame, budget);
	else
		core.search.changed = true;
}

static void part_begin(struct frame *frame, uint64_t *budget)
{
	frame->flags = (frame->flags & ~PAGE_MAPPED) | PAGE_PARTING;
	sweep_begin(SWEEP_PART, frame->object, frame->index, frame->index + 1);
	part_on(budget);
}

/* One page of the ring; true: a write was started. */
static bool look(uint64_t *budget)
{
	struct frame *frame = core.policy->look(core.search.round == SEARCH_KIND);

	core.search.left--;
	spend(budget, 1);
	if (!frame)
		return false;
	if (!page_reclaimable(frame))
		return core.search.round == SEARCH_DIRTY && write_cluster(frame, false, CORE_BATCH);
	if (!page_mapped(frame))
		give(frame, budget);
	else if (core.search.round >= SEARCH_MAPPED)
		part_begin(frame, budget);
	return false;
}

static void next_round(void)
{
	if (core.search.round == SEARCH_DIRTY && core.search.changed)
		begin_anew();
	else
		begin(core.search.round + 1);
}

/* What is to spare is taken from clean pages alone. */
static bool wanted(uint64_t pages)
{
	return core.search.round < SEARCH_IN_VAIN && core_counters.free_pages < pages + (core.search.round < SEARCH_DIRTY ? core_spare_pages : 0);
}

bool memory_search(uint64_t want)
{
	uint64_t budget = slice_budget();
	unsigned writes = 0;

	if (core.search.changed && !core.search.going)
		begin_anew();
	core.search.want = want;
	while (budget && writes < WRITES_AT_ONCE && (core.sweep[SWEEP_PART].object || wanted(want))) {
		if (core.sweep[SWEEP_PART].object)
			part_on(&budget);
		else if (core.search.left)
			writes += look(&budget);
		else
			next_round();
	}
	core.search.going = core.sweep[SWEEP_PART].object || (writes < WRITES_AT_ONCE && wanted(want));
	if (core.search.going)
		core.ops.later();
	return core.search.going;
}

bool memory_search_on(void)
{
	if (core.search.going)
		memory_search(core.search.want);
	if (core.search.awaited && (!core.search.going || core_counters.free_pages >= WANT_STEP)) {
		core.search.awaited = false;
		memory_tell();
	}
	return memory_tell_one() || core.search.going;
}

/* What is read ahead takes the place of other clean pages, but not of mapped ones: an item that is on its way may name them. */
bool memory_room(uint64_t pages)
{
	uint64_t want = 2 * WANT_STEP + pages, budget = slice_budget();

	if (core.search.changed && !core.search.going)
		begin_anew();
	while (budget && core_counters.free_pages < want && core.search.round <= SEARCH_ANY) {
		if (core.search.left)
			look(&budget);
		else
			next_round();
	}
	return core_counters.free_pages > 2 * WANT_STEP;
}

/* There is nothing to take. Is a frame sure to come free or clean without the caller's doing? What a program brings, if it does, makes none free. */
static long wait_for_help(struct waiter *waiter)
{
	if (deferred_can_go_on())
		return wait_again(waiter);
	return core.pendings_used > core.pendings_served ? memory_park(waiter) : -ENOMEM;
}

static long wait_for_search(struct waiter *waiter)
{
	core.search.awaited = true;
	return memory_park(waiter);
}

long memory_wait(struct waiter *waiter)
{
	uint64_t free = core_counters.free_pages;
	bool goes_on = memory_search(free + 1);

	if (core_counters.free_pages > free)
		return wait_again(waiter);
	return goes_on ? wait_for_search(waiter) : wait_for_help(waiter);
}

/*
 * Who has waited for a page makes do with less: else it would be the page just fetched that is given back. With less than that it may be; then there must
 * be enough before it is fetched again: else that would be given back again, and so for ever.
 */
long memory_reclaim(struct waiter *waiter, bool anonymous)
{
	uint64_t want = waiter->fetched ? WANT_STEP / 2 : WANT_STEP;
	bool goes_on = false;

	request_deferred();
	slab_trim();
	if (core_counters.free_pages < want) {
		want = WANT_STEP;
		waiter->fetched = false;
		goes_on = memory_search(want);
	}
	if (core_counters.free_pages >= want)
		return !anonymous || core_counters.free_pages + core_counters.cache_pages >= core.want[1] ? 0 : wait_for_help(waiter);
	return goes_on ? wait_for_search(waiter) : wait_for_help(waiter);
}
