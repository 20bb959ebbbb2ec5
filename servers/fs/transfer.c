/*
 * read and write in all their forms: from a descriptor to whoever moves the bytes. Those of regular files move in the pager, the
 * terminal's in the console: both get the caller's token. Pipes, devices and texts are served here; they copy as copy.c says.
 */
#include "shell.h"

#include "console.h"

#include <asm/fcntl.h>

/* ---- who moves the bytes of what */

static int64_t transfer_file(struct call *call, struct open *open, unsigned how)
{
	const uint64_t *word = call->message.word;
	bool durable = how & TRANSFER_WRITE && open->access & WRITES_DURABLY;
	const struct pager_transfer words = { open->number, word[1], word[2], word[3],
					      (how & (TRANSFER_AT | TRANSFER_VECTOR)) | (durable ? TRANSFER_SYNC : 0) };

	return forward_call(call, SLOT_PAGER, how & TRANSFER_WRITE ? PAGER_write : PAGER_read, &words, sizeof(words));
}

static int64_t transfer_tty(struct call *call, struct open *open, unsigned how)
{
	const uint64_t *word = call->message.word;
	const struct console_transfer words = { word[1], word[2], (how & TRANSFER_VECTOR ? CONSOLE_VECTOR : 0) |
						(open->flags & O_NONBLOCK ? CONSOLE_NONBLOCK : 0) };

	return forward_call(call, SLOT_CONSOLE, how & TRANSFER_WRITE ? CONSOLE_write : CONSOLE_read, &words, sizeof(words));
}

static int64_t no_file(struct call *call, struct open *open, unsigned how)
{
	(void)call, (void)open, (void)how;
	return -EISDIR;
}

static transfer_function *const readers[] = {
	[OPEN_FILE] = transfer_file, [OPEN_DIRECTORY] = no_file, [OPEN_PIPE_READER] = pipe_read, [OPEN_TTY] = transfer_tty,
	[OPEN_DEVICE] = device_read, [OPEN_TEXT] = text_read,
};
static transfer_function *const writers[] = {
	[OPEN_FILE] = transfer_file, [OPEN_PIPE_WRITER] = pipe_write, [OPEN_TTY] = transfer_tty,
	[OPEN_DEVICE] = device_write, [OPEN_TEXT] = text_write,
};

bool open_is_stream(const struct open *open)
{
	return open_is_pipe(open) || open->kind == OPEN_TTY;
}

/* Words: descriptor, address, count (of bytes, or of an iovec array's entries), and with TRANSFER_AT the position. */
static INLINED bool words_valid(const uint64_t *word, unsigned how)
{
	if (how & TRANSFER_VECTOR ? word[2] > LOAN_VECTOR_MAX : (int64_t)word[2] < 0)
		return false;
	return !(how & TRANSFER_AT) || (int64_t)word[3] >= 0;
}

static int check(const struct open *open, const uint64_t *word, unsigned how)
{
	if (!open || !(how & TRANSFER_WRITE ? open_writable(open) : open_readable(open)))
		return -EBADF;
	if (how & TRANSFER_AT && (int64_t)word[3] >= 0 && open_is_stream(open))
		return -ESPIPE;
	return words_valid(word, how) ? 0 : -EINVAL;
}

static INLINED int64_t transfer(struct call *call, unsigned how)
{
	struct open *open = descriptor_get(call->process, call->message.word[0]);
	int result = check(open, call->message.word, how);

	return result < 0 ? result : (how & TRANSFER_WRITE ? writers : readers)[open->kind](call, open, how);
}

#define TRANSFER_CALL(name, how) int64_t linux_##name(struct call *call) { return transfer(call, how); }
TRANSFER_CALL(read, 0)
TRANSFER_CALL(write, TRANSFER_WRITE)
TRANSFER_CALL(readv, TRANSFER_VECTOR)
TRANSFER_CALL(writev, TRANSFER_WRITE | TRANSFER_VECTOR)
TRANSFER_CALL(pread64, TRANSFER_AT)
TRANSFER_CALL(pwrite64, TRANSFER_WRITE | TRANSFER_AT)

/* ---- at once */

static const uint8_t how_of[] = {
	[LINUX_read - LINUX_read] = 0, [LINUX_write - LINUX_read] = TRANSFER_WRITE,
	[LINUX_readv - LINUX_read] = TRANSFER_VECTOR, [LINUX_writev - LINUX_read] = TRANSFER_WRITE | TRANSFER_VECTOR,
	[LINUX_pread64 - LINUX_read] = TRANSFER_AT, [LINUX_pwrite64 - LINUX_read] = TRANSFER_WRITE | TRANSFER_AT,
};
_Static_assert(sizeof(how_of) == 6, "their numbers are neighbours");

INLINED enum at_once transfer_at_once(const struct process *process, struct message *message)
{
	uint64_t *word = message->word, row = message->label - LINUX_read;
	struct open *open;
	unsigned how;

	if (row >= sizeof(how_of) || message->badge != BADGE_CLIENT)
		return LATER;
	open = descriptor_small(process, word[0]);
	if (!open || !(open->at_once >> row & 1))
		return LATER;
	if (open->kind == OPEN_FILE) {
		how = how_of[row];
		if (!words_valid(word, how))
			return LATER;
		message->label = how & TRANSFER_WRITE ? PAGER_write : PAGER_read;
		word[0] = open->number;		/* struct pager_transfer; the others are in their places */
		word[4] = how & (TRANSFER_AT | TRANSFER_VECTOR);
		return FORWARDED;
	}
	return row ? pipe_write_at_once(message, open) : pipe_read_at_once(message, open);
}
