/*
 * The core of the file server: ext2 volumes as plain C against a small table of operations, so that the same source runs
 * on Quire and on the host under sanitizers (tests/host/fs_core.c). It never sees file data, messages or descriptors.
 *
 * THERE ARE TWO VOLUMES: the disk's, whose blocks the cache brings in and writes back, and one in memory (memory.c), which has no device:
 * its blocks lie in the server's pool for good. Inode and block numbers tell which: those in memory have the bit IN_MEMORY.
 *
 * HOW AN OPERATION ENDS.  Functions return 0 (or what they say), a negated errno, or WAIT. WAIT: something is not in
 * memory; its reading has been started and `volume.wait_key` says what will be woken (ops->wake) when it is there. The
 * caller takes all changes back (step_abort) and later repeats the whole operation from its start.
 *
 * A STEP is what one try changes:   step_begin -> operation -> step_commit   (0: all changes are made, and dirty)
 *                                                          `-> step_abort    (anything else: no change was made)
 * After either the next one has begun.
 * Blocks that a step has got stay in memory until its end. Each change is announced with block_change, which keeps the old
 * bytes; so a step that runs into WAIT or an error leaves nothing behind, and a journal can be put into step_commit.
 */
#ifndef FS_CORE_H
#define FS_CORE_H

#include "format.h"

#include <stdbool.h>
#include <stddef.h>
#include <asm/errno.h>

#define WAIT (-2000)		/* below all negated errnos */

/* The C library's, from libsys or the host; and libsys' log. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct core_ops {
	/* Start reading or writing one block; core_io_done(frame, ...) follows. False: no room now; the core tries again at the next completion. */
	bool (*read)(uint32_t frame, uint32_t block);
	bool (*write)(uint32_t frame, uint32_t block);
	void (*wake)(uint64_t key);			/* try again what waits for the key */
	uint64_t (*now)(void);				/* nanoseconds since 1970 */
	void (*unlinked)(uint64_t object);		/* tell the pager: no name is left */
};

/* What can be waited for: kind << 56 | number. */
enum wait_kind { WAIT_BLOCK = 1, WAIT_MEMORY, WAIT_NODE, WAIT_JOBS, WAIT_WRITTEN };
#define WAIT_KEY(kind, number) ((uint64_t)(kind) << 56 | (number))

#define IN_MEMORY 0x80000000U
#define INDEX(number) ((number) & ~IN_MEMORY)		/* of a block or inode in its volume */
#define ROOT_OF(number) (((number) & IN_MEMORY) | ROOT_INODE)
#define MEMORY_ROOT ROOT_OF(IN_MEMORY)

struct volume {
	const struct core_ops *ops;			/* both volumes'; the disk's has it */
	bool mounted, read_only, broken;		/* broken: a metadata write failed */
	bool was_clean;					/* when it was mounted */
	struct superblock *super;			/* in the cache, pinned for ever; null until mounted */
	struct block *super_block;
	const char *refusal;				/* why it could not be mounted */
	uint32_t groups, inode_bytes;
	uint32_t numbers;				/* IN_MEMORY or 0: part of all its inode and block numbers */
	uint64_t wait_key, awaited;			/* both volumes'; awaited: a bit for each kind that was waited for since its last wake_awaited */
};
extern struct volume volume, memory_volume;		/* the disk's; the one in memory */

static inline struct volume *volume_of(uint32_t number)	/* of an inode or block */
{
	return number & IN_MEMORY ? &memory_volume : &volume;
}

extern bool work_left;		/* set by whoever leaves something for the server's loop: a job, a dirty block; the loop clears it */
int wait_for(uint64_t key);				/* sets wait_key, returns WAIT */
static inline void wake_awaited(unsigned kind)		/* of keys with number 0: mostly nobody waits, which is to cost nothing */
{
	uint64_t bit = 1UL << kind;

	if (!(volume.awaited & bit))
		return;
	volume.awaited &= ~bit;
	volume.ops->wake(WAIT_KEY(kind, 0));
}

/* ---- pool.c: pages for records: what the cache does not use of the server's pool. */
void pool_init(void *pages, uint32_t count);
void *pool_page(void);					/* zeroed; null: none left */
void *pool_raw(void);					/* the same, its content old */
void pool_free(void *page);
/* Records of one size in pool pages, found by number: 1.., 0 is none. They never move. */
struct table {
	uint32_t record_bytes, limit;			/* set by the owner; limit: highest number */
	uint32_t used_pages, free;			/* free: head of the free list; a free record starts with the next one's number */
	void **page;
};
void *table_take(struct table *table, uint32_t *number);	/* zeroed; null: no memory, or limit reached */
void table_free(struct table *table, uint32_t number);
/* The number must be in use, or at least have been. table_record: record_bytes as a constant, which is shorter. */
static inline void *table_record(const struct table *table, uint32_t number, uint32_t record_bytes)
{
	uint32_t per_page = BLOCK_BYTES / record_bytes;

	return (uint8_t *)table->page[(number - 1) / per_page] + (number - 1) % per_page * record_bytes;
}
static inline void *table_get(const struct table *table, uint32_t number)
{
	return table_record(table, number, table->record_bytes);
}

