/*
 * touch FILE...: sets both times to now; a file that is not there is created empty.
 */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int touch(const char *path)
{
	int file;

	if (utimensat(AT_FDCWD, path, NULL, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return complain(path);
	file = open(path, O_WRONLY | O_CREAT, 0666);
	if (file < 0)
		return complain(path);
	close(file);
	return 0;
}

int main(int count, char **arguments)
{
	int result = 0;

	if (count < 2)
		return usage("FILE...");
	for (arguments++; *arguments; arguments++)
		result |= touch(*arguments);
	return result;
}
