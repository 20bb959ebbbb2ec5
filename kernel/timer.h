/*
 * A fixed table of times: deadlines of receives, and timers that signal notifications. Short enough to be searched.
 * A thread that only sleeps, without an endpoint or a notification, may use half of it, so that programs cannot take
 * the servers' timers away.
 */
#ifndef TIMER_H
#define TIMER_H

#include "base.h"

struct thread;

/* May this receiver have a deadline? */
bool timer_deadline_possible(const struct thread *thread);
void timer_deadline(struct thread *thread, uint64_t deadline);
void timer_cancel_deadline(struct thread *thread);

/* Have the next interrupt come for the earliest of the table and this hart's time slice. */
void timer_rearm(void);

/* The timer interrupt. */
void timer_expire(void);

long sys_timer_set(struct thread *caller, const uint64_t *argument);

#endif
