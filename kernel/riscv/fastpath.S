/*
 * The fast path: a call, a foreign system call or a fault whose receiver waits; reply_recv to one of these, and a forward of a foreign
 * system call, with nothing more to receive; the answer to a foreign system call alone; a recv that waits. Straight-line code that
 * checks everything first; whatever is not the common case goes to the slow path, C code that does the same and more (ipc.c, route.c,
 * fault.c), with nothing changed. The boot argument fast=0 sends everything there.
 *
 * What it never does: capabilities that travel, deadlines, threads with FPU state in the registers, time slices, `fault`.
 *
 * sp: the current thread   tp: the hart   s0: its space   s1, s2, s3, s5: a capability (see the macro)   s6: who runs next   s8: its satp
 * s11: hart->object_entries   s4, s7, s9, s10: scratch; of a forward, t6: the endpoint where the current thread is going to wait, ra: the
 * caller that is handed on. Message registers stay where they are all the way; what is known to be zero is not cleared. There is one
 * hart, so thread->hart is right already.
 */
#include "riscv/macros.h"

#define HELD			3	/* enum thread_state, and call_kind << 8; these are asserted in trap.c */
#define RECEIVING		4
#define ROUTED			0x100
#define FAULT			0x200
#define APART			(1 << 48)
#define LEND_AT			37	/* enum right: its bit in a capability's index and rights */
#define REPLY_MAP		1
#define ACCESSES		0x84	/* execute, read, -, write, for each cause from 12 on: three bits, two bits further each time */
#define ROUTE_BITS		11
#define SLOT_BITS		6

#define SLOT(offset)		(SPACE_SLOT_0 + (offset))

/* SLOT(0)(s1) := a slot of space s0 */
.macro slot number, otherwise
	srli	s1, \number, SLOT_BITS
	bnez	s1, \otherwise
	slli	s1, \number, 5
	add	s1, s1, s0
.endm

/* SLOT(0)(s1): a capability. `load` finds the sign of its right; for RIGHT_SEND, s3 := index and rights. s2 := word, s5 := page. */
#define TO_SEND			ld, CAPABILITY_INDEX
#define TO_RECEIVE		lh, CAPABILITY_RIGHTS
.macro endpoint load, at, otherwise
	\load	s3, SLOT(\at)(s1)
	ld	s2, SLOT(0)(s1)
	ld	s5, SLOT(CAPABILITY_PAGE)(s1)
	bgez	s3, \otherwise
	alive	\otherwise
.endm

/* Is s2 what the object table says about page s5? */
.macro alive otherwise
	srli	s7, s5, OBJECT_ENTRY_SHIFT
	add	s7, s7, s11
	ld	s7, 0(s7)
	bne	s7, s2, \otherwise
.endm

/* s10 := the space of s6, s8 := its satp. It may run now: nobody ready stands higher, it has a space and no deadline, this hart has nothing else to do. */
.macro may_run otherwise
	ld	s4, HART_READY(tp)
	ld	s9, THREAD_LIMIT(s6)
	ld	s10, THREAD_IN_SPACE(s6)
	bgeu	s4, s9, \otherwise
	ld	s8, SPACE_SATP(s10)
	beqz	s8, \otherwise
.endm

/* s6 := who waits at endpoint s5. */
.macro receiver otherwise
	ld	s6, 0(s5)
	beq	s6, s5, \otherwise
	may_run	\otherwise
.endm

/* At endpoint s5 the current thread would find nothing but what comes later. */
.macro may_wait otherwise
	lbu	s7, THREAD_NOTICED(sp)
	ld	s9, ENDPOINT_PENDING(s5)
	or	s7, s7, s9
	bnez	s7, \otherwise
.endm

/* thread := who waits for the answer of token t1 from space s0; s7 := the first half of its condition. Most likely sp serves it. */
.macro caller thread, otherwise
	ld	\thread, THREAD_SERVES(sp)
	srli	s7, \thread, OBJECT_ENTRY_SHIFT
	add	s7, s7, s11
	ld	s7, OBJECT_TOKEN(s7)
	beq	s7, t1, 0f
	token	\thread, \otherwise
