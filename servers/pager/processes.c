/*
 * What proc asks: the first process, fork, exit. exec is in exec.c. Failures leave nothing behind; the frames of what ends are free
 * before proc hears of it.
 */
#include "calls.h"

#include "reply.h"

#include <linux/errno.h>
#include <linux/mman.h>

long prompt_spawn(const struct message *request, struct message *reply)
{
	const unsigned all = PROT_READ | PROT_WRITE | PROT_EXEC;
	struct domain *domain = domain_create();
	struct process *process;
	struct job job = { 0 };
	long error = -ENOMEM;

	if (!domain)
		return -ENOMEM;
	if (core_mmap(domain->space, INITCODE_BASE, INITCODE_PAGES * PAGE_BYTES, all, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0, 0, all, &job.waiter) != INITCODE_BASE)
		core_cancel(&job.waiter);
	else if ((process = process_create(request->word[0], domain, &error))) {
		reply->capability = process_news(process);
		return 0;
	}
	domain_release(domain);
	return error;
}

/* The child's space is full, or there is none: proc goes on. */
static long forked(struct call *call, struct domain *domain, long error)
{
	struct proc_forked words = { call->word[0], error };
	struct process *child = 0;

	call->child = 0;
	if (!error)
		child = process_create(call->word[0], domain, &error);
	words.error = child ? 0 : error;
	if (domain && !child)
		domain_release(domain);
	forward_later(call->token, SLOT_PROC, PROC_forked, &words, sizeof(words), child ? process_news(child) : 0);
	return CALL_DONE;
}

static long fork_continue(struct call *call)
{
	long result = core_space_fork(call_space(call), call->child->space, &call->job.waiter);

	if (core_not_yet(result))
		return result;
	return forked(call, call->child, result < 0 ? result : 0);
}

long forward_fork(struct call *call)
{
	const struct pager_fork *request = (const struct pager_fork *)call->word;

	processes_heard(request->heard);
	if (request->share) {
		domain_share(call->process->domain);
		return forked(call, call->process->domain, 0);
	}
	call->child = domain_create();
	if (!call->child)
		return forked(call, 0, -ENOMEM);
	call->operation = fork_continue;
	return fork_continue(call);
}

static long exited(struct call *call)
{
	const struct pager_exit *request = (const struct pager_exit *)call->word;

	call->process->domain = 0;
	if (!request->last)
		process_end(call->process);
	forward_later(call->token, SLOT_PROC, PROC_exited, "", 0, 0);
	return CALL_DONE;
}

/* The last user takes the space apart, in slices, before its parent hears of it. */
static long exit_continue(struct call *call)
{
	struct domain *domain = call->process->domain;
	long result = core_space_destroy(domain->space, &call->job.waiter);

	if (core_not_yet(result))
		return result;
	domain_free(domain);
	return exited(call);
}

long forward_exit(struct call *call)
{
	const struct pager_exit *request = (const struct pager_exit *)call->word;
	struct process *process = call->process;

	processes_heard(request->heard);
	exec_drop(process);
	if (!process->domain || domain_release_shared(process->domain))
		return exited(call);
	call->operation = exit_continue;
	return exit_continue(call);
}
