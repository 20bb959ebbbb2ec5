/*
 * Access to user memory; see user.h.
 */
#include "user.h"
#include "memory.h"
#include "riscv/sv39.h"

uint8_t *user_reach(struct space *space, uint64_t address, uint64_t access, uint64_t *bytes)
{
	struct walk walk;
	uint64_t physical, offset;

	if (address >= USER_END)
		return NULL;
	walk = table_walk(space, address);
	if (!walk.entry || !(entry_rights(*walk.entry) & access))
		return NULL;
	offset = address & (level_bytes(walk.level) - 1);
	physical = entry_physical(*walk.entry) + offset;
	if (physical < memory.page_base || physical - memory.page_base >= memory.page_pages << PAGE_SHIFT)
		return NULL;
	entry_use(walk.entry, access);
	*bytes = level_bytes(walk.level) - offset;
	return direct(physical);
}

static long transfer(struct space *space, uint64_t address, uint8_t *buffer, uint64_t bytes, uint64_t access)
{
	uint64_t length;

	if (address & 7)
		return ERR_INVALID;
	while (bytes) {
		uint8_t *user = user_reach(space, address, access, &length);

		if (!user)
			return ERR_BAD_ADDRESS;
		length = min(length, bytes);
		if (access == ACCESS_READ)
			memcpy(buffer, user, length);
		else
			memcpy(user, buffer, length);
		address += length;
		buffer += length;
		bytes -= length;
	}
	return OK;
}

long user_read(struct space *space, uint64_t address, void *buffer, uint64_t bytes)
{
	return transfer(space, address, buffer, bytes, ACCESS_READ);
}

long user_write(struct space *space, uint64_t address, const void *buffer, uint64_t bytes)
{
	return transfer(space, address, (uint8_t *)buffer, bytes, ACCESS_WRITE);
}

long user_array(struct space *space, uint64_t address, uint64_t count, uint64_t access, struct user_array *array)
{
	uint64_t length;

	assert(count <= USER_ARRAY_MAX);
	if (address & 7)
		return ERR_INVALID;
	array->part[0] = (uint64_t *)user_reach(space, address, access, &length);
	array->split = min(count, (PAGE_BYTES - (address & (PAGE_BYTES - 1))) / 8);
	if (!array->part[0])
		return ERR_BAD_ADDRESS;
	if (array->split == count)
		return OK;
	array->part[1] = (uint64_t *)user_reach(space, address + array->split * 8, access, &length);
	return array->part[1] ? OK : ERR_BAD_ADDRESS;
}
