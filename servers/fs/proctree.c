/*
 * The tree of /proc: names, attributes, links. A table says what lies where; processes and their descriptors are made up from the
 * process table at each look. The texts in it are proctext.c's.
 */
#include "shell.h"

#include <linux/stat.h>

static const struct item { const char *name; enum proc_kind parent, kind; uint32_t mode; } items[] = {
	{ "self", PROC_ROOT, PROC_SELF, S_IFLNK | 0777 },
	{ "sys", PROC_ROOT, PROC_SYS, S_IFDIR | 0555 },
	{ "meminfo", PROC_ROOT, PROC_MEMINFO, S_IFREG | 0444 },
	{ "vmstat", PROC_ROOT, PROC_VMSTAT, S_IFREG | 0444 },
	{ "stat", PROC_ROOT, PROC_STAT, S_IFREG | 0444 },
	{ "uptime", PROC_ROOT, PROC_UPTIME, S_IFREG | 0444 },
	{ "loadavg", PROC_ROOT, PROC_LOADAVG, S_IFREG | 0444 },
	{ "mounts", PROC_ROOT, PROC_MOUNTS, S_IFREG | 0444 },
	{ "cpuinfo", PROC_ROOT, PROC_CPUINFO, S_IFREG | 0444 },
	{ "filesystems", PROC_ROOT, PROC_FILESYSTEMS, S_IFREG | 0444 },
	{ "version", PROC_ROOT, PROC_VERSION, S_IFREG | 0444 },
	{ "bench_kernel", PROC_ROOT, PROC_BENCH_KERNEL, S_IFREG | 0444 },
	{ "vm", PROC_SYS, PROC_SYS_VM, S_IFDIR | 0555 },
	{ "drop_caches", PROC_SYS_VM, PROC_DROP_CACHES, S_IFREG | 0200 },
	{ "fault_around_bytes", PROC_SYS_VM, PROC_FAULT_AROUND, S_IFREG | 0644 },
	{ "stat", PROC_PROCESS, PROC_PID_STAT, S_IFREG | 0444 },
	{ "status", PROC_PROCESS, PROC_PID_STATUS, S_IFREG | 0444 },
	{ "cmdline", PROC_PROCESS, PROC_PID_CMDLINE, S_IFREG | 0444 },
	{ "comm", PROC_PROCESS, PROC_PID_COMM, S_IFREG | 0444 },
	{ "maps", PROC_PROCESS, PROC_PID_MAPS, S_IFREG | 0444 },
	{ "smaps", PROC_PROCESS, PROC_PID_SMAPS, S_IFREG | 0444 },
	{ "exe", PROC_PROCESS, PROC_PID_EXE, S_IFLNK | 0777 },
	{ "cwd", PROC_PROCESS, PROC_PID_CWD, S_IFLNK | 0777 },
	{ "fd", PROC_PROCESS, PROC_FDS, S_IFDIR | 0500 },
};
#define ITEMS (sizeof(items) / sizeof(items[0]))

static const struct item *item_of(enum proc_kind kind)
{
	for (unsigned i = 0; i < ITEMS; i++)
		if (items[i].kind == kind)
			return &items[i];
	return NULL;
}

static bool is_directory(enum proc_kind kind)
{
	return kind == PROC_ROOT || kind == PROC_PROCESS || kind == PROC_SYS || kind == PROC_SYS_VM || kind == PROC_FDS;
}

/* A number without leading zeros, or -1. */
static int64_t parse(const char *name, size_t length)
{
	int64_t value = 0;

	if (!length || length > 9 || (name[0] == '0' && length > 1))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		value = value * 10 + name[i] - '0';
	}
	return value;
}

static struct place place_of(enum proc_kind kind, uint64_t pid, uint64_t descriptor)
{
	return (struct place){ &proc_tree, PROC_NUMBER(kind, pid, descriptor) };
}

static struct place parent_of(uint64_t number)
{
	const struct item *item = item_of(PROC_KIND(number));

