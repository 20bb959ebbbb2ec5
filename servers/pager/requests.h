/*
 * Requests to fs through the ring (abi/ring.h): asked for by the core, answered in any order. What comes back is input: an
 * answer to nothing that was asked is dropped, values are cut to what was asked.
 */
#ifndef PAGER_REQUESTS_H
#define PAGER_REQUESTS_H

#include "core/core.h"
#include "server.h"

void requests_start(const struct start_info *start);
void request_queue(const struct core_request *request);	/* struct core_ops */
void requests_answers(void);				/* fs has notified, or need not: take them */
bool requests_room(void);				/* the ring has room for work that is not urgent */

/*
 * What a forward says to fs of writes under way (abi/fs.h): it need not be notified of what was asked before, and waits for the writes.
 * 0: some of them may not have been asked for yet. alone: when the forwarded call was tried, nothing was asked for (requests_none); then nobody
 * here waits for an answer, unless a job does so later, and fs need not notify until a message comes that is not answered straight away.
 */
uint64_t requests_writes(bool alone);
extern bool requests_quiet;				/* it does not notify: look for answers first */
bool requests_none(void);				/* no answer is to come */

extern bool requests_news;				/* asked since fs was notified */
void requests_tell(void);				/* ... then once per step: notify it */

#endif
