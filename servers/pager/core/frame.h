/*
 * Frames of memory: what the record of each says, who takes and gives them, and records out of them (slabs). Here is also how free memory is asked for,
 * and the arithmetic of pages. What takes a frame or a record at once stands in internal.h, since it acts on the core's state.
 *
 * A frame is free or has one owner, which its kind names. Memory is made free only where the rule in internal.h allows it.
 */
#ifndef PAGER_CORE_FRAME_H
#define PAGER_CORE_FRAME_H

#include "core.h"

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

#define PAGE_SHIFT 12
#define PAGE_MASK (CORE_PAGE - 1)

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

/* ---- records (slab.c), 16 bytes aligned */
#define SLAB_LARGEST (CORE_PAGE / 2)
#define SLAB_CLASSES (SLAB_LARGEST / 16 + 1)
RARE void *slab_take(size_t bytes);	/* zeroed; null: no free frame */
RARE void *slab_fetch(size_t bytes);	/* slab_raw, and ... */
RARE void slab_give(void *record, size_t bytes);	/* ... slab_free, where a slab is filled, emptied or made */
void slab_trim(void);			/* gives empty slabs back */

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
bool memory_search_on(void);			/* goes on with the last one, and wakes one of those who wait; false: it is over, and nobody is left to be woken */
static inline void memory_prompt(void)		/* for who cannot wait: what is found at once; the next one will find more */
{
	if (core_counters.free_pages < WANT_STEP)
		memory_search(WANT_STEP);
}
bool memory_room(uint64_t pages);		/* for reading ahead, as far as that goes; only where a step ends. False: none */

#endif