	if (PROC_KIND(number) == PROC_ROOT)
		return path_root();
	if (PROC_KIND(number) == PROC_PROCESS)
		return place_of(PROC_ROOT, 0, 0);
	if (PROC_KIND(number) == PROC_FD)
		return place_of(PROC_FDS, PROC_PID(number), 0);
	return place_of(item->parent, PROC_PID(number), 0);
}

static int proc_lookup(uint64_t directory, const char *name, size_t length, struct place *found)
{
	enum proc_kind kind = PROC_KIND(directory);
	uint64_t pid = PROC_PID(directory);
	struct process *process = process_by_pid(pid);
	int64_t value = parse(name, length);

	if (!is_directory(kind))
		return -ENOTDIR;
	if (pid && !process)
		return -ENOENT;
	if (length == 2 && !memcmp(name, "..", 2)) {
		*found = parent_of(directory);
		return 0;
	}
	if (kind == PROC_ROOT && value > 0 && process_by_pid(value)) {
		*found = place_of(PROC_PROCESS, value, 0);
		return 0;
	}
	if (kind == PROC_FDS && value >= 0 && descriptor_get(process, value)) {
		*found = place_of(PROC_FD, pid, value);
		return 0;
	}
	for (unsigned i = 0; i < ITEMS; i++)
		if (items[i].parent == kind && strlen(items[i].name) == length && !memcmp(items[i].name, name, length)) {
			*found = place_of(items[i].kind, pid, 0);
			return 0;
		}
	return -ENOENT;
}

static int proc_attributes(uint64_t number, struct attributes *attributes)
{
	enum proc_kind kind = PROC_KIND(number);
	const struct item *item = item_of(kind);
	struct process *process = process_by_pid(PROC_PID(number));
	uint64_t now = volume.ops->now();

	if (PROC_PID(number) && !process)
		return -ENOENT;
	*attributes = (struct attributes){
		.inode = number, .mode = item ? item->mode : kind == PROC_FD ? S_IFLNK | 0777 : S_IFDIR | 0555,
		.links = is_directory(kind) ? 2 : 1, .access_time = now, .modify_time = now, .change_time = now,
		.uid = process ? process->who.uid : 0, .gid = process ? process->who.gid : 0,
	};
	return 0;
}

/* ---- links */

/* The name under which the file was opened last; it may have been renamed or removed since by other names. */
int path_of_node(const struct node *node, char *text, size_t bytes, size_t *length)
{
	static const char deleted[] = " (deleted)";
	int result = node && node->name_bytes ? tree_of(node->parent)->path(node->parent, text, bytes, length) : -ENOENT;

	if (result < 0)
		return result;
	if (*length + node->name_bytes + sizeof(deleted) > bytes)
		return -ENAMETOOLONG;
	if (*length > 1)
		text[(*length)++] = '/';
	memcpy(text + *length, node->name, node->name_bytes);
	*length += node->name_bytes;
	if (node->dead) {
		memcpy(text + *length, deleted, sizeof(deleted) - 1);
		*length += sizeof(deleted) - 1;
	}
	return 0;
}

static int path_of_open(const struct open *open, char *text, size_t bytes, size_t *length)
{
	if (open_is_pipe(open)) {
		*length = format_text(text, bytes, "pipe:[%u]", open->number);
		return 0;
	}
	if (open->node && open->kind != OPEN_DIRECTORY)
		return path_of_node(open->node, text, bytes, length);
	return open->place.tree ? open->place.tree->path(open->place.number, text, bytes, length) : -ENOENT;
}

