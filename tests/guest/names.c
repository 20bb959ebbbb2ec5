/*
 * Names: creating, removing, linking, renaming, following, listing; permissions by mode; the working directory. Each
 * error that Linux documents for the calls used stands here once.
 */
#include "test.h"

#include <limits.h>
#include <sys/statfs.h>

static void touch_file(const char *name)
{
	put_text(name, name);
}

static struct stat status_of(const char *name)
{
	struct stat status;

	CHECK(lstat(name, &status) == 0);
	return status;
}

static void paths(void)
{
	touch_file("file");
	CHECK(mkdir("dir", 0755) == 0);
	touch_file("dir/inner");
	CHECK_ERROR(open("", O_RDONLY), ENOENT);
	CHECK_ERROR(open("missing", O_RDONLY), ENOENT);
	CHECK_ERROR(open("missing/file", O_RDONLY), ENOENT);
	CHECK_ERROR(open("missing/file", O_RDWR | O_CREAT, 0644), ENOENT);
	CHECK_ERROR(open("file/inner", O_RDONLY), ENOTDIR);
	CHECK_ERROR(open("file/", O_RDONLY), ENOTDIR);
	CHECK_ERROR(open("file/.", O_RDONLY), ENOTDIR);
	CHECK_ERROR(open("file/..", O_RDONLY), ENOTDIR);
	CHECK_ERROR(open("new/", O_RDWR | O_CREAT, 0644), EISDIR);
	CHECK_ERROR(open("dir", O_RDWR | O_CREAT, 0644), EISDIR);
	CHECK(file_is("dir/./inner", "dir/inner"));
	CHECK(file_is("./dir//..///dir/inner", "dir/inner"));
	CHECK(access("dir/", F_OK) == 0 && access("/..", F_OK) == 0 && access("/../../", F_OK) == 0);
	CHECK_EQUAL(status_of("/..").st_ino, status_of("/").st_ino);
	CHECK_EQUAL(status_of("dir/..").st_ino, status_of(".").st_ino);
}

static void long_names(void)
{
	char name[NAME_MAX + 2], path[PATH_MAX + 10];

	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = 0;
	CHECK_ERROR(open(name, O_RDWR | O_CREAT, 0644), ENAMETOOLONG);
	CHECK_ERROR(mkdir(name, 0755), ENAMETOOLONG);
	CHECK_ERROR(access(name, F_OK), ENAMETOOLONG);
	name[NAME_MAX] = 0;
	touch_file(name);
	CHECK(file_is(name, name) && unlink(name) == 0);
	memset(path, '/', sizeof(path));
	memcpy(path, ".", 1);
	path[PATH_MAX] = 0;
	CHECK_ERROR(open(path, O_RDONLY), ENAMETOOLONG);
	CHECK_ERROR(chdir(path), ENAMETOOLONG);
	path[PATH_MAX - 1] = 0;
	CHECK(access(path, F_OK) == 0);
}

static void directories(void)
{
	nlink_t links = status_of(".").st_nlink;

	CHECK(mkdir("dir", 0700) == 0);
	CHECK_EQUAL(status_of("dir").st_nlink, 2);
	CHECK_EQUAL(status_of(".").st_nlink, links + 1);
	CHECK_EQUAL(status_of("dir").st_mode, S_IFDIR | 0700);
	CHECK_ERROR(mkdir("dir", 0755), EEXIST);
	CHECK_ERROR(mkdir("dir/.", 0755), EEXIST);
	CHECK_ERROR(mkdir("/", 0755), EEXIST);
	CHECK_ERROR(mkdir("missing/dir", 0755), ENOENT);
	CHECK(mkdir("dir/sub/", 0755) == 0);
	CHECK_ERROR(rmdir("dir"), ENOTEMPTY);
	CHECK_ERROR(rmdir("dir/."), EINVAL);
	CHECK_ERROR(rmdir("dir/sub/.."), ENOTEMPTY);
	CHECK_ERROR(rmdir("missing"), ENOENT);
	touch_file("file");
	CHECK_ERROR(rmdir("file"), ENOTDIR);
	CHECK_ERROR(mkdir("file", 0755), EEXIST);
	CHECK_ERROR(mkdir("file/dir", 0755), ENOTDIR);
	CHECK_ERROR(unlink("dir"), EISDIR);
	CHECK_ERROR(unlinkat(AT_FDCWD, "file", 0x40000), EINVAL);
	CHECK(rmdir("dir/sub") == 0 && rmdir("dir") == 0);
	CHECK_EQUAL(status_of(".").st_nlink, links);
	CHECK_ERROR(unlink("missing"), ENOENT);
	CHECK_ERROR(unlink("file/x"), ENOTDIR);
}

