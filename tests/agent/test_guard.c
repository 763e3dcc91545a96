/*
 * The guard: each condition alone, in order; and a million random tuples against a second, plain
 * statement of what a pass must mean.
 */
#include "agent/guard.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct policy policy;
static struct action_limits limits;
static struct guard_facts facts;
static struct action action;
static char why[160];

static const double not_a_number = (double)NAN;

static void setup(void)
{
    memset(&policy, 0, sizeof(policy));
    policy.profile = ACTION_PROFILE_SILICON;
    policy.guards = (struct policy_guards){.over_current_a = 5e-9,
                                           .over_current_samples = 3,
                                           .flat_line_m = 5e-12,
                                           .bad_line_m = 1e-9,
                                           .bad_lines = 10,
                                           .stale_line_periods = 4,
                                           .z_range_m = 650e-9,
                                           .lines_present = 0.95,
                                           .no_progress_sites = 3};
    policy.settle.cool_down_s = 5;
    policy.budget = (struct policy_budget){.actions_per_site = 4,
                                           .actions_per_episode = 50,
                                           .actions_per_hour = 60,
                                           .actions_per_night = 300,
                                           .pulses_per_episode = 20,
                                           .pulses_per_hour = 20,
                                           .pulses_per_night = 60,
                                           .crashes_per_episode = 30,
                                           .necks_per_night = 2,
                                           .coarse_moves_per_night = 6,
                                           .crash_detections_per_night = 2,
                                           .night_s = 12 * 3600};
    action_limits_ceiling(ACTION_PROFILE_SILICON, &limits);
    facts = (struct guard_facts){.safety = SAFETY_ARMED,
                                 .link_up = true,
                                 .fenced = true,
                                 .frame_begun = true,
                                 .model_ok = true,
                                 .journal_ok = true,
                                 .line_age_ns = 200000000,
                                 .line_period_ns = 270000000,
                                 .lines_seen = 40,
                                 .lines_due = 41,
                                 .feedback_on = true,
                                 .z_m = 12e-9,
                                 .since_action_s = 30,
                                 .night_s = 600};
    action = action_default(ACTION_PULSE);
}

static enum guard_verdict ask(void)
{
    enum guard_verdict verdict = guard_action(&policy, &limits, &facts, &action, why, sizeof(why));
    ck_assert(why[0] != '\0');
    return verdict;
}

static enum guard_verdict ask_kind(enum action_kind kind)
{
    action = action_default(kind);
    return ask();
}

