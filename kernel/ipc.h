/*
 * The message calls, and what they put into registers. Semantics: the opening comment of abi/kernel.h; tokens: thread.h.
 */
#ifndef IPC_H
#define IPC_H

#include "base.h"

struct endpoint;
struct thread;

/* A handler's result that is no result: the registers are set, or will be when the thread wakes. */
#define BLOCKED 1

/* Give the call of `sender` to `receiver`: registers, a new token, HELD. The receiver's state is the caller's business. */
void message_deliver(struct thread *receiver, struct thread *sender, struct endpoint *endpoint);

/* Deliver an event that is no call: word 0, token and identity as given, all else zero. */
void message_event(struct thread *receiver, unsigned event, uint64_t word, uint64_t token, uint64_t identity);

/* Result of a message call that delivers nothing: a7, all else zero. */
void message_error(struct thread *thread, long result);

long sys_ipc_call(struct thread *caller, const uint64_t *argument);
long sys_ipc_reply_recv(struct thread *caller, const uint64_t *argument);
long sys_ipc_recv(struct thread *caller, const uint64_t *argument);
long sys_ipc_reply(struct thread *caller, const uint64_t *argument);
long sys_ipc_forward(struct thread *caller, const uint64_t *argument);

#endif
