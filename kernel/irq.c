/*
 * Interrupts of devices, and that there is nothing to do, delivered as bits of a notification. From delivery to `irq_ack` the controller (riscv/plic.c)
 * holds the number back. Whoever has the number in his irq capability binds it; binding anew replaces the old binding.
 */
#include "riscv/hardware.h"
#include "thread.h"

struct irq {
	struct reference notification;	/* dead or none: nobody wants it */
	uint64_t bits;
};

static struct irq irqs[IRQ_MAX];

static bool deliver(uint64_t number)
{
	struct notification *notification = reference_page(&irqs[number].notification);

	if (notification)
		notification_signal(notification, irqs[number].bits);
	return notification;
}

bool irq_deliver_idle(void)
{
	bool wanted = deliver(IRQ_IDLE);

	irqs[IRQ_IDLE].notification = (struct reference){ 0 };
	return wanted;
}

void irq_deliver(void)
{
	uint32_t number = irq_claim();

	if (!number || number >= IRQ_MAX)
		return;
	this_hart->counters.interrupts++;
	if (!deliver(number)) {
		irq_complete(number);
		irq_enable(number, false);
	}
}

long sys_irq_bind(struct thread *caller, const struct capability *target, const uint64_t *argument)
{
	uint64_t number = argument[1];
	const struct capability *notification;
	long error = capability_check(caller->space, argument[2], KIND_NOTIFICATION, RIGHT_RECEIVE, &notification);

	if (error || !extent_covers(target, number, 1))
		return error ? error : ERR_INVALID;
	/* Nothing below may fail. */
	irqs[number].notification = capability_reference(notification);
	irqs[number].bits = argument[3];
	if (number != IRQ_IDLE)
		irq_enable((uint32_t)number, true);
	irq_complete((uint32_t)number);		/* one that nobody acknowledged */
	return OK;
}

long sys_irq_ack(struct thread *caller unused, const struct capability *target, const uint64_t *argument)
{
	if (!extent_covers(target, argument[1], 1))
		return ERR_INVALID;
	/* Nothing below may fail. */
	irq_complete((uint32_t)argument[1]);
	return OK;
}
