/*
 * Control registers, interrupts, firmware calls; the FPU, lazily: the first instruction on it of a thread that was switched to is refused,
 * and its state is loaded then, unless the registers still hold it; what it has changed is saved when it is switched out. So a thread
 * pays for the FPU only as often as it uses it, and takes the fast path otherwise.
 */
#include "riscv/hardware.h"
#include "riscv/csr.h"
#include "thread.h"

#define INTERRUPTS (INTERRUPT_TIMER | INTERRUPT_EXTERNAL)

void plic_init(void);
void tlb_init(void);
void fpu_save(uint64_t *f);		/* trap.S */
void fpu_load(const uint64_t *f);

void hardware_init(void)
{
	csr_clear(sstatus, SSTATUS_SIE | SSTATUS_SPIE | SSTATUS_SPP | SSTATUS_FS | SSTATUS_SUM | SSTATUS_MXR);
	csr_write(scounteren, COUNTERS_USER);
	tlb_init();
	plic_init();
	timer_rearm();
	csr_write(sie, INTERRUPTS);
}

void console_put(char character)
{
	sbi_call(SBI_CONSOLE_PUT, 0, (uint8_t)character, 0, 0, 0, 0);
}

void hardware_off(void)
{
	sbi_call(SBI_RESET, 0, RESET_SHUTDOWN, RESET_FAILURE, 0, 0, 0);
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

	if (pending & INTERRUPT_TIMER)
		timer_expire();
	if (pending & INTERRUPT_EXTERNAL)
		irq_deliver();
}

void fpu_leave(struct thread *thread)
{
	if ((csr_read(sstatus) & SSTATUS_FS) == FS_DIRTY && thread) {
		assert(thread == this_hart->fpu_owner);
		fpu_save(thread->registers.f);
	}
	csr_clear(sstatus, SSTATUS_FS);
	this_hart->attention &= ~(uint32_t)ATTENTION_FPU;
}

bool fpu_first_use(struct thread *thread)
{
	if (this_hart->attention & ATTENTION_FPU)
		return false;
	csr_set(sstatus, FS_CLEAN);
	if (this_hart->fpu_owner != thread)
		fpu_load(thread->registers.f);
	csr_clear(sstatus, FS_DIRTY & ~FS_CLEAN);
	this_hart->attention |= ATTENTION_FPU;
	this_hart->fpu_owner = thread;
	return true;
}

void fpu_written(struct thread *thread)
{
	if (this_hart->fpu_owner == thread)
		this_hart->fpu_owner = NULL;
}
