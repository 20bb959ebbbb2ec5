/*
 * Printing, panic, and the two calls that let a server look out: log and info.
 */
#include "boot.h"
#include "mapping.h"
#include "riscv/hardware.h"
#include "thread.h"

#include <stdarg.h>

bool log_enabled;

static void put_string(const char *text)
{
	while (*text)
		console_put(*text++);
}

static void put_number(uint64_t value, unsigned base)
{
	if (value >= base)
		put_number(value / base, base);
	console_put("0123456789abcdef"[value % base]);
}

static void print(const char *format, va_list arguments)
{
	for (; *format; format++) {
		if (*format != '%') {
			console_put(*format);
		} else if (*++format == 's') {
			put_string(va_arg(arguments, const char *));
		} else {
			format++;	/* past the l */
			put_number(va_arg(arguments, uint64_t), *format == 'x' ? 16 : 10);
		}
	}
}

void log_print(const char *format, ...)
{
	va_list arguments;

	if (!log_enabled)
		return;
	va_start(arguments, format);
	put_string("kernel: ");
	print(format, arguments);
	va_end(arguments);
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_string("\n" BOOT_PANIC);
	print(format, arguments);
	put_string("\n");
	va_end(arguments);
	hardware_off();
}

long sys_log(struct thread *caller, const struct capability *control unused, const uint64_t *argument)
{
	uint64_t bytes = argument[2];
	char text[LOG_MAX + 1];
	long error;

	if (bytes > LOG_MAX)
		return ERR_INVALID;
	error = user_transfer(caller->space, argument[1], text, bytes, ACCESS_READ);
	if (error)
		return error;
	text[bytes] = 0;
	/* Nothing below may fail. Text that the system dies with is shown in any case. */
	for (uint64_t i = 0; i < bytes && (log_enabled || text_after(text, BOOT_FATAL)); i++)
		console_put(text[i]);
	return OK;
}

long sys_info(struct thread *caller, const struct capability *control unused, const uint64_t *argument)
{
	return user_transfer(caller->space, argument[1], &this_hart->counters, sizeof(this_hart->counters), ACCESS_WRITE);
}
