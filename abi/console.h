/*
 * The console driver's protocol: a tty with line editing. fs forwards the Linux calls of descriptors that are open on
 * /dev/console or /dev/tty; the console copies under the caller's loan and answers the caller with Linux's values.
 */
#ifndef ABI_CONSOLE_H
#define ABI_CONSOLE_H

#include <stdint.h>

enum console_label {
	CONSOLE_read = 0x6000,	/* FORWARD from fs. words: struct console_transfer. Waits for a line (canonical) or bytes */
	CONSOLE_write,		/* FORWARD from fs. words: struct console_transfer */
	CONSOLE_ioctl,		/* FORWARD from fs. words: request, argument as in ioctl(2): TCGETS TCSETS* TIOCGWINSZ TIOCGPGRP TIOCSPGRP FIONREAD; else ENOTTY */
};

struct console_transfer { uint64_t address, count, flags; };
enum { CONSOLE_VECTOR = 1, CONSOLE_NONBLOCK = 2 };	/* VECTOR: address and count are an iovec array's */

#endif
