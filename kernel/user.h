/*
 * The only way to user memory: walk the page table of a space in software, obey its rights, note the use, and go through the
 * direct map. Nothing else in the kernel follows a user's address. Only page memory is reached, never a device.
 */
#ifndef USER_H
#define USER_H

#include "base.h"

struct space;

/* The byte at `address` if it may be accessed so (ACCESS_READ or ACCESS_WRITE), and how many follow it; NULL if not. */
uint8_t *user_reach(struct space *space, uint64_t address, uint64_t access, uint64_t *bytes);

/* All of it, between a kernel buffer and user memory. OK, INVALID (not a multiple of 8) or BAD_ADDRESS. */
long user_read(struct space *space, uint64_t address, void *buffer, uint64_t bytes);
long user_write(struct space *space, uint64_t address, const void *buffer, uint64_t bytes);

/* An array of up to USER_ARRAY_MAX words, checked once, used afterwards without fail, even if it is unmapped meanwhile. */
#define USER_ARRAY_MAX 512UL
struct user_array {
	uint64_t *part[2];
	uint64_t split;		/* first index in part[1] */
};
long user_array(struct space *space, uint64_t address, uint64_t count, uint64_t access, struct user_array *array);

static inline uint64_t *user_element(const struct user_array *array, uint64_t index)
{
	return index < array->split ? array->part[0] + index : array->part[1] + (index - array->split);
}

#endif
