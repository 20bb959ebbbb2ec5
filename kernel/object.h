/*
 * The object table: one entry per page of object memory, the truth about what each page is.
 *
 *   word:   generation (40 bits) | entries (16) | kind (8)       token:  call number (40) | index of the page (24)
 *
 * A free page has kind NONE. object_create types it, object_destroy frees it and adds one to the generation, so every
 * capability and reference to it, which carry the word of their time, stops matching. `entries` counts the entries
 * of a page table and is zero for every other kind: no capability names a page table. The call number survives re-typing:
 * no token is ever used twice; in a page that is no thread it stands with an index that no page has, so that a token with the index of a page that agrees with the
 * table is one of a living thread. A page whose generations are used up keeps kind NONE and is never typed again.
 */
#ifndef OBJECT_H
#define OBJECT_H

#include "hart.h"
#include "memory.h"

struct object {
	uint64_t word;
	uint64_t token;
};

/* A lasting reference. word 0: none. It is good while the object table shows the same word. */
struct reference {
	uint64_t word;
	uint32_t index;
	uint32_t rights;	/* of the capability that it was made from */
};

#define OBJECT_ENTRY		(1UL << 8)
#define OBJECT_GENERATION	(1UL << 24)
#define OBJECT_RETIRED		(~0UL << 24)

extern struct object *objects;	/* in the kernel's own addresses, at the beginning of object memory */
extern uint64_t object_count, object_first_free;	/* first_free: only while booting */

void object_init(void);

/* OK, INVALID (no page of this object memory begins there), IN_USE or RETIRED. */
struct capability;
long object_can_create(const struct capability *extent, uint64_t physical, uint64_t *index);
void *object_create(uint64_t index, enum kind kind, uint64_t bytes);	/* of its page it uses and clears this many */
void object_destroy(uint64_t index);

static inline enum kind word_kind(uint64_t word) { return (enum kind)(word & 0xff); }
static inline enum kind object_kind(uint64_t index) { return word_kind(objects[index].word); }
static inline void *object_page(uint64_t index) { return (char *)objects + (index << PAGE_SHIFT); }
static inline uint64_t object_index(const void *inside) { return (uint64_t)((const char *)inside - (const char *)objects) >> PAGE_SHIFT; }
#define TOKEN_NOBODY ((1UL << TOKEN_THREAD_BITS) - 1)
static inline void object_set_token(uint64_t index, uint64_t thread) { objects[index].token = (objects[index].token & ~TOKEN_NOBODY) | thread; }
static inline struct object *object_entry(const void *inside) { return (struct object *)(((uint64_t)inside >> PAGE_SHIFT) * sizeof(struct object) + this_hart->object_entries); }
static inline bool object_alive(uint64_t word, uint64_t index) { return objects[index].word == word; }

/* The object, or NULL if there is none or it has died. Page 0 is the table itself, so no empty reference matches. */
static inline void *reference_page(const struct reference *reference)
{
	return object_alive(reference->word, reference->index) ? object_page(reference->index) : NULL;
}

#endif
