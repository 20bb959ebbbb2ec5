/*
 * An endpoint: the place where calls are sent to and received from. Three queues, of which at most one of the first two
 * is not empty:
 *
 *   callers      threads CALLING, first come first served
 *   receivers    threads RECEIVING
 *   interrupted  threads HELD through this endpoint whose holder has not been told yet that they were interrupted
 *
 * Endpoints outlive servers: callers still queued wait for the successor. If an endpoint itself dies, they are freed.
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "base.h"

struct capability;
struct thread;

struct endpoint {
	struct link callers, receivers, interrupted;
};

void endpoint_init(struct endpoint *endpoint);

/* The slot in t0 of a message call. */
long endpoint_check(struct thread *caller, uint64_t slot, uint32_t right, const struct capability **result);

/* The prepared call of `sender` (its thread_call) goes to its endpoint: to a receiver, or into the queue. */
void endpoint_send(struct endpoint *endpoint, struct thread *sender, bool first);

/* Free who waits here: OK, or AGAIN. */
long endpoint_dismantle(struct endpoint *endpoint);

#endif
