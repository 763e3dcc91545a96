/* Terraces, edges, the lattice on them, and ridges. */
#include "sim/surface.h"

#include "sim/defects.h"
#include "sim/tip.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define PI 3.141592653589793
#define DEGREE (PI / 180)
/* An apex shows an edge this much wider than its own blur of the lattice: a step's integral. */
#define EDGE_PER_BLUR 1.25
/* Where an edge ends, in widths: a cubic from -1 to 1 that is as steep as tanh in the middle. */
#define EDGE_REACH 1.5
#define ROW_CONTRAST_M 25e-12 /* middle of the range that apices are drawn from */
#define SHARPEST 2.0
#define BLUNTEST 0.5
#define WAVE_MIN_M .02e-12

/* What a hash is for. */
enum { HASH_STRAY = 1, HASH_FAR_STRAY, HASH_PERSISTENCE, HASH_OFFSET };

enum { PROFILE_POINTS = 512, KINKS_MAX = 2048 };

/* Ridge pairs: across and along their mean direction, and the profile over one period. */
struct ridges {
    bool present;
    double across_x, across_y, along_x, along_y;
    double per_m;     /* points of the profile per metre across the mean direction */
    double slope;     /* of a stretch against the mean direction */
    double stretch_m; /* its length along the mean direction */
    float profile_m[PROFILE_POINTS + 1];
};

/* One kink's length of an edge, as it has been worked out. */
struct kink {
    bool known;
    int64_t edge, cell;
    double at_m; /* way up the steps */
};

struct sim_surface {
    struct sim_surface_spec spec;
    uint64_t seed;
    double direction;  /* of x' on terrace 0, rad from x */
    double up_angle;   /* way up the steps, at right angles to a lattice direction */
    double up_x, up_y; /* the same as a vector */
    double slope;      /* of the mean edge against that lattice direction */
    double pitch_m;    /* from edge to edge, along `up` */
    double s0, t0;     /* of terrace 0 */
    double empty;      /* factor on waves at positive bias */
    struct sim_wave bumps[2][SIM_WAVES_MAX]; /* the cell's bumps as waves; [1]: positive bias */
    size_t n_bumps[2];
    struct ridges ridges;
    struct sim_defects *defects;
    struct kink *kinks; /* (KINKS_MAX), filled by looking */
};

/* 0..1 from seed, purpose and two integers. */
static double hash_unit(uint64_t seed, int purpose, int64_t a, int64_t b)
{
    uint64_t stream = seed ^ (uint64_t)purpose << 56;
    return (double)(sim_hash(stream, (uint64_t)a, (uint64_t)b) >> 11) * 0x1p-53;
}

static void draw_direction(struct sim_surface *surface, struct sim_random *random)
{
    const struct sim_surface_spec *spec = &surface->spec;
    double p[SIM_SURFACE_DIRECTIONS_MAX];
    for (uint32_t i = 0; i < spec->n_directions; i++)
        p[i] = spec->directions[i].p;
    const struct sim_surface_direction *d =
        &spec->directions[sim_random_pick(random, p, spec->n_directions)];
    double off_deg = d->spread_deg < 180 ? d->spread_deg * sim_random_normal(random)
                                         : sim_random_range(random, -90, 90);
    surface->direction = (d->angle_deg + off_deg) * DEGREE;
}

static void draw_steps(struct sim_surface *surface, struct sim_random *random)
{
    const struct sim_surface_steps *steps = &surface->spec.steps;
    double turns = floor(360 / steps->along_deg * sim_random_uniform(random));
    double off = steps->off_axis_deg * DEGREE * sim_random_normal(random);
    surface->up_angle = surface->direction + PI / 2 + turns * steps->along_deg * DEGREE;
    surface->up_x = cos(surface->up_angle);
    surface->up_y = sin(surface->up_angle);
    surface->slope = tan(fmax(-.5, fmin(.5, off)));
    surface->pitch_m = steps->terrace_m * sqrt(1 + surface->slope * surface->slope);
}

