/*
 * What fs asks: open descriptions, transfers through them, lengths, write-back. fs has checked rights and descriptors; the pager
 * moves the bytes and answers the caller, or hands the caller back where fs has something left to do.
 */
#include "calls.h"

#include "fs.h"
#include "reply.h"
#include "requests.h"

#include <linux/errno.h>

long prompt_open(const struct message *request, struct message *reply)
{
	const struct pager_open *open = (const struct pager_open *)request->word;

	(void)reply;
	return open->open < PAGER_OPENS && open->object ? core_open(open->open, open->object, open->length, open->append) : -EBADF;
}

long prompt_close(const struct message *request, struct message *reply)
{
	(void)reply;
	return request->word[0] < PAGER_OPENS ? core_close(request->word[0]) : -EBADF;
}

long prompt_set_append(const struct message *request, struct message *reply)
{
	(void)reply;
	return request->word[0] < PAGER_OPENS ? core_set_append(request->word[0], request->word[1]) : -EBADF;
}

long prompt_unread(const struct message *request, struct message *reply)
{
	return request->word[0] < PAGER_OPENS ? core_unread(request->word[0], &((struct pager_unread_reply *)reply->word)->bytes) : -EBADF;
}

long prompt_stat(const struct message *request, struct message *reply)
{
	struct object *object = core_object_find(request->word[0]);
	struct pager_stat_reply *stat = (struct pager_stat_reply *)reply->word;

	if (!object)
		return 0;
	stat->known = 1;
	stat->length = core_object_length(object);
	stat->modified = core_object_modified(object);
	stat->leaving = core_object_leaving(object);
	stat->pages = core_object_pages(object);
	return 0;
}

long prompt_unlinked(const struct message *request, struct message *reply)
{
	struct object *object = core_object_find(request->word[0]);

	(void)reply;
	if (!object)
		return -ENOENT;
	core_object_unlinked(object);
	return 0;
}

typedef long transfer(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags, struct waiter *waiter);

static long move(struct call *call, transfer *operation)
{
	const struct pager_transfer *request = (const struct pager_transfer *)call->word;

	if (request->open >= PAGER_OPENS)
		return -EBADF;
	return operation(call_space(call), request->open, request->address, request->count, request->position, request->flags & ~TRANSFER_SYNC,
			 &call->job.waiter);
}

long forward_read(struct call *call)
{
	return move(call, core_read);
}

/* What must be durable has become a sync of its file, which brings the count back to fs. */
long forward_write(struct call *call)
{
	const struct pager_transfer *request = (const struct pager_transfer *)call->word;
	long result = move(call, core_write);
	struct object *object = result > 0 && request->flags & TRANSFER_SYNC ? core_open_object(request->open) : 0;

	if (!object)
		return result;
	*(struct pager_sync *)call->word = (struct pager_sync){ .object = core_object_number(object), .cookie = (uint64_t)result << 8 };
	job_fresh(&call->job);
	call->operation = forward_sync;
	return forward_sync(call);
}

long forward_seek(struct call *call)
{
	return call->word[0] < PAGER_OPENS ? core_seek(call->word[0], call->word[1], call->word[2]) : -EBADF;
}

long forward_truncate(struct call *call)
{
	const struct pager_truncate *request = (const struct pager_truncate *)call->word;
	struct fs_truncated words = { request->object, request->length, request->cookie, 0 };
	struct object *object = core_object_find(request->object);
	long result = 0;

	if (object) {
		core_object_hold(object);
		result = core_object_truncate(object, request->length, &call->job.waiter);
		core_object_drop(object);
	}
	if (core_not_yet(result))
		return result;
	words.error = result < 0 ? result : 0;
	forward_later(call->token, SLOT_FS, FS_truncated, &words, sizeof(words), 0);
	return CALL_DONE;
}

/* An object that is not known here has nothing to be written. */
long forward_sync(struct call *call)
{
	const struct pager_sync *request = (const struct pager_sync *)call->word;
	struct fs_synced words = { .object = request->object, .cookie = request->cookie };
	struct object *object = request->object ? core_object_find(request->object) : 0;
	bool alone = requests_none();
	long result;

	if (object)
		core_object_hold(object);
	call->job.waiter.passes_on = requests_room();
	result = object || !request->object ? core_object_sync(object, &call->job.waiter) : -ENOENT;
	if (result == CORE_WRITES)
		result = (words.writes = requests_writes(alone)) ? 0 : CORE_AGAIN;
	if (object && !core_not_yet(result)) {
		words.length = core_object_length(object);
		words.modified = core_object_modified(object);
	}
	if (object)
		core_object_drop(object);
	if (core_not_yet(result))
		return result;
	words.error = result < 0 ? result : 0;
	forward_later(call->token, SLOT_FS, FS_synced, &words, sizeof(words), 0);
	return CALL_DONE;
}

long forward_drop_caches(struct call *call)
{
	long result;

	if (spaces_give_back(0))
		return CORE_AGAIN;
	result = core_drop_caches(&call->job.waiter);
	return result ? result : (long)call->word[1];
}
