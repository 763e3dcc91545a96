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

/*
 * Left alone, more of them than in labelled images (.16, .35 and .12), where an operator pokes
 * restless tips away: computed from the same rates.
 */
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
    ck_assert_double_eq_tol((double)any / TRACES, .190, .03);
    ck_assert_double_eq_tol((double)after_one / ones, .460, .06);
    ck_assert_double_eq_tol((double)after_none / (TRACES - ones), .126, .03);
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
    sim_tip_model_redraw(sim_tip_model_fitted(), sim_tip_severity(sim_tip_model_fitted(), &action),
                         p);
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

/* One action after so many lines each, until the tip is good. */
static double mean_actions(const struct sim_tip_model *model, const struct action *action,
                           int lines, uint64_t seed)
{
    enum { NIGHTS = 4000 };
    double actions = 0;
    struct sim_random random;
    sim_random_seed(&random, seed, SIM_STREAM_ACTION, 0);
    for (int night = 0; night < NIGHTS; night++) {
        struct sim_tip tip;
        sim_tip_init_as(&tip, model, seed + (uint64_t)night, SIM_TIP_BLUNT);
        while (tip.state != SIM_TIP_ATOMIC && tip.state != SIM_TIP_DIMER) {
            sim_tip_act(&tip, action, &random);
            actions++;
            for (int l = 0; l < lines; l++)
                step(&tip, &random);
        }
    }
    return actions / NIGHTS;
}

static double mean_actions_to_good(double difficulty, uint64_t seed)
{
    struct action action = poke(.7e-9);
    struct sim_tip_model model;
    sim_tip_model_default(&model);
    model.difficulty = difficulty;
    return mean_actions(&model, &action, TRACE, seed);
}

START_TEST(conditioning_takes_as_many_pokes_as_fitted)
{
    ck_assert_double_eq_tol(mean_actions_to_good(1, 100), 6.6, .6);
    ck_assert_double_eq_tol(mean_actions_to_good(2, 200), 11.5, 1.5);
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
    struct sim_tip_model model;
    sim_tip_model_default(&model);
    sim_tip_model_redraw(&model, SIM_TIP_MILD, easy);
    model.difficulty = 10;
    sim_tip_model_redraw(&model, SIM_TIP_MILD, hard);
    double sum_easy = 0, sum_hard = 0;
    for (int i = 0; i < N; i++) {
        sum_easy += easy[i];
        sum_hard += hard[i];
    }
    ck_assert_double_eq_tol(sum_easy, 1, 1e-9);
    ck_assert_double_eq_tol(sum_hard, 1, 1e-9);
    ck_assert_double_eq_tol(hard[SIM_TIP_DIMER], easy[SIM_TIP_DIMER] / 10, 1e-12);
    ck_assert(hard[SIM_TIP_BLUNT] > easy[SIM_TIP_BLUNT]);
}
END_TEST

START_TEST(severity_has_its_bounds)
{
    static const struct {
        double depth_m;
        enum sim_tip_severity severity;
    } rows[] = {{1.2e-9, SIM_TIP_MILD}, {1.3e-9, SIM_TIP_HARD}, {3.1e-9, SIM_TIP_BRUTAL}};
    for (size_t i = 0; i < 3; i++) {
        struct action action = poke(rows[i].depth_m);
        ck_assert_int_eq(sim_tip_severity(sim_tip_model_fitted(), &action), rows[i].severity);
    }
    struct action pulse = action_default(ACTION_PULSE);
    pulse.voltage_v = -8.5;
    ck_assert_int_eq(sim_tip_severity(sim_tip_model_fitted(), &pulse), SIM_TIP_BRUTAL);
}
END_TEST

