/*
 * The way into the kernel and out of it. sscratch holds this hart's struct while a user runs, and zero in the kernel. Traps
 * only come from user mode; one from the kernel is a panic.
 *
 * A native call saves only what a native call keeps and says: sp, gp, tp, pc and the message registers. Everything else
 * saves all 31 registers. The way out restores what the way in of that thread saved, and clears the rest after a native call.
 */
#include "riscv/frame.h"

#define CAUSE_ECALL_USER 8

.macro save_message_registers
	sd	t0, FRAME(T0)(sp)
	sd	t1, FRAME(T1)(sp)
	sd	t2, FRAME(T2)(sp)
	sd	a0, FRAME(A0)(sp)
	sd	a1, FRAME(11)(sp)
	sd	a2, FRAME(12)(sp)
	sd	a3, FRAME(13)(sp)
	sd	a4, FRAME(14)(sp)
	sd	a5, FRAME(15)(sp)
	sd	a6, FRAME(A6)(sp)
	sd	a7, FRAME(A7)(sp)
	sd	t3, FRAME(T3)(sp)
	sd	t4, FRAME(T4)(sp)
	sd	t5, FRAME(T5)(sp)
.endm

/* The registers that every way in saves. sp: thread, tp: hart; sp and tp of the user are in hart and sscratch. */
.macro save_kept_registers
	sd	gp, FRAME(GP)(sp)
	ld	t0, HART_USER_SP(tp)
	csrrw	t1, sscratch, zero
	csrr	t2, sepc
	sd	t0, FRAME(SP)(sp)
	sd	t1, FRAME(TP)(sp)
	sd	t2, FRAME_PC(sp)
.endm

.text
.balign 4
.globl trap_entry
trap_entry:
	csrrw	tp, sscratch, tp
	beqz	tp, from_kernel
	sd	sp, HART_USER_SP(tp)
	ld	sp, HART_CURRENT(tp)
	sd	t6, FRAME(31)(sp)
	csrr	t6, scause
	addi	t6, t6, -CAUSE_ECALL_USER
	bnez	t6, 1f
	bltz	a7, native

1:	save_message_registers
	sd	ra, FRAME(RA)(sp)
	sd	s0, FRAME(8)(sp)
	sd	s1, FRAME(9)(sp)
	sd	s2, FRAME(18)(sp)
	sd	s3, FRAME(19)(sp)
	sd	s4, FRAME(20)(sp)
	sd	s5, FRAME(21)(sp)
	sd	s6, FRAME(22)(sp)
	sd	s7, FRAME(23)(sp)
	sd	s8, FRAME(24)(sp)
	sd	s9, FRAME(25)(sp)
	sd	s10, FRAME(26)(sp)
	sd	s11, FRAME(27)(sp)
	save_kept_registers
	sb	zero, THREAD_PARTIAL(sp)
	mv	a0, sp
	ld	sp, HART_STACK(tp)
	call	trap_full
	j	trap_exit

native:
	save_message_registers
	save_kept_registers
	li	t0, 1
	sb	t0, THREAD_PARTIAL(sp)
	mv	a0, sp
	ld	sp, HART_STACK(tp)
	call	trap_native

/* a0: the thread to return to; it is this hart's current one. */
.globl trap_exit
trap_exit:
	lbu	t0, THREAD_PARTIAL(a0)
	ld	t1, FRAME_PC(a0)
	csrw	sscratch, tp
	csrw	sepc, t1
	ld	sp, FRAME(SP)(a0)
	ld	gp, FRAME(GP)(a0)
	ld	tp, FRAME(TP)(a0)
	beqz	t0, 1f

	ld	t0, FRAME(T0)(a0)
	ld	t1, FRAME(T1)(a0)
	ld	t2, FRAME(T2)(a0)
	ld	t3, FRAME(T3)(a0)
	ld	t4, FRAME(T4)(a0)
	li	t5, 0
	li	t6, 0
	li	ra, 0
	li	s0, 0
	li	s1, 0
	li	s2, 0
	li	s3, 0
	li	s4, 0
	li	s5, 0
	li	s6, 0
	li	s7, 0
	li	s8, 0
	li	s9, 0
	li	s10, 0
	li	s11, 0
	j	2f

1:	ld	ra, FRAME(RA)(a0)
	ld	t0, FRAME(T0)(a0)
	ld	t1, FRAME(T1)(a0)
	ld	t2, FRAME(T2)(a0)
	ld	s0, FRAME(8)(a0)
	ld	s1, FRAME(9)(a0)
	ld	s2, FRAME(18)(a0)
	ld	s3, FRAME(19)(a0)
	ld	s4, FRAME(20)(a0)
	ld	s5, FRAME(21)(a0)
	ld	s6, FRAME(22)(a0)
	ld	s7, FRAME(23)(a0)
	ld	s8, FRAME(24)(a0)
	ld	s9, FRAME(25)(a0)
	ld	s10, FRAME(26)(a0)
	ld	s11, FRAME(27)(a0)
	ld	t3, FRAME(T3)(a0)
	ld	t4, FRAME(T4)(a0)
	ld	t5, FRAME(T5)(a0)
	ld	t6, FRAME(31)(a0)

2:	ld	a1, FRAME(11)(a0)
	ld	a2, FRAME(12)(a0)
	ld	a3, FRAME(13)(a0)
	ld	a4, FRAME(14)(a0)
	ld	a5, FRAME(15)(a0)
	ld	a6, FRAME(A6)(a0)
	ld	a7, FRAME(A7)(a0)
	ld	a0, FRAME(A0)(a0)
	sret

from_kernel:
	csrrw	tp, sscratch, tp
	lla	sp, harts
	ld	sp, HART_STACK(sp)
	mv	a0, ra
	call	trap_from_kernel

/* fpu_save(f), fpu_load(f): f0..f31 and fcsr. */
.option push
.option arch, +d
.macro fpu_all operation
	.irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\operation f\number, 8*\number(a0)
	.endr
.endm

.globl fpu_save
fpu_save:
	fpu_all fsd
	frcsr	t0
	sd	t0, 256(a0)
	ret

.globl fpu_load
fpu_load:
	fpu_all fld
	ld	t0, 256(a0)
	fscsr	t0
	ret
.option pop
