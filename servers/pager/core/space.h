/*
 * Spaces: their VMAs, the anonymous layer below those, and what leads from a frame back to both. A VMA belongs to its space and stands in its object's list;
 * a leaf's pages are counted by the leaves that name them. Long work on a space keeps it locked (`busy`) between its steps.
 */
#ifndef PAGER_CORE_SPACE_H
#define PAGER_CORE_SPACE_H

#include "kernel.h"
#include "object.h"

#include <asm/errno.h>
#include <linux/mman.h>

#define USER_START 0x10000UL		/* nothing is mapped below */
#define USER_PAGES (CORE_USER_END >> PAGE_SHIFT)

/* ---- VMAs (vma.c) */
enum vma_flag {
	VMA_SHARED = 1, VMA_STACK = 2,
	VMA_ZERO = 4,		/* the zero page may be mapped in it */
	VMA_WRITTEN = 8,	/* private: pages may be mapped writable */
	VMA_COPIES = 16,	/* private: the anonymous layer may have pages of it */
	VMA_KIND = VMA_SHARED | VMA_STACK,
	VMA_MAPPINGS = VMA_ZERO | VMA_WRITTEN,	/* about what is in the page table */
};

struct vma {
	struct vma *left, *right, *up;
	uint64_t start, end;
	uint64_t gap, widest;		/* free bytes below it; the widest such gap in its subtree */
	struct space *space;
	struct object *object;
	uint64_t offset;
	struct vma *next, *previous;	/* of the object */
	uint64_t limit;			/* stack: how far down it may grow */
	struct ahead ahead;
	uint32_t mapped_pages;		/* no more than these are in the page table; stays at the top */
	uint8_t height, prot, max_prot, flags;
};

/* RIGHT_* (abi/kernel.h), which are PROT_*'s numbers. The hardware knows no page that can be written but not read. */
static inline unsigned rights_of(unsigned prot)
{
	return prot | (prot & PROT_WRITE) / PROT_WRITE * PROT_READ;
}

static inline unsigned vma_rights(const struct vma *vma)	/* of its pages in a page table, at most */
{
	return rights_of(vma->prot);
}

struct vma *vma_search(struct space *space, uint64_t address);
struct vma *vma_last(const struct space *space);
struct vma *vma_next(const struct vma *vma);
struct vma *vma_previous(const struct vma *vma);
void vma_insert(struct space *space, struct vma *vma, struct vma *previous, struct vma *next);	/* its neighbours; null: none */
void vma_remove(struct space *space, struct vma *vma);
void vma_move(struct vma *vma, uint64_t start, uint64_t end);	/* within its gaps */
uint64_t vma_gap_below(struct space *space, uint64_t bytes, uint64_t top);	/* highest free place; 0: none */

/* ---- spaces (space.c) */
#define ANON_ROOTS 4
#define ANON_LEVELS 4			/* 4 * 64^4 pages of 4 KiB = 256 GiB */

struct space {
	void *table;
	uint64_t number;
	struct vma *root, *last;	/* last: the last one found or inserted, or the one above it */
	uint64_t vmas;
	struct node *anon[ANON_ROOTS];	/* the anonymous layer of all private VMAs, by page of the address */
	struct node *leaf;		/* the last one found; one without pages: there is none */
	uint64_t leaf_base;		/* its first page / NODE_SLOTS; NO_LEAF: nothing is remembered */
	bool leaf_own;			/* nobody shares it, nor a node above it. It may be empty: it goes when another one is found */
	struct lock busy;
	uint64_t heap_start, heap_end;
	uint64_t mmap_top;
	struct space *next, *previous;	/* all spaces */
	struct family *family;		/* never null */
	struct space *family_next, *family_previous;
};

static inline struct vma *vma_above(struct space *space, uint64_t address)	/* the first that ends above */
{
	struct vma *last = space->last;
	uint64_t low = last ? last->start - last->gap : 0;

	return last && address - low < last->end - low ? last : vma_search(space, address);
}

RARE struct vma *space_find(struct space *space, uint64_t address);
static inline struct vma *space_vma(struct space *space, uint64_t address)	/* the one that holds it, a stack grown if need be; null: none */
{
	struct vma *last = space->last;

	return last && address - last->start < last->end - last->start ? last : space_find(space, address);
}
struct vma *space_add(struct space *space, const struct vma *wanted);	/* merges with neighbours; null: no memory */
struct vma *space_add_here(struct space *space, const struct vma *wanted);	/* the same, a part of its caller */
bool space_split(struct space *space, uint64_t address);	/* so that no VMA crosses address; false: no memory */
struct vma *space_merge(struct vma *vma);			/* with its neighbours; returns what it is in now */
struct vma *space_clone(struct space *space, struct vma *vma);	/* for fork, in the order of addresses; null: no memory */
void space_delete(struct vma *vma);				/* the record; nothing of it is mapped any more */
bool vma_protect(struct vma *vma, unsigned prot, uint64_t *at);	/* page table only, a slice from *at on; true: all has no more rights than prot */
void vma_set_prot(struct vma *vma, unsigned prot);		/* after that */

