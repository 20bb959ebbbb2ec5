/* The block driver's protocol: requests travel in the ring (abi/ring.h); one call tells about the device. */
#ifndef ABI_BLK_H
#define ABI_BLK_H

#include <stdint.h>

enum blk_label {
	BLK_info = 0x4000,	/* CALL from fs. Reply label 0 or -ENODEV, words: struct blk_info_reply */
};

struct blk_info_reply { uint64_t blocks, read_only, has_flush; };	/* blocks of 4096 bytes */

#endif
