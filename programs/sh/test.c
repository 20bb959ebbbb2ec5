/*
 * The commands test and [: one comparison of files, texts or numbers, perhaps negated by !. Which words are operators
 * follows from their number alone, so that any text may stand beside one. There is no -a, -o or parenthesis: the shell's
 * own && and || do that. Status 0 true, 1 false, 2 with a sentence for what it does not understand.
 */
#define _GNU_SOURCE
#include "shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRUE, FALSE, REFUSED };

static int refuse(const char *what, const char *why)
{
	fprintf(stderr, "test: %s: %s\n", what, why);
	return REFUSED;
}

static int result(bool condition)
{
	return condition ? TRUE : FALSE;
}

static bool number(const char *text, long long *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	while (*end == ' ' || *end == '\t')
		end++;
	return end != text && !*end && !errno;
}

static int unary(const char *operator, const char *operand)
{
	struct stat status;
	char kind = operator[0] == '-' && operator[1] && !operator[2] ? operator[1] : 0;

	switch (kind) {
	case 'n':
		return result(*operand);
	case 'z':
		return result(!*operand);
	case 'e':
		return result(stat(operand, &status) == 0);
	case 'f':
		return result(stat(operand, &status) == 0 && S_ISREG(status.st_mode));
	case 'd':
		return result(stat(operand, &status) == 0 && S_ISDIR(status.st_mode));
	case 's':
		return result(stat(operand, &status) == 0 && status.st_size > 0);
	case 'r':
		return result(access(operand, R_OK) == 0);
	case 'w':
		return result(access(operand, W_OK) == 0);
	case 'x':
		return result(access(operand, X_OK) == 0);
	default:
		return refuse(operator, "unknown operator");
	}
}

static int binary(const char *left, const char *operator, const char *right)
{
	static const char *const comparisons[] = { "-eq", "-ne", "-lt", "-le", "-gt", "-ge" };
	long long a, b;
	size_t which = 0;

	if (!strcmp(operator, "="))
		return result(!strcmp(left, right));
	if (!strcmp(operator, "!="))
		return result(strcmp(left, right));
	while (which < 6 && strcmp(operator, comparisons[which]))
		which++;
	if (which == 6)
		return refuse(operator, "unknown operator");
	if (!number(left, &a))
		return refuse(left, "not a number");
	if (!number(right, &b))
		return refuse(right, "not a number");
	return result((bool[]){ a == b, a != b, a < b, a <= b, a > b, a >= b }[which]);
}

static bool is_binary(const char *word)
{
	static const char *const words[] = { "=", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static int evaluate(char **words, int count)
{
	if (count == 0)
		return FALSE;
	if (count == 1)
		return result(*words[0]);
	if (!strcmp(words[0], "!") && !(count == 3 && is_binary(words[1]))) {
		int status = evaluate(words + 1, count - 1);

		return status == REFUSED ? REFUSED : !status;
	}
	if (count == 2)
		return unary(words[0], words[1]);
	if (count == 3)
		return binary(words[0], words[1], words[2]);
	return refuse(words[3], "too many words (there is no -a and no -o; use && and ||)");
}

int builtin_test(char **arguments)
{
	int count = 0;

	while (arguments[count + 1])
		count++;
	if (!strcmp(arguments[0], "[") && (!count || strcmp(arguments[count--], "]")))
		return refuse("[", "the closing ] is missing");
	return evaluate(arguments + 1, count);
}
