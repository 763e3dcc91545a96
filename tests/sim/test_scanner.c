/* What the lines look like: lattice periods, the class ladder, noise, steps, defects. */
#include "sim/crossing.h"
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
    double across[N / STRIDE][3];
    for (int i = 0; i < N / STRIDE; i++) {
        double x = i * STRIDE, w = .5 - .5 * cos(2 * PI * (x + .5) / N);
        across[i][0] = w;
        across[i][1] = w * cos(2 * PI * fx * x / N);
        across[i][2] = w * sin(2 * PI * fx * x / N);
    }
    for (int y = 0; y < N; y += STRIDE) {
        double wy = .5 - .5 * cos(2 * PI * (y + .5) / N);
        double row_re = 0, row_im = 0;
        for (int i = 0; i < N / STRIDE; i++) {
            double z = frame[(size_t)y * N + (size_t)(i * STRIDE)];
            row_re += across[i][1] * z;
            row_im += across[i][2] * z;
            weight += wy * across[i][0];
        }
        double c = wy * cos(2 * PI * fy * y / N), d = wy * sin(2 * PI * fy * y / N);
        re += c * row_re - d * row_im;
        im += c * row_im + d * row_re;
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

enum { FRAMES = 11 };

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

enum { POINTS = 300 };

struct bench {
    struct sim_surface *surface;
    struct sim_scanner *scanner;
    struct sim_tip tip;
    struct sim_disturbances wrong;
    double forward[POINTS], backward[POINTS];
};

/* A quiet instrument over one tip that nothing happens to. */
static struct bench *make_bench(enum sim_tip_state state, const struct sim_disturbance *wrong)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct sim_instrument instrument;
    sim_instrument_default(&instrument);
    instrument.noise_factor = 0;
    instrument.hum_m = (struct sim_range){0, 0};
    instrument.glitches_quiet = instrument.glitches_busy = 0;
    instrument.line_jump_m = (struct sim_range){1e-15, 1e-15};
    struct sim_scanner_options options = {.seed = 8,
                                          .points = POINTS,
                                          .lines = N,
                                          .frame_m = FRAME_M,
                                          .line_time_s = .33,
                                          .instrument = &instrument,
                                          .disturbances = &bench->wrong};
    if (wrong)
        ck_assert_int_eq(sim_disturbances_add(&bench->wrong, wrong), 0);
    ck_assert_int_eq(sim_surface_create(NULL, 8, &bench->surface), 0);
    ck_assert_int_eq(sim_scanner_create(&options, bench->surface, &bench->scanner), 0);
    sim_tip_init(&bench->tip, 8, state);
    return bench;
}

static void free_bench(struct bench *bench)
{
    sim_scanner_destroy(bench->scanner);
    sim_surface_destroy(bench->surface);
    free(bench);
}

static void bench_line(struct bench *bench, uint32_t line)
{
    struct sim_line rendered = {.forward = bench->forward, .backward = bench->backward};
    sim_scanner_line(bench->scanner, &bench->tip, line, .33 * line + .165, &rendered);
}

/* What a disturbance adds to these lines, in time order, forward and backward. */
static double *added(const struct sim_disturbance *wrong, uint32_t first, uint32_t lines)
{
    struct bench *with = make_bench(SIM_TIP_BLUNT, wrong),
                 *without = make_bench(SIM_TIP_BLUNT, NULL);
    double *out = malloc(sizeof(double) * 2 * POINTS * lines);
    for (uint32_t line = 0; line < first + lines; line++) {
        bench_line(with, line);
        bench_line(without, line);
        for (uint32_t k = 0; k < POINTS && line >= first; k++) {
            double *row = out + (size_t)(line - first) * 2 * POINTS;
            row[k] = with->forward[k] - without->forward[k];
            row[2 * POINTS - 1 - k] = with->backward[k] - without->backward[k];
        }
    }
    free_bench(with);
    free_bench(without);
    return out;
}

START_TEST(the_mains_run_on_across_lines)
{
    enum { LINES = 7 };
    const struct sim_disturbance hum = {SIM_HUM, 20e-12, 0, 100};
    double *rest = added(&hum, 3, LINES);
    double re = 0, im = 0, power = 0;
    int samples = 0;
    for (int k = 0; k < LINES * 2 * POINTS; k++) {
        if (k % POINTS < 30)
            continue; /* the loop has to find it at each turn */
        double t_s = .33 * 3 + k * .33 / (2 * POINTS);
        re += rest[k] * cos(2 * PI * 50 * t_s);
        im += rest[k] * sin(2 * PI * 50 * t_s);
        power += rest[k] * rest[k];
        samples++;
    }
    /* One phase for all lines: nothing but this wave, damped by the loop by less than half. */
    double amplitude = 2 * hypot(re, im) / samples;
    ck_assert_double_ge(amplitude, 10e-12);
    ck_assert_double_le(amplitude, 24e-12);
    ck_assert_double_ge(amplitude * amplitude / 2, .95 * power / samples);
    free(rest);
}
END_TEST

