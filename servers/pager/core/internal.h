/*
 * What the files of the core share. Users of the core include core.h only.
 *
 * Two rules keep the files simple:
 *  - Memory is made free only at the beginning of an operation's step (memory_want), and at its end for what is read ahead (memory_room).
 *    Allocators never reclaim, so frames, nodes and VMAs that a step has looked at stay where they are until the step ends.
 *  - A step that cannot go on parks the waiter and ends; the operation is later repeated from its start. Nothing is remembered but what
 *    the waiter holds.
 *
 * Read in this order: frame.c, slab.c, wait.c, pages.c, object.c, vma.c, space.c, anon.c, fault.c, reverse.c, sweep.c.
 */
#ifndef PAGER_CORE_INTERNAL_H
#define PAGER_CORE_INTERNAL_H

#include "core.h"
#include "kernel.h"
#include "pager.h"

#include <asm/errno.h>
#include <linux/mman.h>

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

#define PAGE_SHIFT 12
#define PAGE_MASK (CORE_PAGE - 1)
#define USER_START 0x10000UL		/* nothing is mapped below */
#define USER_PAGES (CORE_USER_END >> PAGE_SHIFT)

static inline uint64_t pages_of(uint64_t bytes)
{
	return (bytes >> PAGE_SHIFT) + ((bytes & PAGE_MASK) != 0);
}

