/* copy, fault and redelivery: a server and a pager, both played by main. */
#include "test.h"

static uint64_t server, pager;
static uint8_t buffer[3 * PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));

#define SEND_SLOT 10

static void lend(struct worker *worker)
{
	worker->message.label = 3;
	worker->message.word[5] = 66;
	worker->result = ipc_call(SEND_SLOT, &worker->message);
}

static struct worker *lender(void)
{
	struct worker *worker = worker_new(lend, second_space, pager, 5);

	worker_start(worker);
	return worker;
}

static void arguments(uint64_t token)
{
	CHECK(sys_copy(token, INIT_BASE, buffer, COPY_MAX + 1, COPY_IN), ERR_INVALID);
	CHECK(sys_copy(token, INIT_BASE, buffer, ~0UL, COPY_IN), ERR_INVALID);
	CHECK(sys_copy(token, INIT_BASE, buffer, 8, (enum copy_direction)2), ERR_INVALID);
	CHECK(sys_copy(token, INIT_BASE, (void *)NOWHERE, 8, COPY_IN), ERR_BAD_ADDRESS);
	CHECK(sys_copy(token, INIT_BASE, (void *)(USER_END - 4), 8, COPY_IN), ERR_BAD_ADDRESS);
	CHECK(sys_copy(token, INIT_BASE, (void *)0xffffffc080200000, 8, COPY_IN), ERR_BAD_ADDRESS);
	CHECK(sys_copy(token, INIT_BASE, (void *)BOOT_INFO_BASE, 8, COPY_IN), ERR_BAD_ADDRESS);	/* read-only */
	CHECK(sys_copy(token, INIT_BASE, (void *)BOOT_INFO_BASE, 0, COPY_OUT), 0);
	CHECK(sys_copy(token, NOWHERE, buffer, 8, COPY_IN), 0);
	CHECK(sys_copy(token, NOWHERE, buffer, 0, COPY_IN), 0);
	CHECK(sys_copy(token, USER_END, buffer, 8, COPY_IN), 0);
	CHECK(sys_copy(token, ~0UL - 3, buffer, 8, COPY_IN), 0);
	CHECK(sys_copy(token, 0xffffffc080200000, buffer, 8, COPY_IN), 0);
	CHECK(sys_fault(token, NOWHERE, 0), ERR_INVALID);
	CHECK(sys_fault(token, NOWHERE, ACCESS_EXECUTE), ERR_INVALID);
	CHECK(sys_fault(token, NOWHERE, ACCESS_READ | ACCESS_COPY), ERR_INVALID);
	CHECK(sys_fault(token, NOWHERE, ~0U), ERR_INVALID);
}

/* All alignments, across pages, both ways. */
static void alignments(uint64_t token)
{
	static uint8_t source[3 * PAGE_BYTES], *target = buffer;
	unsigned bad = 0;

	for (unsigned i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)(i * 7 + i / 251);
	for (unsigned from = 0; from < 9; from++)
		for (unsigned to = 0; to < 9; to++)
			for (unsigned bytes = 0; bytes < 80; bytes += bytes < 20 ? 1 : 13) {
				uint64_t start = PAGE_BYTES - 20 + from;

				__builtin_memset(target, 0xee, 256);
				bad += sys_copy(token, (uint64_t)(source + start), target + to, bytes, COPY_IN) != (long)bytes;
				bad += __builtin_memcmp(source + start, target + to, bytes) != 0;
				bad += target[to + bytes] != 0xee || (to && target[to - 1] != 0xee);
			}
	CHECK(bad, 0);
	CHECK(sys_copy(token, (uint64_t)source + 7, target + 5, ~0UL, COPY_IN), ERR_INVALID);	/* wraps around to the same page */
	CHECK(sys_copy(token, (uint64_t)source + 7, target + 5, ~0UL - 2, COPY_OUT), ERR_INVALID);
	CHECK(sys_copy(token, (uint64_t)source + 7, target + 5, 8, (enum copy_direction)2), ERR_INVALID);
	CHECK(sys_copy(token, (uint64_t)(target + 5), source + 1, sizeof(source) - 8, COPY_OUT), sizeof(source) - 8);
	CHECK(__builtin_memcmp(target + 5, source + 1, sizeof(source) - 8), 0);
}

