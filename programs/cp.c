/*
 * cp FROM TO, cp FROM... DIRECTORY: copies of files with their permission bits. Directories are refused.
 */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
	return for_each_target(count, arguments, copy);
}
