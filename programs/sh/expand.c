/*
 * From raw words to arguments: quotes, $name, ${name} with - + = ? and # (no other form), $? $$ $! $# $0 $1 $@ $*,
 * $(command), `command`, splitting of unquoted results at blanks, and patterns as file names. Nothing is expanded in
 * single quotes. What is refused sets shell.failed; whoever called looks there before it uses the result.
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
		if (!pattern_matches(field->text + folder_length, field->quoted + folder_length, entry->d_name))
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

	if (field->exists) {
		if (!out->splits || !field->length || !pattern_is(field->text, field->quoted) || !expand_pattern(out, field))
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

static void refuse(const char *what, const char *why)
{
	fprintf(stderr, "sh: %s: %s\n", what, why);
	shell.failed = true;
}

static const char *number_text(long number)
{
	char *text = keep(24);

	snprintf(text, 24, "%ld", number);
	return text;
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

/* How many characters of text are one parameter's name: one of ?$!#@*, a number, or a variable's name; 0: none. */
static size_t name_length(const char *text)
{
	size_t length = 0;

	if (*text && strchr("?$!#@*", *text))
		return 1;
	while (isdigit((unsigned char)*text) ? isdigit((unsigned char)text[length]) : is_name_start(*text) &&
	       (is_name_start(text[length]) || isdigit((unsigned char)text[length])))
		length++;
	return length;
}

/* NULL: not set. $@ and $* are put_arguments' task; here they are only set or not. */
static const char *parameter_value(const char *name)
{
	switch (*name) {
	case '?':
		return number_text(shell.status);
	case '$':
		return number_text(shell.pid);
	case '!':
		return shell.background ? number_text(shell.background) : NULL;
	case '#':
		return number_text(shell.arguments_count - 1);
	case '@':
	case '*':
		return shell.arguments_count > 1 ? "set" : NULL;
	}
	if (isdigit((unsigned char)*name))
		return atol(name) < shell.arguments_count ? shell.arguments[atol(name)] : NULL;
	return variable_get(name);
}

static void put_parameter(struct expansion *out, const char *name, bool quoted)
{
	if (*name == '@' || *name == '*')
		put_arguments(out, *name == '@' || !quoted, quoted);
	else
		put_value(out, parameter_value(name), quoted);
}

static void expand_text(struct expansion *out, const char *raw, bool inner);
static const char *expand_quoted(struct expansion *out, const char *raw, bool inner);

/* The word in ${name-word}. */
static void put_word(struct expansion *out, const char *word, bool quoted)
{
	if (quoted)
		expand_quoted(out, word, true);
	else
		expand_text(out, word, true);
}

static char *word_text(const char *word, bool quoted)
{
	struct expansion out = { .splits = false };

	put_word(&out, word, quoted);
	return out.field.text ? out.field.text : keep_text("", 0);
}

/* ${name?word} and ${name=word}, when the name has no value that counts. */
static void put_missing(struct expansion *out, const char *name, char kind, const char *word, bool quoted)
{
	if (kind == '?') {
		refuse(name, *word ? word_text(word, quoted) : "parameter is not set");
	} else if (!is_name_start(*name)) {
		refuse(name, "cannot be assigned to");
	} else {
		const char *value = word_text(word, quoted);

		if (!shell.failed)
			variable_set(name, value, false);
		put_value(out, value, quoted);
	}
}

/* What stands between the braces: name, #name, or name, perhaps a colon, one of - + = ?, and a word. */
static void put_braced(struct expansion *out, const char *text, bool quoted)
{
	bool counts = *text == '#' && name_length(text + 1) && !text[1 + name_length(text + 1)];
	size_t length = name_length(text += counts);
	const char *name = keep_text(text, length), *value, *rest = text + length;
	bool colon = *rest == ':', present;
	char kind = rest[colon];

	if (!length || (*rest && (!kind || !strchr("-+=?", kind)))) {
		fprintf(stderr, "sh: syntax error: ${%s} has a form that is not supported\n", text - counts);
		shell.failed = true;
		return;
	}
	value = parameter_value(name);
	if (counts) {
		bool all = *name == '@' || *name == '*';

		put_value(out, number_text(all ? shell.arguments_count - 1 : value ? (long)strlen(value) : 0), quoted);
		return;
	}
	present = value && (*value || !colon);
	if (!*rest || (present && kind != '+'))
		put_parameter(out, name, quoted);
	else if (kind == '+' ? present : kind == '-')
		put_word(out, rest + colon + 1, quoted);
	else if (kind != '+')
		put_missing(out, name, kind, rest + colon + 1, quoted);
}

