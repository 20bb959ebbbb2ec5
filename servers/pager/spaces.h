/*
 * Domains and processes: what the kernel and proc know about a program, beside what the core knows.
 *
 *   domain    an address space: the kernel's Space with its page tables, and the core's struct space. Used by one process,
 *             or by two between vfork and exec; dies with its last user, in slices.
 *   process   one row per process slot of an identity (proc.h): the thread and its domain. A message whose identity is not
 *             the row's identity is stale and refused.
 *
 *   process:  spawn, fork --> alive --exit--> ended --> gone
 *               ^-----------------------------'           (the next process of the slot gets the thread)
 *   domain:   create --> used by 1..n --last release--> torn down (a job: CORE_AGAIN, CORE_WAIT) --> idle --> gone
 *               ^--------------------------------------------------------------------------------------'
 *
 * The last few empty domains and ended threads stay for the next program, with their kernel objects. Nothing is mapped in such a domain. Such a
 * thread waits for the answer to its last call, which proc holds and does not give: so it has no other call under way, above all no
 * fault, that could be taken for one of the next process, and it may even stay in a domain that another one uses meanwhile. It is destroyed only
 * when proc has said that the call has come: PROC_exited would be lost with it.
 */
#ifndef PAGER_SPACES_H
#define PAGER_SPACES_H

#include "park.h"
#include "proc.h"

#define DOMAIN_MAX 4096

struct domain {
	struct space *space;		/* the core's; null once it is empty and freed */
	uint64_t number;		/* serial << 16 | index: comes back as badge - BADGE_FAULT; as long as its kernel objects live, then never again */
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
	uint64_t entered;		/* number of the domain that its thread is in */
	uint64_t page;			/* the thread's object page */
	bool again;			/* its thread was that of the slot's last process */
	uint64_t ended;			/* its number among those that have ended; 0: it has not, or it is the last */
	struct process *older, *younger;	/* that have ended */
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
/*
 * What waits to be used again gives its object memory back: ended threads, idle domains, emptied page tables of all domains but `but`. A bounded part
 * of it at a time; false: there is nothing.
 */
bool spaces_give_back(const struct domain *but);

struct process *process_find(uint64_t identity);	/* null: unknown or stale */
struct process *process_create(uint64_t identity, struct domain *domain, long *error);	/* takes over a use of the domain */
void process_end(struct process *process);		/* it has no domain any more: the thread may serve the next one */
void processes_heard(uint64_t ends);			/* proc has heard of the end of so many */
void process_destroy(struct process *process);		/* in any state */
uint64_t process_slot(const struct process *process);	/* of its thread capability */
uint64_t process_news(const struct process *process);	/* the same, or 0: proc has that capability, and the thread's token, already */
void process_enter(struct process *process, struct domain *domain);	/* the thread runs there from now on */

#endif
