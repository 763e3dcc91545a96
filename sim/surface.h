/*
 * The simulated surface: H:Si(100)-2x1 with dimer rows, terraces whose rows turn by 90 degrees,
 * defects, dirty patches, and what actions have left behind. A fixed function of place and seed,
 * but for those marks. It knows no tip: it says where the lattice lies and what stands on it.
 *
 * Surface coordinates in metres, heights in metres, positive away from the surface.
 * Numbers and their sources: docs/simulator.md.
 */
#ifndef SIM_SURFACE_H
#define SIM_SURFACE_H

#include "instrument/action.h"
#include "sim/lattice.h"
#include "sim/random.h"

#include <stddef.h>
#include <stdint.h>

#define SIM_ROW_PERIOD_M 0.768e-9
#define SIM_DIMER_PERIOD_M 0.384e-9
#define SIM_STEP_M 135.8e-12

struct sim_surface;

int sim_surface_create(uint64_t seed, struct sim_surface **ret);
void sim_surface_destroy(struct sim_surface *surface);

/* Place in the lattice, in cells: s across the rows (whole on a row's axis), t along them. */
struct sim_place {
    double s, t;
    double step_m; /* height of the terrace, smooth across an edge */
};

/* How s, t and the terrace depend on x and y near a line; fast where no step is near. */
struct sim_terrain {
    const struct sim_surface *surface;
    int single;            /* the whole box lies on one terrace */
    double sx, sy, tx, ty; /* cells per metre; single only */
    double s0, t0, step_m;
};

struct sim_contrast;

/* The cell that sim_place counts in. Borrowed. */
const struct sim_cell *sim_surface_cell(const struct sim_surface *surface);

/*
 * The lattice's waves as a tip of this contrast pictures them at this sample bias, before its
 * apices blur them. Returns how many, at most SIM_WAVES_MAX.
 */
size_t sim_surface_waves(const struct sim_surface *surface, const struct sim_contrast *contrast,
                         double bias_v, struct sim_wave ret[SIM_WAVES_MAX]);

/* A box in surface coordinates. */
struct sim_box {
    double x0, y0, x1, y1;
};

void sim_surface_terrain(const struct sim_surface *surface, const struct sim_box *box,
                         struct sim_terrain *ret);
void sim_terrain_place(const struct sim_terrain *terrain, double x, double y,
                       struct sim_place *ret);

/* A round bump or hole: height exp(-r^2 / 2 sigma^2). */
struct sim_feature {
    double x_m, y_m;
    double height_m; /* < 0: a hole */
    double sigma_m;
};

/* No feature, dilated by the bluntest tip, reaches farther than this. */
#define SIM_FEATURE_REACH_M 8e-9

/*
 * Features within SIM_FEATURE_REACH_M of the box, at most `max`, always in the same order for the
 * same box. Returns how many.
 */
size_t sim_surface_features(const struct sim_surface *surface, const struct sim_box *box,
                            struct sim_feature *ret, size_t max);

/* The marks that an action leaves at (x, y). */
void sim_surface_mark(struct sim_surface *surface, const struct action *action, double x, double y,
                      struct sim_random *random);

#endif
