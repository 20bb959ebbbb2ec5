/* Taking characters back from the end of the line under edit, in the cells and on the screen. */
#ifndef CONSOLE_ERASE_H
#define CONSOLE_ERASE_H

#include "line.h"

/* What one byte of input can put into the output at most. */
#define ERASE_CELLS_SHOWN 512
#define ERASE_BYTES_MAX (ERASE_CELLS_SHOWN * 8 + 16)

void erase_character(struct line *line, struct output *output);
void erase_word(struct line *line, struct output *output);
void erase_line(struct line *line, struct output *output);

#endif
