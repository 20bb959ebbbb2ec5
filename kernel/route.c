/*
 * Routes: which capability slot of the caller's own table answers a foreign system-call number. One page of slot
 * numbers, 0: nobody. The kernel does not know what the numbers mean; one Route serves any number of spaces.
 */
#include "endpoint.h"
#include "riscv/hardware.h"
#include "thread.h"

#define ROUTE_NUMBERS 2048
#define NO_SYSTEM_CALL 38	/* ENOSYS, as abi/kernel.h promises */

struct route {
	uint16_t slot[ROUTE_NUMBERS];
};
_Static_assert(sizeof(struct route) == PAGE_BYTES, "a route is one page");

void route_call(struct thread *thread)
{
	const struct route *route = reference_page(&thread->space->route);
	uint64_t number = thread->x[A7];
	const struct capability *target;

	this_hart->counters.routed_calls++;
	if (!route || number >= ROUTE_NUMBERS || !route->slot[number]) {
		thread->x[A0] = -(uint64_t)NO_SYSTEM_CALL;
		thread->x[0] += INSTRUCTION_BYTES;
	} else if (capability_check(thread->space, route->slot[number], KIND_ENDPOINT, RIGHT_SEND, &target)) {
		exception_call(thread, EXCEPTION_ROUTE_LOST, number);
	} else {
		/* The words stay in the registers, so that the call can be repeated from them. */
		thread->x[0] += INSTRUCTION_BYTES;
		call_send(thread, CALL_ROUTED, target, NULL);
	}
}

long sys_route_set(struct thread *caller unused, const struct capability *target, const uint64_t *argument)
{
	uint64_t number = argument[1], slot = argument[2];
	struct route *route = capability_page(target);

	if (number >= ROUTE_NUMBERS || slot >= SPACE_SLOTS + SPACE_LEAVES * LEAF_SLOTS)
		return ERR_INVALID;
	/* Nothing below may fail. */
	route->slot[number] = (uint16_t)slot;
	return OK;
}
