/* Decisions: rules in order, confirmation, hysteresis, ramps, budgets, and what never may act. */
#include "agent/decide.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_LINES = 64, WINDOW_MAX = 512 };

static struct policy policy;
static struct verdict window[WINDOW_MAX];
static struct situation situation;
static struct decision decision;

static struct policy_condition at_least(int label, double threshold)
{
    return (struct policy_condition){.label = label, .threshold = threshold};
}

static struct policy_condition under(int label, double threshold)
{
    return (struct policy_condition){.label = label, .below = true, .threshold = threshold};
}

static struct policy_rule *add_rule(const char *name, struct policy_condition when,
                                    enum policy_response response)
{
    struct policy_rule *rule = &policy.rules[policy.n_rules++];
    *rule = (struct policy_rule){.when = {when},
                                 .n_when = 1,
                                 .confirm_n = 2,
                                 .response = response,
                                 .ramp = {.parameter = -1}};
    strcpy(rule->name, name);
    rule->line = 10 * (int)policy.n_rules;
    return rule;
}

static struct policy_rule *add_crash(const char *name, struct policy_condition when)
{
    struct policy_rule *rule = add_rule(name, when, POLICY_DO);
    rule->action = action_default(ACTION_CRASH);
    return rule;
}

static void setup(void)
{
    memset(&policy, 0, sizeof(policy));
    policy.min_lines = 24;
    policy.stride = 8;
    policy.accept[NN_LABEL_INDIVIDUAL_ATOMS] = policy.accept[NN_LABEL_DIMERS] = true;
    policy.guards.lines_present = 0.95;
    policy.guards.no_progress_sites = 3;
    policy.budget = (struct policy_budget){.actions_per_site = 4,
                                           .actions_per_episode = 50,
                                           .actions_per_hour = 60,
                                           .actions_per_night = 300,
                                           .pulses_per_episode = 20,
                                           .pulses_per_hour = 20,
                                           .pulses_per_night = 60,
                                           .crashes_per_episode = 30,
                                           .necks_per_night = 0,
                                           .coarse_moves_per_night = 6,
                                           .crash_detections_per_night = 2,
                                           .night_s = 12 * 3600};
    memset(&situation, 0, sizeof(situation));
    situation.verdicts = window;
}

/* The next line of the frame that the window ends in, or the first of a new one. */
static struct verdict *see_line(float bad, float dimers)
{
    const struct verdict *last = situation.n_verdicts ? &window[situation.n_verdicts - 1] : NULL;
    struct verdict *verdict = &window[situation.n_verdicts++];
    bool fresh = !last || last->lines_due == FRAME_LINES;
    ck_assert_uint_le(situation.n_verdicts, WINDOW_MAX);
    *verdict = (struct verdict){.seq = last ? last->seq + 1 : 1,
                                .scan = last ? last->scan + fresh : 1,
                                .run = 19,
                                .trace = SCAN_FORWARD_UP,
                                .lines_total = FRAME_LINES};
    verdict->cycle = (uint32_t)verdict->scan;
    verdict->lines_seen = verdict->lines_due = fresh ? 1 : last->lines_due + 1;
    verdict->line = verdict->lines_seen - 1;
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        verdict->p[i] = 0.1f;
        verdict->p_other[i] = NAN;
    }
    verdict->p[NN_LABEL_BAD_BLURRY] = bad;
    verdict->p[NN_LABEL_DIMERS] = dimers;
    return verdict;
}

static void see_lines(int n, float bad, float dimers)
{
    for (int i = 0; i < n; i++)
        see_line(bad, dimers);
}

static enum decision_kind ask(void)
{
    decide(&policy, &situation, &decision);
    ck_assert_ptr_nonnull(memchr(decision.why, '\0', sizeof(decision.why)));
    ck_assert_msg(decision.why[0] != '\0', "a decision without a reason");
    return decision.kind;
}

