/*
 * Sv39 page tables: walking, extending, clearing; and the kernel's own half, which every root shares. Which entries
 * to make and whether somebody may is decided in mapping.c; flushing is the caller's, except when tables go.
 */
#include "riscv/sv39.h"
#include "memory.h"
#include "riscv/csr.h"
#include "riscv/hardware.h"
#include "table.h"

#define ENTRIES 512
#define KERNEL_ENTRY (PAGE_VALID | PAGE_GLOBAL | PAGE_ACCESSED | PAGE_DIRTY)

extern char kernel_text_end[], kernel_rodata_end[], kernel_end[], kernel_start[], stack_guard[];
extern uint64_t boot_root[ENTRIES];	/* entry.S */

static uint64_t middle_table[ENTRIES] __attribute__((aligned(PAGE_BYTES)));	/* the GiB that holds the kernel */
static uint64_t kernel_table[ENTRIES] __attribute__((aligned(PAGE_BYTES)));	/* the 2 MiB that hold the kernel */

static unsigned entry_index(uint64_t address, unsigned level)
{
	return address >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1);
}

static uint64_t *entry_table(uint64_t entry)
{
	return direct(entry_physical(entry));
}

static uint64_t table_index(const uint64_t *entry)
{
	return object_index((const void *)((uint64_t)entry & ~(PAGE_BYTES - 1)));
}

unsigned table_entries(const uint64_t *table)
{
	return objects[table_index(table)].word >> 8 & 0xffff;
}

uint64_t entry_restrict(uint64_t *entry, uint64_t rights, uint64_t report)
{
	uint64_t old = *entry, kept = old & (rights << 1);
	uint64_t remove = report & REPORT_D ? PAGE_DIRTY : 0;

	if (!(kept & PAGE_READ))
		kept &= ~(uint64_t)PAGE_WRITE;
	if (kept)
		remove |= (old & PAGE_RIGHTS) & ~kept;
	else
		remove |= PAGE_USER;
	return old & remove ? __atomic_fetch_and(entry, ~remove, __ATOMIC_RELAXED) : old;
}

struct walk table_walk(const struct space *space, uint64_t address)
{
	struct walk walk = { NULL, LEVELS - 1 };
	uint64_t *table = space->root;

	if (unlikely(!table))
		return walk;
	for (;;) {
		walk.entry = table + entry_index(address, walk.level);
		if (!*walk.entry || entry_leaf(*walk.entry))
			return walk;
		assert(walk.level > 0);
		table = entry_table(*walk.entry);
		walk.level--;
	}
}

void table_fill(struct walk walk, uint64_t entry)
{
	assert(!*walk.entry);
	__atomic_store_n(walk.entry, entry, __ATOMIC_RELEASE);
	objects[table_index(walk.entry)].word += OBJECT_ENTRY;
}

uint64_t table_replace(struct walk walk, uint64_t entry)
{
	return __atomic_exchange_n(walk.entry, entry, __ATOMIC_ACQ_REL);
}

bool table_extend(struct space *space, struct walk *walk, uint64_t address, unsigned level)
{
	if (walk->level - level > space->reserve_pages)
		return false;
	while (walk->level > level) {
		uint64_t *table = reserve_pop(space);

		memset(table, 0, PAGE_BYTES);
		table_fill(*walk, physical_of(table) >> 2 | PAGE_VALID);
		walk->level--;
		walk->entry = table + entry_index(address, walk->level);
	}
	return true;
}

/* The entry at `level` on the way to `address`. */
static uint64_t *walk_to(const struct space *space, uint64_t address, unsigned level)
{
	uint64_t *entry = space->root + entry_index(address, LEVELS - 1);

	for (unsigned above = LEVELS - 1; above > level; above--)
		entry = entry_table(*entry) + entry_index(address, above - 1);
	return entry;
}

uint64_t table_clear(struct space *space, uint64_t address, struct walk *walk)
{
	uint64_t old = table_replace(*walk, 0), *entry = walk->entry;

	for (unsigned level = walk->level; ; level++) {
		uint64_t *table = (uint64_t *)((uint64_t)entry & ~(PAGE_BYTES - 1));

		assert(table_entries(table));
		objects[table_index(table)].word -= OBJECT_ENTRY;
		if (likely(table_entries(table)) || level == LEVELS - 1)
			return old;
		entry = walk_to(space, address, level + 1);
		*entry = 0;
		tlb_flush_space(space);
		reserve_push(space, table);
		walk->entry = NULL;
	}
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
static uint64_t kernel_page_rights(uint64_t address)
{
	if (address == (uint64_t)stack_guard)
		return 0;
	if (address < (uint64_t)kernel_start || address >= (uint64_t)kernel_rodata_end)
		return KERNEL_ENTRY | PAGE_READ | PAGE_WRITE;
	return KERNEL_ENTRY | PAGE_READ | (address < (uint64_t)kernel_text_end ? PAGE_EXECUTE : 0);
}

void kernel_table_init(void)
{
	uint64_t gib = KERNEL_PHYSICAL & ~(level_bytes(2) - 1), megabytes = KERNEL_PHYSICAL & ~(level_bytes(1) - 1);

	for (unsigned i = 0; i < ENTRIES; i++) {
		uint64_t physical = megabytes + i * PAGE_BYTES;
		uint64_t rights = kernel_page_rights((uint64_t)direct(physical));

		kernel_table[i] = rights ? physical >> 2 | rights : 0;
		middle_table[i] = (gib + i * level_bytes(1)) >> 2 | KERNEL_ENTRY | PAGE_READ | PAGE_WRITE;
	}
	middle_table[entry_index(KERNEL_PHYSICAL, 1)] = physical_of(kernel_table) >> 2 | PAGE_VALID | PAGE_GLOBAL;
	for (unsigned i = 0; i < ENTRIES / 2; i++) {
		boot_root[i] = 0;
		boot_root[ENTRIES / 2 + i] = i * level_bytes(2) >> 2 | KERNEL_ENTRY | PAGE_READ | PAGE_WRITE;
	}
	boot_root[ENTRIES / 2 + entry_index(KERNEL_PHYSICAL, 2)] = physical_of(middle_table) >> 2 | PAGE_VALID | PAGE_GLOBAL;
	sfence_all();
}
