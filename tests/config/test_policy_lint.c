/*
 * The lint against brute force: what it says of conditions must be true of every verdict, and what
 * it says of a policy must be true of many random ones.
 */
#include "config/policy_lint.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { VERDICTS = 400 };

/* Scores on a grid of 0.05, so that thresholds are often met exactly. */
static double verdicts[VERDICTS][POLICY_TIP_GOOD + 1];

static void draw_verdicts(void)
{
    for (int v = 0; v < VERDICTS; v++)
        for (int i = 0; i <= POLICY_TIP_GOOD; i++)
            verdicts[v][i] = (rand() % 21) * 0.05;
}

static double score(const double *verdict, int label, const bool *accept)
{
    double best = -1;
    if (label != POLICY_WANTED)
        return verdict[label];
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        if (accept[i] && verdict[i] > best)
            best = verdict[i];
    return best;
}

static bool holds(const struct policy_condition *c, const double *verdict, const bool *accept)
{
    double s = score(verdict, c->label, accept);
    return c->below ? s < c->threshold : s >= c->threshold;
}

static struct policy_condition draw_condition(void)
{
    return (struct policy_condition){rand() % (POLICY_TIP_GOOD + 1), rand() % 2 == 0,
                                     (1 + rand() % 19) * 0.05};
}

static void draw_accept(bool *accept)
{
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        accept[i] = rand() % 3 == 0;
    accept[rand() % NN_LABEL_COUNT] = true;
}

START_TEST(implication_is_sound)
{
    srand(3);
    int claimed = 0;
    for (int i = 0; i < 3000; i++) {
        bool accept[NN_LABEL_COUNT];
        struct policy_condition a = draw_condition(), b = draw_condition();
        draw_accept(accept);
        if (i % 50 == 0)
            draw_verdicts();
        if (!lint_implies(&a, &b, accept))
            continue;
        claimed++;
        for (int v = 0; v < VERDICTS; v++)
            ck_assert(!holds(&a, verdicts[v], accept) || holds(&b, verdicts[v], accept));
    }
    ck_assert_int_gt(claimed, 100);
}
END_TEST

/* Where one condition implies another and both are about one label, the lint sees it. */
START_TEST(implication_is_complete_for_one_label)
{
    static const bool accept[NN_LABEL_COUNT] = {[NN_LABEL_DIMERS] = true};
    const struct policy_condition dimers = {NN_LABEL_DIMERS, false, 0.6};
    const struct policy_condition wanted = {POLICY_WANTED, false, 0.6};
    const struct policy_condition below = {POLICY_WANTED, true, 0.6};
    const struct policy_condition dimers_below = {NN_LABEL_DIMERS, true, 0.7};
    ck_assert(lint_implies(&dimers, &wanted, accept));
    ck_assert(lint_implies(&wanted, &dimers, accept));
    ck_assert(lint_implies(&below, &dimers_below, accept));
    ck_assert(!lint_implies(&dimers_below, &below, accept));
    static const bool both[NN_LABEL_COUNT] = {[NN_LABEL_DIMERS] = true, [NN_LABEL_ROWS] = true};
    ck_assert(lint_implies(&dimers, &wanted, both));
    ck_assert(!lint_implies(&wanted, &dimers, both));
}
END_TEST

static int append_conditions(char *text, size_t size, const char *key)
{
    int used = snprintf(text, size, "    %s: [", key);
    int n = 1 + rand() % 3;
    for (int i = 0; i < n; i++) {
        struct policy_condition c = draw_condition();
        used += snprintf(text + used, size - (size_t)used, "%s%s %s %.2f", i ? ", " : "",
                         schema_label_name(c.label), c.below ? "<" : ">=", c.threshold);
    }
    return used + snprintf(text + used, size - (size_t)used, "]\n");
}

