/*
 * Pipes: up to 64 KiB in pages of the pool, taken as bytes come and given back as they go. The last page is never given back, so
 * PIPE_BUF bytes always find room in an empty pipe. Copies end before anything is moved: a caller that faults comes
 * again and finds the pipe as it was; what a long write has put in is kept in call->done.
 */
#include "shell.h"

#include <asm/fcntl.h>
#include <asm/signal.h>

#define PIPE_BUF 4096
#define PIPE_PAGES (PIPE_BYTES / BLOCK_BYTES)

struct pipe {
	uint32_t number, readers, writers;
	uint32_t pages;				/* >= 1: from the tail's on, perhaps some beyond the head */
	uint64_t head, tail;			/* bytes written and read; head - tail <= PIPE_BYTES */
	struct list waiting[2];			/* READERS, WRITERS */
	uint8_t *page[PIPE_PAGES];		/* byte i lies in page[i / BLOCK_BYTES % PIPE_PAGES]; null: none there now */
};

static struct table pipes = { .record_bytes = sizeof(struct pipe), .limit = 4096 };

enum side { READERS, WRITERS };

static uint64_t key_of(struct pipe *pipe, enum side side)
{
	return (uint64_t)&pipe->waiting[side];
}

static struct pipe *pipe_make(void)
{
	uint32_t number;
	struct pipe *pipe = table_take(&pipes, &number);

	if (!pipe)
		return NULL;
	*pipe = (struct pipe){ .number = number, .readers = 1, .writers = 1, .pages = 1, .page = { pool_page() } };
	if (pipe->page[0])
		return pipe;
	table_free(&pipes, number);
	return NULL;
}

static void pipe_destroy(struct pipe *pipe)
{
	for (unsigned i = 0; i < PIPE_PAGES; i++)
		if (pipe->page[i])
			pool_free(pipe->page[i]);
	table_free(&pipes, pipe->number);
}

/*
 * Who waits longest is woken if he can go on, one of each side; he does the same when he has gone on, so nobody is woken in vain. Writers
 * go on when there is room for all that must go in whole.
 */
static __attribute__((noinline)) void wake_next(struct pipe *pipe)
{
	if (pipe->head != pipe->tail)
		wake_one(key_of(pipe, READERS));
	if (pipe->head - pipe->tail <= PIPE_BYTES - PIPE_BUF)
		wake_one(key_of(pipe, WRITERS));
}

static INLINED bool pass_on(struct pipe *pipe)
{
	if (!pipe->waiting[READERS].first && !pipe->waiting[WRITERS].first)
		return false;
	wake_next(pipe);
	return true;
}

void pipe_close(struct open *open)
{
	struct pipe *pipe = open->pipe;

	if (open->kind == OPEN_PIPE_READER)
		pipe->readers--;
	else
		pipe->writers--;
	if (!pipe->readers)
		wake_calls(key_of(pipe, WRITERS));
	if (!pipe->writers)
		wake_calls(key_of(pipe, READERS));
	if (!pipe->readers && !pipe->writers)
		pipe_destroy(pipe);
}

uint64_t pipe_bytes(const struct open *open)
{
	return open->pipe->head - open->pipe->tail;
}

int64_t linux_pipe2(struct call *call)
{
	const uint64_t *word = call->message.word;
	uint32_t flags = word[1];
	int32_t descriptor[2];
	struct open *reader, *writer;
	struct pipe *pipe;
	int result;

	if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	descriptor[0] = descriptor_free(call->process, 0);
	descriptor[1] = descriptor[0] < 0 ? -EMFILE : descriptor_free(call->process, descriptor[0] + 1);
	if (descriptor[1] < 0)
		return -EMFILE;
	result = copy_out(call, word[0], descriptor, sizeof(descriptor));
	if (result < 0)
		return result;
	pipe = pipe_make();
	if (!pipe)
		return -ENFILE;
	reader = open_take(OPEN_PIPE_READER, (flags & O_NONBLOCK) | O_RDONLY, (struct place){ NULL, 0 });
	writer = open_take(OPEN_PIPE_WRITER, (flags & O_NONBLOCK) | O_WRONLY, (struct place){ NULL, 0 });
	if (!reader || !writer) {
		if (reader)
			open_release(reader);
		if (writer)
			open_release(writer);
		pipe_destroy(pipe);
		return -ENFILE;
	}
	reader->pipe = writer->pipe = pipe;
	descriptor_set(call->process, descriptor[0], reader, flags & O_CLOEXEC);
	descriptor_set(call->process, descriptor[1], writer, flags & O_CLOEXEC);
	return 0;
}

