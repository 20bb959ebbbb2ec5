/*
 * Host test of libsys: memory.c, format.c, argument.c and ring.c against the C library and a model. The sources are
 * included under other names, so that both are there. Word-wise reads reach to the end of an aligned word: memory.c's
 * buffers here have whole words around them.
 */
#define memcpy quire_memcpy
#define memmove quire_memmove
#define memset quire_memset
#define memcmp quire_memcmp
#define strlen quire_strlen
#define strcmp quire_strcmp
#define strncmp quire_strncmp
#include "../../libsys/argument.c"
#include "../../libsys/format.c"
#include "../../libsys/memory.c"
#include "../../libsys/ring.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed;
#define CHECK(condition) do { if (!(condition)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); failed = 1; } } while (0)

#define AREA 2048
static unsigned char mine[AREA] __attribute__((aligned(64))), theirs[AREA] __attribute__((aligned(64))), source[AREA] __attribute__((aligned(64)));

static void fill(void)
{
	for (int i = 0; i < AREA; i++) {
		mine[i] = theirs[i] = rand();
		source[i] = rand();
	}
}

static void test_memory(void)
{
	for (int round = 0; round < 200000; round++) {
		size_t to = 64 + rand() % 200, from = 64 + rand() % 200, bytes = rand() % (rand() % 8 ? 80 : 1500);

		if (round % 64 == 0)
			fill();
		switch (round % 4) {
		case 0:
			CHECK(quire_memcpy(mine + to, source + from, bytes) == mine + to);
			memcpy(theirs + to, source + from, bytes);
			break;
		case 1:
			CHECK(quire_memmove(mine + to, mine + from, bytes) == mine + to);
			memmove(theirs + to, theirs + from, bytes);
			break;
		case 2:
			CHECK(quire_memset(mine + to, round, bytes) == mine + to);
			memset(theirs + to, round, bytes);
			break;
		case 3:
			CHECK((quire_memcmp(mine + to, source + from, bytes) > 0) == (memcmp(mine + to, source + from, bytes) > 0));
			memcpy(mine + to, source + from, bytes), memcpy(theirs + to, source + from, bytes);
			CHECK(quire_memcmp(mine + to, source + from, bytes) == 0);
		}
		CHECK(!memcmp(mine, theirs, AREA));
		if (failed)
			return;
	}
	CHECK(quire_strlen("") == 0 && quire_strlen("four") == 4);
	CHECK(quire_strcmp("a", "a") == 0 && quire_strcmp("a", "b") < 0 && quire_strcmp("ab", "a") > 0 && quire_strcmp("\xff", "a") > 0);
	CHECK(quire_strncmp("abc", "abd", 2) == 0 && quire_strncmp("abc", "abd", 3) < 0 && quire_strncmp("a", "a", 9) == 0);
}

#define SAME(...) do { \
	char want[64], got[64]; \
	int length = snprintf(want, sizeof(want), __VA_ARGS__); \
	CHECK(format_text(got, sizeof(got), __VA_ARGS__) == length); \
	if (strcmp(want, got)) printf("want \"%s\", got \"%s\"\n", want, got); \
	CHECK(!strcmp(want, got)); \
} while (0)

static void test_format(void)
{
	char small[4];

	SAME("%d %d %d", 0, -5, 2147483647);
	SAME("%u %x %c%%", 4000000000u, 0xdeadbeef, 'q');
	SAME("%ld %lu %lx", -9223372036854775807L - 1, ~0UL, ~0UL);
	SAME("[%5d] [%-5d] [%05d] [%02x] [%16lx]", -42, 42, -42, 7, 0xabcUL);
	SAME("[%8s] [%-8s] [%.2s] [%.*s] [%*s]", "ab", "ab", "abc", 1, "xyz", 4, "w");
	SAME("%p", (void *)0x1234);
	SAME("%zu %lld", (size_t)9, -9LL);
	CHECK(format_text(small, sizeof(small), "%s", "abcdef") == 6 && !strcmp(small, "abc"));
	CHECK(format_text(NULL, 0, "abc") == 3);
}

static bool value_is(const char *arguments, const char *key, const char *want)
{
	size_t length = 0;
	const char *value = argument_value(arguments, key, &length);

	return want ? value && length == strlen(want) && !strncmp(value, want, length) : !value;
}

static void test_argument(void)
{
	CHECK(value_is("log=1 tty=raw", "tty", "raw") && value_is("log=1 tty=raw", "log", "1"));
	CHECK(value_is("log=1", "lo", NULL) && value_is("", "log", NULL) && value_is("log", "log", NULL));
	CHECK(value_is("a=b -- log=1", "log", NULL) && value_is("  object= x=2", "object", "") && value_is("-- x=1", "x", NULL));
	CHECK(value_is("a--=1 log=1", "log", "1"));
	CHECK(!strcmp(argument_command("log=1 -- ls -l -- x"), "ls -l -- x") && !strcmp(argument_command("-- ls"), "ls"));
	CHECK(!argument_command("log=1") && !argument_command("") && !argument_command("log=1 --"));
	CHECK(!strcmp(argument_command("x -- "), ""));
}

static void test_ring(void)
{
	static struct ring ring;
	struct ring_request request = { 0 };
	struct ring_completion completion;
	uint64_t asked = 0, taken = 0, answered = 0, seen = 0;

	/* All indices wrap around 2^32 on the way. */
	ring.request_head = ring.request_tail = ring.completion_head = ring.completion_tail = -100u;
	for (int round = 0; round < 100000; round++) {
		switch (rand() % 4) {
		case 0:
			request.id = asked;
			CHECK(ring_ask(&ring, &request) == (asked - seen < RING_SLOTS));
			asked += asked - seen < RING_SLOTS;
			break;
		case 1:
			CHECK(ring_next_request(&ring, &request) == (taken < asked));
			CHECK(taken == asked || request.id == taken);
			taken += taken < asked;
			break;
		case 2:
			if (answered < taken)
				ring_complete(&ring, answered, -(int64_t)answered, answered), answered++;
			break;
		case 3:
			CHECK(ring_next_completion(&ring, &completion) == (seen < answered));
			CHECK(seen == answered || completion.id == seen);
			seen += seen < answered;
		}
	}
	ring.request_head = ring.request_tail + RING_SLOTS + 1;
	CHECK(!ring_next_request(&ring, &request));
	ring.completion_head = ring.completion_tail - 1;
	CHECK(!ring_next_completion(&ring, &completion));
}

int main(void)
{
	test_memory();
	test_format();
	test_argument();
	test_ring();
	return failed;
}
