/*
 * Mounting: the superblock and all group descriptors are checked before anything else believes them. An image that this
 * server cannot use gets one sentence in the log and is refused; nothing is written to it. Next: allocate.c.
 */
#include "core.h"

struct volume volume;

static uint32_t checked_groups;		/* mounting goes on here after a wait */

int wait_for(uint64_t key)
{
	volume.wait_key = key;
	volume.awaited |= 1UL << (key >> 56);
	return WAIT;
}

static int refuse(const char *why)
{
	log_line("fs: cannot use the disk: %s", why);
	volume.refusal = why;
	return -EINVAL;
}

static const char *shape_problem(const struct superblock *super)
{
	uint32_t inode_bytes = super->inode_bytes;

	if (super->magic != SUPER_MAGIC)
		return "it holds no ext2 file system (wrong magic number)";
	if (super->revision != 1)
		return "it is not ext2 revision 1";
	if (super->log_block_bytes != 2)
		return "its block size is not 4096 bytes";
	if (super->incompatible & ~INCOMPATIBLE_KNOWN)
		return "it uses features of ext2's successors (unknown incompatible features)";
	if (inode_bytes < INODE_BYTES_SMALL || inode_bytes > BLOCK_BYTES || (inode_bytes & (inode_bytes - 1)))
		return "its inode size is invalid";
	return NULL;
}

static const char *count_problem(const struct superblock *super, uint64_t device_blocks)
{
	uint64_t groups = 0;

	if (super->blocks_count > device_blocks)
		return "it is cut short: the file system is larger than the device";
	if (super->blocks_count > IN_MEMORY || super->inodes_count >= IN_MEMORY)
		return "it has more than 2^31 blocks or inodes";
	if (super->first_data_block || super->blocks_count < 8 || !super->blocks_per_group ||
	    super->blocks_per_group > BLOCK_BYTES * 8 || super->blocks_per_group % 8)
		return "its block counts are invalid";
	groups = ((uint64_t)super->blocks_count + super->blocks_per_group - 1) / super->blocks_per_group;
	if (!super->inodes_per_group || super->inodes_per_group > BLOCK_BYTES * 8 || super->inodes_per_group % 8 ||
	    super->inodes_count != groups * super->inodes_per_group || super->first_inode < 11 ||
	    super->first_inode > super->inodes_per_group)
		return "its inode counts are invalid";
	if (super->free_blocks > super->blocks_count || super->free_inodes > super->inodes_count ||
	    super->reserved_blocks > super->blocks_count)
		return "its free counts are invalid";
	return NULL;
}