/* The closed form that no policy can beat: whatever is done, in the mean 1 over p actions. */
START_TEST(constant_family_takes_one_over_p_whatever_is_done)
{
    static const double p[] = {.151, 1.0 / 12};
    struct sim_tip_model model;
    sim_tip_model_default(&model);
    model.family = SIM_TIP_CONSTANT;
    for (size_t i = 0; i < 2; i++) {
        struct action gentle = poke(.2e-9), pulse = action_default(ACTION_PULSE);
        pulse.voltage_v = -6;
        model.p_success = p[i];
        ck_assert_double_eq_tol(mean_actions(&model, &gentle, 0, 300 + i), 1 / p[i], .06 / p[i]);
        ck_assert_double_eq_tol(mean_actions(&model, &pulse, 0, 400 + i), 1 / p[i], .06 / p[i]);
    }
}
END_TEST

START_TEST(constant_family_changes_by_actions_only)
{
    struct sim_tip_model model;
    struct sim_random random;
    struct sim_tip tip;
    struct action reimage = action_default(ACTION_REIMAGE);
    sim_tip_model_default(&model);
    model.family = SIM_TIP_CONSTANT;
    sim_random_seed(&random, 5, SIM_STREAM_TIP_LINE, 0);
    sim_tip_init_as(&tip, &model, 5, SIM_TIP_BLUNT);
    for (int l = 0; l < 100 * CYCLE; l++)
        step(&tip, &random);
    ck_assert_int_eq(tip.state, SIM_TIP_BLUNT);
    ck_assert(!sim_tip_act(&tip, &reimage, &random));
}
END_TEST

START_TEST(invented_family_rewards_the_right_action)
{
    static const struct {
        enum sim_tip_state state;
        double depth_m, voltage_v; /* the right one: a crash or a pulse */
    } rows[] = {{SIM_TIP_FOULED, 0, 4},
                {SIM_TIP_BLUNT, 1e-9, 0},
                {SIM_TIP_MULTI, .3e-9, 0},
                {SIM_TIP_UNSTABLE, 0, -2.3}};
    enum { TRIALS = 4000 };
    struct sim_tip_model model;
    struct sim_random random;
    sim_tip_model_default(&model);
    model.family = SIM_TIP_STATE_DEPENDENT;
    sim_random_seed(&random, 9, SIM_STREAM_ACTION, 0);
    for (size_t right = 0; right < 4; right++) {
        struct action action = poke(rows[right].depth_m);
        if (rows[right].voltage_v != 0) {
            action = action_default(ACTION_PULSE);
            action.voltage_v = rows[right].voltage_v;
        }
        for (size_t i = 0; i < 4; i++) {
            int good = 0;
            for (int t = 0; t < TRIALS; t++) {
                struct sim_tip tip;
                sim_tip_init_as(&tip, &model, (uint64_t)t, rows[i].state);
                tip.last_sign = 1;
                sim_tip_act(&tip, &action, &random);
                good += tip.state <= SIM_TIP_DIMER;
            }
            /* A strong pulse may fit two states. */
            bool fits = sim_tip_action_fits(rows[i].state, &action, 1);
            ck_assert(i != right || fits);
            ck_assert_double_eq_tol((double)good / TRIALS, fits ? model.right : model.luck, .03);
        }
    }
    struct action same_sign = action_default(ACTION_PULSE);
    same_sign.voltage_v = 2.3;
    ck_assert(!sim_tip_action_fits(SIM_TIP_UNSTABLE, &same_sign, 1));
}
END_TEST

START_TEST(invented_family_spares_no_good_tip)
{
    struct sim_tip_model model;
    struct sim_random random;
    struct sim_tip tip;
    struct action action = poke(1.2e-9);
    sim_tip_model_default(&model);
    model.family = SIM_TIP_STATE_DEPENDENT;
    sim_random_seed(&random, 3, SIM_STREAM_ACTION, 0);
    sim_tip_init_as(&tip, &model, 3, SIM_TIP_DIMER);
    while (!sim_tip_act(&tip, &action, &random))
        continue;
    ck_assert_int_gt(tip.state, SIM_TIP_ROWS);
}
END_TEST

