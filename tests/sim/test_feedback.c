/* The z controller: lag and smoothing as set, overshoot and ringing with gain, its limits. */
#include "sim/feedback.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4000 };
#define PM 1e-12

static struct sim_feedback make(double lag, double smooth)
{
    struct sim_feedback feedback;
    struct sim_feedback_settings settings = {.lag = lag,
                                             .smooth = smooth,
                                             .sample_s = .33 / 600,
                                             .z_f0_hz = 4e3,
                                             .z_q = 10,
                                             .z_end_m = 400e-9};
    sim_feedback_init(&feedback, &settings);
    sim_feedback_settle(&feedback, 0);
    return feedback;
}

static const struct sim_feedback_sight clear_sight = {
    .gain = 1, .stiffness = 1, .error_low_m = -236 * PM, .error_high_m = 193 * PM};

static void step_of(double height_m, double *surface)
{
    for (int k = 0; k < N; k++)
        surface[k] = k < 100 ? 0 : height_m;
}

/* Behind a slope z stays by the lag; a weaker barrier makes it longer. */
START_TEST(a_slope_is_followed_with_the_lag_that_was_set)
{
    static const double cases[][2] = {{2.5, 1}, {3, 1.6}, {5, 1}, {5, 2.2}, {12, 3}};
    double surface[N], z[N], error[N];
    for (int k = 0; k < N; k++)
        surface[k] = k * 1 * PM;
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        struct sim_feedback feedback = make(cases[c][0], cases[c][1]);
        struct sim_feedback_sight weak = clear_sight;
        sim_feedback_follow(&feedback, &clear_sight, surface, N, z, error);
        ck_assert_double_eq_tol(error[N - 1] / PM, cases[c][0], .02 * cases[c][0]);
        weak.stiffness = .5;
        sim_feedback_settle(&feedback, 0);
        sim_feedback_follow(&feedback, &weak, surface, N, z, error);
        ck_assert_double_eq_tol(error[N - 1] / PM, 2 * cases[c][0], .04 * cases[c][0]);
    }
}
END_TEST

/* The answer to a step, taken apart into single samples, has the moments asked for. */
START_TEST(a_step_is_smoothed_as_far_as_was_set)
{
    static const double cases[][2] = {{2.5, 1}, {3, 1.6}, {5, 2.2}, {12, 3}};
    double surface[N], z[N];
    step_of(50 * PM, surface);
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        struct sim_feedback feedback = make(cases[c][0], cases[c][1]);
        sim_feedback_follow(&feedback, &clear_sight, surface, N, z, NULL);
        double mean = 0, square = 0;
        for (int k = 1; k < N; k++) {
            double share = (z[k] - z[k - 1]) / (50 * PM);
            mean += share * (k - 100);
            square += share * (k - 100) * (k - 100);
        }
        ck_assert_double_eq_tol(mean, cases[c][0], .1 * cases[c][0]);
        ck_assert_double_eq_tol(sqrt(square - mean * mean), cases[c][1], .25 * cases[c][1]);
    }
}
END_TEST

START_TEST(a_lag_too_short_for_its_smoothing_is_lengthened)
{
    double surface[N], z[N], error[N];
    struct sim_feedback feedback = make(1, 2);
    for (int k = 0; k < N; k++)
        surface[k] = k * 1 * PM;
    sim_feedback_follow(&feedback, &clear_sight, surface, N, z, error);
    ck_assert_double_ge(error[N - 1] / PM, 2.4);
    ck_assert_double_le(error[N - 1] / PM, 2.8);
}
END_TEST

/* How far a step of 50 pm is overshot, of its height, and what still swings long afterwards. */
static double overshoot(double gain, double *ret_swing_m)
{
    double surface[N], z[N], highest = 0, low = HUGE_VAL, high = -HUGE_VAL;
    struct sim_feedback feedback = make(3, 1.4);
    struct sim_feedback_sight sight = clear_sight;
    sight.gain = gain;
    step_of(50 * PM, surface);
    sim_feedback_follow(&feedback, &sight, surface, N, z, NULL);
    for (int k = 0; k < N; k++)
        highest = fmax(highest, z[k]);
    for (int k = N - 500; k < N; k++) {
        low = fmin(low, z[k]);
        high = fmax(high, z[k]);
    }
    *ret_swing_m = high - low;
    return highest / (50 * PM) - 1;
}