START_TEST(test_judged_verdicts)
{
    struct verdict v = *see_line(0.5f, 0.5f);
    static const struct {
        uint32_t seen, due;
        bool judged;
    } cases[] = {{0, 0, false},   {23, 23, false}, {24, 24, true},  {25, 25, false},
                 {32, 32, true},  {56, 56, true},  {63, 63, false}, {64, 64, true},
                 {40, 42, true},  {40, 43, false}, {64, 66, false}, {33, 32, false},
                 {62, 64, false}, {61, 64, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        v.lines_seen = cases[i].seen;
        v.lines_due = cases[i].due;
        ck_assert_msg(decide_is_judged(&policy, &v) == cases[i].judged, "%u of %u", v.lines_seen,
                      v.lines_due);
    }
    v.lines_seen = v.lines_due = 24;
    v.trace = SCAN_BACKWARD_UP;
    ck_assert(!decide_is_judged(&policy, &v));
    v.trace = SCAN_FORWARD_DOWN;
    ck_assert(decide_is_judged(&policy, &v));
    v.p[NN_LABEL_ROWS] = NAN;
    ck_assert(!decide_is_judged(&policy, &v));
    v.p[NN_LABEL_ROWS] = 1.01f;
    ck_assert(!decide_is_judged(&policy, &v));
}
END_TEST

START_TEST(test_chance_that_the_tip_is_good)
{
    add_rule("good", at_least(POLICY_TIP_GOOD, 0.95), POLICY_GOOD)->confirm_n = 1;
    add_crash("bad", under(POLICY_TIP_GOOD, 0.02))->confirm_n = 1;
    /* Scores alone say nothing about it: no chance has been worked out. */
    see_lines(24, 0.99f, 0.01f);
    ck_assert_int_eq(ask(), DECISION_NONE);
    struct verdict *newest = &window[situation.n_verdicts - 1];
    newest->tip_good = 0.0194f;
    newest->tip_good_lines = 324;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 1);
    ck_assert_str_eq(decision.why, "tip good with chance 0.019 < 0.020 after 324 lines on 1 "
                                   "verdict, firing 1");
    newest->tip_good = 0.02f;
    ck_assert_int_eq(ask(), DECISION_NONE);
    newest->tip_good = 0.95f;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.response, POLICY_GOOD);
}
END_TEST

START_TEST(test_confirmed_on_verdicts)
{
    add_crash("bad", at_least(NN_LABEL_BAD_BLURRY, 0.7));
    see_lines(24, 0.7f, 0.1f); /* 0.7f is a little less than 0.7, and must count as 0.70 */
    ck_assert_int_eq(ask(), DECISION_NONE);
    for (int i = 0; i < 7; i++) {
        see_line(0.7f, 0.1f);
        ck_assert_int_eq(ask(), DECISION_NONE);
    }
    see_line(0.7f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 0);
    ck_assert_int_eq(decision.response, POLICY_DO);
    ck_assert_int_eq(decision.action.kind, ACTION_CRASH);
    ck_assert_str_eq(decision.why, "bad_blurry 0.700 >= 0.70 on 2 verdicts in a row, firing 1");
}
END_TEST

START_TEST(test_one_contrary_verdict_breaks_the_row)
{
    add_crash("bad", at_least(NN_LABEL_BAD_BLURRY, 0.8));
    see_lines(24, 0.9f, 0.1f);
    see_lines(8, 0.2f, 0.1f);
    see_lines(8, 0.9f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_NONE);
    see_lines(8, 0.9f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_RULE);
}
END_TEST

START_TEST(test_confirmed_on_frames)
{
    struct policy_rule *good = add_rule("good", at_least(POLICY_WANTED, 0.7), POLICY_GOOD);
    good->confirm = POLICY_FRAMES;
    good->confirm_n = 3;
    see_lines(3 * FRAME_LINES - 1, 0.1f, 0.9f);
    ck_assert_int_eq(ask(), DECISION_NONE);
    see_line(0.1f, 0.9f);
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.response, POLICY_GOOD);
    /* Inside the next frame it does not answer, so that the rules after it can. */
    see_lines(32, 0.1f, 0.9f);
    ck_assert_int_eq(ask(), DECISION_NONE);
    see_lines(32, 0.1f, 0.9f);
    ck_assert_int_eq(ask(), DECISION_RULE);
}
END_TEST

START_TEST(test_broken_frame_breaks_the_row)
{
    struct policy_rule *good = add_rule("good", at_least(POLICY_WANTED, 0.7), POLICY_GOOD);
    good->confirm = POLICY_FRAMES;
    good->confirm_n = 2;
    see_lines(FRAME_LINES, 0.1f, 0.9f);
    see_lines(FRAME_LINES, 0.1f, 0.9f);
    ck_assert_int_eq(ask(), DECISION_RULE);
    /* One line of the second frame never came. */
    for (int i = FRAME_LINES; i < 2 * FRAME_LINES; i++)
        window[i].lines_seen = window[i].lines_due - 1;
    ck_assert_int_eq(ask(), DECISION_NONE);
    see_lines(FRAME_LINES, 0.1f, 0.9f);
    ck_assert_int_eq(ask(), DECISION_NONE);
    see_lines(FRAME_LINES, 0.1f, 0.9f);
    ck_assert_int_eq(ask(), DECISION_RULE);
}
END_TEST