/* Rights are obeyed, A and D set as by a store; a short copy tells how far it came. */
static void rights(uint64_t token)
{
	uint64_t entries[4], frame = frame_new();

	CHECK(sys_map(second_space, NOWHERE | RIGHT_READ | RIGHT_WRITE, 1, frame, INIT_SLOT_PAGE_MEMORY, 0), 1);
	CHECK(sys_map(second_space, (NOWHERE + PAGE_BYTES) | RIGHT_READ, 1, frame_new(), INIT_SLOT_PAGE_MEMORY, 0), 1);
	CHECK(sys_map(second_space, (NOWHERE + 2 * PAGE_BYTES) | RIGHT_EXECUTE, 1, frame_new(), INIT_SLOT_PAGE_MEMORY, 0), 1);
	CHECK(sys_scan(second_space, NOWHERE | SCAN_ACCESSED | SCAN_DIRTY, 3, entries, 4).second, 0);
	CHECK(sys_copy(token, NOWHERE, buffer, 16, COPY_IN), 16);
	CHECK(sys_scan(second_space, NOWHERE | SCAN_ACCESSED | SCAN_DIRTY, 3, entries, 4).second, 1);
	CHECK(entries[0], NOWHERE | REPORT_A);
	CHECK(sys_copy(token, NOWHERE + PAGE_BYTES - 100, buffer, 200, COPY_OUT), 100);
	CHECK(sys_scan(second_space, NOWHERE | SCAN_DIRTY, 3, entries, 4).second, 1);
	CHECK(entries[0], NOWHERE | REPORT_A | REPORT_D);
	CHECK(sys_copy(token, NOWHERE + PAGE_BYTES - 100, buffer, 2 * PAGE_BYTES, COPY_IN), PAGE_BYTES + 100);
	CHECK(sys_copy(token, NOWHERE + 2 * PAGE_BYTES, buffer, 1, COPY_IN), 0);
	CHECK(sys_scan(second_space, (NOWHERE + PAGE_BYTES) | SCAN_ACCESSED | SCAN_DIRTY, 1, NULL, 0).second, REPORT_A);
	CHECK(sys_scan(second_space, (NOWHERE + 2 * PAGE_BYTES) | SCAN_ACCESSED | SCAN_DIRTY, 1, NULL, 0).second, 0);
	CHECK(sys_scan(second_space, NOWHERE | SCAN_DIRTY | SCAN_CLEAR, 3, NULL, 0).second, REPORT_A | REPORT_D);
	CHECK(sys_scan(second_space, NOWHERE | SCAN_ACCESSED | SCAN_DIRTY, 3, NULL, 0).second, REPORT_A);
	CHECK(sys_unmap(second_space, NOWHERE, 3, NULL, 0).value, 3);
}

/* The kernel remembers where a walk ended: not beyond the table's life, which goes on as another region's. */
static void reused_table(uint64_t token)
{
	uint64_t next = NOWHERE + LARGE_BYTES;

	CHECK(sys_map(second_space, NOWHERE | RIGHT_READ, 1, frame_new(), INIT_SLOT_PAGE_MEMORY, 0), 1);
	CHECK(sys_copy(token, NOWHERE, buffer, 8, COPY_IN), 8);
	CHECK(sys_unmap(second_space, NOWHERE, 1, NULL, 0).value, 1);
	CHECK(sys_copy(token, NOWHERE, buffer, 8, COPY_IN), 0);
	CHECK(sys_map(second_space, next | RIGHT_READ, 1, frame_new(), INIT_SLOT_PAGE_MEMORY, 0), 1);
	CHECK(sys_copy(token, NOWHERE, buffer, 8, COPY_IN), 0);
	CHECK(sys_copy(token, next, buffer, 8, COPY_IN), 8);
	CHECK(sys_copy(token, next + (1UL << 39), buffer, 8, COPY_IN), 0);
	CHECK(sys_unmap(second_space, next, 1, NULL, 0).value, 1);
	CHECK(sys_map(second_space, NOWHERE | RIGHT_READ, 1, frame_new(), INIT_SLOT_PAGE_MEMORY, 0), 1);
	CHECK(sys_copy(token, next, buffer, 8, COPY_IN), 0);
	CHECK(sys_unmap(second_space, NOWHERE, 1, NULL, 0).value, 1);
}

