/* Metrics checked by hand, and intervals from drawing groups. */
#include "nn/bootstrap.h"
#include "nn/metrics.h"

#include <check.h>
#include <math.h>

static const float six_scores[6] = {0.9F, 0.8F, 0.6F, 0.6F, 0.3F, 0.1F};
static const float six_labels[6] = {1.0F, 0.0F, 1.0F, 0.0F, 1.0F, 0.0F};

static struct nn_judged six(void)
{
    return (struct nn_judged){.n = 6, .scores = six_scores, .positive = six_labels};
}

START_TEST(areas_by_hand)
{
    struct nn_judged judged = six();
    /* Pairs won: 3 + 1.5 + 1 of 9. */
    ck_assert_double_eq_tol(nn_metric_auc(&judged), 5.5 / 9.0, 1e-12);
    /* Precision 1 at the first, 2/4 at the tie, 3/5 at the last. */
    ck_assert_double_eq_tol(nn_metric_average_precision(&judged), (1.0 + 0.5 + 0.6) / 3.0, 1e-12);
    /* Each score in a bin of its own but for the two of .6. */
    double wanted = (0.1 + 0.8 + fabs(1.2 - 1.0) + 0.7 + 0.1) / 6.0;
    ck_assert_double_eq_tol(nn_metric_calibration_error(&judged), wanted, 1e-6);
    const uint32_t weights[6] = {2, 1, 0, 1, 1, 3};
    judged.weights = weights;
    /* Two wins of 5, one of 3. */
    ck_assert_double_eq_tol(nn_metric_auc(&judged), (2.0 * 5.0 + 3.0) / 15.0, 1e-12);
    uint32_t order[6];
    nn_metric_order(6, six_scores, order);
    judged.order = order;
    ck_assert_double_eq_tol(nn_metric_auc(&judged), (2.0 * 5.0 + 3.0) / 15.0, 1e-12);
    judged.n = 1;
    judged.order = NULL;
    ck_assert(isnan(nn_metric_auc(&judged)));
}
END_TEST

START_TEST(weights_count_as_copies_do)
{
    const float scores[9] = {0.9F, 0.9F, 0.8F, 0.6F, 0.3F, 0.1F, 0.1F, 0.1F, 0.6F};
    const float labels[9] = {1.0F, 1.0F, 0.0F, 0.0F, 1.0F, 0.0F, 0.0F, 0.0F, 1.0F};
    const uint32_t weights[6] = {2, 1, 1, 1, 1, 3};
    struct nn_judged copied = {.n = 9, .scores = scores, .positive = labels};
    struct nn_judged weighted = six();
    weighted.weights = weights;
    ck_assert_double_eq_tol(nn_metric_auc(&copied), nn_metric_auc(&weighted), 1e-12);
    ck_assert_double_eq_tol(nn_metric_average_precision(&copied),
                            nn_metric_average_precision(&weighted), 1e-12);
    ck_assert_double_eq_tol(nn_metric_calibration_error(&copied),
                            nn_metric_calibration_error(&weighted), 1e-12);
    ck_assert_double_eq_tol(nn_metric_sensitivity_at(&copied, 0.7),
                            nn_metric_sensitivity_at(&weighted, 0.7), 1e-12);
}
END_TEST

START_TEST(shares_count_as_that_many_of_each)
{
    /* Two answers of which one says yes: one frame that carries the label, one that does not. */
    const float half[3] = {1.0F, 0.5F, 0.0F};
    const float scores[3] = {0.9F, 0.5F, 0.1F};
    const float twice_scores[4] = {0.9F, 0.5F, 0.5F, 0.1F};
    const float twice[4] = {1.0F, 1.0F, 0.0F, 0.0F};
    const uint32_t weights[3] = {1, 2, 1};
    struct nn_judged shared = {.n = 3, .scores = scores, .positive = half, .weights = weights};
    struct nn_judged apart = {.n = 4, .scores = twice_scores, .positive = twice};
    ck_assert_double_eq_tol(nn_metric_auc(&shared), nn_metric_auc(&apart), 1e-12);
    ck_assert_double_eq_tol(nn_metric_sensitivity_at(&shared, 0.6),
                            nn_metric_sensitivity_at(&apart, 0.6), 1e-12);
}
END_TEST

START_TEST(sensitivity_lies_on_the_curve)
{
    struct nn_judged judged = six();
    /* False alarms come with the second, the third and the last. */
    ck_assert_double_eq_tol(nn_metric_sensitivity_at(&judged, 1.0), 1.0 / 3.0, 1e-12);
    ck_assert_double_eq_tol(nn_metric_sensitivity_at(&judged, 2.0 / 3.0), 1.0 / 3.0, 1e-12);
    ck_assert_double_eq_tol(nn_metric_sensitivity_at(&judged, 0.5), 0.5, 1e-12);
    ck_assert_double_eq_tol(nn_metric_sensitivity_at(&judged, 1.0 / 3.0), 1.0, 1e-12);
    judged.n = 1;
    ck_assert(isnan(nn_metric_sensitivity_at(&judged, 0.5)));
}
END_TEST

START_TEST(the_best_threshold_parts_the_two)
{
    const float scores[5] = {0.9F, 0.2F, 0.7F, 0.3F, 0.25F};
    const float labels[5] = {1.0F, 0.0F, 1.0F, 1.0F, 0.0F};
    struct nn_judged judged = {.n = 5, .scores = scores, .positive = labels};
    double accuracy;
    float threshold = nn_metric_best_threshold(&judged, &accuracy);
    ck_assert_double_eq_tol(accuracy, 1.0, 1e-12);
    ck_assert_float_eq_tol(threshold, 0.275F, 1e-6F);
    judged.n = 1;
    nn_metric_best_threshold(&judged, &accuracy);
    ck_assert(isnan(accuracy));
}
END_TEST