static void draw_ridges(struct sim_surface *surface, struct sim_random *random)
{
    const struct sim_surface_ridges *spec = &surface->spec.ridges;
    struct ridges *r = &surface->ridges;
    r->present = spec->period_m > 0;
    if (!r->present)
        return;
    double height_m = sim_random_range(random, spec->height_m[0], spec->height_m[1]);
    double bend = spec->bend_deg * DEGREE;
    double angle = surface->direction + spec->along_deg * DEGREE; /* across the mean direction */
    r->across_x = cos(angle);
    r->across_y = sin(angle);
    r->along_x = -r->across_y;
    r->along_y = r->across_x;
    r->slope = tan(bend);
    r->stretch_m = cos(bend) * sim_random_range(random, spec->elbow_m[0], spec->elbow_m[1]);
    r->per_m = PROFILE_POINTS * cos(bend) / spec->period_m;
    for (int i = 0; i <= PROFILE_POINTS; i++) {
        double at_m = spec->period_m * i / PROFILE_POINTS, z_m = 0;
        for (int turn = -2; turn <= 2; turn++)
            for (int side = -1; side <= 1; side += 2) {
                double off =
                    (at_m + turn * spec->period_m - side * spec->apart_m / 2) / spec->sigma_m;
                z_m += height_m * exp(-.5 * off * off);
            }
        r->profile_m[i] = (float)z_m;
    }
}

/* One wave of all the cell's bumps together; amplitude 0 when it is too weak to matter. */
static struct sim_wave bump_wave(const struct sim_surface_spec *spec, int h, int k, bool empty)
{
    struct sim_wave wave = {.h = h, .k = k};
    const struct sim_cell *cell = &spec->cell;
    double area_m2 = fabs(cell->a1_m[0] * cell->a2_m[1] - cell->a1_m[1] * cell->a2_m[0]);
    double number = sim_wave_number(cell, &wave), re = 0, im = 0;
    for (uint32_t i = 0; i < spec->n_bumps; i++) {
        const struct sim_surface_bump *b = &spec->bumps[i];
        double width = number * b->sigma_m;
        double weight_m = 2 * (empty ? b->empty_m : b->filled_m) * 2 * PI * b->sigma_m *
                          b->sigma_m / area_m2 * exp(-.5 * width * width);
        double angle = 2 * PI * (h * b->at[0] + k * b->at[1]);
        re += weight_m * cos(angle);
        im -= weight_m * sin(angle);
    }
    wave.amplitude_m = hypot(re, im) < WAVE_MIN_M ? 0 : hypot(re, im);
    wave.phase = atan2(im, re);
    return wave;
}

/* -EINVAL when they are more than a table takes. */
static int make_bump_waves(struct sim_surface *surface, int empty)
{
    const struct sim_surface_spec *spec = &surface->spec;
    size_t *n = &surface->n_bumps[empty];
    if (spec->n_bumps == 0)
        return 0;
    for (int h = 0; h <= SIM_WAVE_ORDER_MAX; h++)
        for (int k = h ? -SIM_WAVE_ORDER_MAX : 1; k <= SIM_WAVE_ORDER_MAX; k++) {
            struct sim_wave wave = bump_wave(spec, h, k, empty);
            if (wave.amplitude_m <= 0)
                continue;
            if (*n + spec->n_waves >= SIM_WAVES_MAX)
                return -EINVAL;
            surface->bumps[empty][(*n)++] = wave;
        }
    return 0;
}

/* What stays the same for a night. */
static void draw_session(struct sim_surface *surface)
{
    const struct sim_surface_bias *bias = &surface->spec.bias;
    struct sim_random random;
    sim_random_seed(&random, surface->seed, SIM_STREAM_SURFACE, 0);
    draw_direction(surface, &random);
    draw_steps(surface, &random);
    surface->s0 = sim_random_uniform(&random);
    surface->t0 = sim_random_uniform(&random);
    bool inverted = sim_random_uniform(&random) < bias->inverted_p;
    surface->empty =
        sim_random_range(&random, bias->empty[0], bias->empty[1]) * (inverted ? -1 : 1);
    draw_ridges(surface, &random);
}

int sim_surface_create(const struct sim_surface_spec *spec, uint64_t seed, struct sim_surface **ret)
{
    struct sim_surface *surface = calloc(1, sizeof(*surface));
    if (!surface)
        return -ENOMEM;
    if (spec)
        surface->spec = *spec;
    else
        sim_surface_spec_default(&surface->spec);
    if (surface->spec.n_directions == 0 || !(surface->spec.steps.terrace_m > 0)) {
        free(surface);
        return -EINVAL;
    }
    surface->seed = seed;
    draw_session(surface);
    surface->kinks = calloc(KINKS_MAX, sizeof(*surface->kinks));
    int rc = surface->kinks ? make_bump_waves(surface, 0) : -ENOMEM;
    if (rc == 0)
        rc = make_bump_waves(surface, 1);
    if (rc == 0)
        rc = sim_defects_create(surface, &surface->spec, seed, &surface->defects);
    if (rc < 0) {
        sim_surface_destroy(surface);
        return rc;
    }
    *ret = surface;
    return 0;
}

