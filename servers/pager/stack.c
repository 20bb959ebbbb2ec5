/*
 * The words of a program's first stack (stack.h). Who the program runs as stays with fs and proc: the user and group entries say 0
 * here, and the calls say the truth.
 */
#include "stack.h"

#include <linux/auxvec.h>

#define ALIGN_DOWN(value, to) ((value) & ~((to) - 1UL))

/* The ISA letters that user code may count on: I M A F D C. */
#define ISA(letter) (1UL << ((letter) - 'A'))
#define HWCAP (ISA('I') | ISA('M') | ISA('A') | ISA('F') | ISA('D') | ISA('C'))
#define CLOCK_TICKS 100

enum { AUXILIARY_PAIRS = 16 };

void stack_plan_make(struct stack_plan *plan, const struct strings *strings)
{
	plan->words = 1 + plan->argc + 1 + plan->envc + 1 + 2 * AUXILIARY_PAIRS + 2;	/* the last pair is AT_NULL */
	plan->strings = STACK_TOP - 8 - strings->bytes;
	plan->random = ALIGN_DOWN(plan->strings - STACK_RANDOM, 16);
	plan->sp = ALIGN_DOWN(plan->random - plan->words * 8, 16);
}

char strings_byte(const struct strings *strings, uint64_t offset)
{
	return strings->page[offset / CORE_PAGE][offset % CORE_PAGE];
}

/* The address of the string at the cursor; the cursor moves on to the next. */
static uint64_t next_string(const struct stack_plan *plan, const struct strings *strings, struct stack_cursor *cursor)
{
	uint64_t address = plan->strings + cursor->offset;

	while (cursor->offset < strings->bytes && strings_byte(strings, cursor->offset))
		cursor->offset++;
	cursor->offset++;
	return address;
}

uint64_t stack_words(const struct stack_plan *plan, const struct strings *strings, const struct elf_image *image,
		     struct stack_cursor *cursor, uint64_t *words, uint64_t count)
{
	const uint64_t argv = 1, envp = argv + plan->argc + 1, vector = envp + plan->envc + 1, end = vector + 2 * AUXILIARY_PAIRS + 2;
	const uint64_t auxiliary[AUXILIARY_PAIRS][2] = {
		{ AT_PHDR, image->headers }, { AT_PHENT, 56 }, { AT_PHNUM, image->header_count },
		{ AT_PAGESZ, CORE_PAGE }, { AT_BASE, 0 }, { AT_FLAGS, 0 }, { AT_ENTRY, image->entry },
		{ AT_UID, 0 }, { AT_EUID, 0 }, { AT_GID, 0 }, { AT_EGID, 0 },
		{ AT_SECURE, 0 }, { AT_HWCAP, HWCAP }, { AT_CLKTCK, CLOCK_TICKS }, { AT_RANDOM, plan->random },
		{ AT_EXECFN, plan->strings + plan->path },
	};
	uint64_t made = 0;

	for (; made < count && cursor->word < end; made++, cursor->word++) {
		uint64_t word = cursor->word;

		if (word == 0)
			words[made] = plan->argc;
		else if (word == envp - 1 || word == vector - 1 || word >= end - 2)
			words[made] = 0;
		else if (word < vector)
			words[made] = next_string(plan, strings, cursor);
		else
			words[made] = auxiliary[(word - vector) / 2][(word - vector) % 2];
	}
	return made;
}
