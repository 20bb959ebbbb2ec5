/*
 * What the host's tools (tools/machine.py) and the system agree on: boot arguments, the console line, the way out.
 * Twin in Python: the constants at the top of tools/machine.py.
 *
 * BOOT ARGUMENTS (/chosen/bootargs): words separated by spaces, then optionally " -- " and the guest's command line.
 *   log=1      the servers' messages go to the console, too
 *   tty=raw    the host's side is no terminal: the console neither echoes nor turns \n into \r\n (^D still ends input)
 *   object=N   object memory is 1/N of RAM
 *   fast=0     the kernel's fast path is off
 *   asid=N     no address-space number above N, for tests
 *   policy=P   the pager's replacement policy (servers/pager/core/policy.c)
 *   readahead=S  ... and its strategy of reading ahead (servers/pager/core/ahead.c)
 * With " -- REST", pid 1 is /bin/sh -c REST; without it, an interactive /bin/sh. At most 1023 bytes in all.
 *
 * THE CONSOLE LINE.  When the console server has set up its UART and takes input, it writes the byte BOOT_CONSOLE_READY,
 * once. The host shows nothing that comes before it (firmware banner) unless --log is given, and sends no input before it: a
 * UART that is being initialised loses bytes. From then on the host relies on the UART's own flow control: a console
 * whose buffer is full stops reading the UART and loses nothing. At the end of the host's input ^D follows, again
 * and again, so that every later read finds the end of input, too.
 *
 * THE WAY OUT.  When pid 1 exits, the system syncs and writes pid 1's exit status to the sifive,test device:
 * status 0: 0x5555, else status << 16 | 0x3333; QEMU exits with it at once, so the UART must have sent its last byte before
 * (LSR.TEMT). A kernel panic writes a line that begins with BOOT_PANIC, a system that cannot go on (no usable disk, a
 * server that faulted) one with BOOT_FATAL, both whether log=1 or not, then they switch off with any status.
 */
#ifndef ABI_BOOT_H
#define ABI_BOOT_H

#define BOOT_CONSOLE_READY	0x02
#define BOOT_PANIC		"quire: panic: "
#define BOOT_FATAL		"quire: fatal: "

#endif