static struct message *redelivered(uint64_t address)
{
	struct message *message = receive(server, EVENT_REDELIVERED);

	CHECK(message->label, 3);
	CHECK(message->word[5], 66);
	CHECK(message->badge, 33);
	CHECK(message->address, address);
	return message;
}

static uint64_t copy_fault(uint64_t address, uint64_t access)
{
	struct message *message = receive(pager, EVENT_MESSAGE);

	CHECK(message->label, LABEL_FAULT);
	CHECK(message->word[0], address);
	CHECK(message->word[1], access | ACCESS_COPY);
	CHECK(message->badge, 17);
	return message->token;
}

static void redelivery(void)
{
	struct worker *worker = lender();
	struct message answer = { .flags = REPLY_MAP };
	uint64_t token = receive(server, EVENT_MESSAGE)->token, fault, stable = TOKEN_THREAD(token);

	CHECK(sys_fault(token, NOWHERE + 100, ACCESS_WRITE), OK);
	CHECK(sys_fault(token, NOWHERE + 100, ACCESS_WRITE), ERR_BAD_TOKEN);	/* spent */
	CHECK(reply(token, 0, 0), ERR_BAD_TOKEN);
	fault = copy_fault(NOWHERE + 100, ACCESS_WRITE);
	CHECK(TOKEN_THREAD(fault), stable);
	CHECK(sys_fault(fault, NOWHERE, ACCESS_WRITE), ERR_INVALID);	/* a pager's faults have no pager */
	answer.word[0] = NOWHERE | RIGHT_READ | RIGHT_WRITE;
	answer.word[1] = 1;
	answer.word[2] = frame_new();
	answer.word[3] = INIT_SLOT_PAGE_MEMORY;
	CHECK(ipc_reply(fault, &answer), OK);
	token = redelivered(0)->token;
	CHECK(TOKEN_THREAD(token), stable);
	CHECK(sys_copy(token, NOWHERE + 100, buffer, 8, COPY_OUT), 8);

	CHECK(sys_fault(token, NOWHERE + PAGE_BYTES, ACCESS_READ), OK);	/* again, and refused */
	fault = copy_fault(NOWHERE + PAGE_BYTES, ACCESS_READ);
	CHECK(reply(fault, 1, 0), OK);
	token = redelivered(NOWHERE + PAGE_BYTES)->token;
	CHECK(sys_fault(token, 0, ACCESS_READ), OK);	/* address 0, refused, is not "it is there" */
	CHECK(reply(copy_fault(0, ACCESS_READ), 1, 0), OK);
	token = redelivered(1)->token;
	CHECK(sys_fault(token, ~0UL, ACCESS_READ), OK);	/* nobody can map that, but the pager is asked */
	fault = copy_fault(~0UL, ACCESS_READ);
	answer.flags = REPLY_MAP;
	CHECK(ipc_reply(fault, &answer), ERR_INVALID);
	CHECK(reply(fault, 0, 0), OK);	/* retry */
	token = redelivered(0)->token;
	CHECK(reply(token, 5, 6), OK);
	settle();
	CHECK(worker->done && worker->result == 0 && worker->message.label == 5, true);
	worker_free(worker);
	CHECK(sys_unmap(second_space, NOWHERE, 1, NULL, 0).value, 1);
}

