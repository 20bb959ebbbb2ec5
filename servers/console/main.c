/*
 * console: the terminal behind /dev/console and /dev/tty. fs forwards the Linux calls of open descriptors here, and the
 * console answers the programs itself, under their loan. Bytes move when the UART interrupts; nothing here waits in a loop.
 *
 *   UART -> line (editing, echo) -> readers         transfer.c, line.c, erase.c
 *   writers and echo -> output -> UART              transfer.c, output.c
 *
 * Input that nobody reads fills the line's cells and then stays in the UART, whose other side holds the rest: nothing is lost.
 * The rules that the host relies on stand in abi/boot.h.
 */
#include "tty.h"

#include "boot.h"
#include "console.h"

#define NOTIFY_GO_ON (1 << 16)	/* to itself: there is more to do, but others come first */

struct tty tty;
static uint32_t irq;

void tty_answer(uint64_t token, int64_t value)
{
	struct message reply = { .word = { value } };

	ipc_reply(token, &reply);
}

static void take_input(void)
{
	uint8_t byte;

	while (line_can_take(&tty.line, &tty.output) && uart_receive(&tty.uart, &byte)) {
		enum line_signal signal = line_take(&tty.line, &tty.output, byte);

		if (signal != LINE_NONE)
			sys_notify(SLOT_NOTIFY_PROC, signal == LINE_INTERRUPT ? NOTIFY_CONSOLE_INTERRUPT : NOTIFY_CONSOLE_QUIT);
	}
}

/* All that can be done now. */
static void work(void)
{
	uint8_t interrupts = 0;

	do
		take_input();
	while (serve_readers());
	if (serve_writers())
		sys_notify(SLOT_NOTIFICATION, NOTIFY_GO_ON);
	if (line_can_take(&tty.line, &tty.output))
		interrupts |= UART_RECEIVED;
	if (tty.output.sent != tty.output.queued)
		interrupts |= UART_SENT;
	if (interrupts != tty.uart.interrupts)
		uart_enable(&tty.uart, interrupts);
}

static void handle(const struct message *message, long event)
{
	if (event == EVENT_MESSAGE)
		transfer_forget(message->token);
	switch (message->label) {
	case CONSOLE_read:
		read_arrived(message, event);
		break;
	case CONSOLE_write:
		write_arrived(message, event);
		break;
	case CONSOLE_ioctl:
		ioctl_arrived(message, event);
		break;
	default:
		tty_answer(message->token, ERR_NO_CALL);
	}
}

static void start_up(const struct start_info *start)
{
	size_t length;
	const char *mode = argument_value(start->arguments, "tty", &length);

	if (!start->device[0].registers || start->device[0].bytes < UART_REGISTER_BYTES)
		fatal("there is no UART");
	irq = start->device[0].irq;
	tty.timebase_hz = start->timebase_hz;
	tty.window = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	tty.foreground = 1;
	call_queue_init(&tty.readers);
	call_queue_init(&tty.writers);
	line_init(&tty.line, mode && length == 3 && !strncmp(mode, "raw", 3));
	uart_init(&tty.uart, start->device[0].registers);
	if (sys_irq_bind(SLOT_IRQ, irq, SLOT_NOTIFICATION, NOTIFY_IRQ) < 0)
		panic("no interrupt %u", irq);
	output_raw(&tty.output, BOOT_CONSOLE_READY);
	tty.output.column = 0;
}

void server_main(const struct start_info *start)
{
	start_up(start);
	for (;;) {
		struct message message = { .deadline = next_deadline() };
		long event;

		work();
		event = ipc_recv(SLOT_ENDPOINT, &message);
		if (event == EVENT_MESSAGE || event == EVENT_REDELIVERED) {
			handle(&message, event);
		} else if (event == EVENT_INTERRUPTED) {
			transfer_interrupted(message.token);
		} else if (event == EVENT_TIMEOUT) {
			expire_readers();
		} else if (event == EVENT_NOTIFICATION && message.word[0] & NOTIFY_IRQ) {
			uart_acknowledge(&tty.uart);
			work();
			sys_irq_ack(SLOT_IRQ, irq);
		} else if (event < 0) {
			panic("receive: error %ld", event);
		}
	}
}
