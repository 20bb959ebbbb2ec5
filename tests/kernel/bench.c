/* Guest instructions per operation, with QEMU's -icount shift=0. Printed, not judged. scaling.c asks for more round trips. */
#include "test.h"

static void server(struct worker *worker __attribute__((unused)))
{
	struct message message = { 0 };

	ipc_recv(11, &message);
	for (;;)
		ipc_reply_recv(message.token, 11, &message);
}

static void call_once(void)
{
	struct message message = { 0 };

	ipc_call(10, &message);
}

static void client(struct worker *worker)
{
	uint64_t before, after;

	for (int i = 0; i < 4; i++)
		call_once();
	__asm__ volatile("rdinstret %0" : "=r"(before));
	for (int i = 0; i < ROUND_TRIPS; i++)
		call_once();
	__asm__ volatile("rdinstret %0" : "=r"(after));
	worker->argument[0] = after - before;
	__asm__ volatile("rdinstret %0" : "=r"(before));
	for (int i = 0; i < 1000; i++)
		sys_notify(EMPTY_SLOT, 0);
	__asm__ volatile("rdinstret %0" : "=r"(after));
	worker->argument[1] = (after - before) / 1000;
}

uint64_t round_trips(uint64_t *failing_call)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT), space = space_new(0), result;
	struct worker *answering, *asking;

	give_slot(space, 11, endpoint, RIGHT_RECEIVE, 0);
	give_slot(second_space, 10, endpoint, RIGHT_SEND, 0);
	answering = worker_new(server, space, 0, 9);
	worker_start(answering);
	asking = worker_new(client, second_space, 0, 5);
	worker_start(asking);
	CHECK(asking->done, true);
	result = asking->argument[0];
	if (failing_call)
		*failing_call = asking->argument[1];
	worker_free(asking);
	worker_free(answering);
	sys_cap_delete(second_space, 10);
	space_free(space);
	object_free(endpoint);
	return result;
}

void bench(void)
{
	uint64_t failing_call, round_trip = round_trips(&failing_call) / ROUND_TRIPS;

	print_number("native round trip: ", (long)round_trip);
	print_number(" instructions, kernel call that fails: ", (long)failing_call);
	print("\n");
}
