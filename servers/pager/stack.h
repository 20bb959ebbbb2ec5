/*
 * The first stack of a program, as Linux lays it out on riscv64 and as glibc's start code reads it:
 *
 *   STACK_TOP        8 zero bytes
 *                    path of the executable \0             AT_EXECFN
 *                    environment strings
 *                    argument strings                      <- plan.strings
 *                    16 random bytes                       <- plan.random: AT_RANDOM
 *                    padding to 16
 *                    auxiliary vector, ends with AT_NULL
 *                    envp[0] .. envp[envc-1], 0
 *                    argv[0] .. argv[argc-1], 0
 *   sp, 16-aligned   argc
 *
 * The strings were collected before (struct strings: pages of bytes, one string after the other, in the order above); the words below
 * are produced in order, a piece at a time. Pure functions: tests/host/pager_exec.c checks the picture.
 */
#ifndef PAGER_STACK_H
#define PAGER_STACK_H

#include "elf.h"

#define STACK_TOP (CORE_USER_END - CORE_PAGE)
#define STACK_LIMIT (8UL << 20)
#define STACK_STRINGS_MAX (2UL << 20)		/* all strings and pointers: more is E2BIG, as on Linux */
#define STACK_STRING_MAX (128UL << 10)		/* one string with its NUL */
#define STACK_RANDOM 16

/* Strings, back to back, in pages. */
struct strings {
	char **page;			/* a page of pointers to pages; null: none yet */
	uint64_t bytes;
};

struct stack_plan {
	uint64_t argc, envc;
	uint64_t strings, random, sp;	/* addresses */
	uint64_t words;			/* 8-byte words from sp on */
	uint64_t path;			/* offset of the executable's path in the strings: the last one */
};

struct stack_cursor {
	uint64_t word;			/* the next word to make */
	uint64_t offset;		/* where its string begins */
};

/* argc, envc and path are set; fills the rest. */
void stack_plan_make(struct stack_plan *plan, const struct strings *strings);
/* Makes up to `count` words; returns how many, 0 at the end. */
uint64_t stack_words(const struct stack_plan *plan, const struct strings *strings, const struct elf_image *image,
		     struct stack_cursor *cursor, uint64_t *words, uint64_t count);
char strings_byte(const struct strings *strings, uint64_t offset);

#endif
