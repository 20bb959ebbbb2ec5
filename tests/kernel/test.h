/*
 * The kernel's tests: a program in init's place that makes every kernel call, rightly and wrongly. Main runs at
 * the highest priority and plays server, pager and supervisor; workers are its clients. Everything shares init's pages, so
 * results lie in plain memory; workers of the second space have a capability table of their own.
 *
 * settle() lets everybody below run until all of them wait, so tests are deterministic without sleeping.
 */
#ifndef TEST_H
#define TEST_H

#include "syscall.h"

#include <stdbool.h>

/* One line for each check that fails. */
#define CHECK(value, expected) check(__FILE__, __LINE__, #value, (long)(value), (long)(expected))
void check(const char *file, int line, const char *what, long value, long expected);
void print(const char *text);
void print_number(const char *text, long number);

#define OWN INIT_SLOT_SPACE
#define EMPTY_SLOT 60		/* never used */
#define PLACE 61		/* for a capability that a test makes and deletes */
#define ARRIVAL 62		/* where messages put theirs */

extern const struct boot_info *boot;
extern uint64_t exceptions, second_space;	/* slots */

/* A page of page memory; of object memory. Physical addresses. */
uint64_t frame_new(void);
uint64_t object_page_new(void);
void object_page_free(uint64_t physical);
/* Neighbouring pages for somebody else to make objects of: if they come back out of a space, they are still not main's. Once only. */
uint64_t object_pages_lend(uint64_t pages);

/* A free slot; a new object in one; its end. */
uint64_t slot_new(void);
void slot_free(uint64_t slot);
uint64_t object_new(enum kind kind);
uint64_t object_physical(uint64_t slot);
void object_free(uint64_t slot);
uint64_t mint(uint64_t source, unsigned rights, uint64_t badge);

/* A space with the test's own pages, root and tables; tables: how many more are in its reserve. space_free takes all back. */
uint64_t space_new(unsigned tables);
void space_free(uint64_t space);
long space_clear(uint64_t space);	/* unmap everything */
/* A capability of main's in `space`. */
void give_slot(uint64_t space, uint64_t slot, uint64_t source, unsigned rights, uint64_t badge);

struct worker {
	void (*function)(struct worker *);
	uint64_t thread, space;		/* slots */
	volatile bool done;
	struct message message;		/* free use */
	volatile long result;
	volatile uint64_t argument[4];
	uint64_t stack[512];
};
struct worker *worker_new(void (*function)(struct worker *), uint64_t space, uint64_t fault_endpoint, unsigned priority);
void worker_start(struct worker *worker);	/* and settle */
void worker_free(struct worker *worker);

/* The last word of a page, in some worker's stack. */
uint64_t *page_end(void);

void settle(void);

/* Receive, with an event expected and a short deadline so that a lost message fails instead of hanging. */
struct message *receive(uint64_t endpoint, long event);
long reply(uint64_t token, uint64_t label, uint64_t word);

/* All registers but sp, gp and tp loaded, an ecall, all registers stored (registers.S). x[2] to x[4] are only stored. */
void raw_call(uint64_t x[32]);
void fpu_fill(uint64_t seed);
uint64_t fpu_mismatch(uint64_t seed);

/* An address that nothing is mapped at, its middle table not shared with anything. */
#define NOWHERE 0x40000000UL

void test_capabilities(void);
void test_arguments(void);
void test_messages(void);
void test_tokens(void);
void test_interrupts(void);
void test_death(void);
void test_faults(void);
void test_loans(void);
void test_mapping(void);
void test_threads(void);
void test_notifications(void);
void test_routes(void);
void test_paths(void);
void test_fuzz(void);
void bench(void);
bool scaling(void);			/* false: it was not asked for */
#define ROUND_TRIPS 1000
uint64_t round_trips(uint64_t *failing_call);	/* between two spaces: instructions for ROUND_TRIPS, and for one call that fails if that is wanted */

const char *argument_text(const char *name);	/* what stands behind it in the boot arguments, or null */

extern uint64_t fuzz_calls, fuzz_seed;

#endif