0:	held	\thread, \otherwise
.endm

.macro token thread, otherwise
	slli	\thread, t1, 40
	srli	\thread, \thread, 36			/* its place in the object table */
	ld	s9, HART_OBJECT_BYTES(tp)
	ld	s10, HART_OBJECTS(tp)
	bgeu	\thread, s9, \otherwise
	add	s7, \thread, s10
	ld	s7, OBJECT_TOKEN(s7)
	slli	\thread, \thread, OBJECT_ENTRY_SHIFT
	add	\thread, \thread, s10
	bne	s7, t1, \otherwise
.endm

.macro held thread, otherwise
	ld	s9, THREAD_HOLDER(\thread)
	lw	s7, THREAD_CONDITION(\thread)
	bne	s9, s0, \otherwise
.endm

.macro count counter
	ld	s7, \counter(tp)
	addi	s7, s7, 1
	sd	s7, \counter(tp)
.endm

/* The call of `from`, in its new condition, goes through the capability to s6: all but the message registers a0..a7. */
.macro deliver from, condition
	li	s7, \condition
	sd	s7, THREAD_CONDITION(\from)
	sd	s2, THREAD_CALL(\from)
	sd	s3, THREAD_CALL + CAPABILITY_INDEX(\from)
	sd	s10, THREAD_HOLDER(\from)
	sd	\from, THREAD_SERVES(s6)
	ld	s9, THREAD_OBJECT(\from)
	ld	t0, SLOT(CAPABILITY_BADGE)(s1)
	ld	t1, OBJECT_TOKEN(s9)
	ld	t2, THREAD_CALLER(\from)
	lui	s7, 1 << (24 - 12)
	add	t1, t1, s7
	sd	t1, OBJECT_TOKEN(s9)
	ld	s7, 0(s6)			/* the receiver leaves its queue */
	sd	s7, 0(s5)
	sd	s5, 8(s7)
	sd	zero, 0(s6)
	sd	zero, THREAD_CONDITION(s6)	/* ready */
.endm

/* What only a call with a loan needs: it may be delivered again. */
.macro deliver_loan from
	sd	t0, THREAD_CALL + CALL_BADGE(\from)
	sd	zero, THREAD_CALL + CALL_CAPABILITY(\from)
.endm

/* The message of s6 is complete but for t4, a7 and `also`. */
.macro resume_receiver also:vararg
	ld	gp, FRAME_PC(s6)
	csrw	satp, s8
	csrw	sepc, gp
	csrw	sscratch, s6
	ld	gp, FRAME(GP)(s6)
	ld	tp, FRAME(TP)(s6)
	ld	sp, FRAME(SP)(s6)
	clear	SAVED_REGISTERS, A7, T4, \also
	sret
.endm

/* A native caller or server blocks: what its frame keeps. */
.macro save_native
	csrr	s7, sepc
	csrr	s9, sscratch
	addi	s7, s7, 4
	sd	s7, FRAME_PC(sp)
	sd	s9, FRAME(SP)(sp)
	sd	gp, FRAME(GP)(sp)
	sd	t4, FRAME(T4)(sp)
.endm

/* The current thread, which is saved, waits. */
.macro wait endpoint
	li	s9, RECEIVING
	sd	s9, THREAD_CONDITION(sp)
	enqueue	sp, \endpoint
.endm

.macro enqueue thread, head
	ld	s7, 8(\head)
	sd	\head, 0(\thread)
	sd	s7, 8(\thread)
	sd	\thread, 0(s7)
	sd	\thread, 8(\head)
.endm

.macro enter_fast
	ld	s0, THREAD_IN_SPACE(sp)
	ld	s11, HART_OBJECT_ENTRIES(tp)
.endm

.macro fast name
	.globl	\name
	.type	\name, @function
\name:
	enter_kernel
.endm

/* Where 9f leads. */
.macro slow name, where
9:	j	\where
	.size	\name, . - \name
.endm

.text
fast fast_call
	enter_fast
	bnez	t3, 9f
	bltz	a6, 9f
	slot	t0, 9f
	endpoint TO_SEND, 9f
	receiver 9f
	/* Nothing below may fail. */
	save_native
	count	HART_FAST_CALLS
	deliver	sp, HELD
	slli	s7, s3, 63 - LEND_AT
	bgez	s7, 1f
	deliver_loan sp
	each	sd, sp, 10, 11, 12, 13, 14, 15, 16
