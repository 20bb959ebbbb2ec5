/*
 * Open descriptions: the offset and append flag of an open file, found by the number that fs chose. The table's pages come when
 * they are needed. A description that is closed while a transfer waits stays until that transfer ends.
 */
#include "internal.h"

enum { WHENCE_SET, WHENCE_CURRENT, WHENCE_END, WHENCE_DATA, WHENCE_HOLE };

void description_drop(struct description *description)
{
	core_assert(description->references);
	if (!--description->references)
		slab_free(description, sizeof *description);
}

/* The record first, the use last: on failure nothing has been counted. */
long core_open(uint64_t open, uint64_t number, uint64_t length, bool append)
{
	struct description *description;
	struct object *object;

	if (open >= PAGER_OPENS || !number)
		return -EINVAL;
	memory_prompt();
	if (!core.opens[open / OPENS_PER_CHUNK])
		core.opens[open / OPENS_PER_CHUNK] = slab_take(OPENS_PER_CHUNK * sizeof description);
	if (!core.opens[open / OPENS_PER_CHUNK])
		return -ENOMEM;
	if (*description_slot(open))
		return -EEXIST;
	description = slab_take(sizeof *description);
	if (!description)
		return -ENOMEM;
	object = core_object_use(number, length);
	if (!object) {
		slab_free(description, sizeof *description);
		return -ENOMEM;
	}
	object->opens++;
	description->object = object;
	description->append = append;
	description->references = 1;
	*description_slot(open) = description;
	return 0;
}

long core_close(uint64_t open)
{
	struct description *description = description_find(open);
	struct object *object;

	if (!description)
		return -EBADF;
	object = description->object;
	*description_slot(open) = NULL;
	description->closed = true;
	description_drop(description);
	object->opens--;
	object_settle(object);
	return 0;
}

long core_set_append(uint64_t open, bool append)
{
	struct description *description = description_find(open);

	if (!description)
		return -EBADF;
	description->append = append;
	return 0;
}

long core_unread(uint64_t open, int64_t *bytes)
{
	struct description *description = description_find(open);

	if (!description)
		return -EBADF;
	*bytes = description->object->length - description->offset;
	return 0;
}

struct object *core_open_object(uint64_t open)
{
	struct description *description = description_find(open);

	return description ? description->object : NULL;
}

/* A file without holes: data up to the end, one hole there. */
static long seek_content(uint64_t offset, unsigned whence, uint64_t length)
{
	if (offset >= length)
		return -ENXIO;
	return whence == WHENCE_DATA ? (long)offset : (long)length;
}

long core_seek(uint64_t open, int64_t offset, unsigned whence)
{
	struct description *description = description_find(open);
	uint64_t length, base;
	int64_t sum;

	if (!description)
		return -EBADF;
	length = description->object->length;
	if (whence == WHENCE_DATA || whence == WHENCE_HOLE) {
		sum = offset < 0 ? -ENXIO : seek_content(offset, whence, length);
	} else if (whence <= WHENCE_END) {
		base = whence == WHENCE_SET ? 0 : whence == WHENCE_CURRENT ? description->offset : length;
		if (__builtin_add_overflow((int64_t)base, offset, &sum) || sum < 0 || sum > (int64_t)CORE_FILE_MAX)
			return -EINVAL;
	} else {
		return -EINVAL;
	}
	if (sum >= 0)
		description->offset = sum;
	return sum;
}
