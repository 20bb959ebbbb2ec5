/*
 * The file server's protocol. It owns names, inodes, block maps, permissions, descriptors and pipes, never file data.
 * Besides these it meets Linux calls directly (abi/linux.h) and the pager's ring requests (abi/ring.h). Conventions as in abi/pager.h.
 */
#ifndef ABI_FS_H
#define ABI_FS_H

#include <stdint.h>

#define FS_LIST(X) \
	X(0x2000, fork,		CALL,	 PROC, "the child gets the parent's descriptors, directory, umask and credentials; parent 0: an empty table, directory /") \
	X(0x2001, exec,		CALL,	 PROC, "close the descriptors marked close-on-exec") \
	X(0x2002, exit,		CALL,	 PROC, "close all of a process; its name stays in /proc, as a zombie's does") \
	X(0x2003, credentials,	CALL,	 PROC, "effective user and group of a process from now on") \
	X(0x2004, shutdown,	FORWARD, PROC, "sync everything and mark the volume clean; goes back to proc as PROC_shut") \
	X(0x2005, reap,		CALL,	 PROC, "forget the process, closing what FS_exit has not closed; its slot is free") \
	X(0x2010, mmap,		FORWARD, PAGER, "mmap of a descriptor: the six words are mmap(2)'s; goes back as PAGER_mmap, or is answered with an error") \
	X(0x2011, truncated,	FORWARD, PAGER, "PAGER_truncate is done: nothing in memory past the new length; free blocks and answer") \
	X(0x2012, synced,	FORWARD, PAGER, "PAGER_sync is done, but for writes under way: write metadata, flush the device, answer") \
	X(0x2013, script,	FORWARD, PAGER, "exec found `#!`: ask PAGER_script, find the interpreter, go back with PAGER_exec") \
	X(0x2014, msync,	FORWARD, PAGER, "msync(MS_SYNC): data written, or asked to be; write metadata of the object (0: none), flush the device, answer 0") \
	X(0x2016, exec_failed,	FORWARD, PAGER, "PAGER_exec found no memory to count the use that came with it: take it back and answer the error") \
	X(0x2015, serve,	FORWARD, CLIENT, "native call of a program: it pages the file in memory that this descriptor, open for reading and writing, names (PAGER_serve). Reply: struct fs_serve_reply. -EBADF, -EACCES, -EINVAL, -EBUSY")

enum fs_label {
#define X(number, name, how, from, text) FS_##name = number,
	FS_LIST(X)
#undef X
};

struct fs_fork		{ uint64_t parent, child; };			/* identities */
struct fs_exec		{ uint64_t identity; };
struct fs_exit		{ uint64_t identity; };
struct fs_reap		{ uint64_t identity; };
struct fs_credentials	{ uint64_t identity, uid, gid; };
struct fs_shutdown	{ uint64_t status; };
struct fs_truncated	{ uint64_t object, length, cookie; int64_t error; };
struct fs_synced	{ uint64_t object, length, modified, cookie; int64_t error; uint64_t writes; };	/* modified as in pager_stat_reply; writes: FS_WRITES */
struct fs_script	{ uint64_t thread, path, argv, envp; };		/* thread: key for PAGER_script; the rest are execve's arguments */
struct fs_serve		{ uint64_t descriptor; };
struct fs_serve_reply	{ int64_t result; uint64_t object; };		/* result 0, or the error; object: what PAGER_supply calls it */
struct fs_exec_failed	{ uint64_t object; int64_t error; };
struct fs_msync		{ uint64_t object, length, modified, writes; };

/*
 * Writes of the object that are still under way, 0: none. The pager does not wait for them: fs answers when they are done; if one of its writes has failed that
 * the pager has not heard of, it hands the caller back with PAGER_sync. asked: request_head of their ring; failures: answers to writes
 * with an error that the pager has seen since boot.
 */
#define FS_WRITES(asked, failures) (1UL << 63 | ((uint64_t)(failures) & 0x7fffffff) << 32 | (uint32_t)(asked))
#define FS_WRITES_ASKED(writes) ((uint32_t)(writes))
#define FS_WRITES_FAILURES(writes) ((writes) >> 32 & 0x7fffffff)

#endif
