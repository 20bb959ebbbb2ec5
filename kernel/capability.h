/*
 * A capability: what its holder may do with one object or one extent of memory or interrupts. It lies in a slot of a
 * space (space.h) and fits 32 bytes.
 *
 *   object:  word and index as in the object table; alive while both agree; badge is what receivers see
 *   extent:  word is just the kind; base and count say which physical pages (or interrupt numbers)
 *
 * An empty slot is all zero and fails the liveness test like a dead one. There is no derivation tree: to revoke, destroy the object.
 */
#ifndef CAPABILITY_H
#define CAPABILITY_H

#include "object.h"
#include "space.h"

struct capability {
	uint64_t word;
	uint32_t index;
	uint32_t rights;
	union {
		uint64_t badge;
		uint64_t base;		/* physical address, or interrupt number */
	};
	uint64_t count;
};
_Static_assert(sizeof(struct capability) == 32, "a leaf holds 128 capabilities");

struct thread;

static inline bool kind_is_extent(enum kind kind)
{
	return kind >= KIND_OBJECT_MEMORY;
}

static inline bool capability_alive(const struct capability *capability)
{
	return object_alive(capability->word, capability->index) || kind_is_extent(word_kind(capability->word));
}

static inline struct reference capability_reference(const struct capability *capability)
{
	return (struct reference){ capability->word, capability->index };
}

/* The live capability in a slot of `space`, or NULL. */
const struct capability *capability_get(struct space *space, uint64_t slot);

/* The one way to use a slot: *result is a live capability of this kind with all these rights. BAD_SLOT, WRONG_KIND, NO_RIGHT. */
long capability_check(struct space *space, uint64_t slot, enum kind kind, uint32_t rights, const struct capability **result);

/* Is [base, base + count) part of the extent? Counts are pages for memory, numbers for interrupts. */
bool extent_covers(const struct capability *extent, uint64_t base, uint64_t count);

/* A message's capability has arrived: put it where `thread` wants it. Result: that slot, or 0. */
uint64_t capability_arrive(struct thread *thread, const struct capability *capability);

long sys_cap_mint(struct thread *caller, const uint64_t *argument);
long sys_cap_delete(struct thread *caller, const uint64_t *argument);
long sys_create(struct thread *caller, const uint64_t *argument);
long sys_destroy(struct thread *caller, const uint64_t *argument);

#endif
