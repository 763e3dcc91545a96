/* Worlds from files: periods, steps, edges, defects, marks, bias, and what a file may say. */
#include "sim/surface.h"
#include "sim/surface_builtin.h"
#include "sim/surface_file.h"
#include "sim/tip.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.141592653589793
#define PM 1e-12
#define NM 1e-9
enum { FEATURES = 16384 };

static struct sim_feature near[FEATURES], later[FEATURES];

/* A middling dimer tip's contrast. */
static const struct sim_contrast contrast = {.row_m = 25e-12,
                                             .ratio_dimer = 1.2,
                                             .ratio_pair = .3,
                                             .phase_pair = 2,
                                             .mixed = {{.2, 1}, {.15, 4}},
                                             .ratio_fine = .1};

static void load(const char *name, struct sim_surface_spec *ret)
{
    char path[512];
    struct policy_errors errors;
    snprintf(path, sizeof(path), "%s/sim/surfaces/%s.yaml", TEST_SOURCE_DIR, name);
    int rc = sim_surface_load(path, ret, &errors);
    if (rc != 0)
        policy_errors_print(&errors, path, stderr);
    policy_errors_finish(&errors);
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(ret->name, name);
}

static struct sim_surface *make(const struct sim_surface_spec *spec, uint64_t seed)
{
    struct sim_surface *surface;
    ck_assert_int_eq(sim_surface_create(spec, seed, &surface), 0);
    return surface;
}

/* The surface under an ideal apex: a table, and the terrain of a large box. */
struct world {
    struct sim_surface *surface;
    struct sim_lattice lattice;
    struct sim_terrain terrain;
};

static void open_world(struct world *w, const struct sim_surface_spec *spec, uint64_t seed,
                       double bias_v, double half_m)
{
    struct sim_wave waves[SIM_WAVES_MAX];
    struct sim_box box = {-half_m, -half_m, half_m, half_m};
    w->surface = make(spec, seed);
    ck_assert_int_eq(sim_lattice_init(&w->lattice, sim_surface_cell(w->surface)), 0);
    size_t n = sim_surface_waves(w->surface, &contrast, bias_v, waves);
    sim_lattice_fill(&w->lattice, sim_surface_cell(w->surface), waves, n, 0);
    sim_surface_terrain(w->surface, &box, &w->terrain);
}

static void close_world(struct world *w)
{
    sim_lattice_finish(&w->lattice);
    sim_surface_destroy(w->surface);
}

static double height(const struct world *w, double x, double y)
{
    struct sim_view view = {.lattice = &w->lattice};
    double z;
    sim_terrain_heights(&w->terrain, &view, &x, y, 1, &z);
    return z;
}

/* The place `s`, `t` cells from the origin, on the origin's terrace. */
static void at_cells(const struct world *w, double s, double t, double *x, double *y)
{
    struct sim_axes a;
    sim_surface_axes_at(w->surface, 0, 0, &a);
    double area = a.sx * a.ty - a.sy * a.tx, ds = s - a.s0, dt = t - a.t0;
    *x = (a.ty * ds - a.sy * dt) / area;
    *y = (a.sx * dt - a.tx * ds) / area;
}

static double height_at_cells(const struct world *w, double s, double t)
{
    double x, y;
    at_cells(w, s, t, &x, &y);
    return height(w, x, y);
}

/* The seed of a world whose origin lies well inside a terrace. */
static uint64_t flat_seed(const struct sim_surface_spec *spec)
{
    struct sim_box box = {-6 * NM, -6 * NM, 6 * NM, 6 * NM};
    for (uint64_t seed = 1;; seed++) {
        struct sim_terrain terrain;
        struct sim_surface *surface = make(spec, seed);
        sim_surface_terrain(surface, &box, &terrain);
        sim_surface_destroy(surface);
        if (terrain.single)
            return seed;
    }
}

