/*
 * The ways out. The finisher's and the UART's registers are mapped by power_init; before that only a log line can be left.
 * When init writes to the UART itself the console server cannot run (init stands above it and does not wait).
 */
#ifndef INIT_POWER_H
#define INIT_POWER_H

#include "machine.h"

#include <stdint.h>

void power_init(const struct machine *machine);

/* Waits until the UART has sent its last byte, then switches off with this status (0..255). */
_Noreturn void power_off(unsigned status);
/* Writes BOOT_FATAL and a sentence, whether log=1 or not; switches off with status 1. */
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
