/*
 * mv FROM TO, mv FROM... DIRECTORY: by rename alone; there is one file system.
 */
#include "common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int main(int count, char **arguments)
{
	struct stat status;
	int result = 0;
	const char *to;

	if (count < 3)
		return usage("FROM... TO");
	to = arguments[count - 1];
	if (stat(to, &status) < 0 || !S_ISDIR(status.st_mode)) {
		if (count == 3)
			return rename(arguments[1], to) < 0 ? complain(arguments[1]) : 0;
		errno = ENOTDIR;
		return complain(to);
	}
	for (int i = 1; i < count - 1; i++) {
		char *path = join(to, base_name(arguments[i]));

		if (rename(arguments[i], path) < 0)
			result = complain(arguments[i]);
		free(path);
	}
	return result;
}