START_TEST(the_table_is_the_sum_of_its_waves)
{
    const struct sim_cell cell = {{.768e-9, 0}, {0, .384e-9}};
    const struct sim_wave waves[] = {{1, 0, 45e-12, 0},
                                     {0, 1, 76e-12, 0},
                                     {2, 0, 20e-12, 2.5},
                                     {1, 1, 16e-12, 0},
                                     {1, -1, 16e-12, .4}};
    struct sim_lattice lattice;
    struct sim_random random;
    sim_random_seed(&random, 1, SIM_STREAM_SURFACE, 0);
    ck_assert_int_eq(sim_lattice_init(&lattice, &cell), 0);
    for (int k = 0; k < 2; k++) {
        double sigma_m = k ? .07e-9 : 0, worst = 0;
        sim_lattice_fill(&lattice, &cell, waves, 5, sigma_m);
        for (int i = 0; i < 20000; i++) {
            double s = sim_random_range(&random, -900, 900), z = 0;
            double t = sim_random_range(&random, -900, 900);
            for (int w = 0; w < 5; w++) {
                double g = 2 * PI * hypot(waves[w].h / .768e-9, waves[w].k / .384e-9);
                z += waves[w].amplitude_m * exp(-.5 * sigma_m * sigma_m * g * g) *
                     cos(2 * PI * (waves[w].h * s + waves[w].k * t) + waves[w].phase);
            }
            worst = fmax(worst, fabs(sim_lattice_height(&lattice, s, t) - z));
        }
        ck_assert_double_lt(worst, .2 * PM);
    }
    sim_lattice_finish(&lattice);
}
END_TEST

START_TEST(each_lattice_repeats_with_its_cell)
{
    static const char *const names[] = {"h-si-100", "si-111-7x7", "au-111"};
    static const double lengths[][2] = {
        {.768e-9, .384e-9}, {2.688e-9, 2.688e-9}, {.2885e-9, .2885e-9}};
    for (int k = 0; k < 3; k++) {
        struct sim_surface_spec spec;
        struct world w;
        double x0, y0, x1, y1, differs = 0;
        load(names[k], &spec);
        spec.ridges.period_m = 0;
        open_world(&w, &spec, flat_seed(&spec), -1.8, 5 * NM);
        for (int v = 0; v < 2; v++) {
            at_cells(&w, 0, 0, &x0, &y0);
            at_cells(&w, !v, v, &x1, &y1);
            ck_assert_double_eq_tol(hypot(x1 - x0, y1 - y0), lengths[k][v], 1e-13);
        }
        for (int i = 0; i < 50; i++) {
            double s = .02 * i, t = .37 * i;
            double z = height_at_cells(&w, s, fmod(t, 1));
            ck_assert_double_eq_tol(z, height_at_cells(&w, s - 1, fmod(t, 1)), .01 * PM);
            ck_assert_double_eq_tol(z, height_at_cells(&w, s, fmod(t, 1) - 1), .01 * PM);
            differs = fmax(differs, fabs(z - height_at_cells(&w, s + .5, fmod(t, 1))));
        }
        ck_assert_double_gt(differs, 5 * PM);
        close_world(&w);
    }
}
END_TEST

START_TEST(seven_by_seven_has_twelve_adatoms_and_deep_corners)
{
    struct sim_surface_spec spec;
    struct world w;
    load("si-111-7x7", &spec);
    open_world(&w, &spec, flat_seed(&spec), -1.8, 6 * NM);
    int peaks = 0;
    double faulted = 0, other = 0, highest = -1;
    enum { N = 84 };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double s = (double)i / N, t = (double)j / N, z = height_at_cells(&w, s, t);
            int peak = 1;
            for (int k = 0; k < 9; k++)
                peak &= z >= height_at_cells(&w, s + (k % 3 - 1.) / N, t + (k / 3 - 1.) / N);
            highest = fmax(highest, z);
            peaks += peak;
            if (peak && s + t < 1)
                faulted += z / 6;
            else if (peak)
                other += z / 6;
        }
    ck_assert_int_eq(peaks, 12);
    ck_assert_double_gt(faulted, other + 10 * PM);
    ck_assert_double_ge(highest - height_at_cells(&w, 0, 0), 150 * PM);
    ck_assert_double_le(highest - height_at_cells(&w, 0, 0), 200 * PM);
    close_world(&w);
    /* Empty states: both halves alike. */
    open_world(&w, &spec, flat_seed(&spec), 1.8, 6 * NM);
    ck_assert_double_eq_tol(height_at_cells(&w, 1 / 7., 1 / 7.),
                            height_at_cells(&w, 6 / 7., 6 / 7.), .5 * PM);
    close_world(&w);
}
END_TEST

/* How strongly the ridges of a 40 nm square repeat every `period_m` in this direction. */
static double repeats(const float *z, int n, double spacing_m, double period_m, double angle)
{
    double re = 0, im = 0;
    double kx = 2 * PI * spacing_m / period_m * cos(angle);
    double ky = 2 * PI * spacing_m / period_m * sin(angle);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++) {
            double window = sin(PI * (i + .5) / n) * sin(PI * (j + .5) / n);
            re += window * (double)z[j * n + i] * cos(kx * i + ky * j);
            im += window * (double)z[j * n + i] * sin(kx * i + ky * j);
        }
    return hypot(re, im);
}