void sim_surface_destroy(struct sim_surface *surface)
{
    if (!surface)
        return;
    sim_defects_destroy(surface->defects);
    free(surface->kinks);
    free(surface);
}

double sim_surface_direction(const struct sim_surface *surface)
{
    return surface->direction;
}

const struct sim_cell *sim_surface_cell(const struct sim_surface *surface)
{
    return &surface->spec.cell;
}

/* A wave of the file as this apex pictures it in filled states. */
static struct sim_wave pictured(const struct sim_surface_wave *wave, const struct sim_contrast *c,
                                double follow, double sharp)
{
    double amplitude_m = 0, phase = wave->phase_deg * DEGREE;
    const struct sim_overtone *side;
    switch ((enum sim_wave_part)wave->part) {
    case SIM_WAVE_FIXED:
        amplitude_m = wave->amplitude_m * follow;
        break;
    case SIM_WAVE_ROW:
        amplitude_m = c->row_m;
        break;
    case SIM_WAVE_DIMER:
        amplitude_m = c->row_m * c->ratio_dimer * sharp;
        break;
    case SIM_WAVE_PAIR:
        amplitude_m = c->row_m * c->ratio_pair * sharp;
        phase = c->phase_pair;
        break;
    case SIM_WAVE_MIXED:
        side = &c->mixed[wave->order[0] * wave->order[1] < 0];
        amplitude_m = c->row_m * side->ratio * sharp;
        phase = side->phase;
        break;
    case SIM_WAVE_FINE:
        amplitude_m = c->row_m * c->ratio_fine * sharp;
        phase = c->phase_pair;
        break;
    case SIM_WAVE_PART_COUNT:
        break;
    }
    return (struct sim_wave){(int)wave->order[0], (int)wave->order[1], amplitude_m, phase};
}

size_t sim_surface_waves(const struct sim_surface *surface, const struct sim_contrast *contrast,
                         double bias_v, struct sim_wave ret[SIM_WAVES_MAX])
{
    const struct sim_surface_spec *spec = &surface->spec;
    int empty = bias_v > 0;
    double follow = pow(contrast->row_m / ROW_CONTRAST_M, spec->follow_apex);
    double below_v = spec->bias.sharpen_below_v - fabs(bias_v);
    double sharp = fmax(BLUNTEST, fmin(SHARPEST, 1 + spec->bias.sharpen_per_v * below_v));
    size_t n = 0;
    for (uint32_t i = 0; i < spec->n_waves; i++) {
        ret[n] = pictured(&spec->waves[i], contrast, follow, sharp);
        ret[n++].amplitude_m *= empty ? surface->empty : 1;
    }
    for (size_t i = 0; i < surface->n_bumps[empty]; i++) {
        ret[n] = surface->bumps[empty][i];
        ret[n++].amplitude_m *= follow;
    }
    return n;
}

/* Direction of x' on a terrace. A half turn leaves the lattice as it is. */
static double direction_of(const struct sim_surface *surface, int64_t terrace)
{
    return surface->direction + fmod((double)terrace * surface->spec.steps.turn_deg, 180) * DEGREE;
}

static void axes_of(const struct sim_surface *surface, int64_t terrace, struct sim_axes *ret)
{
    const struct sim_cell *cell = &surface->spec.cell;
    const double *shift = surface->spec.steps.shift;
    double angle = direction_of(surface, terrace), c = cos(angle), s = sin(angle);
    double area_m2 = cell->a1_m[0] * cell->a2_m[1] - cell->a1_m[1] * cell->a2_m[0];
    ret->sx = (cell->a2_m[1] * c + cell->a2_m[0] * s) / area_m2;
    ret->sy = (cell->a2_m[1] * s - cell->a2_m[0] * c) / area_m2;
    ret->tx = -(cell->a1_m[1] * c + cell->a1_m[0] * s) / area_m2;
    ret->ty = (cell->a1_m[0] * c - cell->a1_m[1] * s) / area_m2;
    ret->s0 = surface->s0 + fmod((double)terrace * shift[0], 1);
    ret->t0 = surface->t0 + fmod((double)terrace * shift[1], 1);
}

