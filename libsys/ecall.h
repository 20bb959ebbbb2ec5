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

/* `delivers`: what comes back is a message; else only the outcome comes back, and the message stays. */
static inline __attribute__((always_inline)) long message_call(long number, uint64_t slot, uint64_t token, uint64_t option,
							       struct message *message, _Bool delivers)
{
	register uint64_t a0 __asm__("a0") = message->word[0], a1 __asm__("a1") = message->word[1];
	register uint64_t a2 __asm__("a2") = message->word[2], a3 __asm__("a3") = message->word[3];
	register uint64_t a4 __asm__("a4") = message->word[4], a5 __asm__("a5") = message->word[5];
	register uint64_t a6 __asm__("a6") = message->label, a7 __asm__("a7") = (uint64_t)number;
	register uint64_t t0 __asm__("t0") = slot, t1 __asm__("t1") = token, t2 __asm__("t2") = option;
	register uint64_t t3 __asm__("t3") = message->capability, t4 __asm__("t4") = message->receive_slot;
	register uint64_t t5 __asm__("t5") = message->deadline;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(a7), "+r"(t0), "+r"(t1),
			 "+r"(t2), "+r"(t3), "+r"(t4), "+r"(t5) : :
			 "ra", "t6", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
	message->flags = 0;
	if (delivers && (long)a7 >= 0) {
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
	return message_call(SYS_ipc_call, slot, 0, 0, message, 1);
}

static inline long ipc_recv(uint64_t endpoint, struct message *message)
{
	return message_call(SYS_ipc_recv, endpoint, 0, 0, message, 1);
}

static inline long ipc_reply(uint64_t token, struct message *message)
{
	return message_call(SYS_ipc_reply, 0, token, message->flags, message, 0);
}

static inline long ipc_reply_recv(uint64_t token, uint64_t endpoint, struct message *message)
{
	return message_call(SYS_ipc_reply_recv, endpoint, token, message->flags, message, 1);
}

static inline long ipc_forward(uint64_t token, uint64_t slot, struct message *message)
{
	return message_call(SYS_ipc_forward, slot, token, 0, message, 0);
}

static inline long ipc_forward_recv(uint64_t token, uint64_t slot, uint64_t endpoint, struct message *message)
{
	return message_call(SYS_ipc_forward, slot, token, endpoint, message, 1);
}

#endif
