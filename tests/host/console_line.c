/*
 * Host test of the console's line discipline: what is typed, what the screen shows, what reads get. A table of sessions that were
 * taken from a pseudo-terminal of Linux, then properties under random input: nothing lost, nothing made up.
 *
 * sources: servers/console/line.c servers/console/erase.c servers/console/output.c libsys/format.c
 */
#include "line.h"
#include "erase.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

static int failed;
#define CHECK(condition) do { if (!(condition)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); failed = 1; } } while (0)

static struct line line;
static struct output output;

static void type(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		CHECK(line_can_take(&line, &output));
		line_take(&line, &output, text[i]);
	}
}

/* What has been put out since the last question, NUL-terminated. */
static const char *screen(void)
{
	static char text[OUTPUT_BYTES + 1];
	size_t length = 0;

	while (output.sent != output.queued)
		text[length++] = output.byte[output.sent++ % OUTPUT_BYTES];
	text[length] = '\0';
	return text;
}

/* One read of `bytes`: its bytes and '|', or "wait". */
static const char *read_line(size_t bytes)
{
	static char text[LINE_CELLS + 8];
	uint32_t cells;
	size_t count;

	if (!line_ready(&line, bytes))
		return "wait";
	count = line_peek(&line, (uint8_t *)text, bytes, &cells);
	CHECK(count <= bytes);
	line_consume(&line, cells);
	memcpy(text + count, "|", 2);
	return text;
}

static void modes(tcflag_t set, tcflag_t clear)
{
	struct termios termios = line.termios;

	termios.c_lflag = (termios.c_lflag | set) & ~clear;
	line_set(&line, &termios);
}

static void test_sessions(void)
{
	static const struct { const char *typed, *screen, *reads[4]; } session[] = {
		{ "hello\n", "hello\r\n", { "hello\n|", "wait" } },
		{ "a\rb", "a\r\nb", { "a\n|", "wait" } },
		{ "one\ntwo\n", "one\r\ntwo\r\n", { "one\n|", "two\n|", "wait" } },
		{ "ab\177c\n", "ab\b \bc\r\n", { "ac\n|" } },
		{ "ab\bc\n", "ab\b \bc\r\n", { "ac\n|" } },
		{ "\177\177x\n", "x\r\n", { "x\n|" } },
		{ "x\n\177y\n", "x\r\ny\r\n", { "x\n|", "y\n|" } },			/* a finished line is not edited */
		{ "abc\025d\n", "abc\b \b\b \b\b \bd\r\n", { "d\n|" } },
		{ "one two  \027x\n", "one two  \b \b\b \b\b \b\b \b\b \bx\r\n", { "one x\n|" } },
		{ "\001\177\n", "^A\b \b\b \b\r\n", { "\n|" } },			/* two columns */
		{ "a\t\177b\n", "a\t\b\b\b\b\b\b\bb\r\n", { "ab\n|" } },	/* seven columns */
		{ "\303\244\177b\n", "\303\244\b \bb\r\n", { "b\n|" } },		/* one character of two bytes */
		{ "\026\003x\n", "^\b^Cx\r\n", { "\003x\n|" } },				/* ^V takes the next as it is */
		{ "\026\004\n", "^\b^D\r\n", { "\004\n|" } },
		{ "ab\004", "ab", { "ab|", "wait" } },					/* ^D after half a line ends the read */
		{ "\004", "", { "|", "wait" } },					/* at its start: end of file */
		{ "\004\004x\n", "x\r\n", { "|", "|", "x\n|" } },			/* remembered in order */
		{ "a\n\004b\n", "a\r\nb\r\n", { "a\n|", "|", "b\n|" } },
		{ "lost\003kept\n", "lost^Ckept\r\n", { "kept\n|" } },
		{ "lost\n\034kept\n", "lost\r\n^\\kept\r\n", { "kept\n|", "wait" } },
	};

	for (size_t i = 0; i < sizeof(session) / sizeof(session[0]); i++) {
		const char *shown, *got;

		line_init(&line, false);
		output = (struct output){ 0 };
		type(session[i].typed, strlen(session[i].typed));
		shown = screen();
		if (strcmp(shown, session[i].screen)) {
			printf("session %zu: screen \"%s\"\n", i, shown);
			failed = 1;
		}
		for (int j = 0; j < 4 && session[i].reads[j]; j++) {
			got = read_line(100);
			if (strcmp(got, session[i].reads[j])) {
				printf("session %zu: read %d gave \"%s\"\n", i, j, got);
				failed = 1;
			}
		}
	}
}

#define IS(got, want) CHECK(!strcmp(got, want))

static void test_short_reads(void)
{
	line_init(&line, false);
	type("abcdef\nxyz\004", 11);
	IS(read_line(4), "abcd|");
	CHECK(line_readable_bytes(&line) == 6);
	IS(read_line(3), "ef\n|");
	IS(read_line(3), "xyz|");	/* the ^D goes with the bytes that it ends */
	IS(read_line(3), "wait");
	type("\004", 1);
	IS(read_line(1), "|");
	IS(read_line(1), "wait");
}

