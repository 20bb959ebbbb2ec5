/*
 * Time: the clocks, which are all made from rdtime, and the sleepers, a binary heap by deadline. The loop's next receive has the
 * first sleeper's deadline, so there is no timer object. Processor time is an estimate from above (process_used).
 */
#include "process.h"

#include <asm/errno.h>
#include <linux/time.h>
#include <linux/times.h>

#define NS_PER_SECOND 1000000000UL
#define USER_HZ 100
#define NEVER UINT64_MAX

/* linux/time.h has these in struct timespec's old form only. */
struct timespec64 { int64_t seconds, nanoseconds; };
struct timeval64 { int64_t seconds, microseconds; };

/* ---- sleepers. heap[1] is the first; heap_index says where a process lies. */
static uint16_t heap[PROCESS_MAX];
static unsigned sleepers;

static uint64_t deadline_at(unsigned index)
{
	return processes[heap[index]].deadline;
}

static void place(unsigned index, uint16_t slot)
{
	heap[index] = slot;
	processes[slot].heap_index = index;
}

static void exchange(unsigned a, unsigned b)
{
	uint16_t slot = heap[a];

	place(a, heap[b]);
	place(b, slot);
}

static void sift_up(unsigned index)
{
	for (; index > 1 && deadline_at(index) < deadline_at(index / 2); index /= 2)
		exchange(index, index / 2);
}

static void sift_down(unsigned index)
{
	for (;;) {
		unsigned child = 2 * index;

		if (child > sleepers)
			return;
		if (child < sleepers && deadline_at(child + 1) < deadline_at(child))
			child++;
		if (deadline_at(index) <= deadline_at(child))
			return;
		exchange(index, child);
		index = child;
	}
}

void sleeper_insert(struct process *process)
{
	place(++sleepers, process->slot);
	sift_up(sleepers);
}

void sleeper_remove(struct process *process)
{
	unsigned index = process->heap_index;

	if (!index)
		return;
	process->heap_index = 0;
	if (index == sleepers--)
		return;
	place(index, heap[sleepers + 1]);
	sift_up(index);
	sift_down(index);
}

uint64_t sleeper_first(void)
{
	return sleepers ? deadline_at(1) : 0;
}

void sleepers_wake(void)
{
	uint64_t now = read_time();

	while (sleepers && deadline_at(1) <= now) {
		struct process *process = &processes[heap[1]];

		if (process->state == PROCESS_LAST) {
			sleeper_remove(process);
			exit_deadline(process);
		} else {
			process_unpark(process);
			process_answer(process, process->parked.token, 0);
		}
	}
}

/* ---- conversions. No 128-bit arithmetic: seconds and the rest apart. */
uint64_t ticks_to_ns(uint64_t ticks)
{
	uint64_t hz = start_info->timebase_hz;

	return ticks / hz * NS_PER_SECOND + ticks % hz * NS_PER_SECOND / hz;
}

uint64_t ticks_to_user(uint64_t ticks)
{
	return ticks_to_ns(ticks) / (NS_PER_SECOND / USER_HZ);
}

/* Rounded up, so that nobody wakes early; NEVER when it does not fit. */
static uint64_t ns_to_ticks(uint64_t seconds, uint64_t nanoseconds)
{
	uint64_t hz = start_info->timebase_hz;

	if (seconds > NEVER / 2 / hz)
		return NEVER;
	return seconds * hz + (nanoseconds * hz + NS_PER_SECOND - 1) / NS_PER_SECOND;
}

/* The clock's nanoseconds, or false if there is no such clock. */
static bool read_clock(const struct process *process, int32_t clock, uint64_t *ns)
{
	*ns = ticks_to_ns(read_time());
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:			/* nobody has told us of leap seconds */
		*ns += start_info->realtime_ns;
		return true;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		return true;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = ticks_to_ns(process_used(process));
		return true;
	}
	return false;
}

static struct timespec64 timespec_of(uint64_t ns)
{
	return (struct timespec64){ ns / NS_PER_SECOND, ns % NS_PER_SECOND };
}

