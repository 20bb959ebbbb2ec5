/*
 * sleep SECONDS: fractions are allowed.
 */
#include "common.h"

#include <stdlib.h>
#include <time.h>

int main(int count, char **arguments)
{
	struct timespec wanted;
	char *end = "x";
	double seconds = count == 2 ? strtod(arguments[1], &end) : 0;

	if (*end || !(seconds >= 0 && seconds < 1e9))
		return usage("SECONDS");
	wanted.tv_sec = (time_t)seconds;
	wanted.tv_nsec = (long)((seconds - (double)wanted.tv_sec) * 1e9);
	return nanosleep(&wanted, NULL) < 0 ? complain("nanosleep") : 0;
}
