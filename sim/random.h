/*
 * Seeded random numbers in streams of their own: every purpose, and every line within it, has its
 * own generator, so that what one part draws never shifts what another part sees.
 *
 * xoshiro256** (Blackman and Vigna), seeded through splitmix64. Same numbers on every machine as
 * far as the C library's log, sqrt, sin and cos agree.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct sim_random {
    uint64_t s[4];
};

/* What a stream is for. Order is part of the seed's meaning: add at the end only. */
enum sim_stream {
    SIM_STREAM_SURFACE,
    SIM_STREAM_DEFECTS,
    SIM_STREAM_SESSION, /* tilt, drift, scale of this instrument */
    SIM_STREAM_TIP_LINE,
    SIM_STREAM_APEX,
    SIM_STREAM_NOISE,
    SIM_STREAM_FRAME,
    SIM_STREAM_GLITCH,
    SIM_STREAM_LEVEL,
    SIM_STREAM_ACTION,
    SIM_STREAM_START,
    SIM_STREAM_IMAGES,
    SIM_STREAM_FAULT,
    SIM_STREAM_BARRIER,
    SIM_STREAM_PREAMP,
    SIM_STREAM_TOUCH,
    SIM_STREAM_STOP
};

/* A mixed 64-bit value of the arguments; the hash under everything here. */
uint64_t sim_hash(uint64_t seed, uint64_t stream, uint64_t index);

void sim_random_seed(struct sim_random *random, uint64_t seed, enum sim_stream stream,
                     uint64_t index);

uint64_t sim_random_u64(struct sim_random *random);
double sim_random_uniform(struct sim_random *random); /* [0, 1) */
double sim_random_range(struct sim_random *random, double low, double high);
double sim_random_log_range(struct sim_random *random, double low, double high); /* 0 < low */
/* Both ends included; low == high is one value. Draws from one, uniform or log-uniform. */
struct sim_range {
    double low, high;
};

double sim_random_in(struct sim_random *random, const struct sim_range *range);
double sim_random_log_in(struct sim_random *random, const struct sim_range *range);

double sim_random_sign(struct sim_random *random); /* -1 or 1 */
double sim_random_normal(struct sim_random *random);
void sim_random_normals(struct sim_random *random, double *out, size_t n);

/* Zero mean, unit variance, nearly normal (sums of four): for noise that is smoothed afterwards. */
void sim_random_white(struct sim_random *random, double *out, size_t n);

unsigned sim_random_poisson(struct sim_random *random, double mean); /* mean <= 50 */

/* An index drawn with weights p (n), which need not add up to 1. */
size_t sim_random_pick(struct sim_random *random, const double *p, size_t n);

#endif
