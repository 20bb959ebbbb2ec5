/*
 * The pager's core: frames, objects with their page cache, VMAs, anonymous memory, copy-on-write, write-back. Plain C that
 * knows neither messages nor the kernel: it acts on the world below only through struct core_ops. The same source runs on
 * Quire, on the host under sanitizers against a reference model (tests/host/pager_model.c), and in a trace-driven simulator (tools/simulate/).
 *
 * HOW AN OPERATION ENDS.  Every operation returns a long:
 *   >= 0         done
 *   -errno       failed as Linux's man page says; nothing was changed unless said
 *   CORE_WAIT    parked: `waiter` hangs in a queue (a page under I/O, free memory, a busy space). When it is worth trying again,
 *                the core calls ops->wake(waiter); the caller then repeats the operation with the same arguments. Progress is kept in the
 *                waiter, never acted twice.
 *   CORE_AGAIN   a slice of long work is done: repeat soon, let others run in between
 * A waiter belongs to the caller (one per parked call) and is zeroed before an operation's first attempt. core_cancel takes it out (the caller
 * died or was interrupted): what was done stays done, e.g. the count of core_read is waiter->done.
 *
 *   new --op--> done                                 (zeroed by the owner, then)
 *    `--op--> CORE_WAIT --wake--> op again ...       `--core_cancel--> free to go
 *
 * Addresses, lengths and offsets are bytes; `frame` is a physical address; page numbers say so. All sizes 64 bits.
 * Errors and PROT_*, MAP_*, MADV_*, MS_* are Linux's numbers (<asm/mman.h>, <linux/errno.h>), which agree on riscv64 and x86-64.
 */
#ifndef PAGER_CORE_H
#define PAGER_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_WAIT	(-100000L)
#define CORE_AGAIN	(-100001L)
#define CORE_WRITES	(-100003L)	/* of a sync whose waiter passes_on: all is done but for writes that have been asked for. Who cannot pass that on repeats it without */

static inline bool core_not_yet(long status)	/* the operation goes on */
{
	return status == CORE_WAIT || status == CORE_AGAIN;
}

#define CORE_PAGE 4096UL
#define CORE_USER_END (1UL << 38)	/* Sv39: 256 GiB */
#define CORE_BATCH 32			/* pages in one map item or one request */
#define CORE_REQUESTS 192		/* under way at once */
#define CORE_FILE_MAX ((1UL << 41) - CORE_PAGE)	/* no object grows past it (-EFBIG): ext2's bound with blocks of 4096 bytes */

/* The path of a fault that can be answered at once is one piece of code, from the message to the answer: what lies on it is
 * made a part of its caller, what does not is kept out. */
#define STRAIGHT inline __attribute__((always_inline))
#define RARE __attribute__((noinline))

struct space;		/* one address space: VMAs and the handle of its page table */
struct object;		/* a file's cached content (or shared anonymous memory) */

struct lock {
	struct waiter *owner, *queue;
};

struct waiter {
	struct waiter *next, **link;	/* queue; link null: in none */
	uint64_t done;			/* transfer: bytes so far */
	uint64_t progress[4];		/* the operation's own */
	long error;			/* what the I/O that it waited for failed with */
	bool fetched;			/* it has waited for a page */
	bool passes_on;			/* the shell's: it need not wait for writes, who answers them knows what to do then */
	bool served;			/* ... of a program's pager, which may never bring it: the shell may have to break it off */
	uint32_t since;			/* waits for memory since it was last said that there may be some */
	struct lock *held[2];		/* locks and records that it keeps while it is parked; core_cancel lets them go */
	struct object *object;
	struct description *description;
};

/* ---- the world below. All are called without re-entering the core. */
struct core_request {
	uint64_t id;			/* comes back in core_complete */
	uint64_t pager;			/* 0: to fs. Else page_in of one page, to be met by this pager (core_object_serve) */
	unsigned operation;		/* FS_REQUEST_* of abi/ring.h */
	unsigned count;
	uint64_t object, first, length;
	uint64_t modified;		/* write: as core_object_modified says */
	bool sync;			/* write: somebody waits for it to be durable */
	uint64_t frame[CORE_BATCH];	/* page_in, write: physical addresses, pinned until core_complete */
};

struct core_ops {
	/* Page tables. `table` is what core_space_create was given. Semantics of the kernel's unmap, protect, scan (abi/kernel.h) but for the
	 * whole range: report entries (address | REPORT_A | REPORT_D) of dirty pages go to `dirty` one by one. rights: RIGHT_*. */
	void (*unmap)(void *table, uint64_t address, uint64_t pages, void (*dirty)(void *context, uint64_t address), void *context);
	void (*protect)(void *table, uint64_t address, unsigned rights, uint64_t pages, void (*dirty)(void *context, uint64_t address), void *context);
	void (*scan)(void *table, uint64_t address, unsigned flags, uint64_t pages, void (*seen)(void *context, uint64_t entry), void *context);
	void (*request)(const struct core_request *request);	/* queue it for fs; never fails, never blocks */
	void (*wake)(struct waiter *waiter);
	void (*later)(void);					/* core_deferred_step has something to do */
	void (*clear_ahead)(void);				/* core_clear_ahead has, when nobody else has anything to do */
	uint64_t (*now)(void);					/* rdtime ticks */
	__attribute__((noreturn)) void (*broken)(const char *fact);	/* an invariant is broken */
};

