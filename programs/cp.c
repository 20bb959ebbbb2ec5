/*
 * cp FROM TO, cp FROM... DIRECTORY: copies of files with their permission bits. Directories are refused.
 */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy(const char *from, const char *to)
{
	struct stat source, target;
	int in = open(from, O_RDONLY), out;
	bool writing = false;

	if (in < 0 || fstat(in, &source) < 0)
		return complain(from);
	if (S_ISDIR(source.st_mode)) {
		errno = EISDIR;
		return complain(from);
	}
	if (stat(to, &target) == 0 && target.st_ino == source.st_ino && target.st_dev == source.st_dev) {
		fprintf(stderr, "cp: %s and %s are the same file\n", from, to);
		return 1;
	}
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC, source.st_mode & 0777);
	if (out < 0)
		return complain(to);
	if (!copy_all(in, out, &writing))
		return complain(writing ? to : from);
	close(in);
	return close(out) < 0 ? complain(to) : 0;
}

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
			return copy(arguments[1], to);
		errno = ENOTDIR;
		return complain(to);
	}
	for (int i = 1; i < count - 1; i++) {
		char *path = join(to, base_name(arguments[i]));

		result |= copy(arguments[i], path);
		free(path);
	}
	return result;
}
