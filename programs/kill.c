/*
 * kill [-SIGNAL] PID...: SIGNAL is a number or a name with or without SIG; TERM if it is missing. -l lists the names.
 */
#define _GNU_SOURCE
#include "common.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int signal_number(const char *name)
{
	if (isdigit((unsigned char)*name))
		return atoi(name);
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (int number = 1; number < 32; number++)
		if (sigabbrev_np(number) && !strcasecmp(sigabbrev_np(number), name))
			return number;
	return -1;
}

static int list_names(void)
{
	for (int number = 1; number < 32; number++)
		printf("%2d %s\n", number, sigabbrev_np(number) ? sigabbrev_np(number) : "?");
	return 0;
}

int main(int count, char **arguments)
{
	int number = SIGTERM, result = 0;

	arguments++;
	if (count > 1 && !strcmp(*arguments, "-l"))
		return list_names();
	if (count > 1 && !strcmp(*arguments, "-s") && count > 2) {
		number = signal_number(arguments[1]);
		arguments += 2;
	} else if (count > 1 && (*arguments)[0] == '-') {
		number = signal_number(*arguments++ + 1);
	}
	if (number < 0 || !*arguments)
		return usage("[-SIGNAL] PID...");
	for (; *arguments; arguments++) {
		char *end;
		long pid = strtol(*arguments, &end, 10);

		if (*end || end == *arguments)
			return usage("[-SIGNAL] PID...");
		if (kill((pid_t)pid, number) < 0)
			result = complain(*arguments);
	}
	return result;
}
