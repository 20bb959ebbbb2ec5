/* Notifications, deadlines, timers, interrupts, idle time and counters. */
#include "test.h"

static void listen(struct worker *worker)
{
	worker->message.deadline = worker->argument[3];
	worker->result = ipc_recv(worker->argument[0], &worker->message);
}

static void signals(void)
{
	uint64_t notification = object_new(KIND_NOTIFICATION), send = mint(notification, RIGHT_SEND, 0), receive_only = mint(notification, RIGHT_RECEIVE, 0);
	uint64_t endpoint = object_new(KIND_ENDPOINT);
	struct worker *worker = worker_new(listen, OWN, 0, 5);

	CHECK(sys_notify(receive_only, 1), ERR_NO_RIGHT);
	CHECK(sys_thread_set(worker->thread, THREAD_BOUND, notification), OK);
	CHECK(sys_notify(send, 1), OK);
	CHECK(sys_notify(send, 1UL << 63), OK);
	worker->argument[0] = endpoint;
	worker_start(worker);	/* bits that are there already */
	CHECK(worker->result, EVENT_NOTIFICATION);
	CHECK(worker->message.word[0], 1UL << 63 | 1);
	CHECK(worker->message.token | worker->message.badge | worker->message.label, 0);
	worker_free(worker);

	worker = worker_new(listen, OWN, 0, 5);
	CHECK(sys_thread_set(worker->thread, THREAD_BOUND, notification), OK);
	worker->argument[0] = endpoint;
	worker_start(worker);	/* it waits at the endpoint, and wakes for the bits */
	CHECK(worker->done, false);
	CHECK(sys_notify(send, 0), OK);
	settle();
	CHECK(worker->done, false);
	CHECK(sys_notify(send, 6), OK);
	settle();
	CHECK(worker->message.word[0], 6);
	worker_free(worker);

	worker = worker_new(listen, OWN, 0, 5);	/* binding to bits wakes, too; a dead notification does nothing */
	worker_start(worker);
	sys_notify(send, 2);
	CHECK(sys_thread_set(worker->thread, THREAD_BOUND, notification), OK);
	settle();
	CHECK(worker->done, true);
	object_free(notification);
	CHECK(sys_notify(send, 2), ERR_BAD_SLOT);
	worker_free(worker);
	slot_free(send);
	slot_free(receive_only);
	object_free(endpoint);
}

/* The host may let the guest stand still at any place, so a time that has passed says nothing about what has run meanwhile. */
static void sleep_until_done(const struct worker *worker)
{
	struct message message = { 0 };

	for (unsigned i = 0; i < 1000 && !worker->done; i++) {
		message.deadline = read_time() + boot->timebase_hz / 100;
		CHECK(ipc_recv(0, &message), EVENT_TIMEOUT);
	}
}

static void deadlines(void)
{
	uint64_t endpoint = object_new(KIND_ENDPOINT), start, tick = boot->timebase_hz / 100;
	struct worker *sleepers[6];
	struct message message = { 0 };
	struct kernel_info before, after;

	sys_info(INIT_SLOT_CONTROL, &before);
	after = before;
	for (unsigned i = 0; i < 100 && after.idle_waits == before.idle_waits; i++) {	/* one that has passed only looks */
		start = read_time();
		message.deadline = start + tick;
		CHECK(ipc_recv(endpoint, &message), EVENT_TIMEOUT);
		CHECK(read_time() - start >= tick, true);
		sys_info(INIT_SLOT_CONTROL, &after);
	}
	CHECK(after.idle_waits > before.idle_waits && after.idle_instret > before.idle_instret, true);
	CHECK(message.token | message.word[0], 0);
	message.deadline = 1;	/* long past: only a look */
	CHECK(ipc_recv(0, &message), EVENT_TIMEOUT);
	CHECK(ipc_recv(endpoint, &message), EVENT_TIMEOUT);
	sys_info(INIT_SLOT_CONTROL, &before);
	CHECK(before.idle_waits, after.idle_waits);
	start = read_time();
	for (unsigned i = 0; i < 6; i++) {
		sleepers[i] = worker_new(listen, OWN, 0, 5);
		sleepers[i]->argument[3] = start + (20 - i) * tick;
		worker_start(sleepers[i]);
	}
	worker_free(sleepers[0]);	/* ended while it sleeps */
	for (unsigned i = 1; i < 6; i++) {
		sleep_until_done(sleepers[i]);
		CHECK(sleepers[i]->done, true);
		CHECK(sleepers[i]->result, EVENT_TIMEOUT);
		worker_free(sleepers[i]);
	}
	object_free(endpoint);
}

