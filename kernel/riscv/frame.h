/*
 * Offsets that trap.S and fastpath.S share with C; layout.c asserts that they agree with the structs.
 * A thread's frame is x[32]: register n, and the pc in the place of x0.
 */
#ifndef RISCV_FRAME_H
#define RISCV_FRAME_H

#define FRAME_PC		16
#define FRAME(number)		(FRAME_PC + 8 * (number))

#define THREAD_CONDITION	536	/* eight bytes: thread.h */
#define THREAD_KIND		537
#define THREAD_LIMIT		544
#define THREAD_IN_SPACE		552
#define THREAD_HOLDER		560
#define THREAD_CALLER		568	/* identity */
#define THREAD_HART		576
#define THREAD_OBJECT		584
#define THREAD_SERVES		592
#define THREAD_NOTICED		600
#define THREAD_PRIORITY_AT	601
#define THREAD_FAULT_ADDRESS	608
#define THREAD_FAULT_ACCESS	616
#define THREAD_FAULT_ENDPOINT	624
#define THREAD_CALL		768

#define CALL_BADGE		16
#define CALL_CAPABILITY		24
#define CALL_MESSAGE		56

#define CAPABILITY_INDEX	8	/* word: 0; index and rights together are eight bytes */
#define CAPABILITY_RIGHTS	12
#define CAPABILITY_BADGE	16
#define CAPABILITY_PAGE		24

#define OBJECT_TOKEN		8
#define OBJECT_ENTRY_SHIFT	8	/* a page's address to that of its entry in the object table, but for hart->object_entries */

#define SPACE_SATP		0
#define SPACE_ROUTE_WORD	8
#define SPACE_ROUTE_PAGE	24
#define SPACE_RECEIVED		72
#define SPACE_SLOT_0		80

#define ENDPOINT_PENDING	48	/* receivers: 0 */

#define HART_STACK		0
#define HART_READY		8
#define HART_OBJECTS		16
#define HART_OBJECT_BYTES	24
#define HART_OBJECT_ENTRIES	32
#define HART_CURRENT		40
#define HART_TICK		48
#define HART_QUEUES		56
#define HART_FAST_CALLS		584	/* by kind */
#define HART_FAST_FORWARDS	608

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
#define T6 31

#endif
