/*
 * From a path to a place in one of the trees, with permissions, symbolic links, ".." and trailing slashes as Linux has them; and the volumes
 * as trees. A walk is short work: after a WAIT it starts again from its beginning, so it keeps no state.
 */
#include "core.h"

#define LINKS_MAX 40

struct place (*path_cover)(struct place place);
struct mount memory_mount;

/* ---- volumes as trees */

const struct tree *tree_of(uint32_t inode)
{
	return inode & IN_MEMORY ? &memory_tree : &disk_tree;
}

/* ".." of a root, and of a directory that was removed but is in use. */
static bool lies_above(uint64_t number, struct place *found)
{
	struct node *node = node_find(number);

	if (number == MEMORY_ROOT)
		*found = memory_mount.above;
	else if (node && node->above)
		*found = (struct place){ tree_of(number), node->above->inode };
	else
		return false;
	return true;
}

static int volume_lookup(uint64_t number, const char *name, size_t length, struct place *found)
{
	struct inode_ref directory;
	struct position at;
	int result = inode_get_live(number, &directory);

	if (length == 2 && name[0] == '.' && name[1] == '.' && lies_above(number, found))
		return 0;
	if (result == 0)
		result = directory_find(&directory, name, length, &at);
	if (result == 0)
		*found = (struct place){ tree_of(at.entry->inode), at.entry->inode };
	return result == -ESTALE ? -ENOENT : result;
}

int disk_attributes(const struct inode_ref *ref, struct attributes *attributes)
{
	const struct inode *raw = ref->raw;
	bool device = inode_is(raw, MODE_CHARACTER) || inode_is(raw, MODE_BLOCK);
	uint32_t number = device ? raw->pointer[0] : 0;

	*attributes = (struct attributes){
		.inode = ref->number, .bytes = device ? 0 : inode_length(raw), .sectors = raw->sectors,
		.access_time = inode_time(ref, TIME_ACCESS), .modify_time = inode_time(ref, TIME_MODIFY),
		.change_time = inode_time(ref, TIME_CHANGE), .object = inode_object(ref),
		.mode = raw->mode, .links = raw->links, .uid = inode_uid(raw), .gid = inode_gid(raw),
		.device_major = number >> 8 & 0xff, .device_minor = number & 0xff,
	};
	return 0;
}

static int volume_attributes(uint64_t number, struct attributes *attributes)
{
	struct inode_ref ref;
	int result = inode_get(number, &ref);

	return result < 0 ? result : disk_attributes(&ref, attributes);
}

static int volume_read_link(uint64_t number, char *text, size_t bytes, size_t *length)
{
	struct inode_ref ref;
	struct block *block;
	uint32_t first;
	int result = inode_get_live(number, &ref);

	if (result < 0)
		return result;
	*length = inode_length(ref.raw);
	if (*length > bytes)
		*length = bytes;
	if (inode_is_fast_link(ref.raw)) {
		memcpy(text, ref.raw->pointer, *length);
		return 0;
	}
	result = map_lookup(&ref, 0, &first);
	if (result == 0 && (!first || *length >= BLOCK_BYTES)) {
		volume_corrupt("a symbolic link is damaged", number);
		result = -EUCLEAN;
	}
	if (result == 0)
		result = block_get(first, &block);
	if (result == 0)
		memcpy(text, block->data, *length);
	return result;
}

static int volume_list(uint64_t number, uint64_t *cookie, directory_emit *emit, void *context)
{
	struct inode_ref directory;
	int result = inode_get(number, &directory);

	if (result < 0)
		return result;
	return directory.raw->links ? directory_list(&directory, cookie, emit, context) : 0;
}

/* From the directory up to the root, each name found in its parent. */
static int volume_path(uint64_t number, char *text, size_t bytes, size_t *length)
{
	const char *mount = number & IN_MEMORY ? memory_mount.path : "";
	size_t start = bytes, mount_length = strlen(mount);
	uint32_t inode = number;

	while (INDEX(inode) != ROOT_INODE) {
		char name[NAME_MAX];
		size_t name_length;
		struct place parent = { 0 };
		struct inode_ref ref;
		int result = volume_lookup(inode, "..", 2, &parent);

		if (result == 0)
			result = inode_get_live(parent.number, &ref);
		if (result == 0)
			result = directory_name_of(&ref, inode, name, &name_length);
		if (result < 0)
			return result == -ESTALE ? -ENOENT : result;
		if (start < name_length + 1)
			return -ENAMETOOLONG;
		start -= name_length;
		memcpy(text + start, name, name_length);
		text[--start] = '/';
		inode = parent.number;
	}
	if (start == bytes && bytes && !mount_length)
		text[--start] = '/';
	if (start < mount_length)
		return -ENAMETOOLONG;
	memmove(text + mount_length, text + start, bytes - start);
	memcpy(text, mount, mount_length);
	*length = mount_length + bytes - start;
	return 0;
}

