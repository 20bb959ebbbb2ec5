/*
 * Directories: a list of entries in each block, searched from the front. A hashed index that another system has laid over a
 * directory (the format keeps it readable as a list) is dropped at the first change. A position for listing is the
 * byte offset in the directory: entries never move, so it stays good whatever comes and goes.
 */
#include "core.h"

/* Each entry is checked before it is believed; a bad one ends the operation. */
static bool entry_is_good(const struct inode_ref *directory, const struct entry *entry, uint32_t offset)
{
	if (offset + 8 > BLOCK_BYTES || entry->bytes < 8 || entry->bytes % 4 || offset + entry->bytes > BLOCK_BYTES)
		return false;
	return !entry->inode || (entry->name_bytes && entry->bytes >= ENTRY_BYTES(entry->name_bytes) &&
				 inode_in_range(volume_of(directory->number), entry->inode));
}

static int damaged(const struct inode_ref *directory)
{
	volume_corrupt("a directory is damaged", directory->number);
	return -EUCLEAN;
}

static uint64_t pages_of(const struct inode_ref *directory)
{
	return inode_length(directory->raw) / BLOCK_BYTES;
}

/* A directory grows within one step, so it must leave room in the cache. */
static uint64_t pages_max(void)
{
	return cache_blocks() / 2;
}

static int get_page(struct inode_ref *directory, uint64_t page, struct block **block)
{
	uint32_t number;
	int result = page < volume_of(directory->number)->super->blocks_count ? map_lookup(directory, page, &number) : damaged(directory);

	if (result < 0)
		return result;
	return number ? block_get(number, block) : damaged(directory);
}

static struct entry *entry_at(struct block *block, uint32_t offset)
{
	return (struct entry *)(block->data + offset);
}

static int find_in_block(struct inode_ref *directory, struct block *block, const char *name, size_t length, struct position *found)
{
	struct entry *entry, *previous = NULL;

	for (uint32_t offset = 0; offset < BLOCK_BYTES; offset += entry->bytes, previous = entry) {
		entry = entry_at(block, offset);
		if (!entry_is_good(directory, entry, offset))
			return damaged(directory);
		if (entry->inode && entry->name_bytes == length && !memcmp(entry->name, name, length)) {
			*found = (struct position){ block, entry, previous };
			return 0;
		}
	}
	return -ENOENT;
}

int directory_find(struct inode_ref *directory, const char *name, size_t length, struct position *found)
{
	int result = -ENOENT;

	for (uint64_t page = 0; result == -ENOENT && page < pages_of(directory); page++) {
		struct block *block;

		result = get_page(directory, page, &block);
		if (result == 0)
			result = find_in_block(directory, block, name, length, found);
		if (result == -ENOENT)
			block_let_go(block);
	}
	return result;
}

/* ---- changes */

static void changed(struct inode_ref *directory)
{
	inode_touch(directory, TIME_MODIFY | TIME_CHANGE);
	directory->raw->flags &= ~INODE_INDEX;
}

static uint8_t type_of(const struct inode_ref *directory, unsigned mode)
{
	static const uint8_t type[16] = { [1] = 5, [2] = 3, [4] = 2, [6] = 4, [8] = 1, [10] = 7, [12] = 6 };

	return volume_of(directory->number)->super->incompatible & INCOMPATIBLE_FILETYPE ? type[(mode & MODE_TYPE) >> 12] : 0;
}

static void fill_entry(const struct inode_ref *directory, struct entry *entry, const char *name, size_t length, uint32_t inode, unsigned mode)
{
	entry->inode = inode;
	entry->name_bytes = length;
	entry->type = type_of(directory, mode);
	memcpy(entry->name, name, length);
}

/* Puts the entry behind another's name, or into free space, of this block. -ENOSPC: it does not fit. */
static int add_to_block(struct inode_ref *directory, struct block *block, const char *name, size_t length, uint32_t inode, unsigned mode)
{
	uint32_t need = ENTRY_BYTES(length), used;
	struct entry *entry;

	for (uint32_t offset = 0; offset < BLOCK_BYTES; offset += entry->bytes) {
		entry = entry_at(block, offset);
		if (!entry_is_good(directory, entry, offset))
			return damaged(directory);
		used = entry->inode ? ENTRY_BYTES(entry->name_bytes) : 0;
		if (entry->bytes < used + need)
			continue;
		block_change(block, entry, used + need);
		if (used) {
			struct entry *behind = entry_at(block, offset + used);

			behind->bytes = entry->bytes - used;
			entry->bytes = used;
			entry = behind;
		}
		fill_entry(directory, entry, name, length, inode, mode);
		return 0;
	}
	return -ENOSPC;
}

