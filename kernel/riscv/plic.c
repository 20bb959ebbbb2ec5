/*
 * The platform-level interrupt controller: priority 1 for every number that is enabled, threshold 0, one context: supervisor
 * mode of the boot hart. Its registers are the kernel's own; a claimed number is held back until it is completed.
 */
#include "machine.h"
#include "riscv/hardware.h"

#define PRIORITY(number)	(4UL * (number))
#define ENABLE(context)		(0x2000UL + 0x80 * (context))
#define THRESHOLD(context)	(0x200000UL + 0x1000 * (context))
#define CLAIM(context)		(THRESHOLD(context) + 4)

static volatile uint32_t *plic(uint64_t offset)
{
	return direct(machine.interrupt_controller.base + offset);
}

static volatile uint32_t *enable_word(uint32_t number)
{
	return plic(ENABLE(machine.interrupt_context) + number / 32 * 4);
}

void plic_init(void)
{
	for (uint32_t number = 1; number <= machine.interrupts; number++) {
		*plic(PRIORITY(number)) = 1;
		irq_enable(number, false);
	}
	*plic(THRESHOLD(machine.interrupt_context)) = 0;
}

uint32_t irq_claim(void)
{
	return *plic(CLAIM(machine.interrupt_context));
}

void irq_complete(uint32_t number)
{
	*plic(CLAIM(machine.interrupt_context)) = number;
}

void irq_enable(uint32_t number, bool on)
{
	volatile uint32_t *word = enable_word(number);
	uint32_t bit = 1U << number % 32;

	*word = on ? *word | bit : *word & ~bit;
}

bool hardware_owns(uint64_t physical, uint64_t bytes)
{
	const struct range_of_memory *own = &machine.interrupt_controller;

	return physical < own->base + own->bytes && own->base < physical + bytes;
}
