/*
 * Blocks and inodes: bitmaps and exact free counts in group descriptor and superblock. Everything is part of a step, so a
 * number taken by a step that is taken back was never given. A bitmap that contradicts the layout is damage, not a choice.
 */
#include "core.h"

bool block_in_range(const struct volume *on, uint32_t number)
{
	return volume_of(number) == on && INDEX(number) > on->super->first_data_block && INDEX(number) < on->super->blocks_count;
}

bool inode_in_range(const struct volume *on, uint32_t number)
{
	return volume_of(number) == on && INDEX(number) && INDEX(number) <= on->super->inodes_count;
}

uint32_t blocks_available(const struct volume *on, bool privileged)
{
	uint32_t free = on->super->free_blocks, reserved = privileged ? 0 : on->super->reserved_blocks;

	return free > reserved ? free - reserved : 0;
}

static uint32_t group_of(uint32_t block)
{
	return INDEX(block) / volume_of(block)->super->blocks_per_group;
}

static uint32_t group_of_inode(uint32_t inode)
{
	return (INDEX(inode) - 1) / volume_of(inode)->super->inodes_per_group;
}

uint32_t inode_home(uint32_t number)
{
	const struct volume *on = volume_of(number);

	return on->numbers | group_of_inode(number) * on->super->blocks_per_group;
}

/* Superblock, descriptors, bitmaps and inode tables must never become a file's. */
static bool is_metadata(const struct group_descriptor *descriptor, uint32_t block)
{
	const struct volume *on = volume_of(block);

	return INDEX(block) <= (on->groups + GROUPS_PER_BLOCK - 1) / GROUPS_PER_BLOCK || block == descriptor->block_bitmap ||
	       block == descriptor->inode_bitmap || (block >= descriptor->inode_table && block - descriptor->inode_table < table_blocks(on));
}

static bool bit(const uint8_t *map, uint32_t index)
{
	return map[index / 8] >> index % 8 & 1;
}

/* The first 0 in map[from..end), or end. */
static uint32_t find_zero(const uint8_t *map, uint32_t from, uint32_t end)
{
	while (from < end) {
		if (from % 64 == 0 && from + 64 <= end && ((const uint64_t *)map)[from / 64] == UINT64_MAX)
			from += 64;
		else if (bit(map, from))
			from++;
		else
			return from;
	}
	return end;
}

static void add_free_blocks(struct volume *on, struct group_descriptor *descriptor, struct block *block, int32_t difference)
{
	block_change(block, &descriptor->free_blocks, sizeof(descriptor->free_blocks));
	descriptor->free_blocks += difference;
	block_change(on->super_block, &on->super->free_blocks, sizeof(on->super->free_blocks));
	on->super->free_blocks += difference;
}

static void change_bits(struct block *block, uint32_t first, uint32_t bits, bool value)
{
	block_change(block, block->data + first / 8, (first + bits - 1) / 8 - first / 8 + 1);
	for (uint32_t i = first; i < first + bits; i++)
		if (value)
			block->data[i / 8] |= 1 << i % 8;
		else
			block->data[i / 8] &= ~(1 << i % 8);
}

/* A run in one group, from bit `from` on. -ENOSPC: none there. */
static int allocate_in_group(struct volume *on, uint32_t group, uint32_t from, uint32_t want, uint32_t *first, uint32_t *got)
{
	struct group_descriptor *descriptor;
	struct block *descriptor_block, *bitmap;
	uint32_t base = on->numbers | group * on->super->blocks_per_group, end = group_blocks(on, group), start, length = 0;
	int result = group_get(on, group, &descriptor, &descriptor_block);

	if (result < 0)
		return result;
	if (!descriptor->free_blocks)
		return -ENOSPC;
	result = block_get(descriptor->block_bitmap, &bitmap);
	if (result < 0)
		return result;
	start = find_zero(bitmap->data, from, end);
	if (start == end)
		return -ENOSPC;
	if (block_is_busy(base + start))
		return block_wait(base + start);
	while (length < want && start + length < end && length < descriptor->free_blocks && !bit(bitmap->data, start + length)) {
		if (is_metadata(descriptor, base + start + length) || block_is_dirty(base + start + length)) {
			volume_corrupt("a block in use is marked free", base + start + length);
			return -EUCLEAN;
		}
		if (block_is_busy(base + start + length))
			break;
		length++;
	}
	change_bits(bitmap, start, length, true);
	add_free_blocks(on, descriptor, descriptor_block, -(int32_t)length);
	*first = base + start;
	*got = length;
	return 0;
}

int blocks_allocate(uint32_t goal, uint32_t want, bool privileged, uint32_t *first, uint32_t *got)
{
	struct volume *on = volume_of(goal);
	uint32_t group, available = blocks_available(on, privileged);

	if (!block_in_range(on, goal))
		goal = on->numbers | (on->super->first_data_block + 1);
	group = group_of(goal);
	if (want > available)
		want = available;
	if (!want)
		return -ENOSPC;
	for (uint32_t i = 0; i <= on->groups; i++) {
		uint32_t from = i == 0 ? INDEX(goal) % on->super->blocks_per_group : 0;
		int result = allocate_in_group(on, group, from, want, first, got);

		if (result != -ENOSPC)
			return result;
		group = group + 1 < on->groups ? group + 1 : 0;
	}
	return -ENOSPC;
}

