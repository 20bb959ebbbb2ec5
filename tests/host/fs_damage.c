/*
 * Images that the file server must refuse, each with a sentence, and damaged ones, on which every operation may fail but none may crash,
 * write outside the device, or go on for ever. The damage is random but seeded; run under the sanitizers.
 * sources: servers/fs/core/
 */
#include "fs_world.h"

static void poke(const char *path, long offset, uint32_t value, unsigned bytes)
{
	int file = open(path, O_RDWR);

	CHECK(pwrite(file, &value, bytes, offset) == bytes, "poke");
	close(file);
}

static void test_refusal(void)
{
	static const struct { long offset; uint32_t value; unsigned bytes; const char *says; } bad[] = {
		{ 1024 + 56, 0x1234, 2, "magic" }, { 1024 + 24, 0, 4, "block size" }, { 1024 + 76, 0, 4, "revision" },
		{ 1024 + 96, 0x42, 4, "incompatible" }, { 1024 + 4, 1 << 30, 4, "cut short" }, { 1024 + 88, 200, 2, "inode size" },
		{ 1024 + 32, 0, 4, "block counts" }, { 1024 + 40, 0, 4, "inode counts" }, { 4096 + 8, 0x7fffffff, 4, "descriptors" },
		{ 4096, 0, 4, "descriptors" },
	};

	quiet = true;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *path = make_image("", "16M");

		poke(path, bad[i].offset, bad[i].value, bad[i].bytes);
		CHECK(mount_image(path, 64) < 0 && strstr(last_log, "cannot use the disk: ") && strstr(last_log, bad[i].says),
		      "%s: %s", bad[i].says, last_log);
		close(device);
	}
	quiet = false;
	printf("ok ten kinds of unusable images are refused with a sentence\n");
}

static bool count_entries(void *context, const char *text, size_t length, uint64_t inode, unsigned type, uint64_t next)
{
	(void)text, (void)length, (void)inode, (void)type, (void)next;
	++*(unsigned *)context;
	return true;
}

/* Looks at, and changes, everything that an inode number reaches. Any errno will do. */
static void touch_inode(uint32_t number)
{
	struct inode_ref ref;
	char text[PATH_BYTES];
	size_t length;
	uint64_t cookie = 0, done;
	unsigned entries = 0, tries = 0;
	uint32_t block;
	int result;

	for (unsigned action = 0; action < 6; action++) {
		do {
			step_begin();
			result = inode_get_live(number, &ref);
			if (result == 0 && action == 0)
				result = disk_tree.list(number, &cookie, count_entries, &entries);
			else if (result == 0 && action == 1)
				result = disk_tree.read_link(number, text, sizeof(text), &length);
			else if (result == 0 && action == 2)
				result = disk_tree.path(number, text, sizeof(text), &length);
			else if (result == 0 && action == 3)
				result = map_lookup(&ref, random_below(3000), &block);
			else if (result == 0 && action == 4 && inode_is(ref.raw, MODE_REGULAR))
				result = map_allocate(&ref, random_below(2000), 5, true, &done);
			else if (result == 0 && action == 5 && inode_is(ref.raw, MODE_DIRECTORY))
				result = change_create(number, "new", 3, random_below(2) ? MODE_REGULAR : MODE_DIRECTORY, &root, &ref);
			if (result == 0)
				step_commit();
			else
				step_abort();
		} while (result == WAIT && finish_transfer() && ++tries < 100000);
		CHECK(tries < 100000, "no end");
		CHECK(result != WAIT, "waits for nothing");
	}
}

static void unlink_everything(uint32_t directory, unsigned depth)
{
	for (unsigned i = 0; i < 70; i++) {
		struct after after = { NULL };
		char text[8];
		int result;

		snprintf(text, sizeof(text), "%u", i);
		do {
			step_begin();
			result = change_unlink(directory, text, strlen(text), i % 2, &root, &after);
			if (result == 0)
				step_commit();
			else
				step_abort();
		} while (result == WAIT && finish_transfer());
		if (result == 0)
			after_commit(&after);
	}
	for (unsigned i = 0; depth == 0 && i < 300000 && node_jobs_pending(); i++)
		if (!node_jobs_step() && !finish_transfer())
			break;
}

/* Something of each kind under names that are numbers: odd ones are directories. Inodes and blocks fill up from the front. */
static void populate(void)
{
	static const uint64_t starts[] = { 0, 12, 1036, 1024 * 1024 + 5000 };
	uint32_t directory[60] = { ROOT_INODE }, directories = 1;

	for (unsigned i = 0; i < 60; i++) {
		uint32_t parent = directory[random_below(directories)];
		char name[8], target[3000] = "";
		struct inode_ref ref;
		uint64_t done;
		int result;

		snprintf(name, sizeof(name), "%u", i);
		memset(target, 'x', i % 4 ? 20 : 2999);
		if (i % 6 == 4)
			UNTIL_DONE(result, change_symlink(parent, name, strlen(name), target, strlen(target), &root));
		else
			UNTIL_DONE(result, change_create(parent, name, strlen(name), i % 2 ? MODE_DIRECTORY | 0755 : MODE_REGULAR | 0644, &root, &ref));
		CHECK(result == 0, "create: %d", result);
		if (i % 2)
			directory[directories++] = ref.number;
		else if (i % 6 != 4)
			for (unsigned j = 0; j < 4; j++) {
				UNTIL_DONE(result, inode_get(ref.number, &ref) ?: map_allocate(&ref, starts[j], 3, true, &done) ?:
					   inode_set_length(&ref, (starts[j] + 3) * BLOCK_BYTES));
				CHECK(result == 0, "allocate: %d", result);
			}
	}
}

