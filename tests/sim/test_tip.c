/* The tip's hidden states against the figures they were fitted to (docs/simulator.md). */
#include "sim/tip.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { N = SIM_TIP_STATE_COUNT, CYCLE = 600, TRACE = 300 };

static struct action poke(double depth_m)
{
    struct action action = action_default(ACTION_CRASH);
    action.depth_m = depth_m;
    return action;
}

/* One line; returns what happened. */
static enum sim_tip_event_kind step(struct sim_tip *tip, struct sim_random *random)
{
    struct sim_tip_event event;
    sim_tip_line(tip, 1, random, &event);
    *tip = event.after;
    return event.kind;
}

START_TEST(state_names_are_unique_and_found)
{
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(sim_tip_state_from_name(sim_tip_state_name((enum sim_tip_state)i)), i);
    ck_assert_int_eq(sim_tip_state_from_name("sharp"), -1);
}
END_TEST

START_TEST(unattended_tip_keeps_the_fitted_shares_and_stays)
{
    static const double share[N] = {.042, .036, .175, .097, .061, .371, .086, .133};
    static const double stay[N] = {.896, .847, .878, .860, .840, .928, .820, .952};
    enum { CYCLES = 30000 };
    double seen[N] = {0}, stayed[N] = {0};
    struct sim_random random;
    struct sim_tip tip;
    sim_random_seed(&random, 11, SIM_STREAM_TIP_LINE, 0);
    sim_tip_init(&tip, 11, SIM_TIP_BLUNT);
    for (int c = 0; c < CYCLES; c++) {
        enum sim_tip_state before = tip.state;
        for (int l = 0; l < CYCLE; l++)
            step(&tip, &random);
        seen[before]++;
        stayed[before] += tip.state == before;
    }
    for (int i = 0; i < N; i++) {
        ck_assert_double_eq_tol(seen[i] / CYCLES, share[i], .02);
        ck_assert_double_eq_tol(stayed[i] / seen[i], stay[i], .02);
    }
}
END_TEST

START_TEST(visible_events_come_in_bursts)
{
    enum { TRACES = 60000 };
    int now = 0, before = 0, any = 0, after_one = 0, ones = 0, after_none = 0;
    struct sim_random random;
    struct sim_tip tip;
    sim_random_seed(&random, 12, SIM_STREAM_TIP_LINE, 0);
    sim_tip_init(&tip, 12, SIM_TIP_BLUNT);
    for (int t = 0; t < TRACES; t++) {
        now = 0;
        for (int l = 0; l < TRACE; l++)
            now |= step(&tip, &random) != SIM_TIP_NO_EVENT;
        any += now;
        ones += before;
        after_one += before && now;
        after_none += !before && now;
        before = now;
    }
    ck_assert_double_eq_tol((double)any / TRACES, .160, .03);
    ck_assert_double_eq_tol((double)after_one / ones, .350, .08);
    ck_assert_double_eq_tol((double)after_none / (TRACES - ones), .123, .03);
}
END_TEST

/* What volunteers would call it; a multiple tip by its fitted odds. */
static int visible(const struct sim_tip *tip, struct sim_random *random)
{
    static const int class[N] = {0, 1, 2, 3, -1, 4, 4, 4};
    static const double multi[] = {0, .17, .18, .13, .53};
    int c = class[tip->state];
    return c >= 0 ? c : (int)sim_random_pick(random, multi, 5);
}