START_TEST(gold_s_ridges_come_in_pairs_every_63_angstrom)
{
    enum { N = 80 };
    static float z[N * N];
    struct sim_surface_spec spec;
    struct sim_terrain terrain;
    struct sim_place place;
    load("au-111", &spec);
    spec.ridges.elbow_m[0] = spec.ridges.elbow_m[1] = 100 * NM;
    spec.steps.terrace_m = 1e-6;
    struct sim_surface *surface = make(&spec, 4);
    struct sim_box box = {0, 0, 40 * NM, 40 * NM};
    sim_surface_terrain(surface, &box, &terrain);
    ck_assert(terrain.single);
    float low = 1, high = -1, sum = 0;
    for (int j = 0; j < N; j++)
        for (int i = 0; i < N; i++) {
            sim_terrain_place(&terrain, .5 * NM * i, .5 * NM * j, &place);
            z[j * N + i] = (float)(place.step_m - spec.steps.height_m * (double)terrain.first);
            low = fminf(low, z[j * N + i]);
            high = fmaxf(high, z[j * N + i]);
            sum += z[j * N + i] / (N * N);
        }
    ck_assert_double_ge((double)(high - low), 14 * PM);
    ck_assert_double_le((double)(high - low), 21 * PM);
    double best = -1, period_m = 0;
    for (int i = 0; i < N * N; i++)
        z[i] -= sum;
    for (int p = 0; p < 21; p++)
        for (int a = 0; a < 60; a++) {
            double at_m = (5.3 + .1 * p) * NM, strength = repeats(z, N, .5 * NM, at_m, a * PI / 60);
            if (strength > best) {
                best = strength;
                period_m = at_m;
            }
        }
    ck_assert_double_eq_tol(period_m, 6.3 * NM, .25 * NM);
    sim_surface_destroy(surface);
}
END_TEST

START_TEST(terraces_are_one_step_apart_and_turned_as_the_file_says)
{
    static const char *const names[] = {"h-si-100", "si-111-7x7", "au-111"};
    static const double steps_m[] = {135.8e-12, 314e-12, 235e-12};
    for (int k = 0; k < 3; k++) {
        struct sim_surface_spec spec;
        struct sim_terrain terrain;
        struct sim_place place;
        struct sim_axes here, last = {0};
        struct sim_box box = {-400 * NM, -400 * NM, 400 * NM, 400 * NM};
        load(names[k], &spec);
        spec.ridges.period_m = 0;
        struct sim_surface *surface = make(&spec, 3);
        sim_surface_terrain(surface, &box, &terrain);
        ck_assert(!terrain.single);
        double before = NAN;
        int climbed = 0;
        /* Two walks at right angles, so that one crosses the steps. */
        for (int i = 0; i < 3200; i++) {
            double s = .25 * (i % 1600 - 800) * NM, x = i < 1600 ? s : 0, y = i < 1600 ? 0 : s;
            sim_terrain_place(&terrain, x, y, &place);
            double level = place.step_m / steps_m[k];
            sim_surface_axes_at(surface, x, y, &here);
            if (i == 1600)
                before = NAN;
            if (fabs(level - round(level)) > 1e-3)
                continue; /* on an edge */
            if (!isnan(before) && round(level) != before) {
                double turn = fabs(atan2(here.sy, here.sx) - atan2(last.sy, last.sx));
                ck_assert_double_eq_tol(fabs(round(level) - before), 1, 1e-9);
                ck_assert_double_eq_tol(fabs(sin(turn)), k == 0 ? 1 : 0, 1e-9);
                climbed++;
            }
            before = round(level);
            last = here;
        }
        ck_assert_int_ge(climbed, 2);
        sim_surface_destroy(surface);
    }
}
END_TEST

