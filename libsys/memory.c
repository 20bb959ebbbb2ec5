/*
 * memcpy and its kin. The pager copies and zeroes whole pages with them, so the long loops move many words per round with one
 * load and one store per 8 bytes; buffers that are aligned differently are moved in words, too, shifted together, since
 * not every hart may load a misaligned word. Nothing here uses the FPU.
 *
 * The compiler must not turn these loops into calls of the functions that they implement: hence PLAIN_LOOPS.
 */
#include "server.h"

#define WORD sizeof(uint64_t)
#define MISALIGNED(pointer) ((uintptr_t)(pointer) % WORD)

#define PLAIN_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns")))

typedef uint64_t __attribute__((may_alias)) word_t;

/* The compiler may not load further ahead than this: it would save registers on every call. */
static inline void copy_eight(word_t *to, const word_t *from)
{
	word_t a = from[0], b = from[1], c = from[2], d = from[3], e = from[4], f = from[5], g = from[6], h = from[7];

	to[0] = a, to[1] = b, to[2] = c, to[3] = d, to[4] = e, to[5] = f, to[6] = g, to[7] = h;
	__asm__ volatile("" : : : "memory");
}

static inline void copy_sixty_four(word_t *to, const word_t *from)
{
	copy_eight(to, from);
	copy_eight(to + 8, from + 8);
	copy_eight(to + 16, from + 16);
	copy_eight(to + 24, from + 24);
	copy_eight(to + 32, from + 32);
	copy_eight(to + 40, from + 40);
	copy_eight(to + 48, from + 48);
	copy_eight(to + 56, from + 56);
}

/* Both aligned; moves whole words and says how many bytes that were. */
PLAIN_LOOPS static inline size_t copy_aligned(word_t *to, const word_t *from, size_t bytes)
{
	size_t words = bytes / WORD;

	for (const word_t *end = from + (words & -64UL); from != end; to += 64, from += 64)
		copy_sixty_four(to, from);
	for (const word_t *end = from + (words & 56); from != end; to += 8, from += 8)
		copy_eight(to, from);
	for (const word_t *end = from + (words & 7); from != end;)
		*to++ = *from++;
	return words * WORD;
}

/* `to` aligned, `from` not: each word is put together from two. Reads no aligned word that holds no byte of `from`. */
PLAIN_LOOPS static size_t copy_shifted(word_t *to, const unsigned char *from, size_t bytes)
{
	unsigned low = 8 * MISALIGNED(from), high = 64 - low;
	const word_t *source = (const word_t *)(from - MISALIGNED(from));
	size_t left = bytes;
	word_t before = *source++;

	for (; left >= 4 * WORD; left -= 4 * WORD, to += 4, source += 4) {
		word_t a = source[0], b = source[1], c = source[2], d = source[3];

		to[0] = before >> low | a << high, to[1] = a >> low | b << high;
		to[2] = b >> low | c << high, to[3] = c >> low | d << high;
		before = d;
	}
	for (; left >= WORD; left -= WORD) {
		word_t next = *source++;

		*to++ = before >> low | next << high;
		before = next;
	}
	return bytes - left;
}

PLAIN_LOOPS static inline void copy_bytes(unsigned char *to, const unsigned char *from, size_t bytes)
{
	while (bytes--)
		*to++ = *from++;
}

/* Apart, so that aligned and short copies need no stack. */
PLAIN_LOOPS static __attribute__((noinline)) void *copy_misaligned(unsigned char *to, const unsigned char *from, size_t bytes)
{
	size_t head = -(uintptr_t)to % WORD, done;

	copy_bytes(to, from, head);
	if (MISALIGNED(from + head)) {
		done = head + copy_shifted((word_t *)(to + head), from + head, bytes - head);
		copy_bytes(to + done, from + done, bytes - done);
	} else {
		memcpy(to + head, from + head, bytes - head);
	}
	return to;
}

PLAIN_LOOPS void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	size_t done = 0;

	if (bytes >= 2 * WORD) {
		if (MISALIGNED(to) || MISALIGNED(from))
			return copy_misaligned(to, from, bytes);
		done = copy_aligned(to, from, bytes);
	}
	copy_bytes((unsigned char *)to + done, (const unsigned char *)from + done, bytes - done);
	return to;
}

/* From the end to the front, for targets that overlap the source's tail. */
PLAIN_LOOPS static void copy_backward(unsigned char *to, const unsigned char *from, size_t bytes)
{
	if (MISALIGNED(to) == MISALIGNED(from)) {
		for (; bytes && MISALIGNED(to + bytes); bytes--)
			to[bytes - 1] = from[bytes - 1];
		for (; bytes >= WORD; bytes -= WORD)
			*(word_t *)(to + bytes - WORD) = *(const word_t *)(from + bytes - WORD);
	}
	for (; bytes; bytes--)
		to[bytes - 1] = from[bytes - 1];
}

PLAIN_LOOPS static void copy_forward(unsigned char *to, const unsigned char *from, size_t bytes)
{
	if (MISALIGNED(to) == MISALIGNED(from)) {
		for (; bytes && MISALIGNED(to); bytes--)
			*to++ = *from++;
		for (; bytes >= WORD; bytes -= WORD, to += WORD, from += WORD)
			*(word_t *)to = *(const word_t *)from;
	}
	while (bytes--)
		*to++ = *from++;
}

static __attribute__((noinline)) void *copy_overlapping(unsigned char *to, const unsigned char *from, size_t bytes)
{
	if (to > from)
		copy_backward(to, from, bytes);
	else
		copy_forward(to, from, bytes);
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	uintptr_t target = (uintptr_t)to, source = (uintptr_t)from;

	return target - source >= bytes && source - target >= bytes ? memcpy(to, from, bytes) : copy_overlapping(to, from, bytes);
}

PLAIN_LOOPS void *memset(void *to, int byte, size_t bytes)
{
	unsigned char *target = to;

	if (bytes >= 2 * WORD) {
		word_t *words, value = (unsigned char)byte * 0x0101010101010101UL;

		for (; MISALIGNED(target); bytes--)
			*target++ = byte;
		words = (word_t *)target;
		for (; bytes >= 8 * WORD; bytes -= 8 * WORD, words += 8) {
			words[0] = value, words[1] = value, words[2] = value, words[3] = value;
			words[4] = value, words[5] = value, words[6] = value, words[7] = value;
		}
		for (; bytes >= WORD; bytes -= WORD)
			*words++ = value;
		target = (unsigned char *)words;
	}
	while (bytes--)
		*target++ = byte;
	return to;
}

PLAIN_LOOPS int memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *left = a, *right = b;

	if (!MISALIGNED(left) && !MISALIGNED(right))
		for (; bytes >= WORD && *(const word_t *)left == *(const word_t *)right; bytes -= WORD)
			left += WORD, right += WORD;
	for (; bytes; bytes--, left++, right++)
		if (*left != *right)
			return *left - *right;
	return 0;
}

PLAIN_LOOPS size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

int strncmp(const char *a, const char *b, size_t bytes)
{
	for (; bytes; bytes--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}
