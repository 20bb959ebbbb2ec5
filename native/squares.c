/*
 * squares FILE PAGES: a pager of one's own. FILE, which must lie in /dev/shm, has PAGES pages that are on no disk: each holds the squares
 * of 512 numbers and is computed when somebody first touches it, by a load, by read(2) or through a copy. Runs until it is killed.
 */
#include "userpager.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096
#define NUMBERS (PAGE / sizeof(uint64_t))

static int fail(const char *what, long error)
{
	fprintf(stderr, "squares: %s: %s\n", what, strerror(error));
	return 1;
}

int main(int count, char **arguments)
{
	struct pager_supply supply = { 0 };
	uint64_t numbers[NUMBERS], object;
	long pages = count == 3 ? atol(arguments[2]) : 0, error;
	int file;

	if (pages <= 0) {
		fprintf(stderr, "usage: squares FILE PAGES\n");
		return 2;
	}
	file = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (file < 0 || ftruncate(file, pages * PAGE) < 0) {
		perror(arguments[1]);
		return 1;
	}
	if ((error = pager_serve(file, &object)))
		return fail(arguments[1], -error);
	while (!(error = pager_next(&supply))) {
		uint64_t first = supply.offset / sizeof(uint64_t);

		for (unsigned i = 0; i < NUMBERS; i++)
			numbers[i] = (first + i) * (first + i);
		supply.address = (uint64_t)numbers;
	}
	return fail("no more pages", -error);
}
