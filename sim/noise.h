/*
 * Noise as real STM lines carry it: not white per pixel, but streaks correlated over some pixels
 * along the fast axis and nearly independent from line to line; and contact islands, where a bad
 * apex switches over and z leaps by nanometres.
 *
 * Widths and weights: measured on 2,954 labelled images and three raw scans (docs/simulator.md).
 * Widths are given for lines of 300 samples and scale with the number of samples.
 */
#ifndef SIM_NOISE_H
#define SIM_NOISE_H

#include "sim/apex.h"
#include "sim/random.h"

#include <stdint.h>

struct sim_noise;

/*
 * How the streaks look during one frame. From line to line their main part swings like a vibration
 * that is not in step with the lines: two poles of this radius at this angle.
 */
struct sim_noise_shape {
    double length_px; /* main part: of each of its six poles */
    double radius, angle;
};

int sim_noise_create(uint32_t points, struct sim_noise **ret);
void sim_noise_destroy(struct sim_noise *noise);

void sim_noise_draw_shape(struct sim_random *random, struct sim_noise_shape *ret);

/*
 * The next line of one direction (0 forward, 1 backward), in time order, in metres.
 * ret_noise_m: (points).
 */
void sim_noise_line(struct sim_noise *noise, const struct sim_noise_shape *shape,
                    const struct sim_contrast *contrast, int direction, struct sim_random *random,
                    double *ret_noise_m);

/*
 * A glitch as it comes through the filter that gives the streaks of the last line their length: a
 * box from sample `first` on, `length` samples long, its peak 1. ret: (points), filled from `first`
 * on.
 */
void sim_noise_bump(const struct sim_noise *noise, uint32_t first, double length, double *ret);

/* The islands of the line that sim_noise_line has just made. ret_m: (points). */
void sim_noise_islands(struct sim_noise *noise, const struct sim_contrast *contrast,
                       struct sim_random *random, double *ret_m);

#endif
