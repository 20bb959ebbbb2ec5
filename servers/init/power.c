/* See power.h. */
#include "power.h"

#include "boot.h"
#include "supply.h"

enum { UART_TRANSMIT = 0, UART_LINE_STATUS = 5, LINE_STATUS_THRE = 0x20, LINE_STATUS_TEMT = 0x40 };
enum { FINISHER_PASS = 0x5555, FINISHER_FAIL = 0x3333 };

/* A host that does not take the last bytes must not keep the machine on for ever. */
#define PATIENCE_SECONDS 10

static volatile uint8_t *uart;
static volatile uint32_t *finisher;
static uint64_t patience_ticks;

static volatile void *view_device(const struct device *device)
{
	return device->bytes ? supply_view(device->registers, device->bytes, RIGHT_READ | RIGHT_WRITE, supply_device(device->registers)) : NULL;
}

void power_init(const struct machine *machine)
{
	const struct boot_info *boot = (const struct boot_info *)BOOT_INFO_BASE;

	patience_ticks = boot->timebase_hz * PATIENCE_SECONDS;
	finisher = view_device(&machine->finisher);
	uart = view_device(&machine->uart);
}

static void wait_for(uint8_t bits)
{
	uint64_t start = read_time();

	while (!(uart[UART_LINE_STATUS] & bits) && read_time() - start < patience_ticks)
		;
}

static void put_text(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		wait_for(LINE_STATUS_THRE);
		uart[UART_TRANSMIT] = text[i];
	}
}

void power_off(unsigned status)
{
	if (uart)
		wait_for(LINE_STATUS_TEMT);
	if (finisher)
		*finisher = status ? status << 16 | FINISHER_FAIL : FINISHER_PASS;
	log_line("init: this machine cannot be switched off by software (status %u): stopped", status);
	for (;;) {
		struct message message = { 0 };

		ipc_recv(0, &message);
	}
}

void give_up(const char *format, ...)
{
	char line[LOG_MAX];
	va_list arguments;
	/* On a line of its own, wherever the last program's output ended. */
	int prefix = format_text(line, sizeof(line), "\r\n%s", BOOT_FATAL), length;

	va_start(arguments, format);
	length = prefix + format_text_va(line + prefix, sizeof(line) - prefix - 1, format, arguments);
	va_end(arguments);
	if (length > LOG_MAX - 2)
		length = LOG_MAX - 2;
	line[length++] = '\r';
	line[length++] = '\n';
	if (uart)
		put_text(line, length);
	else
		sys_log(log_slot, line + 2, length - 2);	/* the kernel shows it in any case */
	power_off(1);
}
