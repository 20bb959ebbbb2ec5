/*
 * Metadata blocks in memory, and the step that changes them.
 *
 *   EMPTY -> WANTED -> READING -> READY <-> dirty -> writing -> READY      (WANTED: the device's queue is full)
 *                            `-> FAILED (read error: -EIO until it is evicted)
 *
 * A block being written may change meanwhile: then it is dirty and writing, and is written again later. A block in use by
 * the step under way, dirty or under transfer is never evicted; when nothing can be, writing starts and the step waits. Blocks of the volume
 * in memory are found elsewhere (memory.c), always READY and never dirty; for the step they are blocks like others.
 */
#include "core.h"

#define UNDO_WORDS 16384
#define FORGET_MAX 1024
#define WRITES_MAX 32

struct undo {				/* one announced change; its old bytes follow */
	struct block *block;
	uint16_t offset, bytes;		/* bytes 0: the block is fresh */
};
#define UNDO_HEADER (sizeof(struct undo) / 8)

static struct block *blocks;
static uint32_t count, hand, wanted, *hash, hash_mask;
static struct block *oldest, *newest;			/* dirty blocks */
static struct block *writes[WRITES_MAX];		/* under way */
static uint32_t write_count, dirty_count;
static uint64_t stamp, write_until;			/* dirty blocks up to this stamp shall be written */
uint32_t step_held;
bool work_left;
static struct {
	uint32_t number, undo_words, forgotten;
	uint64_t undo[UNDO_WORDS];
	uint32_t forget[FORGET_MAX];
} step;

static inline __attribute__((always_inline)) void pump(void);

void cache_init(uint8_t *pages, uint32_t pages_count, struct block *records, uint32_t *hash_table, uint32_t hash_size)
{
	blocks = records;
	count = pages_count;
	hash = hash_table;
	hash_mask = hash_size - 1;
	hand = wanted = write_count = dirty_count = 0;
	oldest = newest = NULL;
	stamp = write_until = 0;
	memset(&step, 0, sizeof(step));
	memset(hash, 0, hash_size * sizeof(hash[0]));
	memset(blocks, 0, count * sizeof(blocks[0]));
	for (uint32_t i = 0; i < count; i++)
		blocks[i].data = pages + (size_t)i * BLOCK_BYTES;
}

uint32_t cache_blocks(void)
{
	return count;
}

/* ---- finding and evicting */

static uint32_t *bucket(uint32_t number)
{
	return &hash[(number * 2654435761U >> 8) & hash_mask];
}

static inline struct block *find_cached(uint32_t number)
{
	for (uint32_t frame = *bucket(number); frame; frame = blocks[frame - 1].hash_next)
		if (blocks[frame - 1].number == number)
			return &blocks[frame - 1];
	return NULL;
}

static struct block *find(uint32_t number)
{
	return number & IN_MEMORY ? memory_block(number) : find_cached(number);
}

static void empty(struct block *block)
{
	uint32_t *link = bucket(block->number), frame = block - blocks + 1;

	while (*link != frame)
		link = &blocks[*link - 1].hash_next;
	*link = block->hash_next;
	block->state = BLOCK_EMPTY;
	block->referenced = false;
	block->step = 0;
}

static bool evictable(const struct block *block)
{
	return !block->pinned && block->step != step.number && !block->dirty && !block->writing &&
	       (block->state == BLOCK_READY || block->state == BLOCK_FAILED);
}

/* Second chance. Null: all are in use. */
static struct block *take(uint32_t number)
{
	for (uint32_t i = 0; i < 2 * count; i++) {
		struct block *block = &blocks[hand];

		hand = (hand + 1) % count;
		if (block->state != BLOCK_EMPTY) {
			if (!evictable(block))
				continue;
			if (block->referenced) {
				block->referenced = false;
				continue;
			}
			empty(block);
		}
		block->number = number;
		block->hash_next = *bucket(number);
		*bucket(number) = block - blocks + 1;
		return block;
	}
	return NULL;
}

/* No block can be evicted: wait for transfers, unless the step itself holds all. */
static int no_room(void)
{
	if (!dirty_count && !write_count && !wanted) {
		for (uint32_t i = 0; i < count; i++)
			if (blocks[i].state == BLOCK_READING)
				return wait_for(WAIT_KEY(WAIT_MEMORY, 0));
		return -ENOMEM;
	}
	cache_write_back();
	return wait_for(WAIT_KEY(WAIT_MEMORY, 0));
}

