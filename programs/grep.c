/*
 * grep [-v] [-c] [-q] [-n] TEXT [FILE...]: the lines that contain TEXT, which is no pattern. Status 1: there is none.
 */
#define _GNU_SOURCE
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool flags[128];

static unsigned long search(FILE *file, const char *text, const char *name)
{
	unsigned long found = 0, number = 0;
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) >= 0) {
		number++;
		line[strcspn(line, "\n")] = 0;
		if (!strstr(line, text) != flags['v'])
			continue;
		found++;
		if (flags['c'] || flags['q'])
			continue;
		if (name)
			printf("%s:", name);
		if (flags['n'])
			printf("%lu:", number);
		puts(line);
	}
	free(line);
	if (flags['c'])
		printf("%s%s%lu\n", name ? name : "", name ? ":" : "", found);
	return found;
}

int main(int count, char **arguments)
{
	unsigned long found = 0;
	bool trouble = false;
	const char *text;

	(void)count;
	arguments = take_options(arguments + 1, "vcqnF", flags);
	text = *arguments++;
	if (!text)
		return usage("[-v] [-c] [-q] [-n] TEXT [FILE...]");
	if (!*arguments)
		found = search(stdin, text, NULL);
	for (int i = 0; arguments[i]; i++) {
		FILE *file = fopen(arguments[i], "r");

		if (!file) {
			complain(arguments[i]);
			trouble = true;
			continue;
		}
		found += search(file, text, arguments[1] ? arguments[i] : NULL);
		fclose(file);
	}
	return trouble ? 2 : !found;
}
