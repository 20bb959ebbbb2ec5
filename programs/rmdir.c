/*
 * rmdir DIRECTORY...: empty directories only.
 */
#include "common.h"

#include <unistd.h>

int main(int count, char **arguments)
{
	int result = 0;

	if (count < 2)
		return usage("DIRECTORY...");
	for (arguments++; *arguments; arguments++)
		if (rmdir(*arguments) < 0)
			result = complain(*arguments);
	return result;
}