/* A policy of random rules; most are refused, some by only the lint. */
static void draw_policy(char *text, size_t size)
{
    static const char *const answers[] = {
        "good",
        "hold",
        "park",
        "wait\n    at_most: {per_episode: 3}",
        "crash\n    depth: {from: 0.3 nm, to: 0.5 nm, step: 0.1 nm}",
        "new_area\n    at_most: {per_episode: 2}",
    };
    int used = snprintf(text, size,
                        "policy_version: 1\nname: x\nprofile: h_si_100\n"
                        "accept: {labels: [dimers%s]}\nrules:\n",
                        rand() % 2 ? ", rows" : "");
    int n = 3 + rand() % 3;
    for (int i = 0; i < n; i++) {
        used += snprintf(text + used, size - (size_t)used, "  - name: r%d\n", i);
        used += append_conditions(text + used, size - (size_t)used, "when");
        used += snprintf(text + used, size - (size_t)used, "    confirm: %d %s\n    then: %s\n",
                         1 + rand() % 3, rand() % 2 ? "frames" : "verdicts", answers[rand() % 6]);
    }
    snprintf(text + used, size - (size_t)used,
             "  - {name: good, when: [wanted >= 0.70, bad_blurry < 0.30], confirm: 2 frames, then: "
             "good}\n"
             "  - {name: c, when: [bad_blurry >= 0.50], then: crash, depth: 0.3 nm, at_most: "
             "{per_episode: 3}}\n"
             "  - {name: last, when: always, confirm: 9 frames, then: park}\n");
}

static bool all_hold(const struct policy_condition *list, size_t n, const double *verdict,
                     const bool *accept)
{
    for (size_t i = 0; i < n; i++)
        if (!holds(&list[i], verdict, accept))
            return false;
    return true;
}

/* What acceptance promises: no accepted rule acts on the tip where an accepted `good` holds. */
static void check_promise(const struct policy *policy)
{
    for (size_t i = 0; i < policy->n_rules; i++)
        for (size_t g = 0; g < policy->n_rules; g++) {
            const struct policy_rule *rule = &policy->rules[i], *good = &policy->rules[g];
            if (good->response != POLICY_GOOD || rule->response != POLICY_DO)
                continue;
            for (int v = 0; v < VERDICTS; v++)
                ck_assert(!all_hold(rule->when, rule->n_when, verdicts[v], policy->accept) ||
                          !all_hold(good->when, good->n_when, verdicts[v], policy->accept));
        }
}

START_TEST(accepted_policies_never_act_on_a_good_tip)
{
    static char text[8192];
    static struct policy policy;
    int accepted = 0;
    srand(4);
    draw_verdicts();
    for (int i = 0; i < 1500; i++) {
        struct policy_errors errors;
        draw_policy(text, sizeof(text));
        if (policy_parse("x", text, strlen(text), &policy, &errors) == 0) {
            accepted++;
            check_promise(&policy);
        }
        policy_errors_finish(&errors);
    }
    ck_assert_int_gt(accepted, 10);
}
END_TEST

/* What "can never answer" claims: whenever the later rule holds, so does the earlier one. */
START_TEST(unreachable_is_true)
{
    static char text[8192];
    int claimed = 0;
    srand(5);
    draw_verdicts();
    for (int i = 0; i < 2000; i++) {
        struct policy_condition a = draw_condition(), b = draw_condition();
        static const bool accept[NN_LABEL_COUNT] = {[NN_LABEL_DIMERS] = true};
        struct policy_errors errors;
        static struct policy policy;
        snprintf(text, sizeof(text),
                 "policy_version: 1\nname: x\nprofile: h_si_100\naccept: {labels: [dimers]}\n"
                 "rules:\n"
                 "  - {name: a, when: [%s %s %.2f], then: hold}\n"
                 "  - {name: b, when: [%s %s %.2f, bad_blurry >= 0.50], then: park}\n",
                 schema_label_name(a.label), a.below ? "<" : ">=", a.threshold,
                 schema_label_name(b.label), b.below ? "<" : ">=", b.threshold);
        policy_parse("x", text, strlen(text), &policy, &errors);
        for (size_t k = 0; k < errors.n; k++) {
            if (!strstr(errors.list[k].message, "rule 'b' can never answer"))
                continue;
            claimed++;
            for (int v = 0; v < VERDICTS; v++)
                ck_assert(!holds(&b, verdicts[v], accept) ||
                          verdicts[v][NN_LABEL_BAD_BLURRY] < 0.5 || holds(&a, verdicts[v], accept));
        }
        policy_errors_finish(&errors);
    }
    ck_assert_int_gt(claimed, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_lint");
    TCase *tc = tcase_create("policy_lint");
    tcase_add_test(tc, implication_is_sound);
    tcase_add_test(tc, implication_is_complete_for_one_label);
    tcase_add_test(tc, accepted_policies_never_act_on_a_good_tip);
    tcase_add_test(tc, unreachable_is_true);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
