/*
 * Entry of every server: a0 = struct start_info (struct boot_info for init), sp = end of the stack. .bss is zero already.
 * The section comes first in the image: the kernel enters init's flat image at its first byte.
 */
	.section .text.start, "ax", @progbits
	.globl _start
_start:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	mv	tp, zero
	mv	s0, zero
	mv	ra, zero
	call	server_main
1:	ebreak
	j	1b

	.section .note.GNU-stack, "", @progbits
