/*
 * echo [-n] [WORD...]: the words with a blank between; -n: no newline at the end. Backslashes mean themselves.
 */
#include "common.h"

#include <stdio.h>
#include <string.h>

int main(int count, char **arguments)
{
	bool newline = count < 2 || strcmp(arguments[1], "-n");

	for (int i = newline ? 1 : 2; i < count; i++) {
		fputs(arguments[i], stdout);
		if (i + 1 < count)
			putchar(' ');
	}
	if (newline)
		putchar('\n');
	return fflush(stdout) ? complain("standard output") : 0;
}
