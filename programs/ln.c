/*
 * ln [-s] [-f] TARGET [NAME]: a hard link, with -s a symbolic one; NAME may be a directory. -f replaces an existing name.
 */
#include "common.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	bool flags[128] = { false };
	struct stat status;
	const char *name;

	(void)count;
	arguments = take_options(arguments + 1, "sf", flags);
	if (!arguments[0] || (arguments[1] && arguments[2]))
		return usage("[-s] [-f] TARGET [NAME]");
	name = arguments[1] ? arguments[1] : base_name(arguments[0]);
	if (stat(name, &status) == 0 && S_ISDIR(status.st_mode))
		name = join(name, base_name(arguments[0]));
	if (flags['f'] && unlink(name) < 0 && errno != ENOENT)
		return complain(name);
	if ((flags['s'] ? symlink : link)(arguments[0], name) < 0)
		return complain(name);
	return 0;
}
