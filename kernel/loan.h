/*
 * What the holder of a token may do with the caller beside answering: copy from and to the memory that the call lends, and, if it is
 * an exception, a fault or a foreign call, read and write all registers.
 */
#ifndef LOAN_H
#define LOAN_H

#include "base.h"

struct thread;

long sys_copy(struct thread *caller, const uint64_t *argument);
long sys_registers(struct thread *caller, const uint64_t *argument);

#endif
