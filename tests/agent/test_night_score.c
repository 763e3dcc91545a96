/* What a night is worth: uptime, frames, actions, confirmations, by hand-made histories. */
#include "agent/night_score.h"

#include <check.h>
#include <stdlib.h>

#define S INT64_C(1000000000)

enum { LINES = 4 };

static struct night_score score;
static struct night_marks marks;

static void begin(enum night_tip tip)
{
    struct night_score_options options = {
        .length_s = 100, .lines = LINES, .line_time_s = 1, .actions_per_night = 10};
    options.settle_s[ACTION_CRASH] = 5;
    marks = (struct night_marks){0};
    night_score_begin(&score, &options, tip, tip == NIGHT_TIP_WANTED ? 2 : 5, &marks);
}

static void end(void)
{
    free(marks.list);
}

/* A line that ends at this time, its forward trace half a second before. */
static void line(double t_s, uint32_t number, bool up, enum night_tip tip)
{
    struct night_true_line line = {.t_ns = (int64_t)((t_s - .5) * 1e9),
                                   .line = number,
                                   .up = up,
                                   .tip = tip,
                                   .shows = tip != NIGHT_TIP_OTHER,
                                   .state = tip == NIGHT_TIP_WANTED ? 2 : 5};
    night_score_line(&score, &line);
}

static void act(double t_s, enum action_kind kind, enum night_tip tip)
{
    struct night_true_action action = {.t_ns = (int64_t)(t_s * 1e9),
                                       .action = {.kind = kind},
                                       .tip = tip,
                                       .state = tip == NIGHT_TIP_WANTED ? 2 : 5};
    night_score_action(&score, &action);
}

static double pass(double t_s, bool up, enum night_tip tip)
{
    for (uint32_t i = 0; i < LINES; i++)
        line(t_s += 1, up ? i : LINES - 1 - i, up, tip);
    return t_s;
}

START_TEST(time_is_counted_by_the_line)
{
    begin(NIGHT_TIP_OTHER);
    double t_s = pass(0, true, NIGHT_TIP_WANTED);
    t_s = pass(t_s, false, NIGHT_TIP_ROWS);
    pass(t_s, true, NIGHT_TIP_OTHER);
    night_score_end(&score, 100 * S, "time");
    ck_assert_double_eq_tol(score.figures.wanted_s, 4, 1e-9);
    ck_assert_double_eq_tol(score.figures.rows_s, 8, 1e-9);
    ck_assert_uint_eq(score.figures.frames, 3);
    ck_assert_uint_eq(score.figures.wanted_frames, 1);
    ck_assert_double_eq_tol(score.figures.shown_s, 8, 1e-9);
    ck_assert_uint_eq(score.figures.shown_frames, 2);
    ck_assert_str_eq(score.figures.how, "time");
    end();
}
END_TEST

START_TEST(settling_is_not_counted)
{
    begin(NIGHT_TIP_OTHER);
    act(10, ACTION_CRASH, NIGHT_TIP_WANTED);
    line(15.9, 0, true, NIGHT_TIP_WANTED); /* begun at 14.9, settled at 15 */
    line(16.1, 1, true, NIGHT_TIP_WANTED);
    ck_assert_double_eq_tol(score.figures.wanted_s, 1, 1e-9);
    end();
}
END_TEST

START_TEST(nothing_counts_after_the_planned_end)
{
    begin(NIGHT_TIP_WANTED);
    line(100.4, 0, true, NIGHT_TIP_WANTED);
    line(101.4, 1, true, NIGHT_TIP_WANTED);
    ck_assert_double_eq_tol(score.figures.wanted_s, 1, 1e-9);
    end();
}
END_TEST

START_TEST(a_frame_is_whole_or_does_not_count)
{
    begin(NIGHT_TIP_WANTED);
    line(1, 0, true, NIGHT_TIP_WANTED);
    line(2, 1, true, NIGHT_TIP_WANTED);
    act(5, ACTION_REIMAGE, NIGHT_TIP_WANTED);
    line(6, 2, true, NIGHT_TIP_WANTED);
    line(7, 3, true, NIGHT_TIP_WANTED);
    ck_assert_uint_eq(score.figures.frames, 0);
    /* One bad line in the middle, the rest good. */
    line(8, 3, false, NIGHT_TIP_WANTED);
    line(9, 2, false, NIGHT_TIP_OTHER);
    line(10, 1, false, NIGHT_TIP_WANTED);
    line(11, 0, false, NIGHT_TIP_WANTED);
    ck_assert_uint_eq(score.figures.frames, 1);
    ck_assert_uint_eq(score.figures.wanted_frames, 0);
    /* A line that is missing. */
    line(12, 0, true, NIGHT_TIP_WANTED);
    line(13, 2, true, NIGHT_TIP_WANTED);
    line(14, 3, true, NIGHT_TIP_WANTED);
    ck_assert_uint_eq(score.figures.frames, 1);
    end();
}
END_TEST