static void hard_links(void)
{
	touch_file("one");
	CHECK(link("one", "two") == 0);
	CHECK_EQUAL(status_of("one").st_ino, status_of("two").st_ino);
	CHECK_EQUAL(status_of("one").st_nlink, 2);
	CHECK_ERROR(link("one", "two"), EEXIST);
	CHECK_ERROR(link("missing", "three"), ENOENT);
	CHECK_ERROR(link("one", "missing/three"), ENOENT);
	CHECK_ERROR(link(".", "dot"), EPERM);
	put_text("two", "changed");
	CHECK(file_is("one", "changed"));
	CHECK(unlink("one") == 0);
	CHECK(file_is("two", "changed"));
	CHECK_EQUAL(status_of("two").st_nlink, 1);
	CHECK(symlink("two", "sym") == 0);
	CHECK(link("sym", "symtoo") == 0);	/* the link itself */
	CHECK(S_ISLNK(status_of("symtoo").st_mode));
	CHECK(linkat(AT_FDCWD, "sym", AT_FDCWD, "three", AT_SYMLINK_FOLLOW) == 0);
	CHECK_EQUAL(status_of("three").st_ino, status_of("two").st_ino);
	CHECK_ERROR(linkat(AT_FDCWD, "two", AT_FDCWD, "four", 0x40000), EINVAL);
}

/* linkat of what a descriptor stands for. Linux wants a privilege for that, which root may lack in a container. */
static void links_of_descriptors(void)
{
	int file, other, directory, device = open("/dev/null", O_RDONLY);

	CHECK(mkdir("dir", 0755) == 0);
	touch_file("file");
	file = open("file", O_RDONLY);
	directory = open("dir", O_RDONLY);
	other = open("dir/other", O_RDWR | O_CREAT, 0644);
	CHECK(file >= 0 && directory >= 0 && other >= 0 && device >= 0);
	CHECK_ERROR(linkat(file, "", AT_FDCWD, "link", 0), ENOENT);
	if (linkat(file, "", directory, "link", AT_EMPTY_PATH) < 0) {
		CHECK(errno == ENOENT && !on_quire());
		return;
	}
	CHECK(status_of("dir/link").st_ino == status_of("file").st_ino && status_of("file").st_nlink == 2);
	CHECK_ERROR(linkat(file, "", directory, "link", AT_EMPTY_PATH), EEXIST);
	CHECK_ERROR(linkat(directory, "", AT_FDCWD, "new", AT_EMPTY_PATH), EPERM);
	CHECK_ERROR(linkat(AT_FDCWD, "", AT_FDCWD, "new", AT_EMPTY_PATH), EPERM);
	CHECK_ERROR(linkat(99, "", AT_FDCWD, "new", AT_EMPTY_PATH), EBADF);
	CHECK_ERROR(linkat(device, "", AT_FDCWD, "new", AT_EMPTY_PATH), EXDEV);
	CHECK(linkat(directory, "link", AT_FDCWD, "again", AT_EMPTY_PATH) == 0 && status_of("again").st_nlink == 3);
	CHECK(unlink("dir/other") == 0);
	CHECK_ERROR(linkat(other, "", AT_FDCWD, "new", AT_EMPTY_PATH), ENOENT);	/* its last name has gone */
	close(file);
	close(other);
	close(device);
	close(directory);
}