#define ASSERT_REFUSED(change, verdict)                                                            \
    do {                                                                                           \
        setup();                                                                                   \
        ck_assert_int_eq(ask(), GUARD_PASS);                                                       \
        change;                                                                                    \
        ck_assert_msg(ask() == (verdict), "%s: %s", #change, why);                                 \
    } while (0)

START_TEST(test_each_condition)
{
    ASSERT_REFUSED(facts.safety = SAFETY_HOLD, GUARD_NOT_ARMED);
    ASSERT_REFUSED(facts.safety = SAFETY_RETRACT, GUARD_NOT_ARMED);
    ASSERT_REFUSED(facts.safety = SAFETY_PARKED, GUARD_NOT_ARMED);
    ASSERT_REFUSED(facts.link_up = false, GUARD_LINK_DOWN);
    ASSERT_REFUSED(facts.fenced = false, GUARD_NOT_FENCED);
    ASSERT_REFUSED(facts.command_open = true, GUARD_COMMAND_OPEN);
    ASSERT_REFUSED(facts.journal_ok = false, GUARD_JOURNAL);
    ASSERT_REFUSED(facts.model_ok = false, GUARD_MODEL);
    ASSERT_REFUSED(facts.frame_begun = false, GUARD_NO_FRAME);
    ASSERT_REFUSED(facts.line_age_ns = 1100000000, GUARD_STALE);
    ASSERT_REFUSED(facts.line_age_ns = -1, GUARD_STALE);
    ASSERT_REFUSED(facts.line_period_ns = 0, GUARD_STALE);
    ASSERT_REFUSED(facts.lines_seen = 38, GUARD_LINES_MISSING);
    ASSERT_REFUSED(facts.lines_seen = 42, GUARD_LINES_MISSING);
    ASSERT_REFUSED(facts.lines_seen = facts.lines_due = 0, GUARD_LINES_MISSING);
    ASSERT_REFUSED(facts.feedback_on = false, GUARD_FEEDBACK_OFF);
    ASSERT_REFUSED(facts.over_current = true, GUARD_OVER_CURRENT);
    ASSERT_REFUSED(facts.z_m = -651e-9, GUARD_Z_RANGE);
    ASSERT_REFUSED(facts.z_m = not_a_number, GUARD_Z_RANGE);
    ASSERT_REFUSED(facts.flat_lines_in_a_row = 1, GUARD_FLAT_LINE);
    ASSERT_REFUSED(facts.bad_lines_in_a_row = 10, GUARD_BAD_AREA);
    ASSERT_REFUSED(action.voltage_v = 6.1, GUARD_BOUNDS);
    ASSERT_REFUSED(action.voltage_v = not_a_number, GUARD_BOUNDS);
    ASSERT_REFUSED(action.depth_m = 1e-10, GUARD_BOUNDS);
    ASSERT_REFUSED(action.count = 1.5, GUARD_BOUNDS);
    ASSERT_REFUSED(action.kind = ACTION_KIND_COUNT, GUARD_BOUNDS);
    ASSERT_REFUSED(action.kind = (enum action_kind)(-1), GUARD_BOUNDS);
    ASSERT_REFUSED(action = action_default(ACTION_NECK), GUARD_BOUNDS);
    ASSERT_REFUSED(policy.profile = ACTION_PROFILE_COUNT, GUARD_BOUNDS);
    ASSERT_REFUSED(facts.since_action_s = 4.9, GUARD_COOL_DOWN);
    ASSERT_REFUSED(facts.since_action_s = not_a_number, GUARD_COOL_DOWN);
    ASSERT_REFUSED(facts.use.actions_site = 4, GUARD_BUDGET);
    ASSERT_REFUSED(facts.use.pulses_hour = 20, GUARD_BUDGET);
    ASSERT_REFUSED(facts.use.crash_detections_night = 2, GUARD_BUDGET);
    ASSERT_REFUSED(facts.night_s = 12 * 3600, GUARD_NIGHT_OVER);
    ASSERT_REFUSED(facts.night_s = not_a_number, GUARD_NIGHT_OVER);
}
END_TEST

START_TEST(test_the_first_reason_is_given)
{
    facts = (struct guard_facts){.safety = SAFETY_ARMED, .z_m = not_a_number};
    ck_assert_int_eq(ask(), GUARD_LINK_DOWN);
    facts.link_up = true;
    ck_assert_int_eq(ask(), GUARD_NOT_FENCED);
    facts.fenced = true;
    ck_assert_int_eq(ask(), GUARD_JOURNAL);
    facts.safety = SAFETY_COUNT;
    ck_assert_int_eq(ask(), GUARD_NOT_ARMED);
}
END_TEST

START_TEST(test_ceilings_hold_over_loose_limits)
{
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++)
        for (int i = 0; i < ACTION_PARAMETERS_MAX; i++)
            limits.range[kind][i] = (struct action_range){-1e300, 1e300};
    action.voltage_v = 7;
    ck_assert_int_eq(ask(), GUARD_BOUNDS);
    ck_assert_ptr_nonnull(strstr(why, "ceiling"));
    policy.profile = ACTION_PROFILE_METAL;
    ck_assert_int_eq(ask(), GUARD_PASS);
}
END_TEST

START_TEST(test_operator_acts_in_hold_and_nothing_else_differs)
{
    facts.safety = SAFETY_HOLD;
    ck_assert_int_eq(ask(), GUARD_NOT_ARMED);
    facts.operator_request = true;
    ck_assert_int_eq(ask(), GUARD_PASS);
    facts.use.actions_site = 4;
    ck_assert_int_eq(ask(), GUARD_BUDGET);
    facts.safety = SAFETY_RETRACT;
    ck_assert_int_eq(ask(), GUARD_NOT_ARMED);
}
END_TEST

