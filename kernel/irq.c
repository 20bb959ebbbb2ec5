/*
 * Interrupts of devices; see irq.h. The controller is driven in riscv/plic.c.
 */
#include "irq.h"
#include "machine.h"
#include "capability.h"
#include "hart.h"
#include "notification.h"
#include "riscv/hardware.h"
#include "thread.h"

struct irq {
	struct reference notification;	/* dead or none: nobody wants it */
	uint64_t bits;
	bool active;			/* delivered, not acknowledged */
};

static struct irq irqs[IRQ_MAX];

static void irq_finish(uint64_t number)
{
	if (irqs[number].active)
		irq_complete((uint32_t)number);
	irqs[number].active = false;
}

void irq_deliver(void)
{
	uint32_t number = irq_claim();
	struct notification *notification;

	if (!number || number >= IRQ_MAX)
		return;
	this_hart->counters.interrupts++;
	irqs[number].active = true;
	notification = reference_page(&irqs[number].notification);
	if (notification) {
		notification_signal(notification, irqs[number].bits);
	} else {
		irq_finish(number);
		irq_enable(number, false);
	}
}

static long irq_check(struct thread *caller, const uint64_t *argument)
{
	const struct capability *extent;
	long error = capability_check(caller->space, argument[0], KIND_IRQ, 0, &extent);

	if (error)
		return error;
	return argument[1] && argument[1] < IRQ_MAX && extent_covers(extent, argument[1], 1) ? OK : ERR_INVALID;
}

long sys_irq_bind(struct thread *caller, const uint64_t *argument)
{
	uint64_t number = argument[1], bits = argument[3];
	const struct capability *target = NULL;
	long error = irq_check(caller, argument);

	if (!error && bits)
		error = capability_check(caller->space, argument[2], KIND_NOTIFICATION, RIGHT_RECEIVE, &target);
	if (error)
		return error;
	/* Nothing below may fail. */
	irq_finish(number);
	irqs[number].notification = target ? capability_reference(target) : (struct reference){ 0, 0 };
	irqs[number].bits = bits;
	irq_enable((uint32_t)number, bits);
	return OK;
}

long sys_irq_ack(struct thread *caller, const uint64_t *argument)
{
	long error = irq_check(caller, argument);

	if (error)
		return error;
	/* Nothing below may fail. */
	irq_finish(argument[1]);
	return OK;
}
