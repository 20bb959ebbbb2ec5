/*
 * Reads and writes of programs. A read takes its bytes out of the line only when they have reached the caller; a write is
 * answered when its last byte is in the UART, so that a power-off, which waits for the UART, loses nothing. Progress is
 * kept in the call's record, since a call may be delivered again at each page that was missing.
 */
#include "tty.h"

#include "console.h"

#include <asm/errno.h>

/* Linux moves no more at once. */
#define TRANSFER_MAX 0x7ffff000UL
/* From a program into the output at a time; OPOST can double it. */
#define CHUNK_BYTES 1024
/* Chunks before other messages get their turn. */
#define CHUNKS_PER_STEP 8

static void finish(struct call_queue *queue, struct waiting_call *call, int64_t value)
{
	uint64_t token = call->token;

	call_remove(queue, call);
	tty_answer(token, value);
}

/* ---- Arrival. */

/* The call as its last delivery was, for libsys/loan.c. */
static struct message delivery(const struct waiting_call *call, long *event)
{
	*event = call->refused ? EVENT_REDELIVERED : EVENT_MESSAGE;
	return (struct message){ .token = call->token, .address = call->refused };
}

/* How many bytes the call is about. False: it has been answered, or its caller faults. */
static bool count_bytes(struct call_queue *queue, struct waiting_call *call)
{
	long event;
	struct message message = delivery(call, &event);
	enum loan outcome = LOAN_DONE;

	if (call->counted)
		return true;
	call->bytes = call->count;
	if (call->vector && call->count > LOAN_VECTOR_MAX)
		call->bytes = LOAN_VECTOR_TOO_LONG;
	else if (call->vector)
		outcome = loan_vector_length(&message, event, call->address, call->count, &call->bytes);
	if (outcome == LOAN_FAULTED) {
		call->faulting = true;
		return false;
	}
	if (outcome == LOAN_REFUSED || call->bytes > LOAN_VECTOR_BYTES_MAX || !call->bytes) {
		finish(queue, call, outcome == LOAN_REFUSED ? -EFAULT : call->bytes ? -EINVAL : 0);
		return false;
	}
	if (call->bytes > TRANSFER_MAX)
		call->bytes = TRANSFER_MAX;
	call->counted = true;
	return true;
}

/* The record of a call that comes for the first time, or again. Null: the caller has been dealt with. */
static struct waiting_call *arrive(struct call_queue *queue, const struct message *message, long event)
{
	const struct console_transfer *transfer = (const struct console_transfer *)message->word;
	struct waiting_call *call = event == EVENT_REDELIVERED ? call_find(queue, message->token) : NULL;

	if (!call) {
		call = call_add(queue);
		if (!call) {
			tty_answer(message->token, -EAGAIN);
			return NULL;
		}
		call->address = transfer->address;
		call->count = transfer->count;
		call->vector = transfer->flags & CONSOLE_VECTOR;
		call->nonblock = transfer->flags & CONSOLE_NONBLOCK;
	}
	call->token = message->token;
	call->refused = event == EVENT_REDELIVERED ? message->address : 0;
	call->faulting = false;
	return count_bytes(queue, call) ? call : NULL;
}

/* ---- Reading. */

static enum loan copy_out(const struct waiting_call *call, const uint8_t *bytes, size_t count, size_t *done)
{
	long event;
	struct message message = delivery(call, &event);

	if (call->vector)
		return loan_vector_out(&message, event, call->address, call->count, 0, bytes, count, done);
	return loan_out(&message, event, call->address, bytes, count, done);
}

/* True: the reader is answered. */
static bool give(struct waiting_call *call)
{
	uint8_t bytes[LINE_CELLS];
	uint32_t cells;
	size_t count = line_peek(&tty.line, bytes, call->bytes < sizeof(bytes) ? call->bytes : sizeof(bytes), &cells), done = 0;
	enum loan outcome = count ? copy_out(call, bytes, count, &done) : LOAN_DONE;

	if (outcome == LOAN_FAULTED) {
		call->faulting = true;
		return false;
	}
	line_consume(&tty.line, outcome == LOAN_DONE ? cells : done);
	finish(&tty.readers, call, outcome == LOAN_DONE || done ? (int64_t)done : -EFAULT);
	return true;
}

static bool has_timeout(void)
{
	return !(tty.line.termios.c_lflag & ICANON) && !tty.line.termios.c_cc[VMIN] && tty.line.termios.c_cc[VTIME];
}

/* VMIN 0 returns at once, unless VTIME says to wait a while for the first byte. */
static bool ready_for(const struct waiting_call *call)
{
	return line_ready(&tty.line, call->bytes) && !(has_timeout() && !line_readable_bytes(&tty.line));
}