/* ---- moving bytes. A piece lies in one page. */

static size_t piece(uint64_t position, uint64_t bytes)
{
	size_t room = BLOCK_BYTES - position % BLOCK_BYTES;

	return bytes < room ? bytes : room;
}

static uint8_t *byte_at(struct pipe *pipe, uint64_t position)
{
	return pipe->page[position / BLOCK_BYTES % PIPE_PAGES] + position % BLOCK_BYTES;
}

/* Copies `bytes` between the caller's memory, from `skip` on, and the pipe's, from `position` on. Fewer: what follows is a bad address. */
static int64_t move(struct call *call, struct pipe *pipe, unsigned how, uint64_t skip, uint64_t position, uint64_t bytes)
{
	size_t step;

	for (uint64_t done = 0; done < bytes; done += step) {
		uint8_t *own = byte_at(pipe, position + done);
		int result;

		step = piece(position + done, bytes - done);
		result = how & TRANSFER_WRITE ? transfer_in(call, how, skip + done, own, step)
					      : transfer_out(call, how, skip + done, own, step);
		if (result < 0)
			return result == -EFAULT && done ? (int64_t)done : result;
	}
	return bytes;
}

/* Of a page that holds nothing. The last one goes on to where the next byte will be. */
static void drop_page(struct pipe *pipe, uint64_t index)
{
	uint8_t *page = pipe->page[index % PIPE_PAGES];

	pipe->page[index % PIPE_PAGES] = NULL;
	if (page && pipe->pages == 1) {
		pipe->page[(index + 1) % PIPE_PAGES] = page;
	} else if (page) {
		pool_free(page);
		pipe->pages--;
	}
}

/* So many bytes have been read. Pages read to their end go back; an empty pipe starts again at the front of its page. */
static void take_out(struct pipe *pipe, uint64_t bytes)
{
	uint64_t index = pipe->tail / BLOCK_BYTES;

	pipe->tail += bytes;
	for (; index < pipe->tail / BLOCK_BYTES; index++)
		if (pipe->head <= (index + PIPE_PAGES) * BLOCK_BYTES)	/* else its front holds the newest bytes already */
			drop_page(pipe, index);
	if (pipe->head != pipe->tail)
		return;
	pipe->head = pipe->tail = index * BLOCK_BYTES;
	for (unsigned ahead = 1; pipe->pages > 1 && ahead < PIPE_PAGES; ahead++)
		drop_page(pipe, index + ahead);
}

static int wait_at(struct pipe *pipe, enum side side)
{
	volume.wait_key = key_of(pipe, side);	/* as wait_for would, but for the kind, which it has not */
	return WAIT;
}

/* Its turn has come before, and all that came of it was that the pager refuses its memory: it is not to wait for another one. */
static bool in_vain(const struct call *call)
{
	return call->event == EVENT_REDELIVERED && call->message.address;
}

static int cannot_now(struct call *call, struct open *open, enum side side)
{
	if (in_vain(call))
		return -EFAULT;
	if (open->flags & O_NONBLOCK)
		return -EAGAIN;
	return call->interrupted ? -EINTR : wait_at(open->pipe, side);
}

int64_t pipe_read(struct call *call, struct open *open, unsigned how)
{
	struct pipe *pipe = open->pipe;
	uint64_t bytes, available = pipe->head - pipe->tail;
	int64_t result = transfer_bytes(call, how, &bytes);

	if (result < 0 || !bytes)
		return result;
	if (!available)
		return pipe->writers || in_vain(call) ? cannot_now(call, open, READERS) : 0;
	if (bytes > available)
		bytes = available;
	result = move(call, pipe, how, 0, pipe->tail, bytes);
	if (result > 0)
		take_out(pipe, result);
	pass_on(pipe);
	return result;
}

/* To a reader, at once, if all lies in one page. How many; 0: nothing is done yet. */
static INLINED long give(struct pipe *pipe, const struct message *message)
{
	uint64_t bytes = message->word[2], available = pipe->head - pipe->tail, inside = pipe->tail % BLOCK_BYTES;

	if ((int64_t)bytes < 0)
		return 0;
	if (bytes > available)
		bytes = available;
	if (!bytes || inside + bytes > BLOCK_BYTES ||
	    sys_copy(message->token, message->word[1], byte_at(pipe, pipe->tail), bytes, COPY_OUT) != (long)bytes)
		return 0;
	if (pipe->pages > 1 || inside + bytes == BLOCK_BYTES) {
		take_out(pipe, bytes);
	} else {
		pipe->tail += bytes;
		if (bytes == available)
			pipe->head = pipe->tail -= inside + bytes;
	}
	return bytes;
}

