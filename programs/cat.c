/*
 * cat [FILE...]: files, or standard input for "-" and for no name at all, one after the other.
 */
#include "common.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int result;

static void put_out(const char *path)
{
	int file = strcmp(path, "-") ? open(path, O_RDONLY) : 0;
	bool writing = false;

	if (file < 0 || !copy_all(file, 1, &writing))
		result = complain(writing ? "standard output" : path);
	if (file > 0)
		close(file);
}

int main(int count, char **arguments)
{
	if (count < 2)
		put_out("-");
	for (arguments++; *arguments; arguments++)
		put_out(*arguments);
	return result;
}
