/*
 * Host test of exec's pure parts: ELF headers, good, bad and random; the gathering of strings against a space that
 * makes it wait and fail; the picture of the first stack, read as glibc's start code reads it.
 */
/* sources: servers/pager/elf.c servers/pager/stack.c servers/pager/gather.c libsys/argument.c */
#include "elf.h"
#include "exec.h"

#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed;
#define CHECK(condition) do { if (!(condition)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); failed = 1; } } while (0)

/* ---- ELF headers */

struct file {
	Elf64_Ehdr elf;
	Elf64_Phdr row[4];
};
#define FILE_BYTES 0x20000

static struct file good(void)
{
	struct file file = {
		.elf = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC, .e_machine = 243,
			 .e_phoff = 64, .e_phentsize = 56, .e_phnum = 4, .e_entry = 0x10100 },
		.row = {
			{ .p_type = PT_GNU_STACK },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x10000, .p_filesz = 0x5432, .p_memsz = 0x5432, .p_align = 0x1000 },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x5800, .p_vaddr = 0x16800, .p_filesz = 0x100, .p_memsz = 0x3000, .p_align = 0x1000 },
			{ .p_type = PT_NOTE },
		},
	};

	return file;
}

static long load(const struct file *file, struct elf_image *image)
{
	struct elf_table table;
	long result = elf_check(file, sizeof(*file), FILE_BYTES, &table);

	if (result < 0)
		return result;
	if (table.offset + table.bytes > sizeof(*file))
		return -ENOEXEC;
	return elf_parse(file, (const char *)file + table.offset, FILE_BYTES, image);
}

static void test_elf_good(void)
{
	struct file file = good();
	struct elf_image image;

	CHECK(load(&file, &image) == 0);
	CHECK(image.segments == 2 && image.segment[0].start == 0x10000 && image.segment[0].prot == 5 && image.segment[1].prot == 3);
	CHECK(image.entry == 0x10100 && image.headers == 0x10040 && image.header_count == 4 && image.end == 0x1a000);
	file.elf.e_type = ET_DYN;
	CHECK(load(&file, &image) == 0);
	CHECK(image.segment[0].start == ELF_PIE_BASE && image.entry == ELF_PIE_BASE + 0x100 && image.end == ELF_PIE_BASE + 0xa000);
}

/* Each changes one thing that must not pass. */
static void test_elf_bad(void)
{
	struct elf_image image;
#define BAD(error, change) do { struct file file = good(); change; CHECK(load(&file, &image) == error); } while (0)
	BAD(-ENOEXEC, file.elf.e_ident[0] = 0);
	BAD(-ENOEXEC, file.elf.e_ident[EI_CLASS] = ELFCLASS32);
	BAD(-ENOEXEC, file.elf.e_ident[EI_DATA] = ELFDATA2MSB);
	BAD(-ENOEXEC, file.elf.e_machine = 62);
	BAD(-ENOEXEC, file.elf.e_type = ET_REL);
	BAD(-ENOEXEC, file.elf.e_phnum = 0);
	BAD(-ENOEXEC, file.elf.e_phnum = 0xffff);
	BAD(-ENOEXEC, file.elf.e_phentsize = 32);
	BAD(-ENOEXEC, file.elf.e_phoff = -8UL);
	BAD(-ENOEXEC, file.elf.e_phoff = FILE_BYTES - 100);
	BAD(-ENOENT, file.row[3].p_type = PT_INTERP);
	BAD(-ENOEXEC, file.row[1].p_type = file.row[2].p_type = PT_NULL);
	BAD(-ENOEXEC, file.row[2].p_filesz = 0x4000);
	BAD(-ENOEXEC, file.row[2].p_memsz = -1UL);
	BAD(-ENOEXEC, file.row[2].p_vaddr = CORE_USER_END - 0x800);
	BAD(-ENOEXEC, file.row[2].p_vaddr = 0xffffffffff000800);
	BAD(-ENOEXEC, file.row[2].p_vaddr = 0x14800);
	BAD(-ENOEXEC, file.row[2].p_vaddr = 0x16804);
	BAD(-ENOEXEC, file.row[2].p_offset = FILE_BYTES + 0x800);
	BAD(-ENOEXEC, file.row[2].p_offset = 0xfffffffffffff800);
	BAD(-ENOEXEC, file.row[2].p_align = 0x1800);
	BAD(-ENOEXEC, file.row[1].p_vaddr = 0);
	BAD(-ENOEXEC, file.elf.e_entry = CORE_USER_END);
	BAD(-ENOEXEC, file.elf.e_type = ET_DYN; file.row[2].p_align = 1UL << 63);
	BAD(-ENOEXEC, file.elf.e_type = ET_DYN; file.row[2].p_vaddr = ELF_CEILING - 0x3800);
	BAD(-ENOEXEC, file.elf.e_type = ET_DYN; file.elf.e_entry = -1UL);
}

