/*
 * cmp FILE FILE: silent with status 0 if they are equal; else says where they first differ, status 1. Trouble: 2.
 */
#include "common.h"

#include <stdio.h>

int main(int count, char **arguments)
{
	FILE *left = count == 3 ? fopen(arguments[1], "r") : NULL;
	FILE *right = count == 3 ? fopen(arguments[2], "r") : NULL;
	unsigned long bytes = 0, lines = 1;

	if (count != 3)
		return usage("FILE FILE");
	if (!left || !right) {
		complain(arguments[left ? 2 : 1]);
		return 2;
	}
	for (;;) {
		int a = getc(left), b = getc(right);

		bytes++;
		if (a != b) {
			if (a == EOF || b == EOF)
				fprintf(stderr, "cmp: end of file on %s after byte %lu\n", arguments[a == EOF ? 1 : 2], bytes - 1);
			else
				printf("%s %s differ: byte %lu, line %lu\n", arguments[1], arguments[2], bytes, lines);
			return 1;
		}
		if (a == EOF)
			break;
		lines += a == '\n';
	}
	if (ferror(left) || ferror(right)) {
		complain(arguments[ferror(left) ? 1 : 2]);
		return 2;
	}
	return 0;
}
