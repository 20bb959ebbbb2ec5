/*
 * Memory and variables of the shell. Memory of a command line comes from a stack of chunks and goes back at a mark;
 * variables live in a list of their own and are few, so searching is linear.
 */
#define _GNU_SOURCE
#include "shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct chunk *chunks;

void *keep(size_t bytes)
{
	struct chunk *chunk = chunks;
	void *result;

	bytes = (bytes + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < bytes) {
		size_t size = bytes > 8000 ? bytes : 8000;

		chunk = malloc(sizeof(*chunk) + size);
		if (!chunk) {
			fprintf(stderr, "sh: out of memory\n");
			_exit(2);
		}
		chunk->before = chunks;
		chunk->used = 0;
		chunk->size = size;
		chunks = chunk;
	}
	result = chunk->bytes + chunk->used;
	chunk->used += bytes;
	return memset(result, 0, bytes);
}

char *keep_text(const char *text, size_t length)
{
	char *copy = keep(length + 1);

	memcpy(copy, text, length);
	return copy;
}

struct mark memory_mark(void)
{
	return (struct mark){ chunks, chunks ? chunks->used : 0 };
}

void memory_release(struct mark mark)
{
	while (chunks != mark.chunk) {
		struct chunk *before = chunks->before;

		free(chunks);
		chunks = before;
	}
	if (chunks)
		chunks->used = mark.used;
}

struct variable {
	struct variable *next;
	char *name, *value;	/* value NULL: unset */
	bool exported;
};
static struct variable *variables;

static struct variable *variable_find(const char *name)
{
	for (struct variable *each = variables; each; each = each->next)
		if (!strcmp(each->name, name))
			return each;
	return NULL;
}

const char *variable_get(const char *name)
{
	struct variable *variable = variable_find(name);

	return variable ? variable->value : NULL;
}

/* value NULL: keep the value there is, only mark it for export. */
void variable_set(const char *name, const char *value, bool export)
{
	struct variable *variable = variable_find(name);

	if (!variable) {
		variable = calloc(1, sizeof(*variable));
		variable->name = strdup(name);
		variable->next = variables;
		variables = variable;
	}
	if (value) {
		char *copy = strdup(value);

		free(variable->value);
		variable->value = copy;
	}
	if (export)
		variable->exported = true;
}

void variable_unset(const char *name)
{
	struct variable *variable = variable_find(name);

	if (variable) {
		free(variable->value);
		variable->value = NULL;
		variable->exported = false;
	}
}

void variables_import(char **environment)
{
	for (; *environment; environment++) {
		char *equals = strchr(*environment, '=');
		char *name;

		if (!equals)
			continue;
		name = strndup(*environment, (size_t)(equals - *environment));
		variable_set(name, equals + 1, true);
		free(name);
	}
}

char **variable_environment(void)
{
	size_t count = 0, index = 0;
	char **list;

	for (struct variable *each = variables; each; each = each->next)
		count++;
	list = keep((count + 1) * sizeof(*list));
	for (struct variable *each = variables; each; each = each->next) {
		size_t bytes;

		if (!each->exported || !each->value)
			continue;
		bytes = strlen(each->name) + strlen(each->value) + 2;
		list[index] = keep(bytes);
		snprintf(list[index++], bytes, "%s=%s", each->name, each->value);
	}
	return list;
}