static void symbolic_links(void)
{
	char target[3000], have[3100];

	touch_file("file");
	CHECK(mkdir("dir", 0755) == 0 && symlink("file", "short") == 0 && symlink("../file", "dir/up") == 0 && symlink("dir", "todir") == 0);
	CHECK(file_is("short", "file") && file_is("dir/up", "file") && file_is("todir/up", "file"));
	CHECK(S_ISLNK(status_of("short").st_mode));
	CHECK_EQUAL(status_of("short").st_size, 4);
	CHECK_EQUAL(readlink("short", have, sizeof(have)), 4);
	CHECK(!memcmp(have, "file", 4));
	CHECK_EQUAL(readlink("short", have, 2), 2);
	CHECK_ERROR(readlink("short", have, 0), EINVAL);
	CHECK_ERROR(readlink("file", have, 10), EINVAL);
	CHECK_ERROR(readlink("missing", have, 10), ENOENT);
	CHECK_ERROR(symlink("x", "short"), EEXIST);
	CHECK_ERROR(symlink("", "empty"), ENOENT);
	memset(target, '/', sizeof(target));		/* too long for the inode: in a block of its own */
	memcpy(target + sizeof(target) - 6, "/file", 6);
	target[0] = '.';
	CHECK(symlink(target, "long") == 0);
	CHECK_EQUAL(readlink("long", have, sizeof(have)), (long)strlen(target));
	CHECK(!memcmp(have, target, strlen(target)));
	CHECK(file_is("long", "file"));
	CHECK(symlink("nowhere", "dangling") == 0);
	CHECK_ERROR(open("dangling", O_RDONLY), ENOENT);
	CHECK_ERROR(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
	put_text("dangling", "made");			/* creates what it points to */
	CHECK(file_is("nowhere", "made"));
	CHECK_ERROR(open("short", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERROR(rmdir("todir"), ENOTDIR);
	CHECK_ERROR(mkdir("dangling", 0755), EEXIST);
	CHECK(unlink("todir") == 0 && unlink("short") == 0 && access("file", F_OK) == 0);
}

/* A slash behind a link follows it, but not for who changes names: the link's target must not be hit. */
static void slash_behind_a_link(void)
{
	struct stat status;

	CHECK(mkdir("directory", 0755) == 0 && mkdir("other", 0755) == 0);
	CHECK(symlink("directory", "link") == 0 && symlink("nowhere", "dangling") == 0);
	CHECK(lstat("link/", &status) == 0 && S_ISDIR(status.st_mode));
	CHECK_ERROR(rmdir("link/"), ENOTDIR);
	CHECK_ERROR(unlink("link/"), ENOTDIR);
	CHECK_ERROR(rename("link/", "moved"), ENOTDIR);
	CHECK_ERROR(rename("other", "link/"), ENOTDIR);
	CHECK_ERROR(mkdir("link/", 0755), EEXIST);
	CHECK_ERROR(mkdir("dangling/", 0755), EEXIST);
	CHECK_ERROR(unlink("dangling/"), ENOTDIR);
	CHECK(access("directory", F_OK) == 0 && access("other", F_OK) == 0);
	CHECK_ERROR(access("nowhere", F_OK), ENOENT);
}

static void loops(void)
{
	char from[16], to[16];

	CHECK(symlink("self", "self") == 0 && symlink("b", "a") == 0 && symlink("a", "b") == 0);
	CHECK_ERROR(open("self", O_RDONLY), ELOOP);
	CHECK_ERROR(open("a", O_RDONLY), ELOOP);
	CHECK_ERROR(open("a/b", O_RDONLY), ELOOP);
	touch_file("l0");
	for (int i = 0; i < 45; i++) {
		snprintf(from, sizeof(from), "l%d", i);
		snprintf(to, sizeof(to), "l%d", i + 1);
		CHECK(symlink(from, to) == 0);
	}
	CHECK(file_is("l40", "l0"));
	CHECK_ERROR(open("l41", O_RDONLY), ELOOP);
	CHECK(lstat("self", &(struct stat){ 0 }) == 0);
}

static void renaming(void)
{
	ino_t inode;

	touch_file("one");
	touch_file("two");
	inode = status_of("one").st_ino;
	CHECK(rename("one", "uno") == 0);
	CHECK_ERROR(access("one", F_OK), ENOENT);
	CHECK_EQUAL(status_of("uno").st_ino, inode);
	CHECK(rename("uno", "two") == 0);		/* over an existing file */
	CHECK_EQUAL(status_of("two").st_ino, inode);
	CHECK(rename("two", "two") == 0);
	CHECK(link("two", "same") == 0 && rename("two", "same") == 0);	/* one file: nothing happens */
	CHECK(access("two", F_OK) == 0 && access("same", F_OK) == 0);
	CHECK_ERROR(rename("missing", "x"), ENOENT);
	CHECK_ERROR(rename("two", "missing/x"), ENOENT);
	CHECK_ERROR(renameat2(AT_FDCWD, "two", AT_FDCWD, "same", RENAME_NOREPLACE), EEXIST);
	CHECK(renameat2(AT_FDCWD, "two", AT_FDCWD, "three", RENAME_NOREPLACE) == 0);
	CHECK_ERROR(renameat2(AT_FDCWD, "three", AT_FDCWD, "four", 0x1000), EINVAL);
	CHECK_ERROR(rename("three/x", "y"), ENOTDIR);
	CHECK_ERROR(rename(".", "y"), EBUSY);
}

static void renaming_directories(void)
{
	nlink_t links = status_of(".").st_nlink;

	CHECK(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0 && mkdir("a/sub", 0755) == 0);
	touch_file("a/sub/file");
	touch_file("file");
	CHECK_ERROR(rename("a", "a/sub/x"), EINVAL);
	CHECK_ERROR(rename("a", "a/x"), EINVAL);
	CHECK_ERROR(rename("a", "file"), ENOTDIR);
	CHECK_ERROR(rename("file", "a"), EISDIR);
	CHECK_ERROR(rename("b", "a"), ENOTEMPTY);
	CHECK(rename("a/sub", "b/moved") == 0);
	CHECK_EQUAL(status_of("b/moved/..").st_ino, status_of("b").st_ino);
	CHECK_EQUAL(status_of("a").st_nlink, 2);
	CHECK_EQUAL(status_of("b").st_nlink, 3);
	CHECK(file_is("b/moved/file", "a/sub/file"));
	CHECK(rename("b/moved", "a") == 0);		/* over an empty directory */
	CHECK(file_is("a/file", "a/sub/file"));
	CHECK_EQUAL(status_of("a/..").st_ino, status_of(".").st_ino);
	CHECK_EQUAL(status_of(".").st_nlink, links + 2);
}

static void renaming_open_files(void)
{
	int old = make_file("old", 10, 1), new = make_file("new", 20, 2);
	char have[20];

	CHECK(rename("new", "old") == 0);
	CHECK_EQUAL(pread(old, have, 20, 0), 10);
	CHECK(holds(have, 10, 1, 0));
	CHECK_EQUAL(get_bytes("old", have, 20), 20);
	CHECK(holds(have, 20, 2, 0));
	close(old);
	close(new);
}

static int count_entries(DIR *directory, bool seen[], int limit)
{
	struct dirent *entry;
	int count = 0;

	memset(seen, 0, (size_t)limit);
	while ((entry = readdir(directory))) {
		int number;

		if (sscanf(entry->d_name, "entry-with-a-long-name-%d", &number) != 1)
			continue;
		CHECK(number >= 0 && number < limit && !seen[number]);
		seen[number] = true;
		count++;
	}
	return count;
}

static void large_directory(void)
{
	enum { ENTRIES = 400 };
	bool seen[ENTRIES];
	char name[64];
	DIR *directory;

	CHECK(mkdir("large", 0755) == 0 && chdir("large") == 0);
	for (int i = 0; i < ENTRIES; i++) {
		int file;

		snprintf(name, sizeof(name), "entry-with-a-long-name-%d", i);
		file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
		CHECK(file >= 0 && close(file) == 0);
	}
	directory = opendir(".");
	CHECK(directory != NULL);
	CHECK_EQUAL(count_entries(directory, seen, ENTRIES), ENTRIES);
	for (int i = 0; i < ENTRIES; i += 3) {
		snprintf(name, sizeof(name), "entry-with-a-long-name-%d", i);
		CHECK(unlink(name) == 0);
	}
	rewinddir(directory);
	CHECK_EQUAL(count_entries(directory, seen, ENTRIES), ENTRIES - (ENTRIES + 2) / 3);
	for (int i = 0; i < ENTRIES; i++)
		CHECK_EQUAL(seen[i], i % 3 != 0);
	/* Removing while reading, as rm -r does. */
	rewinddir(directory);
	for (struct dirent *entry; (entry = readdir(directory)); )
		if (entry->d_name[0] != '.')
			CHECK(unlink(entry->d_name) == 0);
	rewinddir(directory);
	CHECK_EQUAL(count_entries(directory, seen, ENTRIES), 0);
	closedir(directory);
	CHECK(chdir("..") == 0 && rmdir("large") == 0);
}

static void entries(void)
{
	struct { const char *name; unsigned char type; bool seen; } wanted[] = {
		{ ".", DT_DIR, false }, { "..", DT_DIR, false }, { "file", DT_REG, false }, { "dir", DT_DIR, false }, { "sym", DT_LNK, false },
	};
	DIR *directory;
	struct dirent *entry;
	int file;

	touch_file("file");
	CHECK(mkdir("dir", 0755) == 0 && symlink("x", "sym") == 0);
	directory = opendir(".");
	while ((entry = readdir(directory))) {
		bool known = false;

		for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
			if (strcmp(wanted[i].name, entry->d_name))
				continue;
			CHECK(!wanted[i].seen && entry->d_type == wanted[i].type);
			CHECK_EQUAL(entry->d_ino, status_of(entry->d_name).st_ino);
			wanted[i].seen = known = true;
		}
		CHECK(known);
	}
	closedir(directory);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		CHECK(wanted[i].seen);
	CHECK(!opendir("file") && errno == ENOTDIR);
	file = open("file", O_RDONLY);
	CHECK_ERROR(getdents64(file, wanted, sizeof(wanted)), ENOTDIR);
	close(file);
	file = open("dir", O_RDONLY);
	CHECK_ERROR(getdents64(file, wanted, 10), EINVAL);
	CHECK(rmdir("dir") == 0);
	CHECK_ERROR(openat(file, "x", O_RDWR | O_CREAT, 0644), ENOENT);	/* gone, though open */
	close(file);
}

static void working_directory(void)
{
	char start[PATH_MAX], path[PATH_MAX], wanted[PATH_MAX + 8];
	int directory;

	CHECK(getcwd(start, sizeof(start)) != NULL);
	CHECK(mkdir("dir", 0755) == 0 && chdir("dir") == 0);
	snprintf(wanted, sizeof(wanted), "%s/dir", start);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, wanted));
	CHECK(!getcwd(path, 3) && errno == ERANGE);
	touch_file("inner");
	directory = open("..", O_RDONLY);
	CHECK(fchdir(directory) == 0 && file_is("dir/inner", "inner"));
	close(directory);
	touch_file("file");
	CHECK_ERROR(chdir("file"), ENOTDIR);
	CHECK_ERROR(chdir("missing"), ENOENT);
	CHECK_ERROR(fchdir(99), EBADF);
	CHECK(chdir("dir") == 0 && unlink("inner") == 0 && rmdir("../dir") == 0);
	CHECK(!getcwd(path, sizeof(path)) && errno == ENOENT);
	CHECK_ERROR(open("new", O_RDWR | O_CREAT, 0644), ENOENT);
	CHECK(chdir(start) == 0);
	CHECK(chdir("/") == 0 && getcwd(path, sizeof(path)) && !strcmp(path, "/"));
	CHECK(chdir(start) == 0);
}

