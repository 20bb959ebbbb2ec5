/*
 * What the small programs share: messages about failures, and copying from descriptor to descriptor.
 * Everything else they take from the C library.
 */
#ifndef COMMON_H
#define COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Prints "PROGRAM: what: reason of errno" to standard error. Returns 1, the exit status of a program that failed. */
int complain(const char *what);

/* Prints "usage: text" to standard error. Returns 2. */
int usage(const char *text);

/* Copies until end of file. On failure returns false with errno set, and says in *writing which side it was. */
bool copy_all(int from, int to, bool *writing);

/* Writes all bytes or fails. */
bool write_all(int to, const void *bytes, size_t count);

/* The whole of a file, NUL-terminated, in memory from malloc; its length in *length if that is not NULL. NULL: errno says why. */
char *read_whole(const char *path, size_t *length);

/* "directory/name" in memory from malloc. */
char *join(const char *directory, const char *name);

/* FROM TO, or FROM... DIRECTORY: act(from, to) for each, with the name inside the directory. Returns the exit status. */
int for_each_target(int count, char **arguments, int (*act)(const char *from, const char *to));

/* The last component of a path. */
const char *base_name(const char *path);

/* "-rwxr-x---" */
void mode_text(mode_t mode, char text[11]);

/* A run of option letters: true while arguments[0] is such a word of allowed letters; each is set in flags['x']. */
char **take_options(char **arguments, const char *allowed, bool flags[128]);

#endif
