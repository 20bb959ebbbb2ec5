/*
 * A process: one Linux thread, its relations, signals and times. proc owns all of it, except memory (the pager's), descriptors (fs'), and
 * the kernel thread itself, which the pager makes and destroys and to which proc holds a capability (process_thread).
 *
 * WHO HOLDS THE TOKEN decides what may be done, so that is what the states say:
 *
 *             clone: PAGER_fork         PROC_forked: start     its token: registers, tid
 *      FREE ───────────────────▶ MAKING ────────────▶ STARTING ─────────────────────▶ RUNNING
 *        ▲                         │ PROC_forked: error                               │  ▲
 *        ├─────────────────────────┘                                                  │  │ answered
 *        │ wait, or nobody will                                                       ▼  │
 *      ZOMBIE ◀──── EXITING ◀──── FORKING, VFORKED, WAITING, SLEEPING, LAST ◀────── a call comes
 *          PROC_exited   exit, a deadly signal: PAGER_exit
 *
 *   MAKING    the pager makes space and thread; there is no capability yet. Its parent is FORKING.
 *   STARTING  the thread will make its first exception call, or faults for our store of its tid. Its parent is FORKING.
 *   RUNNING   it runs, or some other server holds its token (it reads, faults, is inside execve), or we are just serving it
 *   FORKING   its token is at the pager (PAGER_fork), or here, until its child has started
 *   VFORKED   its token is here until its child has a space of its own, or has ended
 *   WAITING, SLEEPING   its token is here: wait4 and waitid, nanosleep
 *   LAST      its token is here; when all others have ended, it ends, too, and its token goes FS_shutdown, PROC_shut
 *   EXITING   its token is at the pager (PAGER_exit), or on its way as FS_shutdown
 *   ZOMBIE    only its parent can see it. Its thread waits in its last call, whose token stays with the slot, also when that is FREE: for the
 *             slot's next process, unless the pager destroys it first and makes another
 *
 * A DEADLY SIGNAL (signal.c) in each state. Nothing is ever cut that another server would have to undo:
 *   RUNNING                      sys_interrupt; the exception call EXCEPTION_INTERRUPT brings the token. A call on its way
 *                                may come first, with the interrupt's mark: PROC_exec aborts, others die when answered.
 *   VFORKED, WAITING, SLEEPING   the token is in our hand: exit at once
 *   MAKING, STARTING, FORKING    stays pending; looked at when the child starts, and before the parent is answered
 *   LAST, EXITING, ZOMBIE        too late: no effect
 *
 * EVERY CHILD HANGS ON A PARENT or on none (parent 0): orphans are nobody's children, getppid says 1, and they are forgotten
 * as soon as they end, because a shell that is process 1 would not wait for them.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include "proc.h"
#include "server.h"

enum process_state {
	PROCESS_FREE, PROCESS_MAKING, PROCESS_STARTING, PROCESS_RUNNING, PROCESS_FORKING, PROCESS_VFORKED,
	PROCESS_WAITING, PROCESS_SLEEPING, PROCESS_LAST, PROCESS_EXITING, PROCESS_ZOMBIE,
};

#define PID_MAX 32768		/* Linux' default; an index into pid tables */
#define COMMAND_BYTES 160	/* of /proc/PID/cmdline that are kept */

struct ids { uint32_t real, effective, saved; };

/* A call whose token we keep: enough to serve it again from its start. */
struct parked {
	uint64_t token, label, word[5];
};

struct process {
	/* Who it is. */
	uint64_t identity;		/* thread number 0; 0: the slot is free */
	uint8_t state;			/* enum process_state */
	bool has_executed;		/* setpgid refuses then */
	bool no_zombies;		/* SIGCHLD's SA_NOCLDWAIT */
	bool closed;			/* ZOMBIE: FS_exit was */
	uint8_t exit_signal;		/* for the parent: SIGCHLD or 0 */
	uint16_t slot;
	uint32_t pid, group, session;
	struct ids user, groups;
	char name[16];
	uint16_t command_bytes;
	char command[COMMAND_BYTES];

	/* Times, in rdtime ticks. Processor time is what passed while its token was not here to wait (process_used). */
	uint64_t start_ticks, parked_ticks, idle_ticks;
	uint64_t used_ticks;			/* ZOMBIE: what it used, its children's included */
	uint64_t children_ticks;		/* of those that were waited for */

	/* Relations, as slots; 0: none. children and siblings form a doubly linked list. */
	uint16_t parent, first_child, next_sibling, previous_sibling;
	uint16_t next_free;

	uint64_t last_token;		/* of the thread of the slot's last process */

	/* The call that we hold (see the states); wait_status is Linux' status word. */
	struct parked parked;
	uint16_t fork_child;		/* FORKING, VFORKED */
	uint64_t deadline;		/* SLEEPING, LAST; 0: none */
	uint16_t heap_index;		/* in clock.c's heap, 0: not there */
	uint32_t wait_status;

	/* Signals, one bit each: bit 0 is signal 1. */
	uint64_t pending, blocked, ignored, handled;
	uint16_t actions;		/* list of what rt_sigaction must give back (signal.c) */
	bool unprotected;		/* process 1 during shutdown: default actions count */

