/* See output.h. */
#include "output.h"

#include <asm/termbits.h>

#define TAB_COLUMNS 8

static unsigned next_column(unsigned column, uint8_t byte)
{
	switch (byte) {
	case '\n':
	case '\r':
		return 0;
	case '\b':
		return column ? column - 1 : 0;
	case '\t':
		return (column / TAB_COLUMNS + 1) * TAB_COLUMNS;
	}
	/* Control characters do not move the cursor, nor do the later bytes of a UTF-8 character. */
	return byte < ' ' || byte == 0x7f || (byte & 0xc0) == 0x80 ? column : column + 1;
}

void output_raw(struct output *output, uint8_t byte)
{
	output->byte[output->queued++ % OUTPUT_BYTES] = byte;
	output->column = next_column(output->column, byte);
}

void output_put(struct output *output, uint32_t output_flags, uint8_t byte)
{
	if (output_flags & OPOST) {
		if (byte == '\n' && output_flags & ONLCR)
			output_raw(output, '\r');
		else if (byte == '\r' && output_flags & OCRNL)
			byte = '\n';
	}
	output_raw(output, byte);
}
