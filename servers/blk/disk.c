/* See disk.h. The order of steps at the start is that of virtio 1.1, 3.1.1; of registers, 4.2.3 and 4.2.4. */
#include "disk.h"

#define RESET_PATIENCE 100000

static uint32_t get(const struct disk *disk, unsigned offset)
{
	return disk->registers[offset / 4];
}

static void set(struct disk *disk, unsigned offset, uint32_t value)
{
	disk->registers[offset / 4] = value;
}

static void set_physical(struct disk *disk, unsigned offset, uint64_t physical)
{
	set(disk, offset, physical);
	set(disk, offset + 4, physical >> 32);
}

static void add_status(struct disk *disk, uint32_t bits)
{
	set(disk, VIRTIO_STATUS, get(disk, VIRTIO_STATUS) | bits);
}

static bool is_legacy(const struct disk *disk)
{
	return get(disk, VIRTIO_VERSION) == VIRTIO_VERSION_LEGACY;
}

void disk_reset(struct disk *disk)
{
	set(disk, VIRTIO_STATUS, 0);
	for (int i = 0; i < RESET_PATIENCE && get(disk, VIRTIO_STATUS); i++)
		;
}

static uint64_t offered_features(struct disk *disk)
{
	uint64_t features;

	set(disk, VIRTIO_DEVICE_FEATURES_SELECT, 1);
	features = (uint64_t)get(disk, VIRTIO_DEVICE_FEATURES) << 32;
	set(disk, VIRTIO_DEVICE_FEATURES_SELECT, 0);
	return features | get(disk, VIRTIO_DEVICE_FEATURES);
}

static const char *negotiate(struct disk *disk, uint64_t *features)
{
	const uint64_t known = FEATURE(BLK_SIZE_MAX) | FEATURE(BLK_SEG_MAX) | FEATURE(BLK_RO) | FEATURE(BLK_BLK_SIZE) | FEATURE(BLK_FLUSH) |
			       (is_legacy(disk) ? 0 : FEATURE(VERSION_1));

	*features = offered_features(disk) & known;
	if (!is_legacy(disk) && !(*features & FEATURE(VERSION_1)))
		return "it speaks neither virtio 1 nor legacy";
	set(disk, VIRTIO_DRIVER_FEATURES_SELECT, 1);
	set(disk, VIRTIO_DRIVER_FEATURES, *features >> 32);
	set(disk, VIRTIO_DRIVER_FEATURES_SELECT, 0);
	set(disk, VIRTIO_DRIVER_FEATURES, *features);
	if (is_legacy(disk))
		return NULL;
	add_status(disk, VIRTIO_FEATURES_OK);
	return get(disk, VIRTIO_STATUS) & VIRTIO_FEATURES_OK ? NULL : "it does not accept the features";
}

static uint32_t config(const struct disk *disk, unsigned offset)
{
	return get(disk, VIRTIO_CONFIG + offset);
}

/* Both halves of one moment; the legacy layout has no generation, its capacity does not change here. */
static uint64_t capacity(const struct disk *disk)
{
	uint32_t before;
	uint64_t sectors;
	int tries = 100;

	do {
		before = is_legacy(disk) ? 0 : get(disk, VIRTIO_CONFIG_GENERATION);
		sectors = config(disk, BLK_CONFIG_CAPACITY) | (uint64_t)config(disk, BLK_CONFIG_CAPACITY + 4) << 32;
	} while (!is_legacy(disk) && get(disk, VIRTIO_CONFIG_GENERATION) != before && --tries);
	return sectors;
}

static const char *read_config(struct disk *disk, uint64_t features)
{
	uint32_t segment_bytes = features & FEATURE(BLK_SIZE_MAX) ? config(disk, BLK_CONFIG_SIZE_MAX) : UINT32_MAX;
	uint32_t logical = features & FEATURE(BLK_BLK_SIZE) ? config(disk, BLK_CONFIG_BLK_SIZE) : SECTOR_BYTES;

	disk->blocks = capacity(disk) / (PAGE_BYTES / SECTOR_BYTES);
	disk->read_only = features & FEATURE(BLK_RO);
	disk->has_flush = features & FEATURE(BLK_FLUSH);
	disk->segment_bytes_max = segment_bytes / PAGE_BYTES * PAGE_BYTES;
	if (!disk->segment_bytes_max)
		return "it takes no segments of 4096 bytes";
	if (features & FEATURE(BLK_SEG_MAX) && config(disk, BLK_CONFIG_SEG_MAX) < RING_FRAMES)
		return "it takes too few segments in a request";
	if (!logical || PAGE_BYTES % logical)
		return "its sectors do not divide 4096 bytes";
	return NULL;
}

