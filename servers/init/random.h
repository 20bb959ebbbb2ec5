/* Splits one seed into many: each server gets bytes that say nothing about another's. */
#ifndef INIT_RANDOM_H
#define INIT_RANDOM_H

#include <stdint.h>

/* The first 32 bytes of the ChaCha20 stream (RFC 8439) with the seed as key and `which` as nonce. */
void random_split(const uint8_t seed[32], uint32_t which, uint8_t out[32]);

#endif
