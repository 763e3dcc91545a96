/* Heights along a trace: lattice tables, features, currents of several apices. */
#include "sim/probe.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    TABLES = 16, /* two levels and two tips of four apices each are in use at once */
    CURVE = 1024,
    STRIDE = 4,
    WIDE_SAMPLES = 8 /* a cubic over 4 samples of such a bell is off by less than a thousandth */
};

#define GAUSS_END 8.0     /* exponent at which a feature ends */
#define SOFTPLUS_END 16.0 /* beyond it the lower of two currents counts for nothing */

/* What a lattice table was made for: an apex is a function of the first three. */
struct table_key {
    uint64_t seed, serial;
    enum sim_tip_state state;
    double sigma_m, bias_v;
};

struct table {
    struct sim_lattice lattice;
    struct table_key key;
    uint64_t used; /* when last; 0: never filled */
};

struct sim_probe {
    const struct sim_surface *surface;
    struct table tables[TABLES];
    uint64_t uses;
    double gauss[CURVE + 2];    /* exp(-u), u = 0..GAUSS_END */
    double softplus[CURVE + 2]; /* log(1 + exp(-u)) / 2 kappa, u = 0..SOFTPLUS_END */
    double reach2_m2;           /* no feature's reach, squared, is more */
    double *apex;               /* (points) */
    double *knots, *slopes;     /* (points / STRIDE + 2) */
};

int sim_probe_create(const struct sim_surface *surface, uint32_t points, struct sim_probe **ret)
{
    struct sim_probe *probe = calloc(1, sizeof(*probe));
    if (!probe)
        return -ENOMEM;
    probe->surface = surface;
    probe->reach2_m2 = sim_surface_reach_m(surface) * sim_surface_reach_m(surface);
    probe->apex = calloc(points, sizeof(double));
    probe->knots = calloc(points / STRIDE + 2, sizeof(double));
    probe->slopes = calloc(points / STRIDE + 2, sizeof(double));
    int rc = probe->apex && probe->knots && probe->slopes ? 0 : -ENOMEM;
    for (int i = 0; i < TABLES && rc == 0; i++)
        rc = sim_lattice_init(&probe->tables[i].lattice, sim_surface_cell(surface));
    if (rc < 0) {
        sim_probe_destroy(probe);
        return -ENOMEM;
    }
    for (int i = 0; i < CURVE + 2; i++) {
        probe->gauss[i] = exp(-GAUSS_END * i / CURVE);
        probe->softplus[i] = log1p(exp(-SOFTPLUS_END * i / CURVE)) / SIM_TWO_KAPPA_PER_M;
    }
    *ret = probe;
    return 0;
}

void sim_probe_destroy(struct sim_probe *probe)
{
    if (!probe)
        return;
    for (int i = 0; i < TABLES; i++)
        sim_lattice_finish(&probe->tables[i].lattice);
    free(probe->apex);
    free(probe->knots);
    free(probe->slopes);
    free(probe);
}

/* Straight between the points of a curve of CURVE steps up to `end`; 0 <= u, held beyond. */
static double curve_at(const double *curve, double u, double end)
{
    double place = u * (CURVE / end);
    place = place < CURVE ? place : CURVE;
    int i = (int)place;
    return curve[i] + (place - i) * (curve[i + 1] - curve[i]);
}

static bool same_key(const struct table_key *a, const struct table_key *b)
{
    return a->serial == b->serial && a->seed == b->seed && a->state == b->state &&
           a->sigma_m == b->sigma_m && a->bias_v == b->bias_v;
}

static const struct sim_lattice *lattice_for(struct sim_probe *probe, const struct sim_tip *tip,
                                             double sigma_m, double bias_v)
{
    struct sim_wave waves[SIM_WAVES_MAX];
    struct table_key key = {tip->seed, tip->serial, tip->state, sigma_m, bias_v};
    struct table *oldest = &probe->tables[0];
    probe->uses++;
    for (int i = 0; i < TABLES; i++) {
        struct table *table = &probe->tables[i];
        if (table->used && same_key(&table->key, &key)) {
            table->used = probe->uses;
            return &table->lattice;
        }
        if (table->used < oldest->used)
            oldest = table;
    }
    size_t n = sim_surface_waves(probe->surface, &tip->contrast, bias_v, waves);
    sim_lattice_fill(&oldest->lattice, sim_surface_cell(probe->surface), waves, n, sigma_m);
    oldest->key = key;
    oldest->used = probe->uses;
    return &oldest->lattice;
}

/* First sample in from..to that has passed x in the direction of the trace. */
static uint32_t first_past(const struct sim_track *track, double x, uint32_t from, uint32_t to)
{
    bool rising = track->x_m[track->n - 1] > track->x_m[0];
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (rising ? track->x_m[middle] > x : track->x_m[middle] < x)
            to = middle;
        else
            from = middle + 1;
    }
    return from;
}

/* One feature as one apex sees it, on one line. */
struct bump {
    double x_m, dy2, height_m, falloff;
    double low_m, high_m; /* from where to where in x */
    bool wide;            /* smooth enough to be known at every STRIDE-th sample */
};