/* Whoever is in a directory without a name still has its parent, and that one's, also without one. */
static void parent_of_what_was_removed(void)
{
	char start[PATH_MAX], path[PATH_MAX];
	ino_t top, middle;
	struct stat made;
	int inner, base = open(".", O_RDONLY);

	CHECK(base >= 0 && getcwd(start, sizeof(start)) != NULL);
	CHECK(mkdir("top", 0755) == 0 && mkdir("top/middle", 0755) == 0 && mkdir("top/middle/inner", 0755) == 0);
	top = status_of("top").st_ino;
	middle = status_of("top/middle").st_ino;
	inner = open("top/middle/inner", O_RDONLY | O_DIRECTORY);
	CHECK(inner >= 0 && chdir("top/middle/inner") == 0 && rmdir("../inner") == 0);
	CHECK_EQUAL(status_of("..").st_ino, middle);
	touch_file("../new");
	CHECK(file_is("../new", "../new") && unlink("../new") == 0);
	CHECK_ERROR(mkdir("new", 0755), ENOENT);
	CHECK(rmdir("../../middle") == 0);
	for (int i = 0; i < 8; i++) {	/* nobody gets the inode of what is still somebody's parent */
		char name[] = { 'n', '0' + i, 0 };

		CHECK(mkdirat(base, name, 0755) == 0 && fstatat(base, name, &made, 0) == 0 && made.st_ino != middle);
	}
	CHECK(status_of("..").st_ino == middle && status_of("..").st_nlink == 0);
	CHECK_EQUAL(status_of("../..").st_ino, top);
	CHECK_ERROR(mkdir("../new", 0755), ENOENT);
	CHECK(chdir("..") == 0 && !getcwd(path, sizeof(path)) && errno == ENOENT);
	CHECK_EQUAL(status_of("..").st_ino, top);
	CHECK(fchdir(inner) == 0 && status_of("../..").st_ino == top);
	CHECK(rename("../../../top", "../../../elsewhere") == 0);
	CHECK(chdir("../..") == 0 && getcwd(path, sizeof(path)) && !strcmp(strrchr(path, '/'), "/elsewhere"));
	close(inner);
	close(base);
	CHECK(chdir(start) == 0 && rmdir("elsewhere") == 0);
	CHECK(mkdir("dir", 0755) == 0 && mkdir("replaced", 0755) == 0 && chdir("replaced") == 0);
	CHECK(rename("../dir", "../replaced") == 0 && chdir("..") == 0);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, start));
}