START_TEST(actions_are_told_by_what_they_were_done_to)
{
    begin(NIGHT_TIP_OTHER);
    act(1, ACTION_CRASH, NIGHT_TIP_OTHER);
    act(2, ACTION_PULSE, NIGHT_TIP_WANTED);
    act(3, ACTION_CRASH, NIGHT_TIP_WANTED); /* on a good tip, which stays one */
    act(4, ACTION_NECK, NIGHT_TIP_OTHER);   /* on a good tip, which is lost */
    act(5, ACTION_REIMAGE, NIGHT_TIP_OTHER);
    act(6, ACTION_RETRACT, NIGHT_TIP_OTHER);
    act(7, ACTION_APPROACH, NIGHT_TIP_WANTED);
    act(8, ACTION_APPROACH, NIGHT_TIP_OTHER);
    ck_assert_uint_eq(score.figures.actions, 4);
    ck_assert_uint_eq(score.figures.actions_on_wanted, 2);
    ck_assert_uint_eq(score.figures.spoiled, 2); /* an approach can, too */
    ck_assert_uint_eq(score.figures.moves, 1);
    ck_assert_uint_eq(score.figures.coarse_moves, 0);
    ck_assert_uint_eq(score.figures.budget_used, 6);
    ck_assert(score.figures.wanted_ever);
    ck_assert_uint_eq(score.figures.actions_to_wanted, 2);
    /* What it shows is another matter than what it is. */
    line(9, 0, true, NIGHT_TIP_ROWS);
    act(10, ACTION_CRASH, NIGHT_TIP_OTHER);
    act(11, ACTION_CRASH, NIGHT_TIP_OTHER);
    ck_assert_uint_eq(score.figures.actions_on_shown, 1);
    ck_assert_uint_eq(score.figures.actions_on_wanted, 2);
    end();
}
END_TEST

START_TEST(a_confirmation_counts_when_it_is_true)
{
    begin(NIGHT_TIP_OTHER);
    night_score_good(&score, 3 * S);
    ck_assert(!score.figures.first_good_found);
    ck_assert_double_eq_tol(score.figures.first_good_s, 100, 1e-9); /* censored */
    act(4, ACTION_CRASH, NIGHT_TIP_WANTED);
    night_score_good(&score, 7 * S);
    night_score_good(&score, 9 * S);
    ck_assert(score.figures.first_good_found);
    ck_assert_double_eq_tol(score.figures.first_good_s, 7, 1e-9);
    ck_assert_uint_eq(score.figures.actions_to_good, 1);
    ck_assert_uint_eq(score.figures.goods, 3);
    ck_assert_uint_eq(score.figures.false_goods, 1);
    end();
}
END_TEST

START_TEST(marks_show_changes_only)
{
    begin(NIGHT_TIP_OTHER);
    line(1, 0, true, NIGHT_TIP_OTHER);
    line(2, 1, true, NIGHT_TIP_WANTED);
    night_score_verdict(&score, 2 * S, .2F, .9F);
    night_score_verdict(&score, 3 * S, .1F, .8F);
    night_score_verdict(&score, 4 * S, .9F, .1F);
    night_score_verdict(&score, 5 * S, .3F, .1F);
    night_score_end(&score, 6 * S, "");
    static const enum night_mark_kind kinds[] = {NIGHT_MARK_STATE,   NIGHT_MARK_STATE,
                                                 NIGHT_MARK_VERDICT, NIGHT_MARK_VERDICT,
                                                 NIGHT_MARK_VERDICT, NIGHT_MARK_END};
    static const int values[] = {
        5, 2, NIGHT_OPINION_BAD, NIGHT_OPINION_GOOD, NIGHT_OPINION_UNDECIDED, 0};
    ck_assert_uint_eq(marks.n, 6);
    for (size_t i = 0; i < marks.n; i++) {
        ck_assert_int_eq(marks.list[i].kind, kinds[i]);
        ck_assert_int_eq(marks.list[i].value, values[i]);
    }
    ck_assert_str_eq(score.figures.how, "lost");
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("night_score");
    TCase *tcase = tcase_create("score");
    tcase_add_test(tcase, time_is_counted_by_the_line);
    tcase_add_test(tcase, settling_is_not_counted);
    tcase_add_test(tcase, nothing_counts_after_the_planned_end);
    tcase_add_test(tcase, a_frame_is_whole_or_does_not_count);
    tcase_add_test(tcase, actions_are_told_by_what_they_were_done_to);
    tcase_add_test(tcase, a_confirmation_counts_when_it_is_true);
    tcase_add_test(tcase, marks_show_changes_only);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
