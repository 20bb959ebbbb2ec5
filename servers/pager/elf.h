/*
 * What exec needs to know about an executable, taken from its ELF headers. Only what can run here passes: ELF64, little endian,
 * RISC-V, static (ET_EXEC) or static-PIE (ET_DYN), segments in sane ranges. Pure functions over bytes that the file's owner chose:
 * every value is checked before it is used. tests/host/pager_exec.c throws broken headers at them.
 */
#ifndef PAGER_ELF_H
#define PAGER_ELF_H

#include "core/core.h"

#define ELF_SEGMENTS 32
#define ELF_LOWEST CORE_PAGE				/* page 0 is never mapped */
#define ELF_CEILING (CORE_USER_END - (64UL << 20))	/* above it: the stack */
#define ELF_PIE_BASE (CORE_USER_END / 3 * 2 / CORE_PAGE * CORE_PAGE)	/* where Linux puts static-PIE */
#define ELF_HEADER_BYTES 64

struct elf_table {
	uint64_t offset, bytes;		/* of the program headers in the file; bytes <= CORE_PAGE */
};

struct elf_segment {
	uint64_t start, file_bytes, memory_bytes, offset;	/* not rounded; start % page == offset % page */
	unsigned prot;						/* PROT_* */
};

struct elf_image {
	struct elf_segment segment[ELF_SEGMENTS];	/* by rising address */
	unsigned segments;
	uint64_t entry;
	uint64_t headers, header_count;		/* where the program sees its program headers (0: nowhere), and how many */
	uint64_t end;				/* end of the last segment, rounded up to a page */
};

/* Both return 0, -ENOEXEC, or -ENOENT for a program that needs an interpreter, which a static system does not have.
 * `bytes` of the file's beginning are at `header`; `file_bytes` is its length. */
long elf_check(const void *header, uint64_t bytes, uint64_t file_bytes, struct elf_table *table);
long elf_parse(const void *header, const void *table, uint64_t file_bytes, struct elf_image *image);

#endif
