/*
 * Builds the first space and thread from init's flat image and gives them everything: struct boot_info, the device tree, and a
 * capability to all memory, interrupts and devices. init's pages are the first ones of page memory.
 */
#include "mapping.h"
#include "riscv/hardware.h"
#include "thread.h"

#define INIT_TABLES 4		/* root, middle, and one table each for the image and the boot information */
#define INIT_BYTES (INIT_PAGES * PAGE_BYTES)

extern const char init_image[], init_image_end[];

/* init's pages and, behind them, the boot information: copied, and nothing that is still needed overwritten. Result: how many. */
static uint64_t place_pages(void)
{
	uint64_t image_bytes = (uint64_t)(init_image_end - init_image), base = boot_info.page_base;
	uint64_t pages = INIT_PAGES + 1 + (boot_info.device_tree_bytes + PAGE_BYTES - 1) / PAGE_BYTES, bytes = pages << PAGE_SHIFT;

	if (image_bytes > INIT_BYTES || pages > boot_info.page_pages || range_overlap(base, bytes, machine.tree, boot_info.device_tree_bytes) ||
	    range_overlap(base, bytes, boot_info.initrd_base, boot_info.initrd_bytes))
		panic("no room for init, %lx bytes, at %lx: device tree at %lx, initrd at %lx", image_bytes, base, machine.tree,
		      boot_info.initrd_base);
	memset(direct(base), 0, bytes);
	memcpy(direct(base), init_image, image_bytes);
	memcpy(direct(base + INIT_BYTES + PAGE_BYTES), direct(machine.tree), boot_info.device_tree_bytes);
	return pages;
}

static void give(struct space *space, enum init_slot slot, enum kind kind, uint64_t index, uint64_t base, uint64_t count)
{
	uint64_t word = index ? objects[index].word : kind;

	space->slots[slot] = (struct capability){ word, (uint32_t)index, RIGHT_ALL, { base }, { index ? (uint64_t)object_page(index) : count } };
}

/* The call that init itself will map pages with. */
static void map(struct thread *thread, uint64_t address_rights, uint64_t pages, uint64_t physical)
{
	const uint64_t argument[] = { INIT_SLOT_SPACE, address_rights, pages, physical, INIT_SLOT_PAGE_MEMORY, 0 };
	long done = sys_map(thread, &thread->space->slots[INIT_SLOT_SPACE], argument);

	assert(done == (long)pages);
}

void init_create(void)
{
	uint64_t pages = place_pages(), controller_end = machine.controller.base + machine.controller.bytes;
	struct thread *thread;
	struct space *space;

	object_init();
	space = object_create(object_first_free++, KIND_SPACE, PAGE_BYTES);
	init_thread = thread = object_create(object_first_free++, KIND_THREAD, PAGE_BYTES);
	for (unsigned i = 0; i < INIT_TABLES; i++)
		table_give(space, object_first_free++);
	give(space, INIT_SLOT_SPACE, KIND_SPACE, object_index(space), 0, 0);
	give(space, INIT_SLOT_THREAD, KIND_THREAD, object_index(thread), 0, 0);
	give(space, INIT_SLOT_OBJECT_MEMORY, KIND_OBJECT_MEMORY, 0, boot_info.object_base, boot_info.object_pages);
	give(space, INIT_SLOT_PAGE_MEMORY, KIND_USER_MEMORY, 0, boot_info.page_base, boot_info.page_pages);
	assert(controller_end <= machine.ram.base);
	give(space, INIT_SLOT_DEVICES_BELOW, KIND_USER_MEMORY, 0, 0, machine.controller.base >> PAGE_SHIFT);
	give(space, INIT_SLOT_DEVICES_ABOVE, KIND_USER_MEMORY, 0, controller_end, (machine.ram.base - controller_end) >> PAGE_SHIFT);
	give(space, INIT_SLOT_IRQ, KIND_IRQ, 0, 0, min(machine.interrupts + 1, IRQ_MAX));
	give(space, INIT_SLOT_CONTROL, KIND_CONTROL, 0, 0, 0);
	boot_info.object_first_free = boot_info.object_base + (object_first_free << PAGE_SHIFT);
	boot_info.page_first_free = boot_info.page_base + (pages << PAGE_SHIFT);
	boot_info.controller_base = machine.controller.base;
	boot_info.device_tree = BOOT_INFO_BASE + PAGE_BYTES;
	*(struct boot_info *)direct(boot_info.page_base + INIT_BYTES) = boot_info;
	thread->x[0] = INIT_BASE;
	thread->x[SP] = INIT_BASE + INIT_BYTES;
	thread->x[A0] = BOOT_INFO_BASE;
	thread->priority = PRIORITIES - 1;
	thread_init(thread);
	space_init(space);
	thread_enter_space(thread, space);
	map(thread, INIT_BASE | RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE, INIT_PAGES, boot_info.page_base);
	map(thread, BOOT_INFO_BASE | RIGHT_READ, pages - INIT_PAGES, boot_info.page_base + INIT_BYTES);
	thread_resume(thread);
}
