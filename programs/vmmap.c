/*
 * vmmap PID: what a process has mapped, from /proc/PID/smaps, in the columns of pmap -x: address, size, resident and dirty
 * memory in KiB, rights (with s for shared, p for private), mapping.
 */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mapping {
	unsigned long start, end, resident, dirty;
	char rights[8], name[4096];
};

static struct mapping total;

static void show(const struct mapping *mapping)
{
	unsigned long size = (mapping->end - mapping->start) / 1024;

	printf("%016lx %9lu %9lu %9lu %-5s %s\n", mapping->start, size, mapping->resident, mapping->dirty, mapping->rights,
	       mapping->name[0] ? mapping->name : "[ anon ]");
	total.end += mapping->end - mapping->start;
	total.resident += mapping->resident;
	total.dirty += mapping->dirty;
}

/* A line begins a mapping if it begins with start-end in hex; its name begins at column 73 or after five fields. */
static bool parse_headline(const char *line, struct mapping *mapping)
{
	struct mapping fresh = { 0 };
	int name_at = 0;

	if (sscanf(line, "%lx-%lx %7s %*x %*s %*u %n", &fresh.start, &fresh.end, fresh.rights, &name_at) < 3)
		return false;
	if (name_at)
		snprintf(fresh.name, sizeof(fresh.name), "%s", line + name_at);
	fresh.name[strcspn(fresh.name, "\n")] = 0;
	*mapping = fresh;
	return true;
}

int main(int count, char **arguments)
{
	struct mapping mapping = { 0 };
	unsigned long value;
	char path[64], line[4200];
	bool any = false;
	FILE *file;

	if (count != 2 || strlen(arguments[1]) > 20)
		return usage("PID");
	snprintf(path, sizeof(path), "/proc/%s/smaps", arguments[1]);
	file = fopen(path, "r");
	if (!file)
		return complain(path);
	printf("Address             Kbytes       RSS     Dirty Mode  Mapping\n");
	while (fgets(line, sizeof(line), file)) {
		struct mapping next;

		if (parse_headline(line, &next)) {
			if (any)
				show(&mapping);
			mapping = next;
			any = true;
		} else if (sscanf(line, "Rss: %lu", &value) == 1) {
			mapping.resident = value;
		} else if (sscanf(line, "Shared_Dirty: %lu", &value) == 1 || sscanf(line, "Private_Dirty: %lu", &value) == 1) {
			mapping.dirty += value;
		}
	}
	if (any)
		show(&mapping);
	printf("total kB         %9lu %9lu %9lu\n", total.end / 1024, total.resident, total.dirty);
	return fclose(file) ? complain(path) : 0;
}
