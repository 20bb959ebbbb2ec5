/*
 * Physical memory. It is split once, at boot, into what the kernel may use for objects and what may be mapped:
 *
 *   bank start      kernel image              page memory                     object memory      bank end
 *   | firmware ... | text rodata data bss | init, boot info, ..., initrd, ... | object table, objects |
 *
 * Physical addresses are uint64_t and named so; kernel addresses are pointers into the direct map, which shows all
 * physical memory at DIRECT_BASE. Nothing here allocates after boot.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "base.h"
#include "riscv/layout.h"

struct memory {
	uint64_t object_base, object_pages;
	uint64_t page_base, page_pages;
};
extern struct memory memory;

struct machine;
void memory_split(const struct machine *machine);

static inline void *direct(uint64_t physical)
{
	return (void *)(physical + DIRECT_BASE);
}

static inline uint64_t physical_of(const void *pointer)
{
	return (uint64_t)pointer - DIRECT_BASE;
}

#endif
