/*
 * Host test of what init reads: the device tree, the boot archive and the servers' executables. Each is built here, parsed, and then
 * damaged at random: a parser may refuse or give nonsense, but never read outside the blob (its buffer ends where the blob ends,
 * and the sanitizers watch).
 *
 * sources: servers/init/fdt.c servers/init/archive.c servers/init/image.c servers/init/machine.c servers/init/random.c libsys/format.c
 */
#include "archive.h"
#include "fdt.h"
#include "image.h"
#include "machine.h"
#include "random.h"
#include "server.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>

static int failed;
#define CHECK(condition) do { if (!(condition)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); failed = 1; } } while (0)

void log_line(const char *format, ...)
{
	(void)format;
}

/* ---- A builder of blobs. */

struct blob { uint8_t data[8192]; size_t bytes; };

static void put(struct blob *blob, const void *data, size_t bytes)
{
	memcpy(blob->data + blob->bytes, data, bytes);
	blob->bytes += bytes;
}

static void put32(struct blob *blob, uint32_t value)
{
	uint8_t big[4] = { value >> 24, value >> 16, value >> 8, value };

	put(blob, big, 4);
}

static void pad(struct blob *blob, size_t unit)
{
	while (blob->bytes % unit)
		blob->data[blob->bytes++] = 0;
}

static struct blob structure, strings;

static void begin(const char *name)
{
	put32(&structure, 1);
	put(&structure, name, strlen(name) + 1);
	pad(&structure, 4);
}

static void end(void)
{
	put32(&structure, 4);	/* a NOP here and there */
	put32(&structure, 2);
}

static void property(const char *name, const void *data, size_t bytes)
{
	put32(&structure, 3);
	put32(&structure, bytes);
	put32(&structure, strings.bytes);
	put(&strings, name, strlen(name) + 1);
	put(&structure, data, bytes);
	pad(&structure, 4);
}

static void property_cells(const char *name, int count, const uint32_t *cell)
{
	struct blob value = { .bytes = 0 };

	for (int i = 0; i < count; i++)
		put32(&value, cell[i]);
	property(name, value.data, value.bytes);
}

#define CELLS(name, ...) property_cells(name, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, (uint32_t[]){ __VA_ARGS__ })
#define TEXT(name, text) property(name, text, sizeof(text))

static void device(const char *name, const char *compatible, size_t compatible_bytes, uint32_t address, uint32_t bytes, uint32_t irq)
{
	begin(name);
	CELLS("interrupts", irq);
	CELLS("reg", 0, address, 0, bytes);
	property("compatible", compatible, compatible_bytes);
	end();
}

static struct blob device_tree(void)
{
	struct blob tree = { .bytes = 0 };
	uint8_t seed[32];

	structure.bytes = strings.bytes = 0;
	memset(seed, 0x5a, sizeof(seed));
	begin("");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	begin("chosen");
	property("rng-seed", seed, sizeof(seed));
	end();
	begin("bus@4000000");
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 0);
	begin("inner");
	CELLS("reg", 7);
	TEXT("compatible", "google,goldfish-rtc");	/* without a size: no device */
	end();
	end();
	begin("soc");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	device("rtc@101000", "google,goldfish-rtc", 20, 0x101000, 0x1000, 11);
	device("serial@10000000", "ns16550a", 9, 0x10000000, 0x100, 10);
	device("test@100000", "sifive,test1\0sifive,test0\0syscon", 33, 0x100000, 0x1000, 0);
	device("virtio@2", "virtio,mmio", 12, 0x10002000, 0x1000, 2);
	device("virtio@1", "virtio,mmio", 12, 0x10001000, 0x1000, 1);
	device("virtio@3", "virtio,mmio", 12, 0x10003000, 0x1000, 3);
	end();
	end();
	put32(&structure, 9);

	put32(&tree, 0xd00dfeed);
	put32(&tree, 56 + structure.bytes + strings.bytes);
	put32(&tree, 56);
	put32(&tree, 56 + structure.bytes);
	put32(&tree, 40);
	put32(&tree, 17);
	put32(&tree, 16);
	put32(&tree, 0);
	put32(&tree, strings.bytes);
	put32(&tree, structure.bytes);
	pad(&tree, 56);
	put(&tree, structure.data, structure.bytes);
	put(&tree, strings.data, strings.bytes);
	return tree;
}

static void put_file(struct blob *archive, const char *name, const void *data, size_t bytes)
{
	char header[111];

	snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1, 0100755, 0, 0, 1, 0, (unsigned)bytes,
		 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0);
	put(archive, header, 110);
	put(archive, name, strlen(name) + 1);
	pad(archive, 4);
	put(archive, data, bytes);
	pad(archive, 4);
}

static struct blob boot_archive(void)
{
	struct blob archive = { .bytes = 0 };

	put_file(&archive, "empty", "", 0);
	put_file(&archive, "./pager", "PAGER", 5);
	put_file(&archive, "fs", "file server", 11);
	put_file(&archive, "TRAILER!!!", "", 0);
	put_file(&archive, "behind", "x", 1);
	return archive;
}

#define LOW 0x100000UL
#define HIGH 0x10000000UL

