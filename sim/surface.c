/* Rows, terraces, defects and marks. */
#include "sim/surface.h"

#include "sim/tip.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MARKS_MAX = 4096 };

#define PI 3.141592653589793
#define TERRACE_M 78e-9      /* miscut .10 degrees */
#define MEANDER_MAX_M 3.5e-9 /* no edge strays farther from its straight line */
#define EDGE_WIDTH_M .15e-9
#define CELL_M 4e-9   /* defects are drawn per cell */
#define PATCH_M 16e-9 /* clean and dirty areas */
/* Two marks closer than this are one: the later action reshapes what the earlier one left. */
#define MARK_MERGE_M .5e-9

struct sim_surface {
    uint64_t seed;
    double row_angle;  /* of u on even terraces, rad from x */
    double step_angle; /* of the way up the steps */
    struct sim_feature marks[MARKS_MAX];
    size_t n_marks, next_mark;
};

int sim_surface_create(uint64_t seed, struct sim_surface **ret)
{
    static const double p_direction[] = {.35, .30, .30, .05};
    struct sim_random random;
    struct sim_surface *surface = calloc(1, sizeof(*surface));
    if (!surface)
        return -ENOMEM;
    sim_random_seed(&random, seed, SIM_STREAM_SURFACE, 0);
    surface->seed = seed;
    double degrees = 0;
    switch (sim_random_pick(&random, p_direction, 4)) {
    case 0:
        degrees = 5 + 4 * sim_random_normal(&random);
        break;
    case 1:
        degrees = 45 + 3 * sim_random_normal(&random);
        break;
    case 2:
        degrees = -45 + 3 * sim_random_normal(&random);
        break;
    default:
        degrees = sim_random_range(&random, -90, 90);
    }
    surface->row_angle = degrees * PI / 180;
    surface->step_angle = sim_random_range(&random, 0, 2 * PI);
    *ret = surface;
    return 0;
}

void sim_surface_destroy(struct sim_surface *surface)
{
    free(surface);
}

/* 0..1 from three integers. */
static double hash_unit(uint64_t seed, int64_t a, int64_t b)
{
    return (double)(sim_hash(seed, (uint64_t)a, (uint64_t)b) >> 11) * 0x1p-53;
}

/* An edge's stray from straight, in whole pairs of dimers; straight on every second step. */
static double meander(const struct sim_surface *surface, int64_t edge, double t_m)
{
    bool straight = edge % 2 == 0;
    double reach_m = straight ? 20e-9 : 2e-9;
    double amplitude_m = straight ? 1e-9 : 2.5e-9;
    double x = t_m / reach_m;
    double cell = floor(x);
    double low = hash_unit(surface->seed + 1, edge, (int64_t)cell);
    double high = hash_unit(surface->seed + 1, edge, (int64_t)cell + 1);
    double stray_m = amplitude_m * (low + (high - low) * (x - cell) - .5) * 2;
    return SIM_ROW_PERIOD_M * round(stray_m / SIM_ROW_PERIOD_M);
}

/* Direction and origin of the lattice on one terrace. */
static void lattice_of(const struct sim_surface *surface, int64_t terrace, struct sim_terrain *ret)
{
    double angle = surface->row_angle + (terrace % 2 == 0 ? 0 : PI / 2);
    ret->sx = cos(angle) / SIM_ROW_PERIOD_M;
    ret->sy = sin(angle) / SIM_ROW_PERIOD_M;
    ret->tx = -sin(angle) / SIM_DIMER_PERIOD_M;
    ret->ty = cos(angle) / SIM_DIMER_PERIOD_M;
    ret->s0 = hash_unit(surface->seed + 2, terrace, 0);
    ret->t0 = hash_unit(surface->seed + 2, terrace, 1);
    ret->step_m = SIM_STEP_M * (double)terrace;
}

const struct sim_cell *sim_surface_cell(const struct sim_surface *surface)
{
    static const struct sim_cell cell = {{SIM_ROW_PERIOD_M, 0}, {0, SIM_DIMER_PERIOD_M}};
    (void)surface;
    return &cell;
}

size_t sim_surface_waves(const struct sim_surface *surface, const struct sim_contrast *contrast,
                         double bias_v, struct sim_wave ret[SIM_WAVES_MAX])
{
    const struct sim_contrast *c = contrast;
    const struct sim_wave waves[] = {
        {1, 0, c->row_m, 0},
        {0, 1, c->row_m * c->ratio_dimer, 0},
        {2, 0, c->row_m * c->ratio_pair, c->phase_pair},
        {1, 1, c->row_m * c->ratio_mixed, 0},
        {1, -1, c->row_m * c->ratio_mixed, 0},
    };
    (void)surface;
    (void)bias_v;
    for (size_t i = 0; i < sizeof(waves) / sizeof(waves[0]); i++)
        ret[i] = waves[i];
    return sizeof(waves) / sizeof(waves[0]);
}

/* Way up the steps, s, and along them, t. The first edge lies half a terrace from the origin. */
static void step_coordinates(const struct sim_surface *surface, double x, double y, double *s,
                             double *t)
{
    double c = cos(surface->step_angle), d = sin(surface->step_angle);
    *s = c * x + d * y + TERRACE_M / 2;
    *t = c * y - d * x;
}

