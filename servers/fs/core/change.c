/*
 * Operations that change names: create, link, unlink, rename. Each checks first and changes then, within a step that the
 * caller begins and commits; what must happen outside the volume is left in struct after. Paths are path.c's business.
 */
#include "core.h"

bool (*core_is_mount_point)(uint32_t inode);

int permission_check_mode(unsigned mode, uint32_t uid, uint32_t gid, unsigned want, const struct credentials *who)
{
	if (who->uid == 0)
		return want & MAY_EXECUTE && !MODE_IS_DIRECTORY(mode) && !(mode & 0111) ? -EACCES : 0;
	if (who->uid == uid)
		mode >>= 6;
	else if (who->gid == gid)
		mode >>= 3;
	return (mode & want) == want ? 0 : -EACCES;
}

int permission_check(const struct inode *inode, unsigned want, const struct credentials *who)
{
	return permission_check_mode(inode->mode, inode_uid(inode), inode_gid(inode), want, who);
}

/* The directory of a change: it is alive, may be changed, and so may the volume. */
static int open_directory(uint32_t number, const struct credentials *who, struct inode_ref *directory)
{
	int result = inode_get_live(number, directory);

	if (result == -ESTALE)
		return -ENOENT;
	if (result < 0)
		return result;
	if (!inode_is(directory->raw, MODE_DIRECTORY))
		return -ENOTDIR;
	if (volume_of(number)->read_only)
		return -EROFS;
	return permission_check(directory->raw, MAY_WRITE | MAY_EXECUTE, who);
}

/* In a sticky directory only the owners of file and directory may remove a name. */
static int check_sticky(const struct inode_ref *directory, const struct inode_ref *ref, const struct credentials *who)
{
	if (!(directory->raw->mode & MODE_STICKY) || who->uid == 0 || who->uid == inode_uid(ref->raw) || who->uid == inode_uid(directory->raw))
		return 0;
	return -EPERM;
}

static int find_target(struct inode_ref *directory, const char *name, size_t length, struct position *at, struct inode_ref *ref)
{
	int result = directory_find(directory, name, length, at);

	if (result == 0)
		result = inode_get_live(at->entry->inode, ref);
	if (result == -ESTALE) {
		volume_corrupt("a name leads to a free inode", at->entry->inode);
		return -EUCLEAN;
	}
	return result;
}

static int must_not_exist(struct inode_ref *directory, const char *name, size_t length)
{
	struct position at;
	int result = directory_find(directory, name, length, &at);

	return result == 0 ? -EEXIST : result == -ENOENT ? 0 : result;
}

static void add_links(struct inode_ref *ref, int difference)
{
	inode_change(ref);
	ref->raw->links += difference;
	inode_touch(ref, TIME_CHANGE);
}

/* The first block of a new directory. */
static int fill_directory(struct inode_ref *directory, uint32_t parent, bool privileged)
{
	int result = directory_add(directory, ".", 1, directory->number, MODE_DIRECTORY, privileged);

	if (result == 0)
		result = directory_add(directory, "..", 2, parent, MODE_DIRECTORY, privileged);
	if (result == 0)
		add_links(directory, 1);
	return result;
}

int change_create(uint32_t number, const char *name, size_t length, unsigned mode, const struct credentials *who, struct inode_ref *made)
{
	struct inode_ref directory;
	uint32_t gid = who->gid;
	int result = open_directory(number, who, &directory);

	if (result == 0)
		result = must_not_exist(&directory, name, length);
	if (result < 0)
		return result;
	if (MODE_IS_DIRECTORY(mode) && directory.raw->links >= EXT2_LINK_MAX)
		return -EMLINK;
	if (directory.raw->mode & MODE_SET_GROUP) {
		gid = inode_gid(directory.raw);
		mode |= MODE_IS_DIRECTORY(mode) ? MODE_SET_GROUP : 0;
	}
	result = inode_create(number, mode, who->uid, gid, made);
	if (result == 0 && MODE_IS_DIRECTORY(mode))
		result = fill_directory(made, number, who->uid == 0);
	if (result == 0)
		result = directory_add(&directory, name, length, made->number, mode, who->uid == 0);
	if (result == 0 && MODE_IS_DIRECTORY(mode))
		add_links(&directory, 1);
	return result;
}

