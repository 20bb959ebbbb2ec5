/* See image.h. */
#include "image.h"

#include "server.h"

#include <elf.h>

static const char *check_header(const Elf64_Ehdr *header, size_t bytes)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return "not an ELF file";
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_RISCV)
		return "not for riscv64";
	if (header->e_type != ET_EXEC)
		return "not a static executable";
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff > bytes ||
	    header->e_phnum > (bytes - header->e_phoff) / sizeof(Elf64_Phdr))
		return "its program headers lie outside the file";
	return NULL;
}

static unsigned rights_of(uint32_t flags)
{
	return (flags & PF_R ? RIGHT_READ : 0) | (flags & PF_W ? RIGHT_WRITE : 0) | (flags & PF_X ? RIGHT_EXECUTE : 0);
}

static const char *add_segment(struct image *image, const Elf64_Phdr *header, size_t bytes, uint64_t low, uint64_t high)
{
	struct image_segment *segment = &image->segment[image->count];
	uint64_t end;

	if (image->count == IMAGE_SEGMENTS_MAX)
		return "too many segments";
	if (header->p_offset > bytes || header->p_filesz > bytes - header->p_offset || header->p_filesz > header->p_memsz)
		return "a segment lies outside the file";
	if (header->p_vaddr < low || header->p_vaddr >= high || header->p_memsz > high - header->p_vaddr)
		return "a segment lies outside the range for images";
	*segment = (struct image_segment){
		.address = header->p_vaddr & ~(PAGE_BYTES - 1), .start = header->p_vaddr % PAGE_BYTES,
		.offset = header->p_offset, .file_bytes = header->p_filesz, .rights = rights_of(header->p_flags),
	};
	end = (header->p_vaddr + header->p_memsz + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	segment->pages = (end - segment->address) / PAGE_BYTES;
	for (unsigned i = 0; i < image->count; i++) {
		const struct image_segment *other = &image->segment[i];

		if (segment->address < other->address + other->pages * PAGE_BYTES && other->address < end)
			return "two segments share a page";
	}
	image->count++;
	return NULL;
}

const char *image_parse(struct image *image, const void *file, size_t bytes, uint64_t low, uint64_t high)
{
	Elf64_Ehdr header;
	Elf64_Phdr program;
	const char *error;

	if (bytes < sizeof(header))
		return "not an ELF file";
	memcpy(&header, file, sizeof(header));
	error = check_header(&header, bytes);
	if (error)
		return error;
	image->entry = header.e_entry;
	image->count = 0;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		memcpy(&program, (const char *)file + header.e_phoff + i * sizeof(program), sizeof(program));
		if (program.p_type != PT_LOAD || !program.p_memsz)
			continue;
		error = add_segment(image, &program, bytes, low, high);
		if (error)
			return error;
	}
	for (unsigned i = 0; i < image->count; i++)
		if (image->segment[i].rights & RIGHT_EXECUTE && image->entry >= image->segment[i].address &&
		    image->entry < image->segment[i].address + image->segment[i].pages * PAGE_BYTES)
			return NULL;
	return "its entry lies in no executable segment";
}
