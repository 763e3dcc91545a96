/* Waves of a lattice into a table of heights. */
#include "sim/lattice.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.141592653589793
#define GRID_M 6.1e-12
enum { GRID_MIN = 16, GRID_MAX = 256 };

static double area(const struct sim_cell *cell)
{
    return cell->a1_m[0] * cell->a2_m[1] - cell->a1_m[1] * cell->a2_m[0];
}

double sim_wave_number(const struct sim_cell *cell, const struct sim_wave *wave)
{
    double scale = 2 * PI / area(cell);
    double x = wave->h * cell->a2_m[1] - wave->k * cell->a1_m[1];
    double y = wave->k * cell->a1_m[0] - wave->h * cell->a2_m[0];
    return fabs(scale) * hypot(x, y);
}

static uint32_t grid_of(const double vector_m[2])
{
    double length_m = hypot(vector_m[0], vector_m[1]);
    uint32_t n = GRID_MIN;
    while (n < GRID_MAX && n * GRID_M < length_m)
        n *= 2;
    return n;
}

int sim_lattice_init(struct sim_lattice *lattice, const struct sim_cell *cell)
{
    if (!(fabs(area(cell)) > 0))
        return -EINVAL;
    lattice->n1 = grid_of(cell->a1_m);
    lattice->n2 = grid_of(cell->a2_m);
    lattice->heights_m = calloc((lattice->n1 + 1) * (size_t)(lattice->n2 + 1), sizeof(float));
    return lattice->heights_m ? 0 : -ENOMEM;
}

void sim_lattice_finish(struct sim_lattice *lattice)
{
    free(lattice->heights_m);
    lattice->heights_m = NULL;
}

/* The waves of one order h along a2: sum of amplitude times cosine, and times sine. */
struct profile {
    double cosine[GRID_MAX], sine[GRID_MAX];
};

static void add_profile(const struct sim_lattice *lattice, const struct sim_wave *wave,
                        double amplitude_m, struct profile *profile)
{
    for (uint32_t j = 0; j < lattice->n2; j++) {
        double angle = 2 * PI * wave->k * j / lattice->n2 + wave->phase;
        profile->cosine[j] += amplitude_m * cos(angle);
        profile->sine[j] += amplitude_m * sin(angle);
    }
}

static void add_order(struct sim_lattice *lattice, int h, const struct profile *profile)
{
    for (uint32_t i = 0; i < lattice->n1; i++) {
        float *row = lattice->heights_m + i * (size_t)(lattice->n2 + 1);
        double angle = 2 * PI * h * i / lattice->n1;
        double c = cos(angle), s = sin(angle);
        for (uint32_t j = 0; j < lattice->n2; j++)
            row[j] += (float)(c * profile->cosine[j] - s * profile->sine[j]);
    }
}

static void close_period(struct sim_lattice *lattice)
{
    size_t stride = lattice->n2 + 1;
    for (uint32_t i = 0; i < lattice->n1; i++)
        lattice->heights_m[i * stride + lattice->n2] = lattice->heights_m[i * stride];
    memcpy(lattice->heights_m + lattice->n1 * stride, lattice->heights_m, stride * sizeof(float));
}

void sim_lattice_fill(struct sim_lattice *lattice, const struct sim_cell *cell,
                      const struct sim_wave *waves, size_t n, double sigma_m)
{
    struct profile profile;
    memset(lattice->heights_m, 0,
           (lattice->n1 + 1) * (size_t)(lattice->n2 + 1) * sizeof(*lattice->heights_m));
    for (int h = -SIM_WAVE_ORDER_MAX; h <= SIM_WAVE_ORDER_MAX; h++) {
        bool found = false;
        memset(&profile, 0, sizeof(profile));
        for (size_t w = 0; w < n; w++) {
            if (waves[w].h != h)
                continue;
            double blur = sigma_m * sim_wave_number(cell, &waves[w]);
            add_profile(lattice, &waves[w], waves[w].amplitude_m * exp(-.5 * blur * blur),
                        &profile);
            found = true;
        }
        if (found)
            add_order(lattice, h, &profile);
    }
    close_period(lattice);
}
