/*
 * The pager's protocol. It owns frames, spaces, VMAs, objects (page cache), offsets and lengths.
 *
 * Besides these it meets Linux calls directly (abi/linux.h: brk mmap munmap mprotect msync madvise) and kernel-made faults (badge >= BADGE_FAULT).
 * An *object* is a 64-bit number that fs chooses and never reuses: inode generation << 32 | inode number; 0 is none. One with the bit
 * OBJECT_IN_MEMORY has no blocks: its pages are zero until they are written, are never asked of fs nor written back, and stay until they are
 * cut off or the object is unlinked and unused. While it has pages the pager's length is the only true one.
 * An *open* is a number that fs chooses for an open file description (below PAGER_OPENS).
 *
 * Column 3: CALL = a prompt call, answered at once. FORWARD = a Linux caller's token travels here and goes on as said.
 * Replies to calls: label 0, or label = -errno (Linux's). Words in the order of the structs.
 */
#ifndef ABI_PAGER_H
#define ABI_PAGER_H

#include <stdint.h>

#define PAGER_OPENS 65536
#define OBJECT_IN_MEMORY (1UL << 31)	/* the bit that fs' inode numbers in memory have */

#define PAGER_LIST(X) \
	X(0x1000, spawn,	CALL,	 PROC, "an empty space with INITCODE_PAGES anonymous pages (read, write, execute) at INITCODE_BASE and a new thread; reply carries the thread capability") \
	X(0x1001, fork,		FORWARD, PROC, "clone the caller's space (or share it) for a new thread; goes on to proc as PROC_forked, with the thread capability if it is not the thread of the slot's last process") \
	X(0x1002, commit,	FORWARD, PROC, "the exec'ing caller gets the space that PAGER_exec built; the old one is dropped; proc has written its registers, so a plain answer resumes it") \
	X(0x1003, abort,	CALL,	 PROC, "drop the space that PAGER_exec built for this thread; proc then answers the caller itself") \
	X(0x1004, exit,		FORWARD, PROC, "the caller's use of its space ends (dirty shared pages are harvested first); goes on to proc as PROC_exited. Its thread waits on, for the slot's next process, or is destroyed") \
	X(0x1010, open,		CALL,	 FS, "a new open description of an object") \
	X(0x1011, close,	CALL,	 FS, "the open description is gone") \
	X(0x1012, set_append,	CALL,	 FS, "change an open's append flag") \
	X(0x1013, stat,		CALL,	 FS, "live length and modification of an object") \
	X(0x1014, unlinked,	CALL,	 FS, "no name is left: forget the object (FS_REQUEST_release) when its last use goes, without write-back") \
	X(0x1015, script,	CALL,	 FS, "with lend: copy the `#!` line of the exec parked for a thread into fs's buffer") \
	X(0x1016, vma,		CALL,	 FS, "(and PROC, for /proc/PID/stat) with lend: copy struct pager_vma of the first VMA that ends above an address. It counts the pages of a part from there on, as far as one step goes") \
	X(0x1017, counters,	CALL,	 FS, "(and PROC, for sysinfo) with lend: copy struct pager_counters") \
	X(0x1018, control,	CALL,	 FS, "PAGER_CONTROL_*") \
	X(0x1019, unread,	CALL,	 FS, "how many bytes lie between an open description's offset and the end of its object") \
	X(0x1020, read,		FORWARD, FS, "read through an open description; the pager answers the caller") \
	X(0x1021, write,	FORWARD, FS, "write through an open description; the pager answers the caller. With TRANSFER_SYNC what has been written goes on like PAGER_sync") \
	X(0x1022, seek,		FORWARD, FS, "lseek; the pager answers the caller") \
	X(0x1023, mmap,		FORWARD, FS, "mmap of an object, checked by fs; the pager answers the caller") \
	X(0x1024, truncate,	FORWARD, FS, "change the live length; goes back to fs as FS_truncated") \
	X(0x1025, sync,		FORWARD, FS, "write back an object's (or all) dirty pages; goes back to fs as FS_synced") \
	X(0x1026, exec,		FORWARD, FS, "build a new space from an executable object; goes on to proc as PROC_exec, to fs as FS_script, or is answered with an error") \
	X(0x1027, drop_caches,	FORWARD, FS, "write(2) to drop_caches: forget all clean unmapped pages, having written back nothing; answered with word 1 of the request (the byte count)") \
	X(0x1028, serve,	FORWARD, FS, "from FS_serve: this file in memory is paged by the caller, who is answered: 0; -EBUSY: it is mapped, or another program serves it; -EINVAL: a file of the disk") \
	X(0x1029, supply,	FORWARD, CLIENT, "native call of a program that pages files: brings what was wanted, then waits until a page is wanted. -ENOENT: nothing like that was, or it pages no file (any more, after execve); -EFAULT: a bad address; -EINTR")

