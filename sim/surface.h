/*
 * The simulated surface: a lattice on terraces, its defects, and what actions have left behind; one
 * endless world, drawn where it is looked at. A fixed function of place and seed, but for those
 * marks, which stay. It knows no tip: it says where the lattice lies and what stands on it.
 *
 * Surface coordinates in metres, heights in metres, positive away from the surface.
 * Numbers come from sim/surfaces/; their sources: docs/simulator.md.
 */
#ifndef SIM_SURFACE_H
#define SIM_SURFACE_H

#include "instrument/action.h"
#include "sim/lattice.h"
#include "sim/random.h"
#include "sim/surface_spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keeps what it has worked out where somebody looked: one surface is not for two threads at once.
 */
struct sim_surface;
struct sim_contrast;

/* The bluntest apex: Gaussian blur, and paraboloid that widens bumps. */
#define SIM_BLUR_MAX_M .8e-9
#define SIM_RADIUS_MAX_M 5e-9

/* `spec` is copied; NULL: H:Si(100), the file that is built in. 0, -EINVAL (a spec that no file
 * gives), -ENOMEM. */
int sim_surface_create(const struct sim_surface_spec *spec, uint64_t seed,
                       struct sim_surface **ret);
void sim_surface_destroy(struct sim_surface *surface);

/* Direction of the lattice's own x axis on the first terrace, rad against x. */
double sim_surface_direction(const struct sim_surface *surface);

/* The cell that places are counted in. Borrowed. */
const struct sim_cell *sim_surface_cell(const struct sim_surface *surface);

/*
 * The lattice's waves as a tip of this contrast pictures them at this sample bias, before its
 * apices blur them. Returns how many, at most SIM_WAVES_MAX.
 */
size_t sim_surface_waves(const struct sim_surface *surface, const struct sim_contrast *contrast,
                         double bias_v, struct sim_wave ret[SIM_WAVES_MAX]);

/* How the cells lie on one terrace: s = sx x + sy y + s0, t likewise. */
struct sim_axes {
    double sx, sy, s0; /* cells per metre; cells */
    double tx, ty, t0;
};

/* An edge between two terraces. */
struct sim_edge {
    double at_m;          /* way up the steps to its mean line */
    double persistence_m; /* along it, between changes of course */
    double stray_m;       /* from its mean line, at most */
};

enum { SIM_TERRACES_MAX = 8 };

/* Terraces and edges near a line, made ready. */
struct sim_terrain {
    const struct sim_surface *surface;
    bool single;   /* the whole box lies on terrace `first` */
    int64_t first; /* number of terrace and of the edge below it */
    size_t n;
    struct sim_axes axes[SIM_TERRACES_MAX];
    struct sim_edge edges[SIM_TERRACES_MAX];
};

/* A box in surface coordinates. */
struct sim_box {
    double x0, y0, x1, y1;
};

void sim_surface_terrain(const struct sim_surface *surface, const struct sim_box *box,
                         struct sim_terrain *ret);

/* A place on the lattice, in cells. */
struct sim_place {
    double s, t;
    double step_m; /* height of the terrace, smooth across an edge, and of ridges on it */
};

void sim_terrain_place(const struct sim_terrain *terrain, double x, double y,
                       struct sim_place *ret);

/* The terrain as one apex sees it. */
struct sim_view {
    const struct sim_lattice *lattice; /* waves of this surface, blurred for that apex */
    double blur_m;                     /* of the apex: widens edges */
    double dx_m, dy_m;                 /* where it stands beside the tip's axis */
};

/*
 * Heights without features at n places (x[i], y) of the tip's axis inside the terrain's box; x
 * rises or falls throughout.
 */
void sim_terrain_heights(const struct sim_terrain *terrain, const struct sim_view *view,
                         const double *x, double y, size_t n, double *ret_m);

/* A round bump or hole: height exp(-r^2 / 2 sigma^2). */
struct sim_feature {
    double x_m, y_m;
    double height_m; /* < 0: a hole */
    double sigma_m;
};

/* No feature of this surface, widened by the bluntest tip, reaches farther than this. */
double sim_surface_reach_m(const struct sim_surface *surface);

/*
 * Features that a tip may feel somewhere in the box at this sample bias, at most `max`, always the
 * same in the same order for the same box. Returns how many.
 */
size_t sim_surface_features(const struct sim_surface *surface, double bias_v,
                            const struct sim_box *box, struct sim_feature *ret, size_t max);

/* The marks that an action leaves at (x, y). */
void sim_surface_mark(struct sim_surface *surface, const struct action *action, double x, double y,
                      struct sim_random *random);

/* The cells' lie on the terrace at (x, y). */
void sim_surface_axes_at(const struct sim_surface *surface, double x, double y,
                         struct sim_axes *ret);

#endif
