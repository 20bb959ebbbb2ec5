/*
 * Interrupts of devices, delivered as bits of a notification. From delivery to `irq_ack` the controller holds
 * the number back. Whoever has the number in his irq capability binds it; binding anew replaces the old binding.
 */
#ifndef IRQ_H
#define IRQ_H

#include "base.h"

struct thread;

/* An interrupt of a device is pending: claim and deliver it. */
void irq_deliver(void);

long sys_irq_bind(struct thread *caller, const uint64_t *argument);
long sys_irq_ack(struct thread *caller, const uint64_t *argument);

#endif