static inline uint64_t minimum(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- frames (frame.c) */

enum frame_kind {
	FRAME_FREE,
	FRAME_OWN,		/* the core's: the zero page, copies under write */
	FRAME_SLAB,
	FRAME_ANON,		/* a private page: `count` leaves of anonymous layers name it */
	FRAME_CACHE,		/* a page of an object */
};

/*
 * A cache page. Bits, because some of these overlap:
 *
 *   (absent) --page_in--> READING --> clean <--------- write done ---------+
 *                                       |  store, write(2)                 |
 *                                       +--> DIRTY --write starts--> WRITING <--> WRITING|DIRTY (written again meanwhile)
 *
 * DIRTY implies BLOCK. A page without a block is given one (ALLOCATING) before it is written or mapped writable.
 */
enum frame_flag {
	PAGE_READING	= 1,
	PAGE_DIRTY	= 2,
	PAGE_WRITING	= 4,
	PAGE_ALLOCATING	= 8,
	PAGE_BLOCK	= 16,	/* has a block on the disk */
	PAGE_STORED	= 32,	/* has been mapped shared and writable: its tail past the end may hold anything */
	PAGE_FAILED	= 64,	/* dirty, and the last write of it failed: only a sync tries again */
	PAGE_MAPPED	= 128,	/* may be in page tables, if `epoch` is still the object's */
	PAGE_TOUCHED	= 256,	/* used since the policy last looked */
	PAGE_FRESH	= 512,	/* the policy's own: came in a short while ago */
	PAGE_PARTING	= 1024,	/* is being taken out of page tables to be given up; MAPPED: it was mapped again meanwhile */
	PAGE_BUSY	= PAGE_READING | PAGE_WRITING | PAGE_ALLOCATING,
};

struct frame {
	struct frame *next, *previous;	/* free list; slabs with room; the policy's ring */
	union {
		struct object *object;	/* cache */
		struct family *family;	/* anonymous: the spaces that may name it */
		void *records;		/* slab: free ones */
	};
	uint64_t physical;		/* its address */
	uint64_t index;			/* cache: page of the object; anonymous: page of the address; slab: bytes of a record */
	struct waiter *waiters;
	uint32_t count;			/* anonymous: leaves that name it; slab: records in use */
	uint32_t epoch, seen;		/* seen: core_check */
	uint16_t flags;
	uint8_t kind;
};

_Static_assert(sizeof(struct frame) == 64, "the frame table takes at most 1.6 % of memory");

struct frame_extent {			/* frames of memory that is ours */
	struct frame *first, *unused, *end;	/* from `unused` on their records do not exist yet: nobody has wanted them */
};
#define EXTENTS 4

uint64_t frames_made(void);				/* how many have records */
struct frame *frame_made(uint64_t index);		/* one of those */
RARE __attribute__((cold)) struct frame *frames_find(void);			/* for an empty free list: some that were never wanted before, in the order of their addresses, or else those cleared ahead; null: none is left */
void frame_free(struct frame *frame);
void frame_chain(struct frame *frame);			/* its first half, for many frames at once: ... */
void frames_freed(uint64_t *counter, uint64_t frames);	/* ... then once: `counter` had counted them */
#define CLEAR_FRAMES_MAX 64
RARE struct frame *frame_take_cleared(enum frame_kind kind);	/* one cleared ahead: there is one */
RARE void page_clear(struct frame *frame);
RARE void page_copy(struct frame *to, const struct frame *from);

/* ---- records (slab.c), 16 bytes aligned; more of it below */
#define SLAB_LARGEST (CORE_PAGE / 2)
#define SLAB_CLASSES (SLAB_LARGEST / 16 + 1)
RARE void *slab_take(size_t bytes);	/* zeroed; null: no free frame */
RARE void *slab_fetch(size_t bytes);	/* slab_raw, and ... */
RARE void slab_give(void *record, size_t bytes);	/* ... slab_free, where a slab is filled, emptied or made */
void slab_trim(void);			/* gives empty slabs back */

/* ---- waiting and locks (wait.c) */
RARE long wait_park(struct waiter **queue, struct waiter *waiter);		/* CORE_WAIT */
void wait_fail(struct waiter **queue, long error);			/* all, with an error for wait_error */
static inline void wait_wake(struct waiter **queue)			/* all */
{
	if (*queue)
		wait_fail(queue, 0);
}

static inline long wait_error(struct waiter *waiter)
{
	long error = waiter->error;

	waiter->error = 0;
	return error;
}
long wait_again(struct waiter *waiter);					/* CORE_WAIT, and woken at once: only the step is over */
void wait_keep(struct waiter *waiter, struct object *object);		/* holds it while parked; null: lets go */
static inline long lock_check(struct lock *lock, struct waiter *waiter)	/* 0: free or ours. Else parked: CORE_WAIT */
{
	return !lock->owner || lock->owner == waiter ? 0 : wait_park(&lock->queue, waiter);
}
long lock_take(struct lock *lock, struct waiter *waiter);		/* the same, and ours from now on */
void lock_drop(struct lock *lock, struct waiter *waiter);		/* if ours */

/* ---- replacement (policy.c): a policy says which cache page goes first. It keeps them in a ring of its own; what its functions may look at are the
 * flags and page_reclaimable, page_mapped, page_untouched. One static state each: there is one cache. */
struct policy {
	const char *name;
	void (*start)(void);			/* forget everything */
	void (*added)(struct frame *frame);	/* a page came in, clean or dirty, used already or read ahead */
	void (*removed)(struct frame *frame);	/* ... goes, by victim's word or for another reason */
	struct frame *(*look)(bool kind);	/* the hand goes on by one page: that one, or, if kind, null unless it may go and is not worth keeping */
};
extern const struct policy policy_clock, policy_fifo, policy_sieve;

bool is_called(const char *called, const char *name, size_t length);	/* name need not end with a 0 */
void ring_insert(struct frame *before, struct frame *frame);	/* before null: into an empty ring */
struct frame *ring_remove(struct frame *frame);			/* returns the one behind it, null: the ring is empty now */
bool page_untouched(struct frame *frame);			/* it may go now and was not used since this was last asked */

/* ---- memory (reclaim.c) */
#define WANT_STEP 8	/* free frames that any step may need for one page and the records around it */
RARE long memory_reclaim(struct waiter *waiter, bool anonymous);
long memory_wait(struct waiter *waiter);	/* an allocation failed: CORE_WAIT, or -ENOMEM if nothing will ever come free */

enum search_round { SEARCH_KIND, SEARCH_ANY, SEARCH_MAPPED, SEARCH_DIRTY, SEARCH_IN_VAIN };

struct search {			/* for pages to give up */
	enum search_round round;
	uint64_t left;		/* pages of the ring that it has not looked at in this round */
	uint64_t want;		/* free frames */
	bool going;		/* there are not as many yet, and there may be more */
	bool awaited;		/* somebody waits for that */
	bool changed;		/* a page that was passed by may be one to take now */
};

bool memory_search(uint64_t want);		/* a step of it. False: so many frames are free, or looking further is in vain for now */
bool memory_search_on(void);			/* goes on with the last one; false: it is over */
static inline void memory_prompt(void)		/* for who cannot wait: what is found at once; the next one will find more */
{
	if (core_counters.free_pages < WANT_STEP)
		memory_search(WANT_STEP);
}
bool memory_room(uint64_t pages);		/* for reading ahead, as far as that goes; only where a step ends. False: none */

/* ---- trees of pages (pages.c), for objects; nodes are shared with anonymous layers (anon.c) */
#define NODE_BITS 6
#define NODE_SLOTS (1U << NODE_BITS)

enum page_tag { TAG_USED, TAG_DIRTY, TAG_WRITING, PAGE_TAGS, TAG_CUT = TAG_DIRTY /* anonymous: anon_cut may have emptied it */ };

struct node {
	uint64_t tag[PAGE_TAGS];	/* bit i: slot i has such a page below it */
	union {
		struct { uint32_t count, seen; };	/* anonymous: parents that name it */
		struct node *above;		/* an object's; null: it is the root */
	};
	void *slot[NODE_SLOTS];
};

bool pages_insert(struct object *object, uint64_t index, struct frame *frame);	/* false: no memory */
void pages_remove(struct object *object, uint64_t index);
uint64_t pages_count(struct object *object, uint64_t first, uint64_t last, enum page_tag tag);	/* first..last-1 */

/* ---- objects (object.c) */
struct ahead {				/* read-ahead of one reader */
	uint64_t next;			/* the page after the last cluster: a miss there continues the row */
	uint64_t marker;		/* reaching this page asks for the next cluster; 0: none */
	uint32_t row;			/* the strategy's own: how many clusters followed each other */
};

uint64_t ahead_cluster(struct ahead *ahead, bool goes_on);	/* how many pages to read now (ahead.c). goes_on: from where the last cluster ended */

struct object {
	uint64_t number, length, uses, modified;
	struct node *root, *leaf;	/* leaf: the last one found */
	uint64_t leaf_base;		/* its first page / NODE_SLOTS */
	unsigned height;
	uint32_t epoch;			/* of mappings: raised when the last VMA goes */
	uint64_t pages, dirty_pages, requests;	/* requests: under way below */
	uint32_t dirty_since;		/* which round of the background write-back was the last when it got its first dirty page */
	uint64_t opens, holds;
	struct vma *vmas;
	uint64_t writable_vmas;		/* shared ones with PROT_WRITE */
	struct lock lock;		/* writers and truncations */
	struct object *hash_next, *next, *previous;	/* all objects */
	struct object *dirty_next, *dirty_previous;	/* those with dirty pages */
	struct object *deferred_next;
	long error;			/* of a write-back, not yet told */
	enum trim { TRIM_NONE, TRIM_PAGES, TRIM_BLOCKS, TRIM_SENT } trim;
	bool backed, unlinked;		/* backed: a file on the disk. Else a file in memory, which has a number, or shared anonymous memory */
	bool careful;			/* a read of several pages failed: read one by one */
	bool past_end;			/* pages past the length may be there, made by a write under way */
	bool cut;			/* a truncation has set the length, and fs still holds what is past it */
	bool shown;			/* ... and page tables may still show it */
	bool deferred;			/* in the list of request_later */
	bool discarded;			/* its pages are on their way out: they do not count as a file's in memory any more */
	bool zero_mapped;		/* a file in memory: page tables may show the zero page for what it lacks */
	uint64_t pager;			/* a file in memory: who is asked for what it lacks; 0: it is zero */
	struct frame *copies;		/* private ones past the cut, out of their layers: free when nothing is shown any more */
};

static inline uint64_t object_end(const struct object *object)	/* pages, the last one perhaps in part */
{
	return pages_of(object->length);
}

static inline bool object_holds(const struct object *object, uint64_t index)	/* index < object_end */
{
	return index << PAGE_SHIFT < object->length;
}

RARE struct node *pages_walk(struct object *object, uint64_t index);

static inline struct node *pages_leaf(struct object *object, uint64_t index)	/* null: none */
{
	struct node *leaf = object->leaf;

	return leaf && object->leaf_base == index >> NODE_BITS ? leaf : pages_walk(object, index);
}

static inline struct frame *pages_find(struct object *object, uint64_t index)
{
	struct node *leaf = pages_leaf(object, index);

	return leaf ? leaf->slot[index & (NODE_SLOTS - 1)] : NULL;
}

struct frame *pages_search(struct object *object, uint64_t index, enum page_tag tag);

static inline struct frame *pages_next(struct object *object, uint64_t index, enum page_tag tag)	/* the first at or after index */
{
	const struct node *leaf = object->leaf;

	if (leaf && object->leaf_base == index >> NODE_BITS && (leaf->tag[tag] >> index % NODE_SLOTS & 1))
		return leaf->slot[index % NODE_SLOTS];
	return pages_search(object, index, tag);
}

void pages_tag_above(struct node *leaf, uint64_t index, enum page_tag tag, bool on);

static inline void pages_tag(struct object *object, uint64_t index, enum page_tag tag, bool on)	/* of a page that is there */
{
	struct node *leaf = pages_leaf(object, index);
	uint64_t before = leaf->tag[tag], bit = 1UL << index % NODE_SLOTS;

	leaf->tag[tag] = on ? before | bit : before & ~bit;
	if (!before != !leaf->tag[tag])
		pages_tag_above(leaf, index, tag, on);
}

void page_read_ahead(struct object *object, struct ahead *ahead);

static inline void page_ahead(struct object *object, struct ahead *ahead, uint64_t first, uint64_t last)	/* a reader was at these pages */
{
	if (ahead->marker && ahead->marker >= first && ahead->marker <= last)
		page_read_ahead(object, ahead);
}

struct description {			/* an open description */
	struct object *object;
	uint64_t offset;
	struct lock lock;
	struct ahead ahead;
	uint32_t references;		/* the table's and those of parked transfers */
	bool append, closed;
};

static inline bool object_in_memory(const struct object *object)	/* a file whose pages have no other home */
{
	return object->number && !object->backed;
}

struct object *object_anonymous(uint64_t length);	/* shared memory without a file; held once */
void object_hold(struct object *object);
void object_drop(struct object *object);
void object_drop_later(struct object *object);	/* the record stays for now: the caller may still look at it */
void object_free(struct object *object);		/* the record */
void object_settle(struct object *object);		/* forget it if nobody needs it any more */
void object_modify(struct object *object);
void object_lost_map(struct object *object);		/* its last VMA is gone */
void description_drop(struct description *description);

/* A page's frame. page_get: with its content; null: *status is CORE_WAIT (parked) or an error. `pages`: how many the caller will surely read from there.
 * For a page that a file in memory lacks it is core.zero: who is going to write makes one (page_make). */
RARE struct frame *page_bring(struct object *object, uint64_t index, struct ahead *ahead, uint64_t pages, struct waiter *waiter, long *status);

static inline struct frame *page_get(struct object *object, uint64_t index, struct ahead *ahead, uint64_t pages, struct waiter *waiter, long *status)
{
	struct frame *frame = pages_find(object, index);

	if (!frame || (frame->flags & PAGE_READING))
		return page_bring(object, index, ahead, pages, waiter, status);
	frame->flags |= PAGE_TOUCHED;
	return frame;
}

struct frame *page_new(struct object *object, uint64_t index);		/* zeroed, without a block; null: no memory */
bool page_zero_leaves(void);	/* goes on with the first store to a hole in a file in memory; false: there is none */
struct frame *page_make(struct object *object, uint64_t index, struct waiter *waiter, long *status);	/* the same for a waiter, if there may be one more */
void page_clean(struct frame *frame);			/* not dirty any more */
long page_want_blocks(struct object *object, uint64_t index, uint64_t pages, struct waiter *waiter);	/* CORE_WAIT, or an error */
void page_dirty(struct frame *frame);
void page_forget(struct frame *frame);			/* out of the cache; must not be busy */
bool page_mapped(const struct frame *frame);		/* maybe in a page table */
bool page_reclaimable(const struct frame *frame);	/* clean, idle, of a file; perhaps mapped */
long page_zero_tail(struct object *object, struct waiter *waiter);	/* bytes between the length and the end of its page become zero, in memory and (later) on disk */

/* ---- requests below (request.c) */
struct pending {
	uint64_t id;			/* 0: free */
	struct object *object;		/* null: it is gone (release) */
	uint64_t first;
	unsigned operation, count;
	bool served;			/* of a program's pager */
	bool sync;			/* of a write: somebody waits for it */
	struct frame *copy;		/* the last page is written from this one */
};
#define PENDINGS CORE_REQUESTS
#define PENDINGS_SERVED (PENDINGS / 4)	/* at most so many wait for programs: the disk, which those may need, keeps the rest */

struct pending *request_begin(struct object *object, unsigned operation, uint64_t first, unsigned count);	/* null: too many under way */
void request_abandon(struct pending *pending);		/* not sent after all */
void request_send(struct pending *pending, uint64_t length, struct core_request *request);	/* whose frames are there */
void request_send_plain(struct pending *pending, uint64_t length);	/* one without frames */
long request_wait(struct waiter *waiter);		/* until one ends */
void request_later(struct object *object);		/* its trim, release or the rest of its end comes as soon as there is room */
void request_deferred(void);				/* ... if there is */
unsigned page_in(struct object *object, uint64_t index, uint64_t pages, long *status);	/* starts reading: so many; 0: *status 0: no room for a request, else no memory */
void object_trim(struct object *object);		/* gives up pages and blocks past the end, in slices; takes the lock over until that is done */
bool object_trim_wanted(struct object *object);
void object_release(struct object *object);		/* tells fs and frees the record */

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

/* ---- sweeps (sweep.c): over all places where an object is mapped, a slice at a time */
enum sweep_kind {
	SWEEP_CALLER,		/* of an operation: one at a time, the others wait */
	SWEEP_TRIM,		/* of a truncation that was broken off */
	SWEEP_HARVEST,		/* of the background */
	SWEEP_ZERO,		/* of the zero page, where a file in memory gets a page */
	SWEEP_PART,		/* of one page that is to be given up (reclaim.c) */
	SWEEPS
};

struct sweep {
	struct object *object;
	uint64_t first, last;	/* its pages first..last-1 */
	struct vma *at;		/* comes next; null: all were visited */
	uint64_t page;		/* of the object: so far `at` was visited */
};

/* The part of a VMA that comes next and what the step may still do: how far it came. */
typedef uint64_t sweep_visit(struct vma *vma, uint64_t start, uint64_t end, uint64_t *budget);
sweep_visit sweep_unmap;			/* out of page tables; for single pages */

void sweep_begin(enum sweep_kind kind, struct object *object, uint64_t first, uint64_t last);
bool sweep_on(enum sweep_kind kind, sweep_visit *visit, uint64_t *budget);	/* a slice; true: it was the last */
void sweep_end(enum sweep_kind kind);		/* broken off or over */
void sweep_drop(struct waiter *waiter);		/* the same, and if it was this waiter's, the next one's turn */
bool sweep_crosses(const struct object *object);	/* one is under way: its VMAs must not be joined */
void sweep_pass(struct vma *vma);		/* it is about to go */

/* D bits of pages first..last-1 become dirty pages. 0: all that were set when it began; CORE_AGAIN, CORE_WAIT. */
long object_harvest(struct object *object, uint64_t first, uint64_t last, struct waiter *waiter);
bool object_harvest_some(struct object *object);		/* the same for the background, a slice; true: it was the last */
/* Pages past the end leave all page tables, private copies too. 0: they have. */
long object_cut_off(struct object *object, struct waiter *waiter);
bool object_cut_off_some(struct object *object);		/* the same for object_trim */
bool object_free_copies(struct object *object);			/* after that; true: all */

/* What a step may do: 1 a page table entry or a record passed by, 4 a page given up, BUDGET_CALL a call below. */
#define BUDGET_CALL 64
#define BUDGET_PAGE 4

static inline uint64_t slice_budget(void)
{
	return BUDGET_CALL + core_slice_pages;
}

static inline void spend(uint64_t *budget, uint64_t cost)
{
	*budget -= minimum(*budget, cost);
}

/* One step of long work: page table entries; pages that are given up; records looked at; pieces copied. */
static inline uint64_t slice_frames(void)
{
	return 1 + core_slice_pages / 4;
}

static inline uint64_t slice_records(void)
{
	return 1 + core_slice_pages / 64;
}

static inline uint64_t slice_pieces(void)	/* copies of up to a page */
{
	return 1 + core_slice_pages / 32;
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

struct frame **anon_slot(struct space *space, uint64_t page);	/* in a leaf of its own, made if need be; null: no memory */
bool anon_part(struct space *space, uint64_t page);		/* make the nodes that exist on the way to it our own: false: no memory */
bool anon_part_range(struct space *space, uint64_t first, uint64_t last);	/* both ends: anon_remove cannot fail then */
uint64_t anon_reach(struct space *space, uint64_t first, uint64_t last, uint64_t pages);	/* where the range ends that holds at most about that many */
void anon_remove(struct space *space, uint64_t first, uint64_t last);
uint64_t anon_cut(struct space *space, uint64_t first, uint64_t last, struct frame **copies);	/* for all who share them; onto a list; how many */
bool anon_drop_some(struct space *space, uint64_t budget);	/* of all; true: there is more */
void anon_share(struct space *parent, struct space *child);
uint64_t anon_count(struct space *space, uint64_t first, uint64_t last, uint64_t *shared);

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

/* ---- write-back (writeback.c) */
unsigned write_cluster(struct frame *frame, bool failed_too);	/* starts the write of it and its dirty neighbours: pages; 0: it cannot be now */
void write_some(unsigned requests);			/* of any object's dirty pages, a bounded look at them */

struct writer {			/* where write-back goes on */
	struct object *object;	/* null: it was everywhere */
	uint64_t page;
};

/* ---- everything that must begin anew with core_init */
#define OBJECT_BUCKETS 4096
#define OPENS_PER_CHUNK 512

struct core_state {
	struct core_ops ops;
	uintptr_t window;
	uint64_t lowest, highest;
	struct frame *frames, *free, *zero;
	struct frame *clear;		/* free, too, but cleared already: taken where that is of use, or last */
	unsigned clear_frames;
	struct frame *slab[SLAB_CLASSES];
	struct frame *slab_empty[SLAB_CLASSES];
	struct waiter *memory_waiters, *request_waiters;
	struct object *objects[OBJECT_BUCKETS], *all_objects, *dirty_objects, *deferred, *deferred_last;
	struct object *harvest;		/* whose D bits are looked at next, in the background */
	struct space *all_spaces;
	struct description **opens[PAGER_OPENS / OPENS_PER_CHUNK];
	struct waiter trimmer;		/* owns the locks of objects under object_trim */
	struct sweep sweep[SWEEPS];
	unsigned sweeping;		/* bit i: sweep[i] is under way between steps */
	struct lock sweep_lock;		/* whose SWEEP_CALLER is */
	struct pending pendings[PENDINGS];
	unsigned pendings_used, pendings_served, pending_hint;
	uint64_t request_serial;
	uint64_t want[2];		/* free frames for one step; [1]: for one that takes anonymous memory */
	struct writer writer;
	uint32_t round;			/* of the background write-back: they are numbered */
	bool in_round;			/* ... and one is under way */
	bool harvested;			/* ... and has looked at its object's D bits */
	struct frame_extent extents[EXTENTS];
	unsigned extents_used;
	struct search search;
	const struct policy *policy;
	unsigned read_ahead;		/* which strategy */
};
extern struct core_state core;

static inline bool deferred_can_go_on(void)	/* without an answer from below */
{
	return core.deferred && core.pendings_used < PENDINGS;
}

static inline struct frame *frame_of(const void *pointer)
{
	return core.frames + (((uintptr_t)pointer - core.window - core.lowest) >> PAGE_SHIFT);
}

static inline uint64_t frame_physical(const struct frame *frame)
{
	return frame->physical;
}

static inline void *frame_bytes(const struct frame *frame)
{
	return (void *)(core.window + frame_physical(frame));
}

static inline struct description **description_slot(uint64_t open)	/* null: there is no such part of the table */
{
	struct description **chunk = open < PAGER_OPENS ? core.opens[open / OPENS_PER_CHUNK] : NULL;

	return chunk ? &chunk[open % OPENS_PER_CHUNK] : NULL;
}

static inline struct description *description_find(uint64_t open)	/* null: not open */
{
	struct description **slot = description_slot(open);

	return slot ? *slot : NULL;
}

#define core_assert(fact) (__builtin_expect(!!(fact), 1) ? (void)0 : core.ops.broken(#fact))

static inline uint64_t *frame_counter(enum frame_kind kind)
{
	return kind == FRAME_ANON ? &core_counters.anonymous_pages : &core_counters.own_pages;
}

/* Null: none is free. Contents are old: clear them. */
static inline struct frame *frame_take(enum frame_kind kind)
{
	struct frame *frame = core.free;

	if (__builtin_expect(!frame, 0) && !(frame = frames_find()))
		return NULL;
	core.free = frame->next;
	core_counters.free_pages--;
	frame->next = frame->previous = NULL;
	frame->object = NULL;
	frame->flags = 0;
	frame->count = 1;
	frame->kind = kind;
	if (kind != FRAME_CACHE)	/* pages.c counts those: it depends on the object */
		++*frame_counter(kind);
	return frame;
}

/* The same, all zero. */
static inline struct frame *frame_take_clear(enum frame_kind kind)
{
	struct frame *frame;

	if (core.clear)
		return frame_take_cleared(kind);
	frame = frame_take(kind);
	if (frame)
		page_clear(frame);
	return frame;
}

static inline void *slab_raw(size_t bytes)	/* not zeroed: its content is old. Null: no free frame */
{
	struct frame *frame = bytes <= SLAB_LARGEST ? core.slab[(bytes + 15) / 16] : NULL;
	void **record = frame ? frame->records : NULL;

	if (!record || !*record)
		return slab_fetch(bytes);
	frame->records = *record;
	frame->count++;
	return record;
}

static inline void slab_free(void *record, size_t bytes)
{
	struct frame *frame = frame_of(record);

	core_assert(frame->kind == FRAME_SLAB);
	if (bytes > SLAB_LARGEST || !frame->records || frame->count == 1) {
		slab_give(record, bytes);
		return;
	}
	core_assert(frame->index == (bytes + 15) / 16 * 16);
	*(void **)record = frame->records;
	frame->records = record;
	frame->count--;
}

/* A new page into a slot of the leaf of our own that is remembered; who shares what was there keeps it. */
static inline void anon_set(struct space *space, struct frame **slot, uint64_t page, struct frame *frame)
{
	struct frame *old = *slot;

	core_assert(anon_near(space, page, page + 1) && (!old || old->count > 1));
	if (old)
		old->count--;
	*slot = frame;
	space->leaf->tag[TAG_USED] |= 1UL << page % NODE_SLOTS;
	frame->index = page;
	frame->family = space->family;
	core_counters.anons++;
}

/* Enough free memory for one step; the common case is one comparison. */
static inline long memory_want(struct waiter *waiter, bool anonymous)
{
	return core_counters.free_pages >= core.want[anonymous] ? 0 : memory_reclaim(waiter, anonymous);
}

#endif