static void deep_directories(void)
{
	enum { DEPTH = 30 };
	char path[PATH_MAX];

	for (int i = 0; i < DEPTH; i++)
		CHECK(mkdir("deeper-and-deeper", 0755) == 0 && chdir("deeper-and-deeper") == 0);
	touch_file("bottom");
	CHECK(getcwd(path, sizeof(path)) && strlen(path) > DEPTH * 18);
	CHECK(chdir("/") == 0 && chdir(path) == 0 && file_is("bottom", "bottom") && unlink("bottom") == 0);
	for (int i = 0; i < DEPTH; i++)
		CHECK(chdir("..") == 0 && rmdir("deeper-and-deeper") == 0);
}

static void mode_and_umask(void)
{
	mode_t mask = umask(027);

	close(open("file", O_RDWR | O_CREAT, 0666));
	CHECK(mkdir("dir", 0777) == 0);
	CHECK_EQUAL(umask(mask), 027);
	CHECK_EQUAL(status_of("file").st_mode & 07777, 0640);
	CHECK_EQUAL(status_of("dir").st_mode & 07777, 0750);
	CHECK(chmod("file", 0505) == 0);
	CHECK_EQUAL(status_of("file").st_mode, S_IFREG | 0505);
	CHECK_ERROR(chmod("missing", 0644), ENOENT);
	CHECK(access("file", R_OK | X_OK) == 0 && chmod("file", 0644) == 0);
	CHECK_ERROR(access("file", X_OK), EACCES);	/* whoever asks */
	CHECK_ERROR(access("file", 8), EINVAL);
	CHECK_ERROR(access("missing", F_OK), ENOENT);
}