static struct blob executable(void)
{
	struct blob file = { .bytes = 0 };
	Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 }, .e_type = ET_EXEC, .e_machine = EM_RISCV,
			      .e_entry = LOW + 0x10, .e_phoff = sizeof(header), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3 };
	Elf64_Phdr program[3] = {
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x200, .p_vaddr = LOW, .p_filesz = 0x100, .p_memsz = 0x100 },
		{ .p_type = PT_NOTE, .p_offset = 1 << 30, .p_filesz = 5 },
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x300, .p_vaddr = LOW + 0x1800, .p_filesz = 0x10, .p_memsz = 0x1000 },
	};

	put(&file, &header, sizeof(header));
	put(&file, program, sizeof(program));
	pad(&file, 0x310);
	return file;
}

/* ---- The tests. */

static void test_device_tree(void)
{
	struct blob tree = device_tree();
	struct machine machine;

	machine_read(&machine, tree.data, tree.bytes);
	CHECK(machine.uart.registers == 0x10000000 && machine.uart.bytes == 0x100 && machine.uart.irq == 10);
	CHECK(machine.rtc.registers == 0x101000 && machine.finisher.registers == 0x100000);
	CHECK(machine.virtio_count == 3 && machine.virtio[0].irq == 1 && machine.virtio[2].registers == 0x10003000);
	CHECK(machine.seed_bytes == 32 && machine.seed[31] == 0x5a);
	machine_read(&machine, tree.data, 40);
	CHECK(!machine.uart.bytes);
}

static bool holds(const struct blob *archive, const char *name, const char *want)
{
	size_t bytes = 0;
	const void *data = archive_find(archive->data, archive->bytes, name, &bytes);

	return want ? data && bytes == strlen(want) && !memcmp(data, want, bytes) : !data;
}

static void test_archive(void)
{
	struct blob archive = boot_archive();

	CHECK(holds(&archive, "pager", "PAGER") && holds(&archive, "fs", "file server") && holds(&archive, "empty", ""));
	CHECK(holds(&archive, "f", NULL) && holds(&archive, "behind", NULL) && holds(&archive, "TRAILER!!!", NULL));
	archive.bytes = 300;
	CHECK(holds(&archive, "empty", "") && holds(&archive, "fs", NULL));
}

static void test_image(void)
{
	struct blob file = executable();
	struct image image;
	Elf64_Phdr *program = (Elf64_Phdr *)(file.data + sizeof(Elf64_Ehdr));

	CHECK(!image_parse(&image, file.data, file.bytes, LOW, HIGH));
	CHECK(image.count == 2 && image.entry == LOW + 0x10);
	CHECK(image.segment[0].rights == (RIGHT_READ | RIGHT_EXECUTE) && image.segment[0].pages == 1);
	CHECK(image.segment[1].address == LOW + 0x1000 && image.segment[1].start == 0x800 && image.segment[1].pages == 2);
	CHECK(image_parse(&image, file.data, file.bytes - 1, LOW, HIGH));
	CHECK(image_parse(&image, file.data, file.bytes, LOW + 0x1000, HIGH));
	CHECK(image_parse(&image, file.data, file.bytes, LOW, LOW + 0x2000));
	program[2].p_vaddr = LOW + 0xfff;
	CHECK(image_parse(&image, file.data, file.bytes, LOW, HIGH));
	program[2].p_vaddr = LOW + 0x1800, program[2].p_memsz = -0x1000UL;
	CHECK(image_parse(&image, file.data, file.bytes, LOW, HIGH));
}

/* RFC 8439, 2.3.2 differs in counter and nonce; the all-zero block is in its appendix A.1, test vector 1. */
static void test_random(void)
{
	static const uint8_t zero[32], want[8] = { 0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90 };
	uint8_t out[32], other[32];

	random_split(zero, 0, out);
	CHECK(!memcmp(out, want, sizeof(want)));
	random_split(zero, 1, other);
	CHECK(memcmp(out, other, sizeof(out)));
}

static void parse_all(const uint8_t *data, size_t bytes)
{
	struct machine machine;
	struct image image;
	size_t found;

	machine_read(&machine, data, bytes);
	archive_find(data, bytes, "none", &found);
	if (!image_parse(&image, data, bytes, LOW, HIGH))
		for (unsigned i = 0; i < image.count; i++) {
			const struct image_segment *segment = &image.segment[i];

			CHECK(segment->offset + segment->file_bytes <= bytes);
			CHECK(segment->start + segment->file_bytes <= segment->pages * PAGE_BYTES);
			CHECK(segment->address >= LOW && segment->address + segment->pages * PAGE_BYTES <= HIGH);
		}
}

static void test_damaged(void)
{
	struct blob whole[3] = { device_tree(), boot_archive(), executable() };

	srand(1);
	for (int round = 0; round < 100000; round++) {
		const struct blob *blob = &whole[round % 3];
		size_t bytes = round % 5 ? blob->bytes : rand() % (blob->bytes + 1);
		uint8_t *copy = malloc(bytes ? bytes : 1);

		memcpy(copy, blob->data, bytes);
		for (int i = rand() % 8; i && bytes; i--) {
			/* Heads hold the sizes and offsets: hit them more often. */
			size_t place = rand() % (rand() % 2 && bytes > 240 ? 240 : bytes);

			copy[place] = rand() % 3 ? rand() : (uint8_t[]){ 0, 0xff, 0x7f, 0x80 }[rand() % 4];
		}
		parse_all(copy, bytes);
		free(copy);
	}
}

int main(void)
{
	test_device_tree();
	test_archive();
	test_image();
	test_random();
	test_damaged();
	return failed;
}
