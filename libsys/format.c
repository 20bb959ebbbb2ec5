/*
 * A small snprintf: %d %i %u %x %p %s %c %%, the flags `-` and `0`, widths and precisions (digits or *), and the lengths h, l, ll and z.
 * It refuses floating point: servers have no FPU. An unknown conversion is printed as it stands.
 */
#include "server.h"

struct text {
	char *buffer;
	size_t bytes, length;	/* length counts what did not fit, too */
};

struct conversion {
	bool left, zero;
	int width, precision;	/* precision -1: none */
	bool wide;		/* l, ll or z */
};

static void put(struct text *text, char character)
{
	if (text->length + 1 < text->bytes)
		text->buffer[text->length] = character;
	text->length++;
}

static void put_padding(struct text *text, int width, size_t used, char character)
{
	for (; width > 0 && (size_t)width > used; width--)
		put(text, character);
}

static void put_string(struct text *text, const struct conversion *conversion, const char *string)
{
	size_t length = 0;

	if (!string)
		string = "(null)";
	while ((conversion->precision < 0 || length < (size_t)conversion->precision) && string[length])
		length++;
	if (!conversion->left)
		put_padding(text, conversion->width, length, ' ');
	for (size_t i = 0; i < length; i++)
		put(text, string[i]);
	if (conversion->left)
		put_padding(text, conversion->width, length, ' ');
}

static void put_number(struct text *text, const struct conversion *conversion, uint64_t value, unsigned base, const char *prefix)
{
	char digits[20];
	size_t count = 0, used;

	do
		digits[count++] = "0123456789abcdef"[value % base];
	while (value /= base);
	used = count + strlen(prefix);
	if (!conversion->left && !conversion->zero)
		put_padding(text, conversion->width, used, ' ');
	while (*prefix)
		put(text, *prefix++);
	if (!conversion->left && conversion->zero)
		put_padding(text, conversion->width, used, '0');
	while (count)
		put(text, digits[--count]);
	if (conversion->left)
		put_padding(text, conversion->width, used, ' ');
}

static const char *read_number(const char *format, int *number)
{
	for (*number = 0; *format >= '0' && *format <= '9'; format++)
		if (*number < 10000)
			*number = *number * 10 + (*format - '0');
	return format;
}

int format_text_va(char *buffer, size_t bytes, const char *format, va_list arguments)
{
	struct text text = { buffer, bytes, 0 };

	while (*format) {
		struct conversion conversion = { .precision = -1 };
		const char *start = format;
		long number;

		if (*format != '%') {
			put(&text, *format++);
			continue;
		}
		for (format++; *format == '-' || *format == '0'; format++)
			*(*format == '-' ? &conversion.left : &conversion.zero) = true;
		if (*format == '*')
			conversion.width = va_arg(arguments, int), format++;
		else
			format = read_number(format, &conversion.width);
		if (*format == '.') {
			if (*++format == '*')
				conversion.precision = va_arg(arguments, int), format++;
			else
				format = read_number(format, &conversion.precision);
		}
		for (; *format == 'l' || *format == 'z' || *format == 'h'; format++)
			conversion.wide |= *format != 'h';
		switch (*format) {
		case 'd':
		case 'i':
			number = conversion.wide ? va_arg(arguments, long) : va_arg(arguments, int);
			put_number(&text, &conversion, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, number < 0 ? "-" : "");
			break;
		case 'u':
		case 'x':
			put_number(&text, &conversion, conversion.wide ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned),
				   *format == 'x' ? 16 : 10, "");
			break;
		case 'p':
			put_number(&text, &conversion, (uintptr_t)va_arg(arguments, void *), 16, "0x");
			break;
		case 's':
			put_string(&text, &conversion, va_arg(arguments, const char *));
			break;
		case 'c':
			put(&text, va_arg(arguments, int));
			break;
		case '%':
			put(&text, '%');
			break;
		default:
			while (start < format)
				put(&text, *start++);
			continue;
		}
		format++;
	}
	if (bytes)
		buffer[text.length < bytes ? text.length : bytes - 1] = '\0';
	return text.length;
}

int format_text(char *buffer, size_t bytes, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = format_text_va(buffer, bytes, format, arguments);
	va_end(arguments);
	return length;
}
