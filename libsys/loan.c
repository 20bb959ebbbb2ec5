/*
 * The caller's memory, under its loan: the kernel's `copy` in bounded steps, and `fault` at the first page that is not
 * there. After LOAN_FAULTED the same call is delivered again, so a server copies first and acts afterwards, or keeps its
 * progress with the token. abi/kernel.h says what the kernel does; nothing here touches what was lent otherwise.
 */
#include "server.h"

/* The copy stopped at `address`: let the caller fault there, unless its pager has refused just that page already. */
static enum loan stopped(const struct message *message, long event, uint64_t address, unsigned access)
{
	if (event == EVENT_REDELIVERED && message->address && message->address / PAGE_BYTES == address / PAGE_BYTES)
		return LOAN_REFUSED;
	return sys_fault(message->token, address, access) < 0 ? LOAN_REFUSED : LOAN_FAULTED;
}

/* After a first step, whose result is `count`. */
static enum loan go_on(const struct message *message, long event, uint64_t remote, char *own, size_t bytes, size_t *copied,
		       enum copy_direction direction, long count)
{
	size_t step = bytes < COPY_MAX ? bytes : COPY_MAX;

	for (;;) {
		if (count < 0)
			return LOAN_REFUSED;
		*copied += count;
		if ((size_t)count < step)
			return stopped(message, event, remote + *copied, direction == COPY_IN ? ACCESS_READ : ACCESS_WRITE);
		if (*copied == bytes)
			return LOAN_DONE;
		step = bytes - *copied < COPY_MAX ? bytes - *copied : COPY_MAX;
		count = sys_copy(message->token, remote + *copied, own + *copied, step, direction);
	}
}

/* Almost always one step does all. */
static inline enum loan transfer(const struct message *message, long event, uint64_t remote, char *own, size_t bytes, size_t *done,
				 enum copy_direction direction)
{
	long count = sys_copy(message->token, remote, own, bytes < COPY_MAX ? bytes : COPY_MAX, direction);
	enum loan outcome = LOAN_DONE;
	size_t copied = 0;

	if (count == (long)bytes)
		copied = bytes;
	else
		outcome = go_on(message, event, remote, own, bytes, &copied, direction, count);
	if (done)
		*done = copied;
	return outcome;
}

enum loan loan_in(const struct message *message, long event, uint64_t remote, void *own, size_t bytes, size_t *done)
{
	return transfer(message, event, remote, own, bytes, done, COPY_IN);
}

enum loan loan_out(const struct message *message, long event, uint64_t remote, const void *own, size_t bytes, size_t *done)
{
	return transfer(message, event, remote, (char *)own, bytes, done, COPY_OUT);
}

/* In short pieces that never cross a page: names are short, and what follows the NUL need not be there. */
#define STRING_STEP 128

enum loan loan_string(const struct message *message, long event, uint64_t remote, char *own, size_t bytes, size_t *length)
{
	size_t have = 0;

	while (have < bytes) {
		uint64_t address = remote + have;
		size_t step = STRING_STEP - address % STRING_STEP;
		enum loan outcome;

		if (step > bytes - have)
			step = bytes - have;
		outcome = loan_in(message, event, address, own + have, step, NULL);
		if (outcome != LOAN_DONE)
			return outcome;
		for (size_t i = have; i < have + step; i++)
			if (!own[i]) {
				*length = i;
				return LOAN_DONE;
			}
		have += step;
	}
	*length = bytes;
	return LOAN_DONE;
}

/* Entries of an iovec array that are fetched at a time. */
#define VECTOR_STEP 16

enum loan loan_vector_length(const struct message *message, long event, uint64_t vector, uint64_t entries, uint64_t *bytes)
{
	struct loan_vector piece[VECTOR_STEP];

	*bytes = 0;
	for (uint64_t first = 0; first < entries; first += VECTOR_STEP) {
		uint64_t count = entries - first < VECTOR_STEP ? entries - first : VECTOR_STEP;
		enum loan outcome = loan_in(message, event, vector + first * sizeof(piece[0]), piece, count * sizeof(piece[0]), NULL);

		if (outcome != LOAN_DONE)
			return outcome;
		for (uint64_t i = 0; i < count; i++) {
			if (piece[i].bytes > LOAN_VECTOR_BYTES_MAX - *bytes) {
				*bytes = LOAN_VECTOR_TOO_LONG;
				return LOAN_DONE;
			}
			*bytes += piece[i].bytes;
		}
	}
	return LOAN_DONE;
}

static enum loan vector_transfer(const struct message *message, long event, uint64_t vector, uint64_t entries, uint64_t skip,
				 char *own, size_t bytes, size_t *done, enum copy_direction direction)
{
	struct loan_vector piece[VECTOR_STEP];

	*done = 0;
	for (uint64_t i = 0; i < entries && *done < bytes; i++) {
		uint64_t count = entries - i < VECTOR_STEP ? entries - i : VECTOR_STEP;
		struct loan_vector *entry = &piece[i % VECTOR_STEP];
		enum loan outcome = LOAN_DONE;
		size_t step, copied;

		if (i % VECTOR_STEP == 0)
			outcome = loan_in(message, event, vector + i * sizeof(*entry), piece, count * sizeof(*entry), NULL);
		if (outcome != LOAN_DONE)
			return outcome;
		if (skip >= entry->bytes) {
			skip -= entry->bytes;
			continue;
		}
		step = entry->bytes - skip < bytes - *done ? entry->bytes - skip : bytes - *done;
		outcome = transfer(message, event, entry->address + skip, own + *done, step, &copied, direction);
		*done += copied;
		if (outcome != LOAN_DONE)
			return outcome;
		skip = 0;
	}
	return LOAN_DONE;
}

enum loan loan_vector_in(const struct message *message, long event, uint64_t vector, uint64_t entries, uint64_t skip, void *own,
			 size_t bytes, size_t *done)
{
	return vector_transfer(message, event, vector, entries, skip, own, bytes, done, COPY_IN);
}

enum loan loan_vector_out(const struct message *message, long event, uint64_t vector, uint64_t entries, uint64_t skip,
			  const void *own, size_t bytes, size_t *done)
{
	return vector_transfer(message, event, vector, entries, skip, (char *)own, bytes, done, COPY_OUT);
}