START_TEST(a_knock_fades_over_its_lines)
{
    const struct sim_disturbance knock = {SIM_KNOCK, 300e-12, 2 * .33, 10 * .33};
    double *rest = added(&knock, 0, 14);
    double high[14] = {0};
    for (int k = 0; k < 14 * 2 * POINTS; k++)
        high[k / (2 * POINTS)] = fmax(high[k / (2 * POINTS)], fabs(rest[k]));
    ck_assert_double_eq(high[1], 0);
    ck_assert_double_ge(high[2], 150e-12);
    ck_assert_double_eq_tol(high[7] / high[2], exp(-4 * .5), .06);
    ck_assert_double_le(high[11], .04 * high[2]);
    ck_assert_double_eq(high[13], 0);
    free(rest);
}
END_TEST

START_TEST(more_bias_withdraws_the_tip)
{
    const struct sim_disturbance jump = {SIM_BIAS_JUMP, -2.4, 0, 100};
    double *rest = added(&jump, 1, 1);
    double mean = 0;
    for (int k = 0; k < 2 * POINTS; k++)
        mean += rest[k] / (2 * POINTS);
    ck_assert_double_eq_tol(mean, log(2.4 / 1.8) / 2.17e10, 1e-12);
    free(rest);
}
END_TEST

START_TEST(a_thermal_ramp_moves_for_good)
{
    struct bench *bench =
        make_bench(SIM_TIP_DIMER, &(struct sim_disturbance){SIM_THERMAL_RAMP, 50e-12, 100, 60});
    struct bench *still = make_bench(SIM_TIP_DIMER, NULL);
    for (int i = 0; i < 3; i++) {
        static const double at_s[] = {90, 130, 1000}, moved_m[] = {0, 750e-12, 1500e-12};
        double x[2], y[2];
        sim_scanner_surface_at(bench->scanner, 0, 0, at_s[i], &x[0], &y[0]);
        sim_scanner_surface_at(still->scanner, 0, 0, at_s[i], &x[1], &y[1]);
        ck_assert_double_eq_tol(x[0] - x[1], moved_m[i], 1e-15);
        ck_assert_double_eq_tol(y[0], y[1], 1e-15);
    }
    free_bench(bench);
    free_bench(still);
}
END_TEST

/* 2 % of the way per decade of time, and so the first lines after a move bend. */
START_TEST(after_a_move_the_scanner_creeps_on)
{
    struct bench *moved = make_bench(SIM_TIP_DIMER, NULL), *still = make_bench(SIM_TIP_DIMER, NULL);
    double x[2], y[2], last = 0;
    sim_scanner_move(moved->scanner, 50e-9, 0, 100);
    for (int decade = 0; decade < 4; decade++) {
        double t_s = 100 + .1 * (pow(10, decade) - 1);
        sim_scanner_surface_at(moved->scanner, 0, 0, t_s, &x[0], &y[0]);
        sim_scanner_surface_at(still->scanner, 0, 0, t_s, &x[1], &y[1]);
        double way = x[0] - x[1];
        if (decade > 0)
            ck_assert_double_eq_tol(last - way, .02 * 50e-9, 1e-15);
        last = way;
    }
    free_bench(moved);
    free_bench(still);
}
END_TEST

START_TEST(a_gain_too_high_rings)
{
    struct bench *calm = make_bench(SIM_TIP_DIMER, NULL);
    struct bench *ringing =
        make_bench(SIM_TIP_DIMER, &(struct sim_disturbance){SIM_RINGING, 5, 0, 100});
    double swing[2] = {0};
    for (uint32_t line = 0; line < 5; line++) {
        bench_line(calm, line);
        bench_line(ringing, line);
        for (int k = 101; k < 299; k++) {
            const double *a = calm->forward + k, *b = ringing->forward + k;
            swing[0] += pow(a[0] - .5 * (a[-1] + a[1]), 2);
            swing[1] += pow(b[0] - .5 * (b[-1] + b[1]), 2);
        }
    }
    ck_assert_double_ge(sqrt(swing[1] / swing[0]), 20);
    free_bench(calm);
    free_bench(ringing);
}
END_TEST

START_TEST(below_a_volt_the_tip_touches_sooner_or_later)
{
    struct bench *bench =
        make_bench(SIM_TIP_DIMER, &(struct sim_disturbance){SIM_GAP_TOO_LOW, .3, 33, 300});
    struct sim_line rendered = {.forward = bench->forward, .backward = bench->backward};
    unsigned early = 0, late = 0;
    for (uint32_t line = 0; line < 400; line++) {
        sim_scanner_line(bench->scanner, &bench->tip, line % N, .33 * line, &rendered);
        (line < 100 ? &early : &late)[0] += rendered.crashed;
    }
    ck_assert_uint_eq(early, 0);
    ck_assert_uint_ge(late, 5); /* 21 are to be expected */
    ck_assert_uint_le(late, 45);
    free_bench(bench);
}
END_TEST

