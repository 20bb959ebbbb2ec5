/*
 * The way into the kernel and out of it. sscratch holds the current thread while a user runs, and the hart while C code of the kernel runs.
 * Traps only come from user mode; one from the kernel is a panic. It is no ecall, so it goes the way of a fault, which finds that what
 * it took for a thread has no hart; two words of the real hart, which nobody needs any more, are overwritten by then.
 *
 * What usually happens is done in fastpath.S, most of it without C; a copy calls its C function with the arguments in the registers.
 * All else comes here: a message call saves and restores what such a call keeps and says; a plain call has s0..s11 kept by the C code
 * that it runs, so they are saved only if another thread goes on; everything else saves all 31 registers. The way out restores what the
 * way in of that thread saved, and clears the rest.
 */
#include "riscv/macros.h"

.text
.balign 4
.globl trap_entry, message_slow, saved_slow, trap_exit, from_kernel
.type trap_entry, @function
trap_entry:
	csrrw	sp, sscratch, sp
	sd	t6, FRAME(T6)(sp)
	csrr	t6, scause
	addi	t6, t6, -CAUSE_ECALL_USER
	bnez	t6, fast_fault
	addi	t6, a7, -REPLY_RECV
	beqz	t6, fast_reply_recv
	bgez	a7, fast_route
	addi	t6, t6, -1
	beqz	t6, fast_call
	addi	t6, a7, -COPY
	beqz	t6, copy
	bltz	t6, plain
	addi	t6, t6, COPY - FORWARD
	beqz	t6, fast_forward
	addi	t6, t6, FORWARD - REPLY
	beqz	t6, fast_reply
	j	fast_recv

/* A message call. Its message registers, sp, gp and the thread's tp are as they were, tp is the hart. */
message_slow:
	each	sd, sp, A0, MESSAGE_REGISTERS, GP, T5
	save_sp_pc
	mv	a0, sp
	ld	sp, HART_STACK(tp)
	jal	trap_message
	j	trap_exit

/* A copy comes back at once, to the same thread: C code runs with the arguments where they are. */
copy:	enter_kernel
	csrrw	t0, sscratch, tp
	sd	sp, HART_CURRENT(tp)
	sd	t0, FRAME(SP)(sp)
	ld	sp, HART_STACK(tp)
	jal	sys_copy
	ld	t0, HART_CURRENT(tp)
	csrr	t1, sepc
	ld	sp, FRAME(SP)(t0)
	ld	tp, FRAME(TP)(t0)
	csrw	sscratch, t0
	addi	t1, t1, 4
	csrw	sepc, t1
	clear	11, 12, 13, 14, 15, 16, 17, RA, T0, T1, T2, T3, T4, T5, T6
	sret

plain:	enter_kernel
	each	sd, sp, GP, 10, 11, 12, 13, 14, 15
	save_sp_pc
	mv	a0, sp
	mv	a1, a7
	ld	sp, HART_STACK(tp)
	addi	sp, sp, -16
	sd	a0, 0(sp)
	jal	trap_plain
	ld	t0, 0(sp)
	beq	t0, a0, exit_plain
	each	sd, t0, SAVED_REGISTERS		/* of a thread that has destroyed itself: nobody reads them */
	j	trap_exit

/* All registers are saved. */
saved_slow:
	mv	a0, sp
	ld	sp, HART_STACK(tp)
	jal	trap_full

/* a0: the thread to return to; it is this hart's current one. */
trap_exit:
	lbu	t0, THREAD_KIND(a0)
	beqz	t0, 1f
	addi	t0, t0, -CALL_PLAIN
	beqz	t0, 2f
	mv	s6, a0
	resume_full
1:	each	ld, a0, MESSAGE_REGISTERS
	clear	SAVED_REGISTERS, RA, T5, T6
	j	exit_native
2:	each	ld, a0, SAVED_REGISTERS
exit_plain:
	ld	a1, FRAME(A1)(a0)
	clear	12, 13, 14, 15, 16, 17, RA, T0, T1, T2, T3, T4, T5, T6
exit_native:
	ld	tp, FRAME_PC(a0)
	csrw	sscratch, a0
	csrw	sepc, tp
	each	ld, a0, SP, GP, TP, A0
	sret

from_kernel:
	mv	tp, sp
	csrw	sscratch, tp
	ld	sp, HART_STACK(tp)
	mv	a0, ra
	jal	trap_from_kernel

/* fpu_save(f), fpu_load(f): f0..f31 and fcsr. */
.option push
.option arch, +d
.macro fpu_all operation
	.irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\operation f\number, 8*\number(a0)
	.endr
.endm

.globl fpu_save, fpu_load
fpu_save:
	fpu_all fsd
	frcsr	t0
	sd	t0, 256(a0)
	ret
fpu_load:
	fpu_all fld
	ld	t0, 256(a0)
	fscsr	t0
	ret
.option pop