int block_in_use(const struct volume *on, uint32_t number, bool *used)
{
	struct group_descriptor *descriptor;
	struct block *block;
	int result;

	*used = false;
	if (!block_in_range(on, number))
		return 0;
	result = group_get(on, group_of(number), &descriptor, &block);
	if (result == 0 && !is_metadata(descriptor, number)) {
		result = block_get(descriptor->block_bitmap, &block);
		if (result == 0)
			*used = bit(block->data, INDEX(number) % on->super->blocks_per_group);
	}
	return result;
}

int block_free(struct volume *on, uint32_t number)
{
	struct group_descriptor *descriptor;
	struct block *descriptor_block, *bitmap;
	uint32_t index;
	int result;

	if (!block_in_range(on, number)) {
		volume_corrupt("a block number is out of range", number);
		return 0;
	}
	result = group_get(on, group_of(number), &descriptor, &descriptor_block);
	if (result < 0)
		return result;
	result = block_get(descriptor->block_bitmap, &bitmap);
	if (result < 0)
		return result;
	index = INDEX(number) % on->super->blocks_per_group;
	if (!bit(bitmap->data, index) || is_metadata(descriptor, number)) {
		volume_corrupt("a block is freed that was not in use", number);
		return 0;
	}
	change_bits(bitmap, index, 1, false);
	add_free_blocks(on, descriptor, descriptor_block, 1);
	block_forget(number);
	return 0;
}

/* ---- inodes */

static void add_free_inodes(struct volume *on, struct group_descriptor *descriptor, struct block *block, int difference, bool directory)
{
	block_change(block, descriptor, sizeof(*descriptor));
	descriptor->free_inodes += difference;
	if (directory)
		descriptor->directories -= difference;
	block_change(on->super_block, &on->super->free_inodes, sizeof(on->super->free_inodes));
	on->super->free_inodes += difference;
}

#define DIRECTORY_CANDIDATES 64

/* A new directory goes where blocks are plenty, so that directories spread and their files stay near them. */
static int directory_group(const struct volume *on, uint32_t parent_group, uint32_t *best)
{
	uint32_t most = 0;

	*best = parent_group;
	for (uint32_t i = 0; i < on->groups && i < DIRECTORY_CANDIDATES; i++) {
		struct group_descriptor *descriptor;
		struct block *block;
		uint32_t group = (parent_group + i) % on->groups;
		int result = group_get(on, group, &descriptor, &block);

		if (result < 0)
			return result;
		if (descriptor->free_inodes && descriptor->free_blocks > most) {
			most = descriptor->free_blocks;
			*best = group;
		}
	}
	return 0;
}

static int allocate_inode_in_group(struct volume *on, uint32_t group, bool directory, uint32_t *number)
{
	struct group_descriptor *descriptor;
	struct block *descriptor_block, *bitmap;
	uint32_t per_group = on->super->inodes_per_group, index;
	int result = group_get(on, group, &descriptor, &descriptor_block);

	if (result < 0)
		return result;
	if (!descriptor->free_inodes)
		return -ENOSPC;
	result = block_get(descriptor->inode_bitmap, &bitmap);
	if (result < 0)
		return result;
	index = find_zero(bitmap->data, group == 0 ? on->super->first_inode - 1 : 0, per_group);
	if (index == per_group)
		return -ENOSPC;
	change_bits(bitmap, index, 1, true);
	add_free_inodes(on, descriptor, descriptor_block, -1, directory);
	*number = on->numbers | (group * per_group + index + 1);
	return 0;
}

int inode_allocate(uint32_t parent, bool directory, uint32_t *number)
{
	struct volume *on = volume_of(parent);
	uint32_t group = group_of_inode(parent);
	int result = 0;

	if (!on->super->free_inodes)
		return -ENOSPC;
	if (directory)
		result = directory_group(on, group, &group);
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < on->groups; i++) {
		result = allocate_inode_in_group(on, group, directory, number);
		if (result != -ENOSPC)
			return result;
		group = group + 1 < on->groups ? group + 1 : 0;
	}
	return -ENOSPC;
}

int inode_free(uint32_t number, bool directory)
{
	struct volume *on = volume_of(number);
	struct group_descriptor *descriptor;
	struct block *descriptor_block, *bitmap;
	uint32_t index = (INDEX(number) - 1) % on->super->inodes_per_group;
	int result = group_get(on, group_of_inode(number), &descriptor, &descriptor_block);

	if (result < 0)
		return result;
	result = block_get(descriptor->inode_bitmap, &bitmap);
	if (result < 0)
		return result;
	if (!bit(bitmap->data, index)) {
		volume_corrupt("an inode is freed that was not in use", number);
		return 0;
	}
	change_bits(bitmap, index, 1, false);
	add_free_inodes(on, descriptor, descriptor_block, 1, directory);
	return 0;
}