void sim_surface_terrain(const struct sim_surface *surface, const struct sim_box *box,
                         struct sim_terrain *ret)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int i = 0; i < 4; i++) {
        double s, t;
        step_coordinates(surface, i & 1 ? box->x1 : box->x0, i & 2 ? box->y1 : box->y0, &s, &t);
        low = fmin(low, s);
        high = fmax(high, s);
    }
    double margin_m = MEANDER_MAX_M + 6 * EDGE_WIDTH_M;
    double first = floor((low - margin_m) / TERRACE_M);
    *ret = (struct sim_terrain){.surface = surface,
                                .single = first == floor((high + margin_m) / TERRACE_M)};
    if (ret->single)
        lattice_of(surface, (int64_t)first, ret);
}

/* The terrace at (x, y) and the smooth height there. */
static int64_t terrace_at(const struct sim_surface *surface, double x, double y, double *ret_step_m)
{
    double s, t;
    step_coordinates(surface, x, y, &s, &t);
    int64_t edge = (int64_t)round(s / TERRACE_M);
    double beyond_m = s - (double)edge * TERRACE_M - meander(surface, edge, t);
    *ret_step_m = SIM_STEP_M * ((double)(edge - 1) + .5 * (1 + tanh(beyond_m / EDGE_WIDTH_M)));
    return beyond_m < 0 ? edge - 1 : edge;
}

void sim_terrain_place(const struct sim_terrain *terrain, double x, double y, struct sim_place *ret)
{
    struct sim_terrain here = *terrain;
    if (!terrain->single) {
        double step_m;
        lattice_of(terrain->surface, terrace_at(terrain->surface, x, y, &step_m), &here);
        here.step_m = step_m;
    }
    ret->s = here.sx * x + here.sy * y + here.s0;
    ret->t = here.tx * x + here.ty * y + here.t0;
    ret->step_m = here.step_m;
}

struct defect_kind {
    double per_m2;
    double low_m, high_m; /* height, log-uniform in size */
    double sigma_low_m, sigma_high_m;
    double off_axis_m; /* from a row's axis, to either side; < 0: not bound to the lattice */
};

static const struct defect_kind defect_kinds[] = {
    {.010e18, 80e-12, 260e-12, .25e-9, .45e-9, .17e-9}, /* dangling bond */
    {.040e18, -50e-12, -130e-12, .18e-9, .30e-9, 0},    /* dimer vacancy */
    {.005e18, -30e-12, -80e-12, .18e-9, .25e-9, 0},     /* dihydride */
    {.020e18, 100e-12, 900e-12, .35e-9, 1.0e-9, -1},    /* cluster */
};
enum { DEFECT_KINDS = sizeof(defect_kinds) / sizeof(defect_kinds[0]), CLUSTER = 3 };

/* Clusters gather in dirty patches, a fifth of the area; the mean over all patches is 1. */
static double cluster_factor(const struct sim_surface *surface, double x, double y)
{
    double u =
        hash_unit(surface->seed + 3, (int64_t)floor(x / PATCH_M), (int64_t)floor(y / PATCH_M));
    return u < .2 ? 3.4 : .4;
}

static void snap_to_lattice(const struct sim_surface *surface, struct sim_feature *f, double off_m)
{
    struct sim_terrain l = {.surface = surface};
    double step_m;
    lattice_of(surface, terrace_at(surface, f->x_m, f->y_m, &step_m), &l);
    double s = l.sx * f->x_m + l.sy * f->y_m + l.s0;
    double t = l.tx * f->x_m + l.ty * f->y_m + l.t0;
    double ds = round(s) + off_m / SIM_ROW_PERIOD_M - s;
    double dt = round(t) - t;
    double area = l.sx * l.ty - l.sy * l.tx;
    f->x_m += (l.ty * ds - l.sy * dt) / area;
    f->y_m += (l.sx * dt - l.tx * ds) / area;
}

static void draw_defect(const struct sim_surface *surface, const struct defect_kind *kind,
                        struct sim_random *random, struct sim_feature *f)
{
    double size_m = sim_random_log_range(random, fabs(kind->low_m), fabs(kind->high_m));
    f->height_m = kind->low_m < 0 ? -size_m : size_m;
    f->sigma_m = sim_random_range(random, kind->sigma_low_m, kind->sigma_high_m);
    if (kind->off_axis_m >= 0)
        snap_to_lattice(surface, f, kind->off_axis_m * sim_random_sign(random));
}