static const char *start_queue(struct disk *disk, void *memory, uint64_t physical)
{
	unsigned size = QUEUE_SIZE_MAX;
	uint32_t most;

	set(disk, VIRTIO_QUEUE_SELECT, 0);
	most = get(disk, VIRTIO_QUEUE_MAX);
	while (size > most)
		size /= 2;
	if (size < RING_FRAMES + 2)
		return "its queue is too short";
	queue_init(&disk->queue, memory, size);
	set(disk, VIRTIO_QUEUE_SIZE, size);
	if (is_legacy(disk)) {
		set(disk, VIRTIO_LEGACY_QUEUE_ALIGN, PAGE_BYTES);
		set(disk, VIRTIO_LEGACY_QUEUE_PAGE, physical / PAGE_BYTES);
		return NULL;
	}
	set_physical(disk, VIRTIO_QUEUE_DESCRIPTORS, physical);
	set_physical(disk, VIRTIO_QUEUE_DRIVER, physical + queue_available_offset(size));
	set_physical(disk, VIRTIO_QUEUE_DEVICE, physical + queue_used_offset(size));
	set(disk, VIRTIO_QUEUE_READY, 1);
	return NULL;
}

static const char *start_disk(struct disk *disk, const struct start_info *start)
{
	uint64_t features;
	const char *error;

	disk_reset(disk);
	add_status(disk, VIRTIO_ACKNOWLEDGE);
	add_status(disk, VIRTIO_DRIVER);
	if (is_legacy(disk))
		set(disk, VIRTIO_LEGACY_PAGE_BYTES, PAGE_BYTES);
	if ((error = negotiate(disk, &features)) || (error = read_config(disk, features)) ||
	    (error = start_queue(disk, (void *)start->pool, start->pool_physical))) {
		set(disk, VIRTIO_STATUS, VIRTIO_FAILED);
		return error;
	}
	add_status(disk, VIRTIO_DRIVER_OK);
	return NULL;
}

static bool is_disk(const struct disk *disk)
{
	uint32_t version = get(disk, VIRTIO_VERSION);

	return get(disk, VIRTIO_MAGIC) == VIRTIO_MAGIC_VALUE && get(disk, VIRTIO_DEVICE_ID) == VIRTIO_ID_BLOCK &&
	       (version == VIRTIO_VERSION_LEGACY || version == VIRTIO_VERSION_MODERN);
}

bool disk_find(struct disk *disk, const struct start_info *start)
{
	const size_t count = sizeof(start->device) / sizeof(start->device[0]);

	for (size_t i = 0; i < count && start->device[i].registers; i++) {
		const char *error;

		*disk = (struct disk){ .registers = (volatile uint32_t *)start->device[i].registers, .irq = start->device[i].irq };
		if (start->device[i].bytes < VIRTIO_REGISTER_BYTES || !is_disk(disk))
			continue;
		error = start_disk(disk, start);
		if (!error) {
			log_line("blk: %lu blocks of 4096 bytes%s%s, queue of %u, %s registers, irq %u", disk->blocks,
				 disk->read_only ? ", read-only" : "", disk->has_flush ? "" : ", no flush", disk->queue.size,
				 is_legacy(disk) ? "legacy" : "modern", disk->irq);
			return true;
		}
		log_line("blk: the disk with irq %u cannot be used: %s", disk->irq, error);
	}
	disk->registers = NULL;
	return false;
}

/* The device must see the queue before it hears of it. */
void disk_notify(struct disk *disk)
{
	__asm__ volatile("fence w, o" : : : "memory");
	set(disk, VIRTIO_QUEUE_NOTIFY, 0);
}

bool disk_interrupt(struct disk *disk)
{
	uint32_t cause = get(disk, VIRTIO_INTERRUPT_STATUS);

	set(disk, VIRTIO_INTERRUPT_ACK, cause);
	__asm__ volatile("fence io, r" : : : "memory");
	return !(get(disk, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET);
}
