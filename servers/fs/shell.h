/*
 * The server around the core (core/core.h): calls, processes, descriptors, pipes, the rings, /dev and /proc.
 *
 * A CALL is a Linux call of a program, or an operation of pager or proc. Its handler returns the answer (a value or a negated errno), or
 *   WAIT    something is missing: the call is parked under volume.wait_key and executed again from its start
 *   AGAIN   a slice is done: executed again soon
 *   TAKEN   the token is gone: forwarded, or the caller faults on its pager and the call comes again
 * So handlers copy in and check first, change then (step_commit), and keep what they have acted on in `done` and `stage`.
 *
 *   new --run--> answered                         .--> WAITING --wake--.
 *    `--run--> WAIT / AGAIN / TAKEN ------------->+--> READY ----------+--run--> ...
 *                                                 +--> AWAY (comes back as FS_*)
 *                                                 `--> FAULTED (comes back as EVENT_REDELIVERED)
 */
#ifndef FS_SHELL_H
#define FS_SHELL_H

#include "core/core.h"

#include "fs.h"
#include "linux.h"
#include "pager.h"
#include "proc.h"
#include "server.h"

_Static_assert(OBJECT_IN_MEMORY == IN_MEMORY, "an object's number shows the volume of its inode");

#define AGAIN (WAIT - 1)
#define TAKEN (WAIT - 2)

/* More to wait for than the core knows (enum wait_kind). */
enum shell_wait { WAIT_MOUNT = 16, WAIT_FLUSH, WAIT_SLOT, WAIT_DATA };

/* Calls in the order in which they came. A key may also be the address of such a list, which is where they wait then: those have kind 0. */
struct list { struct call *first, *last; };

/* ---- call.c */
enum call_state { CALL_RUNNING = 1, CALL_READY, CALL_WAITING, CALL_AWAY, CALL_FAULTED };
enum call_after { AFTER_NOTHING, AFTER_OPEN, AFTER_PATH };	/* what to do when a truncation is done */
struct call {
	struct message message;
	int64_t event;
	struct process *process;	/* the caller; null: none (a server's own call) */
	uint8_t state;
	/* How far it has come; all zero when it begins. */
	uint8_t stage, after;
	bool interrupted;		/* answer early if there is nothing to be had */
	bool close_on_exec;		/* of the descriptor to be made */
	uint64_t done;			/* bytes acted on */
	uint64_t stamp;			/* what a sync waits for */
	struct open *open;		/* held by the call */
	/* While it waits. */
	uint64_t key;
	struct list *list;		/* null: in none */
	struct call *next, *previous, *hash_next;
};
extern struct call *current;			/* the one that runs, or ran last */
typedef int64_t call_handler(struct call *call);
long calls_serve(bool wait, uint64_t *bits);	/* sends what is kept back, receives, runs what came; an event, or an error. *bits: of a notification */
void calls_run_ready(void);			/* a bounded number */
void calls_drop_process(struct process *process);	/* it is gone: nobody waits for these answers */
void call_end(struct call *call, int64_t result);	/* one that waits: the answer */
int64_t forward(struct call *call, uint64_t slot, uint64_t label);	/* with the words that stand in its message: TAKEN; the caller does not come back */
int64_t forward_and_return(struct call *call, uint64_t slot, uint64_t label, const void *words, size_t bytes);	/* TAKEN; it comes back as FS_* */
static inline int64_t forward_call(struct call *call, uint64_t slot, uint64_t label, const void *words, size_t bytes)
{
#pragma GCC unroll 6	/* then the compiler sees that most of it is there already */
	for (size_t i = 0; i < bytes / 8; i++)
		call->message.word[i] = ((const uint64_t *)words)[i];
	return forward(call, slot, label);
}
int call_server(uint64_t slot, struct message *message);	/* a prompt call; the reply's label, or -EIO */
call_handler *handler_of(const struct call *call);	/* main.c; null: no such call */