/* Correlation of the latent sharpness before and after one pulse, and the shares of its states. */
static double pulse_correlation(double voltage_v, double ret_share[N])
{
    enum { TRIALS = 40000 };
    struct sim_tip_model model;
    struct sim_random random;
    struct sim_tip tip;
    struct action pulse = action_default(ACTION_PULSE);
    double xy = 0, xx = 0;
    int n = 0;
    sim_tip_model_default(&model);
    model.memory = SIM_TIP_AR1;
    pulse.voltage_v = voltage_v;
    sim_random_seed(&random, 21, SIM_STREAM_ACTION, 0);
    sim_tip_init_as(&tip, &model, 21, SIM_TIP_BLUNT);
    for (int i = 0; i < N; i++)
        ret_share[i] = 0;
    while (n < TRIALS) {
        double before = tip.sharpness;
        if (!sim_tip_act(&tip, &pulse, &random))
            continue;
        xy += before * tip.sharpness;
        xx += before * before;
        ret_share[tip.state] += 1.0 / TRIALS;
        n++;
    }
    return xy / xx;
}

START_TEST(memory_correlates_by_voltage_and_keeps_the_shares)
{
    double share[N], table[N];
    sim_tip_model_redraw(sim_tip_model_fitted(), SIM_TIP_MILD, table);
    ck_assert_double_eq_tol(pulse_correlation(4, share), .82, .02);
    for (int i = 0; i < N; i++)
        ck_assert_double_eq_tol(share[i], table[i], .03);
    ck_assert_double_eq_tol(pulse_correlation(2, share), sqrt(.82), .02);
}
END_TEST

START_TEST(memory_makes_good_tips_take_longer)
{
    struct sim_tip_model model;
    struct action pulse = action_default(ACTION_PULSE);
    pulse.voltage_v = 4;
    sim_tip_model_default(&model);
    double independent = mean_actions(&model, &pulse, 0, 500);
    model.memory = SIM_TIP_AR1;
    ck_assert_double_gt(mean_actions(&model, &pulse, 0, 500), 1.2 * independent);
}
END_TEST

START_TEST(model_refuses_what_cannot_be_drawn_from)
{
    struct sim_tip_model good, bad;
    sim_tip_model_default(&good);
    ck_assert(sim_tip_model_ok(&good));
    bad = good, bad.difficulty = .5;
    ck_assert(!sim_tip_model_ok(&bad));
    bad = good, bad.redraw[SIM_TIP_MILD][SIM_TIP_BLUNT] = -1;
    ck_assert(!sim_tip_model_ok(&bad));
    bad = good, bad.p_success = (double)NAN;
    ck_assert(!sim_tip_model_ok(&bad));
    bad = good;
    for (int i = 0; i < N; i++)
        bad.start[i] = 0;
    ck_assert(!sim_tip_model_ok(&bad));
    bad = good, bad.luck = .6, bad.harm = .6;
    ck_assert(!sim_tip_model_ok(&bad));
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
    tcase_add_test(tcase, probabilities_of_change_follow_depth_and_voltage);
    tcase_add_test(tcase, dirt_clings_to_a_mild_poke_only);
    tcase_add_test(tcase, redraw_weights_add_up_and_thin_with_difficulty);
    tcase_add_test(tcase, severity_has_its_bounds);
    tcase_add_test(tcase, constant_family_takes_one_over_p_whatever_is_done);
    tcase_add_test(tcase, constant_family_changes_by_actions_only);
    tcase_add_test(tcase, invented_family_rewards_the_right_action);
    tcase_add_test(tcase, invented_family_spares_no_good_tip);
    tcase_add_test(tcase, memory_correlates_by_voltage_and_keeps_the_shares);
    tcase_add_test(tcase, memory_makes_good_tips_take_longer);
    tcase_add_test(tcase, model_refuses_what_cannot_be_drawn_from);
    tcase_add_test(tcase, an_apex_is_a_function_of_seed_serial_and_state);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
