/*
 * All that the rest of the kernel asks of the hardware. Behind it, in this folder, are the only files that name a control
 * register, an SBI call or a page-table bit. Page tables: sv39.h.
 */
#ifndef RISCV_HARDWARE_H
#define RISCV_HARDWARE_H

#include "hart.h"
#include "memory.h"

#define INSTRUCTION_BYTES 4	/* an ecall; it has no compressed form */
#define IRQ_MAX 256

struct space;
struct thread;

void hardware_init(void);
void console_put(char character);
__attribute__((noreturn)) void hardware_off(void);

/* Wait until an interrupt is pending; handle those that are. One timer interrupt at `ticks`, or soon after. */
void hardware_wait(void);
void hardware_interrupts(void);
void timer_arm(uint64_t ticks);

/* FPU: when a thread that may use it is switched out; when an instruction was refused (true: it may work now); after thread->registers.f was written, or is read no more. */
void fpu_leave(struct thread *thread);
bool fpu_first_use(struct thread *thread);
void fpu_written(struct thread *thread);

/* Load a space's page table; without a root: the kernel's own. To be called again when the root changes. */
void space_load(struct space *space);

/* Its root is about to change: forget what was prepared for it. */
void space_unload(struct space *space);

/* On all harts: one leaf; all of a space; instructions written to memory can be fetched. */
void tlb_flush_page(struct space *space, uint64_t address);
void tlb_flush_space(struct space *space);
void fetch_fence(void);

/* The interrupt controller. A claimed interrupt (0: none) does not come again until it is completed; completing another does nothing. */
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