/* ---- queue.c: where calls wait */
void queue_wait(struct call *call, uint64_t key);
void queue_ready(struct call *call);		/* it can go on */
struct call *queue_next(void);			/* the one whose turn it is, in no queue any more; null: none can go on */
void queue_leave(struct call *call);		/* if it is in one */
bool calls_ready(void);
void wake(uint64_t key);			/* calls and the pager's requests */
void wake_calls(uint64_t key);
bool wake_one(uint64_t key);			/* the call that has waited longest; false: none does */

/* ---- copy.c: under the caller's loan: 0, -EFAULT, or TAKEN (return it at once) */
int loan_result(struct call *call, enum loan loan);	/* that, after one of libsys' copies */
int copy_in(struct call *call, uint64_t address, void *own, size_t bytes);
int copy_out(struct call *call, uint64_t address, const void *own, size_t bytes);
int copy_path(struct call *call, uint64_t address, char path[PATH_BYTES]);
int transfer_bytes(struct call *call, unsigned how, uint64_t *bytes);	/* how many a transfer means, or -EINVAL */
int transfer_in(struct call *call, unsigned how, uint64_t skip, void *own, size_t bytes);	/* from so many bytes into its buffers on */
int transfer_out(struct call *call, unsigned how, uint64_t skip, const void *own, size_t bytes);

/* ---- process.c: processes and their descriptors */
#define DESCRIPTORS 1024
struct process {
	uint64_t identity;
	bool exited;				/* a zombie */
	uint16_t parked;			/* how many of its calls are entered, and one more while it executes; 0: a transfer may be done at once */
	uint32_t umask;
	struct credentials who;
	struct place directory;			/* working directory */
	struct node *directory_node;		/* held; null: on no volume, or the root */
	struct node *program;			/* what it executes (process_execute); null: unknown */
	struct node *executing;			/* what an execve under way leads to: the program when FS_exec says so, nothing if it fails */
	uint64_t executing_thread;		/* its thread: when that calls again, execve has ended */
	unsigned top;				/* all descriptors in use lie below; what stands above means nothing */
	uint64_t close_on_exec[DESCRIPTORS / 64];
	uint16_t open[DESCRIPTORS];		/* number of the open description, 0: free */
};
_Static_assert(sizeof(struct process) <= 4096, "one page per process");
extern struct process *processes[PROCESS_MAX];
static inline struct process *process_or_zombie(uint64_t identity)	/* null: not there (any more) */
{
	struct process *process = processes[IDENTITY_SLOT(identity) % PROCESS_MAX];

	return process && (process->identity ^ identity) << 16 == 0 ? process : NULL;	/* all but the thread number */
}
static inline struct process *process_of(uint64_t identity)
{
	struct process *process = process_or_zombie(identity);

	return process && !process->exited ? process : NULL;
}
struct process *process_by_pid(uint64_t pid);
struct process *process_next(unsigned *slot);	/* walks all */
void process_set_directory(struct process *process, struct place place, struct node *node);
void process_execute(struct node **slot, struct node *node);	/* slot: program or executing; node null: nothing any more */
void process_executing(struct process *process, struct node *node);
int descriptor_free(const struct process *process, int from);			/* the lowest that is free, or -EMFILE */
void descriptor_set(struct process *process, int descriptor, struct open *open, bool close_on_exec);	/* takes over one reference */
/* ---- open.c: open file descriptions. `number` is known to the pager for regular files. */
#define WRITES_DURABLY 16			/* O_SYNC or O_DSYNC, on the disk */
enum open_kind { OPEN_FILE = 1, OPEN_DIRECTORY, OPEN_PIPE_READER, OPEN_PIPE_WRITER, OPEN_TTY, OPEN_DEVICE, OPEN_TEXT, OPEN_PATH };
struct open {
	uint32_t number, references;
	uint8_t kind, access;			/* access: MAY_READ, MAY_WRITE, WRITES_DURABLY */
	uint8_t at_once;			/* transfers (bits; LINUX_read is 0) that transfer_at_once looks at */
	uint32_t flags;				/* O_* */
	struct place place;
	struct node *node;			/* held; null: on no volume */
	union {
		struct pipe *pipe;
		uint64_t position;		/* of directories, devices and texts; the pager keeps that of files */
	};
	uint64_t resume, resume_at;		/* texts made in pieces: where a piece began, in their own terms and in bytes */
};
_Static_assert(sizeof(struct open) == 64, "found without a division");
extern struct table opens;
static inline struct open *descriptor_small(const struct process *process, uint64_t descriptor)	/* null: EBADF, or a number with too many bits */
{
	uint64_t number = descriptor < process->top ? process->open[descriptor] : 0;

	return number ? table_record(&opens, number, sizeof(struct open)) : NULL;
}
static inline struct open *descriptor_get(const struct process *process, uint64_t descriptor)	/* null: EBADF */
{
	return descriptor_small(process, (uint32_t)descriptor);
}
struct open *open_take(enum open_kind kind, uint32_t flags, struct place place);	/* one reference; null: ENFILE */
void open_release(struct open *open);
static inline bool open_readable(const struct open *open)
{
	return open->access & MAY_READ;
}
static inline bool open_writable(const struct open *open)
{
	return open->access & MAY_WRITE;
}
static inline bool open_is_pipe(const struct open *open)
{
	return open->kind == OPEN_PIPE_READER || open->kind == OPEN_PIPE_WRITER;
}
int open_announce(struct open *open, struct node *node, uint64_t length);	/* to the pager; takes a hold on the node */