START_TEST(test_order_modes_and_advice)
{
    add_crash("off", at_least(NN_LABEL_BAD_BLURRY, 0.1))->mode = POLICY_OFF;
    add_crash("advise", at_least(NN_LABEL_BAD_BLURRY, 0.2))->mode = POLICY_ADVISE;
    add_crash("advise too", at_least(NN_LABEL_BAD_BLURRY, 0.2))->mode = POLICY_ADVISE;
    struct policy_rule *first = add_rule("first", at_least(NN_LABEL_BAD_BLURRY, 0.5), POLICY_WAIT);
    add_crash("second", at_least(NN_LABEL_BAD_BLURRY, 0.5));
    see_lines(32, 0.6f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 3);
    first->mode = POLICY_OFF;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 4);
    policy.rules[4].mode = POLICY_OFF;
    ck_assert_int_eq(ask(), DECISION_ADVISE);
    ck_assert_int_eq(decision.rule, 1);
    ck_assert_int_eq(decision.action.kind, ACTION_CRASH);
    ck_assert_uint_eq(decision.engaged, 0);
}
END_TEST

START_TEST(test_hysteresis)
{
    struct policy_rule *rule = add_crash("bad", at_least(NN_LABEL_BAD_BLURRY, 0.8));
    rule->until[0] = under(NN_LABEL_BAD_BLURRY, 0.3);
    rule->n_until = 1;
    see_lines(32, 0.5f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_NONE);
    situation.n_verdicts = 0;
    see_lines(32, 0.9f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_uint_eq(decision.engaged, 1);
    situation.engaged = decision.engaged;
    /* Below `when`, above `until`: goes on. */
    situation.n_verdicts = 0;
    see_lines(32, 0.5f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_str_eq(decision.why,
                     "goes on until bad_blurry 0.500 < 0.30 on 2 verdicts in a row, firing 1");
    /* One verdict under it neither fires nor lets go; the second lets go. */
    see_lines(8, 0.1f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_NONE);
    ck_assert_uint_eq(decision.engaged, 1);
    see_lines(8, 0.1f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_NONE);
    ck_assert_uint_eq(decision.engaged, 0);
}
END_TEST

START_TEST(test_good_ends_what_was_engaged)
{
    struct policy_rule *bad = add_crash("bad", at_least(NN_LABEL_BAD_BLURRY, 0.8));
    bad->until[0] = under(NN_LABEL_TIP_CHANGE, 0.05);
    bad->n_until = 1;
    bad->mode = POLICY_OFF;
    struct policy_rule *good = add_rule("good", at_least(POLICY_WANTED, 0.7), POLICY_GOOD);
    good->until[0] = under(POLICY_WANTED, 0.5);
    good->n_until = 1;
    situation.engaged = 1;
    see_lines(32, 0.1f, 0.9f);
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 1);
    ck_assert_uint_eq(decision.engaged, 2);
}
END_TEST

START_TEST(test_ramp_by_firings_of_the_episode)
{
    struct policy_rule *rule = add_crash("ladder", at_least(NN_LABEL_BAD_BLURRY, 0.8));
    add_rule("elsewhere", at_least(NN_LABEL_BAD_BLURRY, 0.8), POLICY_NEW_AREA);
    rule->ramp =
        (struct policy_ramp){action_parameter_find(ACTION_CRASH, "depth"), 0.3e-9, 0.5e-9, 0.1e-9};
    see_lines(32, 0.9f, 0.1f);
    for (uint32_t k = 0; k < 3; k++) {
        situation.use.fired_episode[0] = k;
        ck_assert_int_eq(ask(), DECISION_RULE);
        ck_assert_int_eq(decision.rule, 0);
        ck_assert_double_eq_tol(decision.action.depth_m, 0.3e-9 + 0.1e-9 * k, 1e-15);
    }
    situation.use.fired_episode[0] = 3;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 1);
    ck_assert_int_eq(decision.response, POLICY_NEW_AREA);
    /* Nobody else answers: the reason is told. */
    policy.n_rules = 1;
    ck_assert_int_eq(ask(), DECISION_NONE);
    ck_assert_str_eq(decision.why, "rule ladder matches but its ramp ended after 3 firings");
}
END_TEST

