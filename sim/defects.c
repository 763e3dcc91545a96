/* Defects, tile by tile, and marks. */
#include "sim/defects.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS_MAX = 4096, TILES_MAX = 1024, DEFECT_FEATURES_MAX = 512 };

#define PI 3.141592653589793
#define TILE_M 4e-9
#define AROUND_M 2e-9
#define REACH_SIGMAS2 16.0 /* squared: where exp(-8) of a feature is left */
#define FWHM_SIGMAS 2.3548
/* Two marks closer than this are one: the later action reshapes what the earlier one left. */
#define MARK_MERGE_M .5e-9

/* What a hash is for; others are in sim/surface.c. */
enum { HASH_PATCH = 17 };

/* A feature as it is kept. */
struct kept {
    struct sim_feature feature;
    double reach_m; /* of it under the bluntest tip; a mark's at most that of any defect */
    bool halo;      /* at positive bias only */
};

/* A tile that has been drawn. */
struct tile {
    bool drawn;
    int64_t x, y;
    struct kept *list;
    size_t n, room;
};

struct sim_defects {
    const struct sim_surface *surface;
    const struct sim_surface_spec *spec;
    const struct sim_surface_defect *pulse_defect; /* what a strong pulse leaves */
    uint64_t seed;
    double reach_m;  /* of any feature */
    double spread_m; /* of a defect's features around its place */
    struct sim_feature marks[MARKS_MAX];
    size_t n_marks, next_mark;
    struct tile tiles[TILES_MAX];
    struct tile around; /* everything felt in `box`: what the next line will ask for, too */
    struct sim_box box;
};

static double reach_of(double height_m, double sigma_m)
{
    double rounding_m2 = height_m > 0 ? SIM_RADIUS_MAX_M * height_m : 0;
    return sqrt(REACH_SIGMAS2 *
                (sigma_m * sigma_m + SIM_BLUR_MAX_M * SIM_BLUR_MAX_M + rounding_m2));
}

static double length_of(const double vector_m[2])
{
    return hypot(vector_m[0], vector_m[1]);
}

/* The largest reach and spread that this surface's defects can have. */
static void measure(struct sim_defects *defects)
{
    const struct sim_surface_spec *spec = defects->spec;
    double cell_m = length_of(spec->cell.a1_m) + length_of(spec->cell.a2_m);
    for (uint32_t d = 0; d < spec->n_defects; d++) {
        const struct sim_surface_defect *defect = &spec->defects[d];
        double off = 0;
        if (!(defect->per_nm2 > 0) && defect != defects->pulse_defect)
            continue;
        for (uint32_t m = 0; m < defect->n_members; m++) {
            const struct sim_defect_member *member = &defect->members[m];
            double bump_m = member->sign == SIM_HEIGHT_DOWN ? 0 : member->height_m[1];
            defects->reach_m = fmax(defects->reach_m, reach_of(bump_m, member->sigma_m[1]));
            off = fmax(off, fmax(fabs(member->at[0]), fabs(member->at[1])));
        }
        /* A place is at most a cell from where it was thrown; scatter is cut at three. */
        double spread_m = (off + 1) * cell_m + 5 * defect->scatter_m + defect->radius_m[1];
        defects->spread_m = fmax(defects->spread_m, spread_m);
    }
    if (spec->halo.enabled)
        defects->reach_m = fmax(defects->reach_m, reach_of(0, spec->halo.disc_m / FWHM_SIGMAS));
    const struct sim_surface_marks *marks = &spec->marks;
    defects->reach_m =
        fmax(defects->reach_m, reach_of(marks->debris_height_m[1], marks->debris_sigma_m[1]));
    double deep_m = 3e-9; /* deeper ones are cut at this one's reach */
    defects->reach_m =
        fmax(defects->reach_m, reach_of(marks->poke_height_m[1] * (1 + deep_m / 1e-9),
                                        marks->poke_sigma_m + 1.5 * marks->poke_widening * deep_m));
}

int sim_defects_create(const struct sim_surface *surface, const struct sim_surface_spec *spec,
                       uint64_t seed, struct sim_defects **ret)
{
    struct sim_defects *defects = calloc(1, sizeof(*defects));
    if (!defects)
        return -ENOMEM;
    defects->surface = surface;
    defects->spec = spec;
    defects->seed = seed;
    for (uint32_t d = 0; d < spec->n_defects; d++)
        if (strcmp(spec->defects[d].name, spec->marks.pulse_defect) == 0)
            defects->pulse_defect = &spec->defects[d];
    if (!defects->pulse_defect) {
        free(defects);
        return -EINVAL;
    }
    measure(defects);
    *ret = defects;
    return 0;
}

