/*
 * Linux calls that change names, and those about the working directory. The work is the core's (change.c); here paths come in and
 * errors that depend on how a path ends are told apart.
 */
#include "shell.h"

#include <asm/fcntl.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

static bool is_dots(const struct walk *walk)
{
	return walk->name[0] == '.' && (walk->length == 1 || (walk->length == 2 && walk->name[1] == '.'));
}

/* The directory and name for something new. */
static int walk_new(struct call *call, uint64_t descriptor, uint64_t path, bool directory, struct walk *walk)
{
	int result = walk_path(call, descriptor, path, WALK_PARENT, walk);

	if (result < 0)
		return result == -ENOTDIR && walk->target.tree && walk->slash ? -EEXIST : result;
	if (walk->target.tree)
		return -EEXIST;
	if (!walk->directory.tree->is_volume)
		return walk->directory.tree == &proc_tree ? -ENOENT : -EACCES;
	return walk->slash && !directory ? -ENOENT : 0;
}

int64_t linux_mkdirat(struct call *call)
{
	const uint64_t *word = call->message.word;
	struct inode_ref made;
	struct walk walk;
	int result = walk_new(call, word[0], word[1], true, &walk);

	if (result == 0)
		result = change_create(walk.directory.number, walk.name, walk.length,
				       S_IFDIR | (word[2] & 01777 & ~call->process->umask), &call->process->who, &made);
	if (result == 0)
		step_commit();
	return result;
}

int64_t linux_symlinkat(struct call *call)
{
	static char target[PATH_BYTES];
	const uint64_t *word = call->message.word;
	struct walk walk;
	int result = copy_path(call, word[0], target);

	if (result == 0 && !target[0])
		result = -ENOENT;
	if (result == 0)
		result = walk_new(call, word[1], word[2], false, &walk);
	if (result == 0)
		result = change_symlink(walk.directory.number, walk.name, walk.length, target, strlen(target), &call->process->who);
	if (result == 0)
		step_commit();
	return result;
}