/* ---- cache.c: metadata blocks in memory. */
enum block_state { BLOCK_EMPTY, BLOCK_WANTED, BLOCK_READING, BLOCK_READY, BLOCK_FAILED };
struct block {
	uint8_t *data;
	uint32_t number;
	uint8_t state;
	bool referenced, pinned, dirty, writing;	/* dirty and writing: changed again since the write began */
	bool awaited;					/* block_wait since the last transfer */
	uint32_t step;					/* in use by the step with this number */
	uint32_t hash_next;				/* frame + 1 */
	uint64_t dirty_since, writing_since;
	struct block *older, *newer;			/* in the list of dirty blocks */
};
void cache_init(uint8_t *pages, uint32_t count, struct block *blocks, uint32_t *hash, uint32_t hash_size);
int block_get(uint32_t number, struct block **block);
int block_fresh(uint32_t number, struct block **block);	/* a block just allocated: zeroes; for block_change all of it counts as saved */
void block_let_go(struct block *block);			/* got by this step, not changed, not needed any more */
void block_change(struct block *block, void *pointer, size_t bytes);	/* before changing these bytes of its data */
void block_forget(uint32_t number);			/* freed by this step: after commit it is never written any more */
bool block_is_busy(uint32_t number);			/* an old content is being transferred */
int block_wait(uint32_t number);			/* for the end of a transfer of a block that is busy: WAIT */
bool block_is_dirty(uint32_t number);			/* a free block never is */
void core_io_done(uint32_t frame, bool failed);
void cache_retry(void);					/* the device has room again: start what it refused */
uint64_t cache_write_back(void);			/* start writing all that is dirty now; returns the stamp to wait for */
bool cache_written(uint64_t stamp);			/* all that was dirty then is on the device; else wait for WAIT_WRITTEN */
bool cache_started(uint64_t stamp);			/* ... or at least asked of it */
bool cache_is_dirty(void);
void cache_drop_clean(void);
uint32_t cache_blocks(void);
void step_begin(void);
void step_commit(void);
void step_undo(void);
extern uint32_t step_held;				/* blocks that the step under way has got */
static inline void step_abort(void)
{
	if (step_held)
		step_undo();
}
bool step_has_changes(void);
bool step_is_large(void);				/* holds so many blocks that slices should end here */

/* ---- memory.c: the volume in memory. */
void memory_init(uint8_t *pages, uint32_t count, struct block *blocks);	/* makes it, empty, of these zeroed pages and records; after cache_init */
struct block *memory_block(uint32_t number);		/* null: there is none */

/* ---- super.c: mounting and leaving. */
int volume_mount(uint64_t device_blocks, bool device_read_only);	/* 0, WAIT, or refused with a log line */
int volume_mark_clean(void);				/* in a step; written by the next write-back */
int group_get(const struct volume *on, uint32_t group, struct group_descriptor **descriptor, struct block **block);
uint32_t group_blocks(const struct volume *on, uint32_t group);	/* the last group may be short */
uint32_t table_blocks(const struct volume *on);		/* of a group's inode table */
void volume_corrupt(const char *what, uint64_t number);	/* log once in a while, mark the volume as having errors */

/* ---- allocate.c: blocks and inodes. Part of a step. */
int blocks_allocate(uint32_t goal, uint32_t want, bool privileged, uint32_t *first, uint32_t *got);	/* 1..want adjacent blocks */
int block_free(struct volume *on, uint32_t number);
int block_in_use(const struct volume *on, uint32_t number, bool *used);	/* false: free, or no block of a file at all */
bool block_in_range(const struct volume *on, uint32_t number);
uint32_t blocks_available(const struct volume *on, bool privileged);
uint32_t inode_home(uint32_t number);			/* where the blocks of its group begin */
bool inode_in_range(const struct volume *on, uint32_t number);
int inode_allocate(uint32_t parent, bool directory, uint32_t *number);
int inode_free(uint32_t number, bool directory);

