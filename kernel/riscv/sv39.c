/*
 * Sv39 page tables: walking, extending, clearing; and the kernel's own half, which every root shares. Which entries
 * to make and whether somebody may is decided in mapping.c; flushing is the caller's, except when tables go.
 */
#include "mapping.h"
#include "riscv/csr.h"
#include "riscv/hardware.h"

#define KERNEL_ENTRY (PAGE_VALID | PAGE_GLOBAL | PAGE_ACCESSED | PAGE_DIRTY)
#define POINTER(table) (physical_of(table) >> 2 | PAGE_VALID)

extern char kernel_text_end[], kernel_rodata_end[], stack_guard[];
extern uint64_t boot_root[ENTRIES];	/* entry.S */

static uint64_t middle_table[ENTRIES] __attribute__((aligned(PAGE_BYTES)));	/* the GiB that holds the kernel */
static uint64_t kernel_table[ENTRIES] __attribute__((aligned(PAGE_BYTES)));	/* the 2 MiB that hold the kernel */

__attribute__((noinline)) static uint64_t *table_extend(struct space *space, uint64_t address, uint64_t level, long *error)
{
	struct walk walk = table_walk(space, address);
	bool in_use = walk.entry && (walk.level < level || *walk.entry);

	if (in_use || !walk.entry || walk.level - level > space->reserve_pages) {
		*error = in_use ? ERR_IN_USE : ERR_NO_TABLE;
		return NULL;
	}
	for (; walk.level > level; walk.level--) {
		uint64_t *table = reserve_pop(space);

		*walk.entry = POINTER(table);
		table_count(walk.entry, 1);
		walk.entry = table + entry_index(address, walk.level - 1);
	}
	return walk.entry;
}

uint64_t *table_reach(struct space *space, uint64_t address, uint64_t level, long *error)
{
	struct walk walk = table_walk(space, address);

	if (likely(walk.level == level))
		return walk.entry;
	table_tidy(space);
	return table_extend(space, address, level, error);
}

void table_tidy(struct space *space)
{
	uint64_t address = (space->emptied_region - 1) * LARGE_BYTES;
	struct walk walk = walk_down(space, address, 0);

	while (space->emptied_region && walk.level < LEVELS - 1 && !table_entries(walk.entry)) {
		uint64_t *table = object_page(object_index(walk.entry));

		walk = walk_down(space, address, walk.level + 1);
		*walk.entry = 0;
		table_count(walk.entry, -1);
		space->near_region = space->near_large = NO_REGION;
		tlb_flush_space(space);
		reserve_push(space, table);
	}
	space->emptied_region = 0;
}

bool fault_is_stale(struct space *space, uint64_t address, uint64_t access)
{
	struct walk walk = table_walk(space, address);

	if (address >= USER_END || !walk.entry || !(entry_rights(*walk.entry) & access))
		return false;
	entry_use(walk.entry, access);
	tlb_flush_page(space, address);
	return true;
}

void root_init(uint64_t *root)
{
	memcpy(root + ENTRIES / 2, boot_root + ENTRIES / 2, PAGE_BYTES / 2);
}

uint64_t kernel_satp(void)
{
	return SATP_SV39 | physical_of(boot_root) >> PAGE_SHIFT;
}

/* Text can be executed, the rest of memory cannot; nothing but data can be written; a page under the stack is missing. */
static uint64_t kernel_entry_bits(char *page)
{
	if (page == stack_guard)
		return 0;
	if (page < kernel_start || page >= kernel_rodata_end)
		return KERNEL_ENTRY | PAGE_READ | PAGE_WRITE;
	return KERNEL_ENTRY | PAGE_READ | (page < kernel_text_end ? PAGE_EXECUTE : 0);
}

void kernel_table_init(void)
{
	uint64_t middle = KERNEL_PHYSICAL & ~(level_bytes(2) - 1), low = KERNEL_PHYSICAL & ~(level_bytes(1) - 1);

	for (uint64_t i = 0; i < ENTRIES; i++) {
		uint64_t bits = kernel_entry_bits(direct(low + i * level_bytes(0)));

		kernel_table[i] = bits ? (low + i * level_bytes(0)) >> 2 | bits : 0;
		middle_table[i] = (middle + i * level_bytes(1)) >> 2 | KERNEL_ENTRY | PAGE_READ | PAGE_WRITE;
		boot_root[i] = i < ENTRIES / 2 ? 0 : (i - ENTRIES / 2) * level_bytes(2) >> 2 | KERNEL_ENTRY | PAGE_READ | PAGE_WRITE;
	}
	middle_table[entry_index(KERNEL_PHYSICAL, 1)] = POINTER(kernel_table);
	boot_root[ENTRIES / 2 + entry_index(KERNEL_PHYSICAL, 2)] = POINTER(middle_table);
	sfence_all();
}
