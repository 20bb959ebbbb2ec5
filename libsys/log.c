/*
 * Lines on the kernel's console, with the boot argument log=1, and the two ways in which a server gives up: panic (its own invariant is broken) and
 * fatal (the world is not fit: no usable disk). init prints both, whether log=1 or not, and powers off.
 */
#include "server.h"

uint64_t log_slot = SLOT_CONTROL;
const char *log_arguments = ((const struct start_info *)SERVER_START_INFO)->arguments;

static bool wanted(void)
{
	size_t length;
	const char *value = argument_value(log_arguments, "log", &length);

	return value && *value == '1';
}

static size_t make_line(char *line, const char *format, va_list arguments)
{
	int length = format_text_va(line, LOG_MAX, format, arguments);
	size_t end = length < LOG_MAX - 1 ? (size_t)length : LOG_MAX - 1;

	line[end] = '\n';
	return end + 1;
}

void log_line(const char *format, ...)
{
	char line[LOG_MAX];
	va_list arguments;
	size_t length;

	if (!wanted())
		return;
	va_start(arguments, format);
	length = make_line(line, format, arguments);
	va_end(arguments);
	sys_log(log_slot, line, length);
}

/* The text lies at a0, its length in a1: init finds them in the registers of the breakpoint. */
static _Noreturn void breakpoint(const char *text, size_t length)
{
	register const char *a0 __asm__("a0") = text;
	register uint64_t a1 __asm__("a1") = length;
	register uint64_t a2 __asm__("a2") = PANIC_MAGIC;

	for (;;)
		__asm__ volatile("ebreak" : : "r"(a0), "r"(a1), "r"(a2) : "memory");
}

void panic(const char *format, ...)
{
	char line[LOG_MAX];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = make_line(line, format, arguments);
	va_end(arguments);
	if (wanted())
		sys_log(log_slot, line, length);
	breakpoint(line, length - 1);
}

void fatal(const char *format, ...)
{
	char line[LOG_MAX];
	va_list arguments;
	struct message message = { .label = INIT_fatal };

	va_start(arguments, format);
	message.word[0] = (uint64_t)line;
	message.word[1] = make_line(line, format, arguments) - 1;
	va_end(arguments);
	ipc_call(SLOT_INIT, &message);
	breakpoint(line, message.word[1]);
}