static void test_signals(void)
{
	line_init(&line, false);
	CHECK(line_take(&line, &output, 3) == LINE_INTERRUPT && line_take(&line, &output, 034) == LINE_QUIT);
	modes(0, ISIG);
	CHECK(line_take(&line, &output, 3) == LINE_NONE);
	type("\n", 1);
	IS(read_line(9), "\003\n|");
	modes(ISIG | NOFLSH, 0);
	type("keep\n", 5);
	CHECK(line_take(&line, &output, 3) == LINE_INTERRUPT);
	IS(read_line(9), "keep\n|");
}

static void test_raw(void)
{
	struct termios termios;

	line_init(&line, false);
	screen();
	type("ab\004c\004", 5);
	modes(0, ICANON | ECHO);
	IS(read_line(2), "ab|");		/* what was typed stays; marks do not */
	type("d\n\177", 3);
	IS(read_line(9), "cd\n\177|");
	IS(read_line(9), "wait");
	termios = line.termios;
	termios.c_cc[VMIN] = 3;
	line_set(&line, &termios);
	type("12", 2);
	IS(read_line(9), "wait");
	IS(read_line(2), "12|");
	type("345", 3);
	IS(read_line(9), "345|");
	termios.c_cc[VMIN] = 0;
	line_set(&line, &termios);
	IS(read_line(9), "|");
	type("rest", 4);
	modes(ICANON, 0);
	IS(read_line(9), "rest|");
	IS(read_line(9), "wait");
	screen();
	line_init(&line, true);
	type("pipe\r\n", 6);
	IS(screen(), "");
	IS(read_line(9), "pipe\r\n|");
}

/* A line longer than all cells comes in parts; input behind it waits outside. */
static void test_long_line(void)
{
	size_t typed = 0, got = 0;

	line_init(&line, true);
	while (got < 3 * LINE_CELLS) {
		const char *part;

		for (; line_can_take(&line, &output); typed++)
			line_take(&line, &output, 'a' + typed % 26);
		CHECK(typed - got == LINE_CELLS);
		part = read_line(1000);
		CHECK(strcmp(part, "wait"));
		for (; *part != '|'; part++, got++)
			CHECK(*part == (char)('a' + got % 26));
		if (failed)
			return;
	}
}

/* Plain text and line ends in, any sizes of reads: the same bytes out, no read past a line's end. */
static void test_nothing_lost(void)
{
	static uint8_t sent[200000], got[200000];
	size_t typed = 0, received = 0;
	uint8_t buffer[LINE_CELLS];

	line_init(&line, true);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = rand() % 40 ? 'a' + rand() % 26 : '\n';
	while (received < sizeof(sent) && !failed) {
		size_t want = 1 + rand() % (rand() % 3 ? 60 : sizeof(buffer));
		uint32_t cells;

		for (int burst = rand() % 300; burst && typed < sizeof(sent) && line_can_take(&line, &output); burst--)
			line_take(&line, &output, sent[typed++]);
		if (typed == sizeof(sent) && !line_ready(&line, want))
			line_take(&line, &output, 4);
		if (!line_ready(&line, want))
			continue;
		want = line_peek(&line, buffer, want, &cells);
		for (size_t i = 0; i + 1 < want; i++)
			CHECK(buffer[i] != '\n');
		memcpy(got + received, buffer, want);
		received += want;
		line_consume(&line, cells);
	}
	CHECK(received == sizeof(sent) && !memcmp(sent, got, sizeof(sent)));
}

/* Any bytes under any modes: the sanitizers watch, echo stays within its bound, positions stay in order. */
static void test_anything(void)
{
	line_init(&line, false);
	output = (struct output){ 0 };
	for (int round = 0; round < 2000000 && !failed; round++) {
		uint64_t before = output.queued;

		if (rand() % 5000 == 0) {
			struct termios termios = line.termios;

			termios.c_lflag ^= rand() & (ICANON | ECHO | ISIG | ECHOCTL | IEXTEN | ECHOE);
			termios.c_iflag ^= rand() & (ICRNL | INLCR | IGNCR | ISTRIP | IUTF8);
			termios.c_oflag ^= rand() & (OPOST | ONLCR);
			line_set(&line, &termios);
		}
		if (line_can_take(&line, &output))
			line_take(&line, &output, rand() % 4 ? ' ' + rand() % 96 : rand() % 16 ? '\t' : rand());
		CHECK(output.queued - before <= ERASE_BYTES_MAX);
		CHECK(line.head - line.tail <= LINE_CELLS);
		CHECK(!(line.termios.c_lflag & ICANON) || (line.canon - line.tail <= line.head - line.tail));
		output.sent = output.queued - rand() % (output.queued - output.sent + 1);
		if (rand() % 100 == 0)
			read_line(rand() % LINE_CELLS);
	}
}

int main(void)
{
	srand(1);
	test_sessions();
	test_short_reads();
	test_signals();
	test_raw();
	test_long_line();
	test_nothing_lost();
	test_anything();
	return failed;
}