START_TEST(edges_along_the_upper_rows_are_straight_and_the_others_ragged)
{
    struct sim_surface_spec spec;
    load("h-si-100", &spec);
    spec.steps.off_axis_deg = 0;
    struct sim_surface *surface = make(&spec, 11);
    struct sim_terrain terrain;
    struct sim_box box = {-400 * NM, -400 * NM, 400 * NM, 400 * NM};
    sim_surface_terrain(surface, &box, &terrain);
    struct sim_axes axes;
    sim_surface_axes_at(surface, 0, 0, &axes);
    int changes[2] = {0, 0}, edges[2] = {0, 0};
    /* One of the two lattice directions crosses the edges: find them on parallel walks. */
    for (int way = 0; way < 2; way++) {
        double size = hypot(axes.sx, axes.sy);
        double ux = (way ? -axes.sy : axes.sx) / size, uy = (way ? axes.sx : axes.sy) / size;
        double last[64];
        for (int row = 0; row < 100; row++) {
            struct sim_place place;
            struct sim_axes upper;
            double along = row * .768 * NM, before = NAN;
            int found = 0;
            for (int i = -1500; i < 1500 && found < 64; i++) {
                double x = i * .1 * NM * ux - along * uy, y = i * .1 * NM * uy + along * ux;
                sim_terrain_place(&terrain, x, y, &place);
                double level = floor(place.step_m / spec.steps.height_m + .5);
                if (!isnan(before) && level != before) {
                    double up = level > before ? 1 : -1;
                    sim_surface_axes_at(surface, x + up * NM * ux, y + up * NM * uy, &upper);
                    int straight = fabs(upper.sx * ux + upper.sy * uy) * .768 * NM > .7;
                    if (row > 0)
                        changes[straight] += fabs(last[found] - i) > 3;
                    edges[straight] += row == 0;
                    last[found++] = i;
                }
                before = level;
            }
        }
        if (edges[0] + edges[1] > 0)
            break;
    }
    ck_assert_int_ge(edges[0], 1);
    ck_assert_int_ge(edges[1], 1);
    /* Kinks per edge in 77 nm. */
    ck_assert_int_le(changes[1] / edges[1], 20);
    ck_assert_int_ge(changes[0] / edges[0], 3 * (changes[1] / edges[1]));
    sim_surface_destroy(surface);
}
END_TEST

START_TEST(a_place_is_the_same_in_a_narrow_and_in_a_wide_box)
{
    struct sim_terrain narrow, wide;
    struct sim_place a, b;
    struct sim_surface *surface = make(NULL, 4);
    int on_edges = 0;
    for (int i = -2000; i < 2000; i++) {
        double x = i * .1 * NM;
        struct sim_box small = {x - 1 * NM, -1 * NM, x + 1 * NM, 1 * NM};
        struct sim_box large = {-400 * NM, -400 * NM, 400 * NM, 400 * NM};
        sim_surface_terrain(surface, &small, &narrow);
        sim_surface_terrain(surface, &large, &wide);
        on_edges += !narrow.single;
        sim_terrain_place(&narrow, x, 0, &a);
        sim_terrain_place(&wide, x, 0, &b);
        ck_assert_double_eq_tol(a.s, b.s, 1e-9);
        ck_assert_double_eq_tol(a.t, b.t, 1e-9);
        ck_assert_double_eq_tol(a.step_m, b.step_m, .1 * PM);
    }
    ck_assert_int_gt(on_edges, 0);
    sim_surface_destroy(surface);
}
END_TEST

START_TEST(a_blunt_apex_widens_an_edge)
{
    struct sim_surface_spec spec;
    struct world w;
    load("h-si-100", &spec);
    open_world(&w, &spec, 4, -1.8, 200 * NM);
    memset(w.lattice.heights_m, 0, (w.lattice.n1 + 1) * (w.lattice.n2 + 1) * sizeof(float));
    double steepest[2] = {0, 0};
    for (int blunt = 0; blunt < 2; blunt++) {
        static double x[4000], z[4000];
        struct sim_view view = {.lattice = &w.lattice, .blur_m = blunt ? .6 * NM : 0};
        for (int i = 0; i < 4000; i++)
            x[i] = (i - 2000) * .05 * NM;
        for (int row = 0; row < 2; row++) {
            sim_terrain_heights(&w.terrain, &view, x, row * 3 * NM, 4000, z);
            for (int i = 0; i + 1 < 4000; i++)
                steepest[blunt] = fmax(steepest[blunt], fabs(z[i + 1] - z[i]));
        }
    }
    ck_assert_double_gt(steepest[0], 5 * PM);
    ck_assert_double_lt(steepest[1], .4 * steepest[0]);
    close_world(&w);
}
END_TEST

static size_t look(const struct sim_surface *surface, double bias_v, double x, double y,
                   double half_m, struct sim_feature *ret)
{
    struct sim_box box = {x - half_m, y - half_m, x + half_m, y + half_m};
    return sim_surface_features(surface, bias_v, &box, ret, FEATURES);
}

/* Features whose own place lies in the square. */
static size_t inside(const struct sim_feature *list, size_t n, double half_m, int sign)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += fabs(list[i].x_m) < half_m && fabs(list[i].y_m) < half_m &&
                 (sign == 0 || (list[i].height_m > 0) == (sign > 0));
    return found;
}

