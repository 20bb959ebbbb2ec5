/*
 * The iovec arrays of readv and writev. The whole array is checked before a byte moves; it stays in the program's memory and is read again, entry by
 * entry, as the transfer goes on.
 */
#include "transfer.h"

static long read_vector(struct transfer *transfer, uint64_t address, struct vector *vector)
{
	for (uint64_t done = 0; done < sizeof *vector;) {
		uint8_t *from;
		long part = memory_want(transfer->waiter, false);

		if (!part)
			part = transfer_user(transfer, address + done, false, &from);
		if (part < 0)
			return part;
		part = minimum(part, sizeof *vector - done);
		memcpy((uint8_t *)vector + done, from, part);
		done += part;
	}
	return 0;
}

static long check_vectors(struct transfer *transfer, uint64_t address, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct vector vector;
		long status = read_vector(transfer, address + i * sizeof vector, &vector);

		if (status)
			return status;
		if ((int64_t)vector.length < 0)
			return -EINVAL;
		if (vector.length > CORE_USER_END || vector.base > CORE_USER_END - vector.length)
			return -EFAULT;
	}
	return 0;
}

/* progress[1]: the array was checked. A program that changes it afterwards hurts itself: each entry is used as it is read. */
long transfer_vectors(struct transfer *transfer, uint64_t address, uint64_t count)
{
	struct waiter *waiter = transfer->waiter;
	uint64_t before = 0;
	long status = waiter->progress[1] ? 0 : check_vectors(transfer, address, count);

	if (status != CORE_WAIT)
		waiter->progress[1] = 1;
	for (uint64_t i = 0; !status && i < count && !transfer->ended && before < TRANSFER_MAX; i++) {
		struct vector vector;

		status = read_vector(transfer, address + i * sizeof vector, &vector);
		if (status)
			break;
		vector.length = minimum(vector.length, TRANSFER_MAX - before);
		if (waiter->done < before + vector.length)
			status = transfer_move(transfer, vector.base + (waiter->done - before), before + vector.length);
		before += vector.length;
	}
	return status;
}
