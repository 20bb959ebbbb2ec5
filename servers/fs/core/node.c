/*
 * Inodes in use, and the work that outlives a call: freeing blocks behind a new length, and freeing inodes without a name.
 *
 *   nobody --node_get--> in use --last name goes--> dead --held = 0 and uses = 0--> freeing --> inode free, record gone
 *                          `--held = 0, uses = 0--> record gone (blocks given beyond the end are trimmed first)
 *
 * A job runs in slices, each one a step. Who needs its end waits for WAIT_NODE; who needs space for WAIT_JOBS.
 */
#include "core.h"

#define NODE_BUCKETS 1024

static struct table nodes = { .record_bytes = sizeof(struct node), .limit = 65535 };
static uint32_t bucket[NODE_BUCKETS];
static struct node *jobs;
static bool blocked;			/* the first job waits for a transfer */

void node_init(void)
{
	nodes = (struct table){ .record_bytes = sizeof(struct node), .limit = 65535 };
	memset(bucket, 0, sizeof(bucket));
	jobs = NULL;
	blocked = false;
}

struct node *node_find(uint32_t inode)
{
	for (uint32_t number = bucket[inode % NODE_BUCKETS]; number; ) {
		struct node *node = table_get(&nodes, number);

		if (node->inode == inode)
			return node;
		number = node->hash_next;
	}
	return NULL;
}

struct node *node_find_object(uint64_t object)
{
	struct node *node = node_find((uint32_t)object);

	return node && node->generation == object >> 32 ? node : NULL;
}

int node_get(const struct inode_ref *ref, struct node **result)
{
	struct node *node = node_find(ref->number);
	uint32_t number;

	if (!node) {
		node = table_take(&nodes, &number);
		if (!node)
			return -ENFILE;
		node->inode = ref->number;
		node->generation = ref->raw->generation;
		node->number = number;
		node->hash_next = bucket[ref->number % NODE_BUCKETS];
		bucket[ref->number % NODE_BUCKETS] = number;
	}
	*result = node;
	return 0;
}

struct node *node_next(uint32_t *cursor)
{
	while (*cursor < NODE_BUCKETS * 0x10000UL) {
		uint32_t position = *cursor & 0xffff, number = bucket[*cursor >> 16];

		for (uint32_t i = 0; number && i < position; i++)
			number = ((struct node *)table_get(&nodes, number))->hash_next;
		if (number) {
			++*cursor;
			return table_get(&nodes, number);
		}
		*cursor = (*cursor & ~0xffffU) + 0x10000;
	}
	return NULL;
}

static void forget(struct node *node)
{
	uint32_t *link = &bucket[node->inode % NODE_BUCKETS];

	while (*link != node->number)
		link = &((struct node *)table_get(&nodes, *link))->hash_next;
	*link = node->hash_next;
	table_free(&nodes, node->number);
}

static void add_job(struct node *node)
{
	struct node **link = &jobs;

	while (*link)
		link = &(*link)->job_next;
	node->job_next = NULL;
	*link = node;
	work_left = true;
}

void node_trim(struct node *node, uint64_t keep_pages)
{
	if (node->trimming && node->keep_pages < keep_pages)
		keep_pages = node->keep_pages;
	node->keep_pages = keep_pages;
	if (!node->trimming && !node->freeing)
		add_job(node);
	node->trimming = true;
}

/* Called when one of the reasons to keep the node may have gone. */
static void settle(struct node *node)
{
	if (node->held || node->uses || node->freeing || node->trimming)
		return;
	if (node->gone) {
		forget(node);
	} else if (node->dead) {
		node->freeing = true;
		add_job(node);
	} else if (node->end_page) {
		node_trim(node, UINT64_MAX);	/* the job finds out where the end is */
	} else {
		forget(node);
	}
}

void node_hold(struct node *node)
{
	node->held++;
}

void node_drop(struct node *node)
{
	if (node->held)
		node->held--;
	settle(node);
}

void node_used(struct node *node)
{
	node->uses++;
}

/* The pager counts anew after each release, so what it had seen is taken off: a later open keeps the object in use. */
void node_released(struct node *node, uint64_t uses)
{
	node->uses -= uses < node->uses ? uses : node->uses;
	settle(node);
}

