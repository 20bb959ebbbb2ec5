/*
 * The volume in memory: the same structures as on a disk (format.h), one group of them, in pages that never leave. So names, links, permissions
 * and times are the same code as on the disk, and nothing of it is ever read or written. It holds names and attributes only: the bytes of its
 * files are the pager's, in objects that have no blocks (OBJECT_IN_MEMORY in abi/pager.h). It is made anew at each start.
 */
#include "core.h"

#define INODE_BYTES 256U
#define INODES_MAX 4096U		/* so that some of the records of inodes in use (node.c) remain to the disk */
#define GROUP_BLOCKS (BLOCK_BYTES * 8)
enum layout { SUPER, DESCRIPTORS, BLOCK_BITMAP, INODE_BITMAP, INODE_TABLE };	/* the first blocks */

struct volume memory_volume;

static struct block *records;
static uint32_t count;

struct block *memory_block(uint32_t number)
{
	return INDEX(number) < count ? &records[INDEX(number)] : NULL;
}

static void set_bits(uint8_t *map, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		map[i / 8] |= 1 << i % 8;
}

/* Up to half of the blocks are inodes, the rest are for directories and long links. */
static void make_super(void)
{
	uint32_t most = count / 2 * (BLOCK_BYTES / INODE_BYTES), inodes = most < INODES_MAX ? most : INODES_MAX;
	struct superblock *super = (struct superblock *)(records[SUPER].data + SUPER_OFFSET);

	*super = (struct superblock){
		.magic = SUPER_MAGIC, .revision = 1, .log_block_bytes = 2, .inode_bytes = INODE_BYTES, .incompatible = INCOMPATIBLE_FILETYPE,
		.blocks_count = count, .blocks_per_group = GROUP_BLOCKS, .free_blocks = count - INODE_TABLE - inodes / (BLOCK_BYTES / INODE_BYTES),
		.inodes_count = inodes, .inodes_per_group = inodes, .free_inodes = inodes - (ROOT_INODE - 1), .first_inode = ROOT_INODE,
	};
	memory_volume = (struct volume){
		.mounted = true, .super = super, .super_block = &records[SUPER], .groups = 1, .inode_bytes = INODE_BYTES, .numbers = IN_MEMORY,
	};
}

static void make_group(void)
{
	struct superblock *super = memory_volume.super;

	*(struct group_descriptor *)records[DESCRIPTORS].data = (struct group_descriptor){
		.block_bitmap = IN_MEMORY | BLOCK_BITMAP, .inode_bitmap = IN_MEMORY | INODE_BITMAP, .inode_table = IN_MEMORY | INODE_TABLE,
		.free_blocks = super->free_blocks, .free_inodes = super->free_inodes,
	};
	set_bits(records[BLOCK_BITMAP].data, 0, count - super->free_blocks);
	set_bits(records[INODE_BITMAP].data, 0, super->inodes_count - super->free_inodes);
}

/* The first inode to be given is the root's. */
static int make_root(void)
{
	struct inode_ref root;
	int result = inode_create(IN_MEMORY | 1, MODE_DIRECTORY | MODE_STICKY | 0777, 0, 0, &root);

	if (result == 0)
		result = directory_add(&root, ".", 1, MEMORY_ROOT, MODE_DIRECTORY, true);
	if (result == 0)
		result = directory_add(&root, "..", 2, MEMORY_ROOT, MODE_DIRECTORY, true);
	if (result == 0)
		root.raw->links = 2;
	return result;
}

void memory_init(uint8_t *pages, uint32_t pages_count, struct block *blocks)
{
	records = blocks;
	count = pages_count < GROUP_BLOCKS ? pages_count : GROUP_BLOCKS;
	for (uint32_t i = 0; i < count; i++)
		records[i] = (struct block){ .data = pages + (size_t)i * BLOCK_BYTES, .number = IN_MEMORY | i, .state = BLOCK_READY, .pinned = true };
	for (uint32_t i = SUPER; i < INODE_TABLE; i++)
		memset(records[i].data, 0, BLOCK_BYTES);	/* inodes and the other blocks are cleared when they are taken into use */
	make_super();
	make_group();
	step_begin();
	if (make_root() < 0) {
		log_line("fs: %u pages are too few for the volume in memory", count);
		__builtin_trap();
	}
	step_commit();
}