static uint64_t odd_value(void)
{
	static const uint64_t edge[] = { 0, 1, 0xfff, 0x1000, 0x5800, FILE_BYTES, CORE_USER_END, CORE_USER_END - 0x1000, ELF_CEILING, -1UL, -0x1000UL, 1UL << 63 };

	return edge[rand() % (sizeof(edge) / sizeof(edge[0]))] + (rand() % 3 ? 0 : rand() % 64 - 32);
}

/* Whatever the headers say: what passes is in range and in order. */
static void test_elf_random(void)
{
	unsigned passed = 0;

	for (unsigned round = 0; round < 1000000; round++) {
		struct file file = good();
		struct elf_image image;
		unsigned char *bytes = (unsigned char *)&file;
		uint64_t before = 0;

		if (rand() % 2)
			file.elf.e_type = ET_DYN;
		for (int changes = rand() % 4; changes >= 0; changes--) {
			if (rand() % 2)
				bytes[rand() % sizeof(file)] = rand();
			else
				((uint64_t *)&file)[rand() % (sizeof(file) / 8)] = odd_value();
		}
		if (load(&file, &image))
			continue;
		passed++;
		for (unsigned i = 0; i < image.segments; i++) {
			const struct elf_segment *segment = &image.segment[i];

			CHECK(segment->start >= before && segment->start >= ELF_LOWEST && segment->file_bytes <= segment->memory_bytes);
			CHECK(segment->memory_bytes <= ELF_CEILING && segment->start <= ELF_CEILING - segment->memory_bytes);
			CHECK(segment->offset <= FILE_BYTES && segment->file_bytes <= FILE_BYTES - segment->offset);
			CHECK(!segment->file_bytes || segment->start % CORE_PAGE == segment->offset % CORE_PAGE);
			before = segment->start + segment->memory_bytes;
		}
		CHECK(image.segments <= ELF_SEGMENTS && image.end <= ELF_CEILING && image.entry < ELF_CEILING);
	}
	CHECK(passed > 1000);
}

/* ---- gathering: the old space is one array at OLD_BASE; every copy may have to wait first. */

#define OLD_BASE 0x100000UL
#define OLD_BYTES (4UL << 20)
static char old[OLD_BYTES];
static bool waits, starve;

long core_copy_in(struct space *space, uint64_t address, void *to, uint64_t bytes, struct waiter *waiter)
{
	(void)space;
	if (waits && !waiter->progress[0] && rand() % 2) {
		waiter->progress[0] = 1;
		return CORE_WAIT;
	}
	if (address < OLD_BASE || address >= OLD_BASE + OLD_BYTES)
		return -EFAULT;
	if (bytes > OLD_BASE + OLD_BYTES - address)
		bytes = OLD_BASE + OLD_BYTES - address;
	memcpy(to, old + (address - OLD_BASE), bytes);
	return bytes;
}

void *core_allocate(size_t bytes)
{
	return starve && rand() % 8 == 0 ? 0 : calloc(1, bytes);
}

void core_free(void *record, size_t bytes)
{
	(void)bytes;
	free(record);
}

void job_fresh(struct job *job)
{
	memset(&job->waiter, 0, sizeof(job->waiter));
}