START_TEST(test_what_retract_approach_and_reimage_are_excused_from)
{
    facts.frame_begun = facts.feedback_on = false;
    facts.line_age_ns = INT64_MAX;
    facts.z_m = not_a_number;
    facts.flat_lines_in_a_row = 3;
    ck_assert_int_eq(ask_kind(ACTION_RETRACT), GUARD_PASS);
    ck_assert_int_eq(ask_kind(ACTION_APPROACH), GUARD_PASS);
    ck_assert_int_eq(ask_kind(ACTION_REIMAGE), GUARD_NO_FRAME);
    facts.over_current = true;
    facts.night_s = HUGE_VAL;
    facts.model_ok = false;
    facts.since_action_s = 0;
    ck_assert_int_eq(ask_kind(ACTION_RETRACT), GUARD_PASS);
    ck_assert_int_eq(ask_kind(ACTION_APPROACH), GUARD_MODEL);
    facts.use.coarse_moves_night = 6;
    ck_assert_int_eq(ask_kind(ACTION_RETRACT), GUARD_PASS);
    action.coarse_steps = 5;
    ck_assert_int_eq(ask(), GUARD_BUDGET);
    setup();
    facts.bad_lines_in_a_row = 10;
    ck_assert_int_eq(ask_kind(ACTION_REIMAGE), GUARD_PASS);
    ck_assert_int_eq(ask_kind(ACTION_CRASH), GUARD_BAD_AREA);
}
END_TEST

START_TEST(test_fast_lines_are_not_stale_at_once)
{
    facts.line_period_ns = 1000000;
    facts.line_age_ns = 900000000;
    ck_assert_int_eq(ask(), GUARD_PASS);
    facts.line_age_ns = 1000000001;
    ck_assert_int_eq(ask(), GUARD_STALE);
    policy.guards.stale_line_periods = not_a_number;
    facts.line_age_ns = 1;
    ck_assert_int_eq(ask(), GUARD_STALE);
}
END_TEST

START_TEST(test_necking_only_when_enabled_everywhere)
{
    policy.profile = ACTION_PROFILE_SILICON;
    limits.allowed[ACTION_NECK] = 1;
    ck_assert_int_eq(ask_kind(ACTION_NECK), GUARD_PASS);
    facts.use.necks_night = 2;
    ck_assert_int_eq(ask(), GUARD_BUDGET);
    struct action_limits instrument, narrow;
    action_limits_ceiling(ACTION_PROFILE_SILICON, &instrument);
    guard_narrow(&limits, &instrument, &narrow);
    ck_assert_int_eq(narrow.allowed[ACTION_NECK], 0);
    ck_assert_int_eq(narrow.allowed[ACTION_PULSE], 1);
}
END_TEST

START_TEST(test_narrow_takes_the_tighter_end)
{
    struct action_limits a = limits, b = limits, both;
    a.range[ACTION_PULSE][0] = (struct action_range){-4, 3};
    b.range[ACTION_PULSE][0] = (struct action_range){-2, 5};
    b.range[ACTION_CRASH][0] = (struct action_range){not_a_number, 2e-9};
    a.range[ACTION_CRASH][1] = (struct action_range){0, 1};
    b.range[ACTION_CRASH][1] = (struct action_range){2, 3};
    guard_narrow(&a, &b, &both);
    ck_assert_double_eq(both.range[ACTION_PULSE][0].min, -2);
    ck_assert_double_eq(both.range[ACTION_PULSE][0].max, 3);
    ck_assert(both.range[ACTION_CRASH][0].min > both.range[ACTION_CRASH][0].max);
    ck_assert(both.range[ACTION_CRASH][1].min > both.range[ACTION_CRASH][1].max);
    /* Nothing passes an empty range. */
    limits = both;
    ck_assert_int_eq(ask_kind(ACTION_CRASH), GUARD_BOUNDS);
}
END_TEST

static enum safety demand(uint32_t sites)
{
    return guard_demand(&policy, &facts, sites, why, sizeof(why));
}

