/*
 * What trap.S and fastpath.S share: how registers are saved, restored and cleared. Only for assembly. C functions are called with jal:
 * call is shortened by the linker, but not the lengths that gas has noted for debuggers, so that a file's end would hide the next one's start.
 */
#include "riscv/frame.h"

#define CAUSE_ECALL_USER	8
#define REPLY_RECV		-2	/* numbers of kernel calls: abi/kernel.h */
#define REPLY			-4
#define FORWARD			-5
#define COPY			-6	/* the message calls are those above it */
#define CALL_PLAIN		4	/* enum call_kind */

#define MESSAGE_REGISTERS	5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 28, 29
#define SAVED_REGISTERS		8, 9, 18, 19, 20, 21, 23, 24, 25, 26, 27, 22	/* s6 last: resume_full */

/* `operation` (sd, ld) for some registers and their places in the frame at `base`. */
.macro each operation, base, numbers:vararg
	.irp number, \numbers
	\operation x\number, FRAME(\number)(\base)
	.endr
.endm

.macro enter_kernel
	sd	tp, FRAME(TP)(sp)
	ld	tp, THREAD_HART(sp)
.endm

.macro clear numbers:vararg
	.irp number, \numbers
	li	x\number, 0
	.endr
.endm

/* The user's sp and pc; from now on a trap is one from the kernel. Changes t0 and t1. */
.macro save_sp_pc
	csrrw	t0, sscratch, tp
	csrr	t1, sepc
	sd	t0, FRAME(SP)(sp)
	sd	t1, FRAME_PC(sp)
.endm

/*
 * s6: the thread to return to, with all registers. If it was stopped between lr and sc, others have run since: its sc must fail, so the
 * reservation is given up by storing what is there already, a null link (RISC-V unprivileged manual, "Load-Reserved/Store-Conditional").
 */
.macro resume_full
	ld	t0, FRAME_PC(s6)
	sc.d	zero, zero, (s6)
	csrw	sscratch, s6
	csrw	sepc, t0
	each	ld, s6, A0, MESSAGE_REGISTERS, RA, SP, GP, TP, T5, T6, SAVED_REGISTERS
	sret
.endm
