/*
 * The pager's requests as the file server answers them: what trim does with the length, and who is told that there is no space. The
 * core is the real one, on a volume that mke2fs made; the pager is what this file puts into the ring and says in object_stat.
 * sources: servers/fs/pages.c servers/fs/core/ libsys/ring.c
 */
#include "fs_world.h"

#include "blk.h"
#include "pager.h"
#include "ring.h"

#include <stdalign.h>

/* From shell.h, which has a `wake` of its own. */
void pages_init(struct ring *ring);
void pages_observe(void);
void pages_admit(void);
void pages_run(void);
void pages_wake(uint64_t key);
void pages_flushed(void);
void pages_io_done(uint32_t task, bool failed);
uint32_t pages_admit_asked(uint32_t asked);
bool pages_written(uint64_t object, uint32_t asked);
uint32_t pages_failures(void);
bool ring_ask(struct ring *ring, const struct ring_request *request);
bool ring_next_completion(struct ring *ring, struct ring_completion *completion);
bool object_stat(uint64_t object, struct pager_stat_reply *reply);
void set_modified(struct inode_ref *ref, uint64_t modified);
bool blocks_start(unsigned operation, uint64_t first, uint32_t count, const uint32_t *frames, uint32_t task, bool quiet);
bool blocks_flushed(uint64_t flush);
uint64_t blocks_write_and_flush(uint64_t *stamp);
struct result { long value, second; };
struct result syscall6(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

static alignas(4096) char ring_memory[RING_PAGES * 4096];
static struct ring *const ring = (struct ring *)ring_memory;
static bool leaving;

bool object_stat(uint64_t object, struct pager_stat_reply *reply)
{
	(void)object;
	*reply = (struct pager_stat_reply){ .known = 1, .leaving = leaving };
	return true;
}

static unsigned calls_woken;

void wake_calls(uint64_t key)
{
	(void)key;
	calls_woken++;
}

void set_modified(struct inode_ref *ref, uint64_t modified)
{
	(void)ref;
	(void)modified;
}

/* ---- the driver: data that is on its way, a flush behind it */

static struct { uint32_t task; unsigned moving; bool quiet; } data;
static uint64_t flushes, flushed;

bool blocks_flushed(uint64_t flush)
{
	return flush <= flushed;
}

uint64_t blocks_write_and_flush(uint64_t *stamp)
{
	CHECK(data.moving && data.quiet, "a flush for nothing");
	*stamp = cache_write_back();
	return ++flushes;
}

bool blocks_start(unsigned operation, uint64_t first, uint32_t count, const uint32_t *frames, uint32_t task, bool quiet)
{
	(void)first;
	(void)count;
	(void)frames;
	CHECK(operation == BLK_REQUEST_write, "nothing is read here");
	data.task = task;
	data.quiet = quiet;
	data.moving++;
	return true;
}

struct result syscall6(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	(void)number, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return (struct result){ 0, 0 };
}

/* ---- the pager */

static int64_t ask(unsigned operation, uint64_t object, uint64_t first, uint32_t count, uint64_t length, uint64_t *value)
{
	static uint64_t id;
	const struct ring_request request = { ++id, operation, count, object, first, length, 0, 0, { 0 } };
	struct ring_completion completion;

	CHECK(ring_ask(ring, &request), "the ring is full");
	pages_observe();
	pages_admit();
	for (unsigned i = 0; i < 100000; i++) {
		pages_run();
		if (ring_next_completion(ring, &completion)) {
			CHECK(completion.id == id, "the answer to another request");
			*value = completion.value;
			return completion.status;
		}
		if (!finish_transfer())
			node_jobs_step();
		node_jobs_retry();
		pages_wake(volume.wait_key);
		for (uint32_t kind = WAIT_MEMORY; kind <= WAIT_WRITTEN; kind++)
			pages_wake(WAIT_KEY(kind, kind == WAIT_NODE ? (uint32_t)object : 0));
	}
	CHECK(false, "operation %u is not answered", operation);
}

/* As if it had been opened, and closed again. */
static uint64_t make_file(const char *name, struct node **node)
{
	struct inode_ref ref;
	int result;

	UNTIL_DONE(result, change_create(ROOT_INODE, name, strlen(name), MODE_REGULAR | 0644, &root, &ref));
	CHECK(result == 0, "create: %d", result);
	step_begin();
	CHECK(inode_get(ref.number, &ref) == 0 && node_get(&ref, node) == 0, "no node");
	step_abort();
	node_used(*node);
	return (uint64_t)(*node)->generation << 32 | (*node)->inode;
}

static void give_blocks(uint64_t object, uint64_t first, uint64_t pages_wanted)
{
	for (uint64_t done = 0, value; done < pages_wanted; done += value)
		CHECK(ask(FS_REQUEST_allocate, object, first + done, pages_wanted - done, 0, &value) == 0 && value, "no blocks");
}

static void set_length(uint64_t object, uint64_t length)
{
	struct inode_ref ref;

	step_begin();
	CHECK(inode_get((uint32_t)object, &ref) == 0 && inode_set_length(&ref, length) == 0, "length");
	step_commit();
}

static void check_file(uint64_t object, uint64_t length, uint32_t blocks)
{
	struct inode_ref ref;

	step_begin();
	CHECK(inode_get((uint32_t)object, &ref) == 0, "no inode");
	CHECK(inode_length(ref.raw) == length, "length %lu, not %lu", (unsigned long)inode_length(ref.raw), (unsigned long)length);
	CHECK(ref.raw->sectors == blocks * SECTORS, "%u sectors, not %u blocks", ref.raw->sectors, blocks);
	step_abort();
}

/* ---- tests */

static void put(unsigned operation, uint64_t object, uint64_t first, uint32_t count, uint64_t flags)
{
	const struct ring_request request = { 4711, operation, count, object, first, (first + count) * 4096, 0, flags, { 0 } };

	CHECK(ring_ask(ring, &request), "the ring is full");
	pages_observe();
	pages_admit();
	pages_run();
}

/* A write that somebody waits for is answered when the flush behind it is done, any other one with its data. */
static void durable_writes(void)
{
	struct ring_completion completion;
	struct node *node;
	uint64_t object = make_file("durable", &node), value;

	give_blocks(object, 0, 4);
	put(FS_REQUEST_write, object, 0, 2, 0);
	CHECK(data.moving == 1 && !data.quiet && !flushes, "a plain write");
	data.moving = 0;
	pages_io_done(data.task, false);
	CHECK(ring_next_completion(ring, &completion) && completion.status == 0, "its answer");
	put(FS_REQUEST_write, object, 1, 3, RING_SYNC);
	CHECK(data.moving == 1 && data.quiet && flushes == 1, "a durable one");
	data.moving = 0;
	pages_io_done(data.task, false);
	CHECK(!ring_next_completion(ring, &completion), "answered before the flush");
	pages_flushed();
	CHECK(!ring_next_completion(ring, &completion), "answered before the flush");
	flushed = 1;
	pages_flushed();
	CHECK(ring_next_completion(ring, &completion) && completion.status == 0, "its answer");
	put(FS_REQUEST_write, object, 0, 1, RING_SYNC);
	data.moving = 0;
	pages_io_done(data.task, true);
	flushed = flushes;
	pages_flushed();
	CHECK(ring_next_completion(ring, &completion) && completion.status == -EIO, "its error");
	while (finish_transfer())
		;
	CHECK(ask(FS_REQUEST_release, object, 0, 0, 1, &value) == 0, "release");
}

/* Writes that a sync has left to fs: those asked before it, of its object. */
static void writes_of_a_sync(void)
{
	struct ring_completion completion;
	struct ring_request request = { 4711, FS_REQUEST_write, 2, 0, 0, 2 * 4096, 0, RING_SYNC, { 0 } };
	struct node *node, *other_node;
	uint64_t object = make_file("left", &node), other = make_file("other left", &other_node), value;
	uint32_t asked, first, failed = pages_failures();

	give_blocks(object, 0, 4);
	request.object = object;
	CHECK(ring_ask(ring, &request), "the ring is full");
	asked = pages_admit_asked(ring->request_head);
	CHECK(!pages_written(object, asked) && !data.moving, "not even taken");
	pages_run();
	CHECK(data.moving == 1 && data.quiet && !pages_written(object, asked) && pages_written(other, asked), "under way");
	first = data.task;
	put(FS_REQUEST_write, object, 2, 1, 0);
	pages_io_done(first, false);
	CHECK(!pages_written(object, asked), "before the flush");
	flushed = flushes;
	calls_woken = 0;
	pages_flushed();
	CHECK(pages_written(object, asked) && calls_woken == 1 && pages_failures() == failed, "its own writes are done");
	CHECK(!pages_written(object, ring->request_head), "a later one is not");
	pages_io_done(data.task, true);
	CHECK(pages_written(object, ring->request_head) && calls_woken == 2 && pages_failures() == failed + 1, "it has failed");
	CHECK(pages_written(object, pages_admit_asked(ring->request_head + 1000)), "a place that nobody has asked at");
	request.operation = FS_REQUEST_trim, request.object = 0;
	CHECK(ring_ask(ring, &request), "the ring is full");
	calls_woken = 0;
	CHECK(!pages_written(object, pages_admit_asked(ring->request_head)), "not all is taken");
	pages_run();
	CHECK(pages_written(object, ring->request_head) && calls_woken, "who waits hears of that, too");
	data.moving = 0;
	while (ring_next_completion(ring, &completion) || finish_transfer())
		;
	CHECK(ask(FS_REQUEST_release, object, 0, 0, 1, &value) == 0 && ask(FS_REQUEST_release, other, 0, 0, 1, &value) == 0, "release");
}

static void trim_takes_the_shorter_length(void)
{
	struct node *node;
	uint64_t object = make_file("trimmed", &node), value;

	give_blocks(object, 0, 5);
	set_length(object, 20000);
	CHECK(ask(FS_REQUEST_trim, object, 2, 0, 5000, &value) == 0, "trim");
	check_file(object, 5000, 2);
	CHECK(ask(FS_REQUEST_trim, object, 2, 0, 8192, &value) == 0, "trim");
	check_file(object, 5000, 2);
	CHECK(ask(FS_REQUEST_release, object, 0, 0, 1, &value) == 0, "release");
}

static void fill(uint64_t object)
{
	int64_t status = 0;

	for (uint64_t first = 0, value; status == 0; first += value)
		status = ask(FS_REQUEST_allocate, object, first, 1024, 0, &value);
	CHECK(status == -ENOSPC, "status %ld", (long)status);
}

static void remove_name(const char *name)
{
	struct after after = { NULL };
	int result;

	UNTIL_DONE(result, change_unlink(ROOT_INODE, name, strlen(name), false, &root, &after));
	CHECK(result == 0, "unlink: %d", result);
	after_commit(&after);
}

static void no_space_while_a_release_is_expected(void)
{
	struct node *full, *small;
	uint64_t object = make_file("full", &full), other = make_file("small", &small), value;

	fill(object);
	CHECK(ask(FS_REQUEST_allocate, other, 0, 1, 0, &value) == -ENOSPC, "a full disk");
	node_hold(full);
	remove_name("full");
	leaving = true;
	CHECK(ask(FS_REQUEST_allocate, other, 0, 1, 0, &value) == -ENOSPC, "a descriptor keeps it");
	node_drop(full);
	leaving = false;
	CHECK(ask(FS_REQUEST_allocate, other, 0, 1, 0, &value) == -ENOSPC, "a mapping keeps it");
	leaving = true;
	CHECK(ask(FS_REQUEST_allocate, other, 0, 1, 0, &value) == -EAGAIN, "it is about to go");
	CHECK(ask(FS_REQUEST_release, object, 0, 0, 1, &value) == 0, "release");
	CHECK(ask(FS_REQUEST_allocate, other, 0, 1, 0, &value) == 0 && value == 1, "it has gone");
	CHECK(ask(FS_REQUEST_release, other, 0, 0, 1, &value) == 0, "release");
}

int main(void)
{
	const char *path;

	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK(mkdtemp(folder), "folder");
	path = make_image("", "16M");
	CHECK(mount_image(path, 400) == 0, "mount");
	pages_init(ring);
	durable_writes();
	writes_of_a_sync();
	trim_takes_the_shorter_length();
	no_space_while_a_release_is_expected();
	leave();
	check_clean(path);
	shell("rm -rf %s", folder);
	printf("fs_pages: %u checks passed\n", checks);
	return 0;
}
