/*
 * Printing, panic, and the two calls that let a server look out: log and info.
 */
#include "log.h"
#include "boot.h"
#include "capability.h"
#include "hart.h"
#include "machine.h"
#include "riscv/hardware.h"
#include "thread.h"
#include "user.h"

#include <stdarg.h>

bool log_enabled;

static void put_number(uint64_t value, unsigned base)
{
	char digits[20];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count)
		console_put(digits[--count]);
}

static void put_string(const char *text)
{
	while (*text)
		console_put(*text++);
}

/* One conversion; result: where the format goes on. */
static const char *put_conversion(const char *format, va_list *arguments)
{
	bool is_long = *format == 'l';
	uint64_t value;

	if (is_long)
		format++;
	if (*format == 's') {
		put_string(va_arg(*arguments, const char *));
		return format + 1;
	}
	value = is_long ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned);
	if (*format == 'd' && value >> 63) {
		console_put('-');
		value = -value;
	}
	put_number(value, *format == 'x' ? 16 : 10);
	return format + 1;
}

static void print(const char *format, va_list *arguments)
{
	while (*format) {
		if (*format == '%')
			format = put_conversion(format + 1, arguments);
		else
			console_put(*format++);
	}
}

void log_print(const char *format, ...)
{
	va_list arguments;

	if (!log_enabled)
		return;
	va_start(arguments, format);
	put_string("kernel: ");
	print(format, &arguments);
	va_end(arguments);
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_string("\n" BOOT_PANIC);
	print(format, &arguments);
	put_string("\n");
	va_end(arguments);
	hardware_off(true);
}

/* Text that the system dies with is shown in any case. */
static bool is_fatal(const char *text, uint64_t bytes)
{
	static const char fatal[] = BOOT_FATAL;

	for (uint64_t i = 0; i < sizeof(fatal) - 1; i++)
		if (i >= bytes || text[i] != fatal[i])
			return false;
	return true;
}

long sys_log(struct thread *caller, const uint64_t *argument)
{
	uint64_t address = argument[1], bytes = argument[2], length;
	const struct capability *control;
	char text[LOG_MAX];
	long error = capability_check(caller->space, argument[0], KIND_CONTROL, 0, &control);

	if (error)
		return error;
	if (bytes > LOG_MAX)
		return ERR_INVALID;
	for (uint64_t done = 0; done < bytes; done += length) {
		const uint8_t *user = user_reach(caller->space, address + done, ACCESS_READ, &length);

		if (!user)
			return ERR_BAD_ADDRESS;
		length = min(length, bytes - done);
		memcpy(text + done, user, length);
	}
	/* Nothing below may fail. */
	if (log_enabled || is_fatal(text, bytes))
		for (uint64_t i = 0; i < bytes; i++)
			console_put(text[i]);
	return OK;
}

long sys_info(struct thread *caller, const uint64_t *argument)
{
	const struct capability *control;
	struct kernel_info info = this_hart->counters;
	long error = capability_check(caller->space, argument[0], KIND_CONTROL, 0, &control);

	if (error)
		return error;
	info.entry_instret = boot_entry_instret;
	info.timebase_hz = machine_timebase;
	info.kernel_bytes = boot_kernel_bytes();
	info.object_pages = memory.object_pages;
	info.object_pages_free = objects_free;
	info.page_pages = memory.page_pages;
	return user_write(caller->space, argument[1], &info, sizeof(info));
}
