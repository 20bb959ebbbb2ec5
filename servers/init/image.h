/*
 * A server's executable: static ELF for riscv64. Parsed into page-aligned segments; nothing is copied or mapped here. The file is
 * input: what does not fit inside it, overlaps, or lies outside the range for images is refused with a sentence.
 */
#ifndef INIT_IMAGE_H
#define INIT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_SEGMENTS_MAX 8

struct image_segment {
	uint64_t address, pages;	/* where it is mapped, page aligned */
	uint64_t start;			/* offset in the segment's memory of the first byte from the file */
	uint64_t offset, file_bytes;	/* which bytes those are; all others are zero */
	unsigned rights;		/* RIGHT_READ, RIGHT_WRITE, RIGHT_EXECUTE */
};

struct image {
	uint64_t entry;
	unsigned count;
	struct image_segment segment[IMAGE_SEGMENTS_MAX];
};

/* Null, or what is wrong. Addresses must lie in low..high-1. */
const char *image_parse(struct image *image, const void *file, size_t bytes, uint64_t low, uint64_t high);

#endif
