/*
 * The file server's core against volumes that mke2fs makes and e2fsck judges: thousands of random operations, four under way at a time,
 * with transfers that end in random order, compared with a model of names. The volume in memory takes part: it is the model's second root.
 * sources: servers/fs/core/
 */
#include "fs_world.h"

/* ---- the model: objects and names */

#define OBJECTS 4000
#define NAMES 6000
static struct object { unsigned mode, links, held; uint32_t inode; unsigned parent; bool used; uint64_t length; } object[OBJECTS];
static struct name { bool used; unsigned directory, object; char text[256]; } name[NAMES];

static struct name *model_find(unsigned directory, const char *text)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (name[i].used && name[i].directory == directory && !strcmp(name[i].text, text))
			return &name[i];
	return NULL;
}

static bool model_empty(unsigned directory)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (name[i].used && name[i].directory == directory)
			return false;
	return true;
}

static void model_add(unsigned directory, const char *text, unsigned which)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (!name[i].used) {
			name[i] = (struct name){ true, directory, which, "" };
			strcpy(name[i].text, text);
			return;
		}
	CHECK(false, "the model is full");
}

static unsigned model_object(unsigned mode, uint32_t inode, unsigned parent)
{
	for (unsigned i = 1; i < OBJECTS; i++)
		if (!object[i].used) {
			object[i] = (struct object){ mode, MODE_IS_DIRECTORY(mode) ? 2 : 1, 0, inode, parent, true, 0 };
			return i;
		}
	CHECK(false, "the model is full");
	return 0;
}

static unsigned some_directory(void)
{
	for (unsigned i = 0; i < 40; i++) {
		unsigned which = random_below(60);

		if (object[which].used && MODE_IS_DIRECTORY(object[which].mode))
			return which;
	}
	return 0;
}

static unsigned some_file(void)
{
	for (unsigned i = 0; i < 100; i++) {
		unsigned which = random_below(OBJECTS / 10);

		if (object[which].used && (object[which].mode & MODE_TYPE) == MODE_REGULAR && object[which].links)
			return which;
	}
	return OBJECTS;
}

static void some_name(char *text)
{
	unsigned number = random_below(60);

	snprintf(text, 256, "%0*u", (int)(number % 7 == 0 ? 200 : number % 5 + 1), number);
}

static bool inside(unsigned directory, unsigned ancestor)
{
	for (; object[directory].parent != directory; directory = object[directory].parent)
		if (directory == ancestor)
			return true;
	return directory == ancestor;
}

/* ---- random operations */

enum kind { CREATE, MAKE_DIRECTORY, SYMLINK, UNLINK, REMOVE_DIRECTORY, LINK, RENAME, EXCHANGE, ALLOCATE, TRUNCATE, HOLD, DROP, WALK, KINDS };
struct operation { enum kind kind; bool busy; unsigned directory, to, file; char name[256], to_name[256], target[5000]; uint64_t first, count; };

static void invent(struct operation *operation)
{
	*operation = (struct operation){ .kind = random_below(KINDS), .busy = true, .directory = some_directory(), .to = some_directory(),
					 .file = some_file(), .count = 1 + random_below(300) };
	static const uint64_t starts[] = { 0, 5, 12, 1030, 1036 + 1024 * 3, 1024 * 1024, 1024 * 1024 + 5000, 400000000 };

	operation->first = starts[random_below(8)] + random_below(20);
	some_name(operation->name);
	some_name(operation->to_name);
	memset(operation->target, 'x', random_below(4) ? random_below(70) + 1 : random_below(4000) + 1);
}

/* What the model says about a removal of this name; 0: fine. */
static int expect_unlink(struct operation *operation, bool directory)
{
	struct name *found = model_find(operation->directory, operation->name);

	if (!found)
		return -ENOENT;
	if (MODE_IS_DIRECTORY(object[found->object].mode) != directory)
		return directory ? -ENOTDIR : -EISDIR;
	return directory && !model_empty(found->object) ? -ENOTEMPTY : 0;
}