/* The closing character of what begins at text, with quotes and nesting respected. Twin: read_enclosed in parse.c. */
static const char *find_close(const char *text, char close, bool quoted)
{
	for (; *text && *text != close; text++) {
		if (*text == '\\' && close != '\'' && text[1])
			text++;
		else if (close == '\'' || close == '`')
			continue;
		else if (*text == '$' && text[1] == '(')
			text = find_close(text + 2, ')', false);
		else if (*text == '$' && text[1] == '{')
			text = find_close(text + 2, '}', quoted || close == '"');
		else if (*text == '(' && close == ')')
			text = find_close(text + 1, ')', false);
		else if (*text == '"' || *text == '`' || (*text == '\'' && close != '"' && !quoted))
			text = find_close(text + 1, *text, false);
		if (!*text)
			break;
	}
	return text;
}

/* Expands what stands behind a dollar; returns where the raw text goes on. */
static const char *expand_dollar(struct expansion *out, const char *raw, bool quoted)
{
	size_t length = isdigit((unsigned char)*raw) ? 1 : name_length(raw);
	const char *end = raw + length;

	if (*raw == '(' || *raw == '{') {
		char *text;

		end = find_close(raw + 1, *raw == '(' ? ')' : '}', *raw == '{' && quoted);
		text = keep_text(raw + 1, (size_t)(end - raw - 1));
		if (*raw == '{')
			put_braced(out, text, quoted);
		else
			put_value(out, capture_output(text), quoted);
		return *end ? end + 1 : end;
	}
	if (length)
		put_parameter(out, keep_text(raw, length), quoted);
	else
		field_put(&out->field, '$', quoted);
	return end;
}

static const char *expand_backquotes(struct expansion *out, const char *raw, bool quoted)
{
	const char *end = find_close(raw, '`', false);

	put_value(out, capture_output(keep_text(raw, (size_t)(end - raw))), quoted);
	return *end ? end + 1 : end;
}

/* Up to the closing quote, or, as the inner word of "${name-word}", up to the end: there, quotes only vanish. */
static const char *expand_quoted(struct expansion *out, const char *raw, bool inner)
{
	while (*raw && !shell.failed && (inner || *raw != '"')) {
		if (*raw == '\\' && raw[1] && strchr(inner ? "$`\"\\}" : "$`\"\\", raw[1])) {
			field_put(&out->field, raw[1], true);
			raw += 2;
		} else if (*raw == '$') {
			raw = expand_dollar(out, raw + 1, true);
		} else if (*raw == '`') {
			raw = expand_backquotes(out, raw + 1, true);
		} else if (*raw == '"') {
			raw++;
		} else {
			field_put(&out->field, *raw++, true);
		}
	}
	return *raw ? raw + 1 : raw;
}

static const char *expand_double_quotes(struct expansion *out, const char *raw)
{
	/* "$@" without arguments is no argument; any other "" is one. */
	out->field.exists |= strncmp(raw, "$@\"", 3) != 0 && strncmp(raw, "${@}\"", 5) != 0;
	return expand_quoted(out, raw, false);
}

/* inner: the word of ${name-word}, whose blanks separate arguments. */
static void expand_text(struct expansion *out, const char *raw, bool inner)
{
	if (*raw == '~' && (!raw[1] || raw[1] == '/') && variable_get("HOME"))
		put_value(out, variable_get("HOME"), raw++);
	while (*raw && !shell.failed) {
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
		} else if (inner && out->splits && strchr(" \t\n", *raw)) {
			field_end(out);
			raw++;
		} else {
			field_put(&out->field, *raw++, false);
		}
	}
}

static void expand_raw(struct expansion *out, const char *raw)
{
	expand_text(out, raw, false);
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
