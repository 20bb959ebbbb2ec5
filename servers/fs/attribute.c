/*
 * Attributes: the stat family, modes, owners, times, access, statfs. What the pager knows better (live length, last write)
 * is asked for; access times are not kept (the volume behaves as mounted with noatime).
 */
#include "shell.h"

#include <asm/fcntl.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#define NANOSECONDS 1000000000UL
#define DISK_DEVICE 0xfe00		/* what Linux calls vda: 254, 0 */
#define OVERLAY_DEVICE 5
#define MEMORY_DEVICE 6

/* ---- what the pager knows */

bool object_stat(uint64_t object, struct pager_stat_reply *reply)
{
	struct message message = { .label = PAGER_stat, .word = { object } };
	struct node *node = node_find_object(object);

	if (!node || !node->uses || call_server(SLOT_PAGER, &message) < 0)
		return false;
	memcpy(reply, message.word, sizeof(*reply));
	return reply->known;
}

void set_modified(struct inode_ref *ref, uint64_t modified)
{
	if (modified && !volume_of(ref->number)->read_only)
		inode_set_time(ref, TIME_MODIFY | TIME_CHANGE, time_of_ticks(modified));
}

/* What the pager knows of a file: its times go into the inode. False: it does not know it. */
static bool refresh(struct inode_ref *ref, struct pager_stat_reply *reply)
{
	if (!inode_is(ref->raw, S_IFREG) || !object_stat(inode_object(ref), reply))
		return false;
	set_modified(ref, reply->modified);
	step_commit();
	return true;
}

/* ---- stat */

static int attributes_of_place(struct place place, struct attributes *attributes)
{
	struct pager_stat_reply reply;
	struct inode_ref ref;
	bool known;
	int result;

	if (!place.tree->is_volume)
		return place.tree->attributes(place.number, attributes);
	result = inode_get(place.number, &ref);
	if (result < 0)
		return result;
	known = refresh(&ref, &reply);
	result = disk_attributes(&ref, attributes);
	if (known)
		attributes->bytes = reply.length;
	if (known && place.tree == &memory_tree)
		attributes->sectors = reply.pages * SECTORS;
	return result;
}

static int attributes_of_open(const struct open *open, struct attributes *attributes)
{
	if (open->place.tree)
		return attributes_of_place(open->place, attributes);
	*attributes = (struct attributes){ .inode = open->number, .mode = S_IFIFO | 0600, .links = 1 };
	return 0;
}

/* Of what a path (or, if it is empty and that is allowed, a descriptor) names. */
static int attributes_at(struct call *call, uint64_t descriptor, uint64_t path_address, uint32_t flags, struct place *place, struct attributes *attributes)
{
	static char path[PATH_BYTES];
	struct open *open;
	struct walk walk;
	int result = path_address || !(flags & AT_EMPTY_PATH) ? copy_path(call, path_address, path) : 0;

	if (result < 0)
		return result;
	if (flags & AT_EMPTY_PATH && (!path_address || !path[0])) {
		open = descriptor_get(call->process, descriptor);
		if (!open && (int32_t)descriptor != AT_FDCWD)
			return -EBADF;
		*place = open ? open->place : call->process->directory;
		return open ? attributes_of_open(open, attributes) : attributes_of_place(*place, attributes);
	}
	result = walk_at(call, descriptor, path, flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW, &walk);
	if (result < 0)
		return result;
	*place = walk.target;
	return attributes_of_place(walk.target, attributes);
}

static uint64_t device_of(struct place place)
{
	return place.tree == &disk_tree ? DISK_DEVICE : place.tree == &memory_tree ? MEMORY_DEVICE : OVERLAY_DEVICE;
}

static int64_t put_stat(struct call *call, uint64_t address, struct place place, const struct attributes *from)
{
	const struct stat stat = {
		.st_dev = device_of(place), .st_ino = from->inode, .st_mode = from->mode, .st_nlink = from->links,
		.st_uid = from->uid, .st_gid = from->gid, .st_rdev = from->device_major << 8 | from->device_minor,
		.st_size = from->bytes, .st_blksize = BLOCK_BYTES, .st_blocks = from->sectors,
		.st_atime = from->access_time / NANOSECONDS, .st_atime_nsec = from->access_time % NANOSECONDS,
		.st_mtime = from->modify_time / NANOSECONDS, .st_mtime_nsec = from->modify_time % NANOSECONDS,
		.st_ctime = from->change_time / NANOSECONDS, .st_ctime_nsec = from->change_time % NANOSECONDS,
	};

	return copy_out(call, address, &stat, sizeof(stat));
}

int64_t linux_fstat(struct call *call)
{
	struct open *open = descriptor_get(call->process, call->message.word[0]);
	struct attributes attributes;
	int result;

	if (!open)
		return -EBADF;
	result = attributes_of_open(open, &attributes);
	return result < 0 ? result : put_stat(call, call->message.word[1], open->place, &attributes);
}