/* The defects of one cell; the same ones whoever asks, however often. */
static size_t draw_cell(const struct sim_surface *surface, int64_t cx, int64_t cy,
                        struct sim_feature *ret, size_t max)
{
    struct sim_random random;
    size_t n = 0;
    sim_random_seed(&random, surface->seed, SIM_STREAM_DEFECTS,
                    sim_hash(0, (uint64_t)cx, (uint64_t)cy));
    double x0 = (double)cx * CELL_M, y0 = (double)cy * CELL_M;
    for (int k = 0; k < DEFECT_KINDS; k++) {
        double mean = defect_kinds[k].per_m2 * CELL_M * CELL_M;
        if (k == CLUSTER)
            mean *= cluster_factor(surface, x0 + CELL_M / 2, y0 + CELL_M / 2);
        unsigned count = sim_random_poisson(&random, mean);
        for (unsigned i = 0; i < count && n < max; i++) {
            ret[n] = (struct sim_feature){.x_m = x0 + CELL_M * sim_random_uniform(&random),
                                          .y_m = y0 + CELL_M * sim_random_uniform(&random)};
            draw_defect(surface, &defect_kinds[k], &random, &ret[n]);
            n++;
        }
    }
    return n;
}

size_t sim_surface_features(const struct sim_surface *surface, const struct sim_box *box,
                            struct sim_feature *ret, size_t max)
{
    size_t n = 0;
    struct sim_box wide = {box->x0 - SIM_FEATURE_REACH_M, box->y0 - SIM_FEATURE_REACH_M,
                           box->x1 + SIM_FEATURE_REACH_M, box->y1 + SIM_FEATURE_REACH_M};
    int64_t cx0 = (int64_t)floor(wide.x0 / CELL_M), cx1 = (int64_t)floor(wide.x1 / CELL_M);
    int64_t cy0 = (int64_t)floor(wide.y0 / CELL_M), cy1 = (int64_t)floor(wide.y1 / CELL_M);
    for (size_t i = 0; i < surface->n_marks && n < max; i++) {
        const struct sim_feature *m = &surface->marks[i];
        if (m->x_m > wide.x0 && m->x_m < wide.x1 && m->y_m > wide.y0 && m->y_m < wide.y1)
            ret[n++] = *m;
    }
    for (int64_t cy = cy0; cy <= cy1; cy++)
        for (int64_t cx = cx0; cx <= cx1; cx++)
            n += draw_cell(surface, cx, cy, ret + n, max - n);
    return n;
}

static void add_mark(struct sim_surface *surface, const struct sim_feature *mark)
{
    for (size_t i = 0; i < surface->n_marks; i++) {
        struct sim_feature *old = &surface->marks[i];
        if (hypot(old->x_m - mark->x_m, old->y_m - mark->y_m) < MARK_MERGE_M) {
            *old = *mark;
            return;
        }
    }
    /* Full: the oldest mark is forgotten, long after the frame has left it. */
    surface->marks[surface->next_mark] = *mark;
    surface->next_mark = (surface->next_mark + 1) % MARKS_MAX;
    if (surface->n_marks < MARKS_MAX)
        surface->n_marks++;
}

/* A hillock, or for one in three a crater, as wide as the tip was deep. */
static void mark_poke(struct sim_surface *surface, double depth_m, double x, double y,
                      struct sim_random *random)
{
    if (sim_random_uniform(random) > .5 * depth_m / 1e-9)
        return;
    double height_m = sim_random_log_range(random, 40e-12, 200e-12) * (1 + depth_m / 1e-9);
    add_mark(surface, &(struct sim_feature){
                          .x_m = x + .1e-9 * sim_random_normal(random),
                          .y_m = y + .1e-9 * sim_random_normal(random),
                          .height_m = sim_random_uniform(random) < .33 ? -height_m / 2 : height_m,
                          .sigma_m = .15e-9 + .25 * depth_m * sim_random_range(random, .5, 1.5)});
}

/* Above 5 V hydrogen leaves: a patch of dangling bonds, wider with the voltage. */
static void mark_pulse(struct sim_surface *surface, double voltage_v, double x, double y,
                       struct sim_random *random)
{
    if (voltage_v < 5 && fabs(voltage_v) < 6)
        return;
    double radius_m = fmin(10e-9, 1e-9 * (1 + 2 * (fabs(voltage_v) - 5)));
    unsigned n = 2 + sim_random_poisson(random, 20 * radius_m / 10e-9);
    for (unsigned i = 0; i < n; i++) {
        double r_m = radius_m * sqrt(sim_random_uniform(random));
        double angle = sim_random_range(random, 0, 2 * PI);
        struct sim_feature bond = {.x_m = x + r_m * cos(angle), .y_m = y + r_m * sin(angle)};
        draw_defect(surface, &defect_kinds[0], random, &bond);
        add_mark(surface, &bond);
    }
}

void sim_surface_mark(struct sim_surface *surface, const struct action *action, double x, double y,
                      struct sim_random *random)
{
    switch (action->kind) {
    case ACTION_CRASH:
        mark_poke(surface, action->depth_m, x, y, random);
        mark_pulse(surface, action->bias_v, x, y, random);
        break;
    case ACTION_PULSE:
        mark_pulse(surface, action->voltage_v, x, y, random);
        break;
    case ACTION_NECK:
        mark_poke(surface, 3e-9, x, y, random);
        break;
    case ACTION_RETRACT:
    case ACTION_APPROACH:
    case ACTION_REIMAGE:
    case ACTION_KIND_COUNT:
        break;
    }
}