/* An edge along the rows of its upper terrace is straight (S_A), the other kind ragged (S_B). */
static void edge_of(const struct sim_surface *surface, int64_t edge, struct sim_edge *ret)
{
    const struct sim_surface_steps *steps = &surface->spec.steps;
    bool straight = fabs(cos(direction_of(surface, edge) - surface->up_angle)) > .7;
    const double *range_m = straight ? steps->straight_m : steps->ragged_m;
    double even = (double)edge - .5;
    double off = steps->uneven * (2 * hash_unit(surface->seed, HASH_OFFSET, edge, 0) - 1);
    ret->at_m = surface->pitch_m * (even + off);
    ret->persistence_m = range_m[0] * exp(log(range_m[1] / range_m[0]) *
                                          hash_unit(surface->seed, HASH_PERSISTENCE, edge, 0));
    ret->stray_m = straight ? steps->straight_stray_m : steps->ragged_stray_m;
}

/* Value noise, -1..1: straight lines between hashed heights. */
static double wander(const struct sim_surface *surface, int purpose, int64_t edge, double x)
{
    double cell = floor(x);
    double low = hash_unit(surface->seed, purpose, edge, (int64_t)cell);
    double high = hash_unit(surface->seed, purpose, edge, (int64_t)cell + 1);
    return 2 * (low + (high - low) * (x - cell)) - 1;
}

/* Where the edge runs along one kink; kept, because many samples ask. */
static double kink_at_m(const struct sim_surface *surface, int64_t number,
                        const struct sim_edge *edge, int64_t cell)
{
    double kink_m = surface->spec.steps.kink_m;
    uint64_t slot = ((uint64_t)number * 0x9e3779b97f4a7c15u + (uint64_t)cell) % KINKS_MAX;
    struct kink *kept = &surface->kinks[slot];
    if (kept->known && kept->edge == number && kept->cell == cell)
        return kept->at_m;
    double middle_m = kink_m * ((double)cell + .5);
    double x = middle_m / edge->persistence_m;
    double stray_m = edge->stray_m * (.5 * wander(surface, HASH_STRAY, number, x) +
                                      .5 * wander(surface, HASH_FAR_STRAY, number, x / 6));
    double at_m = edge->at_m + surface->slope * middle_m + stray_m;
    *kept = (struct kink){true, number, cell, kink_m * round(at_m / kink_m)};
    return kept->at_m;
}

static int64_t floor_of(double x)
{
    int64_t i = (int64_t)x;
    return i - (x < (double)i);
}

/* From -1 to 1 over EDGE_REACH widths either side. */
static double soft_sign(double x_m, double width_m)
{
    double u = x_m / (EDGE_REACH * width_m);
    return u <= -1 ? -1 : u >= 1 ? 1 : u * (1.5 - .5 * u * u);
}

/* Where an apex of this width sees the edge run at `along`: corners of kinks are rounded by it. */
static double edge_at_m(const struct sim_surface *surface, int64_t number,
                        const struct sim_edge *edge, double along_m, double width_m)
{
    double kink_m = surface->spec.steps.kink_m;
    int64_t first = floor_of((along_m - EDGE_REACH * width_m) / kink_m);
    int64_t last = floor_of((along_m + EDGE_REACH * width_m) / kink_m);
    if (first == last)
        return kink_at_m(surface, number, edge, first);
    double sum = 0, low = -1;
    for (int64_t cell = first; cell <= last; cell++) {
        double high = cell < last ? soft_sign(kink_m * (double)(cell + 1) - along_m, width_m) : 1;
        sum += (high - low) / 2 * kink_at_m(surface, number, edge, cell);
        low = high;
    }
    return sum;
}

/* Half the width of an edge under an apex of this blur. */
static double edge_width_m(const struct sim_surface *surface, double blur_m)
{
    return hypot(surface->spec.steps.edge_m, EDGE_PER_BLUR * blur_m);
}

/* How far from its mean line an edge may be felt. */
static double edge_margin_m(const struct sim_surface *surface, double width_m)
{
    const struct sim_surface_steps *s = &surface->spec.steps;
    return fmax(s->straight_stray_m, s->ragged_stray_m) + s->kink_m * (1 + fabs(surface->slope)) +
           EDGE_REACH * width_m;
}