/* No pager: refused at once. The pager's endpoint dies meanwhile: the server tries again and learns it. */
static void lost_pager(void)
{
	struct worker *worker = worker_new(lend, second_space, 0, 5);
	uint64_t endpoint, token;

	worker_start(worker);
	token = receive(server, EVENT_MESSAGE)->token;
	CHECK(sys_fault(token, NOWHERE, ACCESS_READ), OK);
	token = redelivered(NOWHERE)->token;
	CHECK(reply(token, 0, 0), OK);
	settle();
	worker_free(worker);

	endpoint = object_new(KIND_ENDPOINT);
	worker = worker_new(lend, second_space, endpoint, 5);
	worker_start(worker);
	token = receive(server, EVENT_MESSAGE)->token;
	CHECK(sys_fault(token, NOWHERE, ACCESS_READ), OK);
	object_free(endpoint);
	token = redelivered(0)->token;
	CHECK(sys_fault(token, NOWHERE, ACCESS_READ), OK);
	token = redelivered(NOWHERE)->token;
	CHECK(reply(token, 0, 0), OK);
	settle();
	CHECK(worker->done, true);
	worker_free(worker);
}

/* Writes the registers of who has called, then faults there, refuses that as the pager, and gets the call again. */
static void writes_registers(struct worker *worker)
{
	static struct registers registers;
	struct message *message = &worker->message;
	uint64_t token;

	ipc_recv(11, message);
	token = message->token;
	sys_registers(token, &registers, REGISTERS_READ);
	worker->argument[0] = (uint64_t)sys_registers(token, &registers, REGISTERS_WRITE);
	worker->argument[1] = (uint64_t)sys_fault(token, NOWHERE + PAGE_BYTES, ACCESS_READ);
	if (!worker->argument[1]) {
		ipc_recv(11, message);
		message->label = 1;
		message->capability = 0;
		worker->result = ipc_reply_recv(message->token, 11, message);
	}
}

static void load(struct worker *worker)
{
	worker->result = *(volatile uint8_t *)(NOWHERE + 8);
}

/* A call that comes again is what it was, whichever path it came by. Who has lent nothing need not be ready for that. */
static void written_and_repeated(void)
{
	struct worker *receiver = worker_new(writes_registers, second_space, 0, 6), *caller;

	CHECK(sys_cap_mint(second_space, 11, pager, RIGHT_RECEIVE, 0, 0), OK);
	worker_start(receiver);
	caller = worker_new(load, second_space, pager, 5);
	worker_start(caller);
	CHECK(receiver->argument[0], OK);
	CHECK(receiver->result, EVENT_REDELIVERED);
	CHECK(receiver->message.label, LABEL_FAULT);
	CHECK(receiver->message.word[0], NOWHERE + 8);
	CHECK(receiver->message.word[1], ACCESS_READ);
	CHECK(receiver->message.word[2] >> 24, INIT_BASE >> 24);
	CHECK(receiver->message.word[3] | receiver->message.word[4] | receiver->message.word[5], 0);
	CHECK(receiver->message.badge, 17);
	CHECK(receiver->message.capability, 0);
	worker_free(caller);
	worker_free(receiver);
	receiver = worker_new(writes_registers, second_space, 0, 6);
	worker_start(receiver);
	sys_cap_delete(second_space, SEND_SLOT);
	CHECK(sys_cap_mint(second_space, SEND_SLOT, pager, RIGHT_SEND, 0, 0), OK);
	caller = worker_new(lend, second_space, pager, 5);
	worker_start(caller);
	CHECK(receiver->argument[0], ERR_NO_LOAN);
	CHECK(receiver->argument[1], ERR_NO_LOAN);
	worker_free(caller);
	worker_free(receiver);
	sys_cap_delete(second_space, 11);
}

void test_loans(void)
{
	uint64_t server_endpoint = object_new(KIND_ENDPOINT), pager_endpoint = object_new(KIND_ENDPOINT), token;
	struct worker *worker;

	server = server_endpoint;
	pager = mint(pager_endpoint, RIGHT_SEND | RIGHT_RECEIVE, 17);
	give_slot(second_space, SEND_SLOT, server, RIGHT_SEND | RIGHT_LEND, 33);
	worker = lender();
	token = receive(server, EVENT_MESSAGE)->token;
	arguments(token);
	alignments(token);
	rights(token);
	reused_table(token);
	CHECK(reply(token, 0, 0), OK);
	settle();
	worker_free(worker);
	redelivery();
	lost_pager();
	written_and_repeated();
	sys_cap_delete(second_space, SEND_SLOT);
	slot_free(pager);
	object_free(pager_endpoint);
	object_free(server_endpoint);
}