START_TEST(the_same_place_looks_the_same_on_return)
{
    struct sim_surface *surface = make(NULL, 5);
    size_t n = look(surface, -1.8, 0, 0, 3 * NM, near);
    ck_assert_uint_gt(n, 3);
    /* Far more tiles than are kept. */
    for (int i = 1; i < 400; i++)
        look(surface, -1.8, i * 20 * NM, -i * 7 * NM, 3 * NM, later);
    ck_assert_uint_eq(look(surface, -1.8, 0, 0, 3 * NM, later), n);
    ck_assert_int_eq(memcmp(near, later, n * sizeof(near[0])), 0);
    /* And in a wider view: the same defects among others. */
    size_t m = look(surface, -1.8, 0, 0, 20 * NM, later);
    for (size_t i = 0; i < n; i++) {
        int found = 0;
        for (size_t j = 0; j < m; j++)
            found |= memcmp(&near[i], &later[j], sizeof(near[i])) == 0;
        ck_assert(found);
    }
    sim_surface_destroy(surface);
}
END_TEST

START_TEST(defects_are_as_dense_as_the_file_says)
{
    static const char *const names[] = {"h-si-100", "si-111-7x7", "au-111"};
    for (int k = 0; k < 3; k++) {
        struct sim_surface_spec spec;
        double expected = 0, half_nm = 100;
        load(names[k], &spec);
        for (uint32_t d = 0; d < spec.n_defects; d++)
            expected += spec.defects[d].per_nm2 * spec.defects[d].n_members *
                        (spec.defects[d].copies[0] + spec.defects[d].copies[1]) / 2;
        struct sim_surface *surface = make(&spec, 8);
        size_t n = look(surface, -1.8, 0, 0, half_nm * NM, near);
        ck_assert_uint_lt(n, FEATURES);
        double found = (double)inside(near, n, half_nm * NM, 0) / (4 * half_nm * half_nm);
        ck_assert_double_eq_tol(found / expected, 1, .15);
        sim_surface_destroy(surface);
    }
}
END_TEST

START_TEST(clusters_gather_in_dirty_patches)
{
    struct sim_surface_spec spec;
    load("h-si-100", &spec);
    for (uint32_t d = 0; d < spec.n_defects; d++)
        if (!spec.defects[d].in_patches)
            spec.defects[d].per_nm2 = 0;
    struct sim_surface *surface = make(&spec, 8);
    enum { SIDE = 12 };
    static int count[SIDE][SIDE];
    size_t n = look(surface, -1.8, 0, 0, 8 * SIDE * NM, near);
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        int x = (int)floor(near[i].x_m / (16 * NM)) + SIDE / 2;
        int y = (int)floor(near[i].y_m / (16 * NM)) + SIDE / 2;
        if (x >= 0 && x < SIDE && y >= 0 && y < SIDE)
            count[y][x]++;
    }
    for (int i = 0; i < SIDE * SIDE; i++) {
        mean += count[i / SIDE][i % SIDE] / (double)(SIDE * SIDE);
        square += count[i / SIDE][i % SIDE] * count[i / SIDE][i % SIDE] / (double)(SIDE * SIDE);
    }
    /* Without patches the variance would be the mean. */
    ck_assert_double_gt(square - mean * mean, 3 * mean);
    sim_surface_destroy(surface);
}
END_TEST

static void keep_only(struct sim_surface_spec *spec, const char *name, double per_nm2)
{
    bool found = false;
    for (uint32_t d = 0; d < spec->n_defects; d++) {
        bool wanted = strcmp(spec->defects[d].name, name) == 0;
        spec->defects[d].per_nm2 = wanted ? per_nm2 : 0;
        found |= wanted;
    }
    ck_assert(found);
}

START_TEST(dangling_bonds_sit_beside_a_row_s_axis)
{
    struct sim_surface_spec spec;
    struct sim_axes a;
    load("h-si-100", &spec);
    keep_only(&spec, "dangling-bond", .02);
    struct sim_surface *surface = make(&spec, 2);
    size_t n = look(surface, -1.8, 0, 0, 60 * NM, near);
    int left = 0, right = 0;
    ck_assert_uint_gt(n, 100);
    for (size_t i = 0; i < n; i++) {
        sim_surface_axes_at(surface, near[i].x_m, near[i].y_m, &a);
        double s = a.sx * near[i].x_m + a.sy * near[i].y_m + a.s0;
        double t = a.tx * near[i].x_m + a.ty * near[i].y_m + a.t0;
        if (fabs(t - round(t)) > 1e-6)
            continue; /* thrown on one side of an edge, standing on the other */
        ck_assert_double_eq_tol(fabs(s - round(s)) * .768, .17, 1e-3);
        left += s < round(s);
        right += s > round(s);
    }
    ck_assert_int_gt(left, 30);
    ck_assert_int_gt(right, 30);
    sim_surface_destroy(surface);
}
END_TEST

