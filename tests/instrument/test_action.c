/* The table of actions, its checks, and the limits file that tightens it. */
#include "instrument/action.h"
#include "instrument/limits.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(table_is_sound)
{
    for (int k = 0; k < ACTION_KIND_COUNT; k++) {
        size_t n;
        const struct action_parameter *list = action_parameters((enum action_kind)k, &n);
        ck_assert_uint_le(n, ACTION_PARAMETERS_MAX);
        ck_assert_int_eq(action_kind_from_name(action_kind_name((enum action_kind)k)), k);
        struct action action = action_default((enum action_kind)k);
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(action_parameter_find((enum action_kind)k, list[i].name), (int)i);
            ck_assert_double_eq(action_get(&action, &list[i]), list[i].fallback);
            for (int p = 0; p < ACTION_PROFILE_COUNT; p++) {
                ck_assert_double_le(list[i].ceiling_min[p], list[i].fallback);
                ck_assert_double_ge(list[i].ceiling_max[p], list[i].fallback);
            }
        }
    }
    ck_assert_int_eq(action_kind_from_name("poke"), -1);
    ck_assert_int_eq(action_parameter_find(ACTION_PULSE, "depth"), -1);
}
END_TEST

/* Every parameter of every kind at, inside and just outside both ends of its range. */
START_TEST(every_bound_holds_inclusively)
{
    for (int p = 0; p < ACTION_PROFILE_COUNT; p++) {
        struct action_limits limits;
        action_limits_ceiling((enum action_profile)p, &limits);
        ck_assert(!limits.allowed[ACTION_NECK]);
        limits.allowed[ACTION_NECK] = 1;
        for (int k = 0; k < ACTION_KIND_COUNT; k++) {
            size_t n;
            const struct action_parameter *list = action_parameters((enum action_kind)k, &n);
            for (size_t i = 0; i < n; i++) {
                const struct action_range range = limits.range[k][i];
                const struct action_parameter *which;
                struct action action = action_default((enum action_kind)k);
                const double inside[] = {range.min, range.max};
                const double outside[] = {nextafter(range.min, (double)-INFINITY),
                                          nextafter(range.max, (double)INFINITY),
                                          (double)NAN,
                                          (double)INFINITY,
                                          (double)-INFINITY,
                                          1e300};
                for (size_t v = 0; v < 2; v++) {
                    action_set(&action, &list[i], inside[v]);
                    ck_assert_int_eq(action_check(&action, &limits, &which), 0);
                }
                for (size_t v = 0; v < 6; v++) {
                    action_set(&action, &list[i], outside[v]);
                    ck_assert_int_eq(action_check(&action, &limits, &which), -ERANGE);
                    ck_assert_ptr_eq(which, &list[i]);
                }
            }
        }
    }
}
END_TEST

START_TEST(what_is_not_allowed_or_not_meant_is_refused)
{
    struct action_limits limits;
    const struct action_parameter *which;
    action_limits_ceiling(ACTION_PROFILE_SILICON, &limits);
    struct action neck = action_default(ACTION_NECK);
    ck_assert_int_eq(action_check(&neck, &limits, &which), -ERANGE);
    ck_assert_ptr_null(which);
    struct action odd = {.kind = (enum action_kind)99};
    ck_assert_int_eq(action_check(&odd, &limits, &which), -ERANGE);
    struct action mixed = action_default(ACTION_CRASH);
    mixed.voltage_v = 1;
    ck_assert_int_eq(action_check(&mixed, &limits, &which), -EINVAL);
    struct action halves = action_default(ACTION_RETRACT);
    halves.coarse_steps = 1.5;
    ck_assert_int_eq(action_check(&halves, &limits, &which), -EINVAL);
}
END_TEST

START_TEST(descriptions_read_well)
{
    char text[200];
    struct action pulse = action_default(ACTION_PULSE);
    action_describe(&pulse, text, sizeof(text));
    ck_assert_str_eq(text, "pulse voltage 2.3 V, duration 50 ms, count 1, x -1, y -1");
    char small[10];
    action_describe(&pulse, small, sizeof(small));
    ck_assert_uint_eq(strlen(small), 9);
}
END_TEST

static int parse(const char *text, struct instrument_limits *limits, char *error)
{
    return limits_parse("limits.yaml", text, strlen(text), limits, error, LIMITS_ERROR_MAX);
}