/* A short target lies in the inode, a longer one in a block. */
int change_symlink(uint32_t number, const char *name, size_t length, const char *target, size_t target_length, const struct credentials *who)
{
	struct inode_ref ref;
	struct block *block;
	uint32_t first;
	uint64_t done;
	int result;

	if (target_length >= BLOCK_BYTES)
		return -ENAMETOOLONG;
	result = change_create(number, name, length, MODE_LINK | 0777, who, &ref);
	if (result < 0)
		return result;
	inode_change(&ref);
	ref.raw->bytes = target_length;
	if (target_length < sizeof(ref.raw->pointer)) {
		memcpy(ref.raw->pointer, target, target_length);
		return 0;
	}
	result = map_allocate(&ref, 0, 1, who->uid == 0, &done);
	if (result == 0)
		result = map_lookup(&ref, 0, &first);
	if (result == 0)
		result = block_fresh(first, &block);
	if (result == 0)
		memcpy(block->data, target, target_length);
	return result;
}

int change_link(uint32_t number, const char *name, size_t length, uint32_t inode, const struct credentials *who)
{
	struct inode_ref directory, ref;
	int result = volume_of(number) == volume_of(inode) ? open_directory(number, who, &directory) : -EXDEV;

	if (result == 0)
		result = must_not_exist(&directory, name, length);
	if (result == 0)
		result = inode_get_live(inode, &ref);
	if (result < 0)
		return result == -ESTALE ? -ENOENT : result;
	if (inode_is(ref.raw, MODE_DIRECTORY))
		return -EPERM;
	if (ref.raw->links >= EXT2_LINK_MAX)
		return -EMLINK;
	result = directory_add(&directory, name, length, inode, ref.raw->mode, who->uid == 0);
	if (result == 0)
		add_links(&ref, 1);
	return result;
}

/* ---- removing */

/* May this name of this file be taken away from the directory? */
static int check_removal(struct inode_ref *directory, struct inode_ref *ref, const struct credentials *who)
{
	if (core_is_mount_point && core_is_mount_point(ref->number))
		return -EBUSY;
	return check_sticky(directory, ref, who);
}

static int must_be_empty(struct inode_ref *ref)
{
	int result = directory_is_empty(ref);

	return result < 0 ? result : result ? 0 : -ENOTEMPTY;
}

/* The file loses one name, a directory its last; without any it is left to `after`. */
static int drop_link(struct inode_ref *directory, struct inode_ref *ref, struct after *after)
{
	bool is_directory = inode_is(ref->raw, MODE_DIRECTORY);
	int result = 0;

	add_links(ref, is_directory ? -(int)ref->raw->links : -1);
	if (is_directory)
		add_links(directory, -1);
	*after = (struct after){ NULL, NULL };
	if (!ref->raw->links)
		result = node_get(ref, &after->unlinked);
	if (result == 0 && is_directory && after->unlinked->held)
		result = node_get(directory, &after->above);
	return result;
}

void after_commit(struct after *after)
{
	if (after->unlinked)
		node_unlinked(after->unlinked, after->above);
}

int change_unlink(uint32_t number, const char *name, size_t length, bool remove_directory, const struct credentials *who, struct after *after)
{
	struct inode_ref directory, ref;
	struct position at;
	int result = open_directory(number, who, &directory);

	if (result == 0)
		result = find_target(&directory, name, length, &at, &ref);
	if (result == 0)
		result = check_removal(&directory, &ref, who);
	if (result < 0)
		return result;
	if (inode_is(ref.raw, MODE_DIRECTORY) != remove_directory)
		return remove_directory ? -ENOTDIR : -EISDIR;
	if (remove_directory)
		result = must_be_empty(&ref);
	if (result < 0)
		return result;
	directory_remove(&directory, &at);
	return drop_link(&directory, &ref, after);
}

/* ---- renaming */

#define DEPTH_MAX 4096

/* Does `inode` lie on the way from `directory` to the root? Then it cannot be moved there. */
static int check_no_loop(uint32_t inode, uint32_t directory)
{
	for (unsigned depth = 0; INDEX(directory) != ROOT_INODE; depth++) {
		struct inode_ref ref;
		struct position at;
		int result = directory == inode ? -EINVAL : inode_get_live(directory, &ref);

		if (result == 0)
			result = depth < DEPTH_MAX ? directory_find(&ref, "..", 2, &at) : -ELOOP;
		if (result < 0)
			return result;
		directory = at.entry->inode;
	}
	return INDEX(inode) == ROOT_INODE ? -EINVAL : 0;
}

