/* xoshiro256** streams and the distributions that the simulator draws from. */
#include "sim/random.h"

#include <math.h>

static uint64_t mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t sim_hash(uint64_t seed, uint64_t stream, uint64_t index)
{
    return mix(mix(mix(seed) ^ stream) ^ index);
}

void sim_random_seed(struct sim_random *random, uint64_t seed, enum sim_stream stream,
                     uint64_t index)
{
    uint64_t h = sim_hash(seed, (uint64_t)stream, index);
    for (int i = 0; i < 4; i++) {
        h = mix(h);
        random->s[i] = h;
    }
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t sim_random_u64(struct sim_random *random)
{
    uint64_t *s = random->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double sim_random_uniform(struct sim_random *random)
{
    return (double)(sim_random_u64(random) >> 11) * 0x1p-53;
}

double sim_random_range(struct sim_random *random, double low, double high)
{
    return low + (high - low) * sim_random_uniform(random);
}

double sim_random_log_range(struct sim_random *random, double low, double high)
{
    return low * exp(log(high / low) * sim_random_uniform(random));
}

double sim_random_in(struct sim_random *random, const struct sim_range *range)
{
    return sim_random_range(random, range->low, range->high);
}

double sim_random_log_in(struct sim_random *random, const struct sim_range *range)
{
    return sim_random_log_range(random, range->low, range->high);
}

double sim_random_sign(struct sim_random *random)
{
    return sim_random_u64(random) >> 63 ? 1 : -1;
}

void sim_random_normals(struct sim_random *random, double *out, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        double radius = sqrt(-2 * log(1 - sim_random_uniform(random)));
        double angle = 6.283185307179586 * sim_random_uniform(random);
        out[i] = radius * cos(angle);
        if (i + 1 < n)
            out[i + 1] = radius * sin(angle);
    }
}

double sim_random_normal(struct sim_random *random)
{
    double value;
    sim_random_normals(random, &value, 1);
    return value;
}

void sim_random_white(struct sim_random *random, double *out, size_t n)
{
    /* Four uniforms of 16 bits: mean 4 x 32767.5, variance 4 x (2^32 - 1) / 12. */
    const double scale = 1 / 37837.22723720648;
    for (size_t i = 0; i < n; i++) {
        uint64_t u = sim_random_u64(random);
        uint64_t pairs = (u & 0x0000ffff0000ffffu) + ((u >> 16) & 0x0000ffff0000ffffu);
        uint32_t sum = (uint32_t)(pairs >> 32) + (uint32_t)pairs;
        out[i] = ((double)sum - 131070) * scale;
    }
}

unsigned sim_random_poisson(struct sim_random *random, double mean)
{
    double limit = exp(-mean);
    double product = sim_random_uniform(random);
    unsigned n = 0;
    while (product > limit) {
        product *= sim_random_uniform(random);
        n++;
    }
    return n;
}

size_t sim_random_pick(struct sim_random *random, const double *p, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[i];
    double x = sum * sim_random_uniform(random);
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] <= 0)
            continue;
        last = i;
        if (x < p[i])
            return i;
        x -= p[i];
    }
    return last;
}