static struct domain domain;
static struct process process = { .domain = &domain };

static long gather(struct exec *exec)
{
	struct call call = { .process = &process };
	long result;

	exec->process = &process;
	while ((result = exec_gather(&call, exec)) == CORE_WAIT || result == CORE_AGAIN)
		;
	return result;
}

static uint64_t old_end;

static uint64_t put(const void *bytes, uint64_t count)
{
	uint64_t at = old_end;

	memcpy(old + at, bytes, count);
	old_end = (at + count + 7) & ~7UL;
	return OLD_BASE + at;
}

static uint64_t put_list(unsigned count, const char *prefix)
{
	uint64_t pointer[64];
	char text[300];

	for (unsigned i = 0; i < count; i++) {
		int length = snprintf(text, sizeof(text), "%s%u%*s", prefix, i, rand() % 200, "");

		pointer[i] = put(text, length + 1);
	}
	pointer[count] = 0;
	return put(pointer, 8 * (count + 1));
}

/* The stack as the program will find it. */
static char *stack;
static uint64_t stack_low;
static const char *on_stack(uint64_t address)
{
	CHECK(address >= stack_low && address < STACK_TOP);
	return stack + (address - stack_low);
}

static void build_stack(struct exec *exec)
{
	uint64_t words[7], made;

	stack_plan_make(&exec->plan, &exec->strings);
	stack_low = exec->plan.sp;
	stack = calloc(1, STACK_TOP - stack_low);
	for (uint64_t i = 0; i < exec->strings.bytes; i++)
		stack[exec->plan.strings + i - stack_low] = strings_byte(&exec->strings, i);
	while ((made = stack_words(&exec->plan, &exec->strings, &exec->image, &exec->cursor, words, 7)))
		memcpy(stack + 8 * (exec->cursor.word - made), words, 8 * made);
	CHECK(exec->cursor.word == exec->plan.words);
	CHECK(exec->plan.sp + 8 * exec->plan.words <= exec->plan.random && exec->plan.random + 16 <= exec->plan.strings);
}

static void check_stack(struct exec *exec, unsigned argc, unsigned envc, const char *path)
{
	const uint64_t *word = (const uint64_t *)stack;
	uint64_t seen[64] = { 0 };

	CHECK(exec->plan.sp % 16 == 0 && word[0] == argc && exec->plan.argc == argc && exec->plan.envc == envc);
	for (unsigned i = 0; i < argc; i++)
		CHECK(exec->script || (on_stack(word[1 + i])[0] == 'a' && (unsigned)atoi(on_stack(word[1 + i]) + 1) == i));
	CHECK(!word[1 + argc]);
	for (unsigned i = 0; i < envc; i++)
		CHECK(on_stack(word[2 + argc + i])[0] == 'e' && (unsigned)atoi(on_stack(word[2 + argc + i]) + 1) == i);
	CHECK(!word[2 + argc + envc]);
	for (word += 3 + argc + envc; word[0]; word += 2)
		seen[word[0]] = word[1];
	CHECK((const char *)(word + 2) <= stack + (exec->plan.random - stack_low));
	CHECK(seen[AT_PAGESZ] == 4096 && seen[AT_PHENT] == 56 && seen[AT_RANDOM] == exec->plan.random && seen[AT_ENTRY] == 0x1234 && seen[AT_CLKTCK] == 100);
	CHECK(!strcmp(on_stack(seen[AT_EXECFN]), path));
}

static void test_stack(void)
{
	for (unsigned round = 0; round < 3000; round++) {
		unsigned argc = 1 + rand() % 60, envc = rand() % 60;
		struct exec exec = { .image = { .entry = 0x1234 } };

		waits = round & 1;
		old_end = rand() % 5000;
		exec.path = put("/bin/program", 13);
		exec.argv = put_list(argc, "a");
		exec.envp = put_list(envc, "e");
		CHECK(gather(&exec) == 0);
		build_stack(&exec);
		check_stack(&exec, argc, envc, "/bin/program");
		free(stack);
		strings_free(&exec.strings);
	}
}

