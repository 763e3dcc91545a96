/* The chance that a tip is good, put together from hand-made verdicts. */
#include "agent/belief.h"

#include <check.h>
#include <math.h>
#include <string.h>

enum { FRAME_LINES = 300 };

static struct policy policy;
static struct belief belief;
static struct verdict verdict;

static void setup(void)
{
    memset(&policy, 0, sizeof(policy));
    policy.accept[NN_LABEL_INDIVIDUAL_ATOMS] = policy.accept[NN_LABEL_DIMERS] = true;
    policy.sure = (struct policy_sure){.act_on_good = 0.02,
                                       .accept_bad = 0.05,
                                       .good_before = 0.33,
                                       .frames_alike = 0.6,
                                       .tip_lasts_s = 2400};
    belief_forget(&belief);
    memset(&verdict, 0, sizeof(verdict));
}

static void set_scores(float *p, float dimers, float bad)
{
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        p[i] = 0.05f;
    p[NN_LABEL_DIMERS] = dimers;
    p[NN_LABEL_BAD_BLURRY] = bad;
}

/* A verdict of frame `scan` after `lines` lines, a third of a second each. */
static double see(uint64_t scan, uint32_t lines, float dimers, float bad)
{
    verdict.scan = scan;
    verdict.cycle = (uint32_t)scan;
    verdict.lines_seen = verdict.lines_due = lines;
    verdict.lines_total = FRAME_LINES;
    verdict.line = lines - 1;
    verdict.t_night_ns = (int64_t)(((double)(scan - 1) * FRAME_LINES + (double)lines) / 3 * 1e9);
    set_scores(verdict.p, dimers, bad);
    if (!isnan(verdict.p_other[0]))
        set_scores(verdict.p_other, dimers, bad);
    belief_see(&belief, &policy, &verdict);
    ck_assert(verdict.tip_good > 0 && verdict.tip_good < 1);
    return (double)verdict.tip_good;
}

START_TEST(one_verdict_is_its_own_chance)
{
    double clear = see(1, 38, 0.97f, 0.02f);
    belief_forget(&belief);
    double blurred = see(1, 38, 0.02f, 0.97f);
    belief_forget(&belief);
    double doubtful = see(1, 38, 0.5f, 0.5f);
    ck_assert_double_gt(clear, 0.85);
    ck_assert_double_lt(blurred, 0.02);
    ck_assert(doubtful > 0.2 && doubtful < 0.45);
    ck_assert_uint_eq(verdict.tip_good_lines, 38);
    ck_assert_double_eq_tol(doubtful, belief_of_scores(&policy, verdict.p), 1e-6);
}
END_TEST

START_TEST(every_flaw_lowers_the_chance)
{
    float p[NN_LABEL_COUNT];
    set_scores(p, 0.9f, 0.05f);
    double good = belief_of_scores(&policy, p);
    p[NN_LABEL_ASYMMETRIES] = 0.8f;
    ck_assert_double_lt(belief_of_scores(&policy, p), 0.5 * good);
    policy.accept[NN_LABEL_ASYMMETRIES] = true;
    ck_assert_double_eq_tol(belief_of_scores(&policy, p), good, 0.05);
    p[NN_LABEL_BAD_BLURRY] = 0.9f;
    ck_assert_double_lt(belief_of_scores(&policy, p), 0.5 * good);
    /* Scores at their ends are not certainty. */
    memset(p, 0, sizeof(p));
    ck_assert(belief_of_scores(&policy, p) > 0);
    p[NN_LABEL_DIMERS] = 1;
    ck_assert(belief_of_scores(&policy, p) < 1);
}
END_TEST

START_TEST(a_frame_replaces_its_own_verdicts)
{
    double first = see(1, 40, 0.2f, 0.6f);
    for (uint32_t lines = 48; lines <= 296; lines += 8)
        see(1, lines, 0.2f, 0.6f);
    ck_assert_double_eq_tol(see(1, 300, 0.2f, 0.6f), first, 1e-6);
    ck_assert_uint_eq(verdict.tip_good_lines, 300);
}
END_TEST

START_TEST(frames_add_up_but_less_and_less)
{
    double chance[4], odds[4];
    for (uint64_t scan = 1; scan <= 4; scan++) {
        chance[scan - 1] = see(scan, 300, 0.9f, 0.05f);
        odds[scan - 1] = log(chance[scan - 1] / (1 - chance[scan - 1]));
    }
    ck_assert_double_gt(odds[1], odds[0] + 0.1);
    ck_assert_double_gt(odds[2], odds[1]);
    ck_assert_double_lt(odds[2] - odds[1], odds[1] - odds[0]);
    ck_assert_double_lt(odds[3] - odds[2], odds[2] - odds[1] + 1e-9);
    /* Independent frames would be twice the evidence. */
    double usual = log(0.33 / 0.67), alone = odds[0] - usual;
    ck_assert_double_lt(odds[1] - usual, 1.3 * alone);
    setup();
    policy.sure.frames_alike = 0;
    policy.sure.tip_lasts_s = 1e9;
    see(1, 300, 0.9f, 0.05f);
    double two = see(2, 300, 0.9f, 0.05f);
    ck_assert_double_eq_tol(log(two / (1 - two)) - usual, 2 * alone, 1e-3);
}
END_TEST