/* ---- mapping calls (mapping.c, protect.c, heap.c) */
#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* Linux's default heuristic: what could never be had is refused at once. */
static inline bool too_much(uint64_t length, unsigned prot, unsigned flags)
{
	bool counts = (flags & MAP_SHARED) ? (flags & MAP_ANONYMOUS) : (prot & PROT_WRITE);

	return counts && !(flags & MAP_NORESERVE) && length >> PAGE_SHIFT > core_counters.total_pages;
}

static inline bool is_free(struct space *space, uint64_t start, uint64_t end)
{
	struct vma *vma = vma_above(space, start);

	return !vma || vma->start >= end;
}

static inline uint64_t vma_slice(const struct vma *vma, uint64_t start, uint64_t end)	/* how far one step goes in a page table */
{
	return vma->mapped_pages > core_slice_pages ? minimum(end, start + core_slice_pages * CORE_PAGE) : end;
}

/* Ends a step of an operation that locks the space between its steps. */
RARE long space_lock_step(struct space *space, struct waiter *waiter, long status);
static inline long space_step(struct space *space, struct waiter *waiter, long status)
{
	return space->busy.owner || core_not_yet(status) ? space_lock_step(space, waiter, status) : status;
}

/* Unmaps, with all that is private; *at: progress. */
long space_clear(struct space *space, uint64_t *at, uint64_t end, struct waiter *waiter);
/* Forgets the pages in a part of a VMA, a slice at a time; *at moves on. */
long vma_empty(struct vma *vma, uint64_t *at, uint64_t end, struct waiter *waiter);
void vma_unmap(struct vma *vma, uint64_t start, uint64_t end);	/* page table only; harvests */
static inline bool object_hides_stores(const struct object *object)	/* some page table's D bits may be news */
{
	return object->writable_vmas && object->backed;
}
bool vma_hides_stores(const struct vma *vma);		/* D bits in its page table may be news */
void vma_harvest(struct vma *vma, uint64_t start, uint64_t end);	/* they become dirty pages */

/* ---- anonymous layers (anon.c) */
#define NO_LEAF (~0UL)

RARE const struct node *anon_walk(struct space *space, uint64_t page);
struct frame *anon_peek(struct space *space, uint64_t page);	/* the same as anon_find, nothing remembered */

static inline const struct node *anon_leaf(struct space *space, uint64_t page)	/* one without pages if there is none */
{
	return space->leaf_base == page >> NODE_BITS ? space->leaf : anon_walk(space, page);
}

static inline struct frame *anon_find(struct space *space, uint64_t page)
{
	return anon_leaf(space, page)->slot[page % NODE_SLOTS];
}

/* The pages first..last-1 lie in the leaf that is remembered, and it is our own. */
static inline bool anon_near(const struct space *space, uint64_t first, uint64_t last)
{
	return space->leaf_own && first >> NODE_BITS == space->leaf_base && (last - 1) >> NODE_BITS == space->leaf_base;
}

static inline struct frame **anon_own_slot(struct space *space, uint64_t page)	/* in a leaf of our own that is there; null: there is none */
{
	anon_leaf(space, page);
	return space->leaf_own ? (struct frame **)&space->leaf->slot[page % NODE_SLOTS] : NULL;
}

struct frame **anon_slot(struct space *space, uint64_t page);	/* in a leaf of its own, made if need be; null: no memory */
bool anon_part(struct space *space, uint64_t page);		/* make the nodes that exist on the way to it our own: false: no memory */
bool anon_part_range(struct space *space, uint64_t first, uint64_t last);	/* both ends: anon_remove cannot fail then */
uint64_t anon_reach(struct space *space, uint64_t first, uint64_t last, uint64_t pages);	/* where the range ends that holds at most about that many */
void anon_remove(struct space *space, uint64_t first, uint64_t last);
uint64_t anon_cut(struct space *space, uint64_t first, uint64_t last, struct frame **copies);	/* for all who share them; onto a list; how many */
bool anon_drop_some(struct space *space, uint64_t budget);	/* of all; true: there is more */
void anon_share(struct space *parent, struct space *child);
uint64_t anon_count(struct space *space, uint64_t first, uint64_t *pages, uint64_t leaves);	/* as pages_count */

/* ---- from frames to mappings (reverse.c) */
struct family { struct space *spaces; };	/* those that came of one another by fork */
bool family_begin(struct space *space);		/* its own one; false: no memory */
void family_join(struct space *space, struct family *family);
void family_leave(struct space *space);
/* All places where a cache page or an anonymous one may be in a page table. visit adds and removes no VMA. */
void frame_each_mapping(struct frame *frame, void (*visit)(struct vma *vma, uint64_t address, void *context), void *context);

/* ---- faults (fault.c) */
/* A user's page as the core reaches it: bytes usable up to the page's end, or a status. */
long user_bytes(struct space *space, uint64_t address, bool write, struct waiter *waiter, uint8_t **bytes);
/* The same without waiting, for a VMA that has the right; null: user_bytes is to be asked. Pages that a write marks are left to it, too. */
uint8_t *user_at_hand(struct vma *vma, uint64_t address, bool write);

static inline bool user_may(const struct vma *vma, bool write)
{
	return vma_rights(vma) & (write ? RIGHT_WRITE : RIGHT_READ);
}

#endif
