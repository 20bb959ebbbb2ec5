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

struct extent {
	uint64_t base, bytes;
};

struct machine {
	struct extent ram;			/* the bank that holds the kernel */
	uint64_t kept;				/* by the firmware: the first address of it behind the kernel */
	uint64_t tree;				/* physical */
	struct extent controller;		/* of interrupts */
	uint64_t context;			/* the boot hart's supervisor mode in it */
	uint64_t interrupts;			/* numbers 1..interrupts */
};

extern struct machine machine;
extern struct boot_info boot_info;	/* what init is told, too */
extern char kernel_start[], kernel_end[];

void device_tree_read(uint64_t physical, uint64_t boot_hart);
void memory_split(void);
void init_create(void);

/* The number behind `name` ("object=") among the boot arguments of the kernel, or `otherwise`. */
uint64_t boot_argument(const char *name, uint64_t otherwise);

/* Of what users' page tables show: page memory or registers of devices, which all lie below RAM. */
static inline bool is_page_memory(uint64_t mapped) { return mapped >= boot_info.page_base; }
static inline void *direct(uint64_t physical) { return (void *)(physical + DIRECT_BASE); }
static inline uint64_t physical_of(const void *pointer) { return (uint64_t)pointer - DIRECT_BASE; }

#endif
