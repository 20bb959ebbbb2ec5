/*
 * The two shapes of a native call as instructions. A plain call keeps s0..s11 like any C function. A message call keeps only sp, gp
 * and tp: the compiler then saves what is alive, which in an event loop is next to nothing, and fields of a message that is
 * never looked at as a whole stay in registers. Only for syscall.h.
 */
#ifndef LIBSYS_ECALL_H
#define LIBSYS_ECALL_H

static inline struct result syscall6(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	register uint64_t a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a3 __asm__("a3") = d;
	register uint64_t a4 __asm__("a4") = e, a5 __asm__("a5") = f, a7 __asm__("a7") = (uint64_t)number;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a7) : :
			 "ra", "a6", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
	return (struct result){ (long)a0, (long)a1 };
}

/* For a register that the call does not look at: whatever is in it. */
static inline uint64_t any(void)
{
	uint64_t value;

	__asm__ volatile("" : "=r"(value));	/* volatile: not twice the same */
	return value;
}

enum message_call { CALLS = 1, SENDS = 2, RECEIVES = 4 };	/* which fields it looks at */

/* If it calls or receives, what comes back is a message; else only the outcome comes back, and the message stays. */
static inline __attribute__((always_inline)) long message_call(long number, unsigned does, uint64_t slot, uint64_t token, uint64_t option,
							       struct message *message)
{
	_Bool sends = does & (CALLS | SENDS), delivers = does & (CALLS | RECEIVES);
	register uint64_t a0 __asm__("a0") = sends ? message->word[0] : any(), a1 __asm__("a1") = sends ? message->word[1] : any();
	register uint64_t a2 __asm__("a2") = sends ? message->word[2] : any(), a3 __asm__("a3") = sends ? message->word[3] : any();
	register uint64_t a4 __asm__("a4") = sends ? message->word[4] : any(), a5 __asm__("a5") = sends ? message->word[5] : any();
	register uint64_t a6 __asm__("a6") = sends ? message->label : any(), a7 __asm__("a7") = (uint64_t)number;
	register uint64_t t0 __asm__("t0") = slot, t1 __asm__("t1") = token, t2 __asm__("t2") = option;
	register uint64_t t3 __asm__("t3") = sends ? message->capability : any();
	register uint64_t t4 __asm__("t4") = delivers ? message->receive_slot : any();
	register uint64_t t5 __asm__("t5") = does & RECEIVES ? message->deadline : any();

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(a7), "+r"(t0), "+r"(t1),
			 "+r"(t2), "+r"(t3), "+r"(t4), "+r"(t5) : :
			 "ra", "t6", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
	message->flags = 0;
	if (delivers) {
		message->word[0] = a0, message->word[1] = a1, message->word[2] = a2;
		message->word[3] = a3, message->word[4] = a4, message->word[5] = a5;
		message->label = a6;
		message->badge = t0;
		message->token = t1;
		message->identity = t2;
		message->capability = t3;
		message->address = t4;
	}
	return (long)a7;
}

static inline long ipc_call(uint64_t slot, struct message *message)
{
	return message_call(SYS_ipc_call, CALLS, slot, any(), any(), message);
}

static inline long ipc_recv(uint64_t endpoint, struct message *message)
{
	return message_call(SYS_ipc_recv, RECEIVES, endpoint, any(), any(), message);
}

static inline long ipc_reply(uint64_t token, struct message *message)
{
	return message_call(SYS_ipc_reply, SENDS, any(), token, message->flags, message);
}

static inline long ipc_reply_recv(uint64_t token, uint64_t endpoint, struct message *message)
{
	return message_call(SYS_ipc_reply_recv, SENDS | RECEIVES, endpoint, token, message->flags, message);
}

static inline long ipc_forward(uint64_t token, uint64_t slot, struct message *message)
{
	return message_call(SYS_ipc_forward, SENDS, slot, token, 0, message);
}

static inline long ipc_forward_recv(uint64_t token, uint64_t slot, uint64_t endpoint, struct message *message)
{
	return message_call(SYS_ipc_forward, SENDS | RECEIVES, slot, token, endpoint, message);
}

#endif
