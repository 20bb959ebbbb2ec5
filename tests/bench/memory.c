/*
 * What a small process costs beside its own pages: starts many, each a static executable that waits, and divides the
 * difference of the system's counters. Runs on Quire and on Linux, whose words for the same things are in the table below.
 *
 *	M NAME KIB-PER-PROCESS
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 100
#define COUNTERS 4

static const struct counter {
	const char *name, *path, *key;
	unsigned kib;
} counters[COUNTERS] = {
	{ "objects", "/proc/meminfo", "KernelStack:", 1 },	/* Quire: all object memory in use, page tables too */
	{ "objects", "/proc/meminfo", "PageTables:", 1 },
	{ "records", "/proc/meminfo", "Slab:", 1 },
	{ "records", "/proc/vmstat", "quire_own_pages", 4 },
};
static const struct counter own = { "own", "/proc/meminfo", "AnonPages:", 1 };

/* The number behind a key; 0 where the system has no such counter. */
static double counter_value(const struct counter *counter)
{
	static char text[8192];
	int file = open(counter->path, O_RDONLY);
	ssize_t length = read(file, text, sizeof(text) - 1);
	char *at;

	close(file);
	text[length > 0 ? length : 0] = 0;
	at = strstr(text, counter->key);
	return at ? strtod(at + strlen(counter->key), NULL) * counter->kib : 0;
}

/* A small process: says that it is there and waits until its input ends. */
static int wait_for_end(void)
{
	char byte = 0;

	if (write(1, &byte, 1) != 1)
		return 1;
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}

static void start(const char *self, const int stop[2], const int ready[2])
{
	char byte;
	pid_t child = fork();

	if (child == 0) {
		dup2(stop[0], 0);
		dup2(ready[1], 1);
		for (int i = 0; i < 2; i++) {
			close(stop[i]);
			close(ready[i]);
		}
		execl(self, self, "-wait", NULL);
		_exit(127);
	}
	if (child < 0 || read(ready[0], &byte, 1) != 1) {
		perror("cannot start a process");
		exit(1);
	}
}

int main(int count, char **arguments)
{
	int stop[2], ready[2];
	double before[COUNTERS], own_before, objects = 0, records = 0;

	if (count > 1)
		return wait_for_end();
	if (pipe(stop) < 0 || pipe(ready) < 0)
		return 1;
	start(arguments[0], stop, ready);	/* the program's file is in the cache from now on, tables have their first pages */
	for (int i = 0; i < COUNTERS; i++)
		before[i] = counter_value(&counters[i]);
	own_before = counter_value(&own);
	for (int i = 0; i < PROCESSES; i++)
		start(arguments[0], stop, ready);
	for (int i = 0; i < COUNTERS; i++)
		*(strcmp(counters[i].name, "objects") ? &records : &objects) += counter_value(&counters[i]) - before[i];
	printf("M objects %.1f\nM records %.1f\nM own %.1f\n", objects / PROCESSES, records / PROCESSES,
	       (counter_value(&own) - own_before) / PROCESSES);
	close(stop[1]);
	while (wait(NULL) > 0)
		;
	printf("M processes %d\n", PROCESSES);
	return 0;
}
