/*
 * Pipes: up to 64 KiB in pages of the pool, taken as bytes come and given back as they go. One page is theirs from the start, so
 * PIPE_BUF bytes always find room in an empty pipe. Copies end before anything is moved: a caller that faults comes
 * again and finds the pipe as it was; what a long write has put in is kept in call->done.
 */
#include "shell.h"

#include <asm/fcntl.h>
#include <asm/signal.h>

#define PIPE_BUF 4096
#define PIPE_PAGES 16
#define PIPE_BYTES (PIPE_PAGES * BLOCK_BYTES)

struct pipe {
	uint32_t number, readers, writers;
	uint64_t head, tail;			/* bytes written and read since it was empty; head - tail <= PIPE_BYTES */
	uint8_t *page[PIPE_PAGES];		/* byte i lies in page[i / BLOCK_BYTES % PIPE_PAGES]; null: none there now */
	uint8_t *spare;				/* the page that is always theirs, when it is not in use */
};

static struct table pipes = { .record_bytes = sizeof(struct pipe), .limit = 4096 };

static uint64_t key_of(const struct pipe *pipe)
{
	return WAIT_KEY(WAIT_PIPE, pipe->number);
}

static struct pipe *pipe_make(void)
{
	uint32_t number;
	struct pipe *pipe = table_take(&pipes, &number);

	if (!pipe)
		return NULL;
	*pipe = (struct pipe){ .number = number, .readers = 1, .writers = 1, .spare = pool_page() };
	if (pipe->spare)
		return pipe;
	table_free(&pipes, number);
	return NULL;
}

static void pipe_destroy(struct pipe *pipe)
{
	for (unsigned i = 0; i < PIPE_PAGES; i++)
		if (pipe->page[i])
			pool_free(pipe->page[i]);
	if (pipe->spare)
		pool_free(pipe->spare);
	table_free(&pipes, pipe->number);
}

void pipe_close(struct open *open)
{
	struct pipe *pipe = open->pipe;

	if (open->kind == OPEN_PIPE_READER)
		pipe->readers--;
	else
		pipe->writers--;
	wake(key_of(pipe));
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

/* Copies `bytes` between the caller's memory, from `skip` on, and the pipe's, from `position` on. */
static int move(struct call *call, struct pipe *pipe, uint64_t address, uint64_t count, bool vector, uint64_t skip, uint64_t position,
		uint64_t bytes, bool in)
{
	size_t moved = 0, step;
	enum loan loan = LOAN_DONE;

	for (uint64_t done = 0; done < bytes && loan == LOAN_DONE; done += step) {
		uint8_t *own = byte_at(pipe, position + done);

		step = piece(position + done, bytes - done);
		if (vector && in)
			loan = loan_vector_in(&call->message, call->event, address, count, skip + done, own, step, &moved);
		else if (vector)
			loan = loan_vector_out(&call->message, call->event, address, count, skip + done, own, step, &moved);
		else if (in)
			loan = loan_in(&call->message, call->event, address + skip + done, own, step, NULL);
		else
			loan = loan_out(&call->message, call->event, address + skip + done, own, step, NULL);
	}
	if (loan == LOAN_FAULTED)
		call->state = CALL_FAULTED;
	return loan == LOAN_DONE ? 0 : loan == LOAN_FAULTED ? TAKEN : -EFAULT;
}

static int length_of(struct call *call, uint64_t address, uint64_t count, bool vector, uint64_t *bytes)
{
	enum loan loan;

	*bytes = count;
	if (!vector)
		return 0;
	loan = loan_vector_length(&call->message, call->event, address, count, bytes);
	if (loan == LOAN_FAULTED)
		call->state = CALL_FAULTED;
	if (loan != LOAN_DONE)
		return loan == LOAN_FAULTED ? TAKEN : -EFAULT;
	return *bytes == LOAN_VECTOR_TOO_LONG ? -EINVAL : 0;
}

static void drop_page(struct pipe *pipe, uint64_t index)
{
	uint8_t **slot = &pipe->page[index % PIPE_PAGES];

	if (*slot && pipe->spare)
		pool_free(*slot);
	else if (*slot)
		pipe->spare = *slot;
	*slot = NULL;
}

/* Pages that have been read to their end go back; an empty pipe keeps one and starts again at its front. */
static void give_back(struct pipe *pipe, uint64_t old_tail)
{
	for (uint64_t index = old_tail / BLOCK_BYTES; index < pipe->tail / BLOCK_BYTES; index++)
		if (pipe->head <= (index + PIPE_PAGES) * BLOCK_BYTES)	/* else its front holds the newest bytes already */
			drop_page(pipe, index);
	if (pipe->head != pipe->tail)
		return;
	for (uint64_t index = 0; index < PIPE_PAGES; index++)
		drop_page(pipe, index);
	pipe->head = pipe->tail = 0;
}

int64_t pipe_read(struct call *call, struct open *open, uint64_t address, uint64_t count, bool vector)
{
	struct pipe *pipe = open->pipe;
	uint64_t bytes, available = pipe->head - pipe->tail, old_tail = pipe->tail;
	int result = length_of(call, address, count, vector, &bytes);

	if (result < 0 || !bytes)
		return result;
	if (!available) {
		if (!pipe->writers)
			return 0;
		if (open->flags & O_NONBLOCK)
			return -EAGAIN;
		return call->interrupted ? -EINTR : wait_for(key_of(pipe));
	}
	if (bytes > available)
		bytes = available;
	result = move(call, pipe, address, count, vector, 0, pipe->tail, bytes, false);
	if (result < 0)
		return result;
	pipe->tail += bytes;
	give_back(pipe, old_tail);
	wake(key_of(pipe));
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

		if (!*slot && pipe->spare) {
			*slot = pipe->spare;
			pipe->spare = NULL;
		} else if (!*slot) {
			*slot = pool_page();
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

/* Up to PIPE_BUF bytes go in whole; more go in as there is room. */
int64_t pipe_write(struct call *call, struct open *open, uint64_t address, uint64_t count, bool vector)
{
	struct pipe *pipe = open->pipe;
	uint64_t bytes, room;
	int result = length_of(call, address, count, vector, &bytes);

	if (result < 0)
		return result;
	if (call->done >= bytes)
		return call->done;
	if (!pipe->readers)
		return no_reader(call);
	room = make_room(pipe, bytes - call->done);
	if (!room || (bytes <= PIPE_BUF && room < bytes)) {
		if (open->flags & O_NONBLOCK)
			return call->done ? (int64_t)call->done : -EAGAIN;
		if (call->interrupted)
			return call->done ? (int64_t)call->done : -EINTR;
		return wait_for(key_of(pipe));
	}
	if (bytes > PIPE_BUF && room > BLOCK_BYTES)
		room = BLOCK_BYTES;	/* a bounded step; its pages can be brought in together */
	result = move(call, pipe, address, count, vector, call->done, pipe->head, room, true);
	if (result < 0)
		return result == -EFAULT && call->done ? (int64_t)call->done : result;
	pipe->head += room;
	call->done += room;
	wake(key_of(pipe));
	return call->done < bytes ? AGAIN : (int64_t)call->done;
}
