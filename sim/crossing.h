/*
 * Where a line crosses tall features: a tip that has just been over one is more likely to change.
 * From the surface alone, whatever the tip, so that it costs no rendering.
 */
#ifndef SIM_CROSSING_H
#define SIM_CROSSING_H

#include "sim/probe.h"

enum { SIM_CROSSING_BINS = 64 }; /* of one trace */

struct sim_crossing {
    double weight[2 * SIM_CROSSING_BINS]; /* forward and backward, in time order: 1 or factor */
    double mean;
};

/* Of the line of this track between two places, over features that are `least_m` high in it. */
void sim_crossing_of_line(const struct sim_track *track, double least_m, double x0_m, double x1_m,
                          double factor, struct sim_crossing *ret);

/* A moment of the line, 0..1, drawn by weight: `u` is uniform. */
double sim_crossing_place(const struct sim_crossing *crossing, double u);

/* Share of time over or just past such features, in frames anywhere around the start. */
double sim_crossing_mean(const struct sim_surface *surface, double bias_v, double least_m,
                         double frame_m);

#endif
