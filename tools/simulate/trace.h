/*
 * A trace: what programs did, one operation a line, so that the pager's core can be asked what it would have cost (replay.h).
 *
 *	open FILE PAGES				FILE (any word) has so many pages, all with blocks; from here on it can be read, written, mapped
 *	close FILE				mappings of it stay
 *	read FILE PAGE [COUNT]			as read(2) or write(2) of whole pages; COUNT is 1 if it is not there
 *	write FILE PAGE [COUNT]
 *	map AREA FILE PAGE COUNT shared|private	FILE `-`: anonymous memory, PAGE is then 0. AREA (any word) is where the pages are
 *	unmap AREA [PAGE COUNT]			all of it, or some pages
 *	load AREA PAGE [COUNT]			the processor touches each page once
 *	store AREA PAGE [COUNT]
 *	fetch AREA PAGE [COUNT]
 *	fork PROCESS				the child has the same areas
 *	process PROCESS				what follows is done by that process; at the beginning it is `main`
 *	exit					the process ends; another one must follow
 *	sync					writes all that is dirty
 *	tick					a round of the background write-back, which Quire does every few seconds
 *
 * Pages count from 0, in FILE or in AREA. `#` begins a comment. Files belong to all processes, areas to each.
 * There is no time in a trace: the disk answers before the next operation, so what was read ahead is there by then.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum operation_kind { OPEN, CLOSE, READ, WRITE, MAP, UNMAP, LOAD, STORE, FETCH, FORK, PROCESS, EXIT, SYNC, TICK };

struct operation {
	uint8_t kind;
	bool shared;			/* map */
	uint32_t line;
	uint32_t name, file;		/* words: of the file, area or process; map: and of the file */
	uint64_t page, count;
};

struct trace {
	const char *path;
	struct operation *operations;
	char **words;			/* each once; "-" is word 0, "main" word 1 */
	uint64_t count;
	uint32_t words_count;
	char error[256];		/* what is wrong: a sentence that begins with path:line */
};

#define WORD_NONE 0
#define WORD_MAIN 1

bool trace_read(struct trace *trace, FILE *file, const char *path);	/* false: see error */
void trace_free(struct trace *trace);
bool trace_complain(struct trace *trace, uint64_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));	/* returns false */

#endif
