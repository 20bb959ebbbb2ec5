/*
 * How costs grow: a page fault and a null call, against the number of mappings, of resident pages, of processes. Runs on
 * Quire and on Linux; needs one hart and counts instructions, like bench.c.
 *
 *	scaling vmas|pages|processes POINT...		points: ascending numbers
 *
 *	S AXIS POINT fault F call C		instructions: per first write to an anonymous page, per getppid
 *
 * A fault's page table exists already: another page of the same 2 MiB was touched before. The cost is the least of ROUNDS rounds, so
 * that a timer's interrupt does not count.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define TABLE_PAGES 512UL	/* pages under one last page-table page */
#define SPENT_PAGES 128	/* twice what Quire clears ahead */
#define ROUNDS 4
#define FAULTS 32		/* in a round */
#define CALLS 100
#define AREA_PAGES 8		/* of one mapping; a page with other rights between two keeps them apart */

static uint64_t instructions(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count) : : "memory");
	return count;
}

static void fail(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
	exit(1);
}

static void touch(char *page)
{
	*(volatile char *)page = 1;
}

static char *reserve(size_t bytes, int prot)
{
	char *start = mmap(NULL, bytes + TABLE_PAGES * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t table = TABLE_PAGES * PAGE;

	if (start == MAP_FAILED)
		fail("mmap");
	return (char *)(((uintptr_t)start + table - 1) & ~(table - 1));
}

static double least(double a, double b)
{
	return a < b || b == 0 ? a : b;
}

static double call_cost(void)
{
	double cost = 0;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = instructions();

		for (int i = 0; i < CALLS; i++)
			getppid();
		cost = least((double)(instructions() - start) / CALLS, cost);
	}
	return cost;
}

static void report(const char *axis, long point, double fault)
{
	printf("S %s %ld fault %.1f call %.1f\n", axis, point, fault, call_cost());
	fflush(stdout);
}

/* Frames that were cleared while nothing ran: used up, so that each fault clears its own. */
static void spend_cleared(void)
{
	char *memory = mmap(NULL, SPENT_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	for (int i = 0; i < SPENT_PAGES; i++)
		touch(memory + i * PAGE);
	munmap(memory, SPENT_PAGES * PAGE);
}

/* ---- mappings: areas of AREA_PAGES pages, readable ones in between; the fault hits one of them anywhere */

static char *areas;
static long area_count;

/* Page 0 of each area is there for the tables, page 1 is the test's first; when all have been hit, they are given back. */
static char *area_page(long area, long page)
{
	return areas + (area * (AREA_PAGES + 1) + page) * PAGE;
}

static void add_areas(long count)
{
	for (; area_count < count; area_count++) {
		if (mprotect(area_page(area_count, 0), AREA_PAGES * PAGE, PROT_READ | PROT_WRITE) < 0)
			fail("mprotect");
		touch(area_page(area_count, 0));
	}
}

static void against_vmas(const char *axis, char **points, int count)
{
	static unsigned char used[1 << 20];	/* by area: pages touched so far */
	uint64_t random = 1;

	areas = reserve((size_t)strtol(points[count - 1], NULL, 10) * (AREA_PAGES + 1) * PAGE, PROT_READ);
	for (int i = 0; i < count; i++) {
		long point = strtol(points[i], NULL, 10), areas_wanted = (point + 1) / 2;	/* a mapping each, and one behind it */
		double cost = 0;

		add_areas(areas_wanted);
		spend_cleared();
		for (int round = 0; round < ROUNDS; round++) {
			uint64_t spent = 0;

			for (int hits = 0; hits < FAULTS; hits++) {
				long area;
				uint64_t start;

				random = random * 6364136223846793005u + 1442695040888963407u;
				area = (long)((random >> 33) % (uint64_t)areas_wanted);
				if (used[area] == AREA_PAGES - 1) {
					if (madvise(area_page(area, 1), (AREA_PAGES - 1) * PAGE, MADV_DONTNEED) < 0)
						fail("madvise");
					used[area] = 0;
				}
				start = instructions();
				touch(area_page(area, ++used[area]));
				spent += instructions() - start;
			}
			cost = least((double)spent / FAULTS, cost);
		}
		report(axis, point, cost);
	}
}

/* ---- resident pages of one mapping; the faults come behind them */

static void against_pages(const char *axis, char **points, int count)
{
	size_t most = (size_t)strtol(points[count - 1], NULL, 10) + 2 * TABLE_PAGES, next = 0;
	char *memory = reserve(most * PAGE, PROT_READ | PROT_WRITE);

	for (int i = 0; i < count; i++) {
		size_t point = (size_t)strtol(points[i], NULL, 10);
		double cost = 0;

		while (next < point || next % TABLE_PAGES == 0 || next % TABLE_PAGES + ROUNDS * FAULTS > TABLE_PAGES)
			touch(memory + next++ * PAGE);
		spend_cleared();
		for (int round = 0; round < ROUNDS; round++) {
			uint64_t start = instructions();

			for (int j = 0; j < FAULTS; j++)
				touch(memory + next++ * PAGE);
			cost = least((double)(instructions() - start) / FAULTS, cost);
		}
		report(axis, (long)point, cost);
	}
}

/* ---- processes that wait */

static void against_processes(const char *axis, char **points, int count)
{
	char *memory = reserve((size_t)count * TABLE_PAGES * PAGE, PROT_READ | PROT_WRITE), byte;
	long children = 0;
	int stop[2];

	if (pipe(stop) < 0)
		fail("pipe");
	for (int i = 0; i < count; i++, memory += TABLE_PAGES * PAGE) {
		long point = strtol(points[i], NULL, 10);
		double cost = 0;

		for (; children + 1 < point; children++) {	/* this process is one, too */
			pid_t child = fork();

			if (child < 0)
				fail("fork");
			if (child == 0) {
				close(stop[1]);
				_exit(read(stop[0], &byte, 1) == 0 ? 0 : 1);
			}
		}
		touch(memory);
		spend_cleared();
		for (int round = 0; round < ROUNDS; round++) {
			uint64_t start = instructions();

			for (int j = 0; j < FAULTS; j++)
				touch(memory + (1 + round * FAULTS + j) * PAGE);
			cost = least((double)(instructions() - start) / FAULTS, cost);
		}
		report(axis, point, cost);
	}
	close(stop[1]);
	while (wait(NULL) > 0)
		;
}

static const struct {
	const char *name;
	void (*run)(const char *axis, char **points, int count);
} axes[] = { { "vmas", against_vmas }, { "pages", against_pages }, { "processes", against_processes } };

int main(int count, char **arguments)
{
	for (unsigned i = 0; count > 2 && i < sizeof(axes) / sizeof(axes[0]); i++)
		if (!strcmp(arguments[1], axes[i].name)) {
			axes[i].run(arguments[1], arguments + 2, count - 2);
			puts("done");
			return 0;
		}
	fprintf(stderr, "usage: scaling vmas|pages|processes POINT...\n");
	return 2;
}
