/*
 * Where the tip has been, and a free place for the next area. Coordinates: centre of the frame in
 * metres, relative to the night's first area. Pure and deterministic.
 */
#ifndef AGENT_SITES_H
#define AGENT_SITES_H

#include "config/policy.h"

enum { SITES_MAX = 4096 };

struct sites_spot {
    double x_m, y_m;
    bool used; /* an action took place here: forbidden circle around it */
};

/*
 * The free place nearest to (x_m, y_m): on a square grid of policy separation around the first
 * area, within reach, at least `separation_m` from every place and `forbidden_radius_m` from every
 * used one. Of equally near ones the first counter-clockwise from +x. 0; -ENOSPC: none is left.
 */
int sites_choose(const struct policy_sites *sites, const struct sites_spot *spots, size_t n,
                 double x_m, double y_m, double *ret_x_m, double *ret_y_m);

#endif
