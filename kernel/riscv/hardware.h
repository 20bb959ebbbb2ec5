/*
 * All that the rest of the kernel asks of the hardware. Behind it, in this folder, are the only files that name a control
 * register, an SBI call or a page-table bit. Page tables: sv39.h.
 */
#ifndef RISCV_HARDWARE_H
#define RISCV_HARDWARE_H

#include "base.h"
#include "hart.h"

#define INSTRUCTION_BYTES 4	/* an ecall; it has no compressed form */

struct machine;
struct space;
struct thread;

extern uint64_t machine_timebase;	/* ticks of time_now per second */

/* Before and after the memory is split. */
void hardware_init_hart(struct hart *hart);
void hardware_init(const struct machine *machine);

void console_put(char character);
__attribute__((noreturn)) void hardware_off(bool failed);

/* Wait until an interrupt is pending; handle those that are. */
void hardware_wait(void);
void hardware_interrupts(void);

/* Does a page from `physical` on hold registers that the kernel itself drives? */
bool hardware_owns(uint64_t physical, uint64_t bytes);

/* One timer interrupt, at `ticks` or as soon as possible afterwards. */
void timer_arm(uint64_t ticks);

/* FPU: at a switch of threads; when an instruction was refused (true: it may work now); after thread->f was written. */
void fpu_switch(struct thread *from, struct thread *to);
bool fpu_first_use(struct thread *thread);
void fpu_written(struct thread *thread);

/* Load a space's page table; NULL or no root: the kernel's own. To be called again when the root changes. */
void space_load(struct space *space);

/* On all harts; an address: only its page's leaf. */
void tlb_flush_page(struct space *space, uint64_t address);
void tlb_flush_space(struct space *space);

/* Instructions written to memory can be fetched. */
void fetch_fence(void);

/* The interrupt controller. A claimed interrupt (0: none) does not come again until it is completed. */
uint32_t irq_claim(void);
void irq_complete(uint32_t number);
void irq_enable(uint32_t number, bool on);

static inline uint64_t time_now(void)
{
	uint64_t ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks;
}

static inline uint64_t instret_now(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count));
	return count;
}

#endif
