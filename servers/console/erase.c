/*
 * See erase.h. A character may be several bytes (UTF-8) or several columns (^X, a tab); a tab's width depends on all that
 * stands before it in the line. When more is erased than would sensibly be wiped off a screen, a new line begins instead.
 */
#include "erase.h"

#define TAB_COLUMNS 8

static uint8_t byte_at(const struct line *line, uint32_t position)
{
	return line->cell[position % LINE_CELLS];
}

static bool continues(const struct line *line, uint8_t byte)
{
	return line->termios.c_iflag & IUTF8 && (byte & 0xc0) == 0x80;
}

static unsigned width(const struct line *line, uint8_t byte, unsigned column)
{
	if (byte == '\t')
		return TAB_COLUMNS - column % TAB_COLUMNS;
	if (byte < ' ' || byte == 0x7f)
		return line->termios.c_lflag & ECHOCTL ? 2 : 0;
	return continues(line, byte) ? 0 : 1;
}

static unsigned column_at(const struct line *line, uint32_t end)
{
	unsigned column = line->start_column;

	for (uint32_t position = line->canon; position != end; position++)
		column += width(line, byte_at(line, position), column);
	return column;
}

/* Where the character that ends before `end` begins; `end` > canon. */
static uint32_t character_before(const struct line *line, uint32_t end)
{
	uint32_t position = end - 1;

	while (position != line->canon && continues(line, byte_at(line, position)))
		position--;
	return position;
}

/* Over a tab the cursor only goes back: there is nothing to overwrite. */
static void wipe(struct output *output, uint8_t byte, unsigned columns)
{
	while (columns--) {
		output_raw(output, '\b');
		if (byte == '\t')
			continue;
		output_raw(output, ' ');
		output_raw(output, '\b');
	}
}

static void wipe_to(const struct line *line, struct output *output, uint32_t start)
{
	for (uint32_t position = line->head; position != start; position--) {
		uint8_t byte = byte_at(line, position - 1);

		wipe(output, byte, width(line, byte, byte == '\t' ? column_at(line, position - 1) : 0));
	}
}

static void erase_to(struct line *line, struct output *output, uint32_t position)
{
	if (line->termios.c_lflag & ECHO && position != line->head) {
		if (line->termios.c_lflag & ECHOE && line->head - position <= ERASE_CELLS_SHOWN)
			wipe_to(line, output, position);
		else
			output_put(output, line->termios.c_oflag, '\n');
	}
	line->head = position;
}

void erase_character(struct line *line, struct output *output)
{
	if (line->head != line->canon)
		erase_to(line, output, character_before(line, line->head));
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

void erase_word(struct line *line, struct output *output)
{
	uint32_t position = line->head;

	while (position != line->canon && is_blank(byte_at(line, position - 1)))
		position--;
	while (position != line->canon && !is_blank(byte_at(line, position - 1)))
		position--;
	erase_to(line, output, position);
}

void erase_line(struct line *line, struct output *output)
{
	erase_to(line, output, line->canon);
}
