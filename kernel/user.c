/*
 * Access to user memory; mapping.h says how careful it is.
 */
#include "mapping.h"
#include "riscv/sv39.h"

uint8_t *user_reach(struct space *space, uint64_t address, uint64_t access, uint64_t *bytes)
{
	struct walk walk = table_walk(space, address);
	uint64_t offset = address & (level_bytes(walk.level) - 1), physical;

	if (address >= USER_END || !walk.entry || !(entry_rights(*walk.entry) & access))
		return NULL;
	physical = entry_physical(*walk.entry) + offset;
	if (!is_page_memory(physical))
		return NULL;
	entry_use(walk.entry, access);
	if (walk.level == 1) {
		space->near_large = address / LARGE_BYTES + 1;
		space->large_entry = walk.entry;
	}
	*bytes = level_bytes(walk.level) - offset;
	return direct(physical);
}

long user_transfer(struct space *space, uint64_t address, void *buffer, uint64_t bytes, uint64_t access)
{
	uint64_t length;

	for (; bytes; address += length, buffer = (uint8_t *)buffer + length, bytes -= length) {
		uint8_t *user = user_reach(space, address, access, &length);

		if (!user)
			return ERR_BAD_ADDRESS;
		length = min(length, bytes);
		memcpy(access == ACCESS_READ ? buffer : user, access == ACCESS_READ ? user : buffer, length);
	}
	return OK;
}

long user_array(struct space *space, uint64_t address, uint64_t count, uint64_t access, struct user_array *array)
{
	uint64_t length;

	assert(count <= USER_ARRAY_MAX);
	if (address & 7)
		return ERR_INVALID;
	array->split = min(count, (PAGE_BYTES - (address & (PAGE_BYTES - 1))) / 8);
	array->part[0] = (uint64_t *)user_reach(space, address, access, &length);
	array->part[1] = array->part[0];
	if (array->part[0] && array->split < count)
		array->part[1] = (uint64_t *)user_reach(space, address + array->split * 8, access, &length);
	return array->part[1] ? OK : ERR_BAD_ADDRESS;
}
