/*
 * A notification: one word of bits that anybody with SEND may set and that never blocks him. It is bound to at most one
 * thread, which finds the bits whenever it receives (before queued calls) and is woken by them if it waits.
 *
 * Timers signal notifications or end receives. Only so many may run that they can be searched. A thread that only
 * sleeps, without an endpoint or a notification, may have only half of them, so that programs cannot take the servers' timers away.
 */
#ifndef NOTIFICATION_H
#define NOTIFICATION_H

#include "base.h"

struct thread;

struct timer {
	struct link link;	/* among those that run */
	uint64_t deadline;
};

struct notification {
	uint64_t bits;
	struct thread *thread;	/* bound; never dangling: the thread's destruction clears it */
	struct timer timer;
	uint64_t timer_bits;
};

/* Set bits; give them to the bound thread if it waits. */
void notification_signal(struct notification *notification, uint64_t bits);

/* `thread` receives: give it the bits of its bound notification. False: there are none. */
bool notification_receive(struct thread *thread);

/* May this receiver have a deadline? Then it can be given one. */
bool timer_deadline_possible(const struct thread *thread);
void timer_deadline(struct thread *thread, uint64_t deadline);
void timer_cancel_deadline(struct thread *thread);
void timer_stop(struct timer *timer);

/* Have the next interrupt come for the earliest of them and this hart's time slice. The interrupt. */
void timer_rearm(void);
void timer_expire(void);

/* An interrupt of a device is pending: claim and deliver it. */
void irq_deliver(void);

/* Nobody is ready: tell who wants to know. False: nobody does. */
bool irq_deliver_idle(void);

#endif
