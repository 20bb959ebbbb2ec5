/*
 * The simulator (tools/simulate) on tiny traces whose counts are known by hand, from textbooks, or because they follow from the trace; and bad
 * traces, each with its sentence. Twice each: a replay leaves nothing behind for the next one.
 *
 * sources: tools/simulate/trace.c tools/simulate/replay.c servers/pager/core/
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

static unsigned failed;

static void expect(const char *name, const char *what, uint64_t found, uint64_t wanted)
{
	if (found == wanted)
		return;
	printf("%s: %s: %lu, not %lu\n", name, what, found, wanted);
	failed++;
}

static bool read_text(struct trace *trace, const char *text)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	bool good = trace_read(trace, file, "test");

	fclose(file);
	return good;
}

/* "1 2 3" becomes "open f 1000", "read f 1" ... */
static char *reads_of(const char *pages)
{
	char *text, *copy = strdup(pages), *rest;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	fprintf(file, "open f 1000\n");
	for (char *page = strtok_r(copy, " ", &rest); page; page = strtok_r(NULL, " ", &rest))
		fprintf(file, "read f %s\n", page);
	fclose(file);
	free(copy);
	return text;
}

/* Nothing read ahead, nothing given back in advance: as textbooks count. */
static struct settings plain(const char *policy, uint64_t frames)
{
	return (struct settings){ .frames = frames, .policy = policy, .read_ahead = "row", .read_ahead_pages = 1, .fault_around = 1, .spare = 0 };
}

static struct counts counts_of(const char *name, const char *text, struct settings settings)
{
	struct counts counts = { 0 }, again = { 0 };
	struct trace trace;

	if (!read_text(&trace, text) || replay(&trace, &settings, &counts) != REPLAYED || replay(&trace, &settings, &again) != REPLAYED) {
		printf("%s: %s\n", name, trace.error);
		failed++;
	}
	if (memcmp(&counts, &again, sizeof counts)) {
		printf("%s: the second replay counts differently\n", name);
		failed++;
	}
	trace_free(&trace);
	return counts;
}

/* ---- textbooks */

static const struct { const char *policy; uint64_t frames, faults; const char *pages; } strings[] = {
	/* Belady's anomaly (1969): more frames, more faults. */
	{ "fifo", 3, 9, "1 2 3 4 1 2 5 1 2 3 4 5" },
	{ "fifo", 4, 10, "1 2 3 4 1 2 5 1 2 3 4 5" },
	{ "fifo", 5, 5, "1 2 3 4 1 2 5 1 2 3 4 5" },
	/* Silberschatz, Operating System Concepts: FIFO with three frames. */
	{ "fifo", 3, 15, "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1" },
	/* All bits are set when 4 comes, so 1 goes, and the others' bits; 2 is used again, so 5 takes the place of 3. */
	{ "clock", 3, 5, "1 2 3 4 2 5 2" },
	{ "fifo", 3, 6, "1 2 3 4 2 5 2" },
	/* 1 was used again after it had settled: it stays while 4, 5, 6 come by. To clock 1, 2 and 3 are alike when 4 comes. */
	{ "sieve", 3, 6, "1 2 3 1 4 5 6 1" },
	{ "clock", 3, 7, "1 2 3 1 4 5 6 1" },
	{ "clock", 1, 4, "1 1 2 2 1 1 2 2" },
};

static void textbook_strings(void)
{
	for (unsigned i = 0; i < sizeof strings / sizeof *strings; i++) {
		char *text = reads_of(strings[i].pages), name[100];
		struct counts counts = counts_of(strings[i].pages, text, plain(strings[i].policy, strings[i].frames));

		snprintf(name, sizeof name, "%s, %lu frames, %s", strings[i].policy, strings[i].frames, strings[i].pages);
		expect(name, "faults", counts_faults(&counts), strings[i].faults);
		expect(name, "pages read", counts.pages_read, strings[i].faults);
		free(text);
	}
}

/* A loop over one page more than there are frames never hits, for who goes by age; with as many frames as pages all later rounds do. */
static void loops(void)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct counts counts;

	fprintf(file, "open f 51\n");
	for (unsigned round = 0; round < 4; round++)
		for (unsigned page = 0; page < 51; page++)
			fprintf(file, "read f %u\n", page);
	fclose(file);
	for (unsigned i = 0; i < 2; i++) {
		const char *policy = i ? "fifo" : "clock";

		counts = counts_of(policy, text, plain(policy, 50));
		expect(policy, "faults of a loop that is too large", counts_faults(&counts), 4 * 51);
		expect(policy, "its evictions", counts.evictions, 4 * 51 - 50);
		counts = counts_of(policy, text, plain(policy, 51));
		expect(policy, "faults of a loop that fits", counts_faults(&counts), 51);
		expect(policy, "its evictions", counts.evictions, 0);
	}
	free(text);
}

