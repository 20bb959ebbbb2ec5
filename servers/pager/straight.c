/*
 * straight.h. `message` is never looked at as a whole here, so that its fields stay in registers. Nothing that is answered here queues a job or asks fs
 * for anything: between two of them there is nothing else to do.
 */
#include "straight.h"

#include "linux.h"
#include "pager.h"
#include "spaces.h"

#include <linux/errno.h>
#include <linux/mman.h>

/* The message that is looked at; it stays until its answer has gone out. Of a fault, what is always zero is left out. */
static struct message delivered;

static STRAIGHT void deliver_fault(const struct message *message)
{
	for (unsigned i = 0; i < 3; i++)
		delivered.word[i] = message->word[i];
	delivered.label = message->label;
	delivered.badge = message->badge;
	delivered.token = message->token;
	delivered.identity = message->identity;
}

static STRAIGHT void deliver(const struct message *message)
{
	deliver_fault(message);
	for (unsigned i = 3; i < 6; i++)
		delivered.word[i] = message->word[i];
	delivered.capability = message->capability;
	delivered.address = message->address;
}

/* Null: a stale identity, no space, or an older call is to be dropped first. */
static STRAIGHT struct process *caller_of(const struct message *message)
{
	struct process *process = process_find(message->identity);

	return process && process->domain && !process->call.token ? process : 0;
}

static STRAIGHT bool answer_fault(struct message *message)
{
	static struct map_item item __attribute__((aligned(512)));	/* its list in one page, as the kernel wants it */
	struct process *process = caller_of(message);
	struct map_page page;

	if (!process || message->badge != BADGE_FAULT + process->domain->number)
		return false;
	switch (core_fault_at_once(process->domain->space, message->word[0], message->word[1], &page, &item)) {
	case ONE_PAGE:
		*message = (struct message){ .word = { (message->word[0] & -PAGE_BYTES) | page.rights, 1, page.frame, SLOT_PAGE_MEMORY }, .flags = REPLY_MAP };
		return true;
	case MANY_PAGES:
		*message = (struct message){ .word = { item.address | page.rights, item.pages, (uint64_t)item.frame, SLOT_PAGE_MEMORY }, .flags = REPLY_MAP };
		return true;
	default:
		return false;
	}
}

static STRAIGHT bool answer_transfer(struct message *message)
{
	const struct pager_transfer *request = (const struct pager_transfer *)delivered.word;
	bool write = message->label == PAGER_write;
	struct process *process;
	long result;

	if (message->badge != BADGE_FS || (message->label != PAGER_read && !write))
		return false;
	process = caller_of(message);
	if (!process)
		return false;
	result = write
		? core_write_at_once(process->domain->space, request->open, request->address, request->count, request->position, request->flags)
		: core_read_at_once(process->domain->space, request->open, request->address, request->count, request->position, request->flags);
	*message = (struct message){ .word = { result } };
	return result >= 0;
}

static STRAIGHT bool answer_linux(struct message *message)
{
	const uint64_t *word = message->word;
	struct process *process;
	long result;

	if (message->label != LINUX_munmap && (message->label != LINUX_mmap || !(word[3] & MAP_ANONYMOUS) || word[5] % PAGE_BYTES))
		return false;
	process = caller_of(message);
	if (!process)
		return false;
	result = message->label == LINUX_munmap ? core_munmap_at_once(process->domain->space, word[0], word[1])
						: core_mmap_at_once(process->domain->space, word[0], word[1], word[2], word[3]);
	*message = (struct message){ .word = { result } };
	return result != CORE_WAIT;
}

/* Leaves in `delivered` what it is, in `message` what to answer. */
static STRAIGHT bool answer(struct message *message)
{
	if (message->badge >= BADGE_FAULT && (message->label & LABEL_KERNEL)) {
		deliver_fault(message);
		return answer_fault(message);
	}
	deliver(message);
	return message->badge == BADGE_CLIENT ? answer_linux(message) : answer_transfer(message);
}

/* The event to go on with. A refused map item is for the tables, which know what to do about it; who waited for a count is gone. */
static RARE long refused(long error)
{
	if (delivered.label == LABEL_FAULT)
		return EVENT_MESSAGE;
	if (error != ERR_BAD_TOKEN)
		log_line("pager: an answer was refused: %ld", error);
	return EVENT_TIMEOUT;
}

STRAIGHT const struct message *straight_receive(uint64_t deadline, long *event)
{
	struct message message;

	*event = reply_exchange(deadline, &message);
	while (*event == EVENT_MESSAGE && !deadline) {
		if (!answer(&message))
			return &delivered;
		*event = ipc_reply_recv(delivered.token, SLOT_ENDPOINT, &message);
		if (*event < 0) {
			*event = refused(*event);
			return &delivered;
		}
	}
	deliver(&message);
	return &delivered;
}
