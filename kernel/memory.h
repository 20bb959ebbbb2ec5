/*
 * The machine as the device tree describes it, and its physical memory, which is split once, at boot, into what the kernel
 * may use for objects and what may be mapped:
 *
 *   bank start      kernel image               page memory                       object memory         bank end
 *   | firmware ... | text rodata data bss | init, boot info, ..., initrd, ... | object table, objects |
 *
 * Physical addresses are uint64_t and named so; kernel addresses are pointers into the direct map, which shows all
 * physical memory at DIRECT_BASE. The kernel knows no address beyond the boot protocol: it is entered at KERNEL_PHYSICAL
 * with the hart's number in a0 and the device tree in a1.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "base.h"
#include "riscv/layout.h"

#define RESERVED_MAX 8

struct extent {
	uint64_t base, bytes;
};

struct machine {
	struct extent ram;			/* the bank that holds the kernel */
	struct extent reserved[RESERVED_MAX];	/* by the firmware */
	unsigned reserved_count;
	uint64_t initrd_base, initrd_bytes;
	uint64_t timebase_hz, harts;
	uint64_t tree, tree_bytes;		/* physical */
	const char *arguments;
	struct extent controller;		/* of interrupts */
	uint64_t context;			/* the boot hart's supervisor mode in it */
	uint64_t interrupts;			/* numbers 1..interrupts */
};

struct memory {
	uint64_t object_base, object_pages;
	uint64_t page_base, page_pages;
};

extern struct machine machine;
extern struct memory memory;
extern bool log_enabled;
extern char kernel_start[], kernel_end[];

void device_tree_read(uint64_t physical, uint64_t boot_hart);
void memory_split(void);
void init_create(void);

/* The number behind `name` ("object=") among the boot arguments of the kernel, or `otherwise`. */
uint64_t boot_argument(const char *name, uint64_t otherwise);

static inline bool is_page_memory(uint64_t physical) { return physical - memory.page_base < memory.page_pages << PAGE_SHIFT; }
static inline void *direct(uint64_t physical) { return (void *)(physical + DIRECT_BASE); }
static inline uint64_t physical_of(const void *pointer) { return (uint64_t)pointer - DIRECT_BASE; }

#endif
