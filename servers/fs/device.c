/*
 * The tree of devices that lies over /dev, and how trees lie over directories of the disk at all. The volume in memory is one of the names
 * in it. A name that is none of them is looked for in the covered directory.
 */
#include "shell.h"

#include <asm/fcntl.h>
#include <linux/stat.h>

static const struct device { const char *name; uint32_t major, minor; enum open_kind kind; } devices[] = {
	[DEVICE_CONSOLE] = { "console", 5, 1, OPEN_TTY },
	[DEVICE_TTY] = { "tty", 5, 0, OPEN_TTY },
	[DEVICE_NULL] = { "null", 1, 3, OPEN_DEVICE },
	[DEVICE_ZERO] = { "zero", 1, 5, OPEN_DEVICE },
	[DEVICE_FULL] = { "full", 1, 7, OPEN_DEVICE },
	[DEVICE_RANDOM] = { "random", 1, 8, OPEN_DEVICE },
	[DEVICE_URANDOM] = { "urandom", 1, 9, OPEN_DEVICE },
	[DEVICE_MEMORY] = { "shm", 0, 0, OPEN_DIRECTORY },
};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))

/* ---- what lies over what */

static struct overlay { const char *name; const struct tree *tree; uint64_t root; uint32_t covered; bool searched; } overlays[] = {
	{ "dev", &device_tree, DEVICE_ROOT, 0, false }, { "proc", &proc_tree, PROC_NUMBER(PROC_ROOT, 0, 0), 0, false },
};
#define OVERLAYS (sizeof(overlays) / sizeof(overlays[0]))

static bool is_covered(uint32_t inode)
{
	for (unsigned i = 0; i < OVERLAYS; i++)
		if (overlays[i].covered == inode)
			return true;
	return false;
}

static struct place cover(struct place place)
{
	for (unsigned i = 0; place.tree == &disk_tree && i < OVERLAYS; i++)
		if (overlays[i].covered == place.number)
			return (struct place){ overlays[i].tree, overlays[i].root };
	return place;
}

int overlays_find(void)
{
	for (unsigned i = 0; i < OVERLAYS; i++) {
		struct place found;
		int result = overlays[i].searched ? 0 : disk_tree.lookup(ROOT_INODE, overlays[i].name, strlen(overlays[i].name), &found);

		if (result == WAIT)
			return WAIT;
		if (result == 0 && !overlays[i].searched)
			overlays[i].covered = found.number;
		if (result < 0)
			log_line("fs: there is no directory /%s", overlays[i].name);
		overlays[i].searched = true;
	}
	path_cover = cover;
	memory_mount = (struct mount){ { &device_tree, DEVICE_ROOT }, "/dev/shm" };
	core_is_mount_point = is_covered;
	return 0;
}

/* ---- the tree */

static unsigned find_device(const char *name, size_t length)
{
	for (unsigned i = DEVICE_ROOT + 1; i < DEVICES; i++)
		if (strlen(devices[i].name) == length && !memcmp(devices[i].name, name, length))
			return i;
	return 0;
}

static struct place place_of(unsigned number)
{
	return number == DEVICE_MEMORY ? (struct place){ &memory_tree, MEMORY_ROOT } : (struct place){ &device_tree, number };
}

static int device_lookup(uint64_t directory, const char *name, size_t length, struct place *found)
{
	unsigned number;

	if (directory != DEVICE_ROOT)
		return -ENOTDIR;
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		*found = path_root();
		return 0;
	}
	number = find_device(name, length);
	if (number) {
		*found = place_of(number);
		return 0;
	}
	return disk_tree.lookup(overlays[0].covered, name, length, found);
}

static int device_attributes(uint64_t number, struct attributes *attributes)
{
	bool root = number == DEVICE_ROOT;
	uint64_t boot = start->realtime_ns;

	*attributes = (struct attributes){
		.inode = number, .mode = root ? S_IFDIR | 0755 : S_IFCHR | 0666, .links = root ? 3 : 1,
		.access_time = boot, .modify_time = boot, .change_time = boot,
		.device_major = root ? 0 : devices[number].major, .device_minor = root ? 0 : devices[number].minor,
	};
	return 0;
}