void node_unlinked(struct node *node, struct node *above)
{
	node->dead = true;
	node->above = above;
	if (above)
		node_hold(above);
	if (node->uses)
		volume.ops->unlinked((uint64_t)node->generation << 32 | node->inode);
	settle(node);
}

void node_set_name(struct node *node, uint32_t parent, const char *name, size_t length)
{
	node->parent = parent;
	node->name_bytes = length;
	memcpy(node->name, name, length);
}

/* ---- jobs */

static int free_attributes(struct inode_ref *ref)
{
	struct volume *on = volume_of(ref->number);
	struct block *block;
	struct attribute_header *header;
	uint32_t number = ref->raw->attribute_block;
	int result;

	if (!number)
		return 0;
	if (!block_in_range(on, number))
		return block_free(on, number);
	result = block_get(number, &block);
	if (result < 0)
		return result == -EIO ? 0 : result;
	header = (struct attribute_header *)block->data;
	if (header->magic != ATTRIBUTE_MAGIC)
		volume_corrupt("an attribute block is damaged", number);
	else if (header->references > 1) {
		block_change(block, header, sizeof(*header));
		header->references--;
	} else {
		return block_free(on, number);
	}
	return 0;
}

static int free_inode(struct inode_ref *ref)
{
	int result = free_attributes(ref);

	if (result == 0)
		result = inode_free(ref->number, inode_is(ref->raw, MODE_DIRECTORY));
	if (result < 0)
		return result;
	inode_change(ref);
	ref->raw->links = 0;
	ref->raw->bytes = ref->raw->bytes_high = ref->raw->sectors = ref->raw->attribute_block = 0;
	ref->raw->delete_time = volume.ops->now() / 1000000000;
	return 0;
}

/* One slice. 1: the job is done. */
static int job_slice(struct node *node)
{
	struct inode_ref ref;
	bool more = false, has_map;
	uint64_t keep = node->freeing ? 0 : node->keep_pages, end;
	int result = inode_get(node->inode, &ref);

	if (result < 0)
		return result;
	end = (inode_length(ref.raw) + BLOCK_BYTES - 1) / BLOCK_BYTES;
	if (keep == UINT64_MAX)
		keep = end;
	has_map = inode_is(ref.raw, MODE_REGULAR) || inode_is(ref.raw, MODE_DIRECTORY) ||
		  (inode_is(ref.raw, MODE_LINK) && !inode_is_fast_link(ref.raw));
	if (has_map)
		result = map_trim(&ref, keep, &more);
	if (result == 0 && !more && node->freeing)
		result = free_inode(&ref);
	if (result < 0)
		return result;
	step_commit();
	return !more;
}

static void finish(struct node *node)
{
	uint32_t inode = node->inode;

	jobs = node->job_next;
	if (node->freeing) {
		node->gone = true;
		node->freeing = node->trimming = false;
		if (node->above)
			node_drop(node->above);
		node->above = NULL;
		settle(node);
	} else {
		node->trimming = false;
		if (node->keep_pages == UINT64_MAX)
			node->end_page = 0;
		else if (node->end_page > node->keep_pages)
			node->end_page = node->keep_pages;
		settle(node);
	}
	volume.ops->wake(WAIT_KEY(WAIT_NODE, inode));
	wake_awaited(WAIT_JOBS);
}

bool node_jobs_step(void)
{
	int result;

	if (!jobs || blocked)
		return false;
	step_begin();
	result = job_slice(jobs);
	if (result < 0)
		step_abort();
	blocked = result == WAIT;
	if (blocked)
		return false;
	if (result < 0)
		volume_corrupt("an inode could not be freed or trimmed", jobs->inode);
	if (result != 0)
		finish(jobs);
	return true;
}

bool node_jobs_ready(void)
{
	return jobs && !blocked;
}

void node_jobs_retry(void)
{
	blocked = false;
}

bool node_jobs_pending(void)
{
	return jobs;
}

/* Descriptors may still stand: their records stay, the inodes go. */
void node_free_orphans(void)
{
	uint32_t cursor = 0;

	for (struct node *node = node_next(&cursor); node; node = node_next(&cursor)) {
		if (node->dead && !node->gone && !node->freeing) {
			node->freeing = true;
			if (!node->trimming)
				add_job(node);
		} else if (!node->dead && node->end_page && !node->trimming) {
			node_trim(node, UINT64_MAX);
		}
	}
}
