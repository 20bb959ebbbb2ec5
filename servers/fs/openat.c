/*
 * openat, truncate and execve: from a path to an open description, a new length, a new program. Where the pager has its
 * part (truncation, building a space) the caller's token travels there and, if something is left to do, comes back.
 */
#include "shell.h"

#include <asm/fcntl.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

int start_place(struct call *call, uint64_t descriptor, const char *path, struct place *where)
{
	struct open *open;

	*where = call->process->directory;
	if ((int32_t)descriptor == AT_FDCWD || path[0] == '/')
		return 0;
	open = descriptor_get(call->process, descriptor);
	if (!open)
		return -EBADF;
	if (!open->place.tree)
		return -ENOTDIR;
	*where = open->place;
	return 0;
}

int walk_at(struct call *call, uint64_t descriptor, const char *path, unsigned flags, struct walk *walk)
{
	struct place from;
	int result = start_place(call, descriptor, path, &from);

	return result < 0 ? result : path_walk(from, path, flags, &call->process->who, walk);
}

int walk_path(struct call *call, uint64_t descriptor, uint64_t address, unsigned flags, struct walk *walk)
{
	static char path[PATH_BYTES];
	int result = copy_path(call, address, path);

	return result < 0 ? result : walk_at(call, descriptor, path, flags, walk);
}

/* ---- openat */

static unsigned wanted_access(uint32_t flags)
{
	unsigned mode = flags & O_ACCMODE, want = mode == O_RDONLY ? MAY_READ : mode == O_WRONLY ? MAY_WRITE : MAY_READ | MAY_WRITE;

	return flags & O_TRUNC ? want | MAY_WRITE : want;
}

