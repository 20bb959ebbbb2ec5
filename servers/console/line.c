/* See line.h. Erasing on the screen is in erase.c. */
#include "line.h"

#include "erase.h"
#include "server.h"

#define CONTROL(letter) ((letter) & 0x1f)
#define DELETE 0x7f
#define BACKSPACE 0x08

void line_init(struct line *line, bool raw)
{
	*line = (struct line){
		.termios = {
			.c_iflag = (raw ? 0 : ICRNL) | IUTF8,
			.c_oflag = (raw ? 0 : OPOST) | ONLCR,
			.c_cflag = B38400 | CS8 | CREAD | HUPCL,
			.c_lflag = ISIG | ICANON | (raw ? 0 : ECHO) | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
			.c_cc = {
				[VINTR] = CONTROL('C'), [VQUIT] = CONTROL('\\'), [VERASE] = DELETE, [VKILL] = CONTROL('U'),
				[VEOF] = CONTROL('D'), [VMIN] = 1, [VWERASE] = CONTROL('W'), [VLNEXT] = CONTROL('V'),
			},
		},
	};
}

/* Is the byte this control character? A disabled one is 0 and matches nothing. */
static bool is_control(const struct line *line, unsigned which, uint8_t byte)
{
	return byte && line->termios.c_cc[which] == byte;
}

static bool has(const struct line *line, tcflag_t local_flag)
{
	return line->termios.c_lflag & local_flag;
}

bool line_can_take(const struct line *line, const struct output *output)
{
	return line->head - line->tail < LINE_CELLS && output_free(output) >= ERASE_BYTES_MAX;
}

static void append(struct line *line, struct output *output, uint16_t cell)
{
	if (line->head == line->canon)
		line->start_column = output->column;
	line->cell[line->head++ % LINE_CELLS] = cell;
}

static void end_line(struct line *line)
{
	line->canon = line->head;
}

static void echo(struct line *line, struct output *output, uint8_t byte)
{
	bool control = (byte < ' ' || byte == DELETE) && byte != '\t' && byte != '\n';

	if (!has(line, ECHO) && !(byte == '\n' && has(line, ECHONL) && has(line, ICANON)))
		return;
	if (control && has(line, ECHOCTL)) {
		output_put(output, line->termios.c_oflag, '^');
		byte ^= 0x40;
	}
	output_put(output, line->termios.c_oflag, byte);
}

/* A caret under the cursor says that ^V waits for the byte it is about. */
static void echo_literal(struct line *line, struct output *output)
{
	if (!has(line, ECHO) || !has(line, ECHOCTL))
		return;
	output_raw(output, '^');
	output_raw(output, '\b');
}

/* True: *byte is to go on; false: it is ignored. */
static bool map_input(const struct line *line, uint8_t *byte)
{
	tcflag_t flags = line->termios.c_iflag;

	if (flags & ISTRIP)
		*byte &= 0x7f;
	if (*byte == '\r') {
		if (flags & IGNCR)
			return false;
		if (flags & ICRNL)
			*byte = '\n';
	} else if (*byte == '\n' && flags & INLCR) {
		*byte = '\r';
	}
	return true;
}

static enum line_signal take_signal(struct line *line, struct output *output, uint8_t byte)
{
	enum line_signal signal = is_control(line, VINTR, byte) ? LINE_INTERRUPT : is_control(line, VQUIT, byte) ? LINE_QUIT : LINE_NONE;

	if (signal == LINE_NONE)
		return LINE_NONE;
	if (!has(line, NOFLSH))
		line_flush(line);
	echo(line, output, byte);
	return signal;
}

/* True: the byte edited the line and is used up. */
static bool take_edit(struct line *line, struct output *output, uint8_t byte)
{
	if (is_control(line, VERASE, byte) || (byte == BACKSPACE && line->termios.c_cc[VERASE] == DELETE))
		erase_character(line, output);
	else if (is_control(line, VKILL, byte))
		erase_line(line, output);
	else if (has(line, IEXTEN) && is_control(line, VWERASE, byte))
		erase_word(line, output);
	else
		return false;
	return true;
}

