/*
 * ASIDs and flushes. A space that is loaded without an ASID gets the one that was given away longest ago, and whoever had it gets another when
 * it is loaded again. With zero ASID bits every switch does that: the same code, no special case. What the TLB still knows under an ASID
 * is flushed when that gets an owner; a space without one has nothing there that counts.
 */
#include "riscv/csr.h"
#include "riscv/hardware.h"
#include "riscv/sv39.h"

#define ASIDS_MAX 256UL

static uint64_t asids, asid_next;
static struct space *owners[ASIDS_MAX];

static inline uint64_t asid_of(const struct space *space) { return space->satp >> SATP_ASID_SHIFT & SATP_ASID_MASK; }

/* Find out how many ASID bits there are; the boot argument asid=N allows no ASID above N, for tests. */
void tlb_init(void)
{
	csr_write(satp, kernel_satp() | SATP_ASID_MASK << SATP_ASID_SHIFT);
	asids = min(csr_read(satp) >> SATP_ASID_SHIFT & SATP_ASID_MASK, boot_argument("asid=", ASIDS_MAX - 1)) + 1;
	asids = min(asids, ASIDS_MAX);
	csr_write(satp, kernel_satp());
	sfence_all();
}

void space_unload(struct space *space)
{
	if (space->satp)
		owners[asid_of(space)] = NULL;
	space->satp = 0;
}

/* The next ASID, whoever has it. */
static void asid_assign(struct space *space)
{
	uint64_t asid = asid_next++ % asids;

	if (owners[asid])
		space_unload(owners[asid]);
	owners[asid] = space;
	space->satp = SATP_SV39 | asid << SATP_ASID_SHIFT | physical_of(space->root) >> PAGE_SHIFT;
	csr_write(satp, space->satp);
	tlb_flush_space(space);
}

void space_load(struct space *space)
{
	this_hart->space = space;
	if (unlikely(!space->satp && space->root))
		asid_assign(space);
	csr_write(satp, space->satp ? space->satp : kernel_satp());
}

void tlb_flush_page(struct space *space, uint64_t address)
{
	if (!space->satp)
		return;
	__asm__ volatile("sfence.vma %0, %1" :: "r"(address), "r"(asid_of(space)) : "memory");
	if (HARTS_MAX > 1)
		sbi_call(SBI_RFENCE, RFENCE_SFENCE_ASID, ~0UL, ~0UL, address, PAGE_BYTES, asid_of(space));
}

void tlb_flush_space(struct space *space)
{
	if (!space->satp)
		return;
	__asm__ volatile("sfence.vma zero, %0" :: "r"(asid_of(space)) : "memory");
	if (HARTS_MAX > 1)
		sbi_call(SBI_RFENCE, RFENCE_SFENCE_ASID, ~0UL, ~0UL, 0, ~0UL, asid_of(space));
}

void fetch_fence(void)
{
	__asm__ volatile("fence.i" ::: "memory");
	if (HARTS_MAX > 1)
		sbi_call(SBI_RFENCE, RFENCE_FENCE_I, ~0UL, ~0UL, 0, 0, 0);
}
