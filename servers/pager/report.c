/*
 * What the pager tells about itself, for fs' files under /proc and for sysinfo: VMAs, counters, and the knob. Structures are copied
 * into the asking server's memory under its loan; servers' memory is pinned, so a copy that stops short is the server's mistake.
 */
#include "calls.h"

#include "memory.h"

#include <linux/errno.h>

static long copy_out(const struct message *request, uint64_t address, const void *from, uint64_t bytes)
{
	return sys_copy(request->token, address, (void *)from, bytes, COPY_OUT) == (long)bytes ? 0 : -EFAULT;
}

long prompt_vma(const struct message *request, struct message *reply)
{
	const struct pager_vma_request *wanted = (const struct pager_vma_request *)request->word;
	struct process *process = process_find(wanted->identity);
	struct pager_vma vma = { 0 };

	(void)reply;
	if (!process || !process->domain)
		return -ESRCH;
	if (!core_vma_info(process->domain->space, wanted->above, wanted->counts, &vma))
		return -ENOENT;
	return copy_out(request, wanted->address, &vma, sizeof(vma));
}

long prompt_counters(const struct message *request, struct message *reply)
{
	const struct pager_counters_request *wanted = (const struct pager_counters_request *)request->word;
	const struct core_counters *core = &core_counters;
	const struct pager_counters counters = {
		.total_pages = core->total_pages, .free_pages = core->free_pages, .cache_pages = core->cache_pages,
		.cache_dirty_pages = core->cache_dirty_pages, .anonymous_pages = core->anonymous_pages, .own_pages = core->own_pages,
		.memory_pages = core->memory_pages, .memory_pages_max = core->memory_pages_max,
		.object_pages = object_pages, .object_pages_free = object_pages_free,
		.faults_read = core->faults_read, .faults_write = core->faults_write, .faults_cow = core->faults_cow,
		.faults_major = core->faults_major, .faults_refused = core->faults_refused, .faults_copy = faults_copy,
		.page_ins = core->page_ins, .page_outs = core->page_outs, .reclaimed = core->reclaimed,
		.spaces = domain_count, .vmas = core->vmas, .objects = core->objects, .anons = core->anons,
		.cleared_ahead = core->cleared_ahead,
	};

	(void)reply;
	return copy_out(request, wanted->address, &counters, wanted->bytes < sizeof(counters) ? wanted->bytes : sizeof(counters));
}

/* As Linux's knob: a power of two of pages, rounded down; at most the pages of a table. What one reply has no room for is cut off. */
#define AROUND_BYTES_MAX (512 * PAGE_BYTES)

long prompt_control(const struct message *request, struct message *reply)
{
	const struct pager_control *control = (const struct pager_control *)request->word;
	unsigned pages = 1;

	if (control->what != PAGER_CONTROL_fault_around_bytes || control->value > AROUND_BYTES_MAX)
		return -EINVAL;
	while (pages < CORE_BATCH && 2 * pages * PAGE_BYTES <= control->value)
		pages *= 2;
	if (control->value)
		core_fault_around_pages = pages;
	reply->word[0] = core_fault_around_pages * PAGE_BYTES;
	return 0;
}
