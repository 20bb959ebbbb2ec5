/*
 * Calls whose answer stands in the caller's entry: they copy nothing, park nobody and raise no signal. main.c answers them where they are
 * received, from registers to registers; where it must look closer (somebody sleeps, the caller does not run), they are rows like any other.
 */
#ifndef PROC_SIMPLE_H
#define PROC_SIMPLE_H

#include "linux.h"
#include "process.h"

/* X(name, answer to `process`) */
#define SIMPLE_CALL_LIST(X) \
	X(getpid, process->pid) \
	X(gettid, process->pid) \
	X(getppid, process->parent ? processes[process->parent].pid : process->pid != 1) \
	X(getuid, process->user.real) \
	X(geteuid, process->user.effective) \
	X(getgid, process->groups.real) \
	X(getegid, process->groups.effective) \
	X(sched_yield, 0)

#define X(name, answer) static inline long simple_##name(const struct process *process) { (void)process; return (answer); }
SIMPLE_CALL_LIST(X)
#undef X

#endif
