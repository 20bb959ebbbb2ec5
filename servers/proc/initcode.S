/*
 * The first program: opens the console as descriptors 0, 1 and 2 and becomes the shell. proc copies it to INITCODE_BASE and
 * sets s0 = "/dev/console", s1 = the shell's path, s2 = its arguments, s3 = its environment. It must not need more than
 * struct initpage's code field and knows no address.
 */
#define NUMBER_dup	23
#define NUMBER_openat	56
#define NUMBER_exit	93
#define NUMBER_execve	221
#define AT_CURRENT	-100
#define OPEN_READ_WRITE	2

	.section .rodata
	.balign 4
	.option push
	.option norvc
	.globl initcode_start
initcode_start:
	li	a0, AT_CURRENT
	mv	a1, s0
	li	a2, OPEN_READ_WRITE
	li	a7, NUMBER_openat
	ecall
	li	a0, 0
	li	a7, NUMBER_dup
	ecall
	li	a0, 0
	li	a7, NUMBER_dup
	ecall
	mv	a0, s1
	mv	a1, s2
	mv	a2, s3
	li	a7, NUMBER_execve
	ecall
	li	a0, 1
	li	a7, NUMBER_exit
	ecall
	.globl initcode_end
initcode_end:
	.option pop

	.section .note.GNU-stack, "", @progbits
