/*
 * ps: the processes, from /proc/PID/stat (state, parent, sizes) and /proc/PID/cmdline if it is there.
 */
#define _GNU_SOURCE
#include "common.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct process {
	int pid, parent;
	char state, name[64];
	unsigned long user_ticks, system_ticks, memory_bytes;
	long resident_pages;
};

/* The name stands in parentheses and may contain anything, so the last ')' counts. */
static bool parse(char *text, struct process *process)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (!open || !close || close < open)
		return false;
	*close = 0;
	process->pid = atoi(text);
	snprintf(process->name, sizeof(process->name), "%s", open + 1);
	return sscanf(close + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %lu %ld",
		      &process->state, &process->parent, &process->user_ticks, &process->system_ticks,
		      &process->memory_bytes, &process->resident_pages) == 6;
}

static void show_command(const struct process *process)
{
	char path[64], *line;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", process->pid);
	line = read_whole(path, &length);
	if (!line || !length) {
		printf("[%s]\n", process->name);
		return;
	}
	for (size_t i = 0; i + 1 < length; i++)
		if (!line[i])
			line[i] = ' ';
	puts(line);
	free(line);
}

static void show(const char *pid)
{
	struct process process;
	char path[300], *text;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	text = read_whole(path, NULL);
	if (!text)
		return;		/* it has ended meanwhile */
	if (parse(text, &process)) {
		printf("%5d %5d %c %8lu %8lu ", process.pid, process.parent, process.state, process.memory_bytes / 1024,
		       (unsigned long)process.resident_pages * 4);
		show_command(&process);
	}
	free(text);
}

static int is_process(const struct dirent *entry)
{
	return isdigit((unsigned char)entry->d_name[0]);
}

int main(void)
{
	struct dirent **entries;
	int count = scandir("/proc", &entries, is_process, versionsort);

	if (count < 0)
		return complain("/proc");
	printf("  PID  PPID S      KiB RSS(KiB) COMMAND\n");
	for (int i = 0; i < count; i++)
		show(entries[i]->d_name);
	return 0;
}