START_TEST(test_demands)
{
    ck_assert_int_eq(demand(0), SAFETY_ARMED);
    ck_assert_int_eq(demand(2), SAFETY_ARMED);
    ck_assert_int_eq(demand(3), SAFETY_PARKED);
    facts.flat_lines_in_a_row = 9;
    ck_assert_int_eq(demand(0), SAFETY_ARMED);
    facts.flat_lines_in_a_row = 10;
    ck_assert_int_eq(demand(0), SAFETY_RETRACT);
    setup();
    facts.over_current = true;
    ck_assert_int_eq(demand(0), SAFETY_RETRACT);
    facts.use.crash_detections_night = 2; /* the higher state wins */
    ck_assert_int_eq(demand(0), SAFETY_PARKED);
    setup();
    facts.z_m = 651e-9;
    ck_assert_int_eq(demand(0), SAFETY_HOLD);
    facts.z_m = not_a_number; /* not known demands nothing; the guard refuses */
    ck_assert_int_eq(demand(0), SAFETY_ARMED);
    facts.silent_s = GUARD_SILENT_S;
    ck_assert_int_eq(demand(0), SAFETY_ARMED);
    facts.silent_s = GUARD_SILENT_S + 1;
    ck_assert_int_eq(demand(0), SAFETY_HOLD);
    ck_assert_str_eq(why, "the scan stands still: no line for 121 s");
    facts.silent_s = 0;
    facts.journal_ok = false;
    ck_assert_int_eq(demand(0), SAFETY_HOLD);
}
END_TEST

/* --- random tuples --- */

static uint64_t random_state = 1;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static bool one_in(unsigned n)
{
    return random_bits() % n == 0;
}

static double between(double lo, double hi)
{
    return lo + (hi - lo) * (double)(random_bits() >> 11) * 0x1p-53;
}

/* Mostly in or near a range, sometimes anything. */
static double any_value(double lo, double hi)
{
    static const double odd[] = {not_a_number, HUGE_VAL, -HUGE_VAL, 0, -0.0, 1e300, -1e300, 5e-324};
    if (one_in(40))
        return odd[random_bits() % (sizeof(odd) / sizeof(odd[0]))];
    double value = one_in(25) ? between(2 * lo - hi, 2 * hi - lo) : between(lo, hi);
    return one_in(30) ? lo : one_in(30) ? hi : value;
}

static void any_action(void)
{
    size_t n;
    memset(&action, 0, sizeof(action));
    action.kind = (enum action_kind)(random_bits() % (ACTION_KIND_COUNT + (one_in(50) ? 2u : 0u)));
    if (action.kind >= ACTION_KIND_COUNT)
        return;
    const struct action_parameter *parameters = action_parameters(action.kind, &n);
    for (size_t i = 0; i < n; i++) {
        double value = any_value(parameters[i].ceiling_min[policy.profile],
                                 parameters[i].ceiling_max[policy.profile]);
        if (strcmp(parameters[i].name, "count") == 0 || strstr(parameters[i].name, "steps"))
            value = one_in(30) ? value : floor(value);
        action_set(&action, &parameters[i], value);
    }
    if (one_in(50))
        action.depth_m = 1e-10;
}

static void any_facts(void)
{
    uint32_t *const counts[] = {
        &facts.use.actions_site,       &facts.use.actions_episode,       &facts.use.actions_hour,
        &facts.use.actions_night,      &facts.use.pulses_episode,        &facts.use.pulses_hour,
        &facts.use.pulses_night,       &facts.use.crashes_episode,       &facts.use.necks_night,
        &facts.use.coarse_moves_night, &facts.use.crash_detections_night};
    bool *const yes[] = {&facts.link_up,  &facts.fenced,     &facts.frame_begun,
                         &facts.model_ok, &facts.journal_ok, &facts.feedback_on};
    facts.safety = one_in(12) ? (enum safety)(random_bits() % 5) : SAFETY_ARMED;
    facts.operator_request = one_in(2);
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        *yes[i] = !one_in(30);
    facts.command_open = one_in(30);
    facts.over_current = one_in(30);
    facts.line_period_ns = one_in(30) ? -1 : (int64_t)(random_bits() % 500000000);
    facts.line_age_ns = (int64_t)(random_bits() % (one_in(20) ? UINT64_MAX : 900000000u));
    facts.lines_due = (uint32_t)(random_bits() % 256);
    facts.lines_seen =
        one_in(10) ? (uint32_t)(random_bits() % 256) : facts.lines_due - (uint32_t)one_in(9);
    facts.bad_lines_in_a_row = one_in(20) ? (uint32_t)(random_bits() % 20) : 0;
    facts.flat_lines_in_a_row = one_in(20) ? (uint32_t)(random_bits() % 20) : 0;
    facts.z_m = any_value(-650e-9, 650e-9);
    facts.since_action_s = any_value(4.9, 60);
    facts.night_s = any_value(0, 43200);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        *counts[i] = one_in(15) ? (uint32_t)random_bits() : (uint32_t)(random_bits() % 2);
}

