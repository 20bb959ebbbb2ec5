"""
Servers stand above programs. Who has one of them work for long must all the same leave the other programs their turn, and loses nothing
if they do not want it. Guest time is counted in instructions, so it is exact.
"""
import re

from harness import expect

READER = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#define PIECES 1000
static struct { volatile int end; volatile unsigned long gap; } *shared;

static unsigned long now(void)		/* in units of 100 ns, without a system call */
{
	unsigned long ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks;
}

/* For how long at most it did not run. */
static void watch(void)
{
	for (unsigned long last = now(), next; !shared->end; last = next) {
		next = now();
		if (next - last > shared->gap)
			shared->gap = next - last;
	}
}

/* A gigabyte of a file without content, into the same megabyte again and again. */
int main(int count, char **argument)
{
	static struct iovec piece[PIECES];
	static char memory[1 << 20];
	int file = open("/dev/shm/data", O_RDWR | O_CREAT, 0600);
	unsigned long begin;

	shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(memory, 1, sizeof memory);
	for (int i = 0; i < PIECES; i++)
		piece[i] = (struct iovec){ memory, sizeof memory };
	if (file < 0 || shared == MAP_FAILED || ftruncate(file, PIECES * sizeof memory))
		return 1;
	if (count > 1 && fork() == 0)
		return watch(), 0;
	usleep(30000);
	begin = now();
	if (readv(file, piece, PIECES) != PIECES * sizeof memory)
		return 2;
	begin = now() - begin;
	shared->end = 1;
	wait(0);
	return printf("%lu %lu\n", begin / 10, shared->gap / 10), 0;
}
"""


def _microseconds(box, *arguments):
    """(how long the read took, for how long at most the other program did not run)"""
    result = box.succeed("--icount", "./reader", *arguments)
    numbers = re.fullmatch(rb"(\d+) (\d+)\n", result.output)
    expect(numbers, "two numbers expected", result)
    return int(numbers[1]), int(numbers[2])


def test_a_long_read_leaves_programs_their_turn(box):
    box.program("reader", READER)
    alone, _ = _microseconds(box)
    shared, gap = _microseconds(box, "watched")
    expect(alone > 200_000, f"it is to take long: {alone} us")
    expect(gap < 20_000, f"the other one did not run for {gap} us")
    expect(1.8 < shared / alone < 2.2, f"half of the time for each: {alone} us alone, {shared} us beside another")