/* Somebody who is not the superuser and, if the tests run as the superuser, neither the owner. */
static void permissions(void)
{
	pid_t pid;

	touch_file("secret");
	touch_file("readable");
	CHECK(mkdir("closed", 0755) == 0 && mkdir("fixed", 0755) == 0);
	touch_file("closed/file");
	touch_file("fixed/file");
	CHECK(chmod("secret", 0) == 0 && chmod("readable", 0444) == 0 && chmod("closed", 0) == 0 && chmod("fixed", 0555) == 0);
	pid = fork_child();
	if (pid == 0) {
		if (geteuid() == 0)
			CHECK(setgid(1000) == 0 && setuid(1000) == 0 && geteuid() == 1000);
		CHECK_ERROR(open("secret", O_RDONLY), EACCES);
		CHECK_ERROR(open("secret", O_WRONLY | O_TRUNC), EACCES);
		CHECK_ERROR(open("readable", O_RDWR), EACCES);
		CHECK(file_is("readable", "readable"));
		CHECK_ERROR(truncate("readable", 0), EACCES);
		CHECK_ERROR(access("readable", W_OK), EACCES);
		CHECK_ERROR(open("closed/file", O_RDONLY), EACCES);
		CHECK_ERROR(access("closed/missing", F_OK), EACCES);
		CHECK_ERROR(chdir("closed"), EACCES);
		CHECK_ERROR(open("closed", O_RDONLY), EACCES);
		CHECK(file_is("fixed/file", "fixed/file"));
		CHECK_ERROR(open("fixed/new", O_RDWR | O_CREAT, 0644), EACCES);
		CHECK_ERROR(mkdir("fixed/new", 0755), EACCES);
		CHECK_ERROR(unlink("fixed/file"), EACCES);
		CHECK_ERROR(rename("fixed/file", "fixed/other"), EACCES);
		CHECK_ERROR(symlink("x", "fixed/sym"), EACCES);
		_exit(0);
	}
	wait_success(pid);
	CHECK(chmod("closed", 0755) == 0 && chmod("fixed", 0755) == 0);
}

