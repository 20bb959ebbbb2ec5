/* Control registers, causes and SBI calls of RISC-V, by their names in the specifications. Only for kernel/riscv/. */
#ifndef RISCV_CSR_H
#define RISCV_CSR_H

#include "base.h"

#define csr_read(name) ({ uint64_t value_; __asm__ volatile("csrr %0, " #name : "=r"(value_) :: "memory"); value_; })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" :: "r"(value) : "memory")
#define csr_set(name, value) __asm__ volatile("csrs " #name ", %0" :: "r"(value) : "memory")
#define csr_clear(name, value) __asm__ volatile("csrc " #name ", %0" :: "r"(value) : "memory")

#define SATP_SV39	(8UL << 60)
#define SATP_ASID_SHIFT	44
#define SATP_ASID_MASK	0xffffUL

#define SSTATUS_SIE	(1UL << 1)
#define SSTATUS_SPIE	(1UL << 5)
#define SSTATUS_SPP	(1UL << 8)
#define SSTATUS_FS	(3UL << 13)
#define FS_OFF		(0UL << 13)
#define FS_CLEAN	(2UL << 13)
#define FS_DIRTY	(3UL << 13)
#define SSTATUS_SUM	(1UL << 18)
#define SSTATUS_MXR	(1UL << 19)

#define INTERRUPT_SOFTWARE	(1UL << 1)
#define INTERRUPT_TIMER		(1UL << 5)
#define INTERRUPT_EXTERNAL	(1UL << 9)

#define COUNTERS_USER	7UL	/* scounteren: cycle, time, instret */

enum cause {
	CAUSE_FETCH_MISALIGNED = 0, CAUSE_FETCH_ACCESS, CAUSE_ILLEGAL, CAUSE_BREAKPOINT, CAUSE_LOAD_MISALIGNED, CAUSE_LOAD_ACCESS,
	CAUSE_STORE_MISALIGNED, CAUSE_STORE_ACCESS, CAUSE_ECALL_USER, CAUSE_FETCH_PAGE = 12, CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE = 15,
};
#define CAUSE_INTERRUPT (1UL << 63)

static inline void sfence_all(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
}

enum sbi_extension {
	SBI_CONSOLE_PUT = 0x01, SBI_TIME = 0x54494D45, SBI_RFENCE = 0x52464E43, SBI_RESET = 0x53525354,
};
enum sbi_rfence { RFENCE_FENCE_I = 0, RFENCE_SFENCE_ASID = 2 };

static inline long sbi_call(uint64_t extension, uint64_t function, uint64_t arg0, uint64_t arg1, uint64_t arg2, uint64_t arg3, uint64_t arg4)
{
	register uint64_t a0 __asm__("a0") = arg0;
	register uint64_t a1 __asm__("a1") = arg1;
	register uint64_t a2 __asm__("a2") = arg2;
	register uint64_t a3 __asm__("a3") = arg3;
	register uint64_t a4 __asm__("a4") = arg4;
	register uint64_t a6 __asm__("a6") = function;
	register uint64_t a7 __asm__("a7") = extension;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7) : "memory");
	return (long)a0;
}

#endif