void sim_defects_destroy(struct sim_defects *defects)
{
    if (!defects)
        return;
    for (size_t i = 0; i < TILES_MAX; i++)
        free(defects->tiles[i].list);
    free(defects->around.list);
    free(defects);
}

double sim_defects_reach_m(const struct sim_defects *defects)
{
    return defects->reach_m;
}

/* The features of one defect, as they are drawn. */
struct drawing {
    struct kept list[DEFECT_FEATURES_MAX];
    size_t n;
};

static void add(struct drawing *drawing, const struct sim_feature *feature, bool halo)
{
    if (drawing->n < DEFECT_FEATURES_MAX)
        drawing->list[drawing->n++] =
            (struct kept){*feature, reach_of(feature->height_m, feature->sigma_m), halo};
}

/* The members of a defect, `ds` and `dt` cells and (dx, dy) from its place on these axes. */
static void draw_members(const struct sim_surface_defect *defect, const struct sim_axes *axes,
                         const struct sim_feature *from, double side, struct sim_random *random,
                         struct drawing *drawing)
{
    double area = axes->sx * axes->ty - axes->sy * axes->tx;
    for (uint32_t m = 0; m < defect->n_members; m++) {
        const struct sim_defect_member *member = &defect->members[m];
        bool present = sim_random_uniform(random) < member->p;
        double height_m = sim_random_log_range(random, member->height_m[0], member->height_m[1]);
        double either = sim_random_sign(random);
        double sigma_m = sim_random_range(random, member->sigma_m[0], member->sigma_m[1]);
        double sign = member->sign == SIM_HEIGHT_EITHER ? either
                      : member->sign == SIM_HEIGHT_DOWN ? -1
                                                        : 1;
        double ds = side * member->at[0], dt = member->at[1];
        struct sim_feature feature = {
            .x_m = from->x_m + (axes->ty * ds - axes->sy * dt) / area,
            .y_m = from->y_m + (axes->sx * dt - axes->tx * ds) / area,
            .height_m = sign * height_m,
            .sigma_m = sigma_m,
        };
        if (present)
            add(drawing, &feature, false);
    }
}

static double normal_within_5(struct sim_random *random)
{
    return fmax(-5, fmin(5, sim_random_normal(random)));
}

/* So many copies, each thrown a little aside. */
static void draw_copies(const struct sim_surface_defect *defect, const struct sim_axes *axes,
                        const struct sim_feature *place, struct sim_random *random,
                        struct drawing *drawing)
{
    double side = sim_random_sign(random);
    double copies = floor(sim_random_range(random, defect->copies[0], defect->copies[1] + 1));
    for (int i = 0; i < (int)fmin(copies, defect->copies[1]); i++) {
        struct sim_feature from = *place;
        if (defect->scatter_m > 0) {
            from.x_m += defect->scatter_m * normal_within_5(random);
            from.y_m += defect->scatter_m * normal_within_5(random);
        }
        draw_members(defect, axes, &from, side, random, drawing);
    }
}

/* Repeated over a disc. */
static void draw_array(const struct sim_surface_defect *defect, const struct sim_axes *axes,
                       const struct sim_feature *place, struct sim_random *random,
                       struct drawing *drawing)
{
    double radius_m = sim_random_range(random, defect->radius_m[0], defect->radius_m[1]);
    double area = axes->sx * axes->ty - axes->sy * axes->tx;
    double side = sim_random_sign(random);
    int most_s = (int)(radius_m * hypot(axes->sx, axes->sy) / defect->array[0]);
    int most_t = (int)(radius_m * hypot(axes->tx, axes->ty) / defect->array[1]);
    for (int i = -most_s; i <= most_s; i++)
        for (int j = -most_t; j <= most_t; j++) {
            double ds = i * defect->array[0], dt = j * defect->array[1];
            double dx = (axes->ty * ds - axes->sy * dt) / area;
            double dy = (axes->sx * dt - axes->tx * ds) / area;
            struct sim_feature from = {.x_m = place->x_m + dx, .y_m = place->y_m + dy};
            if (hypot(dx, dy) <= radius_m)
                draw_members(defect, axes, &from, side, random, drawing);
        }
}

