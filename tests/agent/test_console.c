/* What an operator's request becomes: an action, or a reason. */
#include "agent/console_inside.h"

#include <check.h>
#include <errno.h>

static int read_text(const char *text, struct action *ret_action, char *why, size_t size)
{
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(json);
    int r = console_read_action(json, ret_action, why, size);
    json_decref(json);
    return r;
}

START_TEST(values_carry_their_units)
{
    struct action action;
    char why[160];
    ck_assert_int_eq(read_text("{\"action\":\"pulse\",\"parameters\":{\"voltage\":\"-2.3 V\","
                               "\"duration\":\"20 ms\",\"count\":2,\"x\":\"0.5\"}}",
                               &action, why, sizeof(why)),
                     0);
    ck_assert_int_eq(action.kind, ACTION_PULSE);
    ck_assert_double_eq(action.voltage_v, -2.3);
    ck_assert_double_eq(action.duration_s, 20e-3);
    ck_assert_double_eq(action.count, 2);
    ck_assert_double_eq(action.x_frac, 0.5);
    ck_assert_double_eq(action.y_frac, -1); /* the fallback */
    ck_assert_int_eq(read_text("{\"action\":\"crash\",\"parameters\":{\"depth\":\"0.5 nm\"}}",
                               &action, why, sizeof(why)),
                     0);
    ck_assert_double_eq(action.depth_m, 0.5e-9);
}
END_TEST

static const char *const refused[] = {
    "{}",
    "{\"action\":5}",
    "{\"action\":\"explode\"}",
    "{\"action\":\"pulse\",\"parameters\":[]}",
    "{\"action\":\"pulse\",\"parameters\":{\"voltage\":2.3}}",
    "{\"action\":\"pulse\",\"parameters\":{\"voltage\":\"2.3\"}}",
    "{\"action\":\"pulse\",\"parameters\":{\"voltage\":\"2.3 nm\"}}",
    "{\"action\":\"pulse\",\"parameters\":{\"voltage\":\"nan V\"}}",
    "{\"action\":\"pulse\",\"parameters\":{\"voltage\":null}}",
    "{\"action\":\"pulse\",\"parameters\":{\"depth\":\"1 nm\"}}",
    "{\"action\":\"approach\",\"parameters\":{\"x\":0}}",
};

START_TEST(what_is_not_understood_is_refused_with_a_reason)
{
    struct action action = {.kind = ACTION_APPROACH, .count = 42};
    char why[160] = "";
    ck_assert_int_eq(read_text(refused[_i], &action, why, sizeof(why)), -EINVAL);
    ck_assert(why[0] != '\0');
    ck_assert_double_eq(action.count, 42);
}
END_TEST

START_TEST(dangerous_actions_need_a_second_word)
{
    struct action action = action_default(ACTION_PULSE);
    ck_assert(!console_needs_confirmation(&action));
    action.voltage_v = -4.5;
    ck_assert(console_needs_confirmation(&action));
    action = action_default(ACTION_NECK);
    ck_assert(console_needs_confirmation(&action));
    action = action_default(ACTION_RETRACT);
    ck_assert(!console_needs_confirmation(&action));
    action.coarse_steps = 1;
    ck_assert(console_needs_confirmation(&action));
}
END_TEST

START_TEST(a_verdict_without_backward_has_no_numbers_that_json_lacks)
{
    struct verdict verdict = {.run = 19, .cycle = 2, .lines_total = 64, .lines_seen = 1};
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        verdict.p[i] = 0.5F;
        verdict.p_other[i] = __builtin_nanf("");
    }
    json_t *json = console_verdict_json(&verdict);
    ck_assert_str_eq(json_string_value(json_object_get(json, "run_cycle")), "19_2");
    ck_assert_ptr_null(json_object_get(json, "scores_backward"));
    char *text = json_dumps(json, 0);
    ck_assert_ptr_nonnull(text);
    free(text);
    json_decref(json);
}
END_TEST

static int read_correction(const char *text, struct night_frame_wanted *ret_frame,
                           int ret_says[NN_LABEL_COUNT])
{
    char why[160] = "";
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(json);
    int r = console_read_correction(json, ret_frame, ret_says, why, sizeof(why));
    ck_assert((r < 0) == (why[0] != '\0'));
    json_decref(json);
    return r;
}

START_TEST(a_correction_names_a_frame_and_what_holds)
{
    struct night_frame_wanted frame;
    int says[NN_LABEL_COUNT];
    ck_assert_int_eq(read_correction("{\"frame\":\"19_2 up\",\"labels\":{\"dimers\":true,"
                                     "\"bad_blurry\":false}}",
                                     &frame, says),
                     0);
    ck_assert_uint_eq(frame.run, 19);
    ck_assert_uint_eq(frame.cycle, 2);
    ck_assert_int_eq(frame.way, NIGHT_UP);
    static const int wanted[NN_LABEL_COUNT] = {-1, -1, 1, -1, -1, 0};
    ck_assert_mem_eq(says, wanted, sizeof(wanted));
    ck_assert_int_eq(read_correction("{\"labels\":{\"rows\":true}}", &frame, says), 0);
    ck_assert_uint_eq(frame.run, 0);
    ck_assert_int_eq(frame.way, NIGHT_EITHER_WAY);
}
END_TEST

static const char *const no_corrections[] = {
    "{}",
    "{\"labels\":{}}",
    "{\"labels\":[\"dimers\"]}",
    "{\"labels\":{\"dimmers\":true}}",
    "{\"labels\":{\"dimers\":1}}",
    "{\"frame\":19,\"labels\":{\"dimers\":true}}",
    "{\"frame\":\"19\",\"labels\":{\"dimers\":true}}",
    "{\"frame\":\"19_0\",\"labels\":{\"dimers\":true}}",
    "{\"frame\":\"19_2 left\",\"labels\":{\"dimers\":true}}",
};

START_TEST(half_a_correction_is_refused_with_a_reason)
{
    struct night_frame_wanted frame = {.run = 42};
    int says[NN_LABEL_COUNT] = {7};
    ck_assert_int_eq(read_correction(no_corrections[_i], &frame, says), -EINVAL);
    ck_assert_uint_eq(frame.run, 42);
    ck_assert_int_eq(says[0], 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("console");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, values_carry_their_units);
    tcase_add_loop_test(tcase, what_is_not_understood_is_refused_with_a_reason, 0,
                        (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_test(tcase, dangerous_actions_need_a_second_word);
    tcase_add_test(tcase, a_verdict_without_backward_has_no_numbers_that_json_lacks);
    tcase_add_test(tcase, a_correction_names_a_frame_and_what_holds);
    tcase_add_loop_test(tcase, half_a_correction_is_refused_with_a_reason, 0,
                        (int)(sizeof(no_corrections) / sizeof(no_corrections[0])));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