/* The call's only effect is what it copies out. */
static long answer_with(const struct message *message, long event, uint64_t address, const void *from, size_t bytes, long value)
{
	long error = address ? loan_error(loan_out(message, event, address, from, bytes, NULL)) : 0;

	return error ? error : value;
}

LINUX_CALL(clock_gettime)
{
	struct timespec64 time;
	uint64_t ns;

	if (!read_clock(process, message->word[0], &ns))
		return -EINVAL;
	if (!message->word[1])
		return -EFAULT;
	time = timespec_of(ns);
	return answer_with(message, event, message->word[1], &time, sizeof(time), 0);
}

LINUX_CALL(clock_getres)
{
	struct timespec64 time;
	uint64_t ns;

	if (!read_clock(process, message->word[0], &ns))
		return -EINVAL;
	time = timespec_of(ticks_to_ns(1) ? ticks_to_ns(1) : 1);
	return answer_with(message, event, message->word[1], &time, sizeof(time), 0);
}

LINUX_CALL(gettimeofday)
{
	static const int32_t timezone[2];
	struct timeval64 time;
	uint64_t ns;
	long error;

	read_clock(process, CLOCK_REALTIME, &ns);
	time = (struct timeval64){ ns / NS_PER_SECOND, ns % NS_PER_SECOND / 1000 };
	error = answer_with(message, event, message->word[0], &time, sizeof(time), 0);
	return error ? error : answer_with(message, event, message->word[1], timezone, sizeof(timezone), 0);
}

LINUX_CALL(times)
{
	struct tms times = { .tms_utime = ticks_to_user(process_used(process)), .tms_cutime = ticks_to_user(process->children_ticks) };

	return answer_with(message, event, message->word[0], &times, sizeof(times), ticks_to_user(read_time()));
}

/* ---- sleeping */
static uint64_t deadline_of(bool is_realtime, bool is_absolute, const struct timespec64 *time)
{
	uint64_t seconds = time->seconds, nanoseconds = time->nanoseconds, now = read_time(), ticks;
	uint64_t boot_seconds = start_info->realtime_ns / NS_PER_SECOND, boot_rest = start_info->realtime_ns % NS_PER_SECOND;

	if (is_absolute && is_realtime) {
		if (nanoseconds < boot_rest) {
			nanoseconds += NS_PER_SECOND;
			boot_seconds++;
		}
		if (seconds < boot_seconds)
			return now;
		seconds -= boot_seconds;
		nanoseconds -= boot_rest;
	}
	ticks = ns_to_ticks(seconds, nanoseconds);
	if (is_absolute)
		return ticks;
	return ticks > NEVER - now ? NEVER : now + ticks;
}

/*
 * No sleep is ever cut short: a signal that has an effect ends the sleeper (process.h). So the remaining time, the
 * last argument of both calls, is never written.
 */
static long sleep(struct process *process, struct message *message, long event, uint64_t address, bool is_realtime, bool is_absolute)
{
	struct timespec64 time;
	long error = loan_error(loan_in(message, event, address, &time, sizeof(time), NULL));

	if (error)
		return error;
	if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= (int64_t)NS_PER_SECOND)
		return -EINVAL;
	process->deadline = deadline_of(is_realtime, is_absolute, &time);
	if (process->deadline <= read_time())
		return 0;
	sleeper_insert(process);
	process_park(process, PROCESS_SLEEPING, message);
	return NO_ANSWER;
}

LINUX_CALL(nanosleep)
{
	return sleep(process, message, event, message->word[0], false, false);
}

LINUX_CALL(clock_nanosleep)
{
	int32_t clock = message->word[0];

	if (clock != CLOCK_REALTIME && clock != CLOCK_TAI && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return -EINVAL;
	return sleep(process, message, event, message->word[2], clock == CLOCK_REALTIME || clock == CLOCK_TAI, message->word[1] & TIMER_ABSTIME);
}
