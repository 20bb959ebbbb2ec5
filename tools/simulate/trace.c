/*
 * Reads a trace. It checks the grammar only: whether a file is open or an area mapped is known when it is replayed.
 */
#include "trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BLANK " \t\r\n"

/* What follows the word: n: a name, f: a file or `-`, p: a page, c: a count, m: shared or private; in capitals: may be absent. */
static const struct { const char *word, *arguments; } grammar[] = {
	[OPEN] = { "open", "nc" }, [CLOSE] = { "close", "n" }, [READ] = { "read", "npC" }, [WRITE] = { "write", "npC" },
	[MAP] = { "map", "nfpcm" }, [UNMAP] = { "unmap", "nPC" }, [LOAD] = { "load", "npC" }, [STORE] = { "store", "npC" },
	[FETCH] = { "fetch", "npC" }, [FORK] = { "fork", "n" }, [PROCESS] = { "process", "n" }, [EXIT] = { "exit", "" },
	[SYNC] = { "sync", "" }, [TICK] = { "tick", "" },
};
#define KINDS (sizeof grammar / sizeof *grammar)

bool trace_complain(struct trace *trace, uint64_t line, const char *format, ...)
{
	va_list arguments;
	int length = snprintf(trace->error, sizeof trace->error, "%s:%lu: ", trace->path, line);

	va_start(arguments, format);
	if (length > 0 && (size_t)length < sizeof trace->error)
		vsnprintf(trace->error + length, sizeof trace->error - length, format, arguments);
	va_end(arguments);
	return false;
}

/* Grown by doubling: `count` elements are in use. */
static void *with_room(void *array, uint64_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	array = realloc(array, (count ? 2 * count : 1) * size);
	if (!array)
		abort();
	return array;
}

static uint32_t word_number(struct trace *trace, const char *text)
{
	for (uint32_t i = 0; i < trace->words_count; i++)
		if (!strcmp(trace->words[i], text))
			return i;
	trace->words = with_room(trace->words, trace->words_count, sizeof *trace->words);
	trace->words[trace->words_count] = strdup(text);
	return trace->words_count++;
}

static bool take_number(struct trace *trace, uint64_t line, const char *text, uint64_t lowest, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || *number >> 40)
		return trace_complain(trace, line, "'%s' is not a number of pages", text);
	return *number >= lowest || trace_complain(trace, line, "a count must be at least %lu", lowest);
}

static bool take_mode(struct trace *trace, uint64_t line, const char *text, bool *shared)
{
	*shared = !strcmp(text, "shared");
	return *shared || !strcmp(text, "private") || trace_complain(trace, line, "'%s' is neither shared nor private", text);
}

static bool take_argument(struct trace *trace, struct operation *operation, char kind, const char *text)
{
	switch (kind) {
	case 'n':
		operation->name = word_number(trace, text);
		return true;
	case 'f':
		operation->file = word_number(trace, text);
		return true;
	case 'p': case 'P':
		return take_number(trace, operation->line, text, 0, &operation->page);
	case 'm':
		return take_mode(trace, operation->line, text, &operation->shared);
	default:
		return take_number(trace, operation->line, text, 1, &operation->count);
	}
}

static bool take_line(struct trace *trace, struct operation *operation, char *line)
{
	char *rest, *word = strtok_r(line, BLANK, &rest);
	const char *kinds;

	while (operation->kind < KINDS && strcmp(grammar[operation->kind].word, word))
		operation->kind++;
	if (operation->kind == KINDS)
		return trace_complain(trace, operation->line, "'%s' is no operation", word);
	kinds = grammar[operation->kind].arguments;
	for (; (word = strtok_r(NULL, BLANK, &rest)); kinds++) {
		if (!*kinds)
			return trace_complain(trace, operation->line, "'%s' is one word too many", word);
		if (!take_argument(trace, operation, *kinds, word))
			return false;
	}
	if (*kinds == 'P')		/* unmap: all of it */
		operation->count = 0;
	return !*kinds || *kinds <= 'Z' || trace_complain(trace, operation->line, "'%s' needs more", grammar[operation->kind].word);
}

bool trace_read(struct trace *trace, FILE *file, const char *path)
{
	char *line = NULL;
	size_t room = 0;
	bool good = true;

	*trace = (struct trace){ .path = path };
	word_number(trace, "-");
	word_number(trace, "main");
	for (uint32_t number = 1; good && getline(&line, &room, file) >= 0; number++) {
		struct operation operation = { .line = number, .count = 1 };

		line[strcspn(line, "#")] = '\0';
		if (!line[strspn(line, BLANK)])
			continue;
		good = take_line(trace, &operation, line);
		trace->operations = with_room(trace->operations, trace->count, sizeof operation);
		trace->operations[trace->count++] = operation;
	}
	free(line);
	if (good && ferror(file))
		good = trace_complain(trace, trace->count + 1, "cannot be read: %s", strerror(errno));
	return good;
}

void trace_free(struct trace *trace)
{
	for (uint32_t i = 0; i < trace->words_count; i++)
		free(trace->words[i]);
	free(trace->words);
	free(trace->operations);
}
