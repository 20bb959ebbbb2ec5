/*
 * What pager_model.c and pager_chaos.c share: steps that depend on a seed alone, and a failure that says how to repeat it.
 */
#ifndef PAGER_RANDOM_H
#define PAGER_RANDOM_H

#include "pager_world.h"

static const char *const test_name;
static uint64_t steps, seed;

static _Noreturn void fail_at(const char *file, int line, const char *fact)
{
	printf("%s:%d: %s\n\tseed %lu, step %lu; repeat with: %s %lu %lu\n", file, line, fact, seed, steps, test_name, steps + 1, seed);
	fflush(stdout);
	abort();
}

static bool one_in(unsigned n)
{
	return !random_below(n);
}

static void seed_begin(uint64_t number)
{
	seed = number;
	steps = 0;
	random_state = seed * 0x9e3779b97f4a7c15 + 1;
}

/* Mostly so small that all long work is cut. */
static uint64_t some_slice_pages(void)
{
	return one_in(4) ? 4096 : 1 + random_below(24);
}

#endif
