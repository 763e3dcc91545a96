/*
 * Noise as real STM lines carry it: not white per pixel, but streaks correlated over some pixels
 * along the fast axis and nearly independent from line to line.
 *
 * Recipe and widths: measured on 2,954 labelled images and three raw scans (docs/simulator.md).
 * Widths are given for lines of 300 samples and scale with the number of samples.
 */
#ifndef SIM_NOISE_H
#define SIM_NOISE_H

#include "sim/random.h"

#include <stdint.h>

struct sim_noise;

/* How the streaks look during one frame. */
struct sim_noise_shape {
    double sigma_px; /* main part, along the line */
    double tail;     /* weight of the wide part */
    double across;   /* weight of the part that lives for about three lines */
};

int sim_noise_create(uint32_t points, struct sim_noise **ret);
void sim_noise_destroy(struct sim_noise *noise);

void sim_noise_draw_shape(struct sim_random *random, struct sim_noise_shape *ret);

/*
 * The next line of one direction (0 forward, 1 backward), in time order: about unit rms.
 * ret_noise: (points). Returns the slow field alone, (points), borrowed until the next call.
 */
const double *sim_noise_line(struct sim_noise *noise, const struct sim_noise_shape *shape,
                             int direction, struct sim_random *random, double *ret_noise);

/* Gaussian smoothing in place, edges held: what the feedback loop's bandwidth leaves. */
void sim_noise_smooth(struct sim_noise *noise, double sigma_px, double *values);

#endif
