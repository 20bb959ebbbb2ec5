/*
 * Offsets that trap.S shares with C; thread.c and schedule.c assert that they agree with the structs.
 * A thread's frame is x[32]: register n at 8 * n, the pc in the place of x0.
 */
#ifndef RISCV_FRAME_H
#define RISCV_FRAME_H

#define FRAME_PC	0
#define FRAME(number)	(8 * (number))
#define THREAD_PARTIAL	256	/* byte: the frame holds a native call's registers only */

#define HART_CURRENT	0
#define HART_STACK	8
#define HART_USER_SP	16

#define STACK_BYTES	8192

/* Register numbers by their names in the calling convention. */
#define RA 1
#define SP 2
#define GP 3
#define TP 4
#define T0 5
#define T1 6
#define T2 7
#define A0 10
#define A6 16
#define A7 17
#define A1 11
#define T3 28
#define T4 29
#define T5 30

#endif