START_TEST(shipped_limits_load)
{
    struct instrument_limits limits;
    char error[LIMITS_ERROR_MAX] = "";
    int rc = limits_load(TEST_SOURCE_DIR "/instrument/limits.yaml", &limits, error, sizeof(error));
    ck_assert_msg(rc == 0, "%s", error);
    ck_assert_int_eq(limits.profile, ACTION_PROFILE_SILICON);
    ck_assert_double_eq_tol(limits.withdraw_m, 100e-9, 1e-15);
    ck_assert(!limits.limits.allowed[ACTION_NECK]);
    ck_assert(limits.limits.allowed[ACTION_APPROACH]);
    int duration = action_parameter_find(ACTION_PULSE, "duration");
    ck_assert_double_eq_tol(limits.limits.range[ACTION_PULSE][duration].max, 0.2, 1e-12);
    ck_assert_double_eq_tol(limits.limits.range[ACTION_CRASH][0].max, 2e-9, 1e-18);
    ck_assert_int_eq(limits_load("/nonexistent", &limits, error, sizeof(error)), -ENOENT);
}
END_TEST

START_TEST(limits_can_be_tighter)
{
    struct instrument_limits limits;
    char error[LIMITS_ERROR_MAX] = "";
    int rc = parse("limits_version: 1\nprofile: metal\nnecking: on\nwithdraw: 0.3 um\n"
                   "pulse:\n  voltage: -9 V .. 4 V\ncrash: off\n",
                   &limits, error);
    ck_assert_msg(rc == 0, "%s", error);
    ck_assert_int_eq(limits.profile, ACTION_PROFILE_METAL);
    ck_assert(limits.limits.allowed[ACTION_NECK]);
    ck_assert(!limits.limits.allowed[ACTION_CRASH]);
    ck_assert_double_eq(limits.limits.range[ACTION_PULSE][0].min, -9);
    ck_assert_double_eq(limits.limits.range[ACTION_PULSE][0].max, 4);
    ck_assert_double_eq_tol(limits.withdraw_m, 300e-9, 1e-15);
}
END_TEST

START_TEST(bad_limits_are_refused_with_their_line)
{
    static const struct {
        const char *text, *where;
    } cases[] = {
        {"", ":1:"},
        {"profile: silicon\n", "limits_version: missing"},
        {"limits_version: 2\n", ":1: error: 2:"},
        {"limits_version: 1\npulse:\n  voltage: -11 V .. 4 V\n", ":3: error: -11 V .. 4 V: outs"},
        {"limits_version: 1\npulse:\n  voltage: -4 .. 4\n", ":3: error: -4 .. 4: not MIN"},
        {"limits_version: 1\npulse:\n  voltage: -4 V .. 4 A\n", ":3:"},
        {"limits_version: 1\npulse:\n  voltage: 4 V .. -4 V\n", ":3:"},
        {"limits_version: 1\npulse:\n  voltage: nan V .. 4 V\n", ":3:"},
        {"limits_version: 1\npulse:\n  voltage: 0x1 V .. 4 V\n", ":3:"},
        {"limits_version: 1\npulse:\n  voltage: [-4, 4]\n", ":3:"},
        {"limits_version: 1\npulse:\n  volts: -4 V .. 4 V\n", ":3: error: volts"},
        {"limits_version: 1\npulse:\n  voltage: -4 V .. 4 V\n  voltage: -5 V .. 5 V\n", ":4:"},
        {"limits_version: 1\npulse: maybe\n", ":2: error: maybe"},
        {"limits_version: 1\npulses: off\n", ":2: error: pulses: unknown"},
        {"limits_version: 1\ncrash: off\ncrash: off\n", ":3: error: crash: given twice"},
        {"limits_version: 1\nnecking: yes\n", ":2: error: yes"},
        {"limits_version: 1\nwithdraw: 3 um\n", ":2:"},
        {"limits_version: 1\nwithdraw: 100\n", ":2:"},
        {"limits_version: 1\ncrash: off\nprofile: metal\n", ":3: error: profile"},
        {"limits_version: 1\nprofile: &a metal\n", ":2:"},
        {"limits_version: 1\nprofile: !!str metal\n", ":2:"},
        {"limits_version: 1\n---\nlimits_version: 1\n", ":2:"},
        {"limits_version: 1\npulse:\n\tvoltage: 1\n", ":3:"},
        {"- limits_version: 1\n", ":1:"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct instrument_limits limits = {.withdraw_m = -1};
        char error[LIMITS_ERROR_MAX] = "";
        ck_assert_msg(parse(cases[i].text, &limits, error) == -EINVAL, "passed: %s", cases[i].text);
        ck_assert_msg(strstr(error, cases[i].where), "\"%s\" lacks \"%s\"", error, cases[i].where);
        ck_assert_double_eq(limits.withdraw_m, -1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("action and limits");
    TCase *tests = tcase_create("action");
    tcase_add_test(tests, table_is_sound);
    tcase_add_test(tests, every_bound_holds_inclusively);
    tcase_add_test(tests, what_is_not_allowed_or_not_meant_is_refused);
    tcase_add_test(tests, descriptions_read_well);
    tcase_add_test(tests, shipped_limits_load);
    tcase_add_test(tests, limits_can_be_tighter);
    tcase_add_test(tests, bad_limits_are_refused_with_their_line);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