/* ---- what follows from the trace */

/* A reader in a row waits while it is getting known, and never again, whether there is free memory or old pages have to go. */
static void reading_on(void)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	fprintf(file, "open f 2000\n");
	for (unsigned page = 0; page < 2000; page += 8)
		fprintf(file, "read f %u 8\n", page);
	fclose(file);
	for (uint64_t frames = 100; frames <= 10000; frames *= 10) {
		struct settings settings = plain("clock", frames);
		struct counts counts;

		settings.read_ahead_pages = 32;
		counts = counts_of("reading on", text, settings);
		expect("reading on", "faults", counts_faults(&counts), 4);
		expect("reading on", "pages read", counts.pages_read, 2000);
	}
	free(text);
}

static void reading_ahead(void)
{
	struct settings settings = plain("clock", 1000);
	const char *one_by_one = "open f 8\nread f 0\nread f 1\nread f 2\nread f 3\nread f 4\nread f 5\nread f 6\nread f 7\n";
	struct counts counts = counts_of("one by one", one_by_one, settings);

	expect("one by one", "faults", counts_faults(&counts), 8);
	settings.read_ahead_pages = 32;
	counts = counts_of("read ahead", one_by_one, settings);
	expect("read ahead", "pages read", counts.pages_read, 8);
	expect("read ahead", "faults", counts_faults(&counts), 4);	/* the fourth miss in a row asks for the rest */
	settings.read_ahead = "eager";
	counts = counts_of("eager", one_by_one, settings);
	expect("eager", "faults", counts_faults(&counts), 1);
	settings.read_ahead_pages = 4;
	counts = counts_of("four at a time", "open f 100\nread f 10\nread f 50\nread f 13\nread f 53\nread f 90\n", settings);
	expect("four at a time", "faults", counts_faults(&counts), 3);
	expect("four at a time", "pages read", counts.pages_read, 3 * 4);
	counts = counts_of("a large read", "open f 8\nread f 0 8\n", plain("clock", 1000));
	expect("a large read", "faults", counts_faults(&counts), 1);	/* says at once what it wants */
	expect("a large read", "references", counts.references, 8);
}

static void memory(void)
{
	const char *text =
		"open text 4\nmap code text 0 4 private\nmap heap - 0 10 private\nfetch code 0 4\nfetch code 0 4\nstore heap 0 10\n"
		"fork child\nstore heap 0 2\nprocess child\nload heap 0 10\nstore heap 5 1\nstore code 1\nexit\n"
		"process main\nstore heap 5 1\nunmap heap 1 2\nunmap heap\n";
	struct counts counts = counts_of("memory", text, plain("clock", 1000));

	expect("memory", "references", counts.references, 4 + 4 + 10 + 2 + 10 + 1 + 1 + 1);
	expect("memory", "pages read", counts.pages_read, 4);
	expect("memory", "major faults", counts.faults_major, 4);
	expect("memory", "read faults", counts.faults_read, 4 + 10);	/* the child begins with an empty page table */
	expect("memory", "write faults", counts.faults_write, 10 + 2 + 1 + 1 + 1);
	expect("memory", "copies", counts.faults_cow, 2 + 1 + 1);	/* when the child is gone, page 5 is the parent's alone */
	expect("memory", "evictions", counts.evictions, 0);
}

static void writing(void)
{
	const char *text =
		"open f 100\nwrite f 0 4\nread f 90\nsync\nmap m f 8 4 shared\nstore m 0\nload m 1 3\nstore m 1\nsync\nwrite f 0\nclose f\n";
	struct counts counts = counts_of("writing", text, plain("clock", 1000));

	expect("writing", "pages read", counts.pages_read, 4 + 1 + 4);
	expect("writing", "pages written", counts.pages_written, 4 + 2);
	expect("writing", "left dirty", counts.left_dirty, 1);
	counts = counts_of("little memory", "open f 100\nwrite f 0 32\nwrite f 32 32\nwrite f 64 32\n", plain("fifo", 8));
	expect("little memory", "written or dirty", counts.pages_written + counts.left_dirty, 96);
	counts = counts_of("background", "open f 9\nwrite f 0 9\ntick\ntick\ntick\n", plain("fifo", 100));
	expect("background", "pages written", counts.pages_written, 9);
}