static void test_script(void)
{
	static const struct { const char *line; unsigned more; const char *first, *second; } row[] = {
		{ "#!/bin/sh", 1, "/bin/sh", "/bin/script" }, { "#!  /bin/sh \t", 1, "/bin/sh", "/bin/script" },
		{ "#! /bin/awk -f x ", 2, "/bin/awk", "-f x" }, { "#!", 0, 0, 0 }, { "#!   ", 0, 0, 0 },
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct exec exec = { .script = true, .image = { .entry = 0x1234 }, .line_bytes = strlen(row[i].line) };

		waits = i & 1;
		old_end = 0;
		memcpy(exec.line, row[i].line, exec.line_bytes);
		CHECK(exec_prefix(&exec) == (row[i].more > 0));
		if (!row[i].more)
			continue;
		exec.path = put("/bin/script", 12);
		exec.argv = put_list(3, "a");
		CHECK(gather(&exec) == 0);
		build_stack(&exec);
		check_stack(&exec, 3 + row[i].more, 0, "/bin/script");
		CHECK(!strcmp(on_stack(((uint64_t *)stack)[1]), row[i].first) && !strcmp(on_stack(((uint64_t *)stack)[2]), row[i].second));
		CHECK(!strncmp(on_stack(((uint64_t *)stack)[2 + row[i].more]), "a1", 2) && !strncmp(on_stack(((uint64_t *)stack)[3 + row[i].more]), "a2", 2));
		free(stack);
		strings_free(&exec.strings);
	}
}

static long gather_lists(uint64_t path, uint64_t argv, uint64_t envp)
{
	struct exec exec = { .path = path, .argv = argv, .envp = envp };
	long result = gather(&exec);

	strings_free(&exec.strings);
	return result;
}

#define MANY 300000	/* pointers: more than 2 MiB of them */

static void test_gather_bad(void)
{
	static uint64_t list[MANY];
	uint64_t path;

	waits = true;
	old_end = 0;
	path = put("/x", 3);
	CHECK(gather_lists(path, 0, 0) == 0);
	CHECK(gather_lists(8, 0, 0) == -EFAULT);
	CHECK(gather_lists(path, 8, 0) == -EFAULT);
	CHECK(gather_lists(path, -8UL, 0) == -EFAULT);
	CHECK(gather_lists(path, CORE_USER_END, 0) == -EFAULT);
	CHECK(gather_lists(path, OLD_BASE + OLD_BYTES - 4, 0) == -EFAULT);
	list[0] = -1UL;
	CHECK(gather_lists(path, put(list, 16), 0) == -EFAULT);
	/* A string with no end, at the end of memory and before it. */
	memset(old + OLD_BYTES - 5000, 'x', 5000);
	list[0] = OLD_BASE + OLD_BYTES - 5000;
	list[1] = 0;
	CHECK(gather_lists(path, put(list, 16), 0) == -EFAULT);
	memset(old + OLD_BYTES - 300000, 'x', 300000);
	list[0] = OLD_BASE + OLD_BYTES - 300000;
	CHECK(gather_lists(path, 0, put(list, 16)) == -E2BIG);
	/* Twenty of 127 KiB; and very many empty ones. */
	old[OLD_BYTES - 300000 + (127 << 10)] = 0;
	for (unsigned i = 0; i < 20; i++)
		list[i] = OLD_BASE + OLD_BYTES - 300000;
	list[20] = 0;
	CHECK(gather_lists(path, put(list, 21 * 8), 0) == -E2BIG);
	for (unsigned i = 0; i < MANY; i++)
		list[i] = path + 2;
	old_end = 16;
	CHECK(gather_lists(path, put(list, sizeof(list)), 0) == -E2BIG);
	starve = true;
	for (unsigned round = 0; round < 200; round++) {
		long result = gather_lists(path, 0, 0);

		CHECK(result == 0 || result == -ENOMEM);
	}
	starve = false;
}

int main(void)
{
	test_elf_good();
	test_elf_bad();
	test_elf_random();
	test_stack();
	test_script();
	test_gather_bad();
	return failed;
}
