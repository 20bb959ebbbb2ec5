/*
 * What a space's pages show: map, unmap, protect, scan, and the map item in the reply to a fault. Frames are checked one by one against
 * the memory capability that is named; tables are only ever taken from the space's reserve.
 */
#ifndef MAPPING_H
#define MAPPING_H

#include "base.h"

struct space;
struct thread;

/* A checked map item: physical[i] is the frame of page i, 0: skip. pages 0: none. */
struct map_item {
	uint64_t address;
	uint64_t rights;
	uint64_t pages;
	uint64_t physical[MAP_ITEM_MAX];
};

/* `replier` answers the fault of `thread` with the item in its message registers. */
long map_item_check(struct thread *replier, struct thread *thread, struct map_item *item);
void map_item_act(struct thread *thread, const struct map_item *item);

/* One page for init, at boot. */
void map_boot_page(struct space *space, uint64_t address, uint64_t physical, uint64_t rights);

/* Its page table allows the access: the fault was stale, or the use was to be noted. True: go on. */
bool fault_is_stale(struct space *space, uint64_t address, uint64_t access);

long sys_map(struct thread *caller, const uint64_t *argument);
long sys_unmap(struct thread *caller, const uint64_t *argument);
long sys_protect(struct thread *caller, const uint64_t *argument);
long sys_scan(struct thread *caller, const uint64_t *argument);

#endif