static bool same_volume(unsigned one, unsigned other)
{
	return volume_of(object[one].inode) == volume_of(object[other].inode);
}

static int expect_rename(struct operation *operation, bool exchange)
{
	struct name *from = model_find(operation->directory, operation->name), *to = model_find(operation->to, operation->to_name);
	bool directory, to_directory;

	if (!same_volume(operation->directory, operation->to))
		return -EXDEV;

	if (!from || (exchange && !to))
		return -ENOENT;
	if (to && to->object == from->object)
		return 0;
	directory = MODE_IS_DIRECTORY(object[from->object].mode);
	to_directory = to && MODE_IS_DIRECTORY(object[to->object].mode);
	if (directory && inside(operation->to, from->object))
		return -EINVAL;
	if (exchange)
		return to_directory && inside(operation->directory, to->object) ? -EINVAL : 0;
	if (to && to_directory != directory)
		return to_directory ? -EISDIR : -ENOTDIR;
	return to_directory && !model_empty(to->object) ? -ENOTEMPTY : 0;
}

static void model_drop(struct name *gone)
{
	struct object *which = &object[gone->object];

	gone->used = false;
	which->links = MODE_IS_DIRECTORY(which->mode) ? 0 : which->links - 1;
	if (!which->links && !which->held)
		which->used = false;
}

static void model_rename(struct operation *operation, bool exchange)
{
	struct name *from = model_find(operation->directory, operation->name), *to = model_find(operation->to, operation->to_name);
	unsigned moved = from->object;

	if (to && to->object == from->object)
		return;
	if (exchange) {
		from->object = to->object;
		to->object = moved;
		object[from->object].parent = operation->directory;
		object[moved].parent = operation->to;
		return;
	}
	if (to)
		model_drop(to);
	from->used = false;
	object[moved].parent = operation->to;
	model_add(operation->to, operation->to_name, moved);
}

static int do_create(struct operation *operation, unsigned mode)
{
	struct inode_ref made;
	struct name *found = model_find(operation->directory, operation->name);
	int result = change_create(object[operation->directory].inode, operation->name, strlen(operation->name), mode, &root, &made);

	if (result == WAIT || result == -ENOSPC)
		return result;
	CHECK(result == (found ? -EEXIST : 0), "create %s: %d", operation->name, result);
	if (result == 0)
		model_add(operation->directory, operation->name, model_object(mode, made.number, operation->directory));
	return result;
}

static int do_symlink(struct operation *operation)
{
	struct name *found = model_find(operation->directory, operation->name);
	int result = change_symlink(object[operation->directory].inode, operation->name, strlen(operation->name), operation->target,
				    strlen(operation->target), &root);
	struct inode_ref directory;
	struct position at;

	if (result == WAIT || result == -ENOSPC)
		return result;
	CHECK(result == (found ? -EEXIST : 0), "symlink: %d", result);
	if (result == 0) {
		char text[5000];
		size_t length;

		CHECK(inode_get(object[operation->directory].inode, &directory) == 0, "directory");
		CHECK(directory_find(&directory, operation->name, strlen(operation->name), &at) == 0, "found again");
		CHECK(disk_tree.read_link(at.entry->inode, text, sizeof(text), &length) == 0 && length == strlen(operation->target) &&
		      !memcmp(text, operation->target, length), "link text");
		model_add(operation->directory, operation->name, model_object(MODE_LINK, at.entry->inode, operation->directory));
	}
	return result;
}

static int do_unlink(struct operation *operation, bool directory, struct after *after)
{
	int expected = expect_unlink(operation, directory);
	int result = change_unlink(object[operation->directory].inode, operation->name, strlen(operation->name), directory, &root, after);

	if (result == WAIT)
		return result;
	CHECK(result == expected, "unlink %s: %d, not %d", operation->name, result, expected);
	if (result == 0)
		model_drop(model_find(operation->directory, operation->name));
	return result;
}

