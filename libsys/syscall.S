/*
 * The stubs behind syscall.h. A native call keeps only sp, gp and tp, so each stub saves the callee-saved registers
 * that the C compiler relies on; the message registers are loaded from and stored to struct message.
 */
#include "kernel_numbers.h"

.macro save
	addi	sp, sp, -128
	sd	ra, 0(sp)
	sd	s0, 8(sp)
	sd	s1, 16(sp)
	sd	s2, 24(sp)
	sd	s3, 32(sp)
	sd	s4, 40(sp)
	sd	s5, 48(sp)
	sd	s6, 56(sp)
	sd	s7, 64(sp)
	sd	s8, 72(sp)
	sd	s9, 80(sp)
	sd	s10, 88(sp)
	sd	s11, 96(sp)
.endm

.macro restore
	ld	ra, 0(sp)
	ld	s0, 8(sp)
	ld	s1, 16(sp)
	ld	s2, 24(sp)
	ld	s3, 32(sp)
	ld	s4, 40(sp)
	ld	s5, 48(sp)
	ld	s6, 56(sp)
	ld	s7, 64(sp)
	ld	s8, 72(sp)
	ld	s9, 80(sp)
	ld	s10, 88(sp)
	ld	s11, 96(sp)
	addi	sp, sp, 128
.endm

/* Message at 104(sp): load the registers that are sent. t0 and t1 hold slot and token already. */
.macro load_message
	ld	s0, 104(sp)
	ld	a0, 0(s0)
	ld	a1, 8(s0)
	ld	a2, 16(s0)
	ld	a3, 24(s0)
	ld	a4, 32(s0)
	ld	a5, 40(s0)
	ld	a6, 48(s0)
	ld	t3, 80(s0)
	ld	t4, 88(s0)
	ld	t5, 104(s0)
	ld	t2, 112(s0)
	sd	zero, 112(s0)
.endm

.macro trap_and_finish number
	li	a7, \number
	ecall
	ld	s0, 104(sp)
	bltz	a7, 1f
	sd	a0, 0(s0)
	sd	a1, 8(s0)
	sd	a2, 16(s0)
	sd	a3, 24(s0)
	sd	a4, 32(s0)
	sd	a5, 40(s0)
	sd	a6, 48(s0)
	sd	t0, 56(s0)
	sd	t1, 64(s0)
	sd	t2, 72(s0)
	sd	t3, 80(s0)
	sd	t4, 96(s0)
1:	mv	a0, a7
	restore
	ret
.endm

/* Replies and forwards deliver nothing: only the outcome comes back, the message stays. */
.macro trap_and_return number
	li	a7, \number
	ecall
	mv	a0, a7
	restore
	ret
.endm

.globl ipc_call
ipc_call:	/* (slot, message) */
	save
	sd	a1, 104(sp)
	mv	t0, a0
	li	t1, 0
	load_message
	trap_and_finish NUMBER_ipc_call

.globl ipc_recv
ipc_recv:	/* (endpoint, message) */
	save
	sd	a1, 104(sp)
	mv	t0, a0
	li	t1, 0
	load_message
	trap_and_finish NUMBER_ipc_recv

.globl ipc_reply
ipc_reply:	/* (token, message) */
	save
	sd	a1, 104(sp)
	mv	t1, a0
	li	t0, 0
	load_message
	trap_and_return NUMBER_ipc_reply

.globl ipc_reply_recv
ipc_reply_recv:	/* (token, endpoint, message) */
	save
	sd	a2, 104(sp)
	mv	t1, a0
	mv	t0, a1
	load_message
	trap_and_finish NUMBER_ipc_reply_recv

.globl ipc_forward
ipc_forward:	/* (token, slot, message) */
	save
	sd	a2, 104(sp)
	mv	t1, a0
	mv	t0, a1
	load_message
	li	t2, 0
	trap_and_return NUMBER_ipc_forward

.globl ipc_forward_recv
ipc_forward_recv:	/* (token, slot, endpoint, message) */
	save
	sd	a3, 104(sp)
	mv	t1, a0
	mv	t0, a1
	mv	s1, a2
	load_message
	mv	t2, s1
	trap_and_finish NUMBER_ipc_forward

.globl syscall6
syscall6:	/* (number, six arguments): struct result in a0, a1 */
	save
	mv	t0, a0
	mv	a0, a1
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	mv	a4, a5
	mv	a5, a6
	mv	a7, t0
	ecall
	restore
	ret
