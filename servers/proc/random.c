/*
 * getrandom: ChaCha20 (RFC 8439's block function) keyed from the boot seed. Each request's key is thrown away: the generator's first
 * output is its next key, so what was given out cannot be computed from what lies in memory later. The half block behind that key
 * serves small requests, each byte once: it is erased as it is given.
 */
#include "process.h"

#include <asm/errno.h>
#include <linux/random.h>

#define BLOCK_BYTES 64
#define REQUEST_MAX 65536	/* a bounded step; getrandom may give less than was asked for above 256 bytes */
#define PIECE_BYTES 1024

static uint32_t key[8];
static uint8_t spare[32];
static size_t spare_bytes;	/* the last of `spare` that nobody has had */

static uint32_t rotate(uint32_t word, unsigned bits)
{
	return word << bits | word >> (32 - bits);
}

static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 7);
}

void chacha_block(const uint32_t from[8], uint32_t counter, const uint32_t nonce[3], uint32_t out[16])
{
	uint32_t state[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, [12] = counter, nonce[0], nonce[1], nonce[2] };

	memcpy(state + 4, from, 32);
	memcpy(out, state, sizeof(state));
	for (unsigned round = 0; round < 20; round += 2) {
		for (unsigned i = 0; i < 4; i++)
			quarter_round(out, i, i + 4, i + 8, i + 12);
		for (unsigned i = 0; i < 4; i++)
			quarter_round(out, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12);
	}
	for (unsigned i = 0; i < 16; i++)
		out[i] += state[i];
}

void random_init(const uint8_t seed[32])
{
	memcpy(key, seed, sizeof(key));
	spare_bytes = 0;
}

static void take_spare(uint8_t *to, size_t bytes)
{
	uint8_t *from = spare + sizeof(spare) - spare_bytes;

	memcpy(to, from, bytes);
	memset(from, 0, bytes);
	spare_bytes -= bytes;
}

/* The time goes in as the nonce: a machine without a seed still gives different bytes at each boot. */
void random_bytes(uint8_t *to, size_t bytes)
{
	uint64_t now = read_time();
	uint32_t nonce[3] = { now, now >> 32, 0 }, next[16], block[16];

	if (bytes <= spare_bytes) {
		take_spare(to, bytes);
		return;
	}
	chacha_block(key, 0, nonce, next);
	for (uint32_t counter = 1; bytes; counter++) {
		size_t step = bytes < BLOCK_BYTES ? bytes : BLOCK_BYTES;

		chacha_block(key, counter, nonce, block);
		memcpy(to, block, step);
		to += step;
		bytes -= step;
	}
	memcpy(key, next, sizeof(key));
	memcpy(spare, next + 8, sizeof(spare));
	spare_bytes = sizeof(spare);
	memset(block, 0, sizeof(block));
	memset(next, 0, sizeof(next));
}

LINUX_CALL(getrandom)
{
	static uint8_t piece[PIECE_BYTES];
	uint64_t address = message->word[0], flags = message->word[2], done = 0;
	uint64_t bytes = message->word[1] < REQUEST_MAX ? message->word[1] : REQUEST_MAX;

	(void)process;
	if (flags & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & GRND_RANDOM && flags & GRND_INSECURE))
		return -EINVAL;
	while (done < bytes) {
		size_t step = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
		enum loan loan;

		random_bytes(piece, step);
		loan = loan_out(message, event, address + done, piece, step, NULL);
		if (loan == LOAN_FAULTED)
			return NO_ANSWER;
		if (loan == LOAN_REFUSED)
			return done ? (long)done : -EFAULT;
		done += step;
	}
	return done;
}