INLINED enum at_once pipe_read_at_once(struct message *message, struct open *open)
{
	struct pipe *pipe = open->pipe;
	long bytes;

	if (pipe->head == pipe->tail && (int64_t)message->word[2] > 0 && pipe->writers && !(open->flags & O_NONBLOCK)) {
		wait_at(pipe, READERS);
		return WAITING;
	}
	bytes = give(pipe, message);
	if (!bytes)
		return LATER;
	message->label = message->word[0] = bytes;
	return pass_on(pipe) ? PASSED_ON : ANSWERED;
}

/* The reader that waits longest gets bytes that have come into an empty pipe, and does not have to find them. How many it took. */
static INLINED uint64_t hand_over(struct pipe *pipe, uint8_t *own, uint64_t bytes)
{
	struct call *call = pipe->waiting[READERS].first;
	uint64_t wanted = call->message.word[2];

	if (call->message.label != LINUX_read || (int64_t)wanted <= 0)
		return 0;
	if (wanted < bytes)
		bytes = wanted;
	if (sys_copy(call->message.token, call->message.word[1], own, bytes, COPY_OUT) != (long)bytes)
		return 0;
	call_end(call, bytes);
	return bytes;
}

/* Pages for up to `bytes` more; the room that there is. */
static uint64_t make_room(struct pipe *pipe, uint64_t bytes)
{
	uint64_t room = 0, most = PIPE_BYTES - (pipe->head - pipe->tail);

	if (bytes > most)
		bytes = most;
	while (room < bytes) {
		uint8_t **slot = &pipe->page[(pipe->head + room) / BLOCK_BYTES % PIPE_PAGES];

		if (!*slot) {
			*slot = pool_page();
			pipe->pages += !!*slot;
		}
		if (!*slot)
			break;
		room += piece(pipe->head + room, bytes - room);
	}
	return room;
}

static int64_t no_reader(struct call *call)
{
	const struct proc_signal words = { SIGPIPE, call->done ? (int64_t)call->done : -EPIPE };

	return forward_call(call, SLOT_PROC, PROC_signal, &words, sizeof(words));
}

/* There is no room now for what is left of a write. */
static int64_t full(struct call *call, struct open *open)
{
	int64_t result = cannot_now(call, open, WRITERS);

	return result != WAIT && call->done ? (int64_t)call->done : result;
}

/* Up to PIPE_BUF bytes go in whole; more go in as there is room. */
int64_t pipe_write(struct call *call, struct open *open, unsigned how)
{
	struct pipe *pipe = open->pipe;
	uint64_t bytes, want, room;
	int64_t result = transfer_bytes(call, how, &bytes);

	if (result < 0)
		return result;
	if (call->done >= bytes)
		return call->done;
	if (!pipe->readers)
		return no_reader(call);
	want = bytes - call->done;
	if (want > PIPE_BUF)
		want = PIPE_BUF;	/* a bounded step; its pages can be brought in together */
	room = make_room(pipe, want);
	if (!room || (bytes <= PIPE_BUF && room < bytes))
		return full(call, open);
	result = move(call, pipe, how, call->done, pipe->head, room);
	if (result >= 0 && (uint64_t)result < room)
		result = -EFAULT;	/* each step goes in whole or not at all */
	if (result > 0) {
		pipe->head += room;
		call->done += room;
	}
	pass_on(pipe);
	if (result < 0)
		return result == -EFAULT && call->done ? (int64_t)call->done : result;
	return call->done < bytes ? AGAIN : (int64_t)call->done;
}

INLINED enum at_once pipe_write_at_once(struct message *message, struct open *open)
{
	struct pipe *pipe = open->pipe;
	uint64_t bytes = message->word[2], head = pipe->head, held = head - pipe->tail, inside = head % BLOCK_BYTES, taken = 0;
	uint8_t *page = pipe->page[head / BLOCK_BYTES % PIPE_PAGES];

	if (bytes - 1 >= BLOCK_BYTES - inside || !page || !pipe->readers || bytes > PIPE_BYTES - held ||
	    sys_copy(message->token, message->word[1], page + inside, bytes, COPY_IN) != (long)bytes)
		return LATER;
	message->label = message->word[0] = bytes;
	if (!held && pipe->waiting[READERS].first) {
		taken = hand_over(pipe, page + inside, bytes);
		if (taken == bytes)
			return PASSED_ON;	/* the pipe is as it was */
	}
	pipe->head = head + bytes;
	if (!taken)
		return pass_on(pipe) ? PASSED_ON : ANSWERED;
	take_out(pipe, taken);
	pass_on(pipe);
	return PASSED_ON;
}
