/*
 * The object table; see object.h for its words. It takes the first pages of object memory for itself and refuses
 * nothing but a page in use or used up. What the kinds mean is in their own files.
 */
#include "space.h"

struct object *objects;
uint64_t object_count, object_first_free;

void object_init(void)
{
	uint64_t table_pages = (boot_info.object_pages * sizeof(struct object) + PAGE_BYTES - 1) >> PAGE_SHIFT;

	object_count = boot_info.object_pages;
	assert(table_pages < object_count && object_count < 1UL << TOKEN_THREAD_BITS);
	objects = direct(boot_info.object_base);
	for (uint64_t index = 0; index < object_count; index++)
		objects[index] = (struct object){ index < table_pages ? KIND_TABLE : KIND_NONE, TOKEN_NOBODY };
	this_hart->objects = objects;
	this_hart->object_bytes = object_count * sizeof(struct object);
	this_hart->object_entries = (uint64_t)objects - (uint64_t)objects / (PAGE_BYTES / sizeof(struct object));
	object_first_free = table_pages;
	this_hart->counters.object_pages_free = object_count - table_pages;
}

long object_can_create(const struct capability *extent, uint64_t physical, uint64_t *index)
{
	*index = (physical - boot_info.object_base) >> PAGE_SHIFT;
	if (!extent_covers(extent, physical, 1))
		return ERR_INVALID;
	if (object_kind(*index) != KIND_NONE)
		return ERR_IN_USE;
	return objects[*index].word >= OBJECT_RETIRED ? ERR_RETIRED : OK;
}

void *object_create(uint64_t index, enum kind kind, uint64_t bytes)
{
	assert(object_kind(index) == KIND_NONE);
	objects[index].word |= kind;
	this_hart->counters.object_pages_free--;
	return memset(object_page(index), 0, bytes);
}

void object_destroy(uint64_t index)
{
	assert(object_kind(index) != KIND_NONE);
	objects[index].word = (objects[index].word & OBJECT_RETIRED) + OBJECT_GENERATION;
	this_hart->counters.object_pages_free++;
}