static bool make_bump(const struct sim_probe *probe, const struct sim_track *track,
                      const struct sim_feature *f, const struct sim_apex *apex, double radius_m,
                      struct bump *ret)
{
    double own2 = f->sigma_m * f->sigma_m, blur2 = apex->sigma_m * apex->sigma_m;
    double sigma2 = own2 + blur2 + (f->height_m > 0 ? radius_m * f->height_m : 0);
    double reach2 = fmin(2 * GAUSS_END * sigma2, probe->reach2_m2);
    double dy = track->y_m + apex->dy_m - f->y_m;
    if (dy * dy >= reach2)
        return false;
    double half_m = sqrt(reach2 - dy * dy);
    double sample_m = fabs(track->x_m[track->n - 1] - track->x_m[0]) / track->n;
    ret->x_m = f->x_m - apex->dx_m;
    ret->dy2 = dy * dy;
    ret->low_m = ret->x_m - half_m;
    ret->high_m = ret->x_m + half_m;
    ret->falloff = .5 / sigma2;
    ret->wide = sigma2 > WIDE_SAMPLES * WIDE_SAMPLES * sample_m * sample_m;
    /* Blur lowers a narrow feature; rounding by the tip's shank does not. */
    ret->height_m = f->height_m * own2 / (own2 + blur2);
    return true;
}

static double bump_at(const struct sim_probe *probe, const struct bump *bump, double dx)
{
    return bump->height_m *
           curve_at(probe->gauss, bump->falloff * (dx * dx + bump->dy2), GAUSS_END);
}

static void add_narrow(const struct sim_probe *probe, const struct sim_track *track,
                       const struct bump *bump, uint32_t from, uint32_t to, double *out)
{
    bool rising = track->x_m[track->n - 1] > track->x_m[0];
    uint32_t first = first_past(track, rising ? bump->low_m : bump->high_m, from, to);
    uint32_t end = first_past(track, rising ? bump->high_m : bump->low_m, first, to);
    for (uint32_t k = first; k < end; k++)
        out[k] += bump_at(probe, bump, track->x_m[k] - bump->x_m);
}

/* Value and slope at every STRIDE-th sample. */
static void add_wide(struct sim_probe *probe, const struct sim_track *track,
                     const struct bump *bump, uint32_t from, uint32_t to)
{
    for (uint32_t k = from, knot = 0; knot == 0 || k < to + STRIDE - 1; k += STRIDE, knot++) {
        double x = track->x_m[k < to ? k : to - 1];
        if (x <= bump->low_m || x >= bump->high_m)
            continue;
        double height_m = bump_at(probe, bump, x - bump->x_m);
        probe->knots[knot] += height_m;
        probe->slopes[knot] -= 2 * bump->falloff * (x - bump->x_m) * height_m;
    }
}

/* Cubics through the knots. */
static void add_knots(const struct sim_probe *probe, const struct sim_track *track, uint32_t from,
                      uint32_t to, double *out)
{
    for (uint32_t first = from, knot = 0; first < to; first += STRIDE, knot++) {
        uint32_t last = first + STRIDE < to ? first + STRIDE : to - 1;
        double x0 = track->x_m[first], span = track->x_m[last] - x0;
        double low = probe->knots[knot], rise = probe->knots[knot + 1] - low;
        double a = probe->slopes[knot] * span, b = probe->slopes[knot + 1] * span;
        double per_m = span != 0 ? 1 / span : 0;
        for (uint32_t k = first; k < to && k < first + STRIDE; k++) {
            double u = (track->x_m[k] - x0) * per_m;
            out[k] += low + u * (a + u * (3 * rise - 2 * a - b + u * (a + b - 2 * rise)));
        }
    }
}

static void add_features(struct sim_probe *probe, const struct sim_track *track,
                         const struct sim_apex *apex, double radius_m, uint32_t from, uint32_t to,
                         double *out)
{
    struct bump bump;
    bool wide = false;
    size_t knots = (to - from) / STRIDE + 2;
    for (size_t f = 0; f < track->n_features; f++) {
        if (!make_bump(probe, track, &track->features[f], apex, radius_m, &bump))
            continue;
        if (!bump.wide) {
            add_narrow(probe, track, &bump, from, to, out);
            continue;
        }
        if (!wide) {
            memset(probe->knots, 0, knots * sizeof(double));
            memset(probe->slopes, 0, knots * sizeof(double));
        }
        wide = true;
        add_wide(probe, track, &bump, from, to);
    }
    if (wide)
        add_knots(probe, track, from, to, out);
}

/* Constant current through both at once: the currents add, so the heights do as exponents. */
static void join_currents(const struct sim_probe *probe, const double *other, uint32_t from,
                          uint32_t to, double *sum)
{
    for (uint32_t k = from; k < to; k++) {
        double ahead = sum[k] - other[k];
        double higher = ahead > 0 ? sum[k] : other[k];
        double u = SIM_TWO_KAPPA_PER_M * (ahead > 0 ? ahead : -ahead);
        sum[k] = higher + curve_at(probe->softplus, u, SOFTPLUS_END);
    }
}

void sim_probe_heights(struct sim_probe *probe, const struct sim_tip *tip,
                       const struct sim_track *track, uint32_t from, uint32_t to, double *ret_m)
{
    if (from >= to)
        return;
    for (uint32_t i = 0; i < tip->n_apices; i++) {
        const struct sim_apex *apex = &tip->apices[i];
        double *out = i ? probe->apex : ret_m;
        struct sim_view view = {.lattice = lattice_for(probe, tip, apex->sigma_m, track->bias_v),
                                .blur_m = apex->sigma_m,
                                .dx_m = apex->dx_m,
                                .dy_m = apex->dy_m};
        sim_terrain_heights(track->terrain, &view, track->x_m + from, track->y_m, to - from,
                            out + from);
        for (uint32_t k = from; k < to; k++)
            out[k] -= apex->recess_m;
        add_features(probe, track, apex, tip->contrast.radius_m, from, to, out);
        if (i)
            join_currents(probe, out, from, to, ret_m);
    }
}
