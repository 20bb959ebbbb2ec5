/*
 * Blocks and inodes: bitmaps and exact free counts in group descriptor and superblock. Everything is part of a step, so a
 * number taken by a step that is taken back was never given. A bitmap that contradicts the layout is damage, not a choice.
 */
#include "core.h"

bool block_in_range(uint32_t number)
{
	return number > volume.super->first_data_block && number < volume.super->blocks_count;
}

uint32_t blocks_available(bool privileged)
{
	uint32_t free = volume.super->free_blocks, reserved = privileged ? 0 : volume.super->reserved_blocks;

	return free > reserved ? free - reserved : 0;
}

static uint32_t group_of(uint32_t block)
{
	return block / volume.super->blocks_per_group;
}

/* Superblock, descriptors, bitmaps and inode tables must never become a file's. */
static bool is_metadata(const struct group_descriptor *descriptor, uint32_t block)
{
	uint32_t table = (volume.super->inodes_per_group * volume.inode_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;

	return block <= (volume.groups + GROUPS_PER_BLOCK - 1) / GROUPS_PER_BLOCK || block == descriptor->block_bitmap ||
	       block == descriptor->inode_bitmap || (block >= descriptor->inode_table && block - descriptor->inode_table < table);
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

static void add_free_blocks(struct group_descriptor *descriptor, struct block *block, int32_t difference)
{
	block_change(block, &descriptor->free_blocks, sizeof(descriptor->free_blocks));
	descriptor->free_blocks += difference;
	block_change(volume.super_block, &volume.super->free_blocks, sizeof(volume.super->free_blocks));
	volume.super->free_blocks += difference;
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
static int allocate_in_group(uint32_t group, uint32_t from, uint32_t want, uint32_t *first, uint32_t *got)
{
	struct group_descriptor *descriptor;
	struct block *descriptor_block, *bitmap;
	uint32_t base = group * volume.super->blocks_per_group, end = group_blocks(group), start, length = 0;
	int result = group_get(group, &descriptor, &descriptor_block);

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
		return wait_for(WAIT_KEY(WAIT_BLOCK, base + start));
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
	add_free_blocks(descriptor, descriptor_block, -(int32_t)length);
	*first = base + start;
	*got = length;
	return 0;
}

int blocks_allocate(uint32_t goal, uint32_t want, bool privileged, uint32_t *first, uint32_t *got)
{
	uint32_t group, available = blocks_available(privileged);

	if (!block_in_range(goal))
		goal = volume.super->first_data_block + 1;
	group = group_of(goal);
	if (want > available)
		want = available;
	if (!want)
		return -ENOSPC;
	for (uint32_t i = 0; i <= volume.groups; i++) {
		uint32_t from = i == 0 ? goal % volume.super->blocks_per_group : 0;
		int result = allocate_in_group(group, from, want, first, got);

		if (result != -ENOSPC)
			return result;
		group = group + 1 < volume.groups ? group + 1 : 0;
	}
	return -ENOSPC;
}

int block_in_use(uint32_t number, bool *used)
{
	struct group_descriptor *descriptor;
	struct block *block;
	int result;

	*used = false;
	if (!block_in_range(number))
		return 0;
	result = group_get(group_of(number), &descriptor, &block);
	if (result == 0 && !is_metadata(descriptor, number)) {
		result = block_get(descriptor->block_bitmap, &block);
		if (result == 0)
			*used = bit(block->data, number % volume.super->blocks_per_group);
	}
	return result;
}

int block_free(uint32_t number)
{
	struct group_descriptor *descriptor;
	struct block *descriptor_block, *bitmap;
	uint32_t index;
	int result;

	if (!block_in_range(number)) {
		volume_corrupt("a block number is out of range", number);
		return 0;
	}
	result = group_get(group_of(number), &descriptor, &descriptor_block);
	if (result < 0)
		return result;
	result = block_get(descriptor->block_bitmap, &bitmap);
	if (result < 0)
		return result;
	index = number % volume.super->blocks_per_group;
	if (!bit(bitmap->data, index) || is_metadata(descriptor, number)) {
		volume_corrupt("a block is freed that was not in use", number);
		return 0;
	}
	change_bits(bitmap, index, 1, false);
	add_free_blocks(descriptor, descriptor_block, 1);
	block_forget(number);
	return 0;
}

/* ---- inodes */

static void add_free_inodes(struct group_descriptor *descriptor, struct block *block, int difference, bool directory)
{
	block_change(block, descriptor, sizeof(*descriptor));
	descriptor->free_inodes += difference;
	if (directory)
		descriptor->directories -= difference;
	block_change(volume.super_block, &volume.super->free_inodes, sizeof(volume.super->free_inodes));
	volume.super->free_inodes += difference;
}

#define DIRECTORY_CANDIDATES 64

/* A new directory goes where blocks are plenty, so that directories spread and their files stay near them. */
static int directory_group(uint32_t parent_group, uint32_t *best)
{
	uint32_t most = 0;

	*best = parent_group;
	for (uint32_t i = 0; i < volume.groups && i < DIRECTORY_CANDIDATES; i++) {
		struct group_descriptor *descriptor;
		struct block *block;
		uint32_t group = (parent_group + i) % volume.groups;
		int result = group_get(group, &descriptor, &block);

		if (result < 0)
			return result;
		if (descriptor->free_inodes && descriptor->free_blocks > most) {
			most = descriptor->free_blocks;
			*best = group;
		}
	}
	return 0;
}

static int allocate_inode_in_group(uint32_t group, bool directory, uint32_t *number)
{
	struct group_descriptor *descriptor;
	struct block *descriptor_block, *bitmap;
	uint32_t per_group = volume.super->inodes_per_group, index;
	int result = group_get(group, &descriptor, &descriptor_block);

	if (result < 0)
		return result;
	if (!descriptor->free_inodes)
		return -ENOSPC;
	result = block_get(descriptor->inode_bitmap, &bitmap);
	if (result < 0)
		return result;
	index = find_zero(bitmap->data, group == 0 ? volume.super->first_inode - 1 : 0, per_group);
	if (index == per_group)
		return -ENOSPC;
	change_bits(bitmap, index, 1, true);
	add_free_inodes(descriptor, descriptor_block, -1, directory);
	*number = group * per_group + index + 1;
	return 0;
}

int inode_allocate(uint32_t parent, bool directory, uint32_t *number)
{
	uint32_t group = (parent - 1) / volume.super->inodes_per_group;
	int result = 0;

	if (!volume.super->free_inodes)
		return -ENOSPC;
	if (directory)
		result = directory_group(group, &group);
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < volume.groups; i++) {
		result = allocate_inode_in_group(group, directory, number);
		if (result != -ENOSPC)
			return result;
		group = group + 1 < volume.groups ? group + 1 : 0;
	}
	return -ENOSPC;
}

int inode_free(uint32_t number, bool directory)
{
	struct group_descriptor *descriptor;
	struct block *descriptor_block, *bitmap;
	uint32_t group = (number - 1) / volume.super->inodes_per_group, index = (number - 1) % volume.super->inodes_per_group;
	int result = group_get(group, &descriptor, &descriptor_block);

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
	add_free_inodes(descriptor, descriptor_block, 1, directory);
	return 0;
}
