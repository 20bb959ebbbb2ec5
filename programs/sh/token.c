/*
 * From characters to tokens: words with their quotes and dollars as typed, operators, the ends of lines. It looks one
 * character ahead, no further. What it refuses (an open quote, a word that is too long, arithmetic) is a syntax error.
 */
#define _GNU_SOURCE
#include "shell.h"
#include "token.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char operators[] = " \t\n;&|<>()";

static struct source *from;
struct token token;
bool parse_failed;
static bool token_ready;
static int pushed_back = -2;	/* a character, EOF, or -2: none */
static bool continuation;

void show_prompt(void)
{
	if (from->prompts)
		fputs(continuation ? "> " : "$ ", stderr);
	fflush(stderr);
	continuation = true;
}

/* The next character, EOF at the end. A shared descriptor is read one byte at a time. */
static int get(void)
{
	int c = pushed_back;

	if (c != -2) {
		pushed_back = -2;
		return c;
	}
	if (from->next == from->length && from->descriptor >= 0) {
		ssize_t got = read(from->descriptor, from->buffer, from->shared ? 1 : sizeof(from->buffer));

		from->text = from->buffer;
		from->next = 0;
		from->length = got > 0 ? (size_t)got : 0;
	}
	if (from->next == from->length)
		return EOF;
	return (unsigned char)from->text[from->next++];
}

static void unget(int c)
{
	pushed_back = c;
}

void syntax_error(const char *near)
{
	if (!parse_failed)
		fprintf(stderr, "sh: syntax error near %s\n", near);
	parse_failed = true;
}

struct raw {
	char text[4096];
	size_t length;
};

static void put(struct raw *raw, int c)
{
	if (raw->length + 1 < sizeof(raw->text))
		raw->text[raw->length++] = (char)c;
	else
		syntax_error("a word that is too long");
}

/* Behind a backslash; with the end of a line, both vanish. */
static void read_escaped(struct raw *raw)
{
	int c = get();

	if (c == '\n') {
		show_prompt();
		return;
	}
	put(raw, '\\');
	if (c != EOF)
		put(raw, c);
}

static void read_enclosed(struct raw *raw, int close, bool quoted);

/* Behind a dollar: all of (...) or {...}. Single quotes mean themselves in the braces of "${...}". */
static void read_dollar(struct raw *raw, bool quoted)
{
	int c = get();

	if (c != '(' && c != '{') {
		unget(c);
		return;
	}
	put(raw, c);
	if (c == '(') {
		int next = get();

		if (next == '(')
			syntax_error("$((: there is no arithmetic; a subshell within $( ) needs a blank before its (");
		unget(next);
	}
	read_enclosed(raw, c == '(' ? ')' : '}', c == '{' && quoted);
}

/* Copies up to and with the closing character; nested quotes, dollars and parentheses count. Twin: find_close in expand.c. */
static void read_enclosed(struct raw *raw, int close, bool quoted)
{
	while (!parse_failed) {
		int c = get();

		if (c == EOF) {
			syntax_error("the end: a quote, brace or parenthesis is open");
			return;
		}
		if (c == '\n')
			show_prompt();
		if (c == '\\' && close != '\'') {
			read_escaped(raw);
			continue;
		}
		put(raw, c);
		if (c == close)
			return;
		if (close == '\'' || close == '`')
			continue;
		if (c == '$')
			read_dollar(raw, quoted || close == '"');
		else if (c == '(' && close == ')')
			read_enclosed(raw, ')', false);
		else if (c == '"' || c == '`' || (c == '\'' && close != '"' && !quoted))
			read_enclosed(raw, c, false);
	}
}

static void read_word(struct raw *raw)
{
	while (!parse_failed) {
		int c = get();

		if (c == EOF || strchr(operators, c)) {
			unget(c);
			return;
		}
		if (c == '\\') {
			read_escaped(raw);
			continue;
		}
		put(raw, c);
		if (c == '\'' || c == '"' || c == '`')
			read_enclosed(raw, c, false);
		else if (c == '$')
			read_dollar(raw, false);
	}
}

static int skip_blanks(void)
{
	int c;

	do
		c = get();
	while (c == ' ' || c == '\t' || c == '\r');
	if (c == '#')
		while (c != '\n' && c != EOF)
			c = get();
	return c;
}

static const char *read_operator(int c)
{
	static const char *const pairs[] = { "&&", "||", ">>", ">&", "<&", ";;", "<<" };
	char text[3] = { (char)c };
	int next = get();

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (pairs[i][0] == c && pairs[i][1] == next)
			return pairs[i];
	unget(next);
	return keep_text(text, 1);
}

struct token *peek(void)
{
	struct raw raw;
	int c;

	if (token_ready)
		return &token;
	raw.length = 0;
	token_ready = true;
	token.descriptor = -1;
	c = skip_blanks();
	if (c == EOF) {
		token.kind = TOKEN_END;
		token.text = "the end";
		return &token;
	}
	if (c == '\n') {
		token.kind = TOKEN_NEWLINE;
		token.text = "the end of the line";
		return &token;
	}
	if (!strchr(operators, c)) {
		unget(c);
		read_word(&raw);
		c = get();
		if (raw.length != 1 || !isdigit((unsigned char)raw.text[0]) || (c != '<' && c != '>')) {
			unget(c);
			token.kind = TOKEN_WORD;
			token.text = keep_text(raw.text, raw.length);
			return &token;
		}
		token.descriptor = raw.text[0] - '0';
	}
	token.kind = TOKEN_OPERATOR;
	token.text = read_operator(c);
	return &token;
}

void advance(void)
{
	token_ready = false;
}

void parse_begin(void)
{
	pushed_back = -2;
}

void tokens_begin(struct source *source)
{
	from = source;
	token_ready = parse_failed = continuation = false;
	show_prompt();
}

void tokens_skip_line(void)
{
	int c = 0;

	while (token.kind != TOKEN_NEWLINE && token.kind != TOKEN_END && c != '\n' && c != EOF)
		c = get();
	pushed_back = -2;
}
