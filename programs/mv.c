/*
 * mv FROM TO, mv FROM... DIRECTORY: by rename alone; there is one file system.
 */
#include "common.h"

#include <stdio.h>

static int move(const char *from, const char *to)
{
	return rename(from, to) < 0 ? complain(from) : 0;
}

int main(int count, char **arguments)
{
	return for_each_target(count, arguments, move);
}
