/*
 * From tokens to a tree of commands. A complete command (to the end of its line, or of its last line when quotes or
 * compound commands span several) is read before anything runs; no character behind it is read, so that commands can
 * share the shell's standard input. Here-documents, functions, case and arithmetic are refused as syntax errors.
 * Characters become tokens in token.c.
 */
#define _GNU_SOURCE
#include "shell.h"
#include "token.h"

#include <stdio.h>
#include <string.h>

static bool is_operator(const char *text)
{
	return peek()->kind == TOKEN_OPERATOR && !strcmp(token.text, text);
}

static bool is_word(const char *text)
{
	return peek()->kind == TOKEN_WORD && !strcmp(token.text, text);
}

static bool accept_operator(const char *text)
{
	if (!is_operator(text))
		return false;
	advance();
	return true;
}

static bool accept_word(const char *text)
{
	if (!is_word(text))
		return false;
	advance();
	return true;
}

static void skip_newlines(void)
{
	while (!parse_failed && peek()->kind == TOKEN_NEWLINE) {
		show_prompt();
		advance();
	}
}

static void expect_word(const char *text)
{
	if (!accept_word(text))
		syntax_error(token.text);
}

static struct node *node_new(enum node_kind kind, struct node *left, struct node *right)
{
	struct node *node = keep(sizeof(*node));

	node->kind = kind;
	node->left = left;
	node->right = right;
	return node;
}

static struct node *parse_list(bool whole_line);

static bool parse_redirection(struct redirection ***tail)
{
	static const struct { const char *text; enum redirection_kind kind; int descriptor; } forms[] = {
		{ "<", READ_FROM, 0 }, { ">", WRITE_TO, 1 }, { ">>", APPEND_TO, 1 }, { ">&", DUPLICATE, 1 }, { "<&", DUPLICATE, 0 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct redirection *redirection;

		if (!is_operator(forms[i].text))
			continue;
		redirection = keep(sizeof(*redirection));
		redirection->kind = forms[i].kind;
		redirection->descriptor = token.descriptor >= 0 ? token.descriptor : forms[i].descriptor;
		advance();
		if (peek()->kind != TOKEN_WORD) {
			syntax_error(token.text);
			return false;
		}
		redirection->target = token.text;
		advance();
		**tail = redirection;
		*tail = &redirection->next;
		return true;
	}
	return false;
}

static struct node *parse_simple(void)
{
	struct node *node = node_new(NODE_SIMPLE, NULL, NULL);
	struct word **word_tail = &node->words;
	struct redirection **redirection_tail = &node->redirections;

	while (!parse_failed) {
		if (peek()->kind == TOKEN_WORD) {
			struct word *word = keep(sizeof(*word));

			word->raw = token.text;
			*word_tail = word;
			word_tail = &word->next;
			advance();
		} else if (!parse_redirection(&redirection_tail)) {
			break;
		}
	}
	if (!node->words && !node->redirections)
		syntax_error(token.text);
	return node;
}

static struct node *parse_if(void)
{
	struct node *node = node_new(NODE_IF, parse_list(false), NULL);

	expect_word("then");
	node->right = parse_list(false);
	if (accept_word("elif")) {
		node->other = parse_if();	/* it takes the one "fi" that ends them all */
		return node;
	}
	if (accept_word("else"))
		node->other = parse_list(false);
	expect_word("fi");
	return node;
}

static struct node *parse_for(void)
{
	struct node *node = node_new(NODE_FOR, NULL, NULL);
	struct word **tail = &node->words;

	for (int index = 0; peek()->kind == TOKEN_WORD; index++) {
		struct word *word;

		if (index == 1 && accept_word("in"))
			continue;
		word = keep(sizeof(*word));
		word->raw = token.text;
		*tail = word;
		tail = &word->next;
		advance();
	}
	if (!node->words)
		syntax_error(token.text);
	accept_operator(";");
	skip_newlines();
	expect_word("do");
	node->right = parse_list(false);
	expect_word("done");
	return node;
}

static struct node *parse_while(enum node_kind kind)
{
	struct node *node = node_new(kind, parse_list(false), NULL);

	expect_word("do");
	node->right = parse_list(false);
	expect_word("done");
	return node;
}

static struct node *parse_command(void)
{
	struct redirection **tail;
	struct node *node;

	if (accept_operator("(")) {
		node = node_new(NODE_SUBSHELL, parse_list(false), NULL);
		if (!accept_operator(")"))
			syntax_error(token.text);
	} else if (accept_word("{")) {
		node = node_new(NODE_GROUP, parse_list(false), NULL);
		expect_word("}");
	} else if (accept_word("if")) {
		node = parse_if();
	} else if (accept_word("while")) {
		node = parse_while(NODE_WHILE);
	} else if (accept_word("until")) {
		node = parse_while(NODE_UNTIL);
	} else if (accept_word("for")) {
		node = parse_for();
	} else {
		return parse_simple();
	}
	for (tail = &node->redirections; !parse_failed && parse_redirection(&tail); )
		;
	return node;
}

static struct node *parse_pipeline(void)
{
	bool negated = accept_word("!");
	struct node *node = parse_command();

	if (accept_operator("|")) {
		skip_newlines();
		node = node_new(NODE_PIPE, node, parse_pipeline());
	}
	return negated ? node_new(NODE_NOT, node, NULL) : node;
}

static struct node *parse_and_or(void)
{
	struct node *node = parse_pipeline();

	for (;;) {
		enum node_kind kind = is_operator("&&") ? NODE_AND : NODE_OR;

		if (!accept_operator("&&") && !accept_operator("||"))
			return node;
		skip_newlines();
		node = node_new(kind, node, parse_pipeline());
	}
}

static bool list_ends(void)
{
	static const char *const ends[] = { "then", "elif", "else", "fi", "do", "done", "}" };

	if (peek()->kind == TOKEN_END || is_operator(")"))
		return true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (is_word(ends[i]))
			return true;
	return false;
}

/* Commands up to the end of the line, or, inside of a compound command, up to the word that ends the part. */
static struct node *parse_list(bool whole_line)
{
	struct node *list = NULL;

	while (!parse_failed) {
		struct node *node;

		if (!whole_line)
			skip_newlines();
		if (peek()->kind == TOKEN_NEWLINE || peek()->kind == TOKEN_END || (!whole_line && list_ends()))
			break;
		node = parse_and_or();
		if (accept_operator("&"))
			node = node_new(NODE_BACKGROUND, node, NULL);
		else if (!accept_operator(";") && peek()->kind != TOKEN_NEWLINE && !list_ends())
			syntax_error(token.text);
		if (whole_line && peek()->kind == TOKEN_OPERATOR && is_operator(")"))
			syntax_error(token.text);
		list = list ? node_new(NODE_SEQUENCE, list, node) : node;
	}
	if (!list && !whole_line)
		syntax_error(token.text);
	return list;
}

enum parse_result parse_line(struct source *source, struct node **tree)
{
	tokens_begin(source);
	*tree = parse_list(true);
	if (parse_failed) {
		tokens_skip_line();
		return PARSE_ERROR;
	}
	if (*tree)
		return PARSE_COMMAND;
	return token.kind == TOKEN_END ? PARSE_END : PARSE_EMPTY;
}
