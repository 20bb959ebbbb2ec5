/*
 * See archive.h. A newc entry: a header of 110 characters (the magic, then 13 numbers of 8 hexadecimal digits), the name with its
 * NUL padded to 4 bytes, the data padded to 4 bytes. The entry "TRAILER!!!" ends the archive.
 */
#include "archive.h"

#include "server.h"

#define HEADER_BYTES 110
enum field { FIELD_FILE_BYTES = 6, FIELD_NAME_BYTES = 11 };

static bool read_field(const char *header, enum field field, uint64_t *value)
{
	const char *digit = header + 6 + 8 * field;

	*value = 0;
	for (int i = 0; i < 8; i++, digit++) {
		if (*digit >= '0' && *digit <= '9')
			*value = *value << 4 | (*digit - '0');
		else if ((*digit | 0x20) >= 'a' && (*digit | 0x20) <= 'f')
			*value = *value << 4 | ((*digit | 0x20) - 'a' + 10);
		else
			return false;
	}
	return true;
}

static size_t align4(size_t value)
{
	return (value + 3) & ~(size_t)3;
}

static const char *plain(const char *name)
{
	return name[0] == '.' && name[1] == '/' ? name + 2 : name;
}

const void *archive_find(const void *archive, size_t bytes, const char *name, size_t *file_bytes)
{
	const char *start = archive;

	for (size_t position = 0; position < bytes && bytes - position >= HEADER_BYTES;) {
		const char *header = start + position, *entry = header + HEADER_BYTES;
		uint64_t name_bytes, data_bytes;
		size_t data;

		if (memcmp(header, "070701", 6) != 0 || !read_field(header, FIELD_NAME_BYTES, &name_bytes) ||
		    !read_field(header, FIELD_FILE_BYTES, &data_bytes))
			return NULL;
		if (!name_bytes || name_bytes > bytes - position - HEADER_BYTES || entry[name_bytes - 1])
			return NULL;
		data = align4(position + HEADER_BYTES + name_bytes);
		if (data > bytes || data_bytes > bytes - data || !strcmp(entry, "TRAILER!!!"))
			return NULL;
		if (!strcmp(plain(entry), name)) {
			*file_bytes = data_bytes;
			return start + data;
		}
		position = align4(data + data_bytes);
	}
	return NULL;
}
