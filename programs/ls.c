/*
 * ls [-l] [-a] [-i] [-R] [-d] [FILE...]: names in order, one per line. -l adds mode, links, owner, group, size (device
 * files: numbers) and time of change in UTC. Columns, colours and other orders are refused.
 */
#define _GNU_SOURCE
#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static bool flags[128];
static int result;

static void show_long(const struct stat *status)
{
	char mode[11], when[32];
	time_t seconds = status->st_mtime;
	struct tm calendar;

	mode_text(status->st_mode, mode);
	gmtime_r(&seconds, &calendar);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &calendar);
	printf("%s %3lu %u %u ", mode, (unsigned long)status->st_nlink, status->st_uid, status->st_gid);
	if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode))
		printf("%4u,%4u", major(status->st_rdev), minor(status->st_rdev));
	else
		printf("%9llu", (unsigned long long)status->st_size);
	printf(" %s ", when);
}

static void show(const char *path, const char *name)
{
	struct stat status;
	char target[4096];
	ssize_t length;

	if ((flags['l'] || flags['i']) && lstat(path, &status) < 0) {
		result = complain(path);
		return;
	}
	if (flags['i'])
		printf("%8lu ", (unsigned long)status.st_ino);
	if (flags['l'])
		show_long(&status);
	fputs(name, stdout);
	if (flags['l'] && S_ISLNK(status.st_mode) && (length = readlink(path, target, sizeof(target) - 1)) >= 0) {
		target[length] = 0;
		printf(" -> %s", target);
	}
	putchar('\n');
}

static int wanted(const struct dirent *entry)
{
	return flags['a'] || entry->d_name[0] != '.';
}

static void list_directory(const char *path, bool headline)
{
	struct dirent **entries;
	int count = scandir(path, &entries, wanted, alphasort);

	if (count < 0) {
		result = complain(path);
		return;
	}
	if (headline)
		printf("%s:\n", path);
	for (int i = 0; i < count; i++) {
		char *full = join(path, entries[i]->d_name);

		show(full, entries[i]->d_name);
		free(full);
	}
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char *full = join(path, name);
		struct stat status;

		if (flags['R'] && strcmp(name, ".") && strcmp(name, "..") && lstat(full, &status) == 0 && S_ISDIR(status.st_mode)) {
			putchar('\n');
			list_directory(full, true);
		}
		free(full);
		free(entries[i]);
	}
	free(entries);
}

int main(int count, char **arguments)
{
	char *here[] = { ".", NULL };

	(void)count;
	arguments = take_options(arguments + 1, "laiRd1", flags);
	if (!*arguments)
		arguments = here;
	for (int i = 0; arguments[i]; i++) {
		struct stat status;

		if ((flags['l'] || flags['d'] ? lstat : stat)(arguments[i], &status) < 0 && lstat(arguments[i], &status) < 0)
			result = complain(arguments[i]);
		else if (S_ISDIR(status.st_mode) && !flags['d'])
			list_directory(arguments[i], flags['R'] || arguments[1]);
		else
			show(arguments[i], arguments[i]);
	}
	return result;
}