static int do_link(struct operation *operation)
{
	struct name *found = model_find(operation->directory, operation->name);
	int result;

	if (operation->file == OBJECTS || !object[operation->file].used || !object[operation->file].links)
		return 0;
	result = change_link(object[operation->directory].inode, operation->name, strlen(operation->name), object[operation->file].inode, &root);
	if (result == WAIT || result == -ENOSPC)
		return result;
	CHECK(result == (!same_volume(operation->directory, operation->file) ? -EXDEV : found ? -EEXIST : 0), "link: %d", result);
	if (result == 0) {
		object[operation->file].links++;
		model_add(operation->directory, operation->name, operation->file);
	}
	return result;
}

static int do_rename(struct operation *operation, bool exchange, struct after *after)
{
	int expected = expect_rename(operation, exchange);
	int result = change_rename(object[operation->directory].inode, operation->name, strlen(operation->name), object[operation->to].inode,
				   operation->to_name, strlen(operation->to_name), exchange ? CHANGE_EXCHANGE : 0, &root, after);

	if (result == WAIT || result == -ENOSPC)
		return result;
	CHECK(result == expected, "rename: %d, not %d", result, expected);
	if (result == 0)
		model_rename(operation, exchange);
	return result;
}

/* What map_run says of all at once, map_lookup says of each. */
static int check_runs(const struct inode_ref *ref, uint64_t first, uint64_t count)
{
	uint32_t block, single, length = 0;
	int result = 0;

	for (uint64_t i = 0; i < count && result == 0; i += length) {
		result = map_run(ref, first + i, 1 + random_below(count - i), &block, &length);
		CHECK(result < 0 || (length && i + length <= count), "a run of %u pages", length);
		for (uint32_t j = 0; j < length && result == 0; j++) {
			result = map_lookup(ref, first + i + j, &single);
			CHECK(result < 0 || single == (block ? block + j : 0), "page %lu: block %u", first + i + j, single);
		}
	}
	return result;
}

static int do_allocate(struct operation *operation)
{
	struct object *file = &object[operation->file];
	struct inode_ref ref;
	struct node *node;
	uint64_t done;
	uint32_t block;
	int result;

	if (operation->file == OBJECTS || !file->used)
		return 0;
	result = inode_get_live(file->inode, &ref);
	if (result == 0 && (node = node_find(file->inode)) && node->trimming)
		return WAIT;
	if (result == 0)
		result = map_allocate(&ref, operation->first, operation->count, true, &done);
	if (result < 0)
		return result;
	CHECK(done >= 1 && done <= operation->count, "done %lu", done);
	for (uint64_t i = 0; i < done && result == 0; i++) {
		result = map_lookup(&ref, operation->first + i, &block);
		CHECK(result < 0 || block, "page %lu has no block", operation->first + i);
	}
	if (result == 0)
		result = check_runs(&ref, operation->first, done + 20);
	if (result == 0 && inode_length(ref.raw) < (operation->first + done) * 4096)
		result = inode_set_length(&ref, (operation->first + done) * 4096);
	return result;
}

static int do_truncate(struct operation *operation)
{
	struct object *file = &object[operation->file];
	struct inode_ref ref;
	struct node *node;
	int result;

	if (operation->file == OBJECTS || !file->used)
		return 0;
	result = inode_get_live(file->inode, &ref);
	if (result == 0)
		result = node_get(&ref, &node);
	if (result < 0)
		return result;
	if (node->trimming)
		return WAIT;
	inode_set_length(&ref, operation->first * 4096);
	step_commit();
	node_trim(node, operation->first);
	return 0;
}

