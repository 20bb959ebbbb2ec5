/*
 * The process server's protocol. It owns processes and threads, clone, execve's commit, wait, signals, time. Besides
 * these it meets Linux calls directly (abi/linux.h) and kernel-made exception calls (badge BADGE_EXCEPTION).
 * Conventions as in abi/pager.h.
 */
#ifndef ABI_PROC_H
#define ABI_PROC_H

#include <stdint.h>

/*
 * Identity of a Linux thread: what THREAD_IDENTITY holds and every message of it carries.
 *   bits 0..15 process slot, 1..PROCESS_MAX-1: index into the tables of fs, pager and proc; reused after PROC_exited and FS_reap
 *   bits 16..47 process id       bits 48..63 thread number in the process, 0 for the first
 */
#define PROCESS_MAX 4096
#define IDENTITY_SLOT(identity) ((identity) & 0xffff)
#define IDENTITY_PID(identity) (((identity) >> 16) & 0xffffffff)
#define IDENTITY(slot, pid) ((uint64_t)(pid) << 16 | (slot))

#define PROC_LIST(X) \
	X(0x3000, forked,	FORWARD, PAGER, "PAGER_fork is done, or failed; carries the child's thread (CONTROL): its space and fault endpoint are set. None: that of the slot's last process waits there for the answer to its last call") \
	X(0x3001, exec,		FORWARD, PAGER, "the new space is ready: commit with registers, PAGER_commit") \
	X(0x3002, exited,	FORWARD, PAGER, "the space is given up: keep the token for the slot's next process, close the descriptors, tell the parent") \
	X(0x3003, bad_access,	FORWARD, PAGER, "the caller's fault cannot be served: deliver the signal") \
	X(0x3010, status,	FORWARD, FS, "read of /proc/PID/{stat,status,cmdline,comm}: format, copy out under the loan, answer the byte count") \
	X(0x3011, signal,	FORWARD, FS, "raise a signal in the caller (SIGPIPE), then answer it") \
	X(0x3012, shut,		FORWARD, FS, "FS_shutdown is done: power off through init")

enum proc_label {
#define X(number, name, how, from, text) PROC_##name = number,
	PROC_LIST(X)
#undef X
};

enum proc_status { PROC_STATUS_stat = 1, PROC_STATUS_status, PROC_STATUS_cmdline, PROC_STATUS_comm };

struct proc_forked	{ uint64_t identity; int64_t error; };		/* the child's; error 0 or -errno */
struct proc_exec	{ uint64_t pc, sp; char name[32]; };		/* name: last part of the path, NUL-terminated, cut */
struct proc_bad_access	{ uint64_t signal, address, access, pc; };	/* SIGSEGV, SIGBUS, or SIGKILL when memory has run out */
struct proc_status_request { uint64_t pid, which, address, bytes, offset; };
struct proc_signal	{ uint64_t signal; int64_t result; };		/* result: word 0 of the answer if the signal is ignored or blocked */
struct proc_shut	{ uint64_t status; };

_Static_assert(sizeof(struct proc_exec) <= 48, "a request fits the six words");

#endif
