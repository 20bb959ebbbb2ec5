/*
 * Bytes on their way to the UART, programs' output and echo in one order. A ring that counts: `queued` and `sent` only grow, so
 * "all up to here has left" is a comparison. Post-processing (OPOST, ONLCR) happens on the way in.
 */
#ifndef CONSOLE_OUTPUT_H
#define CONSOLE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_BYTES 32768

struct output {
	uint64_t queued, sent;
	unsigned column;		/* where the terminal's cursor stands, as far as we can tell: for tabs */
	uint8_t byte[OUTPUT_BYTES];
};

static inline size_t output_free(const struct output *output)
{
	return OUTPUT_BYTES - (output->queued - output->sent);
}

/* As it is. The caller has looked at output_free. */
void output_raw(struct output *output, uint8_t byte);
/* With the c_oflag of struct termios: at most two bytes. */
void output_put(struct output *output, uint32_t output_flags, uint8_t byte);

#endif
