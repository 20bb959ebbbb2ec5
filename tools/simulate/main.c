/*
 * ./quire simulate: options, one replay (replay.c) for each policy and each number of frames, and what came out: a page of words for a single
 * replay, a table for several, CSV if wanted. Read trace.h for what a trace is.
 */
#include "core.h"
#include "replay.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FRAMES (1UL << 24)		/* 64 GiB of pages */
#define RUNS 4096

struct options {
	const char *trace, *frames, *policies, *csv;
	struct settings settings;
};

static const char usage[] =
	"usage: ./quire simulate TRACE [options]        replays a trace on the pager's core, on this machine\n"
	"\n"
	"  TRACE                  a file, - for standard input (docs/experiments.md: what traces are and where they come from)\n"
	"  --frames N,...         pages of memory for content; several sizes, or FIRST:LAST:STEP; default 4096 (16 MiB)\n"
	"  --policy NAME,...      replacement; several, or all; default clock. There are:";

static const char usage_rest[] = "\n"
	"  --fault-around N       pages that one fault may map: a power of two up to 32, default 16\n"
	"  --spare N              pages given back at a time beyond what is needed; default 32 as on Quire, but at most 1/32 of the frames\n"
	"  --csv FILE             one line per replay\n"
	"  --readahead N          at most so many pages at a time: 1 (none) to 32, which is the default\n"
	"  --readahead NAME       strategy of reading ahead; default row. There are:";

static _Noreturn void __attribute__((format(printf, 1, 2))) refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("quire: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs("\n", stderr);
	exit(2);
}

static void print_usage(void)
{
	fputs(usage, stdout);
	for (unsigned i = 0; core_policy_name(i); i++)
		printf(" %s", core_policy_name(i));
	fputs(usage_rest, stdout);
	for (unsigned i = 0; core_read_ahead_name(i); i++)
		printf(" %s", core_read_ahead_name(i));
	putchar('\n');
}

static const char *option;	/* which one is being read */

static uint64_t number(const char *text, char **end, uint64_t lowest, uint64_t highest)
{
	uint64_t value = strtoul(text, end, 10);

	if (*end == text || *text < '0' || *text > '9' || value < lowest || value > highest)
		refuse("%s takes a number from %lu to %lu, not '%s'", option, lowest, highest, text);
	return value;
}

static uint64_t whole_number(const char *text, uint64_t lowest, uint64_t highest)
{
	char *end;
	uint64_t value = number(text, &end, lowest, highest);

	if (*end)
		refuse("%s takes a number, not '%s'", option, text);
	return value;
}

/* "3,4,16:64:16"; returns how many. */
static unsigned list_of_frames(const char *text, uint64_t *frames)
{
	unsigned count = 0;
	char *end = (char *)text;

	option = "--frames";
	do {
		uint64_t first = number(end, &end, 1, MOST_FRAMES), last = first, step = 1;

		if (*end == ':')
			last = number(end + 1, &end, first, MOST_FRAMES);
		if (*end == ':')
			step = number(end + 1, &end, 1, MOST_FRAMES);
		for (; first <= last && count < RUNS; first += step)
			frames[count++] = first;
	} while (*end++ == ',');
	if (end[-1] || count == RUNS)
		refuse("%s takes a list of sizes, not '%s'", option, text);
	return count;
}

