/*
 * The pager's own hold on memory: a window in its space in which all page memory lies (virtual = WINDOW + physical), and the free
 * pages of object memory, which nobody can map and which therefore are listed here, outside of themselves.
 */
#ifndef PAGER_MEMORY_H
#define PAGER_MEMORY_H

#include "server.h"

#define WINDOW (1UL << 36)

void memory_start(const struct start_info *start, uint64_t *lowest, uint64_t *highest, struct extent *extents);	/* extents: 4, as free now; pages 0: none */

uint64_t object_page_take(void);		/* physical; 0: none is left */
void object_page_free(uint64_t physical);
bool object_create(enum kind kind, uint64_t slot, uint64_t *page);	/* into an empty slot of the pager's own table */
void object_destroy(uint64_t slot, uint64_t page);

extern uint64_t object_pages, object_pages_free;

#endif