/* Check's own assertions write to a file each: too slow for millions. */
#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return #condition;                                                                     \
    } while (0)

static const char *broken_scan_condition(void)
{
    double limit_ns = fmax(4.0 * (double)facts.line_period_ns, 1e9);
    NEED(facts.frame_begun && facts.feedback_on);
    NEED(facts.line_age_ns >= 0 && facts.line_period_ns > 0);
    NEED((double)facts.line_age_ns <= limit_ns);
    NEED(facts.lines_seen >= 1 && facts.lines_seen <= facts.lines_due);
    NEED(facts.lines_seen * 100.0 >= facts.lines_due * 95.0 - 1e-9);
    NEED(facts.z_m >= -650e-9 && facts.z_m <= 650e-9);
    NEED(facts.flat_lines_in_a_row == 0);
    return NULL;
}

static const char *broken_bound(const struct action_limits *ceiling)
{
    size_t n;
    struct action rest = action;
    const struct action_parameter *parameters = action_parameters(action.kind, &n);
    for (size_t i = 0; i < n; i++) {
        double value = action_get(&action, &parameters[i]);
        NEED(isfinite(value));
        NEED(value >= limits.range[action.kind][i].min);
        NEED(value <= limits.range[action.kind][i].max);
        NEED(value >= ceiling->range[action.kind][i].min);
        NEED(value <= ceiling->range[action.kind][i].max);
        action_set(&rest, &parameters[i], 0);
    }
    /* Nothing is set that the kind does not use. */
    struct action bare = {.kind = action.kind};
    size_t from = offsetof(struct action, voltage_v);
    NEED(memcmp((char *)&rest + from, (char *)&bare + from, sizeof(rest) - from) == 0);
    NEED(action.count == floor(action.count));
    NEED(action.coarse_steps == floor(action.coarse_steps));
    NEED(action.lateral_steps == floor(action.lateral_steps));
    return NULL;
}

static const char *broken_budget(void)
{
    const struct budget_use *use = &facts.use;
    const struct policy_budget *most = &policy.budget;
    if (action.kind == ACTION_PULSE) {
        NEED(use->pulses_episode + action.count <= most->pulses_per_episode);
        NEED(use->pulses_hour + action.count <= most->pulses_per_hour);
        NEED(use->pulses_night + action.count <= most->pulses_per_night);
    }
    if (action.kind == ACTION_CRASH)
        NEED(use->crashes_episode < most->crashes_per_episode);
    if (action.kind == ACTION_NECK)
        NEED(use->necks_night < most->necks_per_night);
    if (action.kind == ACTION_RETRACT && action.coarse_steps + action.lateral_steps > 0)
        NEED(use->coarse_moves_night < most->coarse_moves_per_night);
    if (action.kind == ACTION_RETRACT || action.kind == ACTION_REIMAGE)
        return NULL;
    NEED(use->actions_site < most->actions_per_site);
    NEED(use->actions_episode < most->actions_per_episode);
    NEED(use->actions_hour < most->actions_per_hour);
    NEED(use->actions_night < most->actions_per_night);
    NEED(use->crash_detections_night < most->crash_detections_per_night);
    return NULL;
}

/* What a pass promises, said a second time and without the guard's table. */
static const char *broken_promise(const struct action_limits *ceiling)
{
    bool retract = action.kind == ACTION_RETRACT, approach = action.kind == ACTION_APPROACH;
    NEED(facts.safety == SAFETY_ARMED || (facts.safety == SAFETY_HOLD && facts.operator_request));
    NEED(facts.link_up && facts.fenced && !facts.command_open && facts.journal_ok);
    NEED(action.kind < ACTION_KIND_COUNT);
    NEED(limits.allowed[action.kind]);
    if (!retract) {
        NEED(facts.model_ok && !facts.over_current);
        NEED(facts.since_action_s >= 5);
        NEED(facts.night_s < 43200);
    }
    if (!retract && !approach && broken_scan_condition())
        return broken_scan_condition();
    if (!retract && !approach && action.kind != ACTION_REIMAGE)
        NEED(facts.bad_lines_in_a_row < 10);
    return broken_bound(ceiling) ? broken_bound(ceiling) : broken_budget();
}