/* `window` + physical address = where the core reaches a frame. Extents of free memory are added after core_init; the
 * first one also pays for the frame table, which covers lowest..highest. */
void core_init(const struct core_ops *ops, uintptr_t window, uint64_t lowest, uint64_t highest);
void core_add_memory(uint64_t physical, uint64_t pages);

/* Records of the server itself from the core's slabs (zeroed; 16 bytes aligned; bytes <= 4096), null: no memory. */
void *core_allocate(size_t bytes);
void core_free(void *record, size_t bytes);

void core_complete(uint64_t id, int64_t status, uint64_t value);	/* the answer to ops->request, as in abi/ring.h */
void core_cancel(struct waiter *waiter);

/* ---- spaces. A space is busy during long work; conflicting operations then wait. */
struct space *core_space_create(void *table, uint64_t number);		/* null: no memory */
long core_space_destroy(struct space *space, struct waiter *waiter);	/* unmaps all, harvests dirty bits; may answer CORE_AGAIN; 0: freed. The page table is then empty */
long core_space_fork(struct space *parent, struct space *child, struct waiter *waiter);	/* child: fresh from core_space_create; on -ENOMEM destroy it */

/* The heap: brk(2) starts at `start`, set once by exec. */
void core_space_set_heap(struct space *space, uint64_t start);
long core_brk(struct space *space, uint64_t end, struct waiter *waiter);	/* returns the break now, as the Linux call does */

/* ---- faults. access: ACCESS_READ/WRITE/EXECUTE of abi/kernel.h (COPY ignored). Fault-around fills up to the knob's window with pages that
 * are in the cache already. 0: answer with the item. -EFAULT: no VMA or no right (SIGSEGV); -EIO: past the end of the object or the disk
 * failed, -ENOSPC: no block for a store (SIGBUS); -ENOMEM: memory has truly run out. */
struct map_item {
	uint64_t address;		/* first page */
	unsigned rights, pages, at;	/* at: index of the faulting page */
	uint64_t frame[CORE_BATCH];	/* 0: skip */
};
long core_fault(struct space *space, uint64_t address, unsigned access, struct waiter *waiter, struct map_item *item);
/*
 * The common case of it, which waits for nothing and asks for nothing, and so needs no waiter: what is wanted is there, or made of free memory. It ends as the
 * operation itself would; or it is not that case: then nothing that can be seen was done, and the operation itself says what is to be done. ONE_PAGE is
 * the one at address.
 */
enum at_once { NOT_AT_ONCE, ONE_PAGE, MANY_PAGES };
struct map_page { uint64_t frame; unsigned rights; };
enum at_once core_fault_at_once(struct space *space, uint64_t address, unsigned access, struct map_page *page, struct map_item *item);
extern unsigned core_fault_around_pages;	/* a power of two, 1..CORE_BATCH, default 16 */
extern unsigned core_read_ahead_pages;		/* the longest cluster of a reader in a row: 1 (none)..CORE_BATCH, the default */
extern uint64_t core_slice_pages;		/* how much long work does in one step: page table entries, about; default 4096, tests make it small */

/* ---- mapping calls, as mmap(2), munmap(2), ... on riscv64. object null with MAP_ANONYMOUS. `growsdown`: a stack
 * that grows on demand down to `limit` bytes, keeping one guard page below what it may reach. */
long core_mmap(struct space *space, uint64_t address, uint64_t length, unsigned prot, unsigned flags, struct object *object, uint64_t offset, unsigned max_prot, struct waiter *waiter);
long core_map_stack(struct space *space, uint64_t top, uint64_t initial_bytes, uint64_t limit_bytes);
long core_munmap(struct space *space, uint64_t address, uint64_t length, struct waiter *waiter);
/* The common cases, as with core_fault_at_once; CORE_WAIT: it is not that case. They fail for no reason and wake nobody. */
long core_mmap_at_once(struct space *space, uint64_t address, uint64_t length, unsigned prot, unsigned flags);
long core_munmap_at_once(struct space *space, uint64_t address, uint64_t length);
long core_mprotect(struct space *space, uint64_t address, uint64_t length, unsigned prot, struct waiter *waiter);
long core_madvise(struct space *space, uint64_t address, uint64_t length, unsigned advice, struct waiter *waiter);
/* MS_SYNC: starts and waits for the writes of the range. 0: done; *object, *length, *modified are those of the last file in the range, for FS_msync (0: none). */
long core_msync(struct space *space, uint64_t address, uint64_t length, unsigned flags, struct waiter *waiter, uint64_t *object, uint64_t *live_length, uint64_t *modified);

