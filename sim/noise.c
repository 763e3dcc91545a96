/* Line-streak noise and smoothing along a line. */
#include "sim/noise.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Kernels are cut here; at 2.8 sigma 2 % of the height is left. */
#define CUT_SIGMAS 2.8
#define REFERENCE_POINTS 300.0
#define TAIL_SIGMA_PX 22.0
#define ACROSS_SIGMA_PX 14.0
/* Two first-order steps of this memory decay as a Gaussian of about three lines does. */
#define ACROSS_MEMORY 0.6

struct sim_noise {
    uint32_t points;
    uint32_t radius_max;
    double *white;     /* points + 2 radius_max */
    double *kernel;    /* 2 radius_max + 1 */
    double *part;      /* points */
    double *across[2]; /* slow field per direction, points */
    double *step[2];   /* its first-order stage */
    double shown_norm;
};

static double in_px(const struct sim_noise *noise, double reference_px)
{
    return reference_px * noise->points / REFERENCE_POINTS;
}

int sim_noise_create(uint32_t points, struct sim_noise **ret)
{
    struct sim_noise *noise = calloc(1, sizeof(*noise));
    if (!noise)
        return -ENOMEM;
    noise->points = points;
    noise->radius_max = 1 + (uint32_t)ceil(CUT_SIGMAS * in_px(noise, TAIL_SIGMA_PX));
    size_t wide = points + 2 * (size_t)noise->radius_max;
    noise->white = calloc(wide, sizeof(double));
    noise->kernel = calloc(2 * (size_t)noise->radius_max + 1, sizeof(double));
    noise->part = calloc(points, sizeof(double));
    for (int d = 0; d < 2; d++) {
        noise->across[d] = calloc(points, sizeof(double));
        noise->step[d] = calloc(points, sizeof(double));
    }
    if (!noise->white || !noise->kernel || !noise->part || !noise->across[0] || !noise->across[1] ||
        !noise->step[0] || !noise->step[1]) {
        sim_noise_destroy(noise);
        return -ENOMEM;
    }
    /* Variance of two chained first-order filters driven by unit white: (1 + a^2) / (1 - a^2)^3. */
    double a2 = ACROSS_MEMORY * ACROSS_MEMORY;
    noise->shown_norm = 1 / sqrt((1 + a2) / ((1 - a2) * (1 - a2) * (1 - a2)));
    *ret = noise;
    return 0;
}

void sim_noise_destroy(struct sim_noise *noise)
{
    if (!noise)
        return;
    free(noise->white);
    free(noise->kernel);
    free(noise->part);
    for (int d = 0; d < 2; d++) {
        free(noise->across[d]);
        free(noise->step[d]);
    }
    free(noise);
}

void sim_noise_draw_shape(struct sim_random *random, struct sim_noise_shape *ret)
{
    ret->sigma_px = sim_random_log_range(random, 3, 8);
    ret->tail = sim_random_range(random, 0, .5);
    ret->across = sim_random_range(random, .2, .6);
}

/* Gaussian taps of this width; returns their radius. `power`: they add up to 1 squared, or plain */
static uint32_t make_kernel(struct sim_noise *noise, double sigma_px, int power)
{
    uint32_t radius = (uint32_t)ceil(CUT_SIGMAS * sigma_px);
    if (radius > noise->radius_max)
        radius = noise->radius_max;
    double sum = 0;
    for (uint32_t j = 0; j <= 2 * radius; j++) {
        double d = ((double)j - (double)radius) / sigma_px;
        noise->kernel[j] = exp(-.5 * d * d);
        sum += power == 2 ? noise->kernel[j] * noise->kernel[j] : noise->kernel[j];
    }
    double norm = power == 2 ? 1 / sqrt(sum) : 1 / sum;
    for (uint32_t j = 0; j <= 2 * radius; j++)
        noise->kernel[j] *= norm;
    return radius;
}

/* out[i] = sum over the taps of white[i ...]; taps outside, so that the compiler can go wide. */
static void convolve(const struct sim_noise *noise, uint32_t radius, double *out)
{
    memset(out, 0, noise->points * sizeof(*out));
    for (uint32_t j = 0; j <= 2 * radius; j++) {
        const double *in = noise->white + j;
        double tap = noise->kernel[j];
        for (uint32_t i = 0; i < noise->points; i++)
            out[i] += tap * in[i];
    }
}

/* White noise smoothed to this width, unit rms. */
static void streak(struct sim_noise *noise, double sigma_px, struct sim_random *random, double *out)
{
    uint32_t radius = make_kernel(noise, sigma_px, 2);
    sim_random_normals(random, noise->white, noise->points + 2 * (size_t)radius);
    convolve(noise, radius, out);
}

const double *sim_noise_line(struct sim_noise *noise, const struct sim_noise_shape *shape,
                             int direction, struct sim_random *random, double *ret_noise)
{
    double *across = noise->across[direction], *step = noise->step[direction];
    streak(noise, in_px(noise, shape->sigma_px), random, ret_noise);
    for (uint32_t i = 0; i < noise->points; i++)
        ret_noise[i] *= .86;
    streak(noise, in_px(noise, TAIL_SIGMA_PX), random, noise->part);
    for (uint32_t i = 0; i < noise->points; i++)
        ret_noise[i] += shape->tail * noise->part[i];
    streak(noise, in_px(noise, ACROSS_SIGMA_PX), random, noise->part);
    for (uint32_t i = 0; i < noise->points; i++) {
        step[i] = ACROSS_MEMORY * step[i] + noise->part[i];
        across[i] = ACROSS_MEMORY * across[i] + noise->shown_norm * step[i];
        ret_noise[i] += shape->across * across[i];
    }
    return across;
}

void sim_noise_smooth(struct sim_noise *noise, double sigma_px, double *values)
{
    uint32_t n = noise->points;
    uint32_t radius = make_kernel(noise, in_px(noise, sigma_px), 1);
    for (uint32_t j = 0; j < radius; j++) {
        noise->white[j] = values[0];
        noise->white[radius + n + j] = values[n - 1];
    }
    memcpy(noise->white + radius, values, n * sizeof(*values));
    convolve(noise, radius, values);
}
