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

/* Zeroes below the lowest one; value is not 0. The constant is a de Bruijn sequence: its 64 runs of six bits all differ. */
int __ctzdi2(uint64_t value)
{
	static const uint8_t place[64] = {
		0, 1, 2, 53, 3, 7, 54, 27, 4, 38, 41, 8, 34, 55, 48, 28, 62, 5, 39, 46, 44, 42, 22, 9, 24, 35, 59, 56, 49, 18, 29, 11,
		63, 52, 6, 26, 37, 40, 33, 47, 61, 45, 43, 21, 23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
	};

	return place[(value & -value) * 0x022fdd63cc95386d >> 58];
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
