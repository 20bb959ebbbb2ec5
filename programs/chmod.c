/*
 * chmod MODE FILE...: MODE is octal.
 */
#include "common.h"

#include <stdlib.h>
#include <sys/stat.h>

int main(int count, char **arguments)
{
	char *end = "x";
	unsigned long mode = count > 2 ? strtoul(arguments[1], &end, 8) : 0;
	int result = 0;

	if (*end || mode > 07777)
		return usage("OCTAL-MODE FILE...");
	for (arguments += 2; *arguments; arguments++)
		if (chmod(*arguments, (mode_t)mode) < 0)
			result = complain(*arguments);
	return result;
}