START_TEST(a_patch_of_3x1_repeats_every_one_and_a_half_rows)
{
    struct sim_surface_spec spec;
    struct sim_axes a;
    load("h-si-100", &spec);
    keep_only(&spec, "patch-3x1", .001);
    struct sim_surface *surface = make(&spec, 2);
    size_t n = look(surface, -1.8, 0, 0, 40 * NM, near);
    ck_assert_uint_gt(n, 100);
    sim_surface_axes_at(surface, near[0].x_m, near[0].y_m, &a);
    int neighbours = 0;
    for (size_t i = 1; i < n; i++) {
        double dx = near[i].x_m - near[0].x_m, dy = near[i].y_m - near[0].y_m;
        double s = a.sx * dx + a.sy * dy, t = a.tx * dx + a.ty * dy;
        if (hypot(dx, dy) < 1.3 * NM) {
            ck_assert_double_eq_tol(fabs(s / 1.5 - round(s / 1.5)), 0, 1e-6);
            ck_assert_double_eq_tol(fabs(t - round(t)), 0, 1e-6);
            neighbours++;
        }
    }
    ck_assert_int_gt(neighbours, 2);
    sim_surface_destroy(surface);
}
END_TEST

START_TEST(halos_show_at_positive_bias_only)
{
    struct sim_surface_spec spec;
    load("h-si-100", &spec);
    keep_only(&spec, "dangling-bond", .002);
    spec.halo.enabled = true;
    struct sim_surface *surface = make(&spec, 2);
    ck_assert_double_ge(sim_surface_reach_m(surface), 15 * NM);
    size_t filled = look(surface, -1.8, 0, 0, 40 * NM, near);
    size_t empty = look(surface, 1.8, 0, 0, 40 * NM, later);
    size_t bonds = inside(near, filled, 40 * NM, 0);
    ck_assert_uint_gt(bonds, 3);
    ck_assert_uint_eq(inside(later, empty, 40 * NM, 0), 3 * bonds);
    double widest = 0;
    for (size_t i = 0; i < empty; i++)
        widest = fmax(widest, later[i].sigma_m);
    ck_assert_double_eq_tol(2.3548 * widest, 12 * NM, .01 * NM);
    sim_surface_destroy(surface);
}
END_TEST

START_TEST(hard_pulses_leave_bonds_where_the_tip_was)
{
    struct sim_surface *surface = make(NULL, 6);
    struct sim_random random;
    struct action pulse = action_default(ACTION_PULSE);
    sim_random_seed(&random, 1, SIM_STREAM_ACTION, 1);
    size_t n = look(surface, -1.8, 0, 0, 4 * NM, near);
    pulse.voltage_v = 2.3;
    sim_surface_mark(surface, &pulse, 0, 0, &random);
    pulse.voltage_v = -5.5;
    sim_surface_mark(surface, &pulse, 0, 0, &random);
    ck_assert_uint_eq(look(surface, -1.8, 0, 0, 4 * NM, later), n);
    pulse.voltage_v = -6;
    sim_surface_mark(surface, &pulse, 0, 0, &random);
    size_t after = look(surface, -1.8, 0, 0, 4 * NM, near);
    ck_assert_uint_ge(after, n + 2);
    for (int i = 1; i < 400; i++)
        look(surface, -1.8, i * 20 * NM, -i * 7 * NM, 3 * NM, later);
    ck_assert_uint_eq(look(surface, -1.8, 0, 0, 4 * NM, later), after);
    ck_assert_int_eq(memcmp(near, later, after * sizeof(near[0])), 0);
    sim_surface_destroy(surface);
}
END_TEST