/* ---- file.c, attribute.c, name.c, ...: Linux calls. Paths relative to a descriptor: */
int start_place(struct call *call, uint64_t descriptor, const char *path, struct place *start);
int walk_at(struct call *call, uint64_t descriptor, const char *path, unsigned flags, struct walk *walk);
int walk_path(struct call *call, uint64_t descriptor, uint64_t path_address, unsigned flags, struct walk *walk);	/* with copy_path */
bool object_stat(uint64_t object, struct pager_stat_reply *reply);
void set_modified(struct inode_ref *ref, uint64_t modified);	/* rdtime, 0: not modified */

/* ---- transfer.c: read, write and the like. how: the pager's TRANSFER_AT and TRANSFER_VECTOR, and */
#define TRANSFER_WRITE 8
enum { TRANSFER_READS = 0x15, TRANSFER_PLAIN = 3 };	/* bits as in open->at_once: read, readv, pread64; read, write */
typedef int64_t transfer_function(struct call *call, struct open *open, unsigned how);	/* words 1 to 3 of the message: address, count, position */
bool open_is_stream(const struct open *open);
/*
 * Most transfers end, for fs, in the moment in which they come: the bytes of files are the pager's business, those of pipes mostly lie
 * ready. They need no record, and their message does not leave the registers, if all is inlined: it becomes what is to be sent.
 */
#define INLINED inline __attribute__((always_inline))
enum at_once {
	LATER,		/* nothing is done yet */
	ANSWERED,
	PASSED_ON,	/* answered, and somebody else has perhaps been woken or answered */
	FORWARDED,	/* to the pager */
	WAITING,	/* under volume.wait_key */
};
enum at_once transfer_at_once(const struct process *process, struct message *message);

/* ---- pipe.c */
#define PIPE_BYTES (16 * BLOCK_BYTES)
transfer_function pipe_read, pipe_write;
enum at_once pipe_read_at_once(struct message *message, struct open *open);
enum at_once pipe_write_at_once(struct message *message, struct open *open);
void pipe_close(struct open *open);
uint64_t pipe_bytes(const struct open *open);