uint32_t table_blocks(const struct volume *on)
{
	return ((uint64_t)on->super->inodes_per_group * on->inode_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

uint32_t group_blocks(const struct volume *on, uint32_t group)
{
	uint32_t first = group * on->super->blocks_per_group, left = on->super->blocks_count - first;

	return left < on->super->blocks_per_group ? left : on->super->blocks_per_group;
}

int group_get(const struct volume *on, uint32_t group, struct group_descriptor **descriptor, struct block **block)
{
	int result = block_get(on->numbers | (1 + group / GROUPS_PER_BLOCK), block);

	if (result < 0)
		return result;
	*descriptor = (struct group_descriptor *)(*block)->data + group % GROUPS_PER_BLOCK;
	return 0;
}

static bool group_is_good(uint32_t group, const struct group_descriptor *descriptor)
{
	uint64_t first = (uint64_t)group * volume.super->blocks_per_group, end = first + group_blocks(&volume, group);
	uint64_t table = descriptor->inode_table, table_end = table + table_blocks(&volume);

	if (group == 0)
		first += 1 + (volume.groups + GROUPS_PER_BLOCK - 1) / GROUPS_PER_BLOCK;
	return descriptor->block_bitmap >= first && descriptor->block_bitmap < end &&
	       descriptor->inode_bitmap >= first && descriptor->inode_bitmap < end && table >= first && table_end <= end &&
	       descriptor->block_bitmap != descriptor->inode_bitmap &&
	       (descriptor->block_bitmap < table || descriptor->block_bitmap >= table_end) &&
	       (descriptor->inode_bitmap < table || descriptor->inode_bitmap >= table_end) &&
	       descriptor->free_blocks <= group_blocks(&volume, group) && descriptor->free_inodes <= volume.super->inodes_per_group;
}

static int check_groups(void)
{
	struct group_descriptor *descriptor = NULL;
	struct block *block = NULL;

	for (; checked_groups < volume.groups; checked_groups++) {
		int result = group_get(&volume, checked_groups, &descriptor, &block);

		if (result == -EIO)
			return refuse("its group descriptors cannot be read");
		if (result < 0)
			return result;
		if (!group_is_good(checked_groups, descriptor))
			return refuse("its group descriptors are damaged");
		if ((checked_groups + 1) % GROUPS_PER_BLOCK == 0)
			block_let_go(block);
	}
	return 0;
}

/* From here on the volume counts as in use: a crash leaves it marked unclean. */
static void mark_mounted(void)
{
	struct superblock *super = volume.super;

	volume.was_clean = super->state & STATE_CLEAN && !(super->state & STATE_ERRORS);
	if (!volume.was_clean)
		log_line("fs: the disk was not left in order; e2fsck should look at it");
	if (volume.read_only)
		return;
	block_change(volume.super_block, super, sizeof(*super));
	super->state &= ~STATE_CLEAN;
	super->mount_time = super->write_time = volume.ops->now() / 1000000000;
	super->mount_count++;
	super->read_only_compatible |= READ_ONLY_LARGE_FILE;
	step_commit();
	cache_write_back();
}

static int check_super(uint64_t device_blocks)
{
	struct block *block;
	const char *problem;
	int result = block_get(0, &block);

	if (result == -EIO)
		return refuse("its first block cannot be read");
	if (result < 0)
		return result;
	volume.super = (struct superblock *)(block->data + SUPER_OFFSET);
	problem = shape_problem(volume.super);
	if (!problem)
		problem = count_problem(volume.super, device_blocks);
	if (problem)
		return refuse(problem);
	volume.super_block = block;
	block->pinned = true;
	volume.inode_bytes = volume.super->inode_bytes;
	volume.groups = ((uint64_t)volume.super->blocks_count + volume.super->blocks_per_group - 1) / volume.super->blocks_per_group;
	checked_groups = 0;
	return 0;
}

int volume_mount(uint64_t device_blocks, bool device_read_only)
{
	struct inode_ref root;
	int result = 0;

	if (!volume.super_block)
		result = device_blocks ? check_super(device_blocks) : refuse("there is none");
	if (result == 0)
		result = check_groups();
	if (result == 0)
		result = inode_get_live(ROOT_INODE, &root);
	if (result == -ESTALE || result == -EIO || (result == 0 && !inode_is(root.raw, MODE_DIRECTORY)))
		result = refuse("it has no root directory");
	if (result < 0)
		return result;
	volume.read_only = device_read_only || (volume.super->read_only_compatible & ~READ_ONLY_KNOWN);
	if (volume.read_only)
		log_line("fs: the disk is mounted read-only");
	mark_mounted();
	volume.mounted = true;
	return 0;
}

/* Only a check can make clean what was not clean before. */
int volume_mark_clean(void)
{
	if (volume.read_only)
		return 0;
	block_change(volume.super_block, volume.super, sizeof(*volume.super));
	volume.super->write_time = volume.ops->now() / 1000000000;
	if (volume.was_clean && !(volume.super->state & STATE_ERRORS) && !volume.broken)
		volume.super->state |= STATE_CLEAN;
	return 0;
}

/* Found by whoever met the number; the operation fails with EUCLEAN. Only the first few are logged. */
void volume_corrupt(const char *what, uint64_t number)
{
	static unsigned logged;

	if (logged++ < 20)
		log_line("fs: the disk is damaged: %s (%lu)", what, (unsigned long)number);
	if (volume.mounted && !volume.read_only && !(volume.super->state & STATE_ERRORS)) {
		volume.super->state |= STATE_ERRORS;	/* goes to the disk with the next change of the superblock */
	}
}