START_TEST(deep_pokes_leave_hillocks_craters_and_debris)
{
    static const char *const names[] = {"h-si-100", "si-111-7x7", "au-111"};
    for (int k = 0; k < 3; k++) {
        struct sim_surface_spec spec;
        struct sim_random random;
        struct action poke = action_default(ACTION_CRASH);
        load(names[k], &spec);
        for (uint32_t d = 0; d < spec.n_defects; d++)
            spec.defects[d].per_nm2 = 0;
        struct sim_surface *surface = make(&spec, 6);
        sim_random_seed(&random, 1, SIM_STREAM_ACTION, 1);
        poke.depth_m = 2 * NM;
        int up = 0, down = 0, debris = 0;
        for (int i = 0; i < 100; i++) {
            double x = i * 40 * NM, y = -i * 10 * NM;
            sim_surface_mark(surface, &poke, x, y, &random);
            size_t n = look(surface, -1.8, x, y, 8 * NM, near);
            ck_assert_uint_ge(n, 1);
            int here = 0;
            for (size_t f = 0; f < n; f++) {
                int mark =
                    hypot(near[f].x_m - x, near[f].y_m - y) < .6 * NM && near[f].sigma_m > .3 * NM;
                up += mark && near[f].height_m > 0;
                down += mark && near[f].height_m < 0;
                here += mark;
            }
            ck_assert_int_ge(here, 1);
            debris += (int)n - here;
        }
        ck_assert_int_ge(up, 40);
        ck_assert_int_ge(down, 3);
        ck_assert_int_ge(debris, 10);
        sim_surface_destroy(surface);
    }
}
END_TEST

START_TEST(rows_weaken_or_invert_in_empty_states)
{
    enum { SEEDS = 300 };
    struct sim_surface_spec spec;
    struct sim_wave filled[SIM_WAVES_MAX], empty[SIM_WAVES_MAX];
    int inverted = 0;
    load("h-si-100", &spec);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_surface *surface = make(&spec, seed);
        ck_assert_uint_eq(sim_surface_waves(surface, &contrast, -1.8, filled), 7);
        ck_assert_uint_eq(sim_surface_waves(surface, &contrast, 1.8, empty), 7);
        double ratio = empty[0].amplitude_m / filled[0].amplitude_m;
        ck_assert_double_eq_tol(filled[0].amplitude_m, contrast.row_m, 1e-18);
        ck_assert_double_ge(fabs(ratio), .3);
        ck_assert_double_le(fabs(ratio), .9);
        inverted += ratio < 0;
        sim_surface_destroy(surface);
    }
    ck_assert_double_eq_tol(inverted / (double)SEEDS, .4, .09);
}
END_TEST

START_TEST(a_lower_bias_shows_sharper_dimers)
{
    struct sim_wave low[SIM_WAVES_MAX], high[SIM_WAVES_MAX];
    struct sim_surface *surface = make(NULL, 1);
    sim_surface_waves(surface, &contrast, -1.3, low);
    sim_surface_waves(surface, &contrast, -2.3, high);
    ck_assert_double_eq_tol(low[0].amplitude_m, high[0].amplitude_m, 1e-18);
    ck_assert_double_gt(low[1].amplitude_m, 1.5 * high[1].amplitude_m);
    sim_surface_destroy(surface);
}
END_TEST

