/*
 * The linker's pattern: an output file of known size is created, mapped shared and filled from several offsets; more is
 * appended with write behind the mapped part; and read, write and memory must agree while the file is still mapped.
 */
#include "test.h"

#define READ_WRITE (PROT_READ | PROT_WRITE)
#define OUTPUT_BYTES (24 * PAGE + 777)

struct section {
	size_t offset, bytes;
	unsigned seed;
};

/* Neither sorted nor aligned, some across page borders, one to the very end. */
static const struct section sections[] = {
	{ 20 * PAGE + 13, OUTPUT_BYTES - (20 * PAGE + 13), 5 },
	{ 64, 3000, 1 },
	{ 4090, 9000, 2 },
	{ 0, 64, 0 },
	{ 9 * PAGE, 5 * PAGE + 1, 3 },
};
#define SECTIONS (sizeof(sections) / sizeof(*sections))

static unsigned char *create_output(const char *name, int *file)
{
	*file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0755);
	CHECK(*file >= 0);
	CHECK(ftruncate(*file, OUTPUT_BYTES) == 0);
	return map_file(*file, OUTPUT_BYTES, READ_WRITE, MAP_SHARED, 0);
}

static void fill_sections(unsigned char *memory)
{
	for (size_t i = 0; i < SECTIONS; i++)
		fill(memory + sections[i].offset, sections[i].bytes, sections[i].seed, sections[i].offset);
}

static unsigned char image[OUTPUT_BYTES + 100000];

/* What the output must be: sections in order, zero in the gaps. */
static bool is_output(const unsigned char *bytes)
{
	static unsigned char wanted[OUTPUT_BYTES];

	memset(wanted, 0, sizeof(wanted));
	fill_sections(wanted);
	return !memcmp(bytes, wanted, OUTPUT_BYTES);
}

static void fill_append_reopen(void)
{
	unsigned char extra[5000];
	unsigned char *memory;
	int file;

	memory = create_output("a.out", &file);
	fill_sections(memory);
	fill(extra, sizeof(extra), 9, 0);
	CHECK_EQUAL(lseek(file, 0, SEEK_END), OUTPUT_BYTES);
	CHECK_EQUAL(write(file, extra, sizeof(extra)), sizeof(extra));
	CHECK_EQUAL(write(file, extra, 100), 100);
	CHECK(munmap(memory, OUTPUT_BYTES) == 0);
	CHECK(close(file) == 0);
	CHECK_EQUAL(get_bytes("a.out", image, sizeof(image)), OUTPUT_BYTES + sizeof(extra) + 100);
	CHECK(is_output(image));
	CHECK(holds(image + OUTPUT_BYTES, sizeof(extra), 9, 0) && holds(image + OUTPUT_BYTES + sizeof(extra), 100, 9, 0));
}

static void fill_sync_forget_reopen(void)
{
	unsigned char *memory;
	int file;

	memory = create_output("a.out", &file);
	fill_sections(memory);
	CHECK(msync(memory, OUTPUT_BYTES, MS_SYNC) == 0);
	CHECK(munmap(memory, OUTPUT_BYTES) == 0);
	CHECK(fsync(file) == 0);
	CHECK(close(file) == 0);
	if (on_quire())
		drop_caches();		/* now the bytes come from the disk */
	CHECK_EQUAL(get_bytes("a.out", image, sizeof(image)), OUTPUT_BYTES);
	CHECK(is_output(image));
}

static void read_what_is_mapped(void)
{
	unsigned char *memory;
	int file;

	memory = create_output("a.out", &file);
	fill_sections(memory);
	CHECK_EQUAL(pread(file, image, OUTPUT_BYTES + 10, 0), OUTPUT_BYTES);
	CHECK(is_output(image));
	memory[12345] = '!';
	CHECK_EQUAL(pread(file, image, 3, 12344), 3);
	CHECK_EQUAL(image[1], '!');
	munmap(memory, OUTPUT_BYTES);
	close(file);
}

static void write_what_is_mapped(void)
{
	unsigned char *memory;
	int file;

	memory = create_output("a.out", &file);
	fill_sections(image);
	CHECK_EQUAL(memory[7 * PAGE], 0);	/* present in memory before the write */
	for (size_t i = 0; i < SECTIONS; i++) {
		CHECK_EQUAL(lseek(file, (off_t)sections[i].offset, SEEK_SET), sections[i].offset);
		CHECK_EQUAL(write(file, image + sections[i].offset, sections[i].bytes), sections[i].bytes);
	}
	CHECK(is_output(memory));
	CHECK_EQUAL(pwrite(file, "patched", 7, 2 * PAGE - 3), 7);
	CHECK(!memcmp(memory + 2 * PAGE - 3, "patched", 7));
	memory[2 * PAGE] = 'X';
	CHECK_EQUAL(pread(file, image, 7, 2 * PAGE - 3), 7);
	CHECK(!memcmp(image, "patXhed", 7));
	munmap(memory, OUTPUT_BYTES);
	close(file);
}

/* A mapping made larger than the file: pages appear as the file grows. */
static void grow_under_the_mapping(void)
{
	int file = make_file("growing", PAGE, 1);
	unsigned char *memory = map_file(file, 4 * PAGE, READ_WRITE, MAP_SHARED, 0);

	CHECK_EQUAL(READ_SIGNAL(memory + PAGE), SIGBUS);
	CHECK_EQUAL(pwrite(file, "tail", 4, 2 * PAGE + 100), 4);
	CHECK(!memcmp(memory + 2 * PAGE + 100, "tail", 4));
	CHECK(all_bytes(memory + PAGE, PAGE + 100, 0) && all_bytes(memory + 2 * PAGE + 104, PAGE - 104, 0));
	CHECK_EQUAL(READ_SIGNAL(memory + 3 * PAGE), SIGBUS);
	memory[PAGE + 5] = 'h';
	munmap(memory, 4 * PAGE);
	CHECK_EQUAL(pread(file, image, sizeof(image), 0), 2 * PAGE + 104);
	CHECK(holds(image, PAGE, 1, 0) && image[PAGE + 5] == 'h');
	close(file);
}

/* The rest of the last page is memory only: it never reaches the file, and growth shows zeroes. */
static void tail_stays_in_memory(void)
{
	int file = make_file("tail", 1000, 2);
	unsigned char *memory = map_file(file, PAGE, READ_WRITE, MAP_SHARED, 0);
	struct stat status;

	CHECK(all_bytes(memory + 1000, PAGE - 1000, 0));
	memory[999] = 'l';
	CHECK(msync(memory, PAGE, MS_SYNC) == 0);
	munmap(memory, PAGE);
	CHECK(fstat(file, &status) == 0 && status.st_size == 1000);
	CHECK(ftruncate(file, 3 * PAGE) == 0);
	CHECK_EQUAL(pread(file, image, sizeof(image), 0), 3 * PAGE);
	CHECK(image[999] == 'l' && all_bytes(image + 1000, 3 * PAGE - 1000, 0));
	close(file);
}

static const struct test tests[] = {
	{ fill_append_reopen, "fill_append_reopen" },
	{ fill_sync_forget_reopen, "fill_sync_forget_reopen" },
	{ read_what_is_mapped, "read_what_is_mapped" },
	{ write_what_is_mapped, "write_what_is_mapped" },
	{ grow_under_the_mapping, "grow_under_the_mapping" },
	{ tail_stays_in_memory, "tail_stays_in_memory" },
	{ NULL, NULL }
};

int main(int count, char **arguments)
{
	return test_main(count, arguments, tests);
}
