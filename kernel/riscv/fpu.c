/*
 * The FPU, lazily: a thread's first instruction on it is refused, and its state is loaded then; what it has changed is saved when it is
 * switched out. A thread that comes back and finds its state still in the registers goes on without either.
 */
#include "riscv/csr.h"
#include "riscv/hardware.h"
#include "thread.h"

void fpu_save(uint64_t *f);		/* trap.S */
void fpu_load(const uint64_t *f);

static void set_state(uint64_t state)
{
	csr_clear(sstatus, SSTATUS_FS);
	csr_set(sstatus, state);
}

void fpu_switch(struct thread *from, struct thread *to)
{
	uint64_t state = csr_read(sstatus) & SSTATUS_FS, wanted = to == this_hart->fpu_owner ? FS_CLEAN : FS_OFF;

	if (unlikely(state == FS_DIRTY) && from) {
		assert(from == this_hart->fpu_owner);
		fpu_save(from->f);
	}
	if (unlikely(state != wanted))
		set_state(wanted);
}

bool fpu_first_use(struct thread *thread)
{
	if ((csr_read(sstatus) & SSTATUS_FS) != FS_OFF)
		return false;
	csr_set(sstatus, FS_CLEAN);
	fpu_load(thread->f);
	set_state(FS_CLEAN);
	this_hart->fpu_owner = thread;
	return true;
}

void fpu_written(struct thread *thread)
{
	assert(thread != this_hart->current);
	if (this_hart->fpu_owner == thread)
		this_hart->fpu_owner = NULL;
}
