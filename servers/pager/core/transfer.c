/*
 * Copies between programs and files: read, write and their kin. Both sides are frames that the core
 * reaches through its window: a user page is found by its VMA, no page table is walked. Each step looks up both pages anew, copies at
 * most to the end of one of them, and only then moves the offset and the length. A long transfer is done in slices. One that has to wait, or is between two
 * slices, keeps the description (its offset) and, when it writes, the object locked, so that appends and the pieces of one write stay together.
 */
#include "transfer.h"

/* An error of the I/O behind a user's page is a bad address to who copies there. */
long transfer_user(struct transfer *transfer, uint64_t address, bool write, uint8_t **bytes)
{
	long status = user_bytes(transfer->space, address, write, transfer->waiter, bytes);

	transfer->waiter->progress[3] = status == CORE_WAIT;
	return status;
}

/* ---- one piece */

static long read_piece(struct transfer *transfer, uint64_t address, uint64_t bytes)
{
	struct object *object = transfer->object;
	uint64_t position = transfer->start + transfer->waiter->done, index = position >> PAGE_SHIFT, pages;
	struct frame *frame;
	uint8_t *to;
	long status;

	if (position >= object->length) {
		transfer->ended = true;
		return 0;
	}
	bytes = minimum(bytes, object->length - position);
	pages = pages_of((position & PAGE_MASK) + bytes);
	bytes = minimum(bytes, CORE_PAGE - (position & PAGE_MASK));
	status = memory_want(transfer->waiter, false);
	if (status)
		return status;
	status = transfer_user(transfer, address, true, &to);
	if (status < 0)
		return status;
	bytes = minimum(bytes, status);
	frame = page_get(object, index, &transfer->description->ahead, pages, transfer->waiter, &status);
	if (!frame)
		return status;
	memmove(to, (uint8_t *)frame_bytes(frame) + (position & PAGE_MASK), bytes);
	if (object->backed)
		page_ahead(object, &transfer->description->ahead, index, index);
	return bytes;
}

/* The file's page to write to, with its content and a block. Past the end it is a new one that nobody sees yet. */
static struct frame *page_to_write(struct transfer *transfer, uint64_t index, uint64_t pages, long *status)
{
	struct object *object = transfer->object;
	struct frame *frame;

	if (index < object_end(object)) {
		frame = page_get(object, index, &transfer->description->ahead, pages, transfer->waiter, status);
		if (frame == core.zero)
			frame = page_make(object, index, transfer->waiter, status);
	} else {
		object->past_end = true;
		frame = pages_find(object, index);
		if (!frame)
			frame = page_make(object, index, transfer->waiter, status);
	}
	if (!frame || !object->backed || (frame->flags & PAGE_BLOCK))
		return frame;
	*status = page_want_blocks(object, index, pages, transfer->waiter);
	return NULL;
}

static long write_piece(struct transfer *transfer, uint64_t address, uint64_t bytes)
{
	struct object *object = transfer->object;
	struct waiter *waiter = transfer->waiter;
	uint64_t position = transfer->start + waiter->done, pages;
	struct frame *frame;
	uint8_t *from;
	long status;

	if (position >= CORE_FILE_MAX)
		return -EFBIG;
	bytes = minimum(bytes, CORE_FILE_MAX - position);
	pages = pages_of((position & PAGE_MASK) + bytes);
	bytes = minimum(bytes, CORE_PAGE - (position & PAGE_MASK));
	status = memory_want(waiter, false);
	if (!status && position > object->length)
		status = page_zero_tail(object, waiter);
	if (status)
		return status;
	status = user_bytes(transfer->space, address, false, waiter, &from);
	if (status < 0)
		return status;
	bytes = minimum(bytes, status);
	frame = page_to_write(transfer, position >> PAGE_SHIFT, pages, &status);
	if (!frame)
		return status;
	/* Nothing below may fail. */
	memmove((uint8_t *)frame_bytes(frame) + (position & PAGE_MASK), from, bytes);
	page_dirty(frame);
	if (position + bytes > object->length)
		object->length = position + bytes;
	object_modify(object);
	return bytes;
}

