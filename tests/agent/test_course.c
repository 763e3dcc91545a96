/* What the night knows from one line to the next. */
#include "agent/course.h"
#include "config/policy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct policy policy;
static struct course course;

static void setup(void)
{
    struct course_start start = {.policy = &policy, .night = 1, .site = 1, .episode = 1};
    memset(&policy, 0, sizeof(policy));
    ck_assert_int_eq(course_begin(&course, &start), 0);
    course_clock(&course, 0);
}

static void teardown(void)
{
    course_finish(&course);
}

/* Half of a coarse move: the tip is withdrawn and has been stepped aside. */
static void withdraw(void)
{
    struct course_answer answer = {.action = action_default(ACTION_RETRACT)};
    answer.action.lateral_steps = 8;
    course_acted(&course, &answer, true);
    course_action_ended(&course, &answer.action, COMMAND_DONE, true, 1000);
}

START_TEST(a_coarse_move_goes_back_to_the_surface)
{
    struct course_answer answer;
    withdraw();
    course_go_on(&course, false, &answer);
    ck_assert_int_eq(answer.step, COURSE_NOTHING);
    course_go_on(&course, true, &answer);
    ck_assert_int_eq(answer.step, COURSE_ACT);
    ck_assert_int_eq(answer.action.kind, ACTION_APPROACH);
}
END_TEST

START_TEST(nothing_approaches_in_another_session)
{
    struct course_answer answer;
    withdraw();
    course_new_session(&course);
    course_clock(&course, 0);
    course_go_on(&course, true, &answer);
    ck_assert_int_eq(answer.step, COURSE_NOTHING);
}
END_TEST

START_TEST(nothing_approaches_after_an_operator_took_over)
{
    struct course_answer answer;
    withdraw();
    course_released(&course);
    course_go_on(&course, true, &answer);
    ck_assert_int_eq(answer.step, COURSE_NOTHING);
}
END_TEST

/* Only another place is another opinion of the tip. */
START_TEST(a_frame_begun_anew_is_no_other_place)
{
    struct action action = action_default(ACTION_REIMAGE);
    course.belief.here = (struct belief_sum){1.5, 1};
    course_action_ended(&course, &action, COMMAND_DONE, true, 1000);
    ck_assert_double_eq(course.belief.elsewhere.n, 0);
    action.dx_m = 25e-9;
    course_action_ended(&course, &action, COMMAND_FAILED, true, 2000);
    ck_assert_double_eq(course.belief.elsewhere.n, 0);
    course_action_ended(&course, &action, COMMAND_DONE, true, 3000);
    ck_assert_double_eq(course.belief.elsewhere.n, 1);
    ck_assert_double_eq(course.belief.elsewhere.evidence, 1.5);
    ck_assert_double_eq(course.belief.here.n, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("course");
    TCase *tcase = tcase_create("course");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_coarse_move_goes_back_to_the_surface);
    tcase_add_test(tcase, nothing_approaches_in_another_session);
    tcase_add_test(tcase, nothing_approaches_after_an_operator_took_over);
    tcase_add_test(tcase, a_frame_begun_anew_is_no_other_place);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
