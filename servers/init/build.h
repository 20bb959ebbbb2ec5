/*
 * Builds a server: its space, thread, memory and capabilities, so that only THREAD_START is missing. The order within
 * is: build_objects for all (so that each can be given capabilities to the others), then build_server for each.
 */
#ifndef INIT_BUILD_H
#define INIT_BUILD_H

#include "machine.h"
#include "server.h"

struct built {
	const char *name;
	uint64_t entry;
	struct start_info *start;	/* in the window: gone after supply_close */
};

/* The boot archive, mapped. */
struct archive { const void *data; size_t bytes; };

void build_objects(void);
void build_server(enum server server, const struct archive *archive, const struct machine *machine, struct built *built);
/* Badge of a server: what its calls and faults carry. */
static inline uint64_t server_badge(enum server server)
{
	return BADGE_INIT + server;
}

_Static_assert(BADGE_PAGER == BADGE_INIT + SERVER_PAGER && BADGE_CONSOLE == BADGE_INIT + SERVER_CONSOLE &&
	       SLOT_PAGER == SLOT_INIT + SERVER_PAGER && SLOT_CONSOLE == SLOT_INIT + SERVER_CONSOLE,
	       "badges and slots stand in the order of enum server");

#endif
