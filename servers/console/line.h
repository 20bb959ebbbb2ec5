/*
 * The line discipline: from bytes that the UART receives to what read(2) gets, with echo and editing as Linux's n_tty does them.
 * Pure data: no UART, no messages.
 *
 *      tail            canon                head           positions only grow; cell = position % LINE_CELLS
 *   ----|===============|--------------------|----
 *       | complete lines | the line under edit |           without ICANON everything from tail to head is readable
 *
 * A cell is a byte with marks: CELL_END, a read stops behind it; CELL_EOF, no byte at all: a ^D, which ends a read where it
 * stands (at the start of a line: with 0 bytes, end of file). Nothing is ever dropped: when all cells are taken, line_can_take says no and the
 * caller leaves the bytes in the UART; a line longer than all cells is given to the reader in parts.
 */
#ifndef CONSOLE_LINE_H
#define CONSOLE_LINE_H

#include "output.h"

#include <asm/termbits.h>

#define LINE_CELLS 4096
enum { CELL_END = 0x100, CELL_EOF = 0x200 };

enum line_signal { LINE_NONE, LINE_INTERRUPT, LINE_QUIT };

struct line {
	struct termios termios;
	uint32_t tail, canon, head;
	unsigned start_column;		/* of the line under edit */
	bool literal;			/* the next byte means itself (^V) */
	uint16_t cell[LINE_CELLS];
};

/* raw: the boot argument tty=raw, see abi/boot.h. */
void line_init(struct line *line, bool raw);

/* Is there room for one more byte and all that its echo can be? */
bool line_can_take(const struct line *line, const struct output *output);
enum line_signal line_take(struct line *line, struct output *output, uint8_t byte);

/* Would a read of `bytes` return now? (VTIME is the caller's business.) */
bool line_ready(const struct line *line, size_t bytes);
/* What a read of `bytes` gets; *cells is what to give to line_consume when it has got it. */
size_t line_peek(const struct line *line, uint8_t *buffer, size_t bytes, uint32_t *cells);
void line_consume(struct line *line, uint32_t cells);
/* FIONREAD. */
size_t line_readable_bytes(const struct line *line);

/* Takes new modes; what has been typed stays readable. */
void line_set(struct line *line, const struct termios *termios);
void line_flush(struct line *line);

#endif
