/* SplitMix64 and the distributions drawn from it. */
#include "nn/random.h"

#include <math.h>

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

struct nn_random nn_random_seed(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t state = mix(seed + 0x9E3779B97F4A7C15U);
    state = mix(state ^ (stream + 0x9E3779B97F4A7C15U));
    state = mix(state ^ (index + 0x9E3779B97F4A7C15U));
    return (struct nn_random){.state = state};
}

uint64_t nn_random_bits(struct nn_random *random)
{
    random->state += 0x9E3779B97F4A7C15U;
    return mix(random->state);
}

double nn_random_unit(struct nn_random *random)
{
    return (double)(nn_random_bits(random) >> 11) * 0x1p-53;
}

uint32_t nn_random_below(struct nn_random *random, uint32_t n)
{
    return (uint32_t)(((nn_random_bits(random) >> 32) * n) >> 32);
}

double nn_random_normal(struct nn_random *random)
{
    double u = 1.0 - nn_random_unit(random);
    double v = nn_random_unit(random);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void nn_random_shuffle(struct nn_random *random, uint32_t *indices, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = nn_random_below(random, i);
        uint32_t held = indices[i - 1];
        indices[i - 1] = indices[j];
        indices[j] = held;
    }
}
