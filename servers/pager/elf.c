/*
 * Reading ELF headers (elf.h). Sums are formed only after their parts were bounded, so nothing wraps. It does not read the
 * file and maps nothing: exec.c does.
 */
#include "elf.h"

#include <asm/mman.h>
#include <linux/elf.h>
#include <linux/errno.h>

#define EM_RISC_V 243

_Static_assert(sizeof(Elf64_Ehdr) == ELF_HEADER_BYTES, "the header of ELF64");

static uint64_t page_down(uint64_t address)
{
	return address & ~(CORE_PAGE - 1);
}

static uint64_t page_up(uint64_t address)
{
	return page_down(address + CORE_PAGE - 1);
}

long elf_check(const void *header, uint64_t bytes, uint64_t file_bytes, struct elf_table *table)
{
	Elf64_Ehdr elf;

	if (bytes < sizeof(elf))
		return -ENOEXEC;
	__builtin_memcpy(&elf, header, sizeof(elf));
	if (__builtin_memcmp(elf.e_ident, ELFMAG, SELFMAG) || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf.e_ident[EI_DATA] != ELFDATA2LSB || elf.e_ident[EI_VERSION] != EV_CURRENT)
		return -ENOEXEC;
	if (elf.e_machine != EM_RISC_V || (elf.e_type != ET_EXEC && elf.e_type != ET_DYN))
		return -ENOEXEC;
	if (elf.e_phentsize != sizeof(Elf64_Phdr) || !elf.e_phnum || elf.e_phnum > CORE_PAGE / sizeof(Elf64_Phdr))
		return -ENOEXEC;
	table->offset = elf.e_phoff;
	table->bytes = elf.e_phnum * sizeof(Elf64_Phdr);
	if (table->offset > file_bytes || table->bytes > file_bytes - table->offset)
		return -ENOEXEC;
	return 0;
}

/* One PT_LOAD, its addresses still without the bias. */
static bool segment_valid(const Elf64_Phdr *row, uint64_t file_bytes)
{
	if (row->p_filesz > row->p_memsz || row->p_memsz > ELF_CEILING || row->p_vaddr > ELF_CEILING - row->p_memsz)
		return false;
	if (row->p_offset > file_bytes || row->p_filesz > file_bytes - row->p_offset)
		return false;
	if (row->p_align > 1 && (row->p_align & (row->p_align - 1)))
		return false;
	return !row->p_filesz || row->p_vaddr % CORE_PAGE == row->p_offset % CORE_PAGE;
}

static long segment_add(struct elf_image *image, const Elf64_Phdr *row, uint64_t file_bytes)
{
	struct elf_segment *segment = &image->segment[image->segments];
	uint64_t before = image->segments ? segment[-1].start + segment[-1].memory_bytes : 0;

	if (!row->p_memsz)
		return 0;
	if (image->segments == ELF_SEGMENTS || !segment_valid(row, file_bytes) || row->p_vaddr < before)
		return -ENOEXEC;
	segment->start = row->p_vaddr;
	segment->file_bytes = row->p_filesz;
	segment->memory_bytes = row->p_memsz;
	segment->offset = row->p_offset;
	segment->prot = (row->p_flags & PF_R ? PROT_READ : 0) | (row->p_flags & PF_W ? PROT_WRITE : 0) | (row->p_flags & PF_X ? PROT_EXEC : 0);
	image->segments++;
	return 0;
}

/* A static-PIE starts at its base, aligned as its strictest segment asks. */
static long image_move(struct elf_image *image, uint64_t align)
{
	uint64_t bias = (ELF_PIE_BASE & ~(align - 1)) - page_down(image->segment[0].start);
	struct elf_segment *last = &image->segment[image->segments - 1];

	if (last->start + last->memory_bytes > ELF_CEILING - ELF_PIE_BASE || align > ELF_PIE_BASE || image->entry > ELF_CEILING - ELF_PIE_BASE)
		return -ENOEXEC;
	for (unsigned i = 0; i < image->segments; i++)
		image->segment[i].start += bias;
	image->entry += bias;
	return 0;
}

/* The program headers are part of the first segment that holds their place in the file. */
static uint64_t headers_address(const struct elf_image *image, uint64_t offset, uint64_t bytes)
{
	for (unsigned i = 0; i < image->segments; i++) {
		const struct elf_segment *segment = &image->segment[i];

		if (offset >= segment->offset && bytes <= segment->file_bytes && offset - segment->offset <= segment->file_bytes - bytes)
			return segment->start + (offset - segment->offset);
	}
	return 0;
}

long elf_parse(const void *header, const void *table, uint64_t file_bytes, struct elf_image *image)
{
	Elf64_Ehdr elf;
	Elf64_Phdr row;
	uint64_t align = CORE_PAGE;

	__builtin_memcpy(&elf, header, sizeof(elf));
	__builtin_memset(image, 0, sizeof(*image));
	for (unsigned i = 0; i < elf.e_phnum; i++) {
		__builtin_memcpy(&row, (const char *)table + i * sizeof(row), sizeof(row));
		if (row.p_type == PT_INTERP)
			return -ENOENT;
		if (row.p_type != PT_LOAD)
			continue;
		if (segment_add(image, &row, file_bytes) < 0)
			return -ENOEXEC;
		align = row.p_align > align ? row.p_align : align;
	}
	if (!image->segments)
		return -ENOEXEC;
	image->entry = elf.e_entry;
	if (elf.e_type == ET_DYN && image_move(image, align) < 0)
		return -ENOEXEC;
	if (image->segment[0].start < ELF_LOWEST || image->entry >= ELF_CEILING)
		return -ENOEXEC;
	image->headers = headers_address(image, elf.e_phoff, elf.e_phnum * sizeof(row));
	image->header_count = elf.e_phnum;
	image->end = page_up(image->segment[image->segments - 1].start + image->segment[image->segments - 1].memory_bytes);
	return 0;
}
