/*
 * Facts of virtio 1.1 (OASIS, 2019) that the driver uses: MMIO registers of both layouts (4.2), the split virtqueue (2.6),
 * the block device (5.2). Version 1 is the legacy layout (4.2.4): other queue registers, no VERSION_1, no FEATURES_OK.
 */
#ifndef BLK_VIRTIO_H
#define BLK_VIRTIO_H

#include <stdint.h>

enum virtio_register {
	VIRTIO_MAGIC = 0x000, VIRTIO_VERSION = 0x004, VIRTIO_DEVICE_ID = 0x008,
	VIRTIO_DEVICE_FEATURES = 0x010, VIRTIO_DEVICE_FEATURES_SELECT = 0x014,
	VIRTIO_DRIVER_FEATURES = 0x020, VIRTIO_DRIVER_FEATURES_SELECT = 0x024,
	VIRTIO_LEGACY_PAGE_BYTES = 0x028,
	VIRTIO_QUEUE_SELECT = 0x030, VIRTIO_QUEUE_MAX = 0x034, VIRTIO_QUEUE_SIZE = 0x038,
	VIRTIO_LEGACY_QUEUE_ALIGN = 0x03c, VIRTIO_LEGACY_QUEUE_PAGE = 0x040,
	VIRTIO_QUEUE_READY = 0x044, VIRTIO_QUEUE_NOTIFY = 0x050,
	VIRTIO_INTERRUPT_STATUS = 0x060, VIRTIO_INTERRUPT_ACK = 0x064,
	VIRTIO_STATUS = 0x070,
	VIRTIO_QUEUE_DESCRIPTORS = 0x080, VIRTIO_QUEUE_DRIVER = 0x090, VIRTIO_QUEUE_DEVICE = 0x0a0,	/* low word, then high */
	VIRTIO_CONFIG_GENERATION = 0x0fc, VIRTIO_CONFIG = 0x100,
};

#define VIRTIO_MAGIC_VALUE 0x74726976u
#define VIRTIO_REGISTER_BYTES 0x200
enum { VIRTIO_VERSION_LEGACY = 1, VIRTIO_VERSION_MODERN = 2 };
enum { VIRTIO_ID_BLOCK = 2 };

enum virtio_status {
	VIRTIO_ACKNOWLEDGE = 1, VIRTIO_DRIVER = 2, VIRTIO_DRIVER_OK = 4, VIRTIO_FEATURES_OK = 8, VIRTIO_NEEDS_RESET = 64,
	VIRTIO_FAILED = 128,
};

/* Feature bits, as numbers. */
enum virtio_feature {
	VIRTIO_BLK_SIZE_MAX = 1, VIRTIO_BLK_SEG_MAX = 2, VIRTIO_BLK_RO = 5, VIRTIO_BLK_BLK_SIZE = 6, VIRTIO_BLK_FLUSH = 9,
	VIRTIO_VERSION_1 = 32,
};
#define FEATURE(name) (1UL << VIRTIO_##name)

/* Offsets in the block device's configuration. */
enum { BLK_CONFIG_CAPACITY = 0x00, BLK_CONFIG_SIZE_MAX = 0x08, BLK_CONFIG_SEG_MAX = 0x0c, BLK_CONFIG_BLK_SIZE = 0x14 };

struct virtio_descriptor { uint64_t address; uint32_t bytes; uint16_t flags, next; };
enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_DEVICE_WRITES = 2 };

struct virtio_available { uint16_t flags, index, ring[]; };
struct virtio_used { uint16_t flags, index; struct { uint32_t head, bytes; } ring[]; };
enum { AVAILABLE_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

#define SECTOR_BYTES 512
struct virtio_block_header { uint32_t type, reserved; uint64_t sector; };
enum { BLOCK_READ = 0, BLOCK_WRITE = 1, BLOCK_FLUSH = 4 };
enum { BLOCK_OK = 0, BLOCK_ERROR = 1, BLOCK_UNSUPPORTED = 2 };

_Static_assert(sizeof(struct virtio_descriptor) == 16 && sizeof(struct virtio_block_header) == 16, "as the specification says");

#endif
