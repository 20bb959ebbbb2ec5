/* What init needs to know about the machine, from the device tree. Missing devices are zero. */
#ifndef INIT_MACHINE_H
#define INIT_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#define MACHINE_DISKS_MAX 16
#define SEED_BYTES 32

struct device { uint64_t registers, bytes; uint32_t irq; };

struct machine {
	struct device uart, rtc, finisher;
	struct device virtio[MACHINE_DISKS_MAX];	/* by address */
	unsigned virtio_count;
	uint8_t seed[SEED_BYTES];
	uint32_t seed_bytes;
};

void machine_read(struct machine *machine, const void *device_tree, size_t bytes);

#endif
