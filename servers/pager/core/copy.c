/*
 * Copies between programs and the server: strings of execve, tables that fs asks for, pages of a program's pager. User pages are found by VMA and
 * brought in as in transfer.c, one after the other; progress is in waiter->done.
 */
#include "internal.h"

static long copy_user(struct space *space, uint64_t address, uint8_t *ours, uint64_t bytes, bool write, struct waiter *waiter)
{
	long status = wait_error(waiter);

	while (!status && waiter->done < bytes) {
		uint64_t part = bytes - waiter->done;
		uint8_t *theirs;
		long have = memory_want(waiter, false);

		if (!have)
			have = user_bytes(space, address + waiter->done, write, waiter, &theirs);
		if (have < 0) {
			status = have;
			break;
		}
		part = minimum(part, have);
		if (write)
			memcpy(theirs, ours + waiter->done, part);
		else
			memcpy(ours + waiter->done, theirs, part);
		waiter->done += part;
	}
	return status == CORE_WAIT || !waiter->done ? status : (long)waiter->done;
}

long core_copy_in(struct space *space, uint64_t address, void *to, uint64_t bytes, struct waiter *waiter)
{
	return copy_user(space, address, to, bytes, false, waiter);
}

long core_copy_out(struct space *space, uint64_t address, const void *from, uint64_t bytes, struct waiter *waiter)
{
	return copy_user(space, address, (uint8_t *)from, bytes, true, waiter);
}
