/*
 * rm [-r] [-f] FILE...: names out of directories, with -r whole trees. It never asks. "." and ".." are refused.
 */
#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool flags[128];
static int result;

static void remove_path(const char *path);

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static void remove_content(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, NULL);

	if (count < 0) {
		result = complain(path);
		return;
	}
	for (int i = 0; i < count; i++) {
		char *full = join(path, entries[i]->d_name);

		if (!is_dots(entries[i]->d_name))
			remove_path(full);
		free(full);
		free(entries[i]);
	}
	free(entries);
}

static void remove_path(const char *path)
{
	struct stat status;

	if (lstat(path, &status) < 0) {
		if (errno != ENOENT || !flags['f'])
			result = complain(path);
		return;
	}
	if (S_ISDIR(status.st_mode) && flags['r'])
		remove_content(path);
	if (unlinkat(AT_FDCWD, path, S_ISDIR(status.st_mode) && flags['r'] ? AT_REMOVEDIR : 0) < 0)
		result = complain(path);
}

int main(int count, char **arguments)
{
	(void)count;
	arguments = take_options(arguments + 1, "rfR", flags);
	flags['r'] |= flags['R'];
	if (!*arguments && !flags['f'])
		return usage("[-r] [-f] FILE...");
	for (; *arguments; arguments++) {
		if (is_dots(base_name(*arguments))) {
			fprintf(stderr, "rm: %s is refused\n", *arguments);
			result = 1;
			continue;
		}
		remove_path(*arguments);
	}
	return result;
}