/* Onto the cell's origin, or onto one of its bumps. */
static void snap(const struct sim_surface_spec *spec, const struct sim_surface_defect *defect,
                 const struct sim_axes *axes, struct sim_random *random, struct sim_feature *place)
{
    double s = axes->sx * place->x_m + axes->sy * place->y_m + axes->s0;
    double t = axes->tx * place->x_m + axes->ty * place->y_m + axes->t0;
    double at[2] = {0, 0}, p[SIM_SURFACE_BUMPS_MAX];
    if (defect->site == SIM_SITE_ANY)
        return;
    if (defect->site == SIM_SITE_BUMP) {
        for (uint32_t i = 0; i < spec->n_bumps; i++)
            p[i] = spec->bumps[i].filled_m > 0;
        memcpy(at, spec->bumps[sim_random_pick(random, p, spec->n_bumps)].at, sizeof(at));
    }
    double ds = floor(s) + at[0] - s, dt = floor(t) + at[1] - t;
    double area = axes->sx * axes->ty - axes->sy * axes->tx;
    place->x_m += (axes->ty * ds - axes->sy * dt) / area;
    place->y_m += (axes->sx * dt - axes->tx * ds) / area;
}

static void draw_halo(const struct sim_surface_halo *halo, const struct sim_feature *place,
                      struct sim_random *random, struct drawing *drawing)
{
    double height_m = sim_random_log_range(random, halo->height_m[0], halo->height_m[1]);
    struct sim_feature disc = *place, dip = *place;
    disc.height_m = height_m;
    disc.sigma_m = halo->disc_m / FWHM_SIGMAS;
    /* The dip reaches as far below the surface as the disc stands above it. */
    dip.height_m = -2 * height_m;
    dip.sigma_m = halo->dip_m / FWHM_SIGMAS;
    add(drawing, &disc, true);
    add(drawing, &dip, true);
}

static void draw_defect(const struct sim_defects *defects, const struct sim_surface_defect *defect,
                        double x, double y, struct sim_random *random, struct drawing *drawing)
{
    struct sim_axes axes;
    struct sim_feature place = {.x_m = x, .y_m = y};
    sim_surface_axes_at(defects->surface, x, y, &axes);
    snap(defects->spec, defect, &axes, random, &place);
    if (defect->radius_m[1] > 0)
        draw_array(defect, &axes, &place, random, drawing);
    else
        draw_copies(defect, &axes, &place, random, drawing);
    if (defect->charged && defects->spec->halo.enabled)
        draw_halo(&defects->spec->halo, &place, random, drawing);
}

/* Density at (x, y) over the mean density, for what gathers in dirty patches. */
static double patch_factor(const struct sim_defects *defects, double x, double y)
{
    const struct sim_surface_patches *p = &defects->spec->patches;
    uint64_t hash =
        sim_hash(defects->seed ^ (uint64_t)HASH_PATCH << 56,
                 (uint64_t)(int64_t)floor(x / p->size_m), (uint64_t)(int64_t)floor(y / p->size_m));
    return (double)(hash >> 11) * 0x1p-53 < p->share ? p->dirty : p->clean;
}

static void append(struct tile *tile, const struct kept *one)
{
    if (tile->n == tile->room) {
        tile->room = tile->room ? 2 * tile->room : 8;
        tile->list = realloc(tile->list, tile->room * sizeof(*tile->list));
        if (!tile->list)
            abort(); /* some kilobytes */
    }
    tile->list[tile->n++] = *one;
}

static int64_t tile_of(double x)
{
    return (int64_t)floor(x / TILE_M);
}

static void draw_marks(const struct sim_defects *defects, struct tile *tile)
{
    for (size_t i = 0; i < defects->n_marks; i++) {
        const struct sim_feature *m = &defects->marks[i];
        if (tile_of(m->x_m) == tile->x && tile_of(m->y_m) == tile->y)
            append(tile, &(struct kept){
                             *m, fmin(reach_of(m->height_m, m->sigma_m), defects->reach_m), false});
    }
}

