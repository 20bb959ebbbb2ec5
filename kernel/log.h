/*
 * The kernel's own words. They go to the firmware's console, and only if the boot argument log=1 is there; a panic always does.
 */
#ifndef LOG_H
#define LOG_H

#include "base.h"

struct thread;

extern bool log_enabled;

/* %s, %lu, %lx, %ld and %u; nothing else. */
__attribute__((format(printf, 1, 2))) void log_print(const char *format, ...);

long sys_log(struct thread *caller, const uint64_t *argument);
long sys_info(struct thread *caller, const uint64_t *argument);

#endif
