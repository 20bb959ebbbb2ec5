/*
 * The boot, as a table of contents. riscv/entry.S comes before it; afterwards the kernel only ever runs for a trap
 * (riscv/trap.S, riscv/trap.c).
 */
#include "log.h"
#include "machine.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"
#include "schedule.h"
#include "thread.h"

uint64_t boot_entry_instret;

static bool word_matches(const char *text, const char *name)
{
	while (*name && *text == *name)
		text++, name++;
	return !*name;
}

/* Words after " -- " belong to the guest's command. */
uint64_t boot_argument(const char *name, uint64_t otherwise)
{
	const char *text = machine.arguments;
	uint64_t value = 0;

	while (*text && !word_matches(text, "-- ") && !word_matches(text, name)) {
		while (*text && *text != ' ')
			text++;
		while (*text == ' ')
			text++;
	}
	if (!word_matches(text, name))
		return otherwise;
	while (*text++ != '=')
		;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return value;
}

struct thread *kernel_main(uint64_t boot_hart, uint64_t device_tree, uint64_t entry_instret)
{
	boot_entry_instret = entry_instret;
	this_hart->id = boot_hart;
	schedule_init(this_hart);
	hardware_init_hart(this_hart);
	device_tree_read(device_tree, boot_hart);
	log_enabled = boot_argument("log=", 0);
	kernel_table_init();
	memory_split(&machine);
	hardware_init(&machine);
	init_create();
	log_print("hart %lu of %lu; init runs\n", boot_hart, machine.harts);
	return schedule();
}
