/*
 * Control registers, interrupts and firmware calls that fit nowhere better; hardware.h says what each is for.
 */
#include "riscv/hardware.h"
#include "irq.h"
#include "machine.h"
#include "riscv/csr.h"
#include "timer.h"

#define INTERRUPTS (INTERRUPT_TIMER | INTERRUPT_EXTERNAL | INTERRUPT_SOFTWARE)
#define RESET_SHUTDOWN 0
#define RESET_FAILURE 1

void plic_init(void);
void tlb_init(void);

uint64_t machine_timebase;

void hardware_init_hart(struct hart *hart)
{
	hart->armed = ~0UL;
	csr_clear(sstatus, SSTATUS_SIE | SSTATUS_SPIE | SSTATUS_SPP | SSTATUS_FS | SSTATUS_SUM | SSTATUS_MXR);
	csr_write(scounteren, COUNTERS_USER);
}

void hardware_init(const struct machine *from)
{
	machine_timebase = from->timebase_hz;
	tlb_init();
	plic_init();
	timer_arm(~0UL);
	csr_write(sie, INTERRUPTS);
}

void console_put(char character)
{
	sbi_call(SBI_CONSOLE_PUT, 0, (uint8_t)character, 0, 0, 0, 0);
}

void hardware_off(bool failed)
{
	sbi_call(SBI_RESET, 0, RESET_SHUTDOWN, failed ? RESET_FAILURE : 0, 0, 0, 0);
	for (;;)
		__asm__ volatile("wfi");
}

void timer_arm(uint64_t ticks)
{
	sbi_call(SBI_TIME, 0, ticks, 0, 0, 0, 0);
}

/* wfi also ends for interrupts that sstatus.SIE keeps from trapping: those that sie selects. */
void hardware_wait(void)
{
	while (!(csr_read(sip) & INTERRUPTS))
		__asm__ volatile("wfi");
}

void hardware_interrupts(void)
{
	uint64_t pending = csr_read(sip);

	if (pending & INTERRUPT_SOFTWARE)
		csr_clear(sip, INTERRUPT_SOFTWARE);
	if (pending & INTERRUPT_TIMER)
		timer_expire();
	if (pending & INTERRUPT_EXTERNAL)
		irq_deliver();
}
