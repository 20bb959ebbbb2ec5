/* pwd: the path of the working directory. */
#include "common.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char path[PATH_MAX];

	if (!getcwd(path, sizeof(path)))
		return complain("working directory");
	puts(path);
	return 0;
}
