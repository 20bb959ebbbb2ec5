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
#include "notification.h"
#include "riscv/frame.h"
#include "space.h"

enum thread_state {
	THREAD_READY, THREAD_NEW, THREAD_CALLING, THREAD_HELD, THREAD_RECEIVING, THREAD_STUCK,
};

/* What a thread last entered the kernel for; it also says which registers its frame holds. */
enum call_kind {
	CALL_NATIVE,		/* a message call: sp, gp, tp, pc, a0..a7, t0..t5 */
	CALL_ROUTED,		/* this and the next two: all; also after an interrupt */
	CALL_FAULT,
	CALL_EXCEPTION,
	CALL_PLAIN,		/* not a call to anybody: sp, gp, tp, pc, a0, a1 and s0..s11 */
};

#define MESSAGE_WORDS 7		/* six words and the label: a0..a6 are neighbours in the frame */
#define MESSAGE_LABEL 6

struct call {
	struct reference endpoint;	/* where it is queued, or through which it was delivered; RIGHT_LEND: the receiver may copy */
	uint64_t badge;			/* of the capability through which it was sent or forwarded last */
	struct capability capability;	/* comes along; word 0: none */
	uint64_t message[MESSAGE_WORDS];
} __attribute__((aligned(128)));		/* a power of two: found with a shift */

struct thread {
	/* Shared with the assembly files: riscv/frame.h */
	struct link link;
	union {
		uint64_t x[32];		/* x[0]: pc */
		struct registers registers;	/* f and fcsr: lazily, valid unless the thread is some hart's fpu_owner and dirty */
	};

	/* Its condition, which the fast path sets and compares as a whole; `kind` is that of call[0] */
	uint8_t state, kind, depth;
	bool interrupted;		/* it owes an exception call EXCEPTION_INTERRUPT */
	bool redelivered;		/* the call comes again after `fault`; refused_address says how that ended */
	bool fresh;			/* nobody has received call[0], or an ancestor of it in a chain of forwards */
	bool apart;			/* the words of call[0] are in call[0].message; else in the frame */
	bool unused_;

	uint64_t limit;			/* hart.h: the first bit above its priority; 0: it has a deadline or no space */
	struct space *holder;		/* HELD: who may answer; never dangling: space.h */
	struct space *space;		/* NULL: none; never dangling: space.h */
	uint64_t identity;
	struct hart *hart;		/* where it runs or ran last */
	struct object *object;		/* its own entry */
	struct thread *serves;		/* whose call it received last, a page that is or was a thread (trap.c: nobody can make it look like one): the fast path's first guess at a reply */
	bool noticed;			/* its bound notification may have bits */
	uint8_t priority;
	uint32_t index;			/* its own object index */
	uint64_t fault_address, fault_access;
	struct capability fault_endpoint;
	struct call call[2];

	/* Settings and links */
	struct capability exception_endpoint;
	struct reference bound;		/* notification */
	struct link in_space;		/* the threads of its space */
	struct timer timer;		/* runs: RECEIVING with a deadline */

	/* More about the outstanding call */
	uint64_t refused_address;	/* 0: not refused */
	uint64_t cause, value;		/* of the last exception call, to repeat it */
};
_Static_assert(sizeof(struct thread) <= PAGE_BYTES, "a thread is one page");

/* Somebody higher is ready, or attention is wanted. */
static inline bool hart_blocks(const struct hart *hart, const struct thread *next)
{
	return ((uint64_t)hart->attention << 32 | hart->ready_mask) >= next->limit;
}

static inline struct thread *thread_of(struct link *link) { return (struct thread *)link; }
static inline struct call *thread_call(struct thread *thread) { return &thread->call[thread->depth]; }
static inline enum call_kind call_kind(const struct thread *thread) { return thread->depth ? CALL_FAULT : (enum call_kind)thread->kind; }

/* The thread's own call begins. */
static inline void call_begin(struct thread *thread, enum call_kind kind)
{
	thread->kind = (uint8_t)kind;
	thread->depth = 0;
	thread->fresh = true;
	thread->redelivered = thread->apart = false;
}

/* The thread's own call through the endpoint that `target` names; `sent`, if any, comes along. */
void call_send(struct thread *caller, enum call_kind kind, const struct capability *target, const struct capability *sent);

/* The words of the call under way, and its label, which a foreign call has in a7. */
static inline uint64_t *call_message(struct thread *thread)
{
	return thread->depth || thread->apart ? thread_call(thread)->message : &thread->x[A0];
}

static inline uint64_t call_label(struct thread *thread)
{
	return call_message(thread)[!thread->depth && !thread->apart && thread->kind == CALL_ROUTED ? A7 - A0 : MESSAGE_LABEL];
}

/* The caller for whom `holder` has this token, or NULL. */
static inline struct thread *token_find(const struct space *holder, uint64_t token)
{
	uint64_t place = TOKEN_THREAD(token) * sizeof(struct object);
	const char *table = (const char *)this_hart->objects;
	struct thread *thread = (struct thread *)(table + place * (PAGE_BYTES / sizeof(struct object)));

	if (unlikely(place >= this_hart->object_bytes || ((const struct object *)(table + place))->token != token))
		return NULL;
	return likely(thread->state == THREAD_HELD && thread->holder == holder) ? thread : NULL;
}

void thread_init(struct thread *thread);

/* After a change of priority, timer or space. */
void thread_set_limit(struct thread *thread);

/* Registers that the frame does not hold read as zero from now on. */
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
