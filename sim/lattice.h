/*
 * A periodic surface as one apex sees it: heights over one cell, tabulated once per apex and looked
 * up per sample.
 *
 * Places are given in cells: (s, t) stands at s a1 + t a2. Heights in metres.
 */
#ifndef SIM_LATTICE_H
#define SIM_LATTICE_H

#include <stddef.h>
#include <stdint.h>

enum { SIM_WAVES_MAX = 256, SIM_WAVE_ORDER_MAX = 16 };

/* The two vectors of a cell, metres, in the lattice's own axes. */
struct sim_cell {
    double a1_m[2], a2_m[2];
};

/* amplitude cos(2 pi (h s + k t) + phase), |h| and |k| at most SIM_WAVE_ORDER_MAX. */
struct sim_wave {
    int h, k;
    double amplitude_m, phase;
};

/* Length of the wave's reciprocal vector, rad per metre. */
double sim_wave_number(const struct sim_cell *cell, const struct sim_wave *wave);

struct sim_lattice {
    uint32_t n1, n2;  /* grid of one cell, powers of two */
    float *heights_m; /* (n1 + 1, n2 + 1), periodic */
};

/*
 * A grid so fine that between its points straight lines do: 6 pm, and with it errors below .2 pm
 * for waves of 100 pm and 16 rad/nm; in cells beyond 1.5 nm 256 points per vector. 0, -EINVAL (the
 * cell has no area), -ENOMEM.
 */
int sim_lattice_init(struct sim_lattice *lattice, const struct sim_cell *cell);
void sim_lattice_finish(struct sim_lattice *lattice);

/*
 * Heights seen by an apex whose blur is a Gaussian of width sigma_m: each wave times
 * exp(-sigma^2 G^2 / 2). At most SIM_WAVES_MAX waves.
 */
void sim_lattice_fill(struct sim_lattice *lattice, const struct sim_cell *cell,
                      const struct sim_wave *waves, size_t n, double sigma_m);

/* In the header because it is the innermost of all loops. */
static inline double sim_lattice_height(const struct sim_lattice *lattice, double s, double t)
{
    double gs = s * lattice->n1, gt = t * lattice->n2;
    int64_t i = (int64_t)gs, j = (int64_t)gt;
    i -= gs < (double)i;
    j -= gt < (double)j;
    double fs = gs - (double)i, ft = gt - (double)j;
    size_t stride = lattice->n2 + 1;
    const float *z = lattice->heights_m + ((uint64_t)i & (lattice->n1 - 1)) * stride +
                     ((uint64_t)j & (lattice->n2 - 1));
    double low = (double)z[0] + ft * ((double)z[1] - (double)z[0]);
    double high = (double)z[stride] + ft * ((double)z[stride + 1] - (double)z[stride]);
    return low + fs * (high - low);
}

#endif