static int device_read_link(uint64_t number, char *text, size_t bytes, size_t *length)
{
	(void)number, (void)text, (void)bytes, (void)length;
	return -EINVAL;
}

/* Devices first; what else the covered directory has (without its dots) gets cookies behind theirs. */
#define COVERED_COOKIES (1UL << 32)
struct covered_listing { directory_emit *emit; void *context; };

static bool emit_covered(void *context, const char *name, size_t length, uint64_t inode, unsigned type, uint64_t next)
{
	struct covered_listing *listing = context;

	if (find_device(name, length) || (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))))
		return true;
	return listing->emit(listing->context, name, length, inode, type, COVERED_COOKIES + next);
}

static int device_list(uint64_t directory, uint64_t *cookie, directory_emit *emit, void *context)
{
	struct covered_listing listing = { emit, context };
	uint64_t covered;
	int result;

	if (directory != DEVICE_ROOT)
		return -ENOTDIR;
	for (; *cookie <= DEVICES; ++*cookie) {
		uint64_t number = *cookie;
		const char *name = number == 0 ? "." : number == 1 ? ".." : devices[number < DEVICES ? number : 2].name;

		if (number < DEVICES && !emit(context, name, strlen(name), number < 2 ? DEVICE_ROOT : place_of(number).number,
					      number < 2 || number == DEVICE_MEMORY ? 4 : 2, number + 1))
			return 0;
	}
	covered = *cookie < COVERED_COOKIES ? 0 : *cookie - COVERED_COOKIES;
	result = disk_tree.list(overlays[0].covered, &covered, emit_covered, &listing);
	*cookie = COVERED_COOKIES + covered;
	return result;
}

static int device_path(uint64_t number, char *text, size_t bytes, size_t *length)
{
	const char *name = number == DEVICE_ROOT ? "" : devices[number].name;

	*length = format_text(text, bytes, number == DEVICE_ROOT ? "/dev%s" : "/dev/%s", name);
	return 0;
}

const struct tree device_tree = { "dev", false, device_lookup, device_attributes, device_read_link, device_list, device_path };

/* ---- reading and writing */

enum open_kind device_kind(uint64_t number)
{
	return devices[number].kind;
}

static uint64_t random_state;

/* splitmix64, seeded from the device tree's seed and the clock: enough for what has no secrets to keep. */
static uint64_t random_word(void)
{
	uint64_t value;

	if (!random_state)
		memcpy(&random_state, start->random, sizeof(random_state));
	random_state += 0x9e3779b97f4a7c15UL + volume.ops->now();
	value = random_state;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9UL;
	value = (value ^ value >> 27) * 0x94d049bb133111ebUL;
	return value ^ value >> 31;
}

#define ZEROES 65536		/* a piece of /dev/zero; random bytes take longer to make */
#define RANDOMS 4096

static const void *make_piece(uint64_t device, size_t *piece)
{
	static uint64_t zeroes[ZEROES / 8], randoms[RANDOMS / 8];

	*piece = device >= DEVICE_RANDOM ? RANDOMS : ZEROES;
	if (device < DEVICE_RANDOM)
		return zeroes;
	for (unsigned i = 0; i < RANDOMS / 8; i++)
		randoms[i] = random_word();
	return randoms;
}

/* Fills the caller's memory piece by piece; call->done counts. */
int64_t device_read(struct call *call, struct open *open, unsigned how)
{
	uint64_t total;
	size_t piece, step = 0;
	const void *bytes;
	int result;

	if (open->place.number == DEVICE_NULL)
		return 0;
	bytes = make_piece(open->place.number, &piece);
	result = transfer_bytes(call, how, &total);
	if (result == 0) {
		step = total - call->done < piece ? total - call->done : piece;
		result = transfer_out(call, how, call->done, bytes, step);
	}
	if (result < 0)
		return result == -EFAULT && call->done ? (int64_t)call->done : result;
	call->done += step;
	return call->done < total && !call->interrupted ? AGAIN : (int64_t)call->done;
}

int64_t device_write(struct call *call, struct open *open, unsigned how)
{
	uint64_t total;
	int result = transfer_bytes(call, how, &total);

	if (result < 0)
		return result;
	return open->place.number == DEVICE_FULL && total ? -ENOSPC : (int64_t)total;
}