/* Two rules that match a bad tip, and a third that does not. */
static void add_ladder(void)
{
    struct policy_rule *crash = add_crash("gently", at_least(NN_LABEL_BAD_BLURRY, 0.5));
    crash->confirm_n = 1;
    crash->action.depth_m = 0.3e-9;
    crash->ramp = (struct policy_ramp){0, 0.3e-9, 0.7e-9, 0.05e-9};
    struct policy_rule *pulse = add_rule("pulse", at_least(NN_LABEL_BAD_BLURRY, 0.5), POLICY_DO);
    pulse->confirm_n = 1;
    pulse->action = action_default(ACTION_PULSE);
    pulse->ramp = (struct policy_ramp){0, 2.3, 2.9, 0.3};
    add_crash("other", at_least(NN_LABEL_ROWS, 0.5))->confirm_n = 1;
    action_limits_ceiling(ACTION_PROFILE_SILICON, &policy.limits);
}

START_TEST(test_learning_chooses_among_what_is_allowed)
{
    static struct learned learned;
    memset(&learned, 0, sizeof(learned));
    add_ladder();
    policy.strategy = POLICY_LEARN;
    see_lines(24, 0.9f, 0.1f);
    /* Nothing known at all, or nothing tried: the ladder. */
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_double_eq(decision.action.depth_m, 0.3e-9);
    situation.learned = &learned;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 0);
    ck_assert_double_eq(decision.action.depth_m, 0.3e-9);
    struct learn_trial trial = {
        .kind = ACTION_PULSE, .size = 2.6, .seen = LEARN_BAD, .tried = 60, .worked = 45};
    learn_note(&learned, &trial);
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 1);
    ck_assert(decision.action.voltage_v >= 2.3 && decision.action.voltage_v <= 2.9);
    ck_assert_ptr_eq(strstr(decision.why, "pulse "), decision.why);
    ck_assert_ptr_nonnull(strstr(decision.why, " on a bad tip here, ladder's next "));
    /* What is used up, or beyond its budget, is no option. */
    situation.use.fired_episode[1] = 3;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 0);
    situation.use.fired_episode[1] = 0;
    situation.use.pulses_episode = policy.budget.pulses_per_episode;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 0);
    /* A site that has had its actions is left, whatever has worked. */
    situation.use.actions_site = policy.budget.actions_per_site;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.response, POLICY_NEW_AREA);
}
END_TEST

START_TEST(test_random_choice_is_even_and_repeatable)
{
    int n[3] = {0, 0, 0};
    add_ladder();
    policy.strategy = POLICY_RANDOM;
    see_lines(24, 0.9f, 0.1f);
    for (uint64_t night = 1; night <= 1000; night++) {
        situation.night = night;
        ck_assert_int_eq(ask(), DECISION_RULE);
        int rule = decision.rule;
        n[rule]++;
        /* The next step of its ramp. */
        ck_assert_double_eq(rule == 0 ? decision.action.depth_m : decision.action.voltage_v,
                            rule == 0 ? 0.3e-9 : 2.3);
        ask();
        ck_assert_int_eq(decision.rule, rule);
    }
    ck_assert_int_eq(n[2], 0);
    ck_assert_int_gt(n[0], 430);
    ck_assert_int_gt(n[1], 430);
}
END_TEST

START_TEST(test_counts_of_a_rule)
{
    struct policy_rule *rule = add_crash("few", at_least(NN_LABEL_BAD_BLURRY, 0.8));
    rule->at_most_per_site = 2;
    rule->at_most_per_episode = 5;
    see_lines(32, 0.9f, 0.1f);
    situation.use.fired_site[0] = 1;
    situation.use.fired_episode[0] = 4;
    ck_assert_int_eq(ask(), DECISION_RULE);
    situation.use.fired_site[0] = 2;
    ck_assert_int_eq(ask(), DECISION_NONE);
    situation.use.fired_site[0] = 0;
    situation.use.fired_episode[0] = 5;
    ck_assert_int_eq(ask(), DECISION_NONE);
    ck_assert_str_eq(decision.why, "rule few matches but has fired 5 of 5 times in this episode");
}
END_TEST