static int do_hold(struct operation *operation, bool hold)
{
	struct object *file = &object[operation->file];
	struct inode_ref ref;
	struct node *node;
	int result;

	if (operation->file == OBJECTS)
		operation->file = random_below(OBJECTS / 10), file = &object[operation->file];
	if (!file->used || (!hold && !file->held) || (hold && !file->links))
		return 0;
	result = inode_get(file->inode, &ref);
	if (result == 0)
		result = node_get(&ref, &node);
	if (result < 0)
		return result;
	if (hold) {
		node_hold(node);
		file->held++;
	} else {
		file->held--;
		if (!file->links && !file->held)
			file->used = false;
		node_drop(node);
	}
	return 0;
}

static int do_walk(struct operation *operation)
{
	struct walk walk;
	uint32_t inode = object[operation->directory].inode;
	char path[600], text[5000];
	size_t length, mount = inode & IN_MEMORY ? strlen(memory_mount.path) : 0;
	struct name *found = model_find(operation->directory, operation->name);
	int result;

	result = disk_tree.path(inode, text, sizeof(text), &length);
	if (result < 0)
		return result;
	if (length > 200)
		return 0;
	CHECK(!memcmp(text, memory_mount.path, mount), "path %.*s", (int)length, text);
	snprintf(path, sizeof(path), ".%.*s/./%s", (int)(length - mount), text + mount, operation->name);
	result = path_walk((struct place){ tree_of(inode), ROOT_OF(inode) }, path, WALK_PARENT, &root, &walk);
	if (result < 0)
		return result;
	CHECK(walk.directory.number == inode && walk.directory.tree == tree_of(inode), "walk %s", path);
	CHECK(found ? walk.target.tree && walk.target.number == object[found->object].inode : !walk.target.tree, "walk %s", path);
	return 0;
}

static int perform(struct operation *operation, struct after *after)
{
	after->unlinked = NULL;
	if (!object[operation->directory].used || !MODE_IS_DIRECTORY(object[operation->directory].mode) ||
	    !object[operation->to].used || !MODE_IS_DIRECTORY(object[operation->to].mode))
		return 0;
	switch (operation->kind) {
	case CREATE: return do_create(operation, MODE_REGULAR | 0644);
	case MAKE_DIRECTORY: return do_create(operation, MODE_DIRECTORY | 0755);
	case SYMLINK: return do_symlink(operation);
	case UNLINK: return do_unlink(operation, false, after);
	case REMOVE_DIRECTORY: return do_unlink(operation, true, after);
	case LINK: return do_link(operation);
	case RENAME: return do_rename(operation, false, after);
	case EXCHANGE: return do_rename(operation, true, after);
	case ALLOCATE: return do_allocate(operation);
	case TRUNCATE: return do_truncate(operation);
	case HOLD: return do_hold(operation, true);
	case DROP: return do_hold(operation, false);
	case WALK: return do_walk(operation);
	default: return 0;
	}
}

static unsigned succeeded[KINDS], waited;

static void attempt(struct operation *operation)
{
	struct after after;
	int result;

	step_begin();
	result = perform(operation, &after);
	if (result == 0)
		step_commit();
	else
		step_abort();
	if (result == 0)
		after_commit(&after);
	if (result == -ENOSPC && node_jobs_pending())
		return;
	CHECK(result == 0 || result == WAIT || (result < 0 && result > -200), "result %d", result);
	operation->busy = result == WAIT;
	succeeded[operation->kind] += result == 0;
	waited += operation->busy;
}

#define CONCURRENT 4

static void run_random(unsigned steps)
{
	static struct operation operation[CONCURRENT];

	memset(object, 0, sizeof(object));
	memset(name, 0, sizeof(name));
	memset(operation, 0, sizeof(operation));
	object[0] = (struct object){ MODE_DIRECTORY, 3, 0, ROOT_INODE, 0, true, 0 };
	object[1] = (struct object){ MODE_DIRECTORY, 2, 0, MEMORY_ROOT, 1, true, 0 };
	for (unsigned done = 0; done < steps; ) {
		struct operation *which = &operation[random_below(CONCURRENT)];

		if (!which->busy) {
			invent(which);
			done++;
		}
		attempt(which);
		if (random_below(3) == 0)
			finish_transfer();
		if (random_below(4) == 0)
			node_jobs_step();
		if (random_below(200) == 0)
			cache_write_back();
		if (random_below(2000) == 0)
			cache_drop_clean();
	}
	for (unsigned i = 0; i < CONCURRENT; i++)
		while (operation[i].busy) {
			attempt(&operation[i]);
			finish_transfer();
			node_jobs_step();
		}
}

