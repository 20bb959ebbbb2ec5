/*
 * What the compiler calls for an operation that the machine has no instruction for: counting bits, turning bytes around. libgcc
 * has these, too, but with the calling convention for hardware floating point, which cannot be linked with the servers.
 * Nobody calls them by name: write __builtin_ctzl and the like.
 */
#include <stdint.h>

int __clzdi2(uint64_t value);
int __ctzdi2(uint64_t value);
int __popcountdi2(uint64_t value);
uint32_t __bswapsi2(uint32_t value);
uint64_t __bswapdi2(uint64_t value);

/* Zeroes above the highest one; value is not 0. */
int __clzdi2(uint64_t value)
{
	int zeroes = 0;

	for (int step = 32; step; step /= 2)
		if (!(value >> (64 - step))) {
			zeroes += step;
			value <<= step;
		}
	return zeroes;
}

/* Zeroes below the lowest one; value is not 0. */
int __ctzdi2(uint64_t value)
{
	return 63 - __clzdi2(value & -value);
}

int __popcountdi2(uint64_t value)
{
	value -= value >> 1 & 0x5555555555555555;
	value = (value & 0x3333333333333333) + (value >> 2 & 0x3333333333333333);
	value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (int)(value * 0x0101010101010101 >> 56);
}

uint32_t __bswapsi2(uint32_t value)
{
	return value << 24 | (value & 0xff00) << 8 | (value >> 8 & 0xff00) | value >> 24;
}

uint64_t __bswapdi2(uint64_t value)
{
	return (uint64_t)__bswapsi2((uint32_t)value) << 32 | __bswapsi2((uint32_t)(value >> 32));
}