START_TEST(test_site_spent_means_new_area)
{
    add_crash("bad", at_least(NN_LABEL_BAD_BLURRY, 0.8))->n_until = 0;
    see_lines(32, 0.9f, 0.1f);
    situation.use.actions_site = 4;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.response, POLICY_NEW_AREA);
    ck_assert_int_eq(decision.rule, 0);
    ck_assert_uint_eq(decision.engaged, 0);
    ck_assert_str_eq(decision.why,
                     "actions_per_site is spent: 4 of 4, so rule bad moves on to a new area");
    /* What ends the night weighs more than the site. */
    situation.sites_without_gain = 3;
    ck_assert_int_eq(ask(), DECISION_END);
    ck_assert_str_eq(decision.why, "no progress: 3 sites without a better verdict");
}
END_TEST

START_TEST(test_an_unproven_site_has_fewer_actions)
{
    add_crash("bad", at_least(NN_LABEL_BAD_BLURRY, 0.8))->n_until = 0;
    add_rule("good", at_least(NN_LABEL_DIMERS, 0.7), POLICY_GOOD);
    policy.budget.actions_per_unproven_site = 2;
    see_lines(32, 0.9f, 0.1f);
    situation.use.actions_site = 1;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.response, POLICY_DO);
    situation.use.actions_site = 2;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.response, POLICY_NEW_AREA);
    ck_assert_str_eq(
        decision.why,
        "actions_per_unproven_site is spent: 2 of 2, so rule bad moves on to a new area");
    /* A good tip was seen here. */
    situation.use.fired_site[1] = 1;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.response, POLICY_DO);
}
END_TEST

START_TEST(test_budgets_end_wait_or_pass_on)
{
    struct policy_rule *pulse = add_rule("pulse", at_least(NN_LABEL_BAD_BLURRY, 0.8), POLICY_DO);
    pulse->action = action_default(ACTION_PULSE);
    add_crash("crash", at_least(NN_LABEL_BAD_BLURRY, 0.8));
    see_lines(32, 0.9f, 0.1f);
    const struct budget_use none = {0};

    situation.use.pulses_night = 60;
    ck_assert_int_eq(ask(), DECISION_RULE);
    ck_assert_int_eq(decision.rule, 1);
    situation.use.crashes_episode = 30;
    ck_assert_int_eq(ask(), DECISION_END);
    ck_assert_str_eq(decision.why, "pulses_per_night is spent: 60 of 60");

    situation.use = none;
    situation.use.pulses_hour = 20;
    ck_assert_int_eq(ask(), DECISION_NONE);
    ck_assert_int_eq(decision.rule, -1);
    ck_assert_str_eq(decision.why, "pulses_per_hour is spent: 20 of 20, so rule pulse waits");

    /* Three pulses in one action need room for three. */
    situation.use = none;
    situation.use.pulses_hour = 18;
    ck_assert_int_eq(ask(), DECISION_RULE);
    policy.rules[0].action.count = 3;
    ck_assert_int_eq(ask(), DECISION_NONE);

    situation.use = none;
    situation.use.actions_episode = 50;
    ck_assert_int_eq(ask(), DECISION_END);
    situation.use = none;
    situation.use.actions_night = 300;
    ck_assert_int_eq(ask(), DECISION_END);
    /* A spent night still watches a tip for which no rule asks anything. */
    situation.n_verdicts = 0;
    see_lines(32, 0.1f, 0.9f);
    ck_assert_int_eq(ask(), DECISION_NONE);
}
END_TEST

START_TEST(test_time_ends_the_night)
{
    situation.t_night_ns = INT64_C(12) * 3600 * 1000000000 - 1;
    ck_assert_int_eq(ask(), DECISION_NONE);
    situation.t_night_ns++;
    ck_assert_int_eq(ask(), DECISION_END);
    ck_assert_str_eq(decision.why, "the night's 43200 s are over");
}
END_TEST