/* A directory that gets another parent: both parents' links and its ".." change. */
static int move_directory(struct inode_ref *ref, struct inode_ref *from, struct inode_ref *to)
{
	struct position at;
	int result = directory_find(ref, "..", 2, &at);

	if (result < 0)
		return result == -ENOENT ? -EUCLEAN : result;
	directory_replace(ref, &at, to->number, MODE_DIRECTORY);
	add_links(from, -1);
	add_links(to, 1);
	return 0;
}

static int check_move(struct inode_ref *ref, struct inode_ref *from, struct inode_ref *to, bool replaces_directory, const struct credentials *who)
{
	int result = check_removal(from, ref, who);

	if (result < 0 || !inode_is(ref->raw, MODE_DIRECTORY) || from->number == to->number)
		return result;
	if (to->raw->links >= EXT2_LINK_MAX && !replaces_directory)
		return -EMLINK;
	result = permission_check(ref->raw, MAY_WRITE, who);
	return result < 0 ? result : check_no_loop(ref->number, to->number);
}

static int check_replaced(struct inode_ref *ref, struct inode_ref *old, struct inode_ref *to, const struct credentials *who)
{
	int result = check_removal(to, old, who);

	if (result < 0)
		return result;
	if (inode_is(old->raw, MODE_DIRECTORY) && !inode_is(ref->raw, MODE_DIRECTORY))
		return -EISDIR;
	if (!inode_is(old->raw, MODE_DIRECTORY))
		return inode_is(ref->raw, MODE_DIRECTORY) ? -ENOTDIR : 0;
	return must_be_empty(old);
}

static int exchange(struct inode_ref *from, struct position *from_at, struct inode_ref *ref, struct inode_ref *to, struct position *to_at,
		    struct inode_ref *other, const struct credentials *who)
{
	int result = check_move(other, to, from, inode_is(ref->raw, MODE_DIRECTORY), who);

	if (result < 0)
		return result;
	directory_replace(from, from_at, other->number, other->raw->mode);
	directory_replace(to, to_at, ref->number, ref->raw->mode);
	if (from->number != to->number && inode_is(ref->raw, MODE_DIRECTORY))
		result = move_directory(ref, from, to);
	if (result == 0 && from->number != to->number && inode_is(other->raw, MODE_DIRECTORY))
		result = move_directory(other, to, from);
	inode_touch(ref, TIME_CHANGE);
	inode_touch(other, TIME_CHANGE);
	return result;
}

int change_rename(uint32_t from_number, const char *from_name, size_t from_length, uint32_t to_number, const char *to_name,
		  size_t to_length, unsigned flags, const struct credentials *who, struct after *after)
{
	struct inode_ref from, to, ref, old;
	struct position from_at, to_at;
	bool replaces;
	int result = volume_of(from_number) == volume_of(to_number) ? open_directory(from_number, who, &from) : -EXDEV;

	after->unlinked = NULL;
	if (result == 0)
		result = open_directory(to_number, who, &to);
	if (result == 0)
		result = find_target(&from, from_name, from_length, &from_at, &ref);
	if (result < 0)
		return result;
	result = find_target(&to, to_name, to_length, &to_at, &old);
	replaces = result == 0;
	if (result < 0 && result != -ENOENT)
		return result;
	if (replaces && flags & CHANGE_NO_REPLACE)
		return -EEXIST;
	if (!replaces && flags & CHANGE_EXCHANGE)
		return -ENOENT;
	if (replaces && old.number == ref.number)
		return 0;
	result = check_move(&ref, &from, &to, replaces && inode_is(old.raw, MODE_DIRECTORY), who);
	if (result < 0)
		return result;
	if (flags & CHANGE_EXCHANGE)
		return exchange(&from, &from_at, &ref, &to, &to_at, &old, who);
	if (replaces) {
		result = check_replaced(&ref, &old, &to, who);
		if (result < 0)
			return result;
		directory_replace(&to, &to_at, ref.number, ref.raw->mode);
	} else {
		result = directory_add(&to, to_name, to_length, ref.number, ref.raw->mode, who->uid == 0);
	}
	if (result == 0)	/* again: a new entry may have come before it */
		result = directory_find(&from, from_name, from_length, &from_at);
	if (result < 0)
		return result;
	directory_remove(&from, &from_at);
	inode_touch(&ref, TIME_CHANGE);
	if (inode_is(ref.raw, MODE_DIRECTORY) && from_number != to_number)
		result = move_directory(&ref, &from, &to);
	if (result == 0 && replaces)
		result = drop_link(&to, &old, after);
	return result;
}