/* Way up the steps and along them; `ret_level` is free of the mean edge's slope. */
static void step_coordinates(const struct sim_surface *surface, double x, double y, double *ret_up,
                             double *ret_along, double *ret_level)
{
    *ret_up = surface->up_x * x + surface->up_y * y;
    *ret_along = surface->up_x * y - surface->up_y * x;
    *ret_level = *ret_up - surface->slope * *ret_along;
}

void sim_surface_terrain(const struct sim_surface *surface, const struct sim_box *box,
                         struct sim_terrain *ret)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    double margin_m = edge_margin_m(surface, edge_width_m(surface, SIM_BLUR_MAX_M));
    struct sim_edge edge;
    for (int i = 0; i < 4; i++) {
        double up, along, level;
        step_coordinates(surface, i & 1 ? box->x1 : box->x0, i & 2 ? box->y1 : box->y0, &up, &along,
                         &level);
        low = fmin(low, level - margin_m);
        high = fmax(high, level + margin_m);
    }
    ret->surface = surface;
    ret->first = (int64_t)floor(low / surface->pitch_m) - 1;
    for (edge_of(surface, ret->first + 1, &edge); edge.at_m < low;)
        edge_of(surface, ++ret->first + 1, &edge);
    ret->single = edge.at_m > high;
    for (ret->n = 0; ret->n < SIM_TERRACES_MAX; ret->n++) {
        edge_of(surface, ret->first + (int64_t)ret->n, &ret->edges[ret->n]);
        axes_of(surface, ret->first + (int64_t)ret->n, &ret->axes[ret->n]);
        if (ret->n > 0 && ret->edges[ret->n - 1].at_m > high)
            break;
    }
}

/* The terrain across which one trace walks: what stays the same from sample to sample. */
struct walk {
    const struct sim_terrain *terrain;
    double width_m;  /* of edges */
    double margin_m; /* to a mean edge, beyond which it is not felt */
    int64_t terrace; /* whose axes these are */
    struct sim_axes axes;
};

static void begin_walk(const struct sim_terrain *terrain, double blur_m, struct walk *ret)
{
    ret->terrain = terrain;
    ret->width_m = edge_width_m(terrain->surface, blur_m);
    ret->margin_m = edge_margin_m(terrain->surface, ret->width_m);
    ret->terrace = terrain->first;
    ret->axes = terrain->axes[0];
}

static void get_edge(const struct sim_terrain *terrain, int64_t number, struct sim_edge *ret)
{
    int64_t i = number - terrain->first;
    if (i >= 0 && i < (int64_t)terrain->n)
        *ret = terrain->edges[i];
    else
        edge_of(terrain->surface, number, ret);
}

static void enter_terrace(struct walk *walk, int64_t terrace)
{
    int64_t i = terrace - walk->terrain->first;
    if (terrace == walk->terrace)
        return;
    walk->terrace = terrace;
    if (i >= 0 && i < (int64_t)walk->terrain->n)
        walk->axes = walk->terrain->axes[i];
    else
        axes_of(walk->terrain->surface, terrace, &walk->axes);
}

/* To (x, y): onto its terrace; returns the height there, smooth across an edge. */
static double step_to(struct walk *walk, double x, double y)
{
    const struct sim_surface *surface = walk->terrain->surface;
    double step_m = surface->spec.steps.height_m, up, along, level;
    struct sim_edge edge;
    step_coordinates(surface, x, y, &up, &along, &level);
    int64_t number = floor_of(level / surface->pitch_m) + 1;
    get_edge(walk->terrain, number, &edge);
    double beyond_m = level - edge.at_m;
    if (fabs(beyond_m) < walk->margin_m)
        beyond_m = up - edge_at_m(surface, number, &edge, along, walk->width_m);
    enter_terrace(walk, beyond_m < 0 ? number - 1 : number);
    return step_m * ((double)(number - 1) + .5 * (1 + soft_sign(beyond_m, walk->width_m)));
}

static double ridge_height(const struct ridges *r, double x, double y)
{
    double along = (r->along_x * x + r->along_y * y) / r->stretch_m;
    double half = along - 2 * (double)floor_of(along / 2); /* there and back: 0..2 */
    double zig_m = r->slope * r->stretch_m * (half < 1 ? half : 2 - half);
    double q = (r->across_x * x + r->across_y * y - zig_m) * r->per_m;
    int64_t whole = floor_of(q);
    const float *z = r->profile_m + ((uint64_t)whole & (PROFILE_POINTS - 1));
    return (double)z[0] + (q - (double)whole) * ((double)z[1] - (double)z[0]);
}