static int append_page(struct inode_ref *directory, bool privileged, struct block **block)
{
	uint64_t page = pages_of(directory), done;
	uint32_t number;
	int result = page < pages_max() ? map_allocate(directory, page, 1, privileged, &done) : -ENOSPC;

	if (result == 0)
		result = map_lookup(directory, page, &number);
	if (result == 0)
		result = block_fresh(number, block);
	if (result == 0)
		result = inode_set_length(directory, (page + 1) * BLOCK_BYTES);
	if (result == 0)
		entry_at(*block, 0)->bytes = BLOCK_BYTES;
	return result;
}

int directory_add(struct inode_ref *directory, const char *name, size_t length, uint32_t inode, unsigned mode, bool privileged)
{
	struct block *block;
	int result = -ENOSPC;

	for (uint64_t page = 0; result == -ENOSPC && page < pages_of(directory); page++) {
		result = get_page(directory, page, &block);
		if (result == 0)
			result = add_to_block(directory, block, name, length, inode, mode);
		if (result == -ENOSPC)
			block_let_go(block);
	}
	if (result == -ENOSPC) {
		result = append_page(directory, privileged, &block);
		if (result == 0)
			result = add_to_block(directory, block, name, length, inode, mode);
	}
	if (result == 0)
		changed(directory);
	return result;
}

void directory_remove(struct inode_ref *directory, struct position *at)
{
	if (at->previous) {
		block_change(at->block, at->previous, 8);
		at->previous->bytes += at->entry->bytes;
	}
	block_change(at->block, at->entry, 8);
	at->entry->inode = 0;
	changed(directory);
}

void directory_replace(struct inode_ref *directory, struct position *at, uint32_t inode, unsigned mode)
{
	block_change(at->block, at->entry, 8);
	at->entry->inode = inode;
	at->entry->type = type_of(directory, mode);
	changed(directory);
}

/* ---- listing */

static bool is_dots(const char *name, size_t length)
{
	return name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
}

/* Entries of one block from byte `from` on. 1: emit has no room. */
static int list_block(struct inode_ref *directory, struct block *block, uint64_t start, uint64_t *cookie, directory_emit *emit, void *context)
{
	static const uint8_t type[8] = { 0, 8, 4, 2, 6, 1, 12, 10 };
	struct entry *entry;

	for (uint32_t offset = 0; offset < BLOCK_BYTES; offset += entry->bytes) {
		entry = entry_at(block, offset);
		if (!entry_is_good(directory, entry, offset))
			return damaged(directory);
		if (start + offset < *cookie)
			continue;
		if (entry->inode && !emit(context, entry->name, entry->name_bytes, entry->inode, type[entry->type & 7], start + offset + entry->bytes))
			return 1;
		*cookie = start + offset + entry->bytes;
	}
	return 0;
}

int directory_list(struct inode_ref *directory, uint64_t *cookie, directory_emit *emit, void *context)
{
	int result = 0;

	for (uint64_t page = *cookie / BLOCK_BYTES; result == 0 && page < pages_of(directory); page++) {
		struct block *block;

		result = get_page(directory, page, &block);
		if (result < 0)
			return result;
		result = list_block(directory, block, page * BLOCK_BYTES, cookie, emit, context);
		if (result == 0)
			block_let_go(block);
	}
	return result < 0 ? result : 0;
}

static bool emit_none(void *context, const char *name, size_t length, uint64_t inode, unsigned type, uint64_t next)
{
	(void)inode, (void)type, (void)next;
	*(bool *)context = is_dots(name, length);
	return *(bool *)context;
}

int directory_is_empty(struct inode_ref *directory)
{
	bool empty = true;
	uint64_t cookie = 0;
	int result = directory_list(directory, &cookie, emit_none, &empty);

	return result < 0 ? result : empty;
}

struct wanted { uint32_t inode; char *name; size_t *length; bool found; };

static bool emit_wanted(void *context, const char *name, size_t length, uint64_t inode, unsigned type, uint64_t next)
{
	struct wanted *wanted = context;

	(void)type, (void)next;
	if (inode != wanted->inode || is_dots(name, length))
		return true;
	memcpy(wanted->name, name, length);
	*wanted->length = length;
	wanted->found = true;
	return false;
}

int directory_name_of(struct inode_ref *directory, uint32_t inode, char *name, size_t *length)
{
	struct wanted wanted = { inode, name, length, false };
	uint64_t cookie = 0;
	int result = directory_list(directory, &cookie, emit_wanted, &wanted);

	return result < 0 ? result : wanted.found ? 0 : -ENOENT;
}
