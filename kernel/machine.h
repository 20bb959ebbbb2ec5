/*
 * What is known about the machine at boot, read once from the device tree, and what the boot leaves behind for later.
 * The kernel knows no address beyond the boot protocol (hart id in a0, device tree in a1, entered at KERNEL_PHYSICAL).
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "memory.h"

#define IRQ_MAX 256
#define RESERVED_MAX 8

struct range_of_memory {
	uint64_t base, bytes;
};

struct machine {
	struct range_of_memory ram;			/* the bank that holds the kernel */
	struct range_of_memory reserved[RESERVED_MAX];	/* by the firmware */
	unsigned reserved_count;
	uint64_t initrd_base, initrd_end;
	uint64_t timebase_hz, harts;
	uint64_t device_tree, device_tree_bytes;	/* physical */
	const char *arguments;
	struct range_of_memory interrupt_controller;
	uint64_t interrupt_context;			/* the boot hart's supervisor context in it */
	uint64_t interrupts;				/* numbers 1..interrupts */
};
extern struct machine machine;

extern uint64_t boot_entry_instret;
uint64_t boot_kernel_bytes(void);

/* The number behind `name` ("object=") among the boot arguments of the kernel, or `otherwise`. */
uint64_t boot_argument(const char *name, uint64_t otherwise);

/* devicetree.c: fill in `machine`. */
void device_tree_read(uint64_t physical, uint64_t boot_hart);

/* init.c: the first space and thread. Uses all of the above. */
void init_create(void);

#endif
