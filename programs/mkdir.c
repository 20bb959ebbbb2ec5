/*
 * mkdir [-p] DIRECTORY...: with -p also the ones above, and no complaint about those that exist.
 */
#include "common.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int make(char *path, bool parents)
{
	struct stat status;

	for (char *slash = path + 1; parents && *path && (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		if (mkdir(path, 0777) < 0 && errno != EEXIST)
			return complain(path);
		*slash = '/';
	}
	if (mkdir(path, 0777) == 0)
		return 0;
	if (parents && errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return 0;
	return complain(path);
}

int main(int count, char **arguments)
{
	bool flags[128] = { false };
	int result = 0;

	(void)count;
	arguments = take_options(arguments + 1, "p", flags);
	if (!*arguments)
		return usage("[-p] DIRECTORY...");
	for (; *arguments; arguments++)
		result |= make(*arguments, flags['p']);
	return result;
}
