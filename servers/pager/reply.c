/*
 * The way out (reply.h): replies, map items, forwards. When the kernel lacks a page-table page for a map item, the space gets
 * one and the reply is repeated; when none is left, that program is ended with a line in the log, and nobody else is harmed.
 */
#include "reply.h"

#include "memory.h"
#include "park.h"
#include "proc.h"
#include "spaces.h"

#include <asm/signal.h>
#include <linux/errno.h>

/* The answer kept back; token 0: none. slot: where the caller is forwarded instead. For map items `call` tells whom to blame if the kernel refuses. */
static struct {
	uint64_t token, flags, slot;
	const struct call *call;
	struct message *message;
} kept;

/* What it says. A word is by itself: who asks natively sees all six, and what was said to others is not for him. */
static struct message many, single;

static struct message *keep(uint64_t token, uint64_t flags, const struct call *call)
{
	if (kept.token)
		reply_flush();
	kept.token = token;
	kept.flags = flags;
	kept.slot = 0;
	kept.call = call;
	kept.message = &many;
	return &many;
}

void reply_word(uint64_t token, long word)
{
	keep(token, 0, 0);
	kept.message = &single;
	single.word[0] = word;
}

void reply_call(uint64_t token, const struct message *reply)
{
	struct message *message = keep(token, 0, 0);

	memcpy(message->word, reply->word, sizeof(message->word));
	message->label = reply->label;
	message->capability = reply->capability;
}

void reply_map(const struct call *call, const struct map_item *item)
{
	struct message *message = keep(call->token, REPLY_MAP, call);

	message->label = message->capability = 0;
	reply_map_words(message, item);
}

static unsigned signal_of(long error)
{
	return error == -EFAULT ? SIGSEGV : error == -ENOMEM ? SIGKILL : SIGBUS;
}

/* Words of a fault: address, access, pc. */
static void refuse(uint64_t token, const uint64_t *word, uint64_t identity, long error)
{
	struct proc_bad_access bad = { signal_of(error), word[0], word[1], word[2] };

	if (error == -ENOMEM)
		log_line("pager: out of memory: process %lu ends at address %lx, pc %lx", (unsigned long)IDENTITY_PID(identity), (unsigned long)word[0], (unsigned long)word[2]);
	/* A server's copy: the server answers EFAULT or a partial count, the program lives. */
	if (!(word[1] & ACCESS_COPY) && forward_call(token, SLOT_PROC, PROC_bad_access, &bad, sizeof(bad)))
		return;
	keep(token, 0, 0);
	many.label = 1;
	many.capability = 0;
}

void reply_refuse(const struct call *call, long error)
{
	refuse(call->token, call->word, call->process->identity, error);
}

/* The kernel refused the kept answer: make it acceptable, or keep another one, or none. */
static void repair(long error)
{
	const struct call *call = kept.call;
	uint64_t token = kept.token;

	if (!call) {
		if (error != ERR_BAD_TOKEN)
			log_line("pager: a reply failed: %ld", error);
		kept.token = 0;
		return;
	}
	if (error == ERR_NO_TABLE && call->process->domain && domain_give_table(call->process->domain))
		return;
	kept.token = 0;
	if (error == ERR_BAD_TOKEN)
		return;
	if (error != ERR_NO_TABLE)
		log_line("pager: a map item failed: %ld at %lx, %lu pages", error, (unsigned long)many.word[0], (unsigned long)many.word[1]);
	refuse(token, call->word, call->process->identity, -ENOMEM);
}

void reply_flush(void)
{
	while (kept.token) {
		kept.message->flags = kept.flags;
		long result = kept.slot ? ipc_forward(kept.token, kept.slot, kept.message) : ipc_reply(kept.token, kept.message);

		if (result >= 0)
			kept.token = 0;
		else
			repair(result);
	}
}

bool forward_call(uint64_t token, uint64_t slot, uint64_t label, const void *words, size_t bytes)
{
	struct message message = { .label = label };

	memcpy(message.word, words, bytes);
	long result = ipc_forward(token, slot, &message);
	if (result < 0 && result != ERR_BAD_TOKEN)
		log_line("pager: forward of %lx to slot %lu failed: %ld", (unsigned long)label, (unsigned long)slot, result);
	return result >= 0;
}

void forward_later(uint64_t token, uint64_t slot, uint64_t label, const void *words, size_t bytes, uint64_t capability)
{
	struct message *message = keep(token, 0, 0);

	kept.slot = slot;
	message->label = label;
	message->capability = capability;
	memcpy(message->word, words, bytes);
}

STRAIGHT long reply_exchange(uint64_t deadline, struct message *message)
{
	message->receive_slot = 0;
	message->deadline = deadline;
	while (kept.token) {
		long event;

#pragma GCC unroll 6
		for (unsigned i = 0; i < 6; i++)
			message->word[i] = kept.message->word[i];
		message->label = kept.message->label;
		message->capability = kept.message->capability;
		message->flags = kept.flags;
		event = kept.slot ? ipc_forward_recv(kept.token, kept.slot, SLOT_ENDPOINT, message) : ipc_reply_recv(kept.token, SLOT_ENDPOINT, message);
		if (event >= 0) {
			kept.token = 0;
			return event;
		}
		repair(event);
	}
	*message = (struct message){ .deadline = deadline };
	return ipc_recv(SLOT_ENDPOINT, message);
}