/* Readers that can be served are, when all messages at hand have been looked at: serve_readers. */
void read_arrived(const struct message *message, long event)
{
	struct waiting_call *call = arrive(&tty.readers, message, event);

	if (!call)
		return;
	if (call->nonblock && !ready_for(call))
		finish(&tty.readers, call, -EAGAIN);
	else if (has_timeout() && !call->deadline)
		call->deadline = read_time() + tty.line.termios.c_cc[VTIME] * tty.timebase_hz / 10;
}

bool serve_readers(void)
{
	bool served = false;
	struct waiting_call *next;

	for (struct waiting_call *call = tty.readers.first; call; call = next) {
		next = call->next;
		if (call->faulting)
			continue;
		if (!ready_for(call))
			break;
		served |= give(call);
	}
	return served;
}

uint64_t next_deadline(void)
{
	uint64_t first = 0;

	for (const struct waiting_call *call = tty.readers.first; call; call = call->next)
		if (call->deadline && !call->faulting && (!first || call->deadline < first))
			first = call->deadline;
	return first;
}

void expire_readers(void)
{
	uint64_t now = read_time();
	struct waiting_call *next;

	for (struct waiting_call *call = tty.readers.first; call; call = next) {
		next = call->next;
		if (call->deadline && call->deadline <= now && !call->faulting)
			finish(&tty.readers, call, 0);
	}
}

/* ---- Writing. */

static void answer_sent(void)
{
	struct waiting_call *next;

	for (struct waiting_call *call = tty.writers.first; call; call = next) {
		next = call->next;
		if (call->counted && call->done == call->bytes && (call->nonblock || call->sent_mark <= tty.output.sent))
			finish(&tty.writers, call, call->done);
	}
}

/* The program's memory ended early: what has been taken counts. */
static void end_early(struct waiting_call *call)
{
	if (!call->done)
		finish(&tty.writers, call, -EFAULT);
	else
		call->bytes = call->done;
}

/* Takes the next bytes of a write into the output. */
static void take(struct waiting_call *call)
{
	long event;
	struct message message = delivery(call, &event);
	uint8_t bytes[CHUNK_BYTES];
	uint64_t left = call->bytes - call->done;
	size_t count = left < CHUNK_BYTES ? left : CHUNK_BYTES, got = 0;
	enum loan outcome;

	if (call->vector)
		outcome = loan_vector_in(&message, event, call->address, call->count, call->done, bytes, count, &got);
	else
		outcome = loan_in(&message, event, call->address + call->done, bytes, count, &got);
	for (size_t i = 0; i < got; i++)
		output_put(&tty.output, tty.line.termios.c_oflag, bytes[i]);
	call->done += got;
	call->sent_mark = tty.output.queued;
	if (outcome == LOAN_FAULTED)
		call->faulting = true;
	else if (outcome == LOAN_REFUSED)
		end_early(call);
}

static bool room_for_chunk(void)
{
	/* Echo keeps its share: line_can_take asks for as much as one byte of input can need. */
	return output_free(&tty.output) >= OUTPUT_BYTES / 2 + 2 * CHUNK_BYTES;
}

static struct waiting_call *next_writer(void)
{
	struct waiting_call *call = tty.writers.first;

	while (call && (call->faulting || call->done == call->bytes))
		call = call->next;
	return call;
}

/* As much as the UART takes now. */
static void send(void)
{
	struct output *output = &tty.output;

	while (output->sent != output->queued) {
		size_t room = uart_room(&tty.uart);

		if (!room)
			break;
		for (; room && output->sent != output->queued; room--)
			uart_send(&tty.uart, output->byte[output->sent++ % OUTPUT_BYTES]);
	}
	answer_sent();
}

bool serve_writers(void)
{
	struct waiting_call *call;

	send();
	for (int chunks = 0; (call = next_writer()) && room_for_chunk(); chunks++) {
		if (chunks == CHUNKS_PER_STEP)
			return true;
		take(call);
		send();
	}
	return false;
}

void write_arrived(const struct message *message, long event)
{
	struct waiting_call *call = arrive(&tty.writers, message, event);

	if (!call || !call->nonblock)
		return;
	if (!room_for_chunk())
		finish(&tty.writers, call, -EAGAIN);
	else if (call->bytes > CHUNK_BYTES)
		call->bytes = CHUNK_BYTES;
}

/* ---- Ends that the console has not chosen. */

void transfer_interrupted(uint64_t token)
{
	struct waiting_call *call = call_find(&tty.readers, token);

	if (call) {
		call->token = token;
		finish(&tty.readers, call, -EINTR);
		return;
	}
	call = call_find(&tty.writers, token);
	if (call) {
		call->token = token;
		finish(&tty.writers, call, call->done ? (int64_t)call->done : -EINTR);
	}
}

void transfer_forget(uint64_t token)
{
	struct waiting_call *call = call_find(&tty.readers, token);

	if (call)
		call_remove(&tty.readers, call);
	call = call_find(&tty.writers, token);
	if (call)
		call_remove(&tty.writers, call);
}
