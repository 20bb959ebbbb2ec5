/*
 * Domains and processes: what the kernel and proc know about a program, beside what the core knows.
 *
 *   domain    an address space: the kernel's Space with its page tables, and the core's struct space. Used by one process,
 *             or by two between vfork and exec; dies with its last user, in slices.
 *   process   one row per process slot of an identity (proc.h): the thread and its domain. A message whose identity is not
 *             the row's identity is stale and refused.
 *
 *   process:  spawn, fork --> alive --exit--> without a domain --reap--> gone
 *   domain:   create --> used by 1..n --last release--> torn down (a job: CORE_AGAIN, CORE_WAIT) --> idle, or gone
 *               ^--------------------------------------------------------------------------------------'
 *
 * A few empty domains stay idle for the next program, with their kernel objects: nothing is mapped in them, no thread is in them, and
 * the next use has a new number.
 */
#ifndef PAGER_SPACES_H
#define PAGER_SPACES_H

#include "park.h"
#include "proc.h"

#define DOMAIN_MAX 4096

struct domain {
	struct space *space;		/* the core's; null once it is empty and freed */
	uint64_t number;		/* serial << 16 | index: comes back as badge - BADGE_FAULT, never reused */
	uint64_t page, root;		/* object pages */
	unsigned tables, users;
	struct domain *next_idle;
	struct job teardown;
};

struct exec;

struct process {
	struct call call;
	uint64_t identity;
	struct domain *domain;		/* null after PAGER_exit */
	struct domain *emptied;		/* what was its domain, to be freed when the thread is gone */
	uint64_t page;			/* the thread's object page */
	struct exec *exec;		/* exec.h; null: none under way */
	struct wanted *wanted;		/* served.h: pages that others want of it */
	bool serves;			/* it pages a file, or has done so */
};

extern uint64_t domain_count;

struct domain *domain_create(void);			/* one user; null: no memory */
uint64_t domain_slot(const struct domain *domain);
bool domain_give_table(struct domain *domain);		/* one more page for its page tables; false: none to be had */
void domain_share(struct domain *domain);
void domain_release(struct domain *domain);		/* the last release starts the teardown */
bool domain_release_shared(struct domain *domain);	/* false: the caller is the last user, nothing was done */
void domain_free(struct domain *domain);		/* the core's space is gone: idle from now on, or the kernel objects go back */
bool domains_trim(void);				/* the idle ones give their kernel objects back; false: there were none */
void domains_trim_tables(const struct domain *but);	/* all others give back the page tables that are empty */

struct process *process_find(uint64_t identity);	/* null: unknown or stale */
struct process *process_create(uint64_t identity, struct domain *domain, long *error);	/* takes over a use of the domain */
void process_destroy(struct process *process);		/* in any state */
uint64_t process_slot(const struct process *process);	/* of its thread capability */
void process_enter(struct process *process, struct domain *domain);	/* the thread runs there from now on */

#endif
