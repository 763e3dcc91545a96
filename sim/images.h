/*
 * Sets of simulated images with the structure of a real one: recordings of several runs, runs of
 * consecutive cycles in which one tip scans, changes by itself, and is worked on by an operator
 * who pokes when the picture is bad. The forward trace of every cycle's way up becomes an image.
 *
 * A run is a function of the options and its number alone, so that runs can be made in any order.
 */
#ifndef SIM_IMAGES_H
#define SIM_IMAGES_H

#include "sim/random.h"
#include "sim/tip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_images_options {
    uint64_t seed;
    bool equal;      /* every visible class as often; else as often as in real sets */
    int state;       /* enum sim_tip_state in which every image starts; -1: drawn */
    uint32_t points; /* 0: 300 or 512, as often as in real sets */
};

enum { SIM_IMAGE_EVENTS_MAX = 64, SIM_IMAGES_RUNS_PER_RECORDING = 8 };

/* One frame as scanned, before any flattening. */
struct sim_image {
    uint32_t run, cycle;    /* run: from 0, of the whole set; cycle: from 1 */
    uint32_t points, lines; /* lines < points: the scan was stopped */
    double *heights_m;      /* (lines, points), row 0 = bottom */
    double frame_m;
    double g1[2], g2[2]; /* of the lattice in the middle: cycles per sample in x, per line in y */
    enum sim_tip_state state;              /* at the end */
    uint32_t events[SIM_IMAGE_EVENTS_MAX]; /* lines in which something happened to the tip */
    size_t n_events;
};

/* How many images this run has. */
uint32_t sim_images_in_run(const struct sim_images_options *options, uint32_t run);

/*
 * Make the first `count` images of a run, in order; each is lent to `take`, which returns 0 to go
 * on. 0, what take returned, -ENOMEM.
 */
int sim_images_run(const struct sim_images_options *options, uint32_t run, uint32_t count,
                   int (*take)(void *ctx, const struct sim_image *image), void *ctx);

#endif