START_TEST(more_gain_overshoots_then_rings_then_never_ends)
{
    double swing_m, nominal = overshoot(1, &swing_m);
    ck_assert_double_le(nominal, .08);
    ck_assert_double_le(swing_m, .01 * PM);
    double more = overshoot(1.6, &swing_m), much = overshoot(2.6, &swing_m);
    ck_assert_double_ge(more, .10);
    ck_assert_double_ge(much, .45);
    ck_assert_double_ge(much, 2 * more);
    overshoot(4.5, &swing_m);
    ck_assert_double_ge(swing_m, 100 * PM);
    ck_assert_double_le(swing_m, 10e3 * PM); /* bounded by what the preamp shows */
}
END_TEST

/* Where the current saturates the loop cannot climb faster; where none is left, not fall faster. */
START_TEST(a_tall_step_is_climbed_at_the_preamp_s_speed)
{
    double surface[N], z[N];
    struct sim_feedback feedback = make(4, 1.5);
    struct sim_feedback_sight coarse = clear_sight;
    step_of(20e-9, surface);
    sim_feedback_follow(&feedback, &clear_sight, surface, N, z, NULL);
    double fastest = 0;
    for (int k = 1; k < N; k++)
        fastest = fmax(fastest, z[k] - z[k - 1]);
    ck_assert_double_eq_tol(z[300] - z[200], 100 * 193 * PM / 4, 2 * PM);
    ck_assert_double_le(fastest, 1.6 * 193 * PM / 4);
    ck_assert_double_eq_tol(z[N - 1], 20e-9, PM);
    step_of(-20e-9, surface);
    sim_feedback_settle(&feedback, 0);
    sim_feedback_follow(&feedback, &clear_sight, surface, N, z, NULL);
    ck_assert_double_eq_tol(z[200] - z[300], 100 * 236 * PM / 4, 2 * PM);
    /* A coarser range of the preamp sees farther. */
    coarse.error_high_m = 299 * PM;
    step_of(20e-9, surface);
    sim_feedback_settle(&feedback, 0);
    sim_feedback_follow(&feedback, &coarse, surface, N, z, NULL);
    ck_assert_double_eq_tol(z[300] - z[200], 100 * 299 * PM / 4, 2 * PM);
}
END_TEST

START_TEST(beyond_its_range_z_stands_at_the_end)
{
    double surface[N], z[N], error[N];
    struct sim_feedback feedback = make(2, 1);
    for (int k = 0; k < N; k++)
        surface[k] = -1e-6;
    sim_feedback_settle(&feedback, -399e-9);
    ck_assert(sim_feedback_follow(&feedback, &clear_sight, surface, N, z, error));
    ck_assert_double_eq(z[N - 1], -400e-9);
    ck_assert_double_eq_tol(error[N - 1], -600e-9, 1e-15);
    /* And comes back from there without having wound up. */
    for (int k = 0; k < N; k++)
        surface[k] = -395e-9;
    sim_feedback_follow(&feedback, &clear_sight, surface, N, z, NULL);
    ck_assert_double_ge(z[20], -400e-9 + 10 * 193 * PM / 2);
    ck_assert_double_eq_tol(z[N - 1], -395e-9, PM);
    sim_feedback_settle(&feedback, 0);
    ck_assert(!sim_feedback_follow(&feedback, &clear_sight, (double[]){0, PM}, 2, z, NULL));
}
END_TEST

START_TEST(it_follows_the_same_in_pieces)
{
    double surface[N], whole[N], pieces[N];
    struct sim_feedback a = make(3.7, 1.3), b = a;
    for (int k = 0; k < N; k++)
        surface[k] = 100 * PM * sin(k * .21) + (k > 900 ? 2e-9 : 0);
    sim_feedback_follow(&a, &clear_sight, surface, N, whole, NULL);
    for (uint32_t k = 0, piece = 1; k < N; k += piece, piece = piece % 37 + 1) {
        if (piece > N - k)
            piece = N - k;
        sim_feedback_follow(&b, &clear_sight, surface + k, piece, pieces + k, NULL);
    }
    for (int k = 0; k < N; k++)
        ck_assert_double_eq(whole[k], pieces[k]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/feedback");
    TCase *tcase = tcase_create("feedback");
    tcase_add_test(tcase, a_slope_is_followed_with_the_lag_that_was_set);
    tcase_add_test(tcase, a_step_is_smoothed_as_far_as_was_set);
    tcase_add_test(tcase, a_lag_too_short_for_its_smoothing_is_lengthened);
    tcase_add_test(tcase, more_gain_overshoots_then_rings_then_never_ends);
    tcase_add_test(tcase, a_tall_step_is_climbed_at_the_preamp_s_speed);
    tcase_add_test(tcase, beyond_its_range_z_stands_at_the_end);
    tcase_add_test(tcase, it_follows_the_same_in_pieces);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
