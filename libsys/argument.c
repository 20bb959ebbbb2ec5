/* The boot arguments (abi/boot.h): words separated by spaces, then optionally " -- " and the guest's command line. */
#include "server.h"

static bool is_end(char character)
{
	return character == '\0' || character == ' ';
}

/* A word that is just `--`. */
static bool is_separator(const char *word)
{
	return word[0] == '-' && word[1] == '-' && is_end(word[2]);
}

static const char *next_word(const char *text)
{
	while (!is_end(*text))
		text++;
	while (*text == ' ')
		text++;
	return text;
}

const char *argument_value(const char *arguments, const char *key, size_t *length)
{
	size_t key_length = strlen(key);

	while (*arguments == ' ')
		arguments++;
	for (const char *word = arguments; *word && !is_separator(word); word = next_word(word)) {
		if (strncmp(word, key, key_length) != 0 || word[key_length] != '=')
			continue;
		word += key_length + 1;
		for (*length = 0; !is_end(word[*length]); (*length)++)
			;
		return word;
	}
	return NULL;
}

const char *argument_command(const char *arguments)
{
	while (*arguments == ' ')
		arguments++;
	for (const char *word = arguments; *word; word = next_word(word))
		if (is_separator(word))
			return word[2] ? word + 3 : NULL;
	return NULL;
}