START_TEST(another_place_is_more_of_a_second_opinion)
{
    policy.sure.tip_lasts_s = 1e9;
    policy.sure.frames_alike = 0.9;
    policy.sure.places_alike = 0.3;
    double one = see(1, 300, 0.9f, 0.05f);
    double same_place = see(2, 300, 0.9f, 0.05f);
    setup();
    policy.sure.tip_lasts_s = 1e9;
    policy.sure.frames_alike = 0.9;
    policy.sure.places_alike = 0.3;
    see(1, 300, 0.9f, 0.05f);
    belief_move(&belief, &policy);
    double elsewhere = see(2, 300, 0.9f, 0.05f);
    ck_assert_double_gt(same_place, one);
    ck_assert_double_gt(elsewhere, same_place + 0.01);
    ck_assert_uint_eq(verdict.tip_good_lines, 600);
    double usual = log(0.33 / 0.67), alone = log(one / (1 - one)) - usual;
    ck_assert_double_eq_tol(log(elsewhere / (1 - elsewhere)) - usual, 2 / 1.3 * alone, 1e-3);
}
END_TEST

START_TEST(doubt_carries_over_to_the_next_frame)
{
    double alone = see(2, 40, 0.06f, 0.85f);
    belief_forget(&belief);
    see(1, 300, 0.1f, 0.7f);
    double after = see(2, 40, 0.06f, 0.85f);
    ck_assert_double_lt(after, alone);
    ck_assert_uint_eq(verdict.tip_good_lines, 340);
    /* And what the frame before said still counts when the next one says nothing yet. */
    setup();
    see(1, 300, 0.97f, 0.01f);
    ck_assert_double_gt(see(2, 38, 0.5f, 0.2f), 0.6);
}
END_TEST

START_TEST(old_evidence_fades)
{
    see(1, 300, 0.97f, 0.01f);
    double soon = see(2, 40, 0.4f, 0.4f);
    setup();
    see(1, 300, 0.97f, 0.01f);
    double late = see(200, 40, 0.4f, 0.4f);
    setup();
    double never = see(200, 40, 0.4f, 0.4f);
    ck_assert_double_gt(soon, late);
    ck_assert_double_eq_tol(late, never, 0.02);
}
END_TEST

START_TEST(a_tip_change_weakens_what_was_before)
{
    see(1, 300, 0.97f, 0.01f);
    double before = see(2, 104, 0.97f, 0.01f);
    verdict.changed = true;
    verdict.change_line = 110;
    double after = see(2, 112, 0.97f, 0.01f);
    ck_assert_double_lt(after, before - 0.01);
    ck_assert_double_gt(after, 0.5);
    ck_assert_uint_eq(verdict.tip_good_lines, 302);
    /* Told again with every verdict of the frame, it counts once. */
    double later = see(2, 300, 0.97f, 0.01f);
    ck_assert_uint_eq(verdict.tip_good_lines, 490);
    verdict.changed = false;
    ck_assert_double_gt(see(3, 300, 0.97f, 0.01f), later);
    ck_assert_uint_eq(verdict.tip_good_lines, 790);
}
END_TEST

START_TEST(both_directions_have_a_say)
{
    verdict.p_other[0] = NAN;
    double alone = see(1, 40, 0.9f, 0.05f);
    setup();
    set_scores(verdict.p_other, 0.9f, 0.05f);
    ck_assert_double_eq_tol(see(1, 40, 0.9f, 0.05f), alone, 1e-6);
    set_scores(verdict.p_other, 0.3f, 0.5f);
    belief_forget(&belief);
    belief_see(&belief, &policy, &verdict);
    ck_assert_double_lt((double)verdict.tip_good, alone - 0.2);
}
END_TEST

/* With the chance as bad as it looks, a sure sign of it is reached, and never by a clear good one.
 */
START_TEST(the_first_chance_is_the_policys)
{
    policy.sure.good_before = 0.1;
    double rare = see(1, 40, 0.8f, 0.1f);
    setup();
    policy.sure.good_before = 0.6;
    ck_assert_double_gt(see(1, 40, 0.8f, 0.1f), rare + 0.2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("belief");
    TCase *tc = tcase_create("belief");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, one_verdict_is_its_own_chance);
    tcase_add_test(tc, every_flaw_lowers_the_chance);
    tcase_add_test(tc, a_frame_replaces_its_own_verdicts);
    tcase_add_test(tc, frames_add_up_but_less_and_less);
    tcase_add_test(tc, another_place_is_more_of_a_second_opinion);
    tcase_add_test(tc, doubt_carries_over_to_the_next_frame);
    tcase_add_test(tc, old_evidence_fades);
    tcase_add_test(tc, a_tip_change_weakens_what_was_before);
    tcase_add_test(tc, both_directions_have_a_say);
    tcase_add_test(tc, the_first_chance_is_the_policys);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
