/*
 * ASIDs and flushes. A space gets an ASID when it is first loaded; when they are used up, a new generation begins with
 * one flush of everything, and each space gets a new ASID as it is loaded again. With zero ASID bits every switch is a
 * new generation: the same code, no special case. A space whose generation is over has nothing in the TLB.
 */
#include "riscv/csr.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"

static uint64_t asid_last, asid_next, asid_generation = 1;

/* Find out how many ASID bits there are; the boot argument asid=N allows no ASID above N, for tests. */
void tlb_init(void)
{
	csr_write(satp, kernel_satp() | SATP_ASID_MASK << SATP_ASID_SHIFT);
	asid_last = min(csr_read(satp) >> SATP_ASID_SHIFT & SATP_ASID_MASK, boot_argument("asid=", SATP_ASID_MASK));
	csr_write(satp, kernel_satp());
	sfence_all();
}

static void asid_assign(struct space *space)
{
	if (asid_next > asid_last) {
		asid_generation++;
		asid_next = 0;
		sfence_all();
	}
	space->asid = asid_next++;
	space->asid_generation = asid_generation;
	space->satp = SATP_SV39 | space->asid << SATP_ASID_SHIFT | physical_of(space->root) >> PAGE_SHIFT;
}

void space_load(struct space *space)
{
	this_hart->space = space;
	if (unlikely(space->asid_generation != asid_generation)) {
		if (!space->root) {
			csr_write(satp, kernel_satp());
			return;
		}
		asid_assign(space);
	}
	csr_write(satp, space->satp);
}

void tlb_flush_page(struct space *space, uint64_t address)
{
	if (space->asid_generation != asid_generation)
		return;
	__asm__ volatile("sfence.vma %0, %1" :: "r"(address), "r"(space->asid) : "memory");
	if (HARTS_MAX > 1)
		sbi_call(SBI_RFENCE, RFENCE_SFENCE_ASID, ~0UL, ~0UL, address, PAGE_BYTES, space->asid);
}

void tlb_flush_space(struct space *space)
{
	if (space->asid_generation != asid_generation)
		return;
	__asm__ volatile("sfence.vma zero, %0" :: "r"(space->asid) : "memory");
	if (HARTS_MAX > 1)
		sbi_call(SBI_RFENCE, RFENCE_SFENCE_ASID, ~0UL, ~0UL, 0, ~0UL, space->asid);
}

void fetch_fence(void)
{
	__asm__ volatile("fence.i" ::: "memory");
	if (HARTS_MAX > 1)
		sbi_call(SBI_RFENCE, RFENCE_FENCE_I, ~0UL, ~0UL, 0, 0, 0);
}
