/*
 * Answers. The last answer of a step is kept back, so that it travels with the next receive: a page fault then costs the
 * pager one kernel entry. A caller that is gone is no error: its answer is dropped.
 *
 * A map item that is kept back is a promise about frames that the kernel does not know yet: nothing may be unmapped or reclaimed before
 * it is sent. So each step begins with reply_flush, unless nothing can be here.
 */
#ifndef PAGER_REPLY_H
#define PAGER_REPLY_H

#include "core/core.h"
#include "server.h"

struct call;

void reply_word(uint64_t token, long word);				/* a routed call: a0 := word */
void reply_call(uint64_t token, const struct message *reply);		/* a native call: label, words and capability of `reply` */
void reply_map(const struct call *call, const struct map_item *item);	/* a fault: map, resume. `item` must live until the next flush or exchange */
void reply_refuse(const struct call *call, long error);			/* a fault that cannot be served (-errno): to proc, as a signal */
RARE void reply_flush(void);

/* Hands the caller on. False: the caller is gone. */
bool forward_call(uint64_t token, uint64_t slot, uint64_t label, const void *words, size_t bytes);

/* The same, kept back like an answer; capability 0: none. The step asks fs for nothing more: that would come before it. */
void forward_later(uint64_t token, uint64_t slot, uint64_t label, const void *words, size_t bytes, uint64_t capability);

/* Sends what is kept back, receives: an event, or an error. */
long reply_exchange(uint64_t deadline, struct message *message);

/* The words of a map item. */
static inline void reply_map_words(struct message *message, const struct map_item *item)
{
	message->word[0] = item->address | item->rights;
	message->word[1] = item->pages;
	message->word[2] = item->pages == 1 ? item->frame[0] : (uint64_t)item->frame;
	message->word[3] = SLOT_PAGE_MEMORY;
}

#endif
