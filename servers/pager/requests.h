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
void requests_answers(void);				/* fs has notified */
void requests_flush(void);				/* once per step: refill the records, tell fs of new requests */
bool requests_room(void);				/* the ring has room for work that is not urgent */

#endif