#define VOLUME_TREE(name) { name, true, volume_lookup, volume_attributes, volume_read_link, volume_list, volume_path }
const struct tree disk_tree = VOLUME_TREE("disk"), memory_tree = VOLUME_TREE("memory");

struct place path_root(void)
{
	return (struct place){ &disk_tree, ROOT_INODE };
}

/* ---- walking */

static char work[2 * PATH_BYTES];

/* Replaces what has been walked by the link's text: work = text "/" rest. */
static int expand_link(struct place link, const char *rest)
{
	static char text[PATH_BYTES];
	size_t length, rest_length = strlen(rest);
	int result = link.tree->read_link(link.number, text, sizeof(text), &length);

	if (result < 0)
		return result;
	if (!length)
		return -ENOENT;
	if (length + rest_length + 2 > sizeof(work) || length >= PATH_BYTES)
		return -ENAMETOOLONG;
	memmove(work + length + 1, rest, rest_length + 1);
	memcpy(work, text, length);
	work[length] = rest_length ? '/' : 0;
	return 0;
}

static int check_directory(const struct attributes *attributes, const struct credentials *who)
{
	if (!MODE_IS_DIRECTORY(attributes->mode))
		return -ENOTDIR;
	return permission_check_mode(attributes->mode, attributes->uid, attributes->gid, MAY_EXECUTE, who);
}

static int look_up(struct place directory, const char *name, size_t length, struct place *found, struct attributes *attributes)
{
	int result = 0;

	if (length == 1 && name[0] == '.')
		*found = directory;
	else
		result = directory.tree->lookup(directory.number, name, length, found);
	if (result == 0 && path_cover)
		*found = path_cover(*found);
	if (result == 0)
		result = found->tree->attributes(found->number, attributes);
	return result == -ESTALE ? -EUCLEAN : result;
}

static void set_name(struct walk *walk, struct place directory, const char *name, size_t length)
{
	walk->directory = directory;
	memcpy(walk->name, name, length);
	walk->name[length] = 0;
	walk->length = length;
}

int path_walk(struct place start, const char *path, unsigned flags, const struct credentials *who, struct walk *walk)
{
	struct place here = path[0] == '/' ? path_root() : start;
	size_t length = strlen(path);
	struct attributes attributes;
	unsigned links = 0;
	bool known = false;	/* attributes are those of `here`; else it is a directory, or the path is empty */
	char *at = work;

	if (!length && !(flags & WALK_EMPTY))
		return -ENOENT;
	if (length >= PATH_BYTES)
		return -ENAMETOOLONG;
	memcpy(work, path, length + 1);
	*walk = (struct walk){ .directory = here };
	for (;;) {
		char *name, *rest;
		struct place next;
		bool last;
		int result;

		while (*at == '/')
			at++;
		if (!*at)
			break;
		for (name = at; *at && *at != '/'; at++)
			;
		length = at - name;
		walk->slash = *at == '/';
		for (rest = at; *rest == '/'; rest++)
			;
		last = !*rest;
		result = length > NAME_MAX ? -ENAMETOOLONG : known ? 0 : here.tree->attributes(here.number, &attributes);
		if (result == 0)
			result = check_directory(&attributes, who);
		if (result < 0)
			return result;
		set_name(walk, here, name, length);
		result = look_up(here, name, length, &next, &attributes);
		if (result == -ENOENT && last && flags & WALK_PARENT)
			return 0;
		if (result < 0)
			return result;
		known = true;
		if (MODE_IS_LINK(attributes.mode) && (!last || flags & WALK_FOLLOW || (walk->slash && !(flags & WALK_PARENT)))) {
			result = ++links > LINKS_MAX ? -ELOOP : expand_link(next, walk->slash ? at : rest);
			if (result < 0)
				return result;
			at = work;
			if (*at == '/')
				here = path_root();
			set_name(walk, here, "", 0);
			known = false;
			continue;
		}
		here = next;
	}
	walk->target = here;
	return walk->slash && known && !MODE_IS_DIRECTORY(attributes.mode) ? -ENOTDIR : 0;
}
