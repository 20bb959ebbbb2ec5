/*
 * What every kernel file needs: the contract, the ways to speak and to stop, and intrusive lists.
 * Policy lives elsewhere; nothing here keeps state.
 */
#ifndef BASE_H
#define BASE_H

#include "kernel.h"

#include <stdbool.h>
#include <stddef.h>

#define likely(condition)	__builtin_expect(!!(condition), 1)
#define unlikely(condition)	__builtin_expect(!!(condition), 0)
#define unused			__attribute__((unused))
#define always_inline		inline __attribute__((always_inline))

/* A kernel invariant is broken: say the fact and its values, and power off. No user can make this happen. Knows %s and %lx. */
__attribute__((noreturn, format(printf, 1, 2), cold)) void panic(const char *format, ...);

#define assert(condition) \
	do { \
		if (unlikely(!(condition))) \
			panic("%s, %s: not true: %s", __FILE__, __func__, #condition); \
	} while (0)

void *memcpy(void *destination, const void *source, size_t bytes);
size_t copy_bytes(void *destination, const void *source, size_t bytes);	/* memcpy that returns `bytes` */
void *memset(void *destination, int value, size_t bytes);

/* Where `text` goes on if it begins with `name`, or NULL. */
const char *text_after(const char *text, const char *name);

static inline uint64_t min(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Are `count` units from `first` on inside the `limit` units from `base` on? No sum that wraps around can pass. */
static inline bool range_inside(uint64_t first, uint64_t count, uint64_t base, uint64_t limit)
{
	return first >= base && first - base <= limit && count <= limit - (first - base);
}

static inline bool range_overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes) { return a < b + b_bytes && b < a + a_bytes; }

/* A circular list; the head is a link, too. A link outside any list has next == NULL and can be tested for that. */
struct link {
	struct link *next, *previous;
};

static inline void list_init(struct link *head) { head->next = head->previous = head; }
static inline bool list_empty(const struct link *head) { return head->next == head; }

/* Insert in front of `place`: with the head, at the tail. */
static inline void list_insert(struct link *place, struct link *link)
{
	link->next = place;
	link->previous = place->previous;
	place->previous->next = link;
	place->previous = link;
}

static inline void list_remove(struct link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	link->next = NULL;
}

#endif
