/*
 * A thread: its registers, what it waits for and its outstanding call. One page.
 *
 *                     START                    send, no receiver            receive
 *   NEW ────────────────────────► (exception call) ──► CALLING ──────────────► HELD ◄──┐
 *                                                        ▲    │ interrupt,       │ │    │ forward, fault,
 *   READY ──── call, fault, foreign system call ─────────┘    │ endpoint dies    │ └────┘ redelivery
 *     ▲ ▲ └─── recv, nothing there ──► RECEIVING ─┐           │                  │ reply, holder dies
 *     │ └──────── message, event, deadline ───────┘           ▼                  ▼
 *     └───────────────────────────────────────────────────────┴──────────────────┘
 *   STUCK: no space to run in, or no exception endpoint to complain to. THREAD_EXCEPTION revives the latter.
 *
 * `link` is in a list: READY and not current: its priority's queue; CALLING, RECEIVING: the endpoint's queues (RECEIVING
 * without an endpoint: none); HELD: the endpoint's list of interrupted calls, or none. thread_unlink knows them all.
 *
 * A call is described by struct call. call[0] is the thread's own one; call[1] is the fault that a server's `fault` has the thread
 * make in the midst of call[0], which is then delivered again. `depth` says which of them is under way.
 */
#ifndef THREAD_H
#define THREAD_H

#include "hart.h"
#include "riscv/frame.h"
#include "space.h"

enum thread_state {
	THREAD_NEW, THREAD_READY, THREAD_CALLING, THREAD_HELD, THREAD_RECEIVING, THREAD_STUCK,
};

enum call_kind {
	CALL_NATIVE,		/* the message is in the frame: a0..a5, a6 */
	CALL_ROUTED,
	CALL_FAULT,
	CALL_EXCEPTION,
};

#define MESSAGE_WORDS 7		/* six words and the label: a0..a6 are neighbours in the frame */
#define MESSAGE_LABEL 6

struct call {
	uint8_t kind;
	bool lend;			/* the receiver may copy from and to the caller's memory */
	uint64_t badge;			/* of the capability through which it was sent or forwarded last */
	struct reference endpoint;	/* where it is queued, or through which it was delivered */
	struct capability capability;	/* comes along; word 0: none */
	uint64_t message[MESSAGE_WORDS];	/* not for CALL_NATIVE */
} __attribute__((aligned(16)));		/* a power of two: found with a shift */

struct thread {
	/* Shared with trap.S: riscv/frame.h */
	uint64_t x[32];			/* x[0]: pc */
	bool partial;			/* the frame holds a native call: only sp, gp, tp, pc and a0..a7, t0..t4 count */

	/* Scheduling */
	uint8_t state;
	uint8_t priority;
	uint8_t timer;			/* RECEIVING with a deadline: its entry in the timer table + 1 */
	struct link link;
	struct space *space;		/* NULL: none; never dangling: space.h */
	struct thread *sibling, **chain;	/* the next one in its space, and what points here */
	uint32_t index;			/* its own object index */

	/* Lazy FPU state: valid unless the thread is some hart's fpu_owner and dirty */
	uint64_t f[33] __attribute__((aligned(64)));	/* f0..f31, fcsr */

	/* The outstanding call */
	uint8_t depth;
	bool received;			/* somebody has received call[0], or an ancestor of it in a chain of forwards */
	bool redelivered;		/* it comes again after `fault`; refused_address says how that ended */
	bool interrupted;		/* it owes an exception call EXCEPTION_INTERRUPT */
	struct space *holder;		/* HELD: who may answer; never dangling: space.h */
	uint64_t refused_address;	/* 0: not refused */
	uint64_t fault_address, fault_access;
	uint64_t cause, value;		/* of the last exception call, to repeat it */
	struct call call[2];

	/* Settings */
	uint64_t identity;
	struct capability fault_endpoint, exception_endpoint;
	struct reference bound;		/* notification */
};
_Static_assert(sizeof(struct thread) <= PAGE_BYTES, "a thread is one page");

static inline struct thread *thread_of(struct link *link) { return (struct thread *)((char *)link - offsetof(struct thread, link)); }
static inline struct call *thread_call(struct thread *thread) { return &thread->call[thread->depth]; }

/* The words and the label of the call under way. */
static inline uint64_t *call_message(struct thread *thread)
{
	struct call *call = thread_call(thread);

	return call->kind == CALL_NATIVE ? &thread->x[A0] : call->message;
}

/* The caller for whom `holder` has this token, or NULL. */
static inline struct thread *token_find(const struct space *holder, uint64_t token)
{
	uint64_t index = TOKEN_THREAD(token);
	struct thread *thread = object_page(index);

	if (unlikely(index >= object_count || objects[index].token != token || object_kind(index) != KIND_THREAD))
		return NULL;
	return likely(thread->state == THREAD_HELD && thread->holder == holder) ? thread : NULL;
}

/* Fill in the registers that a native call did not save: they read as zero. */
void thread_complete_frame(struct thread *thread);

/* Out of every queue, off its timer. The caller sets the new state. */
void thread_unlink(struct thread *thread);

/* Its waiting is over: run it, or let it make the exception call that it owes. Its frame is final. */
void thread_resume_slowly(struct thread *thread);
static inline void thread_resume(struct thread *thread)
{
	if (unlikely(thread->interrupted || !thread->space)) {
		thread_resume_slowly(thread);
	} else {
		thread->state = THREAD_READY;
		schedule_wake(thread);
	}
}

/* It cannot go on: stuck. Its space dies: it leaves. It dies. */
void thread_stuck(struct thread *thread, const char *why);
void thread_leave_space(struct thread *thread);

/* NULL: none. */
void thread_enter_space(struct thread *thread, struct space *space);
void thread_dismantle(struct thread *thread);

#endif