/* The same defects whoever asks, however often. */
static void draw_tile(const struct sim_defects *defects, struct tile *tile)
{
    const struct sim_surface_spec *spec = defects->spec;
    struct sim_random random;
    struct drawing drawing;
    sim_random_seed(&random, defects->seed, SIM_STREAM_DEFECTS,
                    sim_hash(0, (uint64_t)tile->x, (uint64_t)tile->y));
    double x0 = (double)tile->x * TILE_M, y0 = (double)tile->y * TILE_M;
    for (uint32_t k = 0; k < spec->n_defects; k++) {
        const struct sim_surface_defect *defect = &spec->defects[k];
        double mean = defect->per_nm2 * 1e18 * TILE_M * TILE_M;
        if (defect->in_patches)
            mean *= patch_factor(defects, x0 + TILE_M / 2, y0 + TILE_M / 2);
        unsigned count = mean > 0 ? sim_random_poisson(&random, fmin(mean, 50)) : 0;
        for (unsigned i = 0; i < count; i++) {
            double x = x0 + TILE_M * sim_random_uniform(&random);
            double y = y0 + TILE_M * sim_random_uniform(&random);
            drawing.n = 0;
            draw_defect(defects, defect, x, y, &random, &drawing);
            for (size_t f = 0; f < drawing.n; f++)
                append(tile, &drawing.list[f]);
        }
    }
    draw_marks(defects, tile);
}

static struct tile *slot_of(struct sim_defects *defects, int64_t x, int64_t y)
{
    uint64_t mixed = (uint64_t)x * 0x9e3779b97f4a7c15u + (uint64_t)y * 0xbf58476d1ce4e5b9u;
    return &defects->tiles[(mixed >> 40) % TILES_MAX];
}

static const struct tile *get_tile(struct sim_defects *defects, int64_t x, int64_t y)
{
    struct tile *tile = slot_of(defects, x, y);
    if (tile->drawn && tile->x == x && tile->y == y)
        return tile;
    tile->drawn = true;
    tile->x = x;
    tile->y = y;
    tile->n = 0;
    draw_tile(defects, tile);
    return tile;
}

/* How far outside the range low..high. */
static double outside(double x, double low, double high)
{
    return x < low ? low - x : x > high ? x - high : 0;
}

static bool felt_in(const struct kept *one, const struct sim_box *box)
{
    double off_x = outside(one->feature.x_m, box->x0, box->x1);
    double off_y = outside(one->feature.y_m, box->y0, box->y1);
    return off_x * off_x + off_y * off_y < one->reach_m * one->reach_m;
}

/* Everything felt in a box somewhat larger than this one. */
static void look_around(struct sim_defects *defects, const struct sim_box *box)
{
    double wide_m = defects->reach_m + defects->spread_m;
    struct tile *around = &defects->around;
    struct sim_box *b = &defects->box;
    *b = (struct sim_box){box->x0 - AROUND_M, box->y0 - AROUND_M, box->x1 + AROUND_M,
                          box->y1 + AROUND_M};
    around->drawn = true;
    around->n = 0;
    for (int64_t y = tile_of(b->y0 - wide_m); y <= tile_of(b->y1 + wide_m); y++)
        for (int64_t x = tile_of(b->x0 - wide_m); x <= tile_of(b->x1 + wide_m); x++) {
            const struct tile *tile = get_tile(defects, x, y);
            for (size_t i = 0; i < tile->n; i++)
                if (felt_in(&tile->list[i], b))
                    append(around, &tile->list[i]);
        }
}

size_t sim_defects_near(struct sim_defects *defects, double bias_v, const struct sim_box *box,
                        struct sim_feature *ret, size_t max)
{
    const struct tile *around = &defects->around;
    const struct sim_box *b = &defects->box;
    size_t n = 0;
    if (!around->drawn || box->x0 < b->x0 || box->y0 < b->y0 || box->x1 > b->x1 || box->y1 > b->y1)
        look_around(defects, box);
    for (size_t i = 0; i < around->n && n < max; i++)
        if (felt_in(&around->list[i], box) && (!around->list[i].halo || bias_v > 0))
            ret[n++] = around->list[i].feature;
    return n;
}

static void forget_tile(struct sim_defects *defects, const struct sim_feature *mark)
{
    int64_t x = tile_of(mark->x_m), y = tile_of(mark->y_m);
    struct tile *tile = slot_of(defects, x, y);
    if (tile->x == x && tile->y == y)
        tile->drawn = false;
    defects->around.drawn = false;
}

