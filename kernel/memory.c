/*
 * The split of physical memory; memory.h draws it. Page memory must be one extent and hold the initrd; object memory lies
 * behind it. Where they want the same pages, object memory gets fewer. The device tree may lie in either: it is copied
 * (init.c) before anything is written there.
 */
#include "memory.h"

#define OBJECT_SHARE 8UL	/* 1/8 of the memory, unless the boot argument object=N says otherwise */
#define OBJECT_PAGES_MIN 64

struct boot_info boot_info;

/* Usable memory: from the end of the kernel to the end of its bank, or to the first range that the firmware keeps. */
void memory_split(void)
{
	uint64_t start = physical_of(kernel_end), initrd_end = boot_info.initrd_base + boot_info.initrd_bytes;
	uint64_t end = min(machine.ram.base + machine.ram.bytes, machine.kept) & ~(PAGE_BYTES - 1);
	uint64_t share = boot_argument("object=", OBJECT_SHARE), wanted = machine.ram.bytes / (share ? share : OBJECT_SHARE) >> PAGE_SHIFT;

	if (end < start)
		panic("the kernel ends at %lx, in a range that the firmware keeps", start);
	wanted = min(wanted, min((end - start) >> PAGE_SHIFT, (1UL << TOKEN_THREAD_BITS) - 1));
	if (initrd_end > start && initrd_end <= end)
		wanted = min(wanted, (end - initrd_end) >> PAGE_SHIFT);
	if (wanted < OBJECT_PAGES_MIN)
		panic("memory from %lx to %lx, initrd to %lx: no room for objects", start, end, initrd_end);
	boot_info.object_pages = wanted;
	boot_info.object_base = end - (wanted << PAGE_SHIFT);
	boot_info.page_base = start;
	boot_info.page_pages = (boot_info.object_base - start) >> PAGE_SHIFT;
}
