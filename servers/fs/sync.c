/*
 * Making things durable: data first (in the pager, where the token travels), then all dirty metadata, then the device's own
 * cache. And the way out: when the last process has ended, what has no name is freed and the volume is marked clean.
 */
#include "shell.h"

#define WRITE_BACK_SECONDS 5
/* Whose PAGER_sync it is: sync(2) cannot fail. Above this byte: what is to be told at the end. */
enum { COOKIE_SYNC = 1, COOKIE_SHUTDOWN, COOKIE_CHECKED };

static bool timer_armed;

/* ---- calls */

static int64_t sync_object(struct call *call, uint64_t object, uint64_t cookie)
{
	const struct pager_sync words = { object, cookie };

	return forward_call(call, SLOT_PAGER, PAGER_sync, &words, sizeof(words));
}

int64_t linux_sync(struct call *call)
{
	return sync_object(call, 0, COOKIE_SYNC);
}

int64_t linux_syncfs(struct call *call)
{
	return descriptor_get(call->process, call->message.word[0]) ? sync_object(call, 0, COOKIE_CHECKED) : -EBADF;
}

int64_t linux_fsync(struct call *call)
{
	struct open *open = descriptor_get(call->process, call->message.word[0]);

	if (!open || open->kind == OPEN_PATH)
		return -EBADF;
	if (!open->place.tree || !open->place.tree->is_volume)
		return -EINVAL;
	if (open->place.tree == &memory_tree)
		return 0;
	if (open->kind != OPEN_FILE)
		return sync_then(call);
	return sync_object(call, (uint64_t)open->node->generation << 32 | open->node->inode, COOKIE_CHECKED);
}

int64_t linux_fdatasync(struct call *call)
{
	return linux_fsync(call);
}

/* ---- metadata and device */

enum stage { BEGIN, DATA, WRITING, FLUSHING };

/* 0 when everything that was dirty at the first try is durable. */
static int64_t make_durable(struct call *call)
{
	uint64_t stamp, flush;

	if (call->stage == BEGIN) {
		if (!cache_is_dirty() && blocks_all_flushed())
			return 0;
		flush = blocks_write_and_flush(&stamp);
		call->stamp = flush ? flush : stamp;
		call->stage = flush ? FLUSHING : WRITING;
	}
	if (call->stage == WRITING) {
		if (!cache_written(call->stamp))
			return wait_for(WAIT_KEY(WAIT_WRITTEN, 0));
		call->stamp = blocks_flush();
		call->stage = FLUSHING;
	}
	if (!blocks_flushed(call->stamp))
		return wait_for(WAIT_KEY(WAIT_FLUSH, 0));
	return 0;
}

int64_t sync_then(struct call *call)
{
	int64_t result = make_durable(call);

	return result == 0 && volume.broken ? -EIO : result;
}

/* Writes that the pager has left to us: 0: they are done. One has failed that it does not know of: what that means is its business. */
static int64_t await_writes(struct call *call, uint64_t object, uint64_t writes, uint64_t cookie)
{
	if (call->stage == BEGIN)
		call->stamp = pages_admit_asked(FS_WRITES_ASKED(writes));
	call->stage = DATA;
	if (!pages_written(object, call->stamp))
		return wait_for(WAIT_KEY(WAIT_DATA, 0));
	if (FS_WRITES(0, pages_failures()) != FS_WRITES(0, FS_WRITES_FAILURES(writes)))
		return sync_object(call, object, cookie);
	call->stage = BEGIN;
	return 0;
}

/* What the pager knows of the object goes into its inode, unless writes have brought it, then all is written. */
static int64_t note_and_sync(struct call *call, uint64_t object, uint64_t length, uint64_t modified, uint64_t writes, uint64_t cookie, int64_t error)
{
	struct pager_stat_reply now;
	struct inode_ref ref;
	int64_t result;

	if (writes && call->stage <= DATA) {
		result = await_writes(call, object, writes, cookie);
		if (result)
			return result;
	}
	if (error == -ENOENT)
		error = 0;	/* not known to the pager: nothing to be written */
	else if (object && !error && call->stage == BEGIN && !volume.read_only && (modified || !writes)) {
		result = inode_get((uint32_t)object, &ref);
		if (result == WAIT) {
			call->done = 1;
			return WAIT;
		}
		if (result == 0 && inode_object(&ref) == object) {
			if (call->done && object_stat(object, &now)) {	/* a truncation may have come while this waited for the inode */
				length = now.length;
				modified = now.modified ? now.modified : modified;
			}
			inode_set_length(&ref, length);
			set_modified(&ref, modified);
			step_commit();
		}
	}
	result = sync_then(call);
	return result == 0 ? error : result;
}

/* ---- the way out */

static int64_t shut_down(struct call *call, uint64_t status)
{
	const struct proc_shut words = { status };
	int64_t result;

	if (!call->done) {
		node_free_orphans();
		if (node_jobs_pending())
			return wait_for(WAIT_KEY(WAIT_JOBS, 0));
		result = make_durable(call);
		if (result < 0)
			return result;
		volume_mark_clean();
		step_commit();
		volume.read_only = true;
		call->done = 1;
		call->stage = BEGIN;
	}
	result = make_durable(call);
	if (result < 0)
		return result;
	return forward_call(call, SLOT_PROC, PROC_shut, &words, sizeof(words));
}

int64_t fs_shutdown(struct call *call)
{
	return sync_object(call, 0, COOKIE_SHUTDOWN | call->message.word[0] << 8);
}

int64_t fs_synced(struct call *call)
{
	const struct fs_synced *request = (const struct fs_synced *)call->message.word;
	int64_t result;

	if ((request->cookie & 0xff) == COOKIE_SHUTDOWN)
		return shut_down(call, request->cookie >> 8);
	result = note_and_sync(call, request->object, request->length, request->modified, request->writes, request->cookie, request->error);
	if (result <= WAIT)
		return result;
	return result == 0 || request->cookie == COOKIE_SYNC ? (int64_t)(request->cookie >> 8) : result;
}

int64_t fs_msync(struct call *call)
{
	const struct fs_msync *request = (const struct fs_msync *)call->message.word;

	return note_and_sync(call, request->object, request->length, request->modified, request->writes, COOKIE_CHECKED, 0);
}

/* ---- the timer: dirty metadata does not stay in memory for ever; a system at rest is not woken */

void sync_arm_timer(void)
{
	if (timer_armed || !cache_is_dirty())
		return;
	timer_armed = true;
	sys_timer_set(SLOT_CONTROL, SLOT_NOTIFICATION, NOTIFY_TIMER, read_time() + WRITE_BACK_SECONDS * start->timebase_hz);
}

void sync_timer(void)
{
	timer_armed = false;
	cache_write_back();
}
