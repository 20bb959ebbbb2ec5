/*
 * Inodes where they lie: a reference is a pointer into a block of the inode table, good until the step ends. Fields are
 * read through the accessors where the format splits them. Which pages have which blocks is map.c's business.
 */
#include "core.h"

#define NANOSECONDS 1000000000UL

int inode_get(uint32_t number, struct inode_ref *ref)
{
	const struct volume *on = volume_of(number);
	struct group_descriptor *descriptor;
	struct block *block;
	uint64_t offset;
	int result;

	if (!inode_in_range(on, number))
		return -ESTALE;
	result = group_get(on, (INDEX(number) - 1) / on->super->inodes_per_group, &descriptor, &block);
	if (result < 0)
		return result;
	offset = (uint64_t)((INDEX(number) - 1) % on->super->inodes_per_group) * on->inode_bytes;
	result = block_get(descriptor->inode_table + offset / BLOCK_BYTES, &block);
	if (result < 0)
		return result;
	*ref = (struct inode_ref){ number, block, (struct inode *)(block->data + offset % BLOCK_BYTES) };
	return 0;
}

int inode_get_live(uint32_t number, struct inode_ref *ref)
{
	int result = inode_get(number, ref);

	if (result == 0 && (!ref->raw->links || !ref->raw->mode))
		return -ESTALE;
	return result;
}

void inode_change(struct inode_ref *ref)
{
	uint32_t bytes = volume_of(ref->number)->inode_bytes;

	block_change(ref->block, ref->raw, bytes < sizeof(*ref->raw) ? bytes : sizeof(*ref->raw));
}

bool inode_is(const struct inode *inode, unsigned type)
{
	return (inode->mode & MODE_TYPE) == type;
}

bool inode_is_fast_link(const struct inode *inode)
{
	return inode_is(inode, MODE_LINK) && inode_length(inode) < sizeof(inode->pointer) &&
	       inode->sectors == (inode->attribute_block ? SECTORS : 0);
}

uint64_t inode_length(const struct inode *inode)
{
	uint64_t high = inode_is(inode, MODE_REGULAR) ? inode->bytes_high : 0;

	return high << 32 | inode->bytes;
}

static __attribute__((noinline)) int change_length(struct inode_ref *ref, uint64_t length)
{
	inode_change(ref);
	ref->raw->bytes = length;
	if (inode_is(ref->raw, MODE_REGULAR))
		ref->raw->bytes_high = length >> 32;
	return 0;
}

int inode_set_length(struct inode_ref *ref, uint64_t length)
{
	if (length > LENGTH_MAX)
		return -EFBIG;
	return length == inode_length(ref->raw) ? 0 : change_length(ref, length);
}

static bool has_extra(const struct inode_ref *ref, uint32_t end)
{
	uint32_t bytes = volume_of(ref->number)->inode_bytes;

	return bytes > INODE_BYTES_SMALL && ref->raw->extra_bytes >= end - INODE_BYTES_SMALL &&
	       ref->raw->extra_bytes <= bytes - INODE_BYTES_SMALL;
}

static uint64_t combine(uint32_t seconds, uint32_t extra)
{
	int64_t whole = (int64_t)(int32_t)seconds + ((int64_t)(extra & 3) << 32);

	return whole * NANOSECONDS + (extra >> 2) % NANOSECONDS;
}

uint64_t inode_time(const struct inode_ref *ref, enum time_field field)
{
	const struct inode *inode = ref->raw;
	bool extra = has_extra(ref, offsetof(struct inode, birth_time));

	if (field == TIME_ACCESS)
		return combine(inode->access_time, extra ? inode->access_extra : 0);
	if (field == TIME_MODIFY)
		return combine(inode->modify_time, extra ? inode->modify_extra : 0);
	return combine(inode->change_time, extra ? inode->change_extra : 0);
}

void inode_set_time(struct inode_ref *ref, unsigned fields, uint64_t nanoseconds)
{
	int64_t time = nanoseconds, seconds = time / (int64_t)NANOSECONDS, rest = time % (int64_t)NANOSECONDS;
	bool has = has_extra(ref, offsetof(struct inode, birth_time));
	uint32_t extra;

	if (rest < 0) {
		rest += NANOSECONDS;
		seconds--;
	}
	extra = rest << 2 | (((seconds - (int32_t)seconds) >> 32) & 3);
	inode_change(ref);
	if (fields & TIME_ACCESS) {
		ref->raw->access_time = seconds;
		if (has)
			ref->raw->access_extra = extra;
	}
	if (fields & TIME_MODIFY) {
		ref->raw->modify_time = seconds;
		if (has)
			ref->raw->modify_extra = extra;
	}
	if (fields & TIME_CHANGE) {
		ref->raw->change_time = seconds;
		if (has)
			ref->raw->change_extra = extra;
	}
}

void inode_touch(struct inode_ref *ref, unsigned fields)
{
	inode_set_time(ref, fields, volume.ops->now());
}

uint32_t inode_uid(const struct inode *inode)
{
	return (uint32_t)inode->uid_high << 16 | inode->uid;
}

uint32_t inode_gid(const struct inode *inode)
{
	return (uint32_t)inode->gid_high << 16 | inode->gid;
}

void inode_set_owner(struct inode_ref *ref, uint32_t uid, uint32_t gid)
{
	inode_change(ref);
	ref->raw->uid = uid;
	ref->raw->uid_high = uid >> 16;
	ref->raw->gid = gid;
	ref->raw->gid_high = gid >> 16;
}

uint64_t inode_object(const struct inode_ref *ref)
{
	return (uint64_t)ref->raw->generation << 32 | ref->number;
}

/* One link, no length, times now. The generation goes on from what the inode's last owner had: object numbers never come again. */
int inode_create(uint32_t parent, unsigned mode, uint32_t uid, uint32_t gid, struct inode_ref *ref)
{
	uint32_t number, generation, bytes = volume_of(parent)->inode_bytes;
	int result = inode_allocate(parent, (mode & MODE_TYPE) == MODE_DIRECTORY, &number);

	if (result == 0)
		result = inode_get(number, ref);
	if (result < 0)
		return result;
	generation = ref->raw->generation + 1;
	block_change(ref->block, ref->raw, bytes);
	memset(ref->raw, 0, bytes);
	ref->raw->mode = mode;
	ref->raw->links = 1;
	ref->raw->generation = generation;
	if (bytes >= INODE_BYTES_SMALL + INODE_EXTRA_WANTED)
		ref->raw->extra_bytes = INODE_EXTRA_WANTED;
	inode_set_owner(ref, uid, gid);
	inode_touch(ref, TIME_ACCESS | TIME_MODIFY | TIME_CHANGE);
	if (has_extra(ref, sizeof(struct inode))) {
		ref->raw->birth_time = ref->raw->change_time;
		ref->raw->birth_extra = ref->raw->change_extra;
	}
	return 0;
}
