/*
 * From raw words to arguments: quotes, $name ${name} ${name:-word} $? $$ $! $# $0 $1 $@ $*, $(command), `command`,
 * splitting of unquoted results at blanks, and * ? as file names. Nothing is expanded in single quotes.
 */
#define _GNU_SOURCE
#include "shell.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field {
	char *text;
	bool *quoted;		/* per character: * and ? mean themselves */
	size_t length, size;
	bool exists;		/* even if empty: "" is an argument */
};

struct expansion {
	char **list;
	size_t count, size;
	struct field field;
	bool splits;
};

static void field_put(struct field *field, char c, bool quoted)
{
	if (field->length + 1 >= field->size) {
		size_t size = field->size ? field->size * 2 : 64;
		char *text = keep(size);
		bool *flags = keep(size * sizeof(bool));

		if (field->length) {
			memcpy(text, field->text, field->length);
			memcpy(flags, field->quoted, field->length * sizeof(bool));
		}
		field->text = text;
		field->quoted = flags;
		field->size = size;
	}
	field->quoted[field->length] = quoted;
	field->text[field->length++] = c;
	field->text[field->length] = 0;
	field->exists = true;
}

static void list_add(struct expansion *out, char *text)
{
	if (out->count + 1 >= out->size) {
		size_t size = out->size ? out->size * 2 : 16;
		char **list = keep(size * sizeof(*list));

		if (out->count)
			memcpy(list, out->list, out->count * sizeof(*list));
		out->list = list;
		out->size = size;
	}
	out->list[out->count++] = text;
	out->list[out->count] = NULL;
}

/* Does text match pattern, in which * and ? count unless quoted? */
static bool matches(const char *pattern, const bool *quoted, const char *text)
{
	for (; *pattern; pattern++, quoted++) {
		if (*pattern == '*' && !*quoted) {
			for (;; text++) {
				if (matches(pattern + 1, quoted + 1, text))
					return true;
				if (!*text)
					return false;
			}
		}
		if (!*text || (*pattern != *text && (*pattern != '?' || *quoted)))
			return false;
		text++;
	}
	return !*text;
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Expands the pattern's last component only, in the folder that its other components name. */
static bool expand_pattern(struct expansion *out, const struct field *field)
{
	char *slash = strrchr(field->text, '/');
	size_t folder_length = slash ? (size_t)(slash - field->text) + 1 : 0;
	char *folder = keep_text(field->text, folder_length);
	size_t before = out->count;
	struct dirent *entry;
	DIR *directory = opendir(folder_length ? folder : ".");

	if (!directory)
		return false;
	while ((entry = readdir(directory))) {
		char *path;

		if (entry->d_name[0] == '.' && field->text[folder_length] != '.')
			continue;
		if (!matches(field->text + folder_length, field->quoted + folder_length, entry->d_name))
			continue;
		path = keep(folder_length + strlen(entry->d_name) + 1);
		strcpy(path, folder);
		strcat(path, entry->d_name);
		list_add(out, path);
	}
	closedir(directory);
	if (out->count > before)
		qsort(out->list + before, out->count - before, sizeof(*out->list), compare_texts);
	return out->count > before;
}

static void field_end(struct expansion *out)
{
	struct field *field = &out->field;
	bool pattern = false;

	if (field->exists) {
		for (size_t i = 0; i < field->length; i++)
			if ((field->text[i] == '*' || field->text[i] == '?') && !field->quoted[i])
				pattern = true;
		if (!pattern || !out->splits || !expand_pattern(out, field))
			list_add(out, field->text ? field->text : keep_text("", 0));
	}
	memset(field, 0, sizeof(*field));
}

static void put_value(struct expansion *out, const char *value, bool quoted)
{
	for (; value && *value; value++) {
		if (!quoted && out->splits && strchr(" \t\n", *value))
			field_end(out);
		else
			field_put(&out->field, *value, quoted);
	}
}

static void put_number(struct expansion *out, long number, bool quoted)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", number);
	put_value(out, text, quoted);
}

static void put_arguments(struct expansion *out, bool separate, bool quoted)
{
	for (int i = 1; i < shell.arguments_count; i++) {
		if (i > 1 && separate)
			field_end(out);
		else if (i > 1)
			put_value(out, " ", quoted);
		put_value(out, shell.arguments[i], quoted);
		out->field.exists |= quoted;
	}
}

/* ${name}, ${name:-word}: text lies between the braces. */
static void put_braced(struct expansion *out, const char *text, size_t length, bool quoted)
{
	char *name = keep_text(text, length);
	char *otherwise = strstr(name, ":-");
	const char *value;

	if (otherwise)
		*otherwise = 0;
	value = isdigit((unsigned char)*name) && atoi(name) < shell.arguments_count ? shell.arguments[atoi(name)] : variable_get(name);
	if (otherwise && (!value || !*value))
		value = expand_one(otherwise + 2);
	put_value(out, value, quoted);
}