START_TEST(test_a_million_tuples)
{
    int passes[ACTION_KIND_COUNT] = {0}, refusals[GUARD_VERDICT_COUNT] = {0};
    struct action_limits ceiling;
    for (int i = 0; i < 1000000; i++) {
        policy.profile = (enum action_profile)(random_bits() % ACTION_PROFILE_COUNT);
        action_limits_ceiling(policy.profile, &ceiling);
        ceiling.allowed[ACTION_NECK] = 1;
        limits = ceiling;
        limits.allowed[ACTION_NECK] = one_in(2);
        if (one_in(20))
            limits.range[random_bits() % ACTION_KIND_COUNT][random_bits() % 3].max =
                any_value(0, 1);
        any_action();
        any_facts();
        const struct action before = action;
        enum guard_verdict verdict =
            guard_action(&policy, &limits, &facts, &action, why, sizeof(why));
        if (memcmp(&before, &action, sizeof(action)) != 0)
            ck_abort_msg("the guard altered a value");
        refusals[verdict]++;
        if (verdict != GUARD_PASS)
            continue;
        passes[action.kind]++;
        const char *broken = broken_promise(&ceiling);
        if (broken)
            ck_abort_msg("tuple %d passed, but not %s", i, broken);
    }
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++)
        ck_assert_msg(passes[kind] > 1000, "only %d %s passed", passes[kind],
                      action_kind_name((enum action_kind)kind));
    for (int verdict = 0; verdict < GUARD_VERDICT_COUNT; verdict++)
        ck_assert_msg(refusals[verdict] > 100, "only %d %s", refusals[verdict],
                      guard_verdict_name((enum guard_verdict)verdict));
}
END_TEST

/* --- docs/safety.md says the same as the tables in the code --- */

static const char *read_safety_page(void)
{
    static char text[65536];
    FILE *file = fopen(TEST_SOURCE_DIR "/docs/safety.md", "r");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

static void write_ceiling_row(enum action_kind kind, const struct action_parameter *parameter,
                              char *row, size_t size)
{
    bool nano = parameter->unit[0] == 'm' || parameter->unit[0] == 'A';
    double per = nano ? 1e-9 : 1;
    snprintf(row, size, "| %s | %s | %s%s | %g .. %g | %g .. %g | %g |\n", action_kind_name(kind),
             parameter->name, nano ? "n" : "", parameter->unit,
             parameter->ceiling_min[ACTION_PROFILE_SILICON] / per,
             parameter->ceiling_max[ACTION_PROFILE_SILICON] / per,
             parameter->ceiling_min[ACTION_PROFILE_METAL] / per,
             parameter->ceiling_max[ACTION_PROFILE_METAL] / per, parameter->fallback / per);
}

START_TEST(test_safety_page_is_up_to_date)
{
    const char *text = read_safety_page();
    char row[160];
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
        size_t n;
        const struct action_parameter *parameters = action_parameters((enum action_kind)kind, &n);
        for (size_t i = 0; i < n; i++) {
            write_ceiling_row((enum action_kind)kind, &parameters[i], row, sizeof(row));
            ck_assert_msg(strstr(text, row), "missing: %s", row);
        }
    }
    for (int verdict = GUARD_PASS + 1; verdict < GUARD_VERDICT_COUNT; verdict++) {
        snprintf(row, sizeof(row), "\n| `%s` |", guard_verdict_name((enum guard_verdict)verdict));
        ck_assert_msg(strstr(text, row), "missing: %s", row);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guard");
    TCase *tcase = tcase_create("guard");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_each_condition);
    tcase_add_test(tcase, test_the_first_reason_is_given);
    tcase_add_test(tcase, test_ceilings_hold_over_loose_limits);
    tcase_add_test(tcase, test_operator_acts_in_hold_and_nothing_else_differs);
    tcase_add_test(tcase, test_what_retract_approach_and_reimage_are_excused_from);
    tcase_add_test(tcase, test_fast_lines_are_not_stale_at_once);
    tcase_add_test(tcase, test_necking_only_when_enabled_everywhere);
    tcase_add_test(tcase, test_narrow_takes_the_tighter_end);
    tcase_add_test(tcase, test_demands);
    tcase_add_test(tcase, test_a_million_tuples);
    tcase_add_test(tcase, test_safety_page_is_up_to_date);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