/* No complete line, and no room to complete this one: the reader gets it as it is. */
static void end_overlong_line(struct line *line)
{
	if (line->canon == line->tail && line->head - line->tail == LINE_CELLS) {
		line->cell[(line->head - 1) % LINE_CELLS] |= CELL_END;
		end_line(line);
	}
}

static void take_canonical(struct line *line, struct output *output, uint8_t byte)
{
	if (take_edit(line, output, byte))
		return;
	if (has(line, IEXTEN) && is_control(line, VLNEXT, byte)) {
		line->literal = true;
		echo_literal(line, output);
	} else if (is_control(line, VEOF, byte)) {
		append(line, output, CELL_EOF);
		end_line(line);
	} else if (byte == '\n' || is_control(line, VEOL, byte) || is_control(line, VEOL2, byte)) {
		append(line, output, byte | CELL_END);
		end_line(line);
		echo(line, output, byte);
	} else {
		append(line, output, byte);
		echo(line, output, byte);
	}
	end_overlong_line(line);
}

enum line_signal line_take(struct line *line, struct output *output, uint8_t byte)
{
	enum line_signal signal;

	if (line->literal) {
		line->literal = false;
		append(line, output, byte);
		echo(line, output, byte);
		end_overlong_line(line);
		return LINE_NONE;
	}
	if (!map_input(line, &byte))
		return LINE_NONE;
	if (has(line, ISIG) && (signal = take_signal(line, output, byte)) != LINE_NONE)
		return signal;
	if (has(line, ICANON)) {
		take_canonical(line, output, byte);
	} else {
		append(line, output, byte);
		echo(line, output, byte);
	}
	return LINE_NONE;
}

/* Up to where a read may go. */
static uint32_t readable_end(const struct line *line)
{
	return has(line, ICANON) ? line->canon : line->head;
}

bool line_ready(const struct line *line, size_t bytes)
{
	uint32_t available = readable_end(line) - line->tail;
	size_t minimum = line->termios.c_cc[VMIN];

	if (has(line, ICANON) || !bytes)
		return available || !bytes;
	return available >= (minimum < bytes ? minimum : bytes);
}

size_t line_peek(const struct line *line, uint8_t *buffer, size_t bytes, uint32_t *cells)
{
	uint32_t position = line->tail, end = readable_end(line);
	size_t count = 0;

	for (; position != end; position++) {
		uint16_t cell = line->cell[position % LINE_CELLS];

		if (cell & CELL_EOF) {
			/* Used up with the bytes before it, even if these just fill the buffer. */
			position += bytes != 0;
			break;
		}
		if (count == bytes)
			break;
		buffer[count++] = cell;
		if (cell & CELL_END && has(line, ICANON)) {
			position++;
			break;
		}
	}
	*cells = position - line->tail;
	return count;
}

void line_consume(struct line *line, uint32_t cells)
{
	line->tail += cells;
	/* Without ICANON canon has no meaning, but must not fall behind. */
	if ((int32_t)(line->canon - line->tail) < 0)
		line->canon = line->tail;
}

size_t line_readable_bytes(const struct line *line)
{
	size_t count = 0;

	for (uint32_t position = line->tail; position != readable_end(line); position++)
		count += !(line->cell[position % LINE_CELLS] & CELL_EOF);
	return count;
}

/* Without ICANON a ^D is a byte like others, so the marks of earlier ones mean nothing any more. */
static void drop_marks(struct line *line)
{
	uint32_t kept = line->tail;

	for (uint32_t position = line->tail; position != line->head; position++)
		if (!(line->cell[position % LINE_CELLS] & CELL_EOF))
			line->cell[kept++ % LINE_CELLS] = line->cell[position % LINE_CELLS];
	line->head = kept;
}

void line_set(struct line *line, const struct termios *termios)
{
	bool was_canonical = has(line, ICANON);

	line->termios = *termios;
	line->literal = false;
	if (was_canonical && !has(line, ICANON))
		drop_marks(line);
	if (was_canonical != has(line, ICANON)) {
		if (has(line, ICANON) && line->head != line->tail)
			line->cell[(line->head - 1) % LINE_CELLS] |= CELL_END;
		end_line(line);
	}
}

void line_flush(struct line *line)
{
	line->tail = line->canon = line->head;
	line->literal = false;
}
