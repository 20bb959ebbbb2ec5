/* What ioctl(2) knows about a terminal. All else is ENOTTY. Structures are Linux's own (asm-generic). */
#include "tty.h"

#include <asm/errno.h>

enum { FLUSH_INPUT = 0, FLUSH_OUTPUT = 1, FLUSH_BOTH = 2 };

static void answer_out(const struct message *message, long event, const void *data, size_t bytes)
{
	enum loan outcome = loan_out(message, event, message->word[1], data, bytes, NULL);

	if (outcome != LOAN_FAULTED)
		tty_answer(message->token, outcome == LOAN_DONE ? 0 : -EFAULT);
}

/* True: the data is here; false: the caller has been dealt with. */
static bool take_in(const struct message *message, long event, void *data, size_t bytes)
{
	enum loan outcome = loan_in(message, event, message->word[1], data, bytes, NULL);

	if (outcome == LOAN_REFUSED)
		tty_answer(message->token, -EFAULT);
	return outcome == LOAN_DONE;
}

static void set_modes(const struct message *message, long event, bool flush)
{
	struct termios termios;

	if (!take_in(message, event, &termios, sizeof(termios)))
		return;
	if (flush)
		line_flush(&tty.line);
	line_set(&tty.line, &termios);
	tty_answer(message->token, 0);
}

static void set_window(const struct message *message, long event)
{
	struct winsize window;

	if (!take_in(message, event, &window, sizeof(window)))
		return;
	tty.window = window;
	tty_answer(message->token, 0);
}

static void set_foreground(const struct message *message, long event)
{
	int32_t group;

	if (!take_in(message, event, &group, sizeof(group)))
		return;
	if (group > 0)
		tty.foreground = group;
	tty_answer(message->token, group > 0 ? 0 : -EINVAL);
}

static void flush(const struct message *message)
{
	uint64_t which = message->word[1];

	if (which > FLUSH_BOTH) {
		tty_answer(message->token, -EINVAL);
		return;
	}
	if (which != FLUSH_OUTPUT)	/* output is on its way; it is not taken back */
		line_flush(&tty.line);
	tty_answer(message->token, 0);
}

void ioctl_arrived(const struct message *message, long event)
{
	int32_t number;

	switch ((uint32_t)message->word[0]) {
	case TCGETS:
		answer_out(message, event, &tty.line.termios, sizeof(tty.line.termios));
		break;
	case TCSETS:
	case TCSETSW:	/* a write is answered when it has left, so there is nothing of the caller's to wait for */
		set_modes(message, event, false);
		break;
	case TCSETSF:
		set_modes(message, event, true);
		break;
	case TIOCGWINSZ:
		answer_out(message, event, &tty.window, sizeof(tty.window));
		break;
	case TIOCSWINSZ:
		set_window(message, event);
		break;
	case TIOCGPGRP:
		answer_out(message, event, &tty.foreground, sizeof(tty.foreground));
		break;
	case TIOCSPGRP:
		set_foreground(message, event);
		break;
	case FIONREAD:
		number = line_readable_bytes(&tty.line);
		answer_out(message, event, &number, sizeof(number));
		break;
	case TIOCOUTQ:
		number = tty.output.queued - tty.output.sent;
		answer_out(message, event, &number, sizeof(number));
		break;
	case TCFLSH:
		flush(message);
		break;
	case TCSBRK:	/* tcdrain, and a break that is not sent */
	case TIOCSCTTY:
		tty_answer(message->token, 0);
		break;
	default:
		tty_answer(message->token, -ENOTTY);
	}
}
