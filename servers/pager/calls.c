/*
 * Page faults and the Linux calls that the pager meets first. Arguments are a program's: the core checks ranges and flags; fs
 * checks descriptors. Next: core/core.h for what is done, files.c for the calls that arrive by way of fs.
 */
#include "calls.h"

#include "fs.h"
#include "reply.h"
#include "requests.h"

#include <linux/errno.h>
#include <linux/mman.h>

uint64_t faults_copy;

/* Words: address, access, pc. */
long serve_fault(struct call *call)
{
	static struct map_item item __attribute__((aligned(512)));	/* its list in one page, as the kernel wants it */
	long result;

	result = core_fault(call_space(call), call->word[0], call->word[1] & ~ACCESS_COPY, &call->job.waiter, &item);
	if (core_not_yet(result))
		return result;
	if (result < 0)
		reply_refuse(call, result);
	else
		reply_map(call, &item);
	return CALL_DONE;
}

long linux_brk(struct call *call)
{
	return core_brk(call_space(call), call->word[0], &call->job.waiter);
}

/* A mapping of a descriptor goes on to fs, which comes back with PAGER_mmap. */
long linux_mmap(struct call *call)
{
	const uint64_t *word = call->word;

	if (word[5] % PAGE_BYTES)
		return -EINVAL;
	if (word[3] & MAP_ANONYMOUS)
		return core_mmap(call_space(call), word[0], word[1], word[2], word[3], 0, 0, PROT_READ | PROT_WRITE | PROT_EXEC, &call->job.waiter);
	forward_later(call->token, SLOT_FS, FS_mmap, word, sizeof(call->word), 0);
	return CALL_DONE;
}

long forward_mmap(struct call *call)
{
	const struct pager_mmap *request = (const struct pager_mmap *)call->word;
	struct object *object = core_object_find(request->object);
	unsigned prot = request->prot_flags, flags = request->prot_flags >> 32;
	long result;

	if (!request->object && flags & MAP_ANONYMOUS)		/* /dev/zero */
		return core_mmap(call_space(call), request->address, request->length, prot, flags, 0, 0, request->max_prot, &call->job.waiter);
	if (!object)
		return -ENODEV;
	core_object_hold(object);	/* what is replaced may be the last mapping of this very object */
	result = core_mmap(call_space(call), request->address, request->length, prot, flags & ~MAP_ANONYMOUS, object, request->offset, request->max_prot, &call->job.waiter);
	core_object_drop(object);
	return result;
}

long linux_munmap(struct call *call)
{
	return core_munmap(call_space(call), call->word[0], call->word[1], &call->job.waiter);
}

long linux_mprotect(struct call *call)
{
	return core_mprotect(call_space(call), call->word[0], call->word[1], call->word[2], &call->job.waiter);
}

long linux_madvise(struct call *call)
{
	return core_madvise(call_space(call), call->word[0], call->word[1], call->word[2], &call->job.waiter);
}

/* With the data written, or on its way, fs makes the metadata and the device follow, and answers. */
long linux_msync(struct call *call)
{
	struct fs_msync words = { 0 };
	bool alone = requests_none();
	long result;

	call->job.waiter.passes_on = requests_room();
	result = core_msync(call_space(call), call->word[0], call->word[1], call->word[2], &call->job.waiter, &words.object, &words.length, &words.modified);
	if (result == CORE_WRITES && !(words.writes = requests_writes(alone)))
		return CORE_AGAIN;
	if ((result && result != CORE_WRITES) || !(call->word[2] & MS_SYNC) || !words.object)
		return result;
	forward_later(call->token, SLOT_FS, FS_msync, &words, sizeof(words), 0);
	return CALL_DONE;
}
