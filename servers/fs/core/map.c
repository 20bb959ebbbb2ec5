/*
 * Block maps: which block holds which page of a file. 12 direct pointers, then trees of one, two and three levels of
 * indirect blocks. Pointers are checked wherever they are followed; a file with a bad one answers EUCLEAN there.
 */
#include "core.h"

#define LEVELS 4
#define SPAN(level) (1UL << (10 * (level)))	/* pages under one pointer of that level */

/* The way to a page: index into the inode's pointers, then into each indirect block. */
struct way { unsigned levels; uint32_t index[LEVELS]; };

static bool find_way(uint64_t page, struct way *way)
{
	if (page < DIRECT_POINTERS) {
		*way = (struct way){ 1, { page } };
		return true;
	}
	page -= DIRECT_POINTERS;
	for (unsigned level = 1; level < LEVELS; level++) {
		if (page < SPAN(level)) {
			way->levels = level + 1;
			way->index[0] = DIRECT_POINTERS + level - 1;
			for (unsigned i = level; i >= 1; i--, page /= POINTERS)
				way->index[i] = page % POINTERS;
			return true;
		}
		page -= SPAN(level);
	}
	return false;
}

static int checked(const struct inode_ref *ref, uint32_t pointer)
{
	if (!pointer || block_in_range(volume_of(ref->number), pointer))
		return 0;
	volume_corrupt("a block pointer is out of range", pointer);
	return -EUCLEAN;
}

/* How many of these pointers lead to adjacent blocks, or all to none. Those behind the first one, which is good, are believed if the last is good, too. */
static uint32_t count_adjacent(const struct inode_ref *ref, const uint32_t *slot, uint32_t slots)
{
	uint32_t number = slot[0], count = 1;

	while (count < slots && slot[count] == (number ? number + count : 0))
		count++;
	return !number || block_in_range(volume_of(ref->number), number + count - 1) ? count : 1;
}

static inline int run_from(const struct inode_ref *ref, const uint32_t *slot, uint32_t slots, uint32_t most, uint32_t *number, uint32_t *length)
{
	int result = checked(ref, *slot);

	if (result < 0)
		return result;
	*number = *slot;
	*length = count_adjacent(ref, slot, slots < most ? slots : most);
	return 0;
}

static __attribute__((noinline)) int run_in_tree(const struct inode_ref *ref, uint64_t page, uint32_t most, uint32_t *number, uint32_t *length)
{
	const uint32_t *slot;
	struct way way;
	uint32_t slots = 1;

	if (!find_way(page, &way))
		return 0;
	slot = &ref->raw->pointer[way.index[0]];
	for (unsigned i = 1; i < way.levels && *slot; i++) {
		struct block *block;
		int result = checked(ref, *slot);

		if (result == 0)
			result = block_get(*slot, &block);
		if (result < 0)
			return result;
		slot = (const uint32_t *)block->data + way.index[i];
		slots = i + 1 == way.levels ? POINTERS - way.index[i] : 1;
	}
	return run_from(ref, slot, slots, most, number, length);
}

int map_run(const struct inode_ref *ref, uint64_t page, uint32_t most, uint32_t *number, uint32_t *length)
{
	*number = 0;
	*length = 1;
	if (page < DIRECT_POINTERS)
		return run_from(ref, &ref->raw->pointer[page], DIRECT_POINTERS - page, most, number, length);
	return run_in_tree(ref, page, most, number, length);
}

int map_lookup(const struct inode_ref *ref, uint64_t page, uint32_t *number)
{
	uint32_t length;

	return map_run(ref, page, 1, number, &length);
}

/* ---- allocation */

/* How many indirect blocks are missing on the way, and where new blocks should lie. */
static int survey(struct inode_ref *ref, uint64_t page, const struct way *way, unsigned *missing, uint32_t *goal)
{
	uint32_t pointer = ref->raw->pointer[way->index[0]], before = 0;
	int result = 0;

	*missing = 0;
	if (page)
		result = map_lookup(ref, page - 1, &before);
	*goal = before ? before + 1 : inode_home(ref->number);
	for (unsigned i = 1; result == 0 && i < way->levels; i++) {
		struct block *block;

		result = checked(ref, pointer);
		if (result < 0)
			break;
		if (!pointer) {
			*missing = way->levels - i;
			break;
		}
		if (!before)
			*goal = pointer + 1;
		result = block_get(pointer, &block);
		if (result == 0)
			pointer = ((uint32_t *)block->data)[way->index[i]];
	}
	return result;
}

static void add_sectors(struct inode_ref *ref, int32_t blocks)
{
	block_change(ref->block, &ref->raw->sectors, sizeof(ref->raw->sectors));
	ref->raw->sectors += blocks * (int32_t)SECTORS;
}

/* Makes the indirect blocks down to the array that holds the page's pointer; *slots: that pointer and those behind it. */
static int reach(struct inode_ref *ref, const struct way *way, bool privileged, uint32_t *goal, struct block **array,
		 uint32_t **slot, uint32_t *slots)
{
	*array = ref->block;
	*slot = &ref->raw->pointer[way->index[0]];
	*slots = DIRECT_POINTERS - way->index[0];
	for (unsigned i = 1; i < way->levels; i++) {
		uint32_t made, got;
		struct block *block;
		int result;

		if (**slot) {
			result = block_get(**slot, &block);
		} else {
			result = blocks_allocate(*goal, 1, privileged, &made, &got);
			if (result == 0)
				result = block_fresh(made, &block);
			if (result == 0) {
				block_change(*array, *slot, sizeof(**slot));
				**slot = made;
				*goal = made + 1;
				add_sectors(ref, 1);
			}
		}
		if (result < 0)
			return result;
		*array = block;
		*slot = (uint32_t *)block->data + way->index[i];
		*slots = POINTERS - way->index[i];
	}
	return 0;
}

