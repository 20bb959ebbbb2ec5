/*
 * Errors of kernel calls and of native protocols: one row per error (value, name, meaning).
 * Linux calls answer with Linux's own errno values (see abi/linux.h), never with these.
 */
#ifndef ABI_ERROR_H
#define ABI_ERROR_H

#define ERROR_LIST(X) \
	X(-1, INVALID,		"an argument is out of range, unaligned or wraps around") \
	X(-2, BAD_SLOT,		"the slot is empty, out of range, or its object is gone") \
	X(-3, WRONG_KIND,	"the capability names another kind of object") \
	X(-4, NO_RIGHT,		"the capability lacks a right that the call needs") \
	X(-5, BAD_TOKEN,	"no caller waits for this space with this number") \
	X(-6, BAD_ADDRESS,	"the caller's own buffer is not mapped with the rights needed") \
	X(-7, IN_USE,		"the page or the slot already holds something") \
	X(-8, NO_TABLE,		"the space's page-table reserve is empty: give pages, then repeat") \
	X(-9, NOT_EMPTY,	"the space still holds page tables: unmap and take first") \
	X(-10, GONE,		"the server died before it answered") \
	X(-12, NO_TIMER,	"all timers are in use") \
	X(-13, EMPTY,		"nothing left to take") \
	X(-14, RETIRED,		"the page's generations are used up; it cannot be typed again") \
	X(-15, NO_CALL,		"no such kernel call") \
	X(-16, AGAIN,		"a bounded amount was done: repeat the call for the rest") \
	X(-17, NO_LOAN,		"the caller lent no memory with this call") \
	X(-18, INTERRUPTED,	"the call was withdrawn or cut short by an interrupt") \
	X(-19, NO_MEMORY,	"no free frame or object page")

enum error {
#define X(value, name, meaning) ERR_##name = value,
	ERROR_LIST(X)
#undef X
	OK = 0,
};

#endif
