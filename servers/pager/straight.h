/*
 * The straight way: faults, reads, writes, and private mappings without a file that come or go are answered where they are received, if they wait
 * for nothing: from registers to registers, without a call's record and without the tables of main.c. What the core does not answer at
 * once arrives there.
 */
#ifndef PAGER_STRAIGHT_H
#define PAGER_STRAIGHT_H

#include "reply.h"

/* Sends what is kept back and receives until there is something for the tables. The message is good until the next call. */
const struct message *straight_receive(uint64_t deadline, long *event);

#endif
