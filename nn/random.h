/*
 * Seeded random numbers for training: the same seed gives the same numbers on every machine.
 * SplitMix64 (Steele, Lea and Flood 2014); not for keys or anything secret.
 */
#ifndef NN_RANDOM_H
#define NN_RANDOM_H

#include <stdint.h>

struct nn_random {
    uint64_t state;
};

/* A generator whose sequence depends on all three numbers. */
struct nn_random nn_random_seed(uint64_t seed, uint64_t stream, uint64_t index);

uint64_t nn_random_bits(struct nn_random *random);

/* Uniform in [0, 1). */
double nn_random_unit(struct nn_random *random);

/* Uniform in 0 .. n - 1; n > 0. */
uint32_t nn_random_below(struct nn_random *random, uint32_t n);

/* Standard normal. */
double nn_random_normal(struct nn_random *random);

/* Fisher-Yates over n indices. */
void nn_random_shuffle(struct nn_random *random, uint32_t *indices, uint32_t n);

#endif
