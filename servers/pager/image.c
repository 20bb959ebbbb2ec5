/*
 * The new program's memory: segments mapped from the object (demand-paged: nothing is read here but the page that
 * .data and .bss share), heap, stack. Each phase is repeated until it answers 0.
 */
#include "exec.h"

#include <linux/errno.h>
#include <linux/mman.h>

#define COPIES 16			/* pages in one slice */
#define STACK_INITIAL (128UL << 10)	/* room below the strings that is there from the start */

static const char zeroes[CORE_PAGE];

static uint64_t page_down(uint64_t address)
{
	return address & ~(CORE_PAGE - 1);
}

static uint64_t page_up(uint64_t address)
{
	return page_down(address + CORE_PAGE - 1);
}

static long map_fixed(struct call *call, struct exec *exec, uint64_t start, uint64_t end, unsigned prot, bool anonymous, uint64_t offset)
{
	long result = core_mmap(exec->domain->space, start, end - start, prot, MAP_PRIVATE | MAP_FIXED | (anonymous ? MAP_ANONYMOUS : 0),
				anonymous ? 0 : exec->object, offset, PROT_READ | PROT_WRITE | PROT_EXEC, &call->job.waiter);

	return result > 0 && (uint64_t)result != start ? -ENOMEM : result < 0 ? result : 0;
}

static long map_file(struct call *call, struct exec *exec, const struct elf_segment *segment)
{
	uint64_t start = page_down(segment->start);

	if (!segment->file_bytes)
		return 0;
	return map_fixed(call, exec, start, page_up(segment->start + segment->file_bytes), segment->prot, false, page_down(segment->offset));
}

static long map_zeroes(struct call *call, struct exec *exec, const struct elf_segment *segment)
{
	uint64_t start = segment->file_bytes ? page_up(segment->start + segment->file_bytes) : page_down(segment->start);
	uint64_t end = page_up(segment->start + segment->memory_bytes);

	return start < end ? map_fixed(call, exec, start, end, segment->prot, true, 0) : 0;
}

/* What the file holds behind the segment's bytes, in their last page, is none of the program's business. */
static long zero_tail(struct call *call, struct exec *exec, const struct elf_segment *segment)
{
	uint64_t start = segment->start + segment->file_bytes, bytes = page_up(start) - start;
	long result;

	if (!segment->file_bytes || segment->memory_bytes == segment->file_bytes || !bytes || !(segment->prot & PROT_WRITE))
		return 0;
	if (bytes > segment->memory_bytes - segment->file_bytes)
		bytes = segment->memory_bytes - segment->file_bytes;
	result = core_copy_out(exec->domain->space, start, zeroes, bytes, &call->job.waiter);
	return result < 0 ? result : (uint64_t)result == bytes ? 0 : -EIO;
}

long exec_map_image(struct call *call, struct exec *exec)
{
	static long (*const part[])(struct call *, struct exec *, const struct elf_segment *) = { map_file, map_zeroes, zero_tail };
	const uint64_t parts = sizeof(part) / sizeof(part[0]);

	while (exec->progress < parts * exec->image.segments) {
		/* All file parts before all others: segments may meet in one page. */
		uint64_t which = exec->progress / exec->image.segments, index = exec->progress % exec->image.segments;
		long result = part[which](call, exec, &exec->image.segment[index]);

		if (result < 0)
			return result;
		job_fresh(&call->job);
		exec->progress++;
	}
	core_space_set_heap(exec->domain->space, exec->image.end);
	return 0;
}

/* xoshiro256**: enough for a stack protector's canary, not for keys. */
static uint64_t state[4];

void exec_start(const uint8_t *seed)
{
	memcpy(state, seed, sizeof(state));
	state[0] |= 1;
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static uint64_t random_word(void)
{
	uint64_t result = rotate(state[1] * 5, 7) * 9, shifted = state[1] << 17;

	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= shifted;
	state[3] = rotate(state[3], 45);
	return result;
}

void exec_random(uint8_t *bytes)
{
	uint64_t word[2] = { random_word(), random_word() };

	memcpy(bytes, word, sizeof(word));
}

/* The next piece of the stack: the words come through exec->page, the strings are copied from where they were gathered. */
static long stack_piece(struct call *call, struct exec *exec, uint64_t address, const void *from, uint64_t bytes)
{
	long result = core_copy_out(exec->domain->space, address, from, bytes, &call->job.waiter);

	if (result < 0)
		return result == -EFAULT ? -ENOMEM : result;
	job_fresh(&call->job);
	return (uint64_t)result == bytes ? 0 : -ENOMEM;
}

static long write_strings(struct call *call, struct exec *exec)
{
	uint64_t at = exec->progress * CORE_PAGE, bytes = exec->strings.bytes - at;

	return stack_piece(call, exec, exec->plan.strings + at, exec->strings.page[exec->progress], bytes < CORE_PAGE ? bytes : CORE_PAGE);
}

/* Words are made once and copied until they are there. 1: all done. */
static long write_words(struct call *call, struct exec *exec)
{
	long result;

	if (!exec->page_bytes)
		exec->page_bytes = 8 * stack_words(&exec->plan, &exec->strings, &exec->image, &exec->cursor, (uint64_t *)exec->page, CORE_PAGE / 8);
	if (!exec->page_bytes)
		return 1;
	result = stack_piece(call, exec, exec->plan.sp + 8 * exec->cursor.word - exec->page_bytes, exec->page, exec->page_bytes);
	if (!result)
		exec->page_bytes = 0;
	return result;
}

static long begin_stack(struct exec *exec)
{
	uint64_t used;

	stack_plan_make(&exec->plan, &exec->strings);
	used = STACK_TOP - exec->plan.sp;
	exec->page_bytes = 0;
	return core_map_stack(exec->domain->space, STACK_TOP, page_up(used) + STACK_INITIAL, STACK_LIMIT);
}

long exec_write_stack(struct call *call, struct exec *exec)
{
	uint64_t pages = (exec->strings.bytes + CORE_PAGE - 1) / CORE_PAGE;
	long result;

	if (!exec->plan.sp && (result = begin_stack(exec)) < 0)
		return result;
	for (unsigned copies = 0; copies < COPIES; copies++) {
		if (exec->progress < pages)
			result = write_strings(call, exec);
		else if (exec->progress == pages)
			result = stack_piece(call, exec, exec->plan.random, exec->random, STACK_RANDOM);
		else
			result = write_words(call, exec);
		if (result)
			return result > 0 ? 0 : result;
		if (exec->progress <= pages)
			exec->progress++;
	}
	return CORE_AGAIN;
}
