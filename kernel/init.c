/*
 * Builds the first space and thread from init's flat image and gives them everything: struct boot_info, the device tree, and a
 * capability to all memory, interrupts and devices. init's pages are the first ones of page memory.
 */
#include "capability.h"
#include "machine.h"
#include "mapping.h"
#include "riscv/hardware.h"
#include "schedule.h"
#include "table.h"
#include "thread.h"

#define RIGHTS_OF_INIT (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE)
#define INIT_TABLES 4		/* root, middle, and one table each for the image and the boot information */

extern const char init_image[], init_image_end[];

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) >> PAGE_SHIFT;
}

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a < b + b_bytes && b < a + a_bytes;
}

static void fill_boot_info(struct boot_info *info, uint64_t pages_used)
{
	*info = (struct boot_info){
		.object_base = memory.object_base, .object_pages = memory.object_pages, .object_first_free = physical_of(object_page(object_first_free())),
		.page_base = memory.page_base, .page_pages = memory.page_pages, .page_first_free = memory.page_base + (pages_used << PAGE_SHIFT),
		.initrd_base = machine.initrd_base, .initrd_bytes = machine.initrd_end - machine.initrd_base,
		.device_tree = BOOT_INFO_BASE + PAGE_BYTES, .device_tree_bytes = machine.device_tree_bytes,
		.timebase_hz = machine.timebase_hz, .harts = machine.harts,
	};
	for (unsigned i = 0; i < sizeof(info->arguments) - 1 && machine.arguments[i]; i++)
		info->arguments[i] = machine.arguments[i];
}

/* init's pages and, behind them, the boot information: copied, and nothing that is still needed overwritten. */
static uint64_t place_pages(void)
{
	uint64_t image_bytes = (uint64_t)(init_image_end - init_image), bytes = INIT_PAGES * PAGE_BYTES;
	uint64_t all = bytes + PAGE_BYTES + (pages_of(machine.device_tree_bytes) << PAGE_SHIFT), base = memory.page_base;

	if (image_bytes > bytes)
		panic("init's image has %lu bytes, more than %lu", image_bytes, bytes);
	if (all >> PAGE_SHIFT > memory.page_pages || overlap(base, all, machine.device_tree, machine.device_tree_bytes) ||
	    overlap(base, all, machine.initrd_base, machine.initrd_end - machine.initrd_base))
		panic("no room for init at %lx: device tree at %lx, initrd at %lx", base, machine.device_tree, machine.initrd_base);
	memset(direct(base), 0, all);
	memcpy(direct(base), init_image, image_bytes);
	memcpy(direct(base + bytes + PAGE_BYTES), direct(machine.device_tree), machine.device_tree_bytes);
	return all >> PAGE_SHIFT;
}

static void set_capability(struct space *space, enum init_slot slot, struct capability capability)
{
	*space_slot(space, slot) = capability;
}

static void set_object(struct space *space, enum init_slot slot, uint64_t index)
{
	set_capability(space, slot, (struct capability){ objects[index].word, (uint32_t)index, RIGHT_ALL, { 0 }, 0 });
}

static void set_extent(struct space *space, enum init_slot slot, enum kind kind, uint64_t base, uint64_t count)
{
	set_capability(space, slot, (struct capability){ kind, 0, RIGHT_ALL, { base }, count });
}

static struct space *create_space(uint64_t index, uint64_t tables, uint64_t pages)
{
	struct space *space = object_page(index);

	for (unsigned i = 0; i < INIT_TABLES; i++)
		table_give(space, tables + i);
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t physical = memory.page_base + (i << PAGE_SHIFT);

		if (i < INIT_PAGES)
			map_boot_page(space, INIT_BASE + (i << PAGE_SHIFT), physical, RIGHTS_OF_INIT);
		else
			map_boot_page(space, BOOT_INFO_BASE + ((i - INIT_PAGES) << PAGE_SHIFT), physical, RIGHT_READ);
	}
	return space;
}

static void create_thread(uint64_t index, struct space *space)
{
	struct thread *thread = object_page(index);

	thread_init(thread);
	thread->x[0] = INIT_BASE;
	thread->x[SP] = INIT_BASE + INIT_PAGES * PAGE_BYTES;
	thread->x[A0] = BOOT_INFO_BASE;
	thread->priority = PRIORITIES - 1;
	thread->space = space;
	space->threads++;
	schedule_first_thread = index;
	thread_resume(thread);
}

void init_create(void)
{
	uint64_t pages = place_pages(), space_index, thread_index;
	struct space *space;

	object_init();
	space_index = object_allocate_boot(KIND_SPACE);
	thread_index = object_allocate_boot(KIND_THREAD);
	space = create_space(space_index, object_reserve_boot(INIT_TABLES), pages);
	set_object(space, INIT_SLOT_SPACE, space_index);
	set_object(space, INIT_SLOT_THREAD, thread_index);
	set_extent(space, INIT_SLOT_OBJECT_MEMORY, KIND_OBJECT_MEMORY, memory.object_base, memory.object_pages);
	set_extent(space, INIT_SLOT_PAGE_MEMORY, KIND_PAGE_MEMORY, memory.page_base, memory.page_pages);
	set_extent(space, INIT_SLOT_DEVICE_MEMORY, KIND_DEVICE_MEMORY, 0, machine.ram.base >> PAGE_SHIFT);
	set_extent(space, INIT_SLOT_IRQ, KIND_IRQ, 1, min(machine.interrupts, IRQ_MAX - 1));
	set_extent(space, INIT_SLOT_CONTROL, KIND_CONTROL, 0, 0);
	fill_boot_info(direct(memory.page_base + INIT_PAGES * PAGE_BYTES), pages);
	create_thread(thread_index, space);
}