static void not_the_owner(void)
{
	pid_t pid;

	if (geteuid() != 0)
		SKIP("needs the superuser");
	touch_file("file");
	CHECK(chmod("file", 0666) == 0 && chown("file", 7, 8) == 0);
	CHECK(status_of("file").st_uid == 7 && status_of("file").st_gid == 8);
	pid = fork_child();
	if (pid == 0) {
		CHECK(setgid(1000) == 0 && setuid(1000) == 0);
		CHECK_ERROR(chmod("file", 0777), EPERM);
		CHECK_ERROR(chown("file", 1000, 1000), EPERM);
		CHECK_ERROR(setuid(0), EPERM);
		CHECK(file_is("file", "file"));
		_exit(0);
	}
	wait_success(pid);
}

static void volume(void)
{
	struct statfs before, after;
	int file;

	CHECK(statfs(".", &before) == 0);
	CHECK(before.f_bsize >= 512 && before.f_blocks > 0 && before.f_bfree <= before.f_blocks && before.f_bavail <= before.f_bfree);
	CHECK_EQUAL(before.f_namelen, 255);
	CHECK_ERROR(statfs("missing", &after), ENOENT);
	file = make_file("file", 64 * PAGE, 1);
	CHECK(fsync(file) == 0 && fstatfs(file, &after) == 0);
	CHECK(after.f_blocks == before.f_blocks && after.f_bsize == before.f_bsize);
	close(file);
}

static const struct test tests[] = {
	{ paths, "paths" },
	{ long_names, "long_names" },
	{ directories, "directories" },
	{ hard_links, "hard_links" },
	{ links_of_descriptors, "links_of_descriptors" },
	{ symbolic_links, "symbolic_links" },
	{ slash_behind_a_link, "slash_behind_a_link" },
	{ loops, "loops" },
	{ renaming, "renaming" },
	{ renaming_directories, "renaming_directories" },
	{ renaming_open_files, "renaming_open_files" },
	{ large_directory, "large_directory" },
	{ entries, "entries" },
	{ working_directory, "working_directory" },
	{ parent_of_what_was_removed, "parent_of_what_was_removed" },
	{ deep_directories, "deep_directories" },
	{ mode_and_umask, "mode_and_umask" },
	{ permissions, "permissions" },
	{ not_the_owner, "not_the_owner" },
	{ volume, "volume" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