static void hold(struct block *block)
{
	if (block->step != step.number)
		step_held++;
	block->step = step.number;
	block->referenced = true;
}

int block_wait(uint32_t number)
{
	find(number)->awaited = true;
	return wait_for(WAIT_KEY(WAIT_BLOCK, number));
}

static __attribute__((noinline)) int get_any(uint32_t number, struct block **result)
{
	struct block *block = find(number);

	if (!block) {
		block = take(number);
		if (!block)
			return no_room();
		block->state = BLOCK_WANTED;
		wanted++;
		pump();
	}
	if (block->state == BLOCK_FAILED) {
		empty(block);	/* said once: who asks again has it tried again */
		return -EIO;
	}
	if (block->state != BLOCK_READY)
		return block_wait(number);
	hold(block);
	*result = block;
	return 0;
}

/* Mostly it is in the cache. */
int block_get(uint32_t number, struct block **result)
{
	struct block *block = number & IN_MEMORY ? NULL : find_cached(number);

	if (!block || block->state != BLOCK_READY)
		return get_any(number, result);
	hold(block);
	*result = block;
	return 0;
}

void block_let_go(struct block *block)
{
	if (block->step == step.number && !block->dirty) {
		for (uint32_t at = 0; at < step.undo_words; ) {
			const struct undo *undo = (const struct undo *)&step.undo[at];

			if (undo->block == block)
				return;
			at += UNDO_HEADER + (undo->bytes + 7) / 8;
		}
		block->step = 0;
		step_held--;
	}
}

/* ---- the step */

static struct undo *record(struct block *block, uint32_t offset, uint32_t bytes)
{
	struct undo *undo = (struct undo *)&step.undo[step.undo_words];

	step.undo_words += UNDO_HEADER + (bytes + 7) / 8;
	if (step.undo_words > UNDO_WORDS) {
		log_line("fs: a step of more than %u changed bytes", UNDO_WORDS * 8);
		__builtin_trap();
	}
	*undo = (struct undo){ block, offset, bytes };
	return undo;
}

int block_fresh(uint32_t number, struct block **result)
{
	struct block *block = find(number);

	if (block && block_is_busy(number))
		return block_wait(number);
	if (!block)
		block = take(number);
	if (!block)
		return no_room();
	block->state = BLOCK_READY;
	memset(block->data, 0, BLOCK_BYTES);
	hold(block);
	record(block, 0, 0);
	*result = block;
	return 0;
}

void block_change(struct block *block, void *pointer, size_t bytes)
{
	struct undo *undo = record(block, (uint8_t *)pointer - block->data, bytes);

	memcpy(undo + 1, pointer, bytes);
}

void block_forget(uint32_t number)
{
	if (find(number) && step.forgotten < FORGET_MAX)
		step.forget[step.forgotten++] = number;
}

bool block_is_busy(uint32_t number)
{
	struct block *block = find(number);

	return block && (block->writing || block->state == BLOCK_WANTED || block->state == BLOCK_READING);
}

bool block_is_dirty(uint32_t number)
{
	struct block *block = find(number);

	return block && block->dirty;
}

void step_begin(void)
{
	step.number++;
	step.number += !step.number;
	step_held = step.undo_words = step.forgotten = 0;
}

bool step_has_changes(void)
{
	return step.undo_words;
}

bool step_is_large(void)
{
	return step_held > count / 4 || step.undo_words > UNDO_WORDS / 2 || step.forgotten > FORGET_MAX / 2;
}

static void set_dirty(struct block *block)
{
	if (block->dirty || block->number & IN_MEMORY)
		return;
	work_left = true;
	block->dirty = true;
	block->dirty_since = stamp;
	block->newer = NULL;
	block->older = newest;
	*(newest ? &newest->newer : &oldest) = block;
	newest = block;
	dirty_count++;
}

static void set_clean(struct block *block)
{
	if (!block->dirty)
		return;
	block->dirty = false;
	*(block->older ? &block->older->newer : &oldest) = block->newer;
	*(block->newer ? &block->newer->older : &newest) = block->older;
	dirty_count--;
}

