/* What has worked: counting, neighbours, and the choice that follows. */
#include "agent/learn.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 9, PULSES = 3, OPTIONS = STEPS + PULSES };

static struct learned learned;
static struct learn_option options[OPTIONS];
static char why[160];

/* A ladder of crashes from 0.30 to 0.70 nm, then pulses from 2.3 to 2.9 V; `next` comes next. */
static void lay_out(uint32_t next)
{
    for (uint32_t i = 0; i < OPTIONS; i++) {
        struct action action = action_default(i < STEPS ? ACTION_CRASH : ACTION_PULSE);
        action.depth_m = i < STEPS ? (0.30 + 0.05 * i) * 1e-9 : 0;
        action.voltage_v = i < STEPS ? 0 : 2.3 + 0.3 * (i - STEPS);
        options[i] = (struct learn_option){.action = action,
                                           .distance = i > next ? i - next : next - i,
                                           .seconds = 15,
                                           .violence = 0.2};
    }
}

static void setup(void)
{
    memset(&learned, 0, sizeof(learned));
    lay_out(0);
}

static size_t choose(enum learn_seen seen)
{
    size_t i = learn_choose(&learned, options, OPTIONS, seen, why, sizeof(why));
    ck_assert_uint_lt(i, OPTIONS);
    ck_assert(why[0] != '\0');
    return i;
}

static void tell(size_t option, enum learn_seen seen, uint32_t worked, uint32_t tried)
{
    const struct action *action = &options[option].action;
    struct learn_trial trial = {.kind = action->kind,
                                .size = option < STEPS ? action->depth_m : action->voltage_v,
                                .seen = seen,
                                .tried = tried,
                                .worked = worked};
    learn_note(&learned, &trial);
}

START_TEST(without_a_record_it_is_the_ladder)
{
    for (uint32_t next = 0; next < OPTIONS; next++) {
        lay_out(next);
        for (int seen = 0; seen < LEARN_SEEN_COUNT; seen++)
            ck_assert_uint_eq(choose((enum learn_seen)seen), next);
    }
    ck_assert_str_eq(why, "pulse 2.9 V, the ladder's next: worked 0 of 0 times on an unclear tip "
                          "here");
}
END_TEST

START_TEST(what_works_is_taken_and_said)
{
    tell(8, LEARN_BAD, 3, 9);
    tell(0, LEARN_BAD, 0, 4);
    ck_assert_uint_eq(choose(LEARN_BAD), 8);
    ck_assert_str_eq(why, "crash 0.70 nm: worked 3 of 9 times on a bad tip here, ladder's next "
                          "0.30 nm 0 of 4");
    /* The same record, the same choice. */
    ck_assert_uint_eq(choose(LEARN_BAD), 8);
}
END_TEST

START_TEST(what_works_on_one_sort_of_tip_is_not_all)
{
    tell(8, LEARN_BAD, 12, 20);
    tell(8, LEARN_ROWS, 0, 20);
    tell(1, LEARN_ROWS, 10, 20);
    tell(1, LEARN_BAD, 0, 20);
    ck_assert_uint_eq(choose(LEARN_BAD), 8);
    ck_assert_uint_le(choose(LEARN_ROWS), 2); /* that one, or a neighbour hardly tried */
    /* Of sorts that have not been met it says something, but less. */
    size_t unclear = choose(LEARN_UNCLEAR);
    ck_assert(unclear == 8 || unclear <= 2);
}
END_TEST

START_TEST(failure_of_one_step_speaks_against_its_neighbours)
{
    /* Gentle crashes have failed often: what comes next is not the one 50 pm deeper. */
    tell(0, LEARN_BAD, 0, 15);
    tell(1, LEARN_BAD, 0, 15);
    lay_out(2);
    size_t i = choose(LEARN_BAD);
    ck_assert_uint_ge(i, 5);
    ck_assert_ptr_nonnull(strstr(why, "0.40 nm 0 of 0"));
}
END_TEST

START_TEST(violence_is_dearer)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        options[i].violence = i == 4 ? 1 : 0;
        options[i].distance = i == 4 || i == 5 ? 0 : 50;
    }
    ck_assert_uint_eq(choose(LEARN_BAD), 5);
    options[5].violence = 1;
    options[4].violence = 0;
    ck_assert_uint_eq(choose(LEARN_BAD), 4);
}
END_TEST

START_TEST(trials_begin_and_end)
{
    struct learn_trial trial;
    ck_assert(!learn_good(&learned, &trial));
    ck_assert(!learn_acted(&learned, &options[3].action, LEARN_BAD, &trial));
    ck_assert(learn_acted(&learned, &options[8].action, LEARN_BAD, &trial));
    ck_assert_uint_eq(trial.worked, 0);
    ck_assert_uint_eq(trial.tried, 1);
    ck_assert_double_eq_tol(trial.size, 0.45e-9, 1e-15);
    ck_assert(!trial.again);
    ck_assert(learn_good(&learned, &trial));
    ck_assert_uint_eq(trial.worked, 1);
    ck_assert_double_eq_tol(trial.size, 0.70e-9, 1e-15);
    ck_assert(!learn_good(&learned, &trial));
    ck_assert_uint_eq(learned.n_trials, 2);
}
END_TEST