long transfer_move(struct transfer *transfer, uint64_t address, uint64_t goal)
{
	struct waiter *waiter = transfer->waiter;

	while (waiter->done < goal && !transfer->ended) {
		uint64_t left = goal - waiter->done;
		long piece = CORE_AGAIN;

		if (transfer->pieces++ < slice_pieces())
			piece = transfer->write ? write_piece(transfer, address, left) : read_piece(transfer, address, left);
		if (piece < 0)
			return piece;
		address += piece;
		waiter->done += piece;
		if (!transfer->at)
			transfer->description->offset = transfer->start + waiter->done;
	}
	return 0;
}

/* ---- the whole */

static long check_transfer(uint64_t address, uint64_t count, uint64_t position, unsigned flags)
{
	uint64_t bytes = flags & TRANSFER_VECTOR ? count * sizeof(struct vector) : count;

	if ((flags & ~(TRANSFER_AT | TRANSFER_VECTOR)) || ((flags & TRANSFER_AT) && (int64_t)position < 0))
		return -EINVAL;
	if ((flags & TRANSFER_VECTOR) ? count > VECTORS_MAX : (int64_t)count < 0)
		return -EINVAL;
	if (bytes > CORE_USER_END || address > CORE_USER_END - bytes)
		return -EFAULT;
	return (flags & TRANSFER_AT) && (int64_t)(position + count) < 0 ? -EINVAL : 0;
}

static void grab(struct lock *lock, struct waiter *waiter)
{
	if (!lock->owner)
		lock_take(lock, waiter);
}

/* Not at its end: what must not change or go away is kept. */
static long keep(struct transfer *transfer, long status)
{
	struct waiter *waiter = transfer->waiter;

	if (!waiter->description) {
		waiter->description = transfer->description;
		waiter->description->references++;
		waiter->object = transfer->object;
		object_hold(waiter->object);
	}
	if (!transfer->at)
		grab(&transfer->description->lock, waiter);
	if (transfer->write)
		grab(&transfer->object->lock, waiter);
	return status;
}

static void finish(struct transfer *transfer)
{
	struct waiter *waiter = transfer->waiter;
	struct object *object = transfer->object;
	bool kept = waiter->description;

	lock_drop(&transfer->description->lock, waiter);
	if (transfer->write && (!object->lock.owner || object->lock.owner == waiter)) {
		if (object_trim_wanted(object))
			object_trim(object);
		lock_drop(&object->lock, waiter);
		if (too_many_dirty())
			write_some(4);
	}
	waiter->held[0] = waiter->held[1] = NULL;
	if (!kept)
		return;
	description_drop(waiter->description);
	waiter->description = NULL;
	waiter->object = NULL;
	object_drop(object);
}

static long begin(struct transfer *transfer, uint64_t position)
{
	struct waiter *waiter = transfer->waiter;
	struct description *description = transfer->description;
	long status = wait_error(waiter);

	if (status && waiter->progress[3])
		status = -EFAULT;
	waiter->progress[3] = 0;
	if (!status && !transfer->at)
		status = lock_check(&description->lock, waiter);
	if (!status && transfer->write)
		status = lock_check(&transfer->object->lock, waiter);
	if (!status && !waiter->progress[0]) {
		if (!transfer->at)
			position = description->offset;
		if (transfer->write && description->append)
			position = transfer->object->length;
		waiter->progress[0] = position + 1;
	}
	transfer->start = waiter->progress[0] - 1;
	return status;
}

static long transfer_run(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags, struct waiter *waiter,
	bool write)
{
	struct transfer transfer = {
		.space = space, .waiter = waiter, .write = write, .at = flags & TRANSFER_AT,
		.description = waiter->description ? waiter->description : description_find(open),
	};
	long status = check_transfer(address, count, position, flags);

	if (!transfer.description)
		return -EBADF;
	if (status || !count)
		return status;
	transfer.object = transfer.description->object;
	status = begin(&transfer, position);
	if (!status)
		status = flags & TRANSFER_VECTOR ? transfer_vectors(&transfer, address, count) : transfer_move(&transfer, address + waiter->done, minimum(count, TRANSFER_MAX));
	if (core_not_yet(status))
		return keep(&transfer, status);
	finish(&transfer);
	return waiter->done ? (long)waiter->done : status;
}

long core_read(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags, struct waiter *waiter)
{
	return transfer_run(space, open, address, count, position, flags, waiter, false);
}

long core_write(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags, struct waiter *waiter)
{
	return transfer_run(space, open, address, count, position, flags, waiter, true);
}
