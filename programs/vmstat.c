/*
 * vmstat [NAME...]: memory by use (/proc/meminfo) and counters since boot (/proc/vmstat: faults, pages read and written,
 * and Quire's own, such as ipc_calls), under the names that the system gives them. With names, only the values of these.
 */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const sources[] = { "/proc/meminfo", "/proc/vmstat" };

/* Splits "name value" and "name:   value kB"; returns the unit or "". */
static const char *split(char *line, unsigned long *value)
{
	char *end = line + strcspn(line, ": \t");
	char *unit;

	if (!*end)
		return NULL;
	*end++ = 0;
	end += strspn(end, ": \t");
	*value = strtoul(end, &unit, 10);
	return unit == end ? NULL : unit + strspn(unit, " ");
}

static bool wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int main(int count, char **arguments)
{
	int result = 0;

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		char *text = read_whole(sources[i], NULL), *rest;

		if (!text) {
			result = complain(sources[i]);
			continue;
		}
		if (count < 2)
			printf("%s%s\n", i ? "\n" : "", sources[i]);
		for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			unsigned long value;
			const char *unit = split(line, &value);

			if (!unit || !wanted(line, arguments + 1))
				continue;
			if (count < 2)
				printf("%14lu %-2s %s\n", value, unit, line);
			else
				printf("%s %lu\n", line, value);
		}
		free(text);
	}
	return result;
}
