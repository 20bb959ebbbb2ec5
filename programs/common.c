/*
 * See common.h.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int complain(const char *what)
{
	int error = errno;

	fflush(stdout);
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
	return 1;
}

int usage(const char *text)
{
	fprintf(stderr, "usage: %s %s\n", program_invocation_short_name, text);
	return 2;
}

bool write_all(int to, const void *bytes, size_t count)
{
	const char *next = bytes;

	while (count > 0) {
		ssize_t put = write(to, next, count);

		if (put < 0)
			return false;
		next += put;
		count -= (size_t)put;
	}
	return true;
}

bool copy_all(int from, int to, bool *writing)
{
	static char block[65536];
	ssize_t got;

	*writing = false;
	while ((got = read(from, block, sizeof(block))) > 0) {
		if (!write_all(to, block, (size_t)got)) {
			*writing = true;
			return false;
		}
	}
	return got == 0;
}

char *read_whole(const char *path, size_t *length)
{
	size_t used = 0, size = 4096;
	char *bytes = malloc(size);
	int file = open(path, O_RDONLY);
	ssize_t got = -1;

	while (file >= 0 && bytes && (got = read(file, bytes + used, size - used - 1)) > 0) {
		used += (size_t)got;
		if (size - used < 2) {
			char *larger = realloc(bytes, size *= 2);

			if (!larger)
				free(bytes);
			bytes = larger;
		}
	}
	if (file >= 0)
		close(file);
	if (got < 0 || !bytes) {
		free(bytes);
		return NULL;
	}
	bytes[used] = 0;
	if (length)
		*length = used;
	return bytes;
}

char *join(const char *directory, const char *name)
{
	size_t length = strlen(directory);
	char *path = malloc(length + strlen(name) + 2);

	if (!path)
		exit(complain("memory"));
	sprintf(path, "%s%s%s", directory, length && directory[length - 1] == '/' ? "" : "/", name);
	return path;
}

const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

void mode_text(mode_t mode, char text[11])
{
	static const char letters[] = "rwxrwxrwx";

	text[0] = S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : S_ISCHR(mode) ? 'c' : S_ISBLK(mode) ? 'b' : S_ISFIFO(mode) ? 'p' : '-';
	for (int i = 0; i < 9; i++)
		text[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
	text[10] = 0;
}

char **take_options(char **arguments, const char *allowed, bool flags[128])
{
	for (; *arguments && (*arguments)[0] == '-' && (*arguments)[1]; arguments++) {
		if (!strcmp(*arguments, "--"))
			return arguments + 1;
		if (strspn(*arguments + 1, allowed) != strlen(*arguments + 1)) {
			fprintf(stderr, "%s: unknown option %s\n", program_invocation_short_name, *arguments);
			exit(2);
		}
		for (const char *letter = *arguments + 1; *letter; letter++)
			flags[(unsigned char)*letter & 127] = true;
	}
	return arguments;
}

int for_each_target(int count, char **arguments, int (*act)(const char *from, const char *to))
{
	struct stat status;
	int result = 0;
	const char *to;

	if (count < 3)
		return usage("FROM... TO");
	to = arguments[count - 1];
	if (stat(to, &status) < 0 || !S_ISDIR(status.st_mode)) {
		if (count == 3)
			return act(arguments[1], to);
		errno = ENOTDIR;
		return complain(to);
	}
	for (int i = 1; i < count - 1; i++) {
		char *path = join(to, base_name(arguments[i]));

		result |= act(arguments[i], path);
		free(path);
	}
	return result;
}
