/*
 * What lies on the disk: ext2 revision 1 with blocks of 4096 bytes, little-endian as both machines that compile this are.
 * Facts only; every number read through these structures is input and is checked where it is used. Next: core.h.
 */
#ifndef FS_FORMAT_H
#define FS_FORMAT_H

#include <stdint.h>

#define BLOCK_BYTES 4096U
#define SUPER_OFFSET 1024U		/* the superblock lies here in block 0 */
#define SUPER_MAGIC 0xEF53
#define ROOT_INODE 2U
#define POINTERS (BLOCK_BYTES / 4)	/* block numbers in an indirect block */
#define DIRECT_POINTERS 12U
#define EXT2_LINK_MAX 32000
#define NAME_MAX 255
#define SECTORS (BLOCK_BYTES / 512)	/* i_blocks counts sectors */

enum super_state { STATE_CLEAN = 1, STATE_ERRORS = 2 };
enum feature {
	INCOMPATIBLE_FILETYPE = 2, INCOMPATIBLE_KNOWN = INCOMPATIBLE_FILETYPE,
	READ_ONLY_SPARSE_SUPER = 1, READ_ONLY_LARGE_FILE = 2, READ_ONLY_BTREE = 4, READ_ONLY_KNOWN = 7,
};
/* inode.mode; the names of Linux's headers are not to be had where a C library is about. */
enum mode {
	MODE_TYPE = 0xf000, MODE_FIFO = 0x1000, MODE_CHARACTER = 0x2000, MODE_DIRECTORY = 0x4000, MODE_BLOCK = 0x6000,
	MODE_REGULAR = 0x8000, MODE_LINK = 0xa000, MODE_SOCKET = 0xc000,
	MODE_SET_USER = 04000, MODE_SET_GROUP = 02000, MODE_STICKY = 01000,
};
#define MODE_IS_DIRECTORY(mode) (((mode) & MODE_TYPE) == MODE_DIRECTORY)
#define MODE_IS_LINK(mode) (((mode) & MODE_TYPE) == MODE_LINK)
enum inode_flag { INODE_IMMUTABLE = 0x10, INODE_APPEND = 0x20, INODE_INDEX = 0x1000 };

struct superblock {
	uint32_t inodes_count, blocks_count, reserved_blocks, free_blocks;
	uint32_t free_inodes, first_data_block, log_block_bytes, log_fragment_bytes;
	uint32_t blocks_per_group, fragments_per_group, inodes_per_group, mount_time;
	uint32_t write_time;
	uint16_t mount_count, max_mount_count, magic, state, errors, minor_revision;
	uint32_t check_time, check_interval, creator, revision;
	uint16_t reserved_uid, reserved_gid;
	uint32_t first_inode;			/* first that is not reserved */
	uint16_t inode_bytes, block_group;
	uint32_t compatible, incompatible, read_only_compatible;
	uint8_t uuid[16];
	char name[16], last_mounted[64];
	uint8_t unused[1024 - 200];
};

struct group_descriptor {
	uint32_t block_bitmap, inode_bitmap, inode_table;
	uint16_t free_blocks, free_inodes, directories, unused[7];
};

#define GROUPS_PER_BLOCK (BLOCK_BYTES / (uint32_t)sizeof(struct group_descriptor))

struct inode {
	uint16_t mode, uid;
	uint32_t bytes, access_time, change_time, modify_time, delete_time;
	uint16_t gid, links;
	uint32_t sectors, flags, version;
	uint32_t pointer[15];			/* 12 direct, indirect, double, triple; or a fast symbolic link's text */
	uint32_t generation, attribute_block, bytes_high, fragment;
	uint16_t unused1[2], uid_high, gid_high;
	uint32_t unused2;
	/* Only in inodes of more than 128 bytes, as far as extra_bytes reaches. */
	uint16_t extra_bytes, unused3;
	uint32_t change_extra, modify_extra, access_extra, birth_time, birth_extra;	/* nanoseconds << 2 | bits 32, 33 of the seconds */
};
#define INODE_BYTES_SMALL 128U
#define INODE_EXTRA_WANTED 32U

struct entry {
	uint32_t inode;				/* 0: free space */
	uint16_t bytes;				/* to the next entry; the last one reaches the end of its block */
	uint8_t name_bytes, type;
	char name[];
};
#define ENTRY_BYTES(name_bytes) ((8U + (name_bytes) + 3U) & ~3U)

struct attribute_header { uint32_t magic, references; };	/* of an extended-attribute block */
#define ATTRIBUTE_MAGIC 0xEA020000U

_Static_assert(sizeof(struct superblock) == 1024 && sizeof(struct group_descriptor) == 32 && sizeof(struct inode) == 152, "sizes on disk");

#endif