int64_t linux_linkat(struct call *call)
{
	const uint64_t *word = call->message.word;
	bool empty = word[4] & AT_EMPTY_PATH;
	struct walk from, to;
	int result;

	if (word[4] & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (empty && call->process->who.uid)
		return -ENOENT;
	result = walk_path(call, word[0], word[1], (word[4] & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) | (empty ? WALK_EMPTY : 0), &from);
	if (result == 0)
		result = walk_new(call, word[2], word[3], false, &to);
	if (result == 0 && from.target.tree != to.directory.tree)
		result = -EXDEV;
	if (result == 0)
		result = change_link(to.directory.number, to.name, to.length, from.target.number, &call->process->who);
	if (result == 0)
		step_commit();
	return result;
}

int64_t linux_unlinkat(struct call *call)
{
	const uint64_t *word = call->message.word;
	bool directory = word[2] & AT_REMOVEDIR;
	struct after after;
	struct walk walk;
	int result;

	if (word[2] & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	result = walk_path(call, word[0], word[1], WALK_PARENT, &walk);
	if (result < 0)
		return result;
	if (!walk.length)
		return directory ? -EBUSY : -EISDIR;
	if (is_dots(&walk))
		return !directory ? -EISDIR : walk.length == 1 ? -EINVAL : -ENOTEMPTY;
	if (!walk.target.tree)
		return -ENOENT;
	if (!walk.directory.tree->is_volume)
		return -EPERM;
	result = change_unlink(walk.directory.number, walk.name, walk.length, directory, &call->process->who, &after);
	if (result < 0)
		return result;
	step_commit();
	after_commit(&after);
	return 0;
}

#define RENAME_NOREPLACE 1	/* <linux/fs.h> */
#define RENAME_EXCHANGE 2

static int check_rename(const struct walk *from, const struct walk *to)
{
	struct attributes attributes;
	int result;

	if (!from->length || !to->length || is_dots(from) || is_dots(to))
		return -EBUSY;
	if (!from->target.tree)
		return -ENOENT;
	if (from->directory.tree != to->directory.tree)
		return -EXDEV;
	if (!from->directory.tree->is_volume)
		return -EPERM;
	if (!to->slash)
		return 0;
	result = from->target.tree->attributes(from->target.number, &attributes);
	return result < 0 ? result : S_ISDIR(attributes.mode) ? 0 : -ENOTDIR;
}

int64_t linux_renameat2(struct call *call)
{
	const uint64_t *word = call->message.word;
	uint32_t flags = word[4];
	struct walk from, to;
	struct after after;
	struct node *moved;
	int result;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	result = walk_path(call, word[0], word[1], WALK_PARENT, &from);
	if (result == 0)
		result = walk_path(call, word[2], word[3], WALK_PARENT, &to);
	if (result == 0)
		result = check_rename(&from, &to);
	if (result == 0)
		result = change_rename(from.directory.number, from.name, from.length, to.directory.number, to.name, to.length,
				       (flags & RENAME_NOREPLACE ? CHANGE_NO_REPLACE : 0) | (flags & RENAME_EXCHANGE ? CHANGE_EXCHANGE : 0),
				       &call->process->who, &after);
	if (result < 0)
		return result;
	step_commit();
	after_commit(&after);
	moved = node_find(from.target.number);
	if (moved && moved->name_bytes)
		node_set_name(moved, to.directory.number, to.name, to.length);
	return 0;
}

int64_t linux_readlinkat(struct call *call)
{
	static char text[PATH_BYTES];
	const uint64_t *word = call->message.word;
	struct attributes attributes;
	struct walk walk;
	size_t length;
	int result;

	if ((int32_t)word[3] <= 0)
		return -EINVAL;
	result = walk_path(call, word[0], word[1], 0, &walk);
	if (result == 0)
		result = walk.target.tree->attributes(walk.target.number, &attributes);
	if (result == 0 && !S_ISLNK(attributes.mode))
		result = -EINVAL;
	if (result == 0)
		result = walk.target.tree->read_link(walk.target.number, text, sizeof(text), &length);
	if (result < 0)
		return result;
	if (length > word[3])
		length = (uint32_t)word[3];
	result = copy_out(call, word[2], text, length);
	return result < 0 ? result : (int64_t)length;
}

/* ---- the working directory */

static int change_directory(struct call *call, struct place place)
{
	struct attributes attributes;
	struct node *node = NULL;
	struct inode_ref ref;
	int result = place.tree->attributes(place.number, &attributes);

	if (result == 0 && !S_ISDIR(attributes.mode))
		result = -ENOTDIR;
	if (result == 0)
		result = permission_check_mode(attributes.mode, attributes.uid, attributes.gid, MAY_EXECUTE, &call->process->who);
	if (result == 0 && place.tree->is_volume && place.number != ROOT_INODE) {
		result = inode_get(place.number, &ref);
		if (result == 0)
			result = node_get(&ref, &node);
	}
	if (result == 0)
		process_set_directory(call->process, place, node);
	return result;
}

int64_t linux_chdir(struct call *call)
{
	struct walk walk;
	int result = walk_path(call, AT_FDCWD, call->message.word[0], WALK_FOLLOW, &walk);

	return result < 0 ? result : change_directory(call, walk.target);
}

int64_t linux_fchdir(struct call *call)
{
	struct open *open = descriptor_get(call->process, call->message.word[0]);

	if (!open)
		return -EBADF;
	return open->place.tree ? change_directory(call, open->place) : -ENOTDIR;
}

int64_t linux_getcwd(struct call *call)
{
	static char text[PATH_BYTES + 1];
	const uint64_t *word = call->message.word;
	struct place place = call->process->directory;
	size_t length;
	int result = place.tree->path(place.number, text, PATH_BYTES, &length);

	if (result < 0)
		return result;
	text[length++] = 0;
	if (length > word[1])
		return -ERANGE;
	result = copy_out(call, word[0], text, length);
	return result < 0 ? result : (int64_t)length;
}

int64_t linux_umask(struct call *call)
{
	uint32_t old = call->process->umask;

	call->process->umask = call->message.word[0] & 0777;
	return old;
}
