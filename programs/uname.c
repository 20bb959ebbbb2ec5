/* uname [-a] [-s] [-n] [-r] [-v] [-m]: what the system calls itself. */
#include "common.h"

#include <stdio.h>
#include <sys/utsname.h>

int main(int count, char **arguments)
{
	bool flags[128] = { false }, any = false;
	static const char letters[] = "snrvm";
	struct utsname names;
	const char *texts[] = { names.sysname, names.nodename, names.release, names.version, names.machine };

	take_options(arguments + 1, "asnrvm", flags);
	if (uname(&names) < 0)
		return complain("uname");
	flags['s'] |= count < 2;
	for (int i = 0; letters[i]; i++) {
		if (!flags['a'] && !flags[(int)letters[i]])
			continue;
		printf("%s%s", any ? " " : "", texts[i]);
		any = true;
	}
	putchar('\n');
	return 0;
}
