/*
 * A little text; memcpy and memset, which the compiler calls, too. memcpy is the whole cost of `copy`, so it moves 64 bytes a turn when both
 * sides are aligned alike; otherwise it shifts whole words into place.
 */
#include "base.h"

#define WORD sizeof(uint64_t)

const char *text_after(const char *text, const char *name)
{
	while (*name && *text == *name)
		text++, name++;
	return *name ? NULL : text;
}

static void copy_words(uint64_t *to, const uint64_t *from, size_t words)
{
	for (; words >= 8; words -= 8, to += 8, from += 8) {
		uint64_t a = from[0], b = from[1], c = from[2], d = from[3], e = from[4], f = from[5], g = from[6], h = from[7];

		to[0] = a, to[1] = b, to[2] = c, to[3] = d, to[4] = e, to[5] = f, to[6] = g, to[7] = h;
	}
	while (words--)
		*to++ = *from++;
}

/* Into aligned words, from a place that is off by `offset` bytes: each comes from two aligned words. */
static void copy_shifted(uint64_t *to, const uint8_t *source, size_t offset, size_t words)
{
	const uint64_t *from = (const uint64_t *)(source - offset);
	uint64_t word = *from++, next;

	for (; words--; word = next) {
		next = *from++;
		*to++ = word >> 8 * offset | next << (64 - 8 * offset);
	}
}

__attribute__((noinline)) static size_t copy_many(void *destination, const void *source, size_t all)
{
	uint8_t *to = destination;
	const uint8_t *from = source;
	size_t words = 0, bytes = all, offset;

	for (; bytes && (uint64_t)to % WORD; bytes--)
		*to++ = *from++;
	offset = (uint64_t)from % WORD;
	if (!offset)
		copy_words((uint64_t *)to, (const uint64_t *)from, words = bytes / WORD);
	else if (bytes >= 2 * WORD)
		copy_shifted((uint64_t *)to, from, offset, words = bytes / WORD - 1);
	to += words * WORD;
	from += words * WORD;
	for (bytes -= words * WORD; bytes; bytes--)
		*to++ = *from++;
	return all;
}

/* A few bytes need no stack. */
size_t copy_bytes(void *destination, const void *source, size_t all)
{
	uint8_t *to = destination;
	const uint8_t *from = source;

	if (unlikely(all >= WORD))
		return copy_many(destination, source, all);
	for (size_t i = 0; i < all; i++)
		to[i] = from[i];
	return all;
}

void *memcpy(void *destination, const void *source, size_t bytes)
{
	copy_bytes(destination, source, bytes);
	return destination;
}

void *memset(void *destination, int value, size_t bytes)
{
	uint64_t word = (uint8_t)value * 0x0101010101010101UL, *words;
	uint8_t *to = destination;

	for (; bytes && (uint64_t)to % WORD; bytes--)
		*to++ = (uint8_t)value;
	for (; bytes >= 4 * WORD; bytes -= 4 * WORD, to += 4 * WORD) {
		words = (uint64_t *)to;
		words[0] = words[1] = words[2] = words[3] = word;
	}
	for (; bytes; bytes--)
		*to++ = (uint8_t)value;
	return destination;
}