/* ---- device.c, proctree.c, proctext.c */
extern const struct tree device_tree, proc_tree;
int overlays_find(void);				/* after mounting, what to lie over: 0 or WAIT */
transfer_function device_read, device_write;
enum open_kind device_kind(uint64_t number);
enum { DEVICE_ROOT = 1, DEVICE_CONSOLE, DEVICE_TTY, DEVICE_NULL, DEVICE_ZERO, DEVICE_FULL, DEVICE_RANDOM, DEVICE_URANDOM, DEVICE_MEMORY };
transfer_function text_read, text_write;
void pager_count(struct pager_counters *counters);
int path_of_node(const struct node *node, char *text, size_t bytes, size_t *length);	/* -ENOENT: unknown */
/* Numbers of places in /proc: kind | pid << 8 | descriptor << 40. */
enum proc_kind {
	PROC_ROOT = 1, PROC_SYS, PROC_SYS_VM, PROC_PROCESS, PROC_FDS,
	PROC_MEMINFO, PROC_VMSTAT, PROC_STAT, PROC_UPTIME, PROC_MOUNTS, PROC_CPUINFO, PROC_FILESYSTEMS, PROC_VERSION, PROC_LOADAVG,
	PROC_BENCH_KERNEL, PROC_DROP_CACHES, PROC_FAULT_AROUND, PROC_PID_STAT, PROC_PID_STATUS, PROC_PID_CMDLINE, PROC_PID_COMM,
	PROC_PID_MAPS, PROC_PID_SMAPS, PROC_SELF, PROC_PID_EXE, PROC_PID_CWD, PROC_FD,
};
#define PROC_NUMBER(kind, pid, descriptor) ((uint64_t)(kind) | (uint64_t)(pid) << 8 | (uint64_t)(descriptor) << 40)
#define PROC_KIND(number) ((number) & 0xff)
#define PROC_PID(number) ((number) >> 8 & 0xffffffff)
#define PROC_DESCRIPTOR(number) ((number) >> 40)

/* ---- pages.c: the pager's requests.   blocks.c: requests to blk. */
void pages_init(struct ring *ring);
void pages_observe(void);		/* when the pager notifies, before the endpoint is polled ... */
void pages_admit(void);			/* ... and found empty: requests seen before come after all calls sent before them */
bool pages_unadmitted(void);		/* there are requests that wait for that */
uint32_t pages_admit_asked(uint32_t asked);	/* a call says that it was sent after these, which may come now; their place in the ring */
bool pages_written(uint64_t object, uint32_t asked);	/* none of the writes before that place is under way; else wait for WAIT_DATA */
uint32_t pages_failures(void);		/* writes answered with an error */
bool pages_ready(void);			/* admitted ones can go on */
void pages_run(void);
void pages_wake(uint64_t key);
void pages_io_done(uint32_t task, bool failed);
void pages_flushed(void);
bool release_expected(void);		/* the pager is about to give up a deleted object: there will be space */
void blocks_init(struct ring *ring);
bool blocks_start(unsigned operation, uint64_t first, uint32_t count, const uint32_t *frames, uint32_t task, bool quiet);	/* for a pager's request */
uint64_t blocks_flush(void);		/* a device flush that begins from now on; 0: the device has none */
bool blocks_flushed(uint64_t flush);	/* else wait for WAIT_FLUSH */
bool blocks_all_flushed(void);		/* nothing has been written since the last flush, and none is under way */
/* All metadata that is dirty, and a flush behind it. The flush; 0: there is none, or it cannot cover all: *stamp is to be waited for first. */
uint64_t blocks_write_and_flush(uint64_t *stamp);
void blocks_take(void);			/* what blk has answered */
bool blocks_send(void);			/* tell blk that there is work; true: some of it is done */
int blocks_info(uint64_t *blocks, bool *read_only);
extern const struct core_ops device_ops;

/* ---- sync.c */
int64_t sync_then(struct call *call);	/* all metadata written and flushed: 0 */
void sync_timer(void);
void sync_arm_timer(void);

/* ---- main.c */
extern const struct start_info *start;
uint64_t time_of_ticks(uint64_t ticks);
uint64_t frame_of(const void *page);	/* physical page number of a page in the pool */

#endif
