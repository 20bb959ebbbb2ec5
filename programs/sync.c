/*
 * sync [FILE...]: everything that is not on the disk yet, or just these files, goes there before it returns.
 */
#include "common.h"

#include <fcntl.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	int result = 0;

	if (count < 2)
		sync();
	for (arguments++; *arguments; arguments++) {
		int file = open(*arguments, O_RDONLY);

		if (file < 0 || fsync(file) < 0)
			result = complain(*arguments);
		if (file >= 0)
			close(file);
	}
	return result;
}
