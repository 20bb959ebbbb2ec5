/*
 * Files in memory that a program pages: a user's own pager. Its process holds what is wanted of it.
 *
 *   wanted --PAGER_supply tells--> told --PAGER_supply brings the page, or an error--> gone
 *      ^                            |
 *      `-- PAGER_supply, empty -----'       the process ends or calls execve: all fail with EIO (SIGBUS), as every later one
 */
#ifndef PAGER_SERVED_H
#define PAGER_SERVED_H

#include "park.h"

struct wanted;

void served_request(const struct core_request *request);	/* a request with a pager; never fails, answers later */
void served_interrupted(struct call *call);			/* its caller is to end: it must not wait for a program */
void served_end(struct process *process);			/* it executes another program, or is gone: nothing more is wanted of it */

#endif