1:	resume_receiver RA, T5
slow fast_call, message_slow

fast fast_route
	each	sd, sp, A0, MESSAGE_REGISTERS, SAVED_REGISTERS, RA, GP, T5
	save_sp_pc
	enter_fast
	ld	s2, SPACE_ROUTE_WORD(s0)
	ld	s5, SPACE_ROUTE_PAGE(s0)
	alive	9f
	srli	s7, a7, ROUTE_BITS
	bnez	s7, 9f
	slli	s7, a7, 1
	add	s5, s5, s7
	lhu	s7, 0(s5)
	slot	s7, 9f
	endpoint TO_SEND, 9f
	receiver 9f
	/* Nothing below may fail. */
	addi	t1, t1, 4			/* behind the ecall */
	sd	t1, FRAME_PC(sp)
	mv	a6, a7
	count	HART_FAST_CALLS + 8
	deliver	sp, HELD | ROUTED
	deliver_loan sp
	resume_receiver RA, T3, T5, T6
slow fast_route, saved_slow

fast fast_fault	/* t6: the cause - CAUSE_ECALL_USER */
	beqz	tp, from_kernel
	each	sd, sp, A0, MESSAGE_REGISTERS, SAVED_REGISTERS, RA, GP, T5
	save_sp_pc
	enter_fast
	addi	t6, t6, -4
	li	s7, 4
	bgeu	t6, s7, 9f			/* no page fault */
	addi	s1, sp, THREAD_FAULT_ENDPOINT - SLOT(0)
	endpoint TO_SEND, 9f
	receiver 9f
	li	s7, ACCESSES
	slli	t6, t6, 1
	srl	s7, s7, t6
	csrr	a1, stval
	andi	a2, s7, 7
	sd	a1, THREAD_FAULT_ADDRESS(sp)
	sd	a2, THREAD_FAULT_ACCESS(sp)
	mv	s7, sp
	mv	a0, s0
	ld	sp, HART_STACK(tp)
	jal	fault_is_stale
	mv	sp, s7
	bnez	a0, 9f
	/* Nothing below may fail. */
	ld	a0, THREAD_FAULT_ADDRESS(sp)
	ld	a1, THREAD_FAULT_ACCESS(sp)
	ld	a2, FRAME_PC(sp)
	count	HART_FAST_CALLS + 16
	deliver	sp, HELD | FAULT
	clear	13, 14, 15
	li	a6, 1
	slli	a6, a6, 63
	addi	a6, a6, 1
	resume_receiver RA, T3, T5, T6
slow fast_fault, saved_slow

fast fast_reply_recv
	or	t6, t3, t5
	bnez	t6, 9f
	enter_fast
	slot	t0, 9f
	endpoint TO_RECEIVE, 9f
	may_wait 9f
	caller	s6, 9f
	may_run	9f
	addi	ra, s7, -HELD
	bnez	ra, .Lreply_full
	bnez	t2, 9f
	/* Nothing below may fail. */
	save_native
	sd	zero, THREAD_CONDITION(s6)
	wait	s5
	resume_receiver T0, T1

.Lreply_full:	/* the caller has all its registers; ra: its condition when it is ready */
	addi	s7, ra, -ROUTED
	bnez	s7, .Lreply_fault
	bnez	t2, 9f
	/* Nothing below may fail. */
	sd	a0, FRAME(A0)(s6)
	save_native
1:	sd	ra, THREAD_CONDITION(s6)
	wait	s5
	csrw	satp, s8
	resume_full

.Lreply_fault:
	addi	s7, s7, -(FAULT - ROUTED)
	bnez	s7, 9f
	addi	t6, t2, -REPLY_MAP
	bnez	t6, 9f
	save_native
	csrw	sscratch, tp
	mv	s2, sp
	mv	a4, sp
	mv	a5, s6
	ld	sp, HART_STACK(tp)
	jal	fault_answer_map		/* a0..a3: the map item */
	mv	sp, s2
	bnez	a0, 8f
	/* Nothing below may fail. */
	li	ra, FAULT
	j	1b
