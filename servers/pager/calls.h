/*
 * The operations of the pager's protocols, by name: main.c's tables are expanded from abi/pager.h and abi/linux.h and
 * call them. An operation on a caller's token (struct call) returns its result for a0, or CORE_WAIT, CORE_AGAIN, CALL_DONE (park.h). A
 * prompt one returns the label of its answer, 0 or -errno, and may set the words of `reply`.
 */
#ifndef PAGER_CALLS_H
#define PAGER_CALLS_H

#include "exec.h"
#include "linux.h"
#include "pager.h"

long serve_fault(struct call *call);

/* linux_NAME for all rows of the pager, prompt_NAME and forward_NAME for all rows of PAGER_LIST. */
#define LINUX_PAGER(name)	long linux_##name(struct call *call);
#define LINUX_FS(name)
#define LINUX_PROC(name)
#define X(number, name, server)	LINUX_##server(name)
LINUX_CALL_LIST(X)
#undef X
#undef LINUX_PAGER
#undef LINUX_FS
#undef LINUX_PROC

#define PAGER_CALL(name)	long prompt_##name(const struct message *request, struct message *reply);
#define PAGER_FORWARD(name)	long forward_##name(struct call *call);
#define X(number, name, how, from, text) PAGER_##how(name)
PAGER_LIST(X)
#undef X
#undef PAGER_CALL
#undef PAGER_FORWARD

static inline struct space *call_space(const struct call *call)
{
	return call->process->domain->space;
}

extern uint64_t faults_copy;

#endif
