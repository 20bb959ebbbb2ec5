/* Entry, and the calls that C cannot make: every register before and after an ecall, and the FPU's. */
	.section .text.start, "ax", @progbits
	.globl _start
_start:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	call	test_main
1:	ebreak
	j	1b

	.text
	.globl raw_call
raw_call:	/* (x[32]): tp, which the kernel keeps, points to x meanwhile */
	addi	sp, sp, -128
	sd	ra, 0(sp)
	sd	tp, 8(sp)
	.irp	number, 0,1,2,3,4,5,6,7,8,9,10,11
	sd	s\number, 16+8*\number(sp)
	.endr
	mv	tp, a0
	.irp	number, 1,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	ld	x\number, 8*\number(tp)
	.endr
	ecall
	.irp	number, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	sd	x\number, 8*\number(tp)
	.endr
	ld	ra, 0(sp)
	ld	tp, 8(sp)
	.irp	number, 0,1,2,3,4,5,6,7,8,9,10,11
	ld	s\number, 16+8*\number(sp)
	.endr
	addi	sp, sp, 128
	ret

	.option push
	.option arch, +d
	.globl fpu_fill
fpu_fill:	/* (seed): fN = seed + N, rounding mode = seed & 3 */
	.irp	number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	addi	t0, a0, \number
	fmv.d.x	f\number, t0
	.endr
	andi	t0, a0, 3
	fsrm	t0
	ret

	.globl fpu_mismatch
fpu_mismatch:	/* (seed): what of it is no longer so, or-ed */
	mv	t2, a0
	frrm	a0
	andi	t0, t2, 3
	xor	a0, a0, t0
	.irp	number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	addi	t0, t2, \number
	fmv.x.d	t1, f\number
	xor	t0, t0, t1
	or	a0, a0, t0
	.endr
	ret
	.option pop

	.section .note.GNU-stack, "", @progbits