/* May what the path leads to be opened like this? */
static int check_existing(struct call *call, const struct walk *walk, uint32_t flags, struct attributes *attributes)
{
	unsigned want = wanted_access(flags);
	int result = walk->target.tree->attributes(walk->target.number, attributes);

	if (result < 0)
		return result;
	if (flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (S_ISLNK(attributes->mode))
		return flags & O_PATH ? 0 : -ELOOP;
	if (S_ISDIR(attributes->mode) && !(flags & O_PATH) && (want & MAY_WRITE || flags & O_CREAT))
		return -EISDIR;
	if (flags & O_DIRECTORY && !S_ISDIR(attributes->mode))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (want & MAY_WRITE && walk->target.tree->is_volume && volume_of(walk->target.number)->read_only)
		return -EROFS;
	return permission_check_mode(attributes->mode, attributes->uid, attributes->gid, want, &call->process->who);
}

static int create(struct call *call, struct walk *walk, uint32_t mode, struct attributes *attributes)
{
	struct inode_ref made;
	int result;

	if (walk->slash)
		return -EISDIR;
	if (!walk->directory.tree->is_volume)
		return walk->directory.tree == &proc_tree ? -ENOENT : -EACCES;
	result = change_create(walk->directory.number, walk->name, walk->length, S_IFREG | (mode & 07777 & ~call->process->umask),
			       &call->process->who, &made);
	if (result < 0)
		return result;
	walk->target = (struct place){ walk->directory.tree, made.number };
	return disk_attributes(&made, attributes);
}

static enum open_kind kind_of(struct place place, unsigned mode, uint32_t flags)
{
	if (flags & O_PATH)
		return OPEN_PATH;
	if (S_ISDIR(mode))
		return OPEN_DIRECTORY;
	if (place.tree == &device_tree)
		return device_kind(place.number);
	if (place.tree == &proc_tree)
		return OPEN_TEXT;
	return S_ISREG(mode) ? OPEN_FILE : 0;
}

/* Gives the description its node, and the pager its news. writing: also what O_TRUNC does. */
static int attach(struct call *call, struct open *open, bool writing, const struct walk *walk, const struct attributes *attributes)
{
	struct inode_ref ref;
	struct node *node;
	int result;

	if (!open->place.tree->is_volume)
		return 0;
	result = inode_get(open->place.number, &ref);
	if (result == 0)
		result = node_get(&ref, &node);
	if (result < 0)
		return result;
	if (open->kind == OPEN_FILE) {
		if (writing && node->executions)
			return -ETXTBSY;
		result = open_announce(open, node, attributes->bytes);
		if (result < 0) {
			node_hold(node);
			node_drop(node);
			return result;
		}
	} else {
		node_hold(node);
		open->node = node;
	}
	if (open_writable(open) && call->process->who.uid == 0)
		node->privileged = true;
	if (walk->length && walk->directory.tree->is_volume)
		node_set_name(node, walk->directory.number, walk->name, walk->length);
	return 0;
}

static int64_t install(struct call *call, struct open *open, bool close_on_exec)
{
	int descriptor = descriptor_free(call->process, 0);

	if (descriptor < 0)
		open_release(open);
	else
		descriptor_set(call->process, descriptor, open, close_on_exec);
	return descriptor;
}

static int64_t truncate_object(struct call *call, const struct node *node, uint64_t length)
{
	const struct pager_truncate words = { (uint64_t)node->generation << 32 | node->inode, length, 0 };

	return forward_and_return(call, SLOT_PAGER, PAGER_truncate, &words, sizeof(words));
}

#define FLAGS_KEPT (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_PATH)

static int64_t open_walked(struct call *call, struct walk *walk, uint32_t flags, uint32_t mode)
{
	struct attributes attributes;
	struct pager_stat_reply stat;
	bool created = !walk->target.tree;
	enum open_kind kind;
	struct open *open;
	int result = created ? create(call, walk, mode, &attributes) : check_existing(call, walk, flags, &attributes);

	if (result < 0)
		return result;
	kind = kind_of(walk->target, attributes.mode, flags);
	if (!kind)
		return -ENXIO;
	open = open_take(kind, flags & FLAGS_KEPT, walk->target);
	if (!open)
		return -ENFILE;
	result = attach(call, open, wanted_access(flags) & MAY_WRITE, walk, &attributes);
	if (result < 0) {
		open_release(open);
		return result;
	}
	step_commit();
	if (flags & O_TRUNC && kind == OPEN_FILE && !created && (attributes.bytes || attributes.sectors ||
	    (object_stat(attributes.object, &stat) && stat.length))) {
		call->open = open;
		call->after = AFTER_OPEN;
		call->close_on_exec = flags & O_CLOEXEC;
		return truncate_object(call, open->node, 0);
	}
	return install(call, open, flags & O_CLOEXEC);
}

int64_t linux_openat(struct call *call)
{
	uint32_t flags = call->message.word[2];
	unsigned walk_flags = flags & O_CREAT ? WALK_PARENT : 0;
	struct walk walk;
	int result;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return -EOPNOTSUPP;
	if (flags & O_CREAT && flags & O_DIRECTORY)
		return -EINVAL;
	if (flags & O_PATH)
		flags &= O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW;
	if (flags & __O_SYNC)
		flags |= O_DSYNC;
	result = descriptor_free(call->process, 0);
	if (result < 0)
		return result;
	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		walk_flags |= WALK_FOLLOW;
	result = walk_path(call, call->message.word[0], call->message.word[1], walk_flags, &walk);
	return result < 0 ? result : open_walked(call, &walk, flags, call->message.word[3]);
}

/* ---- truncation */

static int check_length(int64_t length)
{
	return length < 0 ? -EINVAL : length > (int64_t)LENGTH_MAX ? -EFBIG : 0;
}

int64_t linux_ftruncate(struct call *call)
{
	struct open *open = descriptor_get(call->process, call->message.word[0]);
	int result = check_length(call->message.word[1]);

	if (!open || open->kind == OPEN_PATH)
		return -EBADF;
	if (open->kind != OPEN_FILE || !open_writable(open))
		return -EINVAL;
	if (result == 0 && volume_of(open->node->inode)->read_only)
		result = -EROFS;
	return result < 0 ? result : truncate_object(call, open->node, call->message.word[1]);
}

/* As a short-lived open description: the pager then knows the length that it cuts, and zeroes the tail. */
int64_t linux_truncate(struct call *call)
{
	struct attributes attributes;
	struct walk walk;
	struct open *open;
	int result = check_length(call->message.word[1]);

	if (result == 0)
		result = walk_path(call, AT_FDCWD, call->message.word[0], WALK_FOLLOW, &walk);
	if (result == 0)
		result = check_existing(call, &walk, O_WRONLY, &attributes);
	if (result < 0)
		return result;
	if (!walk.target.tree->is_volume || !S_ISREG(attributes.mode))
		return -EINVAL;
	open = open_take(OPEN_FILE, O_WRONLY, walk.target);
	if (!open)
		return -ENFILE;
	result = attach(call, open, true, &walk, &attributes);
	if (result < 0) {
		open_release(open);
		return result;
	}
	call->open = open;
	call->after = AFTER_PATH;
	return truncate_object(call, open->node, call->message.word[1]);
}

static int64_t truncation_end(struct call *call, int64_t result)
{
	struct open *open = call->open;

	call->open = NULL;
	if (call->after == AFTER_OPEN && result == 0 && call->process)
		return install(call, open, call->close_on_exec);
	if (open)
		open_release(open);
	return result;
}

int64_t fs_truncated(struct call *call)
{
	const struct fs_truncated *request = (const struct fs_truncated *)call->message.word;
	struct node *node = node_find_object(request->object);
	struct inode_ref ref;
	int result;

	if (request->error || !node)
		return truncation_end(call, request->error ? request->error : -EIO);
	if (call->stage == 0) {
		result = inode_get(node->inode, &ref);
		if (result == 0)
			result = inode_set_length(&ref, request->length);
		if (result == WAIT)
			return WAIT;
		if (result < 0)
			return truncation_end(call, result);
		inode_touch(&ref, TIME_MODIFY | TIME_CHANGE);
		step_commit();
		node_trim(node, (request->length + BLOCK_BYTES - 1) / BLOCK_BYTES);
		call->stage = 1;
	}
	return node->trimming ? wait_for(WAIT_KEY(WAIT_NODE, node->inode)) : truncation_end(call, 0);
}

/* ---- execve */

static int64_t execute(struct call *call, const struct walk *walk, const uint64_t arguments[3], bool script)
{
	struct pager_exec words = { .path = arguments[0], .argv = arguments[1], .envp = arguments[2], .script = script };
	struct process *process = call->process;
	struct inode_ref ref;
	struct node *node;
	int result;

	if (!walk->target.tree->is_volume)
		return -EACCES;
	result = inode_get_live(walk->target.number, &ref);
	if (result < 0)
		return result;
	if (!inode_is(ref.raw, S_IFREG))
		return -EACCES;
	result = permission_check(ref.raw, MAY_EXECUTE, &process->who);
	if (result == 0)
		result = node_get(&ref, &node);
	if (result < 0)
		return result;
	words.object = inode_object(&ref);
	words.length = inode_length(ref.raw);
	if (node->writers)
		return -ETXTBSY;
	node_used(node);
	process_executing(process, node);
	process->executing_thread = TOKEN_THREAD(call->message.token);
	node_set_name(node, walk->directory.number, walk->name, walk->length);
	return forward_call(call, SLOT_PAGER, PAGER_exec, &words, sizeof(words));
}

int64_t linux_execve(struct call *call)
{
	struct walk walk;
	int result = walk_path(call, AT_FDCWD, call->message.word[0], WALK_FOLLOW, &walk);

	return result < 0 ? result : execute(call, &walk, call->message.word, false);
}

/* The pager does not know of the use. */
int64_t fs_exec_failed(struct call *call)
{
	const struct fs_exec_failed *request = (const struct fs_exec_failed *)call->message.word;
	struct node *node = node_find_object(request->object);

	if (node)
		node_released(node, 1);
	return request->error;
}

#define SCRIPT_LINE 256

/* The interpreter is the first word after `#!`. */
static int interpreter(struct call *call, char path[SCRIPT_LINE])
{
	const struct fs_script *request = (const struct fs_script *)call->message.word;
	static char line[SCRIPT_LINE];
	struct pager_script words = { request->thread, (uint64_t)line, sizeof(line) };
	struct message message = { .label = PAGER_script };
	size_t at = 2, length = 0, bytes;
	int result;

	memcpy(message.word, &words, sizeof(words));
	result = call_server(SLOT_PAGER, &message);
	if (result < 0)
		return result;
	bytes = message.word[0] < sizeof(line) ? message.word[0] : sizeof(line);
	while (at < bytes && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (at < bytes && line[at] && line[at] != ' ' && line[at] != '\t' && length < SCRIPT_LINE - 1)
		path[length++] = line[at++];
	path[length] = 0;
	return length ? 0 : -ENOEXEC;
}

/* Words 1 to 3 of the message are execve's arguments, as in linux_execve words 0 to 2. */
int64_t fs_script(struct call *call)
{
	char path[SCRIPT_LINE];
	struct walk walk;
	int result = interpreter(call, path);

	if (result == 0)
		result = walk_at(call, AT_FDCWD, path, WALK_FOLLOW, &walk);
	return result < 0 ? result : execute(call, &walk, &call->message.word[1], true);
}
