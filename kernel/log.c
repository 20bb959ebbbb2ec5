/*
 * The last words of a kernel, and the two calls that let a server look out: log and info.
 */
#include "boot.h"
#include "mapping.h"
#include "riscv/hardware.h"
#include "thread.h"

#include <stdarg.h>

static void put_string(const char *text)
{
	while (*text)
		console_put(*text++);
}

static void put_number(uint64_t value)
{
	if (value >> 4)
		put_number(value >> 4);
	console_put("0123456789abcdef"[value & 15]);
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_string("\n" BOOT_PANIC);
	for (; *format; format++) {
		if (*format != '%') {
			console_put(*format);
		} else if (*++format == 's') {
			put_string(va_arg(arguments, const char *));
		} else {
			format++;	/* past the l */
			put_number(va_arg(arguments, uint64_t));
		}
	}
	put_string("\n");
	va_end(arguments);
	hardware_off();
}

long sys_log(struct thread *caller, const struct capability *control unused, const uint64_t *argument)
{
	uint64_t bytes = argument[2];
	char text[LOG_MAX];
	long error = bytes > LOG_MAX ? ERR_INVALID : user_transfer(caller->space, argument[1], text, bytes, ACCESS_READ);

	for (uint64_t i = 0; !error && i < bytes; i++)
		console_put(text[i]);
	return error;
}

long sys_info(struct thread *caller, const struct capability *control unused, const uint64_t *argument)
{
	return user_transfer(caller->space, argument[1], &this_hart->counters, sizeof(this_hart->counters), ACCESS_WRITE);
}
