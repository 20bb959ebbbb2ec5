/*
 * What every server is built on: entry, log, loans, rings, and the few C library functions that the compiler expects. A
 * server is one event loop around ipc_reply_recv (syscall.h): receive, do a bounded step, answer or park the token.
 *
 * A server defines server_main; start.S calls it on the stack that init gave. It never returns.
 */
#ifndef LIBSYS_SERVER_H
#define LIBSYS_SERVER_H

#include "init.h"
#include "ring.h"
#include "syscall.h"

#include <stdarg.h>
#include <stdbool.h>

_Noreturn void server_main(const struct start_info *start);

/* ---- log.c, format.c: lines on the kernel's console (shown with the boot argument log=1). %d %u %x %s %c %lu %ld %lx %p and widths. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));	/* adds the newline, cuts at LOG_MAX */
int format_text(char *buffer, size_t bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));	/* as snprintf */
int format_text_va(char *buffer, size_t bytes, const char *format, va_list arguments);
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));	/* the server's own invariant is broken: log, then fault, which init reports */
_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));	/* the system cannot go on (no usable disk): init prints BOOT_FATAL and this, whether log=1 or not, and powers off */
extern uint64_t log_slot;	/* SLOT_CONTROL, and where the boot arguments are; init has its own */
extern const char *log_arguments;
#define PANIC_MAGIC 0x51756972655f6f68UL	/* a2 of panic's breakpoint: a0 and a1 are its text and length */

/* ---- memory.c: memcpy memmove memset memcmp strlen strcmp strncmp, as in C */
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t bytes);

/* ---- loan.c: the caller's memory, under its loan. */
enum loan {
	LOAN_DONE,	/* all bytes copied */
	LOAN_FAULTED,	/* the page is not there: the caller now faults on its pager. The token is spent; return to the loop:
			 * the same call will come again (EVENT_REDELIVERED). So copy first, act afterwards */
	LOAN_REFUSED,	/* a bad address: answer EFAULT (or the partial count). The token is good */
};
/* `message` is the delivered call (token, event's address). `done`, if not null, says how many bytes were copied before it stopped. */
enum loan loan_in(const struct message *message, long event, uint64_t remote, void *own, size_t bytes, size_t *done);
enum loan loan_out(const struct message *message, long event, uint64_t remote, const void *own, size_t bytes, size_t *done);
/* A NUL-terminated string of at most `bytes` with its NUL; *length excludes it; not terminated within `bytes`: *length = bytes. */
enum loan loan_string(const struct message *message, long event, uint64_t remote, char *own, size_t bytes, size_t *length);

/*
 * An iovec array in the caller's memory (struct iovec as struct loan_vector). Check `entries` first (0..LOAN_VECTOR_MAX, else
 * EINVAL). length: the sum of all, or LOAN_VECTOR_TOO_LONG (EINVAL). in and out move up to `bytes` bytes from or to what lies `skip` bytes
 * into the whole (skip = progress so far); *done is always set.
 */
struct loan_vector { uint64_t address, bytes; };
#define LOAN_VECTOR_MAX 1024
#define LOAN_VECTOR_BYTES_MAX 0x7fffffffffffffffUL
#define LOAN_VECTOR_TOO_LONG UINT64_MAX
enum loan loan_vector_length(const struct message *message, long event, uint64_t vector, uint64_t entries, uint64_t *bytes);
enum loan loan_vector_in(const struct message *message, long event, uint64_t vector, uint64_t entries, uint64_t skip, void *own, size_t bytes, size_t *done);
enum loan loan_vector_out(const struct message *message, long event, uint64_t vector, uint64_t entries, uint64_t skip, const void *own, size_t bytes, size_t *done);

/* ---- ring.c: see abi/ring.h. The bit to notify with is the caller's business. */
bool ring_ask(struct ring *ring, const struct ring_request *request);		/* false: RING_SLOTS are outstanding */
struct ring_request *ring_next_place(struct ring *ring);			/* the same in two steps: where the next request is to be written, or null ... */
void ring_ask_placed(struct ring *ring);					/* ... and when it has been */
bool ring_next_request(struct ring *ring, struct ring_request *request);		/* a copy, so that the other side cannot change it */
const struct ring_request *ring_asked(struct ring *ring);			/* the same in two steps: where it lies, or null; who reads a word twice may find it changed ... */
void ring_taken(struct ring *ring);						/* ... and when it is no longer looked at */
void ring_complete(struct ring *ring, uint64_t id, int64_t status, uint64_t value);
bool ring_is_quiet(const struct ring *ring);					/* after ring_complete: nobody need be notified of it */
void ring_set_quiet(struct ring *ring, bool quiet);				/* not any more: answers that are there must be looked for after this */
bool ring_has_completion(const struct ring *ring);
bool ring_next_completion(struct ring *ring, struct ring_completion *completion);

/* ---- argument.c: boot arguments. */
/* The value of `key=value` among the words before " -- ", or null. *length is the value's length. */
const char *argument_value(const char *arguments, const char *key, size_t *length);
/* What follows " -- ", or null. */
const char *argument_command(const char *arguments);

#endif
