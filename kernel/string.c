/*
 * memcpy and memset, which the compiler calls, too. memcpy is the whole cost of `copy`, so it moves 64 bytes a turn when both
 * sides are aligned alike; otherwise it shifts whole words into place.
 */
#include "base.h"

#define WORD sizeof(uint64_t)

/* Whole words, both sides aligned. Result: bytes done. */
static size_t copy_words(uint64_t *to, const uint64_t *from, size_t bytes)
{
	size_t left = bytes / WORD;

	for (; left >= 8; left -= 8, to += 8, from += 8) {
		uint64_t a = from[0], b = from[1], c = from[2], d = from[3], e = from[4], f = from[5], g = from[6], h = from[7];

		to[0] = a, to[1] = b, to[2] = c, to[3] = d, to[4] = e, to[5] = f, to[6] = g, to[7] = h;
	}
	while (left--)
		*to++ = *from++;
	return bytes & ~(WORD - 1);
}

/* Whole words into an aligned place from one that is off by `offset` bytes: each comes from two aligned words. */
static size_t copy_shifted(uint64_t *to, const uint8_t *source, size_t offset, size_t bytes)
{
	const uint64_t *from = (const uint64_t *)(source - offset);
	unsigned low = 8 * (unsigned)offset, high = 64 - low;
	uint64_t word = *from++;

	for (size_t left = bytes / WORD; left; left--) {
		uint64_t next = *from++;

		*to++ = word >> low | next << high;
		word = next;
	}
	return bytes & ~(WORD - 1);
}

void *memcpy(void *destination, const void *source, size_t bytes)
{
	uint8_t *to = destination;
	const uint8_t *from = source;
	size_t done = 0, offset;

	for (; bytes && (uint64_t)to % WORD; bytes--)
		*to++ = *from++;
	offset = (uint64_t)from % WORD;
	if (!offset)
		done = copy_words((uint64_t *)to, (const uint64_t *)from, bytes);
	else if (bytes >= 2 * WORD)
		done = copy_shifted((uint64_t *)to, from, offset, bytes - WORD);
	to += done;
	from += done;
	for (bytes -= done; bytes; bytes--)
		*to++ = *from++;
	return destination;
}

void *memset(void *destination, int value, size_t bytes)
{
	uint8_t *to = destination;
	uint64_t word = (uint8_t)value * 0x0101010101010101UL;

	for (; bytes && (uint64_t)to % WORD; bytes--)
		*to++ = (uint8_t)value;
	for (; bytes >= 4 * WORD; bytes -= 4 * WORD, to += 4 * WORD) {
		uint64_t *words = (uint64_t *)to;

		words[0] = words[1] = words[2] = words[3] = word;
	}
	for (; bytes; bytes--)
		*to++ = (uint8_t)value;
	return destination;
}
