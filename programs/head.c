/*
 * head [-n LINES | -c BYTES] [FILE...]: the first ten lines, or as many lines or bytes as asked for.
 */
#include "common.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long lines = 10, bytes = -1;

static bool show(int file)
{
	long lines_left = lines, bytes_left = bytes;
	char block[4096];
	ssize_t got;

	while (bytes_left != 0 && (bytes >= 0 || lines_left > 0) && (got = read(file, block, sizeof(block))) != 0) {
		size_t put = 0;

		if (got < 0)
			return false;
		while (put < (size_t)got && bytes_left != 0 && (bytes >= 0 || lines_left > 0)) {
			lines_left -= block[put++] == '\n';
			bytes_left -= bytes_left > 0;
		}
		if (!write_all(1, block, put))
			return false;
	}
	return true;
}

int main(int count, char **arguments)
{
	int result = 0;

	arguments++;
	if (count > 2 && (!strcmp(*arguments, "-n") || !strcmp(*arguments, "-c"))) {
		*((*arguments)[1] == 'n' ? &lines : &bytes) = atol(arguments[1]);
		arguments += 2;
	}
	if (!*arguments)
		return show(0) ? 0 : complain("standard input");
	for (; *arguments; arguments++) {
		int file = open(*arguments, O_RDONLY);

		if (file < 0 || !show(file))
			result = complain(*arguments);
		if (file >= 0)
			close(file);
	}
	return result;
}