START_TEST(counts_by_hand)
{
    struct nn_judged judged = six();
    const bool said[6] = {true, true, true, true, false, false};
    struct nn_counts counts = nn_metric_count(&judged, said);
    ck_assert_double_eq(counts.hits, 2.0);
    ck_assert_double_eq(counts.misses, 1.0);
    ck_assert_double_eq(counts.false_alarms, 2.0);
    ck_assert_double_eq(counts.rejections, 1.0);
    ck_assert_double_eq_tol(nn_counts_balanced_accuracy(&counts), 0.5, 1e-12);
    ck_assert_double_eq_tol(nn_counts_matthews(&counts), 0.0, 1e-12);
    counts = (struct nn_counts){.hits = 3.0, .misses = 1.0, .false_alarms = 1.0, .rejections = 5.0};
    ck_assert_double_eq_tol(nn_counts_matthews(&counts), 14.0 / 24.0, 1e-12);
    counts = (struct nn_counts){.hits = 3.0};
    ck_assert(isnan(nn_counts_balanced_accuracy(&counts)));
    ck_assert(isnan(nn_counts_matthews(&counts)));
}
END_TEST

START_TEST(reliability_has_a_bin_per_fifteenth)
{
    const float scores[4] = {0.0F, 0.05F, 0.99F, 1.0F};
    const float labels[4] = {0.0F, 1.0F, 1.0F, 1.0F};
    struct nn_judged judged = {.n = 4, .scores = scores, .positive = labels};
    struct nn_reliability bins[NN_CALIBRATION_BINS];
    nn_metric_reliability(&judged, bins);
    ck_assert_double_eq(bins[0].examples, 2.0);
    ck_assert_double_eq_tol(bins[0].score, 0.025, 1e-6);
    ck_assert_double_eq(bins[0].positive, 0.5);
    ck_assert_double_eq(bins[14].examples, 2.0);
    ck_assert_double_eq(bins[7].examples, 0.0);
    ck_assert(isnan(bins[7].score));
}
END_TEST

struct column {
    uint32_t n;
    const double *values;
};

static void mean_and_nothing(void *context, const uint32_t *weights, double *ret_values)
{
    const struct column *column = context;
    double sum = 0.0;
    double n = 0.0;
    for (uint32_t i = 0; i < column->n; i++) {
        sum += (double)weights[i] * column->values[i];
        n += (double)weights[i];
    }
    ret_values[0] = sum / n;
    ret_values[1] = NAN;
}

START_TEST(intervals_are_of_groups_not_of_examples)
{
    enum { N = 400, GROUPS = 20 };
    double values[N];
    uint32_t coarse[N];
    uint32_t fine[N];
    for (uint32_t i = 0; i < N; i++) {
        coarse[i] = i % GROUPS;
        fine[i] = i;
        values[i] = (double)(i % GROUPS); /* the same all over a group */
    }
    struct column column = {.n = N, .values = values};
    struct nn_bootstrap bootstrap = {
        .n = N, .group = coarse, .n_groups = GROUPS, .draws = 1000, .seed = 7};
    struct nn_figure wide[2];
    struct nn_figure again[2];
    struct nn_figure narrow[2];
    ck_assert_int_eq(nn_bootstrap_run(&bootstrap, mean_and_nothing, &column, 2, wide), 0);
    ck_assert_int_eq(nn_bootstrap_run(&bootstrap, mean_and_nothing, &column, 2, again), 0);
    bootstrap.group = fine;
    bootstrap.n_groups = N;
    ck_assert_int_eq(nn_bootstrap_run(&bootstrap, mean_and_nothing, &column, 2, narrow), 0);
    ck_assert_double_eq_tol(wide[0].value, 9.5, 1e-12);
    /* The mean of 20 draws from 0..19: deviation 5.766 / sqrt(20) = 1.289. */
    ck_assert_double_eq_tol(wide[0].high - wide[0].low, 2.0 * 1.96 * 1.289, 0.6);
    ck_assert_double_eq_tol(narrow[0].high - narrow[0].low, 2.0 * 1.96 * 5.766 / 20.0, 0.2);
    ck_assert(wide[0].low == again[0].low && wide[0].high == again[0].high);
    ck_assert(isnan(wide[1].value) && isnan(wide[1].low) && isnan(wide[1].high));
    bootstrap.draws = 0;
    ck_assert_int_eq(nn_bootstrap_run(&bootstrap, mean_and_nothing, &column, 2, wide), 0);
    ck_assert_double_eq_tol(wide[0].value, 9.5, 1e-12);
    ck_assert(isnan(wide[0].low));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tcase = tcase_create("metrics");
    tcase_add_test(tcase, areas_by_hand);
    tcase_add_test(tcase, weights_count_as_copies_do);
    tcase_add_test(tcase, shares_count_as_that_many_of_each);
    tcase_add_test(tcase, sensitivity_lies_on_the_curve);
    tcase_add_test(tcase, the_best_threshold_parts_the_two);
    tcase_add_test(tcase, counts_by_hand);
    tcase_add_test(tcase, reliability_has_a_bin_per_fifteenth);
    tcase_add_test(tcase, intervals_are_of_groups_not_of_examples);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