/* Same tip for every line, many places: what happens, and when. */
struct tally {
    double events, lines;
};

static struct tally count_events(double factor)
{
    struct tally tally = {0};
    struct sim_surface *surface;
    struct sim_scanner *scanner;
    struct sim_instrument instrument;
    double forward[SIM_POINTS_MIN], backward[SIM_POINTS_MIN];
    sim_instrument_default(&instrument);
    instrument.trigger_factor = factor;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct sim_scanner_options options = {.seed = seed,
                                              .points = SIM_POINTS_MIN,
                                              .lines = 100,
                                              .frame_m = 8e-9,
                                              .line_time_s = .33,
                                              .event_scale = 60,
                                              .instrument = &instrument,
                                              .truth_only = true};
        struct sim_line line = {.forward = forward, .backward = backward};
        struct sim_tip fresh;
        sim_tip_init(&fresh, 7, SIM_TIP_DIMER);
        ck_assert_int_eq(sim_surface_create(NULL, seed, &surface), 0);
        ck_assert_int_eq(sim_scanner_create(&options, surface, &scanner), 0);
        for (int place = 0; place < 60; place++) {
            for (uint32_t y = 0; y < options.lines; y++) {
                struct sim_tip tip = fresh;
                sim_scanner_line(scanner, &tip, y, 0, &line);
                tally.events += line.event.kind != SIM_TIP_NO_EVENT;
                tally.lines++;
            }
            sim_scanner_coarse_move(scanner, 11e-9, 3e-9, 0);
            sim_scanner_begin_frame(scanner);
        }
        sim_scanner_destroy(scanner);
        sim_surface_destroy(surface);
    }
    return tally;
}

START_TEST(events_gather_at_features_and_their_number_stays)
{
    struct tally even = count_events(1), gathered = count_events(8);
    ck_assert_double_ge(even.events, 800);
    ck_assert_double_eq_tol(gathered.events / even.events, 1, .15);
}
END_TEST

START_TEST(a_tip_just_past_a_bump_is_eight_times_as_likely_to_change)
{
    struct sim_feature bump = {.x_m = .5e-9, .height_m = 400e-12, .sigma_m = .3e-9};
    struct sim_track track = {.features = &bump, .n_features = 1};
    struct sim_crossing crossing;
    sim_crossing_of_line(&track, 150e-12, -2e-9, 2e-9, 8, &crossing);
    /* As long as it is higher than 150 pm, and 10 px more, each way. */
    double half_m = .3e-9 * sqrt(2 * log(400.0 / 150));
    double share = (2 * half_m + 4e-9 / 30) / 4e-9;
    ck_assert_double_eq_tol(crossing.mean, 1 + 7 * share, 7.0 / 32);
    unsigned past = 0, total = 20000;
    for (unsigned i = 0; i < total; i++) {
        double at = 2 * sim_crossing_place(&crossing, (i + .5) / total);
        double x_m = (at < 1 ? at : 2 - at) * 4e-9 - 2e-9;
        double from_m = at < 1 ? 0 : 4e-9 / 30, to_m = at < 1 ? 4e-9 / 30 : 0;
        past += x_m > .5e-9 - half_m - from_m && x_m < .5e-9 + half_m + to_m;
    }
    ck_assert_double_eq_tol((double)past / total, 8 * share / (1 + 7 * share), .06);
    /* A low one, and one beside the line, change nothing. */
    bump.height_m = 140e-12;
    sim_crossing_of_line(&track, 150e-12, -2e-9, 2e-9, 8, &crossing);
    ck_assert_double_eq_tol(crossing.mean, 1, 1e-12);
    bump.height_m = 400e-12;
    track.y_m = .5e-9;
    sim_crossing_of_line(&track, 150e-12, -2e-9, 2e-9, 8, &crossing);
    ck_assert_double_eq_tol(crossing.mean, 1, 1e-12);
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
    tcase_add_test(tcase, the_mains_run_on_across_lines);
    tcase_add_test(tcase, a_knock_fades_over_its_lines);
    tcase_add_test(tcase, more_bias_withdraws_the_tip);
    tcase_add_test(tcase, a_thermal_ramp_moves_for_good);
    tcase_add_test(tcase, after_a_move_the_scanner_creeps_on);
    tcase_add_test(tcase, a_gain_too_high_rings);
    tcase_add_test(tcase, below_a_volt_the_tip_touches_sooner_or_later);
    tcase_add_test(tcase, events_gather_at_features_and_their_number_stays);
    tcase_add_test(tcase, a_tip_just_past_a_bump_is_eight_times_as_likely_to_change);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