static void timers(void)
{
	uint64_t notification[100], count = 0, tick = boot->timebase_hz / 100, weak;
	struct message message = { 0 };
	uint64_t start = read_time();

	notification[0] = object_new(KIND_NOTIFICATION);
	weak = mint(notification[0], RIGHT_SEND, 0);
	CHECK(sys_timer_set(INIT_SLOT_CONTROL, weak, 1, start + tick), ERR_NO_RIGHT);
	CHECK(sys_timer_set(INIT_SLOT_CONTROL, OWN, 1, start + tick), ERR_WRONG_KIND);
	slot_free(weak);
	object_free(notification[0]);
	for (; count < 100; count++) {	/* until the table is full */
		long error;

		notification[count] = object_new(KIND_NOTIFICATION);
		error = sys_timer_set(INIT_SLOT_CONTROL, notification[count], 1, start + 1000 * boot->timebase_hz);
		CHECK(error, error == ERR_NO_TIMER ? ERR_NO_TIMER : OK);
		CHECK(sys_timer_set(INIT_SLOT_CONTROL, notification[count], 1, start + 1001 * boot->timebase_hz), error);	/* its own again */
		if (error)
			break;
	}
	CHECK(count >= 64 && count < 100, true);
	message.deadline = read_time() + 1000 * boot->timebase_hz;
	CHECK(ipc_recv(0, &message), ERR_NO_TIMER);
	for (uint64_t i = 0; i <= count; i++)
		object_free(notification[i]);	/* which frees the timers, too */

	notification[0] = object_new(KIND_NOTIFICATION);
	notification[1] = object_new(KIND_NOTIFICATION);
	struct worker *worker = worker_new(listen, OWN, 0, 5);

	CHECK(sys_thread_set(worker->thread, THREAD_BOUND, notification[0]), OK);
	worker_start(worker);
	start = read_time();
	CHECK(sys_timer_set(INIT_SLOT_CONTROL, notification[0], 8, start + tick), OK);
	CHECK(sys_timer_set(INIT_SLOT_CONTROL, notification[1], 8, start + 1000 * boot->timebase_hz), OK);
	CHECK(sys_timer_set(INIT_SLOT_CONTROL, notification[1], 8, 0), OK);	/* cancelled */
	CHECK(sys_timer_set(INIT_SLOT_CONTROL, notification[1], 8, 0), OK);
	sleep_until_done(worker);
	CHECK(worker->done, true);
	CHECK(worker->message.word[0], 8);
	worker_free(worker);
	worker = worker_new(listen, OWN, 0, 5);
	CHECK(sys_thread_set(worker->thread, THREAD_BOUND, notification[1]), OK);
	worker_start(worker);
	CHECK(worker->done, false);
	worker_free(worker);
	object_free(notification[0]);
	object_free(notification[1]);
}

static void idle_for_a_while(void)
{
	struct message message = { .deadline = read_time() + boot->timebase_hz / 100 };

	CHECK(ipc_recv(0, &message), EVENT_TIMEOUT);
}

static struct worker *listener(uint64_t notification)
{
	struct worker *worker = worker_new(listen, OWN, 0, 5);

	CHECK(sys_thread_set(worker->thread, THREAD_BOUND, notification), OK);
	worker_start(worker);
	return worker;
}

/* Who asks for it is told when nobody is ready, once, and if nobody else has asked since. */
static void idleness(void)
{
	uint64_t notification = object_new(KIND_NOTIFICATION), other = object_new(KIND_NOTIFICATION);
	struct worker *worker = listener(notification);
	struct kernel_info before, after;

	CHECK(sys_irq_bind(INIT_SLOT_IRQ, IRQ_IDLE, notification, 2), OK);
	CHECK(sys_irq_bind(INIT_SLOT_IRQ, IRQ_IDLE, other, 2), OK);
	idle_for_a_while();
	CHECK(worker->done, false);
	CHECK(sys_irq_bind(INIT_SLOT_IRQ, IRQ_IDLE, notification, 4), OK);
	for (unsigned i = 0; i < 10; i++)
		settle();	/* everybody waits at times, but never all */
	CHECK(worker->done, false);
	idle_for_a_while();
	CHECK(worker->done, true);
	CHECK(worker->message.word[0], 4);
	worker_free(worker);
	worker = listener(notification);
	CHECK(sys_irq_ack(INIT_SLOT_IRQ, IRQ_IDLE), OK);
	idle_for_a_while();
	CHECK(worker->done, false);
	CHECK(sys_irq_bind(INIT_SLOT_IRQ, IRQ_IDLE, other, 2), OK);
	object_free(other);
	other = object_new(KIND_NOTIFICATION);	/* on the same page */
	sys_info(INIT_SLOT_CONTROL, &before);
	idle_for_a_while();
	sys_info(INIT_SLOT_CONTROL, &after);
	CHECK(after.notifications, before.notifications);
	CHECK(after.idle_waits > before.idle_waits, true);
	worker_free(worker);
	object_free(other);
	object_free(notification);
}