8:	ld	s9, FRAME(SP)(sp)		/* for the slow path, which says what is wrong */
	ld	s10, THREAD_OBJECT(s6)
	csrw	sscratch, s9
	each	ld, sp, 10, 11, 12, 13, T4
	sub	t0, s1, s0
	srli	t0, t0, 5
	ld	t1, OBJECT_TOKEN(s10)
	li	t2, REPLY_MAP
	clear	T3, T5
	li	a7, REPLY_RECV
slow fast_reply_recv, message_slow

/* A foreign system call is handed on to s6. */
fast fast_forward
	or	t6, t3, t5
	bnez	t6, 9f
	bltz	a6, 9f
	enter_fast
	slot	t2, 9f
	endpoint TO_RECEIVE, 9f
	may_wait 9f
	mv	t6, s5
	caller	ra, 9f
	addi	s7, s7, -(HELD | ROUTED)
	bnez	s7, 9f
	slot	t0, 9f
	endpoint TO_SEND, 9f
	receiver 9f
	/* Nothing below may fail. */
	lw	s4, THREAD_CALL + CAPABILITY_RIGHTS(ra)
	srli	s7, s3, 32
	and	s4, s4, s7			/* a loan once lost does not come back */
	count	HART_FAST_FORWARDS
	deliver	ra, HELD | ROUTED | APART
	sw	s4, THREAD_CALL + CAPABILITY_RIGHTS(ra)
	deliver_loan ra
	addi	s9, ra, THREAD_CALL + CALL_MESSAGE - FRAME(A0)
	each	sd, s9, 10, 11, 12, 13, 14, 15, 16
	save_native
	wait	t6
	resume_receiver RA, T6
slow fast_forward, message_slow

/* The caller of a foreign system call becomes ready, the server goes on: its priority is not lower, and the time slice runs already. */
fast fast_reply
	or	t6, t2, t3
	bnez	t6, 9f
	ld	s0, THREAD_IN_SPACE(sp)
	token	s6, 9f
	held	s6, 9f
	addi	s7, s7, -(HELD | ROUTED)
	bnez	s7, 9f
	ld	s1, HART_READY(tp)
	ld	s2, THREAD_LIMIT(sp)
	lbu	s3, THREAD_PRIORITY_AT(s6)
	ld	s4, HART_TICK(tp)
	ld	s5, THREAD_IN_SPACE(s6)
	li	s7, 1
	sll	s7, s7, s3
	bgeu	s1, s2, 9f
	bgeu	s7, s2, 9f			/* higher than the server */
	beqz	s4, 9f
	beqz	s5, 9f
	/* Nothing below may fail. */
	li	s9, ROUTED
	sd	s9, THREAD_CONDITION(s6)
	sd	a0, FRAME(A0)(s6)
	or	s1, s1, s7
	sw	s1, HART_READY(tp)
	slli	s3, s3, 4
	add	s3, s3, tp
	addi	s3, s3, HART_QUEUES
	enqueue	s6, s3
	csrr	s7, sepc
	ld	tp, FRAME(TP)(sp)
	addi	s7, s7, 4
	csrw	sepc, s7
	csrrw	sp, sscratch, sp
	clear	A0, MESSAGE_REGISTERS, SAVED_REGISTERS, RA, T5, T6
	sret
slow fast_reply, message_slow

/* Nothing is there, and the scheduler says who is next. */
fast fast_recv
	bnez	t5, 9f
	enter_fast
	slot	t0, 9f
	endpoint TO_RECEIVE, 9f
	may_wait 9f
	ld	s1, HART_READY(tp)
	ld	s2, THREAD_LIMIT(sp)
	ld	s3, SPACE_RECEIVED(s0)
	bgeu	s1, s2, 9f
	beqz	s3, 9f
	/* Nothing below may fail. */
	save_native
	wait	s5
	mv	a0, sp
	csrw	sscratch, tp
	ld	sp, HART_STACK(tp)
	jal	trap_waits
	j	trap_exit
slow fast_recv, message_slow