START_TEST(operator_who_acts_on_bad_images_gets_the_measured_shares)
{
    static const double measured[] = {.085, .082, .362, .181, .290};
    enum { CYCLES = 30000 };
    double seen[5] = {0};
    double p[N];
    struct action action = poke(.7e-9);
    struct sim_random random;
    struct sim_tip tip;
    sim_tip_redraw_weights(&action, 1, p);
    sim_random_seed(&random, 13, SIM_STREAM_TIP_LINE, 0);
    sim_tip_init(&tip, 13, SIM_TIP_BLUNT);
    for (int c = 0; c < CYCLES; c++) {
        int class = visible(&tip, &random);
        seen[class]++;
        /* As in the fit: one probability of change for all states, clinging dirt or not. */
        if (class == 4 && sim_random_uniform(&random) < .6 * .66)
            sim_tip_init(&tip, (uint64_t)c, (enum sim_tip_state)sim_random_pick(&random, p, N));
        for (int l = 0; l < CYCLE; l++)
            step(&tip, &random);
    }
    for (int i = 0; i < 5; i++)
        ck_assert_double_eq_tol(seen[i] / CYCLES, measured[i], .015);
}
END_TEST

/* One poke per trace of 300 lines, until the tip is good. */
static double mean_actions_to_good(double difficulty, uint64_t seed)
{
    enum { NIGHTS = 4000 };
    double actions = 0;
    struct action action = poke(.7e-9);
    struct sim_random random;
    sim_random_seed(&random, seed, SIM_STREAM_ACTION, 0);
    for (int night = 0; night < NIGHTS; night++) {
        struct sim_tip tip;
        sim_tip_init(&tip, seed + (uint64_t)night, SIM_TIP_BLUNT);
        while (tip.state != SIM_TIP_ATOMIC && tip.state != SIM_TIP_DIMER) {
            sim_tip_act(&tip, &action, difficulty, &random);
            actions++;
            for (int l = 0; l < TRACE; l++)
                step(&tip, &random);
        }
    }
    return actions / NIGHTS;
}

START_TEST(conditioning_takes_as_many_pokes_as_fitted)
{
    ck_assert_double_eq_tol(mean_actions_to_good(1, 100), 6.6, .6);
    ck_assert_double_eq_tol(mean_actions_to_good(2, 200), 11.5, 1.5);
}
END_TEST

/*
 * Twelve hours of looking, judging without error and poking, on the hidden states alone: the share
 * of time with an atomic or dimer tip. `decide` lines are looked at before each decision; 0: the
 * policy never acts. .33 s per line, 2 s per poke, 6 s to settle, frames of 300 lines.
 */
static double uptime(uint32_t decide, uint64_t seed)
{
    const double line_s = .33, poke_s = 8, night_s = 12 * 3600;
    uint32_t look = decide ? decide : TRACE - 1;
    struct action action = poke(.7e-9);
    struct sim_random random;
    struct sim_tip tip;
    double t_s = 0, good_s = 0;
    sim_random_seed(&random, seed, SIM_STREAM_TIP_LINE, 0);
    sim_tip_init(&tip, seed, SIM_TIP_BLUNT);
    while (t_s < night_s) {
        for (uint32_t l = 0; l < look; l++)
            step(&tip, &random);
        int good = tip.state == SIM_TIP_ATOMIC || tip.state == SIM_TIP_DIMER;
        t_s += line_s * look;
        good_s += good ? line_s * look : 0;
        if (decide && !good) {
            sim_tip_act(&tip, &action, 1, &random);
            t_s += poke_s;
            continue;
        }
        for (uint32_t l = look; l < TRACE; l++)
            step(&tip, &random);
        int still = tip.state == SIM_TIP_ATOMIC || tip.state == SIM_TIP_DIMER;
        t_s += line_s * (TRACE - look);
        good_s += line_s * (TRACE - look) * (good + still) / 2;
    }
    return good_s / t_s;
}

START_TEST(deciding_early_pays_as_computed)
{
    static const struct {
        uint32_t decide;
        double uptime;
    } rows[] = {{0, .22}, {299, .73}, {40, .91}, {20, .93}};
    enum { NIGHTS = 60 };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double sum = 0;
        for (uint64_t night = 0; night < NIGHTS; night++)
            sum += uptime(rows[i].decide, 1000 + night);
        ck_assert_double_eq_tol(sum / NIGHTS, rows[i].uptime, .03);
    }
}
END_TEST