/* ---- what is refused */

static const struct { const char *text, *sentence; enum replayed replayed; } bad[] = {
	{ "open f 3\n\n# comment\nfrob f\n", "test:4: 'frob' is no operation", REPLAY_BAD_TRACE },
	{ "open f\n", "test:1: 'open' needs more", REPLAY_BAD_TRACE },
	{ "open f 3 4\n", "test:1: '4' is one word too many", REPLAY_BAD_TRACE },
	{ "open f 0\n", "test:1: a count must be at least 1", REPLAY_BAD_TRACE },
	{ "open f -1\n", "test:1: '-1' is not a number of pages", REPLAY_BAD_TRACE },
	{ "open f 99999999999999999999999\n", "test:1: '99999999999999999999999' is not a number of pages", REPLAY_BAD_TRACE },
	{ "open f 1000000000\n", "test:1: 'f' is one file too many, or too large", REPLAY_BAD_TRACE },
	{ "map a - 0 1 both\n", "test:1: 'both' is neither shared nor private", REPLAY_BAD_TRACE },
	{ "read f 0\n", "test:1: 'f' is not open", REPLAY_BAD_TRACE },
	{ "open f 3\nopen f 3\n", "test:2: 'f' is open already", REPLAY_BAD_TRACE },
	{ "open f 3\nclose f\nopen f 4\n", "test:3: 'f' had another size before", REPLAY_BAD_TRACE },
	{ "open f 3\nread f 3\n", "test:2: past the end of 'f'", REPLAY_BAD_TRACE },
	{ "open f 3\nwrite f 2 2\n", "test:2: past the end of 'f'", REPLAY_BAD_TRACE },
	{ "open f 3\nmap a f 1 3 shared\n", "test:2: past the end of 'f'", REPLAY_BAD_TRACE },
	{ "load a 0\n", "test:1: 'a' is not mapped", REPLAY_BAD_TRACE },
	{ "map a - 0 3 private\nload a 3\n", "test:2: past the end of 'a'", REPLAY_BAD_TRACE },
	{ "map a - 0 3 private\nunmap a 1\nload a 0\nload a 1\n", "test:4: the page of 'a' is not mapped", REPLAY_BAD_TRACE },
	{ "map a - 0 3 private\nmap a - 0 3 private\n", "test:2: 'a' is mapped already", REPLAY_BAD_TRACE },
	{ "fork main\n", "test:1: there is a process 'main' already", REPLAY_BAD_TRACE },
	{ "process p\n", "test:1: there is no process 'p'", REPLAY_BAD_TRACE },
	{ "exit\nsync\n", "test:2: the process has ended", REPLAY_BAD_TRACE },
	{ "map a - 0 64 private\nstore a 0 64\n", "test:2: memory has run out: 31 of 32 frames are anonymous, and those are not evicted yet", REPLAY_NO_MEMORY },
};

static void refusals(void)
{
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct settings settings = plain("clock", 32);
		enum replayed replayed = REPLAY_BAD_TRACE;
		struct counts counts;
		struct trace trace;

		if (read_text(&trace, bad[i].text))
			replayed = replay(&trace, &settings, &counts);
		expect(bad[i].text, "how it ended", replayed, bad[i].replayed);
		if (strcmp(trace.error, bad[i].sentence))
			printf("%s: \"%s\"\n", bad[i].text, trace.error), failed++;
		trace_free(&trace);
	}
}

static const struct { void (*test)(void); const char *name; } tests[] = {
	{ textbook_strings, "strings of textbooks" },
	{ loops, "loops" },
	{ reading_ahead, "reading ahead" },
	{ reading_on, "reading on when memory is full" },
	{ memory, "memory, fork, copy-on-write" },
	{ writing, "writing" },
	{ refusals, "bad traces get a sentence" },
};

int main(void)
{
	unsigned passed = 0, failures = 0;

	for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
		failed = 0;
		tests[i].test();
		if (failed)
			failures++, printf("FAILED: %s\n", tests[i].name);
		else
			passed++;
	}
	printf("%u passed, %u failed\n", passed, failures);
	return failures != 0;
}
