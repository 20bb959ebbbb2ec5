/*
 * The boot, as a table of contents. riscv/entry.S comes before it; afterwards the kernel only ever runs for a trap
 * (riscv/trap.S, riscv/trap.c).
 */
#include "riscv/hardware.h"
#include "riscv/sv39.h"

/* Words after " -- " belong to the guest's command. */
uint64_t boot_argument(const char *name, uint64_t otherwise)
{
	const char *text = boot_info.arguments, *digit = NULL;
	uint64_t value = 0;

	while (*text && !text_after(text, "-- ") && !(digit = text_after(text, name))) {
		while (*text && *text != ' ')
			text++;
		while (*text == ' ')
			text++;
	}
	for (; digit && *digit >= '0' && *digit <= '9'; digit++)
		value = value * 10 + (uint64_t)(*digit - '0');
	return digit ? value : otherwise;
}

struct thread *kernel_main(uint64_t boot_hart, uint64_t device_tree, uint64_t entry_instret)
{
	schedule_init(this_hart);
	kernel_table_init();
	device_tree_read(device_tree, boot_hart);
	this_hart->attention |= boot_argument("fast=", 1) ? 0 : ATTENTION_SLOW;
	memory_split();
	this_hart->counters = (struct kernel_info){
		.entry_instret = entry_instret, .timebase_hz = boot_info.timebase_hz, .kernel_bytes = (uint64_t)(kernel_end - kernel_start),
		.object_pages = boot_info.object_pages, .page_pages = boot_info.page_pages,
	};
	hardware_init();
	init_create();
	return schedule();
}
