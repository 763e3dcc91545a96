/* What the lines look like: lattice periods, the class ladder, noise, steps, defects. */
#include "sim/scanner.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 300 };
#define PI 3.141592653589793
#define FRAME_M 3.6e-9

/* A frame, forward, each line without mean and slope; row 0 = bottom. */
static double *render(uint64_t seed, enum sim_tip_state state)
{
    struct sim_surface *surface;
    struct sim_scanner *scanner;
    struct sim_tip tip;
    double backward[N];
    double *frame = malloc(sizeof(double) * N * N);
    struct sim_scanner_options options = {.seed = seed,
                                          .points = N,
                                          .lines = N,
                                          .frame_m = FRAME_M,
                                          .line_time_s = .33,
                                          .event_scale = 0};
    ck_assert_int_eq(sim_surface_create(NULL, seed, &surface), 0);
    ck_assert_int_eq(sim_scanner_create(&options, surface, &scanner), 0);
    sim_tip_init(&tip, seed, state);
    for (uint32_t row = 0; row < N; row++) {
        double *line = frame + (size_t)row * N;
        struct sim_line rendered = {.forward = line, .backward = backward};
        sim_scanner_line(scanner, &tip, row, .33 * row, &rendered);
        ck_assert_int_eq(rendered.event.kind, SIM_TIP_NO_EVENT);
        double mean = 0, slope = 0, square = 0;
        for (int i = 0; i < N; i++) {
            double x = i - (N - 1) / 2.0;
            mean += line[i] / N;
            slope += x * line[i];
            square += x * x;
        }
        for (int i = 0; i < N; i++)
            line[i] -= mean + (i - (N - 1) / 2.0) * slope / square;
    }
    sim_scanner_destroy(scanner);
    sim_surface_destroy(surface);
    return frame;
}

/* Amplitude of the plane wave with (fx, fy) cycles per frame, Hann window; metres. A dimer is 30
   samples long, so that every sixth sample is enough. */
enum { STRIDE = 6 };

static double amplitude(const double *frame, double fx, double fy)
{
    double re = 0, im = 0, weight = 0;
    for (int y = 0; y < N; y += STRIDE) {
        double wy = .5 - .5 * cos(2 * PI * (y + .5) / N);
        for (int x = 0; x < N; x += STRIDE) {
            double w = wy * (.5 - .5 * cos(2 * PI * (x + .5) / N));
            double phase = 2 * PI * (fx * x + fy * y) / N;
            double z = w * frame[(size_t)y * N + (size_t)x];
            re += z * cos(phase);
            im += z * sin(phase);
            weight += w;
        }
    }
    return 2 * hypot(re, im) / weight;
}

struct lattice {
    double rows, dimers, pairs; /* amplitudes of g1, g2, 2 g1 */
    double row_cycles, dimer_cycles;
};

/* The strongest wave with about this many cycles, within some degrees of `angle`. */
static double strongest(const double *frame, double cycles, double angle, double spread,
                        double *ret_cycles, double *ret_angle)
{
    double best = -1;
    for (int i = -14; i <= 14; i += 2)
        for (int j = -30; j <= 30; j++) {
            double f = cycles * (1 + i / 100.0), a = angle + spread * j / 30;
            double z = amplitude(frame, f * cos(a), f * sin(a));
            if (z > best) {
                best = z;
                *ret_cycles = f;
                *ret_angle = a;
            }
        }
    return best;
}