/* The end of what opened before `text`: the matching close, with quotes and nesting respected. */
static const char *find_close(const char *text, char open, char close)
{
	for (; *text && *text != close; text++) {
		if (*text == '\\' && text[1])
			text++;
		else if (*text == '\'' || *text == '"')
			text = find_close(text + 1, 0, *text);
		else if (open && *text == open)
			text = find_close(text + 1, open, close);
		if (!*text)
			break;
	}
	return text;
}

/* Expands what stands behind a dollar; returns where the raw text goes on. */
static const char *expand_dollar(struct expansion *out, const char *raw, bool quoted)
{
	const char *end = raw + 1;

	if (*raw == '(') {
		end = find_close(raw + 1, '(', ')');
		put_value(out, capture_output(keep_text(raw + 1, (size_t)(end - raw - 1))), quoted);
		return *end ? end + 1 : end;
	}
	if (*raw == '{') {
		end = find_close(raw + 1, '{', '}');
		put_braced(out, raw + 1, (size_t)(end - raw - 1), quoted);
		return *end ? end + 1 : end;
	}
	if (*raw == '?')
		put_number(out, shell.status, quoted);
	else if (*raw == '$')
		put_number(out, shell.pid, quoted);
	else if (*raw == '!')
		put_number(out, shell.background, quoted);
	else if (*raw == '#')
		put_number(out, shell.arguments_count - 1, quoted);
	else if (*raw == '@' || *raw == '*')
		put_arguments(out, *raw == '@' || !quoted, quoted);
	else if (isdigit((unsigned char)*raw))
		put_value(out, *raw - '0' < shell.arguments_count ? shell.arguments[*raw - '0'] : "", quoted);
	else if (isalpha((unsigned char)*raw) || *raw == '_') {
		while (isalnum((unsigned char)*end) || *end == '_')
			end++;
		put_value(out, variable_get(keep_text(raw, (size_t)(end - raw))), quoted);
	} else {
		field_put(&out->field, '$', quoted);
		return raw;
	}
	return end;
}

static const char *expand_backquotes(struct expansion *out, const char *raw, bool quoted)
{
	const char *end = find_close(raw, 0, '`');

	put_value(out, capture_output(keep_text(raw, (size_t)(end - raw))), quoted);
	return *end ? end + 1 : end;
}

static const char *expand_double_quotes(struct expansion *out, const char *raw)
{
	/* "$@" without arguments is no argument; any other "" is one. */
	out->field.exists |= strncmp(raw, "$@\"", 3) != 0;
	while (*raw && *raw != '"') {
		if (*raw == '\\' && raw[1] && strchr("$`\"\\", raw[1])) {
			field_put(&out->field, raw[1], true);
			raw += 2;
		} else if (*raw == '$') {
			raw = expand_dollar(out, raw + 1, true);
		} else if (*raw == '`') {
			raw = expand_backquotes(out, raw + 1, true);
		} else {
			field_put(&out->field, *raw++, true);
		}
	}
	return *raw ? raw + 1 : raw;
}

static void expand_raw(struct expansion *out, const char *raw)
{
	if (*raw == '~' && (!raw[1] || raw[1] == '/') && variable_get("HOME"))
		put_value(out, variable_get("HOME"), raw++);
	while (*raw) {
		if (*raw == '\'') {
			out->field.exists = true;
			for (raw++; *raw && *raw != '\''; raw++)
				field_put(&out->field, *raw, true);
			raw += *raw != 0;
		} else if (*raw == '"') {
			raw = expand_double_quotes(out, raw + 1);
		} else if (*raw == '\\' && raw[1]) {
			field_put(&out->field, raw[1], true);
			raw += 2;
		} else if (*raw == '$') {
			raw = expand_dollar(out, raw + 1, false);
		} else if (*raw == '`') {
			raw = expand_backquotes(out, raw + 1, false);
		} else {
			field_put(&out->field, *raw++, false);
		}
	}
	field_end(out);
}

char **expand_words(const struct word *words, int *count)
{
	struct expansion out = { .splits = true };

	for (; words; words = words->next)
		expand_raw(&out, words->raw);
	*count = (int)out.count;
	return out.list ? out.list : keep(sizeof(char *));
}

/* Values of assignments and targets of redirections: neither split nor matched against file names. */
char *expand_one(const char *raw)
{
	struct expansion out = { .splits = false };

	expand_raw(&out, raw);
	return out.count ? out.list[0] : keep_text("", 0);
}
