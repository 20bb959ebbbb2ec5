/*
 * The first instructions. OpenSBI enters at KERNEL_PHYSICAL in S-mode without paging: a0 hart id, a1 physical address of the device
 * tree. Load a table that shows the GiB of the kernel at DIRECT_BASE (and, for one jump, where it is), clear .bss,
 * go to C. sv39.c makes the table show all of memory, carefully. Also here: init's flat image.
 */
#include "riscv/frame.h"
#include "riscv/layout.h"

#define LEAF_ALL	0xcf		/* D A X W R V */
#define GIB_STEP	0x10000000	/* 1 GiB in an entry's frame number */
#define KERNEL_GIB	(KERNEL_PHYSICAL >> 30)
#define SATP_SV39	8

.section .text.entry, "ax"
.globl _start
_start:
	csrr	s2, instret
	mv	s0, a0
	mv	s1, a1

	lla	t0, boot_root
	srli	t0, t0, 12
	li	t1, SATP_SV39
	slli	t1, t1, 60
	or	t0, t0, t1
	sfence.vma
	csrw	satp, t0
	sfence.vma

	lla	t0, 1f
	li	t1, DIRECT_BASE
	add	t0, t0, t1
	jr	t0

1:	lla	t0, kernel_bss
	lla	t1, kernel_end
2:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 2b

	lla	tp, harts
	lla	sp, boot_stack_top
	sd	sp, HART_STACK(tp)
	lla	t0, trap_entry
	csrw	stvec, t0
	csrw	sscratch, tp
	mv	a0, s0
	mv	a1, s1
	mv	a2, s2
	call	kernel_main
	j	trap_exit

/* Not in .bss: it is in use before that is cleared. */
.data
.balign 4096
.globl boot_root
boot_root:
	.skip 8 * KERNEL_GIB
	.quad KERNEL_GIB * GIB_STEP + LEAF_ALL	/* this code, where it is */
	.skip 2048 - 8
	.quad KERNEL_GIB * GIB_STEP + LEAF_ALL
	.skip 2048 - 8 * (KERNEL_GIB + 1)

.section .bss.stack, "aw", @nobits
.balign 4096
.globl stack_guard
stack_guard:
	.skip 4096
	.skip STACK_BYTES
boot_stack_top:

.section .rodata
.balign 8
.globl init_image, init_image_end
init_image:
	.incbin "init.bin"
init_image_end:
	.byte 0
