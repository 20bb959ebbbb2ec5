/*
 * Access to user memory; mapping.h says how careful it is.
 */
#include "mapping.h"

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
		space->near_large = address / LARGE_BYTES;
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
