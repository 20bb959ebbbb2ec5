/*
 * A notification: one word of bits that anybody with SEND may set and that never blocks him. It is bound to at most one thread,
 * which finds the bits whenever it receives (before queued calls) and is woken by them if it waits.
 */
#ifndef NOTIFICATION_H
#define NOTIFICATION_H

#include "base.h"

struct thread;

struct notification {
	uint64_t bits;
	struct thread *thread;	/* bound; never dangling: the thread's destruction clears it */
	uint8_t timer;		/* its entry in the timer table + 1, if that entry is still its own */
};

/* Set bits and wake the bound thread. */
void notification_signal(struct notification *notification, uint64_t bits);

/* If there are bits and the bound thread waits, give them to it. */
void notification_deliver(struct notification *notification);

/* `thread` receives: give it the bits of its bound notification. False: there are none. */
bool notification_receive(struct thread *thread);

long sys_notify(struct thread *caller, const uint64_t *argument);

#endif
