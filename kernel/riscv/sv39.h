/*
 * Page tables of a space: three levels of 512 entries. Level 0 maps 4 KiB, level 1 2 MiB, level 2 1 GiB.
 *
 *   entry:  frame number (bits 10..53) | D A G U X W R V
 *
 * An entry with V and any of R, W, X is a leaf, with V alone it points to the next table. A leaf whose last right was taken
 * away keeps its frame and its bits but loses U. The hardware sets A and D at any time: entries are only changed atomically.
 */
#ifndef RISCV_SV39_H
#define RISCV_SV39_H

#include "space.h"

#define LEVELS 3
#define ENTRIES 512

/* Where a walk ended: at a leaf or at an entry that is empty. entry NULL: the space has no root. */
struct walk {
	uint64_t *entry;
	uint64_t level;
};

enum page_bit {
	PAGE_VALID = 1, PAGE_READ = 2, PAGE_WRITE = 4, PAGE_EXECUTE = 8, PAGE_USER = 16, PAGE_GLOBAL = 32, PAGE_ACCESSED = 64, PAGE_DIRTY = 128,
	PAGE_RIGHTS = PAGE_READ | PAGE_WRITE | PAGE_EXECUTE,
	PAGE_WAS_READ = PAGE_VALID | PAGE_USER | PAGE_READ | PAGE_ACCESSED, PAGE_WAS_WRITTEN = PAGE_WAS_READ | PAGE_WRITE | PAGE_DIRTY,
};

static inline uint64_t level_bytes(uint64_t level) { return PAGE_BYTES << (9 * level); }
static inline uint64_t entry_physical(uint64_t entry) { return entry >> 10 << PAGE_SHIFT; }	/* the bits above the number are zero */

/* Leads to another table. */
static inline bool entry_is_table(uint64_t entry) { return (entry & (PAGE_VALID | PAGE_RIGHTS)) == PAGE_VALID; }

/* RIGHT_* of a leaf. */
static inline uint64_t entry_rights(uint64_t entry) { return entry & PAGE_USER ? (entry & PAGE_RIGHTS) >> 1 : 0; }

/* Bits for REPORT_* or, the same numbers, SCAN_*; and back. */
static inline uint64_t report_bits(uint64_t report)
{
	return (report & REPORT_A ? PAGE_ACCESSED : 0) | (report & REPORT_D ? PAGE_DIRTY : 0);
}

static inline uint64_t entry_report(uint64_t entry)
{
	return (entry & PAGE_ACCESSED ? REPORT_A : 0) | (entry & PAGE_DIRTY ? REPORT_D : 0);
}

/* What a use (ACCESS_*, 0: none) sets. */
static inline uint64_t access_bits(uint64_t access)
{
	return (access ? PAGE_ACCESSED : 0) | (access & ACCESS_WRITE ? PAGE_DIRTY : 0);
}

/* A leaf that is about to be used so, as far as its rights allow it. */
static inline uint64_t entry_make(uint64_t physical, uint64_t rights, uint64_t used)
{
	return physical >> 2 | rights << 1 | PAGE_VALID | PAGE_USER | access_bits(rights & used);
}

/* Note a use as the hardware would. */
static inline void entry_use(uint64_t *entry, uint64_t access)
{
	if (~*entry & access_bits(access))
		__atomic_fetch_or(entry, access_bits(access), __ATOMIC_RELAXED);
}

/* Clear REPORT_* bits. Result: the entry as it was. */
static inline uint64_t entry_clear(uint64_t *entry, uint64_t report)
{
	return __atomic_fetch_and(entry, ~report_bits(report), __ATOMIC_RELAXED);
}

/* Keep at most `rights`; clear D, too. Result: the entry as it was. */
static inline uint64_t entry_restrict(uint64_t *entry, uint64_t rights, bool clear_dirty)
{
	uint64_t old = *entry, kept = old & (rights << 1) & PAGE_RIGHTS, remove;

	if (!(kept & PAGE_READ))
		kept &= PAGE_EXECUTE;
	remove = (clear_dirty ? PAGE_DIRTY : 0) | (kept ? (old & PAGE_RIGHTS) ^ kept : PAGE_USER);
	return old & remove ? __atomic_fetch_and(entry, ~remove, __ATOMIC_RELAXED) : old;
}

/* Exchange a leaf. Result: the entry as it was. */
static inline uint64_t entry_replace(uint64_t *entry, uint64_t value) { return __atomic_exchange_n(entry, value, __ATOMIC_ACQ_REL); }

static inline uint64_t entry_index(uint64_t address, uint64_t level) { return address >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1); }
static inline uint64_t *entry_table(uint64_t entry) { return direct(entry_physical(entry)); }

/* As far as the tables go, but no further than to the entry of `level`. */
static always_inline struct walk walk_down(const struct space *space, uint64_t address, uint64_t level)
{
	struct walk walk = { space->root, LEVELS - 1 };

	if (unlikely(!walk.entry))
		return walk;
	walk.entry += entry_index(address, walk.level);
	for (; walk.level > level && entry_is_table(*walk.entry); walk.level--)
		walk.entry = entry_table(*walk.entry) + entry_index(address, walk.level - 1);
	return walk;
}

/* Most walks end in the same table as the one before. */
static always_inline struct walk table_walk(struct space *space, uint64_t address)
{
	struct walk walk;

	if (likely(address / LARGE_BYTES == space->near_region))
		return (struct walk){ space->near_table + entry_index(address, 0), 0 };
	walk = walk_down(space, address, 0);
	if (!walk.level && address < USER_END) {
		space->near_region = address / LARGE_BYTES;
		space->near_table = walk.entry - entry_index(address, 0);
	}
	return walk;
}

/*
 * The entry of `level` for the address; missing tables come from the reserve. NULL: nothing was changed, and *error says why: NO_TABLE: the
 * reserve lacks some; IN_USE: a page of another size is there.
 */
uint64_t *table_reach(struct space *space, uint64_t address, uint64_t level, long *error);

/* How many entries of this one's table are in use; of a root: those below USER_END. So many more or, below zero, less are: how many now. */
static inline unsigned word_entries(uint64_t word) { return word / OBJECT_ENTRY & 0xffff; }
static inline unsigned table_entries(const uint64_t *entry) { return word_entries(object_entry(entry)->word); }
static inline unsigned table_count(uint64_t *entry, int64_t more)
{
	return word_entries(object_entry(entry)->word += (uint64_t)more * OBJECT_ENTRY);
}

/*
 * The table that was emptied last stays where it is, since what is unmapped is often mapped again. It goes back to the reserve, and so do
 * those above that this leaves empty, when another one is emptied or any is wanted.
 */
void table_tidy(struct space *space);
static inline void table_emptied(struct space *space, uint64_t address)
{
	if (unlikely(space->emptied_region != address / LARGE_BYTES + 1))
		table_tidy(space);
	space->emptied_region = address / LARGE_BYTES + 1;
}

/* A fresh root gets the kernel's half. */
void root_init(uint64_t *root);

/* The page table allows the access: the fault was stale, or the use was to be noted. True: go on. */
bool fault_is_stale(struct space *space, uint64_t address, uint64_t access);

/* The kernel's own tables replace those of the entry code. */
void kernel_table_init(void);
uint64_t kernel_satp(void);

#endif
