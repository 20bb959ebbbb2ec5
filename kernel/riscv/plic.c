/*
 * The platform-level interrupt controller: one context, supervisor mode of the boot hart, in which every number is enabled with
 * threshold 0; a number whose priority is 0 never comes. Its registers are the kernel's own; a claimed number is held back until it is completed.
 */
#include "riscv/hardware.h"

#define ENABLE		(0x2000 + 0x80 * machine.context)
#define THRESHOLD	(0x200000 + 0x1000 * machine.context)
#define CLAIM		(THRESHOLD + 4)

static volatile uint32_t *plic(uint64_t offset)
{
	return direct(machine.controller.base + offset);
}

uint32_t irq_claim(void)
{
	return *plic(CLAIM);
}

void irq_complete(uint32_t number)
{
	*plic(CLAIM) = number;
}

void irq_enable(uint32_t number, bool on)
{
	*plic(number * 4) = on;
}

void plic_init(void)
{
	for (uint32_t number = 1; number <= machine.interrupts; number++) {
		irq_enable(number, false);
		*plic(ENABLE + number / 32 * 4) = ~0U;
	}
	*plic(THRESHOLD) = 0;
}