static unsigned list_of_policies(char *text, const char **policies)
{
	unsigned count = 0;

	if (!strcmp(text, "all"))
		while ((policies[count] = core_policy_name(count)))
			count++;
	for (char *rest, *name = count ? NULL : strtok_r(text, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (count == RUNS || !core_set_policy(name, strlen(name)))
			refuse("there is no policy '%s' (./quire simulate --help lists them)", name);
		policies[count++] = name;
	}
	return count;
}

static void take_read_ahead(struct settings *settings, const char *value)
{
	if (*value >= '0' && *value <= '9')
		settings->read_ahead_pages = whole_number(value, 1, CORE_BATCH);
	else if (core_set_read_ahead(value, strlen(value)))
		settings->read_ahead = value;
	else
		refuse("there is no strategy '%s' (./quire simulate --help lists them)", value);
}

static unsigned power_of_two(const char *value)
{
	uint64_t pages = whole_number(value, 1, CORE_BATCH);

	if (pages & (pages - 1))
		refuse("%s takes a power of two, not '%s'", option, value);
	return pages;
}

static bool is_option(const char *name)
{
	static const char *const names[] = { "--frames", "--policy", "--csv", "--readahead", "--fault-around", "--spare" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void take_option(struct options *options, const char *name, const char *value)
{
	struct settings *settings = &options->settings;

	if (!is_option(name))
		refuse("there is no option %s (./quire simulate --help lists them)", name);
	if (!value)
		refuse("%s needs a value", name);
	option = name;
	if (!strcmp(name, "--frames"))
		options->frames = value;
	else if (!strcmp(name, "--policy"))
		options->policies = value;
	else if (!strcmp(name, "--csv"))
		options->csv = value;
	else if (!strcmp(name, "--readahead"))
		take_read_ahead(settings, value);
	else if (!strcmp(name, "--fault-around"))
		settings->fault_around = power_of_two(value);
	else
		settings->spare = whole_number(value, 0, 1 << 20);
}

static struct options options_of(int count, char **arguments)
{
	struct options options = { .frames = "4096", .policies = "clock", .settings = { .read_ahead = "row", .read_ahead_pages = CORE_BATCH, .fault_around = 16, .spare = -1 } };

	for (int i = 1; i < count; i++) {
		if (!strcmp(arguments[i], "--help")) {
			print_usage();
			exit(0);
		}
		if (arguments[i][0] != '-' || !arguments[i][1]) {
			if (options.trace)
				refuse("one trace at a time, not '%s', too", arguments[i]);
			options.trace = arguments[i];
		} else {
			take_option(&options, arguments[i], arguments[i + 1]);
			i++;
		}
	}
	if (!options.trace)
		refuse("%s", "which trace? (./quire simulate --help)");
	return options;
}

static void read_trace(struct trace *trace, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;

	if (!file) {
		fprintf(stderr, "quire: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	if (!trace_read(trace, file, file == stdin ? "standard input" : path))
		refuse("%s", trace->error);
	if (file != stdin)
		fclose(file);
}

/* ---- what came out */

static void print_words(const struct counts *counts)
{
	uint64_t faults = counts_faults(counts), hits = counts->references - faults;

	printf("references     %10lu  pages read, written or touched\n", counts->references);
	printf("hits           %10lu  %.2f %%\n", hits, counts->references ? 100.0 * hits / counts->references : 0);
	printf("faults         %10lu\n", faults);
	printf("  calls        %10lu  waits of read and write for the disk\n", counts->read_waits);
	printf("  loads        %10lu  page faults of load and fetch\n", counts->faults_read);
	printf("  stores       %10lu  page faults of store; %lu of them copied a page\n", counts->faults_write, counts->faults_cow);
	printf("  major        %10lu  of the page faults waited for the disk\n", counts->faults_major);
	printf("pages read     %10lu\n", counts->pages_read);
	printf("pages written  %10lu  %lu more are dirty at the end\n", counts->pages_written, counts->left_dirty);
	printf("write waits    %10lu  for a page to become clean, and with it free\n", counts->write_waits);
	printf("evictions      %10lu  clean pages of files; anonymous ones stay, Quire does not evict them yet\n", counts->evictions);
}

static void print_row(FILE *file, char separator, const char *policy, uint64_t frames, const struct counts *counts)
{
	uint64_t faults = counts_faults(counts);
	const uint64_t column[] = { frames, counts->references, counts->references - faults, faults, counts->pages_read, counts->pages_written,
		counts->evictions };

	fprintf(file, separator == ',' ? "%s" : "%-8s", policy);
	for (unsigned i = 0; i < sizeof column / sizeof *column; i++)
		fprintf(file, separator == ',' ? ",%lu" : " %13lu", column[i]);
	fprintf(file, "\n");
}

static FILE *open_csv(const char *path)
{
	FILE *file = path ? fopen(path, "w") : NULL;

	if (path && !file) {
		fprintf(stderr, "quire: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	if (file)
		fprintf(file, "policy,frames,references,hits,faults,pages_read,pages_written,evictions\n");
	return file;
}

int main(int argument_count, char **arguments)
{
	static uint64_t frames[RUNS];
	static const char *policies[RUNS + 1];
	struct options options = options_of(argument_count, arguments);
	unsigned sizes = list_of_frames(options.frames, frames), many = list_of_policies(strdup(options.policies), policies) * sizes;
	FILE *csv = open_csv(options.csv);
	struct trace trace;
	int status = 0;

	read_trace(&trace, options.trace);
	if (many > 1)
		printf("%-8s %13s %13s %13s %13s %13s %13s %13s\n", "policy", "frames", "references", "hits", "faults", "pages read", "pages written", "evictions");
	for (unsigned i = 0; i < many; i++) {
		struct counts counts;
		enum replayed replayed;

		options.settings.policy = policies[i / sizes];
		options.settings.frames = frames[i % sizes];
		replayed = replay(&trace, &options.settings, &counts);
		if (replayed == REPLAY_BAD_TRACE)
			refuse("%s", trace.error);
		if (replayed == REPLAY_NO_MEMORY) {
			fprintf(stderr, "quire: %s\n", trace.error);
			status = 1;
			continue;
		}
		if (many > 1)
			print_row(stdout, ' ', options.settings.policy, options.settings.frames, &counts);
		else
			print_words(&counts);
		if (csv)
			print_row(csv, ',', options.settings.policy, options.settings.frames, &counts);
	}
	trace_free(&trace);
	if (csv && fclose(csv)) {
		fprintf(stderr, "quire: %s: %s\n", options.csv, strerror(errno));
		return 1;
	}
	return status;
}