enum pager_label {
#define X(number, name, how, from, text) PAGER_##name = number,
	PAGER_LIST(X)
#undef X
};

#define INITCODE_BASE 0x10000UL
#define INITCODE_PAGES 2

struct pager_spawn	{ uint64_t identity; };
struct pager_fork	{ uint64_t identity, share, heard; };		/* the child's; share: 1 for CLONE_VM; heard: how many PROC_exited have come to proc since boot */
struct pager_abort	{ uint64_t thread; };				/* TOKEN_THREAD of the exec'ing caller */
struct pager_exit	{ uint64_t last, heard; };			/* last: 1: the token goes on after PROC_exited, which does not count, and the thread is left alone */
struct pager_open	{ uint64_t open, object, length, append; };	/* length on disk, used if the pager does not know the object yet. Counts as a use */
struct pager_close	{ uint64_t open; };
struct pager_set_append	{ uint64_t open, append; };
struct pager_unread	{ uint64_t open; };
struct pager_unread_reply { int64_t bytes; };				/* below zero: the offset lies past the end */
struct pager_stat	{ uint64_t object; };
struct pager_stat_reply	{ uint64_t known, length, modified, leaving, pages; };	/* modified: rdtime of the last write or store since the last question, 0: none; leaving: unlinked and unused, its release will come by itself; pages: in memory */
struct pager_unlinked	{ uint64_t object; };
struct pager_script	{ uint64_t thread, address, bytes; };		/* reply word 0: bytes copied, without the newline */
struct pager_vma_request { uint64_t identity, above, address, counts; };	/* counts 0: none are wanted. Reply label -ENOENT: no more; -ESRCH: no such space */
struct pager_counters_request { uint64_t address, bytes; };
struct pager_control	{ uint64_t what, value; };			/* reply word 0: the value now */
enum { PAGER_CONTROL_fault_around_bytes = 1 };				/* at most 2 MiB, rounded down to a power of two of 4096..131072; 0: only ask */

enum transfer_flag {
	TRANSFER_AT = 1,		/* at `position`; else at the open's offset, which advances */
	TRANSFER_VECTOR = 2,		/* address and count are an iovec array's */
	TRANSFER_SYNC = 4,		/* write: answered when it is durable */
};
struct pager_transfer	{ uint64_t open, address, count, position, flags; };	/* read, write */
struct pager_seek	{ uint64_t open, offset, whence; };
struct pager_mmap	{ uint64_t address, length, prot_flags, object, offset, max_prot; };	/* prot | flags << 32 as in mmap(2); max_prot: what mprotect may grant. fs has the object open */
struct pager_truncate	{ uint64_t object, length, cookie; };		/* cookie: comes back in FS_truncated */
struct pager_sync	{ uint64_t object, cookie; };			/* object 0: all. The cookie of what was a write: its bytes << 8 */
struct pager_serve	{ uint64_t object; };
struct pager_supply	{ uint64_t object, offset, address, failed; };	/* a page of the program at `address`, copied, is the object's at `offset` (bytes, whole pages); failed 1: there is none, its readers get EIO or SIGBUS. object 0: brings nothing, and hears again what is still to be brought */
struct pager_supply_reply { int64_t result; uint64_t object, offset; };	/* result 0, or the error: then nothing was brought */
struct pager_exec	{ uint64_t object, length, path, argv, envp, script; };	/* length as in open; counts as a use; the other addresses are the caller's (execve's arguments); script 1: object is the interpreter of the parked `#!` line */

struct pager_vma {
	uint64_t start, end, offset, object;
	uint32_t prot, flags;			/* PROT_*, MAP_SHARED or MAP_PRIVATE, MAP_ANONYMOUS, MAP_GROWSDOWN */
	uint32_t is_heap, is_stack;
	/* Of a part of it, which begins at its start, or at `above` if that lies within, and ends at `counted`: who asks again with that gets the next part. */
	uint64_t counted, resident_pages, dirty_pages;
	uint64_t resident_most;			/* no more than these are resident in all of it */
};

/* Counters since boot; _pages are present values. */
struct pager_counters {
	uint64_t total_pages, free_pages, cache_pages, cache_dirty_pages, anonymous_pages, own_pages;	/* own: the pager's own records and pinned */
	uint64_t memory_pages, memory_pages_max;							/* of files in memory (among anonymous_pages); no write makes them more than _max */
	uint64_t object_pages, object_pages_free;							/* kernel objects and page tables */
	uint64_t faults_read, faults_write, faults_cow, faults_major, faults_refused, faults_copy;
	uint64_t page_ins, page_outs, reclaimed, spaces, vmas, objects, anons;
	uint64_t cleared_ahead;									/* pages that were clear already when they were needed so */
};

_Static_assert(sizeof(struct pager_transfer) <= 48 && sizeof(struct pager_mmap) <= 48 && sizeof(struct pager_exec) <= 48, "a request fits the six words");

#endif