static __attribute__((noinline)) void drop_forgotten(void)
{
	for (uint32_t i = 0; i < step.forgotten; i++) {
		struct block *block = find(step.forget[i]);

		if (!block || block->pinned)
			continue;
		set_clean(block);
		if (!block_is_busy(block->number))
			empty(block);
	}
}

static __attribute__((noinline)) void write_early(void)
{
	cache_write_back();
}

/* The journal's place: here all blocks that a step has changed are known, and still unwritten. */
void step_commit(void)
{
	if (step.undo_words)
		stamp++;
	for (uint32_t at = 0; at < step.undo_words; ) {
		struct undo *undo = (struct undo *)&step.undo[at];

		set_dirty(undo->block);
		at += UNDO_HEADER + (undo->bytes + 7) / 8;
	}
	if (step.forgotten)
		drop_forgotten();
	step_begin();
	if (dirty_count > count / 2)
		write_early();
}

/* Backwards, so that the oldest bytes win. Records have no back links: they are found from the start, few as they are. */
void step_undo(void)
{
	static uint16_t starts[UNDO_WORDS / UNDO_HEADER];
	uint32_t records = 0;

	for (uint32_t at = 0; at < step.undo_words; ) {
		const struct undo *undo = (const struct undo *)&step.undo[at];

		starts[records++] = at;
		at += UNDO_HEADER + (undo->bytes + 7) / 8;
	}
	while (records) {
		struct undo *undo = (struct undo *)&step.undo[starts[--records]];

		if (undo->bytes)
			memcpy(undo->block->data + undo->offset, undo + 1, undo->bytes);
		else if (!(undo->block->number & IN_MEMORY))
			empty(undo->block);
	}
	step_begin();
}

/* ---- transfers */

static __attribute__((noinline)) void start_reads(void)
{
	for (uint32_t frame = 0; wanted && frame < count; frame++) {
		if (blocks[frame].state != BLOCK_WANTED)
			continue;
		if (!volume.ops->read(frame, blocks[frame].number))
			return;
		blocks[frame].state = BLOCK_READING;
		wanted--;
	}
}

static inline void start_writes(void)
{
	struct block *block = oldest, *next;

	for (; block && block->dirty_since <= write_until && write_count < WRITES_MAX; block = next) {
		next = block->newer;
		if (block->writing)
			continue;
		if (!volume.ops->write(block - blocks, block->number))
			return;
		set_clean(block);
		block->writing = true;
		block->writing_since = block->dirty_since;
		writes[write_count++] = block;
	}
}

static inline __attribute__((always_inline)) void pump(void)
{
	if (wanted)
		start_reads();
	start_writes();
}

void cache_retry(void)
{
	pump();
}

static void write_done(struct block *block, bool failed)
{
	block->writing = false;
	for (uint32_t i = 0; i < write_count; i++)
		if (writes[i] == block)
			writes[i--] = writes[--write_count];
	if (failed) {
		log_line("fs: metadata block %u cannot be written; the volume is read-only from now on", block->number);
		volume.broken = volume.read_only = true;
	}
}

void core_io_done(uint32_t frame, bool failed)
{
	struct block *block = &blocks[frame];

	if (block->writing)
		write_done(block, failed);
	else if (block->state == BLOCK_READING)
		block->state = failed ? BLOCK_FAILED : BLOCK_READY;
	pump();
	node_jobs_retry();
	if (block->awaited)
		volume.ops->wake(WAIT_KEY(WAIT_BLOCK, block->number));
	block->awaited = false;
	wake_awaited(WAIT_MEMORY);
	wake_awaited(WAIT_WRITTEN);
}

uint64_t cache_write_back(void)
{
	write_until = stamp;
	pump();
	return stamp;
}

bool cache_started(uint64_t until)
{
	return !oldest || oldest->dirty_since > until;
}

bool cache_written(uint64_t until)
{
	if (!cache_started(until))
		return false;
	for (uint32_t i = 0; i < write_count; i++)
		if (writes[i]->writing_since <= until)
			return false;
	return true;
}

bool cache_is_dirty(void)
{
	return dirty_count || write_count;
}

void cache_drop_clean(void)
{
	for (uint32_t i = 0; i < count; i++)
		if (evictable(&blocks[i]))
			empty(&blocks[i]);
}