/* The UART, which every such machine has: "transmitter empty" as an interrupt. */
#define UART_VIEW 0x40000000UL
#define UART_IRQ 10
#define UART_ADDRESS 0x10000000UL

static void interrupts(void)
{
	volatile uint8_t *uart = (volatile uint8_t *)UART_VIEW;
	uint64_t notification = object_new(KIND_NOTIFICATION), weak = mint(notification, RIGHT_SEND, 0), tick = boot->timebase_hz / 100;
	struct worker *worker = worker_new(listen, OWN, 0, 5);
	struct message message = { 0 };
	struct kernel_info before, after;

	CHECK(sys_irq_bind(INIT_SLOT_IRQ, 1UL << 32, notification, 1), ERR_INVALID);
	CHECK(sys_irq_bind(INIT_SLOT_IRQ, ~0UL, notification, 1), ERR_INVALID);
	CHECK(sys_irq_bind(INIT_SLOT_IRQ, UART_IRQ, weak, 1), ERR_NO_RIGHT);
	CHECK(sys_irq_bind(INIT_SLOT_IRQ, UART_IRQ, OWN, 1), ERR_WRONG_KIND);
	for (unsigned i = 0; i < 2; i++)
		sys_give(OWN, INIT_SLOT_OBJECT_MEMORY, object_page_new());
	CHECK(sys_map(OWN, UART_VIEW | RIGHT_READ | RIGHT_WRITE, 1, UART_ADDRESS, INIT_SLOT_DEVICES_ABOVE, 0), 1);
	CHECK(sys_thread_set(worker->thread, THREAD_BOUND, notification), OK);
	worker_start(worker);
	sys_info(INIT_SLOT_CONTROL, &before);
	CHECK(sys_irq_bind(INIT_SLOT_IRQ, UART_IRQ, notification, 0x20), OK);
	uart[1] = 2;
	sleep_until_done(worker);
	CHECK(worker->done, true);
	CHECK(worker->message.word[0], 0x20);
	(void)uart[2];	/* the reason goes away by reading it */
	worker_free(worker);

	worker = worker_new(listen, OWN, 0, 5);	/* it does not come again before the ack */
	CHECK(sys_thread_set(worker->thread, THREAD_BOUND, notification), OK);
	uart[1] = 0;
	uart[1] = 2;
	worker_start(worker);
	message.deadline = read_time() + tick;
	ipc_recv(0, &message);
	CHECK(worker->done, false);
	CHECK(sys_irq_ack(INIT_SLOT_IRQ, UART_IRQ), OK);
	sleep_until_done(worker);
	CHECK(worker->done, true);
	sys_info(INIT_SLOT_CONTROL, &after);
	CHECK(after.interrupts - before.interrupts, 2);
	uart[1] = 0;
	CHECK(sys_irq_ack(INIT_SLOT_IRQ, UART_IRQ), OK);
	CHECK(sys_irq_ack(INIT_SLOT_IRQ, UART_IRQ), OK);
	CHECK(sys_irq_bind(INIT_SLOT_IRQ, UART_IRQ, notification, 1), OK);
	CHECK(sys_irq_bind(INIT_SLOT_IRQ, UART_IRQ, 0, 0), ERR_BAD_SLOT);
	worker_free(worker);
	CHECK(sys_unmap(OWN, UART_VIEW, 1, NULL, 0).value, 1);
	for (unsigned i = 0; i < 2; i++)
		object_page_free((uint64_t)sys_take(OWN));
	slot_free(weak);
	object_free(notification);
}

/* The counters that user mode may read. */
static void counters(void)
{
	uint64_t before, after;

	__asm__ volatile("rdcycle %0\n\tnop\n\trdcycle %1" : "=r"(before), "=r"(after));
	CHECK(after > before, true);
	__asm__ volatile("rdinstret %0\n\tnop\n\trdinstret %1" : "=r"(before), "=r"(after));
	CHECK(after > before, true);
	__asm__ volatile("rdtime %0\n\tnop\n\trdtime %1" : "=r"(before), "=r"(after));
	CHECK(after >= before, true);
}

void test_notifications(void)
{
	signals();
	deadlines();
	timers();
	idleness();
	interrupts();
	counters();
}
