/*
 * Kernel spaces and threads (spaces.h). Slots: the thread of process slot n lies at 64 + 2n, domain i at 65 + 2i, so that a table with fewer
 * leaves holds fewer of both. Running out of object memory or of slots makes a creation fail; what was built is taken back. Nothing here
 * looks into a program's mappings: that is the core's.
 */
#include "spaces.h"

#include "exec.h"
#include "memory.h"
#include "served.h"

#include <linux/errno.h>

#define SLOT_THREAD(index) (SPACE_SLOTS + 2 * (index))
#define SLOT_DOMAIN(index) (SPACE_SLOTS + 2 * (index) + 1)
#define SLOT_SCRATCH SLOT_FREE
#define INDEX_BITS 16

/* A program with many page tables leaves this part of object memory to the others. */
#define LARGE_TABLES 64
#define KEEP_FREE(total) ((total) / 16)

_Static_assert(SLOT_DOMAIN(DOMAIN_MAX - 1) < SPACE_SLOTS + SERVER_LEAVES * LEAF_SLOTS, "the pager's table holds all threads and domains");

#define IDLE_DOMAINS 8
#define IDLE_TABLES 8		/* a domain with more is not kept */
#define ENDED_THREADS 8

#define TABLES_AT_ONCE 64

uint64_t domain_count;
static struct domain *idle;
static unsigned idle_count;
static struct domain *domains[DOMAIN_MAX];
static struct process *processes[PROCESS_MAX];
static struct process *oldest, *youngest;	/* that have ended */
static unsigned ended_count;
static uint64_t ends, ends_heard;		/* how many have ended since boot; how many of them proc has heard of */
static uint64_t serial;

static unsigned domain_index(const struct domain *domain)
{
	return domain->number & ((1 << INDEX_BITS) - 1);
}

uint64_t domain_slot(const struct domain *domain)
{
	return SLOT_DOMAIN(domain_index(domain));
}

/* An emptied page table that waits in the reserve of its space; 0: none. The root of a space with nothing mapped comes, too: it must stay. */
static uint64_t table_take(unsigned index)
{
	struct domain *domain = domains[index];
	long page = domain && domain->root ? sys_take(SLOT_DOMAIN(index)) : 0;

	if (page <= 0)
		return 0;
	if ((uint64_t)page == domain->root) {
		sys_give(SLOT_DOMAIN(index), SLOT_OBJECT_MEMORY, page);
		return 0;
	}
	domain->tables--;
	return page;
}

/* Not those that were just given. */
static unsigned tables_trim(const struct domain *but)
{
	unsigned taken = 0;
	uint64_t page;

	for (unsigned i = 0; i < DOMAIN_MAX; i++) {
		if (domains[i] == but)
			continue;
		for (; taken < TABLES_AT_ONCE && (page = table_take(i)); taken++)
			object_page_free(page);
	}
	return taken;
}

/* A large one is refused only when others keep nothing for later: what it takes was theirs, and what is free does not become less. */
bool domain_give_table(struct domain *domain)
{
	uint64_t page;

	if (domain->tables > LARGE_TABLES && object_pages_free < KEEP_FREE(object_pages) && !spaces_give_back(domain))
		return false;
	page = object_page_take();
	if (!page && spaces_give_back(domain))
		page = object_page_take();
	if (!page)
		return false;
	if (sys_give(domain_slot(domain), SLOT_OBJECT_MEMORY, page) < 0)
		panic("pager: give of %lx to domain %lx failed", (unsigned long)page, (unsigned long)domain->number);
	if (!domain->root)
		domain->root = page;
	domain->tables++;
	return true;
}

/* What has ended gives way. */
static bool create(enum kind kind, uint64_t slot, uint64_t *page)
{
	return object_create(kind, slot, page) || (spaces_give_back(0) && object_create(kind, slot, page));
}

/* The kernel's half of a new domain: the Space, its root, the client's capabilities, the Route. */
static bool domain_furnish(struct domain *domain)
{
	static const struct { uint64_t to, from; } client[] = {
		{ CLIENT_SLOT_PAGER, SLOT_CLIENT_PAGER }, { CLIENT_SLOT_FS, SLOT_CLIENT_FS }, { CLIENT_SLOT_PROC, SLOT_CLIENT_PROC },
	};
	uint64_t slot = domain_slot(domain);

	if (!create(KIND_SPACE, slot, &domain->page))
		return false;
	if (!domain_give_table(domain))
		return false;
	for (unsigned i = 0; i < sizeof(client) / sizeof(client[0]); i++) {
		long result = sys_cap_mint(slot, client[i].to, client[i].from, RIGHT_SEND | RIGHT_LEND, BADGE_CLIENT, 0);

		if (result < 0)
			panic("pager: mint of client slot %lu: %ld", (unsigned long)client[i].to, result);
	}
	if (sys_space_set(slot, SPACE_ROUTE, SLOT_ROUTE, 0) < 0)
		panic("pager: the Route cannot be set");
	return true;
}

static void domain_destroy(struct domain *domain)
{
	uint64_t slot = domain_slot(domain);
	long page;

	if (domain->page) {
		while ((page = sys_take(slot)) > 0) {
			domain->tables--;
			object_page_free(page);
		}
		if (domain->tables)
			log_line("pager: domain %lx keeps %u tables: %ld", (unsigned long)domain->number, domain->tables, page);
		object_destroy(slot, domain->page);
	}
	domains[domain_index(domain)] = 0;
	core_free(domain, sizeof(*domain));
}

/* Of an index that is free. */
static struct domain *domain_make(void)
{
	struct domain *domain;
	unsigned index = 0;

