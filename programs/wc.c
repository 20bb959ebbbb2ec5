/*
 * wc [-l] [-w] [-c] [FILE...]: counts lines, words and bytes.
 */
#include "common.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct counts {
	unsigned long lines, words, bytes;
};

static bool flags[128];

static bool count_file(int file, struct counts *counts)
{
	static char block[65536];
	bool in_word = false;
	ssize_t got;

	while ((got = read(file, block, sizeof(block))) > 0) {
		counts->bytes += (unsigned long)got;
		for (ssize_t i = 0; i < got; i++) {
			bool blank = isspace((unsigned char)block[i]);

			counts->lines += block[i] == '\n';
			counts->words += !blank && !in_word;
			in_word = !blank;
		}
	}
	return got == 0;
}

static void show(const struct counts *counts, const char *name)
{
	const char *gap = "";

	if (flags['l'])
		printf("%lu", counts->lines), gap = " ";
	if (flags['w'])
		printf("%s%lu", gap, counts->words), gap = " ";
	if (flags['c'])
		printf("%s%lu", gap, counts->bytes);
	printf("%s%s\n", name ? " " : "", name ? name : "");
}

int main(int count, char **arguments)
{
	struct counts total = { 0 };
	int result = 0;

	(void)count;
	arguments = take_options(arguments + 1, "lwc", flags);
	if (!flags['l'] && !flags['w'] && !flags['c'])
		flags['l'] = flags['w'] = flags['c'] = true;
	if (!*arguments) {
		if (!count_file(0, &total))
			return complain("standard input");
		show(&total, NULL);
		return 0;
	}
	for (int i = 0; arguments[i]; i++) {
		int file = open(arguments[i], O_RDONLY);
		struct counts counts = { 0 };

		if (file < 0 || !count_file(file, &counts)) {
			result = complain(arguments[i]);
		} else {
			show(&counts, arguments[i]);
			total.lines += counts.lines;
			total.words += counts.words;
			total.bytes += counts.bytes;
		}
		if (file >= 0)
			close(file);
	}
	if (arguments[1])
		show(&total, "total");
	return result;
}
