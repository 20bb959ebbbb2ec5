/*
 * The way into the kernel and out of it. sscratch holds this hart's struct while a user runs, and zero in the kernel. Traps
 * only come from user mode; one from the kernel is a panic.
 *
 * A native call saves only what a native call keeps and says: sp, gp, tp, pc and the message registers. Everything else
 * saves all 31 registers. The way out restores what the way in of that thread saved, and clears the rest after a native call.
 */
#include "riscv/frame.h"

#define CAUSE_ECALL_USER 8

/* `operation` (sd, ld) for some registers and their places in the frame at `base`. */
.macro each operation, base, numbers:vararg
	.irp number, \numbers
	\operation x\number, FRAME(\number)(\base)
	.endr
.endm

#define MESSAGE_REGISTERS	5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 28, 29
#define OTHER_REGISTERS		1, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27

/* sp: thread, tp: hart. Saves what every way in saves; the user's sp and tp are in hart and sscratch. */
.macro save_common
	each	sd, sp, MESSAGE_REGISTERS, 3, 10, 30
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

1:	save_common
	each	sd, sp, OTHER_REGISTERS
	sb	zero, THREAD_PARTIAL(sp)
	mv	a0, sp
	ld	sp, HART_STACK(tp)
	call	trap_full
	j	trap_exit

native:
	save_common
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
	bnez	t0, 1f
	each	ld, a0, OTHER_REGISTERS, MESSAGE_REGISTERS, 30, 31, 2, 3, 4, 10
	sret
1:	.irp number, 1, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31
	li	x\number, 0
	.endr
	each	ld, a0, MESSAGE_REGISTERS, 2, 3, 4, 10
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