	/* From clone. */
	uint64_t set_child_tid, clear_child_tid;
};

extern struct process processes[PROCESS_MAX];
extern unsigned process_highest;	/* no slot above is in use */
extern unsigned process_living;		/* neither free nor zombies */
extern const struct start_info *start_info;

/* What a handler of a Linux call returns instead of a0 when the token has gone elsewhere or is kept. */
#define NO_ANSWER INT64_MIN

/* Handlers of Linux calls, named linux_times and so on: main.c makes the table. */
#define LINUX_CALL(name) long linux_##name(struct process *process, struct message *message, long event)

static inline uint64_t process_identity(const struct process *process)
{
	return process->identity;
}

static inline uint64_t process_thread(const struct process *process)
{
	return 64 + process->slot;
}

static inline struct process *process_of_identity(uint64_t identity)	/* null: not (any more) there */
{
	struct process *process = &processes[IDENTITY_SLOT(identity) % PROCESS_MAX];

	return (process->identity ^ identity) << 16 == 0 ? process : NULL;	/* all but the thread number */
}

/* ---- process.c: the table. */
void processes_init(void);
struct process *process_allocate(struct process *parent);	/* MAKING, with a pid and the parent's properties; null: none free */
uint32_t process_next_pid(void);				/* the pid that process_allocate would give now; 0: none */
void process_free(struct process *process);
void process_forget(struct process *process);				/* process_free, and fs forgets it, too: a zombie that was waited for, a child that was not to be */
struct process *process_of_pid(uint32_t pid);			/* zombies included */
void process_join(struct process *process, uint32_t group, uint32_t session);
bool process_group_exists(uint32_t group, uint32_t session);
void process_unlink(struct process *child);			/* from its parent: an orphan now */
void process_park(struct process *process, enum process_state state, const struct message *message);
void process_unpark(struct process *process);			/* its token is about to be used: RUNNING again */
uint64_t process_used(const struct process *process);		/* ticks, an upper bound: see process.c */
void process_set_name(struct process *process, const char *name);

/* ---- main.c: what happens to a token in our hand. */
void process_answer(struct process *process, uint64_t token, long value);	/* die of a deadly signal, or be answered */
void answer(uint64_t token, long value);					/* just that */
uint64_t *forward(uint64_t token, uint64_t slot, uint64_t label);		/* its words, up to three, to be filled; cannot fail */
long loan_error(enum loan loan);				/* what a handler returns then: 0, -EFAULT or NO_ANSWER */
bool may_call(struct process *process);				/* a call of it has come: it does not wait any more. False: drop what came */
void must(long result, const char *what);			/* a call on our own capabilities cannot fail: panic */
long call_server(uint64_t slot, struct message *message);	/* a prompt call: label 0 or -errno comes back */

/* ---- clone.c, exec.c, exit.c, wait.c */
void start_first(void);
void start_thread(struct process *process, struct message *message, long event);	/* EXCEPTION_START */
void start_failed(struct process *process, struct message *message);			/* PROC_bad_access before it ran */
void clone_forked(struct process *process, struct message *message);			/* PROC_forked */
void vfork_done(struct process *child);
void exec_commit(struct process *process, struct message *message);			/* PROC_exec */
void exit_begin(struct process *process, uint64_t token, uint32_t wait_status);
void exit_done(struct process *process, struct message *message);			/* PROC_exited */
extern uint64_t exits_heard;								/* how many PROC_exited have come, but for the last process's */
void exit_shut(struct message *message);						/* PROC_shut */
void exit_deadline(struct process *process);						/* LAST waited too long */

bool shutting_down(void);
void wait_again(struct process *parent);			/* a child has changed: serve its parked wait again */

/* ---- handed.c */
void serve_server(struct message *message, long event);		/* what the kernel, the pager and fs say about a caller */

/* ---- signal.c */
void signal_raise(struct process *process, unsigned signal);
void signal_wake(struct process *process);			/* act on what is pending, as its state allows */
unsigned signal_deadly(struct process *process);		/* the pending signal that ends it, 0: none; drops ignored ones */
void signal_die(struct process *process, uint64_t token, unsigned signal);
bool signal_children_vanish(const struct process *process);	/* children leave no zombie */
bool signal_inherit(struct process *child, const struct process *parent);
void signal_executed(struct process *process);
void signal_forget(struct process *process);
void signal_everyone(unsigned signal);

/* The process whose token is in our hand while its call is served: no need to interrupt it. */
extern struct process *served;

/* ---- clock.c */
void sleeper_insert(struct process *process);			/* by process->deadline */
void sleeper_remove(struct process *process);			/* harmless if it is not there */
uint64_t sleeper_first(void);					/* its deadline, 0: nobody sleeps */
void sleepers_wake(void);
uint64_t ticks_to_ns(uint64_t ticks);
uint64_t ticks_to_user(uint64_t ticks);				/* in units of 1/100 s, as times(2) and /proc count */

/* ---- random.c, status.c */
void random_init(const uint8_t seed[32]);
void random_bytes(uint8_t *to, size_t bytes);
long status_read(struct process *process, struct message *message, long event);	/* PROC_status */

#endif