START_TEST(probabilities_of_change_follow_depth_and_voltage)
{
    struct sim_tip tip;
    sim_tip_init(&tip, 1, SIM_TIP_BLUNT);
    static const double depth[][2] = {{.3e-9, .12}, {.5e-9, .34}, {.7e-9, .66}, {1.0e-9, .94}};
    for (size_t i = 0; i < 4; i++) {
        struct action action = poke(depth[i][0]);
        ck_assert_double_eq_tol(sim_tip_p_change(&tip, &action), depth[i][1], .01);
    }
    static const double voltage[][2] = {{2.3, .18}, {-4, .65}, {6, .96}};
    for (size_t i = 0; i < 3; i++) {
        struct action action = action_default(ACTION_PULSE);
        action.voltage_v = voltage[i][0];
        ck_assert_double_eq_tol(sim_tip_p_change(&tip, &action), voltage[i][1], .01);
    }
    struct action none = action_default(ACTION_REIMAGE);
    ck_assert_double_eq(sim_tip_p_change(&tip, &none), 0);
}
END_TEST

START_TEST(dirt_clings_to_a_mild_poke_only)
{
    struct sim_tip blunt, fouled;
    struct action mild = poke(.7e-9), deep = poke(2e-9);
    sim_tip_init(&blunt, 1, SIM_TIP_BLUNT);
    sim_tip_init(&fouled, 1, SIM_TIP_FOULED);
    ck_assert_double_eq_tol(sim_tip_p_change(&fouled, &mild), .4 * sim_tip_p_change(&blunt, &mild),
                            1e-12);
    ck_assert_double_eq(sim_tip_p_change(&fouled, &deep), sim_tip_p_change(&blunt, &deep));
}
END_TEST

START_TEST(redraw_weights_add_up_and_thin_with_difficulty)
{
    double easy[N], hard[N];
    struct action action = poke(.7e-9);
    sim_tip_redraw_weights(&action, 1, easy);
    sim_tip_redraw_weights(&action, 10, hard);
    double sum_easy = 0, sum_hard = 0;
    for (int i = 0; i < N; i++) {
        sum_easy += easy[i];
        sum_hard += hard[i];
    }
    ck_assert_double_eq_tol(sum_easy, 1, 1e-3);
    ck_assert_double_eq_tol(sum_hard, 1, 1e-9);
    ck_assert_double_eq_tol(hard[SIM_TIP_DIMER], easy[SIM_TIP_DIMER] / 10, 1e-12);
    ck_assert(hard[SIM_TIP_BLUNT] > easy[SIM_TIP_BLUNT]);
}
END_TEST

START_TEST(an_apex_is_a_function_of_seed_serial_and_state)
{
    struct sim_tip a, b, c;
    sim_tip_init(&a, 7, SIM_TIP_MULTI);
    sim_tip_init(&b, 7, SIM_TIP_MULTI);
    sim_tip_init(&c, 8, SIM_TIP_MULTI);
    ck_assert_uint_ge(a.n_apices, 2);
    ck_assert_mem_eq(a.apices, b.apices, sizeof(a.apices));
    ck_assert(a.apices[0].sigma_m != c.apices[0].sigma_m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/tip");
    TCase *tcase = tcase_create("tip");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, state_names_are_unique_and_found);
    tcase_add_test(tcase, unattended_tip_keeps_the_fitted_shares_and_stays);
    tcase_add_test(tcase, visible_events_come_in_bursts);
    tcase_add_test(tcase, operator_who_acts_on_bad_images_gets_the_measured_shares);
    tcase_add_test(tcase, conditioning_takes_as_many_pokes_as_fitted);
    tcase_add_test(tcase, deciding_early_pays_as_computed);
    tcase_add_test(tcase, probabilities_of_change_follow_depth_and_voltage);
    tcase_add_test(tcase, dirt_clings_to_a_mild_poke_only);
    tcase_add_test(tcase, redraw_weights_add_up_and_thin_with_difficulty);
    tcase_add_test(tcase, an_apex_is_a_function_of_seed_serial_and_state);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