static void add_mark(struct sim_defects *defects, const struct sim_feature *mark)
{
    size_t at = 0;
    while (at < defects->n_marks && hypot(defects->marks[at].x_m - mark->x_m,
                                          defects->marks[at].y_m - mark->y_m) >= MARK_MERGE_M)
        at++;
    if (at == defects->n_marks) {
        /* Full: the oldest mark is forgotten, long after the frame has left it. */
        at = defects->next_mark;
        defects->next_mark = (at + 1) % MARKS_MAX;
    }
    if (at < defects->n_marks)
        forget_tile(defects, &defects->marks[at]);
    else
        defects->n_marks++;
    defects->marks[at] = *mark;
    forget_tile(defects, mark);
}

/* A place within `radius_m`, evenly over the disc. */
static struct sim_feature throw_within(double radius_m, double x, double y,
                                       struct sim_random *random)
{
    double r_m = radius_m * sqrt(sim_random_uniform(random));
    double angle = sim_random_range(random, 0, 2 * PI);
    return (struct sim_feature){.x_m = x + r_m * cos(angle), .y_m = y + r_m * sin(angle)};
}

static void strew_debris(struct sim_defects *defects, double depth_m, double x, double y,
                         struct sim_random *random)
{
    const struct sim_surface_marks *m = &defects->spec->marks;
    unsigned n = sim_random_poisson(random, fmin(50, m->debris_per_nm * depth_m * 1e9));
    for (unsigned i = 0; i < n; i++) {
        struct sim_feature cluster = throw_within(m->debris_reach_m, x, y, random);
        cluster.height_m =
            sim_random_log_range(random, m->debris_height_m[0], m->debris_height_m[1]);
        cluster.sigma_m = sim_random_range(random, m->debris_sigma_m[0], m->debris_sigma_m[1]);
        add_mark(defects, &cluster);
    }
}

/* A hillock or a crater as wide as the tip was deep, and debris. */
static void mark_poke(struct sim_defects *defects, double depth_m, double x, double y,
                      struct sim_random *random)
{
    const struct sim_surface_marks *m = &defects->spec->marks;
    if (sim_random_uniform(random) * m->poke_depth_m > depth_m)
        return;
    double height_m = sim_random_log_range(random, m->poke_height_m[0], m->poke_height_m[1]) *
                      (1 + depth_m / 1e-9);
    bool crater = sim_random_uniform(random) < m->crater_p;
    double wider_m = m->poke_widening * depth_m * sim_random_range(random, .5, 1.5);
    struct sim_feature mark = {.x_m = x + .1e-9 * sim_random_normal(random),
                               .y_m = y + .1e-9 * sim_random_normal(random),
                               .height_m = crater ? -height_m / 2 : height_m,
                               .sigma_m = m->poke_sigma_m + wider_m};
    add_mark(defects, &mark);
    strew_debris(defects, depth_m, x, y, random);
}

/* Beyond a voltage: a patch of defects, wider with it. */
static void mark_pulse(struct sim_defects *defects, double voltage_v, double x, double y,
                       struct sim_random *random)
{
    const struct sim_surface_marks *m = &defects->spec->marks;
    struct drawing drawing;
    if (voltage_v < m->pulse_above_v && voltage_v > m->pulse_below_v)
        return;
    double beyond_v = fmax(0, fabs(voltage_v) - m->pulse_above_v);
    double radius_m =
        fmin(m->pulse_radius_m[1], m->pulse_radius_m[0] + m->pulse_widening_m_per_v * beyond_v);
    unsigned n = 2 + sim_random_poisson(random, m->pulse_count * radius_m / m->pulse_radius_m[1]);
    for (unsigned i = 0; i < n; i++) {
        struct sim_feature place = throw_within(radius_m, x, y, random);
        drawing.n = 0;
        draw_defect(defects, defects->pulse_defect, place.x_m, place.y_m, random, &drawing);
        for (size_t f = 0; f < drawing.n; f++)
            if (!drawing.list[f].halo)
                add_mark(defects, &drawing.list[f].feature);
    }
}

void sim_defects_mark(struct sim_defects *defects, const struct action *action, double x, double y,
                      struct sim_random *random)
{
    switch (action->kind) {
    case ACTION_CRASH:
        mark_poke(defects, action->depth_m, x, y, random);
        mark_pulse(defects, action->bias_v, x, y, random);
        break;
    case ACTION_PULSE:
        mark_pulse(defects, action->voltage_v, x, y, random);
        break;
    case ACTION_NECK:
        mark_poke(defects, 3e-9, x, y, random);
        break;
    case ACTION_RETRACT:
    case ACTION_APPROACH:
    case ACTION_REIMAGE:
    case ACTION_KIND_COUNT:
        break;
    }
}