/* ---- inode.c: inodes and their attributes. */
struct inode_ref { uint32_t number; struct block *block; struct inode *raw; };
enum time_field { TIME_ACCESS = 1, TIME_MODIFY = 2, TIME_CHANGE = 4 };
int inode_get(uint32_t number, struct inode_ref *ref);		/* also unused ones */
int inode_get_live(uint32_t number, struct inode_ref *ref);	/* -ESTALE if it is free */
void inode_change(struct inode_ref *ref);			/* before changing fields of ref->raw */
uint64_t inode_length(const struct inode *inode);
int inode_set_length(struct inode_ref *ref, uint64_t length);
uint64_t inode_time(const struct inode_ref *ref, enum time_field field);	/* nanoseconds since 1970, as two's complement */
void inode_set_time(struct inode_ref *ref, unsigned fields, uint64_t nanoseconds);
void inode_touch(struct inode_ref *ref, unsigned fields);		/* now */
uint32_t inode_uid(const struct inode *inode);
uint32_t inode_gid(const struct inode *inode);
void inode_set_owner(struct inode_ref *ref, uint32_t uid, uint32_t gid);
uint64_t inode_object(const struct inode_ref *ref);
int inode_create(uint32_t parent, unsigned mode, uint32_t uid, uint32_t gid, struct inode_ref *ref);
bool inode_is(const struct inode *inode, unsigned type);	/* MODE_REGULAR, ... */
bool inode_is_fast_link(const struct inode *inode);
#define LENGTH_MAX 0x1ffffffe000UL				/* i_blocks would overflow beyond 2 TiB */

/* ---- map.c: from pages of a file to blocks. */
int map_lookup(const struct inode_ref *ref, uint64_t page, uint32_t *block);	/* 0: a hole */
int map_run(const struct inode_ref *ref, uint64_t page, uint32_t most, uint32_t *block, uint32_t *length);	/* and 1..most pages from there on that are adjacent, or holes; perhaps not all */
int map_allocate(struct inode_ref *ref, uint64_t first, uint64_t count, bool privileged, uint64_t *done);
int map_trim(struct inode_ref *ref, uint64_t keep_pages, bool *more);	/* frees a slice of what lies behind */

/* ---- directory.c: entries. */
struct position { struct block *block; struct entry *entry, *previous; };	/* previous: in the same block, or null */
int directory_find(struct inode_ref *directory, const char *name, size_t length, struct position *found);	/* -ENOENT */
int directory_add(struct inode_ref *directory, const char *name, size_t length, uint32_t inode, unsigned mode, bool privileged);	/* the name is not there */
void directory_remove(struct inode_ref *directory, struct position *at);
void directory_replace(struct inode_ref *directory, struct position *at, uint32_t inode, unsigned mode);
int directory_is_empty(struct inode_ref *directory);		/* 1, 0, or an error */
/* From *cookie on; *cookie afterwards: where to go on. emit returns false when it has no room. Cookies stay good under any change. */
typedef bool directory_emit(void *context, const char *name, size_t length, uint64_t inode, unsigned type, uint64_t next);
int directory_list(struct inode_ref *directory, uint64_t *cookie, directory_emit *emit, void *context);
int directory_name_of(struct inode_ref *directory, uint32_t inode, char *name, size_t *length);	/* name: NAME_MAX bytes */

/* ---- node.c: inodes that somebody uses: descriptors, working directories, the pager; and the work of freeing. */
struct node {
	uint32_t inode, generation;
	uint32_t held;			/* descriptors, working directories, calls under way */
	uint64_t uses;			/* opens and execs announced to the pager since its last release; 0: it does not know the object */
	uint32_t writers, executions;	/* counted by the shell: descriptions open for writing, processes that run it; one excludes the other */
	bool dead;			/* no name is left: freed when held and uses are 0 */
	struct node *above;		/* held by a dead directory until it is freed: its parent, perhaps dead, too; null: nobody used it when its name went */
	bool trimming, freeing;		/* a job is under way */
	bool gone;			/* the inode has been freed */
	bool privileged;		/* opened for writing by root: may use the reserved blocks */
	uint64_t keep_pages;		/* trimming: what stays; UINT64_MAX: as the length on disk says */
	uint64_t end_page;		/* blocks may have been given up to here */
	uint32_t parent;		/* directory and name under which it was opened last, for /proc; name_bytes 0: unknown */
	uint8_t name_bytes;
	char name[NAME_MAX];
	uint32_t number, hash_next;
	struct node *job_next;
};
void node_init(void);
struct node *node_find(uint32_t inode);			/* null: nobody uses it */
struct node *node_find_object(uint64_t object);
int node_get(const struct inode_ref *ref, struct node **node);	/* find or make; not held yet */
void node_hold(struct node *node);
void node_drop(struct node *node);			/* may free the inode; also after node_get if it was not held */
void node_used(struct node *node);			/* announced to the pager */
void node_released(struct node *node, uint64_t uses);
void node_unlinked(struct node *node, struct node *above);	/* its last name went in the step just committed; above: to be held, or null */
void node_trim(struct node *node, uint64_t keep_pages);	/* start; wait for WAIT_NODE while node->trimming */
bool node_jobs_step(void);				/* one slice; false: nothing can be done now */
bool node_jobs_ready(void);
void node_jobs_retry(void);				/* a transfer has ended */
bool node_jobs_pending(void);
void node_free_orphans(void);				/* shutdown: all dead inodes go, whoever uses them */
struct node *node_next(uint32_t *cursor);		/* walks all; null: end */
void node_set_name(struct node *node, uint32_t parent, const char *name, size_t length);