START_TEST(the_default_is_the_file)
{
    static char text[65536];
    FILE *file = fopen(TEST_SOURCE_DIR "/sim/surfaces/h-si-100.yaml", "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(text, 1, sizeof(text), file);
    fclose(file);
    ck_assert_uint_eq(size, sim_surface_builtin_size);
    ck_assert_int_eq(memcmp(text, sim_surface_builtin, size), 0);
    struct sim_surface_spec spec;
    sim_surface_spec_default(&spec);
    ck_assert_str_eq(spec.name, "h-si-100");
    ck_assert_double_eq_tol(spec.steps.height_m, 135.8 * PM, 1e-18);
}
END_TEST

/* The default file with one piece of text replaced; the first complaint about it. */
static void complain(const char *from, const char *to, int line_offset, int column,
                     const char *said)
{
    static char text[65536];
    struct sim_surface_spec spec;
    struct policy_errors errors;
    const char *all = (const char *)sim_surface_builtin;
    const char *at = NULL;
    int line = 1;
    for (size_t i = 0; i + strlen(from) <= sim_surface_builtin_size && !at; i++)
        if (memcmp(all + i, from, strlen(from)) == 0)
            at = all + i;
    ck_assert_ptr_nonnull(at);
    for (const char *c = all; c < at; c++)
        line += *c == '\n';
    int length = snprintf(text, sizeof(text), "%.*s%s%.*s", (int)(at - all), all, to,
                          (int)(sim_surface_builtin_size - (size_t)(at - all) - strlen(from)),
                          at + strlen(from));
    memset(&spec, 0x55, sizeof(spec));
    struct sim_surface_spec untouched = spec;
    ck_assert_int_lt(sim_surface_parse(text, (size_t)length, &spec, &errors), 0);
    ck_assert_uint_ge(errors.n, 1);
    ck_assert_msg(strstr(errors.list[0].message, said), "%s: %s", to, errors.list[0].message);
    ck_assert_int_eq(errors.list[0].line, line + line_offset);
    if (column)
        ck_assert_int_eq(errors.list[0].column, column);
    ck_assert_int_eq(memcmp(&spec, &untouched, sizeof(spec)), 0);
    policy_errors_finish(&errors);
}

START_TEST(a_wrong_file_is_refused_with_line_and_column)
{
    complain("surface_version: 1", "surface_version: 2", 0, 18, "above the bound");
    complain("height: 135.8 pm", "heigth: 135.8 pm", 0, 3, "did you mean 'height'");
    complain("height: 135.8 pm", "height: 135.8 nm", 0, 11, "above the bound");
    complain("height: 135.8 pm", "height: 135.8", 0, 11, "needs its unit");
    complain("terrace: 78 nm", "terrace: 8 nm", -1, 0, "edges could cross");
    complain("part: dimer", "part: dimmer", 0, 27, "did you mean 'dimer'");
    complain("order: [0, 1]", "order: [0, 1.5]", 0, 13, "whole numbers");
    complain("a1: [0.768 nm, 0 nm]", "a1: [0.1 nm, 0.768 nm]", 0, 0, "along one line");
    complain("a2: [0 nm, 0.384 nm]", "a2: [0 nm, 0.1 nm]", -1, 0, "too short");
    complain("pulse_defect: dangling-bond", "pulse_defect: dangling", 0, 17, "no one defect");
    complain("empty: [0.3, 0.9]", "empty: [0.9, 0.3]", 0, 10, "lower end");
    complain("    site: cell\n    charged", "    site: bump\n    charged", -2, 0, "no bumps");
    complain("halo:", "bais: 1\nhalo:", 0, 1, "did you mean 'bias'");
}
END_TEST

START_TEST(a_spec_that_no_file_gives_is_refused)
{
    struct sim_surface_spec spec;
    struct sim_surface *surface;
    sim_surface_spec_default(&spec);
    strcpy(spec.marks.pulse_defect, "nothing");
    ck_assert_int_eq(sim_surface_create(&spec, 1, &surface), -EINVAL);
    sim_surface_spec_default(&spec);
    spec.n_directions = 0;
    ck_assert_int_eq(sim_surface_create(&spec, 1, &surface), -EINVAL);
}
END_TEST

START_TEST(the_reference_names_every_section)
{
    static const char *const sections[] = {"cell",    "waves",   "bumps",   "directions",
                                           "bias",    "steps",   "patches", "ridges",
                                           "defects", "members", "halo",    "marks"};
    static char text[65536];
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    sim_surface_print_reference(file);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        char heading[64];
        snprintf(heading, sizeof(heading), "### `%s`", sections[i]);
        ck_assert_msg(strstr(text, heading), "%s", heading);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/surface");
    TCase *tcase = tcase_create("surface");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_table_is_the_sum_of_its_waves);
    tcase_add_test(tcase, each_lattice_repeats_with_its_cell);
    tcase_add_test(tcase, seven_by_seven_has_twelve_adatoms_and_deep_corners);
    tcase_add_test(tcase, gold_s_ridges_come_in_pairs_every_63_angstrom);
    tcase_add_test(tcase, terraces_are_one_step_apart_and_turned_as_the_file_says);
    tcase_add_test(tcase, edges_along_the_upper_rows_are_straight_and_the_others_ragged);
    tcase_add_test(tcase, a_place_is_the_same_in_a_narrow_and_in_a_wide_box);
    tcase_add_test(tcase, a_blunt_apex_widens_an_edge);
    tcase_add_test(tcase, the_same_place_looks_the_same_on_return);
    tcase_add_test(tcase, defects_are_as_dense_as_the_file_says);
    tcase_add_test(tcase, clusters_gather_in_dirty_patches);
    tcase_add_test(tcase, dangling_bonds_sit_beside_a_row_s_axis);
    tcase_add_test(tcase, a_patch_of_3x1_repeats_every_one_and_a_half_rows);
    tcase_add_test(tcase, halos_show_at_positive_bias_only);
    tcase_add_test(tcase, hard_pulses_leave_bonds_where_the_tip_was);
    tcase_add_test(tcase, deep_pokes_leave_hillocks_craters_and_debris);
    tcase_add_test(tcase, rows_weaken_or_invert_in_empty_states);
    tcase_add_test(tcase, a_lower_bias_shows_sharper_dimers);
    tcase_add_test(tcase, the_default_is_the_file);
    tcase_add_test(tcase, a_wrong_file_is_refused_with_line_and_column);
    tcase_add_test(tcase, a_spec_that_no_file_gives_is_refused);
    tcase_add_test(tcase, the_reference_names_every_section);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
