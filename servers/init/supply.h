/*
 * init's memory: pages handed out in order, never taken back. Object pages come from the front of object memory. Page
 * memory for the servers comes from the *arena*, a run of page memory that init sees through a window of large pages:
 *
 *   page memory   | in use | left | arena: images, stacks, pools ... | left (the boot archive lies somewhere here) |
 *
 * When all servers are built, supply_left says what goes to the pager, and supply_close closes the window.
 */
#ifndef INIT_SUPPLY_H
#define INIT_SUPPLY_H

#include "server.h"

/* Slots of init's own table. */
enum own_slot {
	OWN_ENDPOINT = INIT_SLOT_FREE,	/* everybody's calls and faults, told apart by badge */
	OWN_ROUTE,
	OWN_TEMPORARY,			/* empty between two uses */
	OWN_SPACE,			/* + server; and so on: SERVERS slots each */
	OWN_THREAD = OWN_SPACE + SERVERS,
	OWN_SERVER_ENDPOINT = OWN_THREAD + SERVERS,
	OWN_NOTIFICATION = OWN_SERVER_ENDPOINT + SERVERS,
	OWN_REPORT = OWN_NOTIFICATION + SERVERS,	/* OWN_ENDPOINT with the server's badge */
	OWN_SLOTS = OWN_REPORT + SERVERS,
};

struct supply_left {
	struct extent memory[2];
	struct extent objects;
};

/* Slot of the capability to a device's registers. */
uint64_t supply_device(uint64_t registers);

void supply_init(const struct boot_info *boot);

/* A new object in an empty slot of init's. Never fails: without memory init gives up. */
void supply_object(enum kind kind, uint64_t slot);

/* Contiguous pages of the arena, their content old, and init's view of them. Multiples of 2 MiB, asked for first, lie where large pages can map them. */
struct frames { uint64_t physical; void *view; };
struct frames supply_frames(uint64_t pages);

/* Maps contiguous pages, large where both sides are aligned, giving the space the page tables that it lacks. `memory`: slot of the memory capability. */
void supply_map(uint64_t space, uint64_t address, unsigned rights, uint64_t pages, uint64_t physical, uint64_t memory);
/* Maps any range of page or device memory into init at the next free address. */
volatile void *supply_view(uint64_t physical, uint64_t bytes, unsigned rights, uint64_t memory);
void supply_unview(volatile const void *view, uint64_t bytes);

uint64_t supply_objects_free(void);
/* What belongs to nobody yet. Nothing more can be had after it. */
struct supply_left supply_left(void);
/* Closes the window: from here on the frames are only their owners'. */
void supply_close(void);

#endif