	while (index < DOMAIN_MAX && domains[index])
		index++;
	domain = index < DOMAIN_MAX ? core_allocate(sizeof(*domain)) : 0;
	if (!domain)
		return 0;
	domain->number = ++serial << INDEX_BITS | index;
	domains[index] = domain;
	if (domain_furnish(domain))
		return domain;
	domain_destroy(domain);
	return 0;
}

static struct domain *idle_take(void)
{
	struct domain *domain = idle;

	if (!domain)
		return 0;
	idle = domain->next_idle;
	idle_count--;
	return domain;
}

void domain_free(struct domain *domain)
{
	domain_count--;
	if (idle_count == IDLE_DOMAINS || domain->tables > IDLE_TABLES) {
		domain_destroy(domain);
		return;
	}
	domain->next_idle = idle;
	idle = domain;
	idle_count++;
}

/* All but the youngest `keep`, as far as proc has heard of them. */
static bool ended_trim(unsigned keep)
{
	bool any = false;

	while (ended_count > keep && oldest->ended <= ends_heard) {
		process_destroy(oldest);
		any = true;
	}
	return any;
}

bool spaces_give_back(const struct domain *but)
{
	bool any = ended_trim(0) || idle;
	struct domain *domain;

	while ((domain = idle_take()))
		domain_destroy(domain);
	return any || tables_trim(but);
}

struct domain *domain_create(void)
{
	struct domain *domain = idle_take();

	if (!domain)
		domain = domain_make();
	if (!domain)
		return 0;
	domain->users = 1;
	domain_count++;
	domain->space = core_space_create(domain, domain->number);
	if (domain->space)
		return domain;
	domain_free(domain);
	return 0;
}

static void teardown_step(struct job *job)
{
	struct domain *domain = (struct domain *)((char *)job - offsetof(struct domain, teardown));
	long result = core_space_destroy(domain->space, &job->waiter);

	if (result == CORE_AGAIN)
		job_queue(job);
	else if (result != CORE_WAIT)
		domain_free(domain);
}

void domain_share(struct domain *domain)
{
	domain->users++;
}

void domain_release(struct domain *domain)
{
	if (--domain->users)
		return;
	domain->teardown.run = teardown_step;
	job_queue(&domain->teardown);
}

bool domain_release_shared(struct domain *domain)
{
	if (domain->users == 1)
		return false;
	domain->users--;
	return true;
}

struct process *process_find(uint64_t identity)
{
	uint64_t slot = IDENTITY_SLOT(identity);
	struct process *process = slot < PROCESS_MAX ? processes[slot] : 0;

	return process && process->identity == identity ? process : 0;
}

uint64_t process_slot(const struct process *process)
{
	return SLOT_THREAD(IDENTITY_SLOT(process->identity));
}

uint64_t process_news(const struct process *process)
{
	return process->again ? 0 : process_slot(process);
}

void process_enter(struct process *process, struct domain *domain)
{
	uint64_t thread = process_slot(process);
	long result = sys_thread_set(thread, THREAD_SPACE, domain_slot(domain));

	if (result >= 0)
		result = sys_cap_mint(SLOT_SELF_SPACE, SLOT_SCRATCH, SLOT_FAULT_MASTER, RIGHT_SEND, BADGE_FAULT + domain->number, 0);
	if (result >= 0)
		result = sys_thread_set(thread, THREAD_FAULT, SLOT_SCRATCH);
	sys_cap_delete(SLOT_SELF_SPACE, SLOT_SCRATCH);
	if (result < 0)
		log_line("pager: thread of process %lu cannot enter its space: %ld", (unsigned long)IDENTITY_PID(process->identity), result);
	process->domain = domain;
	process->entered = domain->number;
}

static void ended_remove(struct process *process)
{
	*(process->older ? &process->older->younger : &oldest) = process->younger;
	*(process->younger ? &process->younger->older : &youngest) = process->older;
	process->ended = 0;
	ended_count--;
}

void process_end(struct process *process)
{
	served_end(process);
	process->ended = ++ends;
	process->younger = 0;
	process->older = youngest;
	*(youngest ? &youngest->younger : &oldest) = process;
	youngest = process;
	ended_count++;
	ended_trim(ENDED_THREADS);
}

void processes_heard(uint64_t count)
{
	ends_heard = count;
}

static struct process *begin_again(struct process *process, uint64_t identity, struct domain *domain)
{
	ended_remove(process);
	call_drop(&process->call);
	process->identity = identity;
	process->again = true;
	if (process->entered == domain->number)
		process->domain = domain;
	else
		process_enter(process, domain);
	return process;
}

struct process *process_create(uint64_t identity, struct domain *domain, long *error)
{
	uint64_t slot = IDENTITY_SLOT(identity);
	struct process *process;

	*error = -EINVAL;
	if (!slot || slot >= PROCESS_MAX || identity != IDENTITY(slot, IDENTITY_PID(identity)))
		return 0;
	if (processes[slot])
		return processes[slot]->ended ? begin_again(processes[slot], identity, domain) : 0;
	*error = -ENOMEM;
	process = core_allocate(sizeof(*process));
	if (!process)
		return 0;
	process->identity = identity;
	if (!create(KIND_THREAD, process_slot(process), &process->page)) {
		core_free(process, sizeof(*process));
		return 0;
	}
	processes[slot] = process;
	process_enter(process, domain);
	return process;
}

void process_destroy(struct process *process)
{
	if (process->ended)
		ended_remove(process);
	call_drop(&process->call);
	exec_drop(process);
	served_end(process);
	if (process->domain)
		domain_release(process->domain);
	object_destroy(process_slot(process), process->page);
	processes[IDENTITY_SLOT(process->identity)] = 0;
	core_free(process, sizeof(*process));
}