int64_t linux_newfstatat(struct call *call)
{
	const uint64_t *word = call->message.word;
	struct attributes attributes;
	struct place place;
	int result;

	if (word[3] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	result = attributes_at(call, word[0], word[1], word[3], &place, &attributes);
	return result < 0 ? result : put_stat(call, word[2], place, &attributes);
}

static struct statx_timestamp timestamp(uint64_t nanoseconds)
{
	return (struct statx_timestamp){ .tv_sec = nanoseconds / NANOSECONDS, .tv_nsec = nanoseconds % NANOSECONDS };
}

int64_t linux_statx(struct call *call)
{
	const uint64_t *word = call->message.word;
	struct attributes from;
	struct place place;
	struct statx statx;
	uint64_t device;
	int result;

	if (word[3] & STATX__RESERVED || (word[2] & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	result = attributes_at(call, word[0], word[1], word[2], &place, &from);
	if (result < 0)
		return result;
	device = device_of(place);
	statx = (struct statx){
		.stx_mask = STATX_BASIC_STATS, .stx_blksize = BLOCK_BYTES, .stx_nlink = from.links, .stx_uid = from.uid, .stx_gid = from.gid,
		.stx_mode = from.mode, .stx_ino = from.inode, .stx_size = from.bytes, .stx_blocks = from.sectors,
		.stx_atime = timestamp(from.access_time), .stx_mtime = timestamp(from.modify_time), .stx_ctime = timestamp(from.change_time),
		.stx_rdev_major = from.device_major, .stx_rdev_minor = from.device_minor,
		.stx_dev_major = device >> 8, .stx_dev_minor = device & 0xff,
	};
	return copy_out(call, word[4], &statx, sizeof(statx));
}

/* ---- changing */

/* The inode that a path or a descriptor names, if this process may change its attributes; the caller of these commits. */
static int inode_of_place(struct call *call, struct place place, bool owner_only, struct inode_ref *ref)
{
	int result;

	if (!place.tree || !place.tree->is_volume)
		return -EPERM;
	result = inode_get(place.number, ref);
	if (result < 0)
		return result;
	if (volume_of(place.number)->read_only)
		return -EROFS;
	return owner_only && call->process->who.uid && call->process->who.uid != inode_uid(ref->raw) ? -EPERM : 0;
}

static int64_t change_mode(struct call *call, struct place place, uint32_t mode)
{
	struct inode_ref ref;
	int result = inode_of_place(call, place, true, &ref);

	if (result < 0)
		return result;
	inode_change(&ref);
	ref.raw->mode = (ref.raw->mode & S_IFMT) | (mode & 07777);
	inode_touch(&ref, TIME_CHANGE);
	step_commit();
	return 0;
}

int64_t linux_fchmod(struct call *call)
{
	struct open *open = descriptor_get(call->process, call->message.word[0]);

	return open && open->kind != OPEN_PATH ? change_mode(call, open->place, call->message.word[1]) : -EBADF;
}

int64_t linux_fchmodat(struct call *call)
{
	struct walk walk;
	int result = walk_path(call, call->message.word[0], call->message.word[1], WALK_FOLLOW, &walk);

	return result < 0 ? result : change_mode(call, walk.target, call->message.word[2]);
}

static int64_t change_owner(struct call *call, struct place place, uint32_t uid, uint32_t gid)
{
	struct inode_ref ref;
	uint32_t old_uid, old_gid;
	int result = inode_of_place(call, place, true, &ref);

	if (result < 0)
		return result;
	old_uid = inode_uid(ref.raw);
	old_gid = inode_gid(ref.raw);
	if (uid == UINT32_MAX)
		uid = old_uid;
	if (gid == UINT32_MAX)
		gid = old_gid;
	if (call->process->who.uid && (uid != old_uid || (gid != old_gid && gid != call->process->who.gid)))
		return -EPERM;
	inode_set_owner(&ref, uid, gid);
	if (!S_ISDIR(ref.raw->mode))
		ref.raw->mode &= ~(ref.raw->mode & S_IXGRP ? S_ISUID | S_ISGID : S_ISUID);
	inode_touch(&ref, TIME_CHANGE);
	step_commit();
	return 0;
}

int64_t linux_fchown(struct call *call)
{
	const uint64_t *word = call->message.word;
	struct open *open = descriptor_get(call->process, word[0]);

	return open && open->kind != OPEN_PATH ? change_owner(call, open->place, word[1], word[2]) : -EBADF;
}

int64_t linux_fchownat(struct call *call)
{
	const uint64_t *word = call->message.word;
	struct attributes attributes;
	struct place place;
	int result;

	if (word[4] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	result = attributes_at(call, word[0], word[1], word[4], &place, &attributes);
	return result < 0 ? result : change_owner(call, place, word[2], word[3]);
}

#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe

static bool time_is_good(const struct __kernel_timespec *time)
{
	return time->tv_nsec == UTIME_NOW || time->tv_nsec == UTIME_OMIT || (uint64_t)time->tv_nsec < NANOSECONDS;
}

static void set_one_time(struct inode_ref *ref, unsigned field, const struct __kernel_timespec *time)
{
	if (time->tv_nsec != UTIME_OMIT)
		inode_set_time(ref, field, time->tv_nsec == UTIME_NOW ? volume.ops->now() : time->tv_sec * NANOSECONDS + time->tv_nsec);
}

int64_t linux_utimensat(struct call *call)
{
	const uint64_t *word = call->message.word;
	struct __kernel_timespec time[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	struct open *open = descriptor_get(call->process, word[0]);
	struct attributes attributes;
	struct inode_ref ref;
	struct place place;
	bool now;
	int result = word[2] ? copy_in(call, word[2], time, sizeof(time)) : 0;

	if (result < 0 || (time[0].tv_nsec == UTIME_OMIT && time[1].tv_nsec == UTIME_OMIT))
		return result;
	if (word[3] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) || !time_is_good(&time[0]) || !time_is_good(&time[1]))
		return -EINVAL;
	if (word[1])
		result = attributes_at(call, word[0], word[1], word[3], &place, &attributes);
	else if (!open)
		result = -EBADF;
	else
		result = attributes_of_open(open, &attributes), place = open->place;
	now = time[0].tv_nsec == UTIME_NOW && time[1].tv_nsec == UTIME_NOW;
	if (result == 0)
		result = inode_of_place(call, place, !now, &ref);
	if (result == 0 && now && call->process->who.uid != inode_uid(ref.raw))
		result = permission_check(ref.raw, MAY_WRITE, &call->process->who);
	if (result < 0)
		return result;
	set_one_time(&ref, TIME_ACCESS, &time[0]);
	set_one_time(&ref, TIME_MODIFY, &time[1]);
	inode_touch(&ref, TIME_CHANGE);
	step_commit();
	return 0;
}

/* ---- access and statfs */

static int64_t access_at(struct call *call, uint32_t flags)
{
	const uint64_t *word = call->message.word;
	uint32_t mode = word[2];
	struct attributes attributes;
	struct place place;
	int result;

	if (mode & ~7U || flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	result = attributes_at(call, word[0], word[1], flags, &place, &attributes);
	if (result < 0 || !mode)
		return result;
	if (mode & MAY_WRITE && place.tree && place.tree->is_volume && volume_of(place.number)->read_only)
		return -EROFS;
	return permission_check_mode(attributes.mode, attributes.uid, attributes.gid, mode, &call->process->who);
}

int64_t linux_faccessat(struct call *call)
{
	return access_at(call, 0);
}

int64_t linux_faccessat2(struct call *call)
{
	return access_at(call, call->message.word[3]);
}

#define EXT2_STATFS_MAGIC 0xEF53
#define TMPFS_STATFS_MAGIC 0x01021994
#define PROC_STATFS_MAGIC 0x9fa0

static void measure_disk(struct statfs *statfs)
{
	statfs->f_type = EXT2_STATFS_MAGIC;
	statfs->f_blocks = volume.super->blocks_count;
	statfs->f_bfree = blocks_available(&volume, true);
	statfs->f_bavail = blocks_available(&volume, false);
	memcpy(&statfs->f_fsid, volume.super->uuid, sizeof(statfs->f_fsid));
	statfs->f_flags = 0x20 | 0x400 | (volume.read_only ? 1 : 0);	/* ST_VALID, ST_NOATIME, ST_RDONLY */
}

/* Its blocks are the pager's pages. */
static void measure_memory(struct statfs *statfs)
{
	struct pager_counters counters;

	pager_count(&counters);
	statfs->f_blocks = counters.memory_pages_max;
	statfs->f_bfree = statfs->f_bavail = counters.memory_pages_max - counters.memory_pages;
	statfs->f_flags = 0x20 | 0x400;
}

static int64_t put_statfs(struct call *call, uint64_t address, struct place place)
{
	struct statfs statfs = { .f_type = place.tree == &proc_tree ? PROC_STATFS_MAGIC : TMPFS_STATFS_MAGIC, .f_bsize = BLOCK_BYTES,
				 .f_frsize = BLOCK_BYTES, .f_namelen = NAME_MAX };

	if (place.tree && place.tree->is_volume) {
		const struct superblock *super = volume_of(place.number)->super;

		if (node_jobs_pending())
			return wait_for(WAIT_KEY(WAIT_JOBS, 0));
		if (place.tree == &disk_tree)
			measure_disk(&statfs);
		else
			measure_memory(&statfs);
		statfs.f_files = super->inodes_count;
		statfs.f_ffree = super->free_inodes;
	}
	return copy_out(call, address, &statfs, sizeof(statfs));
}

int64_t linux_statfs(struct call *call)
{
	struct walk walk;
	int result = walk_path(call, AT_FDCWD, call->message.word[0], WALK_FOLLOW, &walk);

	return result < 0 ? result : put_statfs(call, call->message.word[1], walk.target);
}

int64_t linux_fstatfs(struct call *call)
{
	struct open *open = descriptor_get(call->process, call->message.word[0]);

	return open ? put_statfs(call, call->message.word[1], open->place) : -EBADF;
}
