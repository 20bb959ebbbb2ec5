/* Control registers, causes and SBI calls of RISC-V, by their names in the specifications. Only for kernel/riscv/. */
#ifndef RISCV_CSR_H
#define RISCV_CSR_H

#include "base.h"

#define csr_read(name) ({ uint64_t value_; __asm__ volatile("csrr %0, " #name : "=r"(value_) :: "memory"); value_; })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" :: "r"(value) : "memory")
#define csr_set(name, value) __asm__ volatile("csrs " #name ", %0" :: "r"(value) : "memory")
#define csr_clear(name, value) __asm__ volatile("csrc " #name ", %0" :: "r"(value) : "memory")
#define sfence_all() __asm__ volatile("sfence.vma" ::: "memory")

#define SATP_SV39	(8UL << 60)
#define SATP_ASID_SHIFT	44
#define SATP_ASID_MASK	0xffffUL

enum status { SSTATUS_SIE = 1 << 1, SSTATUS_SPIE = 1 << 5, SSTATUS_SPP = 1 << 8, SSTATUS_FS = 3 << 13, SSTATUS_SUM = 1 << 18, SSTATUS_MXR = 1 << 19 };
enum fpu_state { FS_OFF = 0, FS_CLEAN = 2 << 13, FS_DIRTY = 3 << 13 };
enum interrupt { INTERRUPT_TIMER = 1 << 5, INTERRUPT_EXTERNAL = 1 << 9 };

#define COUNTERS_USER	7UL	/* scounteren: cycle, time, instret */

/* The first eight are the first of enum exception, too. */
enum cause { CAUSE_ECALL_USER = 8, CAUSE_FETCH_PAGE = 12, CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE = 15 };
#define CAUSE_INTERRUPT (1UL << 63)

enum sbi_extension { SBI_CONSOLE_PUT = 0x01, SBI_TIME = 0x54494D45, SBI_RFENCE = 0x52464E43, SBI_RESET = 0x53525354 };
enum sbi_function { RFENCE_FENCE_I = 0, RFENCE_SFENCE_ASID = 2, RESET_SHUTDOWN = 0, RESET_FAILURE = 1 };

static inline void sbi_call(uint64_t extension, uint64_t function, uint64_t arg0, uint64_t arg1, uint64_t arg2, uint64_t arg3, uint64_t arg4)
{
	register uint64_t a0 __asm__("a0") = arg0, a1 __asm__("a1") = arg1, a2 __asm__("a2") = arg2, a3 __asm__("a3") = arg3;
	register uint64_t a4 __asm__("a4") = arg4, a6 __asm__("a6") = function, a7 __asm__("a7") = extension;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7) : "memory");
}

#endif