START_TEST(test_directions_must_agree)
{
    add_crash("bad", at_least(NN_LABEL_BAD_BLURRY, 0.8));
    policy.judge_backward = true;
    policy.agree_within = 0.25;
    see_lines(32, 0.9f, 0.1f);
    ck_assert_int_eq(ask(), DECISION_NONE); /* none was seen */
    for (size_t i = 0; i < situation.n_verdicts; i++)
        memcpy(window[i].p_other, window[i].p, sizeof(window[i].p));
    ck_assert_int_eq(ask(), DECISION_RULE);
    window[31].p_other[NN_LABEL_DIMERS] += 0.26f;
    ck_assert_int_eq(ask(), DECISION_NONE);
    window[31].p_other[NN_LABEL_DIMERS] -= 0.26f;
    window[23].p_other[NN_LABEL_DIMERS] += 0.26f; /* the one before it, just as needed */
    ck_assert_int_eq(ask(), DECISION_NONE);
    window[23].p_other[NN_LABEL_DIMERS] -= 0.26f;
    window[31].p_other[NN_LABEL_ROWS] = 1; /* not accepted, does not matter */
    ck_assert_int_eq(ask(), DECISION_RULE);
}
END_TEST

/* Whatever the history, an action needs an active rule, a judged newest verdict and room. */
START_TEST(test_random_histories)
{
    srand(7);
    add_rule("good", at_least(POLICY_WANTED, 0.7), POLICY_GOOD)->confirm = POLICY_FRAMES;
    struct policy_rule *bad = add_crash("bad", at_least(NN_LABEL_BAD_BLURRY, 0.6));
    bad->until[0] = under(NN_LABEL_BAD_BLURRY, 0.3);
    bad->n_until = 1;
    add_rule("away", under(POLICY_WANTED, 0.4), POLICY_NEW_AREA)->mode = POLICY_ADVISE;
    int acted = 0;
    for (int i = 0; i < 20000; i++) {
        if (situation.n_verdicts + 1 >= WINDOW_MAX || rand() % 200 == 0)
            situation.n_verdicts = 0;
        struct verdict *newest = see_line((float)(rand() % 1001) / 1000.f, 0.3f);
        if (rand() % 20 == 0)
            newest->p[rand() % NN_LABEL_COUNT] = NAN;
        situation.use.actions_site = (uint32_t)(rand() % 6);
        situation.use.actions_night = (uint32_t)(rand() % 305);
        situation.engaged = (uint32_t)(rand() % 8);
        struct decision again;
        ask();
        decide(&policy, &situation, &again);
        ck_assert_mem_eq(again.why, decision.why, strlen(again.why));
        ck_assert_int_eq(again.kind, decision.kind);
        if (decision.kind != DECISION_RULE)
            continue;
        ck_assert(decide_is_judged(&policy, newest));
        if (decision.response != POLICY_DO)
            continue;
        acted++;
        ck_assert_int_eq(decision.rule, 1);
        ck_assert_uint_lt(situation.use.actions_site, 4);
        ck_assert_uint_lt(situation.use.actions_night, 300);
        ck_assert(newest->p[NN_LABEL_BAD_BLURRY] >= 0.6f ||
                  ((situation.engaged & 2) && newest->p[NN_LABEL_BAD_BLURRY] >= 0.3f));
    }
    ck_assert_int_gt(acted, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decide");
    TCase *tcase = tcase_create("decide");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, test_judged_verdicts);
    tcase_add_test(tcase, test_chance_that_the_tip_is_good);
    tcase_add_test(tcase, test_confirmed_on_verdicts);
    tcase_add_test(tcase, test_one_contrary_verdict_breaks_the_row);
    tcase_add_test(tcase, test_confirmed_on_frames);
    tcase_add_test(tcase, test_broken_frame_breaks_the_row);
    tcase_add_test(tcase, test_order_modes_and_advice);
    tcase_add_test(tcase, test_hysteresis);
    tcase_add_test(tcase, test_good_ends_what_was_engaged);
    tcase_add_test(tcase, test_ramp_by_firings_of_the_episode);
    tcase_add_test(tcase, test_learning_chooses_among_what_is_allowed);
    tcase_add_test(tcase, test_random_choice_is_even_and_repeatable);
    tcase_add_test(tcase, test_counts_of_a_rule);
    tcase_add_test(tcase, test_site_spent_means_new_area);
    tcase_add_test(tcase, test_an_unproven_site_has_fewer_actions);
    tcase_add_test(tcase, test_budgets_end_wait_or_pass_on);
    tcase_add_test(tcase, test_time_ends_the_night);
    tcase_add_test(tcase, test_directions_must_agree);
    tcase_add_test(tcase, test_random_histories);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
