/*
 * Offsets that trap.S and fastpath.S share with C.
 * A thread's frame is x[32]: register n, and the pc in the place of x0.
 */
#ifndef RISCV_FRAME_H
#define RISCV_FRAME_H

#define FRAME_PC		16
#define FRAME(number)		(FRAME_PC + 8 * (number))

/* X(name in assembly, offset, struct, field); trap.c asserts that they agree with the structs. */
#define FRAME_LIST(X) \
	X(THREAD_CONDITION, 536, thread, state)	/* eight bytes: thread.h */ \
	X(THREAD_KIND, 537, thread, kind) \
	X(THREAD_LIMIT, 544, thread, limit) \
	X(THREAD_HOLDER, 552, thread, holder) \
	X(THREAD_IN_SPACE, 560, thread, space) \
	X(THREAD_CALLER, 568, thread, identity)	/* identity */ \
	X(THREAD_HART, 576, thread, hart) \
	X(THREAD_OBJECT, 584, thread, object) \
	X(THREAD_SERVES, 592, thread, serves) \
	X(THREAD_NOTICED, 600, thread, noticed) \
	X(THREAD_PRIORITY_AT, 601, thread, priority) \
	X(THREAD_FAULT_ADDRESS, 608, thread, fault_address) \
	X(THREAD_FAULT_ACCESS, 616, thread, fault_access) \
	X(THREAD_FAULT_ENDPOINT, 624, thread, fault_endpoint) \
	X(THREAD_CALL, 768, thread, call) \
	X(CALL_BADGE, 16, call, badge) \
	X(CALL_CAPABILITY, 24, call, capability) \
	X(CALL_MESSAGE, 56, call, message) \
	X(CAPABILITY_INDEX, 8, capability, index)	/* word: 0; index and rights together are eight bytes */ \
	X(CAPABILITY_RIGHTS, 12, capability, rights) \
	X(CAPABILITY_BADGE, 16, capability, badge) \
	X(CAPABILITY_PAGE, 24, capability, page) \
	X(OBJECT_TOKEN, 8, object, token) \
	X(SPACE_SATP, 0, space, satp) \
	X(SPACE_ROUTE_WORD, 8, space, route) \
	X(SPACE_ROUTE_PAGE, 24, space, route_page) \
	X(SPACE_RECEIVED, 88, space, received) \
	X(SPACE_SLOT_0, 96, space, slots) \
	X(ENDPOINT_PENDING, 48, endpoint, pending)	/* receivers: 0 */ \
	X(HART_STACK, 0, hart, stack) \
	X(HART_READY, 8, hart, ready_mask) \
	X(HART_OBJECTS, 16, hart, objects) \
	X(HART_OBJECT_BYTES, 24, hart, object_bytes) \
	X(HART_OBJECT_ENTRIES, 32, hart, object_entries) \
	X(HART_CURRENT, 40, hart, current) \
	X(HART_TICK, 48, hart, tick) \
	X(HART_QUEUES, 56, hart, ready) \
	X(HART_FAST_CALLS, 584, hart, counters.ipc_calls)	/* by kind */ \
	X(HART_FAST_FORWARDS, 608, hart, counters.ipc_forwards)

#ifdef __ASSEMBLER__
#define X(name, offset, type, field) .equ name, offset ;
FRAME_LIST(X)
#undef X
#endif

#define OBJECT_ENTRY_SHIFT	8	/* a page's address to that of its entry in the object table, but for hart->object_entries */
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
