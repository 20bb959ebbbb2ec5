/*
 * From a trap to a handler. Native calls: the table expands from KERNEL_CALL_LIST in abi/kernel.h.
 */
#ifndef SYSCALL_H
#define SYSCALL_H

struct thread;

/* The running thread has made a native call; its message registers are saved. */
void syscall_native(struct thread *caller);

#endif
