/*
 * Objects: what the content of pages comes from, their trees of pages, open descriptions, pages on their way in and out of the cache, and the requests to the
 * world below that bring and write them. A page's frame belongs to its object as long as it stands in the object's tree.
 *
 * An object lives as long as it is open, mapped, held, or a page of it is cached.
 */
#ifndef PAGER_CORE_OBJECT_H
#define PAGER_CORE_OBJECT_H

#include "frame.h"
#include "wait.h"

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
uint64_t pages_count(struct object *object, uint64_t first, uint64_t *pages, enum page_tag tag, uint64_t leaves);	/* among so many; so many leaves at most: *pages then says how far it came */

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

/* ---- write-back (writeback.c) */
unsigned write_cluster(struct frame *frame, bool sync, unsigned most);	/* starts the write of it and its dirty neighbours: pages; 0: it cannot be now. most 1: also of one whose last write failed */
void write_some(unsigned requests);			/* of any object's dirty pages, a bounded look at them */

struct writer {			/* where write-back goes on */
	struct object *object;	/* null: it was everywhere */
	uint64_t page;
};

#endif
