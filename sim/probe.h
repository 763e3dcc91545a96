/*
 * The surface as a tip sees it at constant current, noiseless: heights along one trace. Lattice
 * tables are made once per apex and kept; features are added only where they reach.
 */
#ifndef SIM_PROBE_H
#define SIM_PROBE_H

#include "sim/surface.h"
#include "sim/tip.h"

/* Per metre: twice the decay of the current at a barrier of 4.5 eV. */
#define SIM_TWO_KAPPA_PER_M 2.17e10

/* The way of one trace across the surface: one y, x rising or falling throughout. */
struct sim_track {
    const double *x_m; /* (n), surface coordinates */
    double y_m;
    uint32_t n;
    double bias_v;
    const struct sim_terrain *terrain;  /* of a box around it, 4 nm wider for outer apices */
    const struct sim_feature *features; /* all that may reach it */
    size_t n_features;
};

struct sim_probe;

/* `surface` is borrowed. -ENOMEM. */
int sim_probe_create(const struct sim_surface *surface, uint32_t points, struct sim_probe **ret);
void sim_probe_destroy(struct sim_probe *probe);

/* Heights of samples from..to (to not included) into ret_m[from..to). */
void sim_probe_heights(struct sim_probe *probe, const struct sim_tip *tip,
                       const struct sim_track *track, uint32_t from, uint32_t to, double *ret_m);

#endif
