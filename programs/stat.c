/*
 * stat [-L] FILE...: what the inode says; -L follows a symbolic link.
 */
#include "common.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static const char *kind_name(mode_t mode)
{
	return S_ISREG(mode) ? "regular file" : S_ISDIR(mode) ? "directory" : S_ISLNK(mode) ? "symbolic link" :
		S_ISCHR(mode) ? "character device" : S_ISBLK(mode) ? "block device" : S_ISFIFO(mode) ? "pipe" : "other";
}

static void show_time(const char *what, const struct timespec *when)
{
	struct tm calendar;
	char text[40];

	gmtime_r(&when->tv_sec, &calendar);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &calendar);
	printf("%7s: %s.%09ld UTC\n", what, text, when->tv_nsec);
}

static void show(const char *path, const struct stat *status)
{
	char mode[11], target[4096];
	ssize_t length;

	mode_text(status->st_mode, mode);
	printf("   File: %s", path);
	if (S_ISLNK(status->st_mode) && (length = readlink(path, target, sizeof(target) - 1)) >= 0) {
		target[length] = 0;
		printf(" -> %s", target);
	}
	printf("\n   Size: %lld  Blocks: %lld  Block: %ld  %s\n", (long long)status->st_size, (long long)status->st_blocks,
	       (long)status->st_blksize, kind_name(status->st_mode));
	printf(" Device: %u,%u  Inode: %lu  Links: %lu", major(status->st_dev), minor(status->st_dev),
	       (unsigned long)status->st_ino, (unsigned long)status->st_nlink);
	if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode))
		printf("  Type: %u,%u", major(status->st_rdev), minor(status->st_rdev));
	printf("\n Access: %04o %s  User: %u  Group: %u\n", status->st_mode & 07777, mode, status->st_uid, status->st_gid);
	show_time("Read", &status->st_atim);
	show_time("Written", &status->st_mtim);
	show_time("Changed", &status->st_ctim);
}

int main(int count, char **arguments)
{
	bool flags[128] = { false };
	int result = 0;

	(void)count;
	arguments = take_options(arguments + 1, "L", flags);
	if (!*arguments)
		return usage("[-L] FILE...");
	for (; *arguments; arguments++) {
		struct stat status;

		if ((flags['L'] ? stat : lstat)(*arguments, &status) < 0)
			result = complain(*arguments);
		else
			show(*arguments, &status);
	}
	return result;
}