static int proc_read_link(uint64_t number, char *text, size_t bytes, size_t *length)
{
	struct process *process = process_by_pid(PROC_PID(number));
	struct open *open;

	if (PROC_KIND(number) == PROC_SELF) {
		*length = format_text(text, bytes, "%lu", (unsigned long)IDENTITY_PID(current->message.identity));
		return 0;
	}
	if (!process)
		return -ENOENT;
	if (PROC_KIND(number) == PROC_PID_EXE)
		return path_of_node(process->program, text, bytes, length);
	if (PROC_KIND(number) == PROC_PID_CWD)
		return process->directory.tree->path(process->directory.number, text, bytes, length);
	if (PROC_KIND(number) != PROC_FD)
		return -EINVAL;
	open = descriptor_get(process, PROC_DESCRIPTOR(number));
	return open ? path_of_open(open, text, bytes, length) : -ENOENT;
}

/* ---- listing: cookies count: the dots, the table, then processes or descriptors */

#define FIRST_ITEM 2
#define FIRST_MADE (FIRST_ITEM + ITEMS)

static bool emit_number(directory_emit *emit, void *context, uint64_t value, struct place place, unsigned type, uint64_t next)
{
	char name[24];

	return emit(context, name, format_text(name, sizeof(name), "%lu", (unsigned long)value), place.number, type, next);
}

static void list_processes(uint64_t *cookie, directory_emit *emit, void *context)
{
	unsigned slot = *cookie - FIRST_MADE;
	struct process *process;

	while ((process = process_next(&slot))) {
		uint64_t pid = IDENTITY_PID(process->identity);

		if (!emit_number(emit, context, pid, place_of(PROC_PROCESS, pid, 0), 4, FIRST_MADE + slot))
			return;
		*cookie = FIRST_MADE + slot;
	}
}

static void list_descriptors(uint64_t directory, uint64_t *cookie, directory_emit *emit, void *context)
{
	struct process *process = process_by_pid(PROC_PID(directory));

	for (uint64_t descriptor = *cookie - FIRST_MADE; process && descriptor < DESCRIPTORS; descriptor++) {
		if (descriptor_get(process, descriptor) &&
		    !emit_number(emit, context, descriptor, place_of(PROC_FD, PROC_PID(directory), descriptor), 10, FIRST_MADE + descriptor + 1))
			return;
		*cookie = FIRST_MADE + descriptor + 1;
	}
}

static int proc_list(uint64_t directory, uint64_t *cookie, directory_emit *emit, void *context)
{
	enum proc_kind kind = PROC_KIND(directory);

	if (!is_directory(kind))
		return -ENOTDIR;
	for (; *cookie < FIRST_ITEM; ++*cookie)
		if (!emit(context, "..", *cookie + 1, *cookie ? parent_of(directory).number : directory, 4, *cookie + 1))
			return 0;
	for (; *cookie < FIRST_MADE; ++*cookie) {
		const struct item *item = &items[*cookie - FIRST_ITEM];

		if (item->parent == kind && !emit(context, item->name, strlen(item->name), PROC_NUMBER(item->kind, PROC_PID(directory), 0),
						  item->mode >> 12, *cookie + 1))
			return 0;
	}
	if (kind == PROC_ROOT)
		list_processes(cookie, emit, context);
	if (kind == PROC_FDS)
		list_descriptors(directory, cookie, emit, context);
	return 0;
}

static int proc_path(uint64_t number, char *text, size_t bytes, size_t *length)
{
	enum proc_kind kind = PROC_KIND(number);
	const struct item *item = item_of(kind);
	unsigned long pid = PROC_PID(number);

	if (kind == PROC_ROOT)
		*length = format_text(text, bytes, "/proc");
	else if (kind == PROC_PROCESS)
		*length = format_text(text, bytes, "/proc/%lu", pid);
	else if (pid)
		*length = format_text(text, bytes, "/proc/%lu/%s", pid, item ? item->name : "fd");
	else
		*length = format_text(text, bytes, "/proc/%s%s", item && item->parent == PROC_SYS_VM ? "sys/vm/" : item && item->parent == PROC_SYS ? "sys/" : "",
				      item ? item->name : "");
	return 0;
}

const struct tree proc_tree = { "proc", false, proc_lookup, proc_attributes, proc_read_link, proc_list, proc_path };
