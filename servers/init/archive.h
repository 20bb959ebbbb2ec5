/* A reader of cpio archives in the newc format: finds a file by its name. Every number is checked against the archive's size. */
#ifndef INIT_ARCHIVE_H
#define INIT_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

/* The file's first byte, or null: there is none, or the archive is malformed before it. */
const void *archive_find(const void *archive, size_t bytes, const char *name, size_t *file_bytes);

#endif