void sim_terrain_place(const struct sim_terrain *terrain, double x, double y, struct sim_place *ret)
{
    const struct sim_surface *surface = terrain->surface;
    struct walk walk;
    begin_walk(terrain, 0, &walk);
    ret->step_m = terrain->single ? surface->spec.steps.height_m * (double)terrain->first
                                  : step_to(&walk, x, y);
    ret->s = walk.axes.sx * x + walk.axes.sy * y + walk.axes.s0;
    ret->t = walk.axes.tx * x + walk.axes.ty * y + walk.axes.t0;
    if (surface->ridges.present)
        ret->step_m += ridge_height(&surface->ridges, x, y);
}

/* Whether no edge is felt anywhere between two levels; then onto that terrace. */
static bool stay_between(struct walk *walk, double level_a, double level_b)
{
    double low = fmin(level_a, level_b) - walk->margin_m;
    double high = fmax(level_a, level_b) + walk->margin_m;
    int64_t above = floor_of(low / walk->terrain->surface->pitch_m) + 1;
    struct sim_edge edge;
    get_edge(walk->terrain, above, &edge);
    if (edge.at_m < low)
        get_edge(walk->terrain, ++above, &edge);
    if (edge.at_m <= high)
        return false;
    enter_terrace(walk, above - 1);
    return true;
}

/* All on one terrace. */
static void flat_heights(const struct walk *walk, const struct sim_view *view, const double *x,
                         double at_y, size_t n, double *ret_m)
{
    const struct sim_axes *axes = &walk->axes;
    double step_m = walk->terrain->surface->spec.steps.height_m * (double)walk->terrace;
    double s0 = axes->s0 + axes->sx * view->dx_m + axes->sy * at_y;
    double t0 = axes->t0 + axes->tx * view->dx_m + axes->ty * at_y;
    for (size_t i = 0; i < n; i++)
        ret_m[i] =
            step_m + sim_lattice_height(view->lattice, s0 + axes->sx * x[i], t0 + axes->tx * x[i]);
}

static void stepped_heights(struct walk *walk, const struct sim_view *view, const double *x,
                            double at_y, size_t n, double *ret_m)
{
    for (size_t i = 0; i < n; i++) {
        double at_x = x[i] + view->dx_m;
        double step_m = step_to(walk, at_x, at_y);
        const struct sim_axes *axes = &walk->axes;
        ret_m[i] =
            step_m + sim_lattice_height(view->lattice, axes->sx * at_x + axes->sy * at_y + axes->s0,
                                        axes->tx * at_x + axes->ty * at_y + axes->t0);
    }
}

void sim_terrain_heights(const struct sim_terrain *terrain, const struct sim_view *view,
                         const double *x, double y, size_t n, double *ret_m)
{
    const struct ridges *ridges = &terrain->surface->ridges;
    double at_y = y + view->dy_m, up, along, first, last;
    struct walk walk;
    if (n == 0)
        return;
    begin_walk(terrain, view->blur_m, &walk);
    step_coordinates(terrain->surface, x[0] + view->dx_m, at_y, &up, &along, &first);
    step_coordinates(terrain->surface, x[n - 1] + view->dx_m, at_y, &up, &along, &last);
    if (terrain->single || stay_between(&walk, first, last))
        flat_heights(&walk, view, x, at_y, n, ret_m);
    else
        stepped_heights(&walk, view, x, at_y, n, ret_m);
    for (size_t i = 0; ridges->present && i < n; i++)
        ret_m[i] += ridge_height(ridges, x[i] + view->dx_m, at_y);
}

void sim_surface_axes_at(const struct sim_surface *surface, double x, double y,
                         struct sim_axes *ret)
{
    struct sim_terrain none = {.surface = surface, .first = INT64_MIN / 2};
    struct walk walk;
    begin_walk(&none, 0, &walk);
    step_to(&walk, x, y);
    *ret = walk.axes;
}

double sim_surface_reach_m(const struct sim_surface *surface)
{
    return sim_defects_reach_m(surface->defects);
}

size_t sim_surface_features(const struct sim_surface *surface, double bias_v,
                            const struct sim_box *box, struct sim_feature *ret, size_t max)
{
    return sim_defects_near(surface->defects, bias_v, box, ret, max);
}

void sim_surface_mark(struct sim_surface *surface, const struct action *action, double x, double y,
                      struct sim_random *random)
{
    sim_defects_mark(surface->defects, action, x, y, random);
}