START_TEST(what_failed_on_this_tip_counts_apart)
{
    struct learn_trial trial;
    learn_acted(&learned, &options[3].action, LEARN_BAD, &trial);
    learn_acted(&learned, &options[4].action, LEARN_BAD, &trial); /* its like again */
    learn_acted(&learned, &options[OPTIONS - 1].action, LEARN_BAD, &trial);
    ck_assert(trial.again);
    ck_assert(learn_good(&learned, &trial));
    ck_assert(!trial.again);
    /* A good tip makes a new start. */
    learn_acted(&learned, &options[3].action, LEARN_BAD, &trial);
    learn_good(&learned, &trial);
    ck_assert(!trial.again);
    ck_assert_uint_eq(learned.n_trials, 3);
}
END_TEST

START_TEST(what_nobody_saw_the_end_of_is_no_trial)
{
    struct learn_trial trial;
    learn_acted(&learned, &options[3].action, LEARN_BAD, &trial);
    learn_ended(&learned, &options[3].action, true);
    learn_ended(&learned, &options[5].action, true); /* an operator's */
    ck_assert(!learn_good(&learned, &trial));
    learn_acted(&learned, &options[3].action, LEARN_BAD, &trial);
    learn_ended(&learned, &options[3].action, false);
    ck_assert(!learn_good(&learned, &trial));
    ck_assert_uint_eq(learned.n_trials, 0);
}
END_TEST

START_TEST(too_many_different_actions_are_dropped)
{
    for (int i = 0; i < LEARN_TRIALS_MAX + 50; i++) {
        struct learn_trial trial = {
            .kind = ACTION_CRASH, .size = (100 + i) * 1e-12, .tried = 1, .worked = 1};
        learn_note(&learned, &trial);
    }
    ck_assert_uint_eq(learned.n_trials, LEARN_TRIALS_MAX);
}
END_TEST

START_TEST(sorts_of_tips_have_names)
{
    struct verdict verdict = {.p = {[NN_LABEL_ROWS] = 0.9f}};
    ck_assert_int_eq(learn_seen_of(&verdict), LEARN_ROWS);
    verdict.p[NN_LABEL_ASYMMETRIES] = 0.5f;
    ck_assert_int_eq(learn_seen_of(&verdict), LEARN_LOPSIDED);
    verdict.p[NN_LABEL_BAD_BLURRY] = 0.5f;
    ck_assert_int_eq(learn_seen_of(&verdict), LEARN_BAD);
    verdict.p[NN_LABEL_TIP_CHANGE] = 0.5f;
    ck_assert_int_eq(learn_seen_of(&verdict), LEARN_CHANGING);
    for (int i = 0; i < LEARN_SEEN_COUNT; i++)
        ck_assert_int_eq(learn_seen_from_name(learn_seen_name((enum learn_seen)i)), i);
    ck_assert_int_eq(learn_seen_from_name("good"), -1);
}
END_TEST

/* A world in which each of two sorts of tips has its own right action, .5, and others .03. */
static int actions_to_good(bool learns, int episodes)
{
    int n = 0;
    srand(5);
    for (int e = 0; e < episodes; e++) {
        enum learn_seen seen = rand() % 2 ? LEARN_BAD : LEARN_ROWS;
        for (uint32_t k = 0;; k++) {
            struct learn_trial trial;
            lay_out(k % OPTIONS);
            size_t i = learns ? choose(seen) : k % OPTIONS;
            bool fits = seen == LEARN_BAD ? i >= STEPS : i >= 4 && i < STEPS;
            n++;
            learn_acted(&learned, &options[i].action, seen, &trial);
            if (rand() % 100 < (fits ? 50 : 3))
                break;
        }
        struct learn_trial trial;
        learn_good(&learned, &trial);
    }
    return n;
}

START_TEST(it_pays_where_the_right_action_matters)
{
    int ladder = actions_to_good(false, 300);
    setup();
    int learns = actions_to_good(true, 300);
    ck_assert_msg(learns < 0.55 * ladder, "%d actions against %d", learns, ladder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learn");
    TCase *tc = tcase_create("learn");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, without_a_record_it_is_the_ladder);
    tcase_add_test(tc, what_works_is_taken_and_said);
    tcase_add_test(tc, what_works_on_one_sort_of_tip_is_not_all);
    tcase_add_test(tc, failure_of_one_step_speaks_against_its_neighbours);
    tcase_add_test(tc, violence_is_dearer);
    tcase_add_test(tc, trials_begin_and_end);
    tcase_add_test(tc, what_failed_on_this_tip_counts_apart);
    tcase_add_test(tc, what_nobody_saw_the_end_of_is_no_trial);
    tcase_add_test(tc, too_many_different_actions_are_dropped);
    tcase_add_test(tc, sorts_of_tips_have_names);
    tcase_add_test(tc, it_pays_where_the_right_action_matters);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
