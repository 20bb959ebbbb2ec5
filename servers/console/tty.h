/* The state that the parts of the console share. One terminal, one UART. */
#ifndef CONSOLE_TTY_H
#define CONSOLE_TTY_H

#include "calls.h"
#include "line.h"
#include "output.h"
#include "uart.h"

#include <asm/termios.h>

struct tty {
	struct uart uart;
	struct output output;
	struct line line;
	struct call_queue readers, writers;
	struct winsize window;
	int32_t foreground;		/* process group, as TIOCSPGRP said */
	uint64_t timebase_hz;
};
extern struct tty tty;

/* The Linux value that a caller gets; an answer that nobody waits for any more is dropped. */
void tty_answer(uint64_t token, int64_t value);

/* transfer.c */
void read_arrived(const struct message *message, long event);
void write_arrived(const struct message *message, long event);
void transfer_interrupted(uint64_t token);
/* A thread that calls anew has no older call: forget one whose caller has died. */
void transfer_forget(uint64_t token);
/* Serves readers with what has been typed. True: one has been served, so there may be room for input again. */
bool serve_readers(void);
/* Moves writers' bytes to the UART. True: it did much, and there is more to do at once. */
bool serve_writers(void);
/* The next moment at which a reader's VTIME is over, 0: never; and answering those whose is. */
uint64_t next_deadline(void);
void expire_readers(void);

/* ioctl.c */
void ioctl_arrived(const struct message *message, long event);

#endif