/* ---- the pager's own access to a program's memory, obeying its rights, resolving faults, COW and growth as the program's own access would. Progress in
 * waiter->done. Returns bytes (short only with an error behind it: the next try of the rest gives -EFAULT) or CORE_WAIT. */
long core_copy_in(struct space *space, uint64_t address, void *to, uint64_t bytes, struct waiter *waiter);
long core_copy_out(struct space *space, uint64_t address, const void *from, uint64_t bytes, struct waiter *waiter);

/* ---- objects. */
struct object *core_object_find(uint64_t number);					/* null: not known */
struct object *core_object_use(uint64_t number, uint64_t length);			/* find or make; counts a use (open or exec). null: no memory */
void core_object_hold(struct object *object);						/* a holder besides VMAs and opens: an exec under way */
void core_object_drop(struct object *object);						/* ... ends */
void core_object_unlinked(struct object *object);
bool core_object_leaving(const struct object *object);	/* unlinked, and nothing keeps it but pages and requests that are on their way out */
/*
 * A user's own pager: from now on an absent page of this file in memory is asked of `pager`, which is the server's name for it and not 0;
 * 0: of nobody, it is zero again. -EINVAL: a file on the disk; -EBUSY: it is mapped.
 */
long core_object_serve(struct object *object, uint64_t pager);
uint64_t core_object_pager(const struct object *object);
uint64_t core_object_number(const struct object *object);
uint64_t core_object_length(const struct object *object);
uint64_t core_object_pages(const struct object *object);				/* in memory */
uint64_t core_object_modified(struct object *object);				/* ticks of the last write or harvested store since the last question; 0: none */
long core_object_read(struct object *object, uint64_t offset, void *to, uint64_t bytes, struct waiter *waiter);	/* ELF headers; short at the end */
long core_object_truncate(struct object *object, uint64_t length, struct waiter *waiter);	/* 0: cut (or grown) and no I/O past the end is in flight */
long core_object_sync(struct object *object, struct waiter *waiter);		/* null: all objects. Harvests dirty bits, writes, waits */

/* ---- open descriptions: `open` < PAGER_OPENS. */
long core_open(uint64_t open, uint64_t object, uint64_t length, bool append);
long core_close(uint64_t open);
long core_set_append(uint64_t open, bool append);
long core_unread(uint64_t open, int64_t *bytes);					/* from its offset to the end; below zero: the offset lies past it */
struct object *core_open_object(uint64_t open);				/* null: not open */
long core_seek(uint64_t open, int64_t offset, unsigned whence);		/* SEEK_SET, CUR, END; SEEK_DATA and SEEK_HOLE as if the file had no holes */
/* read(2), write(2), p*, *v. Flags: TRANSFER_* of abi/pager.h. End of file, append and partial counts are decided in the step that copies. */
long core_read(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags, struct waiter *waiter);
long core_write(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags, struct waiter *waiter);
/* The common case, as with core_fault_at_once; CORE_WAIT: it is not that case. */
long core_read_at_once(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags);
long core_write_at_once(struct space *space, uint64_t open, uint64_t address, uint64_t count, uint64_t position, unsigned flags);

/* ---- housekeeping. */
extern unsigned core_spare_pages;		/* given back at a time beyond what a step needs; default 32 */
long core_drop_caches(struct waiter *waiter);	/* forget all clean unmapped pages and unused objects; 0, or CORE_AGAIN */
bool core_write_back_step(void);		/* start writes of old dirty pages, a bounded amount; false: nothing to do. Called from a timer */
bool core_deferred_step(void);			/* a piece of what was put off; false: there is nothing, or an answer must come first */
bool core_clear_ahead(void);			/* clears a free frame, for who needs a clear one soon; false: that is enough */
struct core_counters {
	uint64_t total_pages, free_pages, cache_pages, cache_dirty_pages, anonymous_pages, own_pages;
	uint64_t memory_pages, memory_pages_max;	/* of files in memory */
	uint64_t faults_read, faults_write, faults_cow, faults_major, faults_refused;
	uint64_t page_ins, page_outs, reclaimed, vmas, objects, anons;
	uint64_t cleared_ahead;		/* frames that were clear when they were needed so */
};
extern struct core_counters core_counters;
/* The first VMA that ends above an address; false: none. Its counts are of a part (abi/pager.h), or, if not wanted, 0 of all. */
struct pager_vma;
bool core_vma_info(struct space *space, uint64_t above, bool counts, struct pager_vma *info);
void core_check(void);				/* walks everything and calls ops->broken on the first inconsistency; tests only */

/* Replacement policies (policy.c) by name. core_init chooses the first; another one is chosen before the first page comes in. */
const char *core_policy_name(unsigned i);			/* null: there are no more */
bool core_set_policy(const char *name, size_t length);		/* false: there is none of that name */
/* Strategies of reading ahead (ahead.c), in the same way. */
const char *core_read_ahead_name(unsigned i);
bool core_set_read_ahead(const char *name, size_t length);

#endif
