/*
 * Page tables of a space: three levels of 512 entries. Level 0 maps 4 KiB, level 1 2 MiB, level 2 1 GiB.
 *
 *   entry:  frame number (bits 10..53) | D A G U X W R V
 *
 * An entry with V and any of R, W, X is a leaf, with V alone it points to the next table. A leaf whose last right was
 * taken away keeps its frame and its bits but loses U. The hardware sets A and D at any time: entries are only changed by atomic operations.
 */
#ifndef RISCV_SV39_H
#define RISCV_SV39_H

#include "space.h"

#define LEVELS 3

/* Where a walk ended: at a leaf or at an entry that is empty. entry NULL: the space has no root. */
struct walk {
	uint64_t *entry;
	unsigned level;
};

enum page_bit { PAGE_VALID = 1, PAGE_READ = 2, PAGE_WRITE = 4, PAGE_EXECUTE = 8, PAGE_USER = 16, PAGE_GLOBAL = 32, PAGE_ACCESSED = 64, PAGE_DIRTY = 128 };
#define PAGE_RIGHTS (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE)
#define PAGE_FRAME_MASK 0x003ffffffffffc00UL

static inline uint64_t level_bytes(unsigned level)
{
	return PAGE_BYTES << (9 * level);
}

static inline bool entry_leaf(uint64_t entry)
{
	return entry & PAGE_RIGHTS;
}

static inline uint64_t entry_physical(uint64_t entry)
{
	return (entry & PAGE_FRAME_MASK) << 2;
}

/* RIGHT_* of a leaf. */
static inline uint64_t entry_rights(uint64_t entry)
{
	return entry & PAGE_USER ? (entry & PAGE_RIGHTS) >> 1 : 0;
}

/* A leaf. `used`: 0, or ACCESS_* for which it is about to be used. */
static inline uint64_t entry_make(uint64_t physical, uint64_t rights, uint64_t used)
{
	uint64_t entry = physical >> 2 | rights << 1 | PAGE_VALID | PAGE_USER;

	if (used)
		entry |= PAGE_ACCESSED;
	return used & rights & ACCESS_WRITE ? entry | PAGE_DIRTY : entry;
}

/* REPORT_A | REPORT_D. */
static inline uint64_t entry_report(uint64_t entry)
{
	return (entry & PAGE_ACCESSED ? REPORT_A : 0) | (entry & PAGE_DIRTY ? REPORT_D : 0);
}

/* Note a use as the hardware would. */
static inline void entry_use(uint64_t *entry, uint64_t access)
{
	uint64_t bits = PAGE_ACCESSED | (access & ACCESS_WRITE ? PAGE_DIRTY : 0);

	if ((*entry & bits) != bits)
		__atomic_fetch_or(entry, bits, __ATOMIC_RELAXED);
}

/* Clear REPORT_* bits. Result: the entry as it was. */
static inline uint64_t entry_clear(uint64_t *entry, uint64_t report)
{
	uint64_t bits = (report & REPORT_A ? PAGE_ACCESSED : 0) | (report & REPORT_D ? PAGE_DIRTY : 0);

	return __atomic_fetch_and(entry, ~bits, __ATOMIC_RELAXED);
}

/* Keep at most `rights`; REPORT_* bits to clear. Result: the entry as it was. */
uint64_t entry_restrict(uint64_t *entry, uint64_t rights, uint64_t report);

struct walk table_walk(const struct space *space, uint64_t address);

/* How many tables the walk to a leaf at level 0 lacks. */
static inline unsigned walk_missing(struct walk walk)
{
	return *walk.entry ? 0 : walk.level;
}

/* From an empty entry down to `level`, with tables from the reserve. False: it is empty, and nothing was changed. */
bool table_extend(struct space *space, struct walk *walk, uint64_t address, unsigned level);

/* Fill the empty entry; exchange a leaf. */
void table_fill(struct walk walk, uint64_t entry);
uint64_t table_replace(struct walk walk, uint64_t entry);

/* Clear a leaf. Tables left empty go back to the reserve; then walk->entry becomes NULL. Result: the leaf. */
uint64_t table_clear(struct space *space, uint64_t address, struct walk *walk);

/* A fresh root gets the kernel's half. */
void root_init(uint64_t *root);

/* Entries in use below USER_END; for any table all of them. */
unsigned table_entries(const uint64_t *table);

/* The kernel's own tables replace those of the entry code. */
void kernel_table_init(void);
uint64_t kernel_satp(void);

#endif
