/*
 * The world of the file server's core on the host: a device whose transfers end when the test says so, in any order; volumes that mke2fs
 * makes and e2fsck judges. Included by fs_core.c, fs_damage.c and fs_pages.c.
 */
#ifndef FS_WORLD_H
#define FS_WORLD_H

#include "core.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

static unsigned checks;
#define CHECK(condition, ...) do { checks++; if (!(condition)) { printf("%s:%d: %s: ", __FILE__, __LINE__, #condition); printf(__VA_ARGS__); printf("\n"); exit(1); } } while (0)

static bool quiet;
static char last_log[512];

void log_line(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last_log, sizeof(last_log), format, arguments);
	va_end(arguments);
	if (!quiet)
		printf("  log: %s\n", last_log);
}

static uint64_t seed;

static uint32_t random_below(uint32_t bound)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return bound ? (seed >> 33) % bound : 0;
}

/* ---- the device: transfers end when the test says so, in any order */

#define QUEUE 24
static struct transfer { uint32_t frame, block; bool write; } queue[QUEUE];
static unsigned queued;
static int device;
static uint8_t *pages;
static uint64_t device_blocks, woken, clock_now, unlinked_objects;

static bool start(uint32_t frame, uint32_t block, bool write)
{
	CHECK(block < device_blocks, "block %u", block);
	if (queued == QUEUE || random_below(8) == 0)
		if (queued)
			return false;
	queue[queued++] = (struct transfer){ frame, block, write };
	return true;
}

static bool device_read(uint32_t frame, uint32_t block) { return start(frame, block, false); }
static bool device_write(uint32_t frame, uint32_t block) { return start(frame, block, true); }
static void wake(uint64_t key) { (void)key; woken++; }
static uint64_t now(void) { return clock_now += 1000000; }
static void unlinked(uint64_t object) { (void)object; unlinked_objects++; }

static const struct core_ops ops = { device_read, device_write, wake, now, unlinked };

static bool finish_transfer(void)
{
	struct transfer done;
	unsigned which = random_below(queued);
	ssize_t moved;

	if (!queued)
		return false;
	done = queue[which];
	queue[which] = queue[--queued];
	if (done.write)
		moved = pwrite(device, pages + done.frame * 4096UL, 4096, done.block * 4096L);
	else
		moved = pread(device, pages + done.frame * 4096UL, 4096, done.block * 4096L);
	core_io_done(done.frame, moved != 4096);
	return true;
}

/* ---- starting and ending a volume, beside an empty one in memory */

#define KEPT 64		/* blocks of that */

static void *memory;

static int mount_image(const char *path, uint32_t cache)
{
	static struct block *blocks;
	static uint32_t hash[256];
	uint32_t pool = 600;
	struct stat status;
	int result;

	free(memory);
	free(blocks);
	memory = aligned_alloc(4096, (cache + pool + KEPT) * 4096UL);
	blocks = calloc(cache + KEPT, sizeof(*blocks));
	pages = memset(memory, 0xa5, (cache + pool + KEPT) * 4096UL);
	queued = 0;
	clock_now = 1700000000UL * 1000000000;
	device = open(path, O_RDWR);
	fstat(device, &status);
	device_blocks = status.st_size / 4096;
	memset(&volume, 0, sizeof(volume));
	volume.ops = &ops;
	cache_init(pages, cache, blocks, hash, 256);
	pool_init(pages + cache * 4096UL, pool);
	memory_init(pages + (cache + pool) * 4096UL, KEPT, blocks + cache);
	memory_mount = (struct mount){ path_root(), "/memory" };
	node_init();
	do {
		step_begin();
		result = volume_mount(device_blocks, false);
		step_abort();
	} while (result == WAIT && finish_transfer());
	return result;
}

static void UNUSED drain_jobs(void)
{
	for (unsigned i = 0; node_jobs_pending() && i < 2000000; i++)
		if (!node_jobs_step() && !finish_transfer())
			break;
	CHECK(!node_jobs_pending(), "jobs stand still");
}

static void UNUSED write_all(void)
{
	uint64_t stamp = cache_write_back();

	while (!cache_written(stamp)) {
		CHECK(finish_transfer(), "write-back stands still");
		cache_write_back();
	}
}

static void UNUSED leave(void)
{
	node_free_orphans();
	drain_jobs();
	step_begin();
	volume_mark_clean();
	step_commit();
	write_all();
	while (finish_transfer())
		;
	close(device);
}

static int shell(const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return system(command);
}

static void UNUSED check_clean(const char *path)
{
	CHECK(shell("PATH=$PATH:/usr/sbin:/sbin e2fsck -fn %s > %s.log 2>&1 || { cat %s.log; exit 1; }", path, path, path) == 0, "e2fsck");
	CHECK(shell("PATH=$PATH:/usr/sbin:/sbin dumpe2fs -h %s 2>&1 | grep -q 'Filesystem state: *clean'", path) == 0, "it was not left in order");
}

static char folder[] = "/tmp/fs_core.XXXXXX";

static const char *make_image(const char *options, const char *size)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/disk", folder);
	unlink(path);
	CHECK(shell("PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext2 -b 4096 %s %s %s > /dev/null", options, path, size) == 0, "mke2fs");
	return path;
}

static const struct credentials root = { 0, 0 };

/* Tries the operation (an expression that uses `result` and the like) in steps until it need not wait any more. */
#define UNTIL_DONE(result, operation) do { \
	step_begin(); \
	result = operation; \
	if (result == 0) \
		step_commit(); \
	else \
		step_abort(); \
} while (result == WAIT && finish_transfer())

#endif
