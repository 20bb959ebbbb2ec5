/*
 * Patterns: * any text, ? any character, [abc] [a-z] one of them, [!x] none of them. A quoted character means itself, and so
 * does a [ without its ]. Classes such as [[:alpha:]] are not known. expand.c matches patterns with file names.
 */
#include "shell.h"

/* The ] that closes the bracket at pattern, or NULL. One that comes first means itself. */
static const char *bracket_end(const char *pattern, const bool *quoted)
{
	size_t i = 1;

	if (pattern[i] == '!' && !quoted[i])
		i++;
	if (pattern[i])
		i++;
	while (pattern[i] && (pattern[i] != ']' || quoted[i]))
		i++;
	return pattern[i] ? pattern + i : NULL;
}

static bool bracket_has(const char *pattern, const bool *quoted, const char *end, char c)
{
	bool negated = pattern[1] == '!' && !quoted[1], found = false;

	for (const char *at = pattern + 1 + negated; at < end; at++) {
		unsigned char low = (unsigned char)*at, high = low;

		if (at + 2 < end && at[1] == '-' && !quoted[at + 1 - pattern]) {
			high = (unsigned char)at[2];
			at += 2;
		}
		found |= low <= (unsigned char)c && (unsigned char)c <= high;
	}
	return found != negated;
}

bool pattern_is(const char *text, const bool *quoted)
{
	for (size_t i = 0; text[i]; i++)
		if (!quoted[i] && (text[i] == '*' || text[i] == '?' || (text[i] == '[' && bracket_end(text + i, quoted + i))))
			return true;
	return false;
}

bool pattern_matches(const char *pattern, const bool *quoted, const char *text)
{
	while (*pattern) {
		const char *end = *pattern == '[' && !*quoted ? bracket_end(pattern, quoted) : NULL;
		size_t length = end ? (size_t)(end - pattern) + 1 : 1;

		if (*pattern == '*' && !*quoted) {
			do
				if (pattern_matches(pattern + 1, quoted + 1, text))
					return true;
			while (*text++);
			return false;
		}
		if (!*text)
			return false;
		if (end ? !bracket_has(pattern, quoted, end, *text) : *pattern != *text && (*pattern != '?' || *quoted))
			return false;
		pattern += length;
		quoted += length;
		text++;
	}
	return !*text;
}