/* ---- change.c: operations on names. Complete steps but for begin and commit; `after` is done by the caller after commit. */
struct credentials { uint32_t uid, gid; };
struct after { struct node *unlinked, *above; };	/* node_unlinked if not null */
int change_create(uint32_t directory, const char *name, size_t length, unsigned mode, const struct credentials *who, struct inode_ref *made);	/* regular file or directory */
int change_symlink(uint32_t directory, const char *name, size_t length, const char *target, size_t target_length, const struct credentials *who);
int change_link(uint32_t directory, const char *name, size_t length, uint32_t inode, const struct credentials *who);
int change_unlink(uint32_t directory, const char *name, size_t length, bool remove_directory, const struct credentials *who, struct after *after);
int change_rename(uint32_t from, const char *from_name, size_t from_length, uint32_t to, const char *to_name, size_t to_length,
		  unsigned flags, const struct credentials *who, struct after *after);
enum change_flag { CHANGE_NO_REPLACE = 1, CHANGE_EXCHANGE = 2 };	/* as RENAME_* */
int permission_check(const struct inode *inode, unsigned want, const struct credentials *who);	/* want: MAY_* ; 0 or -EACCES */
int permission_check_mode(unsigned mode, uint32_t uid, uint32_t gid, unsigned want, const struct credentials *who);
enum permission { MAY_EXECUTE = 1, MAY_WRITE = 2, MAY_READ = 4 };
void after_commit(struct after *after);
extern bool (*core_is_mount_point)(uint32_t inode);	/* may be null */

/* ---- path.c: from names to places. */
#define PATH_BYTES 4096
struct attributes {
	uint64_t inode, bytes, sectors, access_time, modify_time, change_time, birth_time, object;
	uint32_t mode, links, uid, gid, device_major, device_minor;
};
struct tree;
struct place { const struct tree *tree; uint64_t number; };	/* a file of one of the trees; tree null: none */
/* A tree of names: the two volumes, and what the shell lays over the disk (devices, processes). All may WAIT. */
struct tree {
	const char *name;
	bool is_volume;						/* can be changed; number is an inode number */
	int (*lookup)(uint64_t directory, const char *name, size_t length, struct place *found);	/* not for "."; -ENOENT */
	int (*attributes)(uint64_t number, struct attributes *attributes);
	int (*read_link)(uint64_t number, char *text, size_t bytes, size_t *length);
	int (*list)(uint64_t directory, uint64_t *cookie, directory_emit *emit, void *context);
	int (*path)(uint64_t directory, char *text, size_t bytes, size_t *length);	/* its absolute path; -ENOENT if it was removed */
};
extern const struct tree disk_tree, memory_tree;
const struct tree *tree_of(uint32_t inode);
extern struct mount { struct place above; const char *path; } memory_mount;	/* where the volume in memory is: what ".." in its root leads to, and its path */
int disk_attributes(const struct inode_ref *ref, struct attributes *attributes);
enum walk_flag { WALK_FOLLOW = 1, WALK_PARENT = 2, WALK_EMPTY = 4 };	/* follow a link at the end; the last name need not exist, and a slash behind it follows no link; an empty path leads to its start */
struct walk {
	struct place directory, target;		/* directory: that of the last name; target.tree null: no such name yet */
	char name[NAME_MAX + 1];		/* the last name, perhaps "." or ".."; "" if the path is the root's */
	size_t length;
	bool slash;				/* a slash follows the last name: it must be a directory */
};
int path_walk(struct place start, const char *path, unsigned flags, const struct credentials *who, struct walk *walk);
struct place path_root(void);
extern struct place (*path_cover)(struct place place);		/* what is mounted there, or the place itself; may be null */

#endif