/* What nobody names or holds is free again. */
static void compare_inodes(const struct volume *on, uint32_t free_before)
{
	uint32_t used = 0;

	drain_jobs();
	for (unsigned i = 2; i < OBJECTS; i++)
		used += object[i].used && volume_of(object[i].inode) == on;
	CHECK(on->super->free_inodes + used == free_before, "%u inodes free, %u used, %u before", on->super->free_inodes, used, free_before);
}

/* The volume in memory ends with the system. */
static void forget_memory(void)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (name[i].used && volume_of(object[name[i].directory].inode) == &memory_volume)
			name[i].used = false;
}

/* Everything that the model names is there, seen with fresh eyes. */
static void compare(void)
{
	for (unsigned i = 0; i < NAMES; i++) {
		struct inode_ref directory, ref;
		struct position at;
		int result;

		if (!name[i].used)
			continue;
		do {
			step_begin();
			result = inode_get_live(object[name[i].directory].inode, &directory);
			if (result == 0)
				result = directory_find(&directory, name[i].text, strlen(name[i].text), &at);
			if (result == 0)
				result = inode_get_live(at.entry->inode, &ref);
		} while (result == WAIT && finish_transfer());
		CHECK(result == 0 && ref.number == object[name[i].object].inode, "name %s: %d", name[i].text, result);
		CHECK((ref.raw->mode & MODE_TYPE) == (object[name[i].object].mode & MODE_TYPE), "type");
		if ((ref.raw->mode & MODE_TYPE) == MODE_REGULAR)
			CHECK(ref.raw->links == object[name[i].object].links, "links");
		step_abort();
	}
}

static void test_random(const char *options, const char *size, uint32_t cache, unsigned steps)
{
	const char *path = make_image(options, size);
	uint32_t free_before, free_in_memory;

	for (unsigned round = 0; round < 2; round++) {
		if (round == 1 && (path = make_image(options, size)) == NULL)
			return;
		seed = round * 77 + steps + cache;
		CHECK(mount_image(path, cache) == 0, "mount %s", options);
		free_before = volume.super->free_inodes;
		free_in_memory = memory_volume.super->free_inodes;
		run_random(steps);
		compare();
		compare_inodes(&volume, free_before);
		compare_inodes(&memory_volume, free_in_memory);
		leave();
		forget_memory();
		check_clean(path);
		CHECK(mount_image(path, cache) == 0, "mount again");
		compare();
		leave();
		check_clean(path);
	}
	printf("ok random operations: mke2fs %s %s, cache of %u blocks\n", options, size, cache);
}

int main(int count, char **arguments)
{
	unsigned scale = count > 1 ? atoi(arguments[1]) : 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK(mkdtemp(folder), "folder");
	test_random("", "64M", 400, 6000 * scale);
	test_random("-I 128 -O ^filetype", "16M", 64, 4000 * scale);
	test_random("-g 1024 -N 2000", "40M", 96, 4000 * scale);
	test_random("-N 64 -m 20", "3M", 64, 3000 * scale);
	test_random("-O dir_index,^sparse_super,^resize_inode -g 2048", "32M", 300, 3000 * scale);
	shell("rm -rf %s", folder);
	for (unsigned i = 0; i < KINDS; i++)
		CHECK(succeeded[i] > 50 * scale, "operation %u succeeded only %u times", i, succeeded[i]);
	CHECK(waited > 1000 * scale, "only %u waits", waited);
	printf("fs_core: %u checks passed\n", checks);
	return 0;
}