static void try_everything(void)
{
	uint32_t memory_inodes = memory_volume.super->free_inodes, memory_blocks = memory_volume.super->free_blocks;

	for (uint32_t inode = 2; inode < 100; inode++)
		touch_inode(inode);
	for (uint32_t inode = 2; inode < 80; inode++)
		unlink_everything(inode, inode % 8);
	node_free_orphans();
	for (unsigned i = 0; i < 300000 && node_jobs_pending(); i++)
		if (!node_jobs_step() && !finish_transfer())
			break;
	CHECK(!node_jobs_pending(), "freeing does not end");
	CHECK(memory_volume.super->free_inodes == memory_inodes && memory_volume.super->free_blocks == memory_blocks, "the damage has reached the volume in memory");
	close(device);
}

static uint8_t good[8 << 20];

static void transfer_good(const char *path, bool write)
{
	int file = open(path, O_RDWR);
	ssize_t moved = write ? pwrite(file, good, sizeof(good), 0) : pread(file, good, sizeof(good), 0);

	CHECK(moved == sizeof(good), "copy");
	close(file);
}

static void make_good(void)
{
	const char *path = make_image("-N 512", "8M");

	seed = 5;
	CHECK(mount_image(path, 128) == 0, "mount");
	populate();
	leave();
	check_clean(path);
	transfer_good(path, false);
}

static void test_damage(unsigned rounds)
{
	static const uint32_t values[] = { 0, 1, 0xffffffff, 0x7fffffff, 2, 12, 0x1000, 64, MEMORY_ROOT, IN_MEMORY + 12, IN_MEMORY + 40 };
	unsigned refused = 0;

	make_good();
	quiet = true;
	for (unsigned round = 0; round < rounds; round++) {
		char path[300];

		snprintf(path, sizeof(path), "%s/disk", folder);
		transfer_good(path, true);
		for (unsigned i = 1 + random_below(60); i; i--) {
			uint32_t block = random_below(3) ? 3 + random_below(50) : 1 + random_below(400);
			long where = random_below(30) ? 4096L * block + random_below(1023) * 4 : 1024 + random_below(200);

			poke(path, where, random_below(2) ? values[random_below(11)] : random_below(2048), random_below(3) ? 4 : 1 + random_below(4));
		}
		if (mount_image(path, 128) == 0) {
			try_everything();
		} else {
			close(device);
			refused++;
		}
	}
	quiet = false;
	CHECK(refused < rounds / 2, "%u of %u images were refused", refused, rounds);
	printf("ok %u damaged images, %u of them refused\n", rounds, refused);
}

/* A tree of indirect blocks that leads into itself at every pointer would have a thousand million ends. */
static void test_circle(void)
{
	const char *path = make_image("-N 512", "8M");
	struct inode_ref ref;
	struct after after;
	uint32_t block, number;
	uint64_t done;
	int result;

	CHECK(mount_image(path, 128) == 0, "mount");
	UNTIL_DONE(result, change_create(ROOT_INODE, "file", 4, MODE_REGULAR, &root, &ref));
	number = ref.number;
	UNTIL_DONE(result, inode_get(number, &ref) ?: map_allocate(&ref, 0, 2, true, &done) ?: map_lookup(&ref, 0, &block));
	UNTIL_DONE(result, inode_get(number, &ref) ?: (inode_change(&ref), ref.raw->pointer[14] = ref.raw->pointer[13] = block, 0));
	CHECK(result == 0, "map: %d", result);
	write_all();
	close(device);
	for (unsigned i = 0; i < POINTERS; i++)
		poke(path, block * 4096L + i * 4, block, 4);
	quiet = true;
	CHECK(mount_image(path, 128) == 0, "mount");
	UNTIL_DONE(result, change_unlink(ROOT_INODE, "file", 4, false, &root, &after));
	CHECK(result == 0, "unlink: %d", result);
	after_commit(&after);
	drain_jobs();
	leave();
	quiet = false;
	printf("ok a tree of blocks that is a circle\n");
}

int main(int count, char **arguments)
{
	unsigned scale = count > 1 ? atoi(arguments[1]) : 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK(mkdtemp(folder), "folder");
	test_refusal();
	test_circle();
	test_damage(150 * scale);
	shell("rm -rf %s", folder);
	printf("fs_damage: %u checks passed\n", checks);
	return 0;
}