/* Gives blocks to missing pages of one array of pointers. *done: pages from `page` on that have blocks now. */
static int fill_array(struct inode_ref *ref, uint64_t page, uint64_t count, bool privileged, uint64_t *done)
{
	struct way way;
	struct block *array = NULL;
	unsigned missing;
	uint32_t goal, *slot = NULL, slots = 0, have = 0, run = 0, first, got;
	int result;

	if (!find_way(page, &way))
		return -EFBIG;
	result = survey(ref, page, &way, &missing, &goal);
	if (result == 0 && missing && blocks_available(volume_of(ref->number), privileged) < missing + 1)
		return -ENOSPC;
	if (result == 0)
		result = reach(ref, &way, privileged, &goal, &array, &slot, &slots);
	if (result < 0)
		return result;
	if (count > slots)
		count = slots;
	while (have < count && slot[have])
		have++;
	while (have + run < count && !slot[have + run])
		run++;
	if (run) {
		result = blocks_allocate(have ? slot[have - 1] + 1 : goal, run, privileged, &first, &got);
		if (result == -ENOSPC && have)
			result = got = 0;
		if (result < 0)
			return result;
		if (got)
			block_change(array, &slot[have], got * sizeof(*slot));
		for (uint32_t i = 0; i < got; i++)
			slot[have + i] = first + i;
		add_sectors(ref, got);
		have += got;
	}
	*done = have;
	return 0;
}

/* Pages first.. get blocks, as many as one step can give; *done >= 1. An ENOSPC behind the first pages is left to the next call. */
int map_allocate(struct inode_ref *ref, uint64_t first, uint64_t count, bool privileged, uint64_t *done)
{
	*done = 0;
	while (*done < count && (*done == 0 || !step_is_large())) {
		uint64_t more;
		int result;

		if (*done && blocks_available(volume_of(ref->number), privileged) < LEVELS)
			break;		/* the rest may fail: it must not take these back */
		result = fill_array(ref, first + *done, count - *done, privileged, &more);
		if (result < 0 && *done && result != WAIT)
			break;
		if (result < 0)
			return result;
		*done += more;
	}
	return 0;
}

/* ---- trimming: from the end, in slices */

static int free_pointer(struct inode_ref *ref, struct block *holder, uint32_t *slot)
{
	uint32_t pointer = *slot;
	int result = block_free(volume_of(ref->number), pointer);

	if (result < 0)
		return result;
	block_change(holder, slot, sizeof(*slot));
	*slot = 0;
	if (ref->raw->sectors >= SECTORS)
		add_sectors(ref, -1);
	return 0;
}

/* Frees what lies at or behind page `keep` under *slot, which covers the pages from `base` on. *more: the slice ended before. */
static int trim_tree(struct inode_ref *ref, struct block *holder, uint32_t *slot, unsigned level, uint64_t base, uint64_t keep, bool *more)
{
	struct block *block;
	uint32_t *pointer, lowest = 0;
	bool used = false;
	int result = 0;

	if (!*slot || base + SPAN(level) <= keep)
		return 0;
	if (level)
		result = block_in_use(volume_of(ref->number), *slot, &used);	/* one that is free already would lead in circles */
	if (result < 0)
		return result;
	if (used) {
		result = block_get(*slot, &block);
		if (result == -EIO)
			volume_corrupt("an indirect block cannot be read; its blocks are lost", *slot);
		else if (result < 0)
			return result;
		if (keep > base)
			lowest = (keep - base) / SPAN(level - 1);
		pointer = result == 0 ? (uint32_t *)block->data : NULL;
		for (uint32_t i = POINTERS; result == 0 && i-- > lowest; ) {
			if (!pointer[i])
				continue;
			result = trim_tree(ref, block, &pointer[i], level - 1, base + i * SPAN(level - 1), keep, more);
			if (result < 0 || *more)
				return result;
		}
		if (keep > base)
			return 0;
	}
	if (step_is_large()) {
		*more = true;
		return 0;
	}
	return free_pointer(ref, holder, slot);
}

static int trim_slice(struct inode_ref *ref, uint64_t keep, bool *more)
{
	uint64_t base = DIRECT_POINTERS + SPAN(1) + SPAN(2);
	int result = 0;

	*more = false;
	for (unsigned level = LEVELS - 1; level >= 1; level--) {
		result = trim_tree(ref, ref->block, &ref->raw->pointer[DIRECT_POINTERS + level - 1], level, base, keep, more);
		if (result < 0 || *more)
			return result;
		base -= SPAN(level - 1);
	}
	for (uint32_t i = DIRECT_POINTERS; i-- > 0; ) {
		result = trim_tree(ref, ref->block, &ref->raw->pointer[i], 0, i, keep, more);
		if (result < 0 || *more)
			return result;
	}
	return 0;
}

/* Each pointer is freed whole, so a slice that has to wait may end where it stands instead of starting again. */
int map_trim(struct inode_ref *ref, uint64_t keep, bool *more)
{
	int result = trim_slice(ref, keep, more);

	if (result == WAIT && step_has_changes()) {
		*more = true;
		result = 0;
	}
	return result;
}