static struct lattice measure(const double *frame)
{
    struct lattice l = {0};
    double angle = 0, other = 0;
    double cycles = FRAME_M / .768e-9;
    l.rows = strongest(frame, cycles, 0, PI / 2, &l.row_cycles, &angle);
    l.dimers = strongest(frame, 2 * l.row_cycles, angle + PI / 2, PI / 20, &l.dimer_cycles, &other);
    l.pairs = amplitude(frame, 2 * l.row_cycles * cos(angle), 2 * l.row_cycles * sin(angle));
    return l;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { FRAMES = 5 };

/* Medians over some seeds. */
static struct lattice median_lattice(enum sim_tip_state state)
{
    double rows[FRAMES], dimers[FRAMES], pairs[FRAMES], cycles[FRAMES], dimer_cycles[FRAMES];
    for (int i = 0; i < FRAMES; i++) {
        double *frame = render(900 + (uint64_t)i, state);
        struct lattice l = measure(frame);
        rows[i] = l.rows;
        dimers[i] = l.dimers / l.rows;
        pairs[i] = l.pairs / l.rows;
        cycles[i] = l.row_cycles;
        dimer_cycles[i] = l.dimer_cycles / l.row_cycles;
        free(frame);
    }
    qsort(rows, FRAMES, sizeof(double), compare);
    qsort(dimers, FRAMES, sizeof(double), compare);
    qsort(pairs, FRAMES, sizeof(double), compare);
    qsort(cycles, FRAMES, sizeof(double), compare);
    qsort(dimer_cycles, FRAMES, sizeof(double), compare);
    return (struct lattice){rows[FRAMES / 2], dimers[FRAMES / 2], pairs[FRAMES / 2],
                            cycles[FRAMES / 2], dimer_cycles[FRAMES / 2]};
}

START_TEST(a_dimer_tip_shows_rows_and_dimers_at_their_periods)
{
    struct lattice l = median_lattice(SIM_TIP_DIMER);
    /* The scanner's calibration error is up to 12 %. */
    ck_assert_double_eq_tol(FRAME_M / l.row_cycles, .768e-9, .1e-9);
    ck_assert_double_eq_tol(l.dimer_cycles, 2, .2);
    ck_assert_double_ge(l.rows, 5e-12);
    ck_assert_double_le(l.rows, 45e-12);
    /* Between the measured thresholds to rows (.34) and atoms (.6). */
    ck_assert_double_ge(l.dimers, .34);
    ck_assert_double_le(l.pairs, .6);
}
END_TEST

START_TEST(sharpness_sets_the_class)
{
    struct lattice rows = median_lattice(SIM_TIP_ROWS), atoms = median_lattice(SIM_TIP_ATOMIC);
    ck_assert_double_le(rows.dimers, .34);
    ck_assert_double_ge(rows.rows, 3e-12);
    ck_assert_double_ge(atoms.dimers, .34);
    ck_assert_double_ge(atoms.pairs, .6);
    ck_assert_double_le(atoms.rows, 25e-12);
}
END_TEST

START_TEST(a_blunt_tip_shows_no_lattice)
{
    struct lattice l = median_lattice(SIM_TIP_BLUNT);
    ck_assert_double_le(l.rows, 3e-12);
}
END_TEST

/* Second difference across lines, robust: the measure used on real scans. */
static double line_noise_m(const double *frame, double *ret_acf3)
{
    static double rest[(N - 2) * N];
    double *size = malloc(sizeof(rest));
    double sum = 0, product = 0;
    for (size_t y = 1; y + 1 < N; y++)
        for (size_t x = 0; x < N; x++)
            rest[(y - 1) * N + x] =
                (frame[y * N + x] - .5 * (frame[(y - 1) * N + x] + frame[(y + 1) * N + x])) /
                sqrt(1.5);
    for (size_t i = 0; i < (N - 2) * N; i++)
        size[i] = fabs(rest[i]);
    qsort(size, (N - 2) * N, sizeof(double), compare);
    double robust = size[(N - 2) * N / 2] / .6745;
    for (size_t i = 0; i + 3 < (N - 2) * N; i++) {
        if (fabs(rest[i]) > 5 * robust || fabs(rest[i + 3]) > 5 * robust)
            continue;
        sum += rest[i] * rest[i];
        product += rest[i] * rest[i + 3];
    }
    *ret_acf3 = product / sum;
    free(size);
    return robust;
}

START_TEST(noise_is_streaks_not_pixels)
{
    for (uint64_t seed = 40; seed < 46; seed++) {
        double acf3;
        double *frame = render(seed, SIM_TIP_DIMER);
        double noise = line_noise_m(frame, &acf3);
        ck_assert_double_ge(noise, .5e-12);
        ck_assert_double_le(noise, 15e-12);
        ck_assert_double_ge(acf3, .7); /* real: .83 to .93 */
        free(frame);
    }
}
END_TEST

START_TEST(an_event_s_step_is_what_the_line_changes_by)
{
    enum { POINTS = 64 };
    struct sim_surface *surface;
    struct sim_scanner *scanner;
    struct sim_scanner_options options = {
        .seed = 9, .points = POINTS, .lines = 64, .frame_m = 4e-9, .line_time_s = .3};
    struct sim_tip tip, other;
    double there[POINTS], back[POINTS];
    ck_assert_int_eq(sim_surface_create(NULL, 6, &surface), 0);
    ck_assert_int_eq(sim_scanner_create(&options, surface, &scanner), 0);
    sim_tip_init(&tip, 1, SIM_TIP_ATOMIC);
    sim_tip_init(&other, 2, SIM_TIP_ROWS);
    struct sim_tip_event event = {.kind = SIM_TIP_Z_JUMP, .z_m = 50e-12, .after = tip};
    sim_scanner_event_step(scanner, &tip, &event, 30, 9, there);
    for (int i = 0; i < POINTS; i++)
        ck_assert_double_eq_tol(there[i], 50e-12, 1e-18);
    event = (struct sim_tip_event){.kind = SIM_TIP_CHANGE, .after = other};
    sim_scanner_event_step(scanner, &tip, &event, 30, 9, there);
    event.after = tip;
    sim_scanner_event_step(scanner, &other, &event, 30, 9, back);
    double largest = 0;
    for (int i = 0; i < POINTS; i++) {
        ck_assert_double_eq_tol(there[i], -back[i], 1e-18);
        largest = fmax(largest, fabs(there[i]));
    }
    ck_assert_double_ge(largest, 1e-12);
    sim_scanner_destroy(scanner);
    sim_surface_destroy(surface);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/scanner");
    TCase *tcase = tcase_create("scanner");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_dimer_tip_shows_rows_and_dimers_at_their_periods);
    tcase_add_test(tcase, sharpness_sets_the_class);
    tcase_add_test(tcase, a_blunt_tip_shows_no_lattice);
    tcase_add_test(tcase, noise_is_streaks_not_pixels);
    tcase_add_test(tcase, an_event_s_step_is_what_the_line_changes_by);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
