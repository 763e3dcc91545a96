/* All figures of a report with one set of weights. */
#include "nn/report_inside.h"

#include <math.h>
#include <string.h>

_Static_assert(sizeof(struct nn_report_figures) % sizeof(struct nn_figure) == 0,
               "nothing but figures");

static double share_of(double part, double whole)
{
    return whole > 0.0 ? part / whole : (double)NAN;
}

static void measure_label(const struct report_shop *shop, const struct report_share *share,
                          uint32_t k, const uint32_t *weights, struct nn_figure *ret_row)
{
    struct nn_judged ranked = {.n = shop->n,
                               .scores = share->logits[k],
                               .positive = shop->truth[k],
                               .weights = weights,
                               .order = share->order[k]};
    struct nn_judged scored = ranked;
    scored.scores = share->scores[k];
    scored.order = NULL;
    struct nn_judged against = ranked;
    against.positive = shop->answers[k];
    against.weights = shop->two_weights;
    struct nn_counts counts = nn_metric_count(&scored, share->said[k]);
    double all = 0.0;
    double undecided = 0.0;
    for (uint32_t i = 0; i < shop->n; i++) {
        all += (double)weights[i];
        undecided += share->answer[k][i] < 0 ? (double)weights[i] : 0.0;
    }
    ret_row[NN_MEASURE_AUC].value = nn_metric_auc(&ranked);
    ret_row[NN_MEASURE_PRECISION].value = nn_metric_average_precision(&ranked);
    ret_row[NN_MEASURE_ACCURACY].value = nn_counts_balanced_accuracy(&counts);
    ret_row[NN_MEASURE_SENSITIVITY].value =
        nn_metric_sensitivity_at(&against, shop->humans[k].specificity);
    ret_row[NN_MEASURE_MATTHEWS].value = nn_counts_matthews(&counts);
    ret_row[NN_MEASURE_CALIBRATION].value = nn_metric_calibration_error(&scored);
    ret_row[NN_MEASURE_UNDECIDED].value = share_of(undecided, all);
}

static void measure_confusion(const struct report_shop *shop, const struct report_share *share,
                              const uint32_t *weights, struct nn_report_share *ret)
{
    double called[NN_LABEL_COUNT][NN_LABEL_COUNT] = {{0.0}};
    double labelled[NN_LABEL_COUNT] = {0.0};
    for (uint32_t i = 0; i < shop->n; i++)
        for (uint32_t k = 0; k < NN_LABEL_COUNT && weights[i]; k++) {
            if (shop->truth[k][i] < 0.5F)
                continue;
            labelled[k] += (double)weights[i];
            for (uint32_t j = 0; j < NN_LABEL_COUNT; j++)
                called[k][j] += share->said[j][i] ? (double)weights[i] : 0.0;
        }
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        for (uint32_t j = 0; j < NN_LABEL_COUNT; j++)
            ret->confusion[k][j].value = share_of(called[k][j], labelled[k]);
}

static void measure_classes(const struct report_shop *shop, const struct report_share *share,
                            struct nn_report_share *ret)
{
    double said[NN_CLASS_COUNT][NN_CLASS_COUNT] = {{0.0}};
    double whole[NN_CLASS_COUNT] = {0.0};
    for (uint32_t i = 0; i < shop->n; i++)
        if (shop->class_weights[i]) {
            uint8_t c = (uint8_t)shop->class_of[i];
            whole[c] += (double)shop->class_weights[i];
            said[c][share->class_said[i]] += (double)shop->class_weights[i];
        }
    double auc = 0.0;
    double accuracy = 0.0;
    for (uint32_t c = 0; c < NN_CLASS_COUNT; c++) {
        struct nn_judged judged = {.n = shop->n,
                                   .scores = share->classes[c],
                                   .positive = shop->class_truth[c],
                                   .weights = shop->class_weights,
                                   .order = share->class_order[c]};
        auc += nn_metric_auc(&judged) / NN_CLASS_COUNT;
        for (uint32_t j = 0; j < NN_CLASS_COUNT; j++)
            ret->class_confusion[c][j].value = share_of(said[c][j], whole[c]);
        accuracy += share_of(said[c][c], whole[c]) / NN_CLASS_COUNT;
    }
    ret->class_auc.value = auc;
    ret->class_accuracy.value = accuracy;
}

static void measure_bad(const struct report_shop *shop, uint32_t at, struct nn_report_share *ret)
{
    const struct report_share *share = &shop->shares[at];
    double all = 0.0;
    double undecided = 0.0;
    double bad = 0.0;
    double rejected = 0.0;
    struct nn_judged judged = {.n = shop->n,
                               .scores = share->bad,
                               .positive = shop->bad_positive,
                               .weights = shop->bad_weights,
                               .order = share->bad_order};
    for (uint32_t i = 0; i < shop->n; i++) {
        double weight = (double)shop->bad_weights[i];
        all += weight;
        undecided += share->answer[NN_DECISION_BAD][i] < 0 ? weight : 0.0;
        if (shop->bad_truth[i] == 1) {
            bad += weight;
            rejected += shop->stop[NN_DECISION_BAD][i] <= at && shop->stop_said[NN_DECISION_BAD][i]
                            ? weight
                            : 0.0;
        }
    }
    struct nn_counts counts = nn_metric_count(&judged, share->bad_said);
    ret->bad_auc.value = nn_metric_auc(&judged);
    ret->bad_accuracy.value = nn_counts_balanced_accuracy(&counts);
    ret->bad_undecided.value = share_of(undecided, all);
    ret->rejected.value = share_of(rejected, bad);
}

static void measure_decided(const struct report_shop *shop, uint32_t at, const uint32_t *weights,
                            struct nn_report_share *ret)
{
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++) {
        double all = 0.0;
        double decided = 0.0;
        for (uint32_t i = 0; i < shop->n; i++) {
            all += (double)weights[i];
            decided += shop->stop[d][i] <= at ? (double)weights[i] : 0.0;
        }
        ret->decided[d].value = share_of(decided, all);
    }
}

static void measure_share(const struct report_shop *shop, uint32_t at, const uint32_t *weights,
                          struct nn_report_share *ret)
{
    const struct report_share *share = &shop->shares[at];
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        measure_label(shop, share, k, weights, ret->labels[k]);
    for (int m = 0; m < NN_MEASURE_COUNT; m++) {
        double mean = 0.0;
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
            mean += ret->labels[k][m].value / NN_LABEL_COUNT;
        ret->labels[NN_REPORT_MEAN][m].value = mean;
    }
    measure_confusion(shop, share, weights, ret);
    measure_classes(shop, share, ret);
    measure_bad(shop, at, ret);
    measure_decided(shop, at, weights, ret);
}

static void measure_together(const struct report_shop *shop, const uint32_t *weights,
                             struct nn_report_figures *ret)
{
    double both[NN_LABEL_COUNT][NN_LABEL_COUNT] = {{0.0}};
    for (uint32_t i = 0; i < shop->n; i++)
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
            for (uint32_t j = 0; j < NN_LABEL_COUNT && shop->truth[k][i] > 0.5F; j++)
                both[k][j] += shop->truth[j][i] > 0.5F ? (double)weights[i] : 0.0;
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        for (uint32_t j = 0; j < NN_LABEL_COUNT; j++)
            ret->together[k][j].value = share_of(both[k][j], both[k][k]);
}

static void measure_sequence(const struct report_shop *shop, uint32_t d, const uint32_t *weights,
                             struct nn_report_sequence *ret)
{
    bool label = d < NN_LABEL_COUNT;
    const struct report_share *full = &shop->shares[NN_SHARE_FULL];
    struct nn_judged judged = {.n = shop->n,
                               .positive = label ? shop->truth[d] : shop->bad_positive,
                               .weights = label ? weights : shop->bad_weights};
    struct nn_counts early = nn_metric_count(&judged, shop->stop_said[d]);
    struct nn_counts late = nn_metric_count(&judged, label ? full->said[d] : full->bad_said);
    double all = 0.0;
    double seen = 0.0;
    for (uint32_t i = 0; i < shop->n; i++) {
        all += (double)judged.weights[i];
        seen += (double)judged.weights[i] * nn_share(shop->stop[d][i]);
    }
    ret->seen.value = share_of(seen, all);
    ret->accuracy.value = nn_counts_balanced_accuracy(&early);
    ret->full.value = nn_counts_balanced_accuracy(&late);
    ret->cost.value = ret->full.value - ret->accuracy.value;
}

static void measure_sequences(const struct report_shop *shop, const uint32_t *weights,
                              struct nn_report_figures *ret)
{
    struct nn_report_sequence *mean = &ret->sequence_mean;
    mean->seen.value = mean->accuracy.value = mean->full.value = mean->cost.value = 0.0;
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++) {
        struct nn_report_sequence *own = &ret->sequences[d];
        measure_sequence(shop, d, weights, own);
        if (d >= NN_LABEL_COUNT)
            continue;
        mean->seen.value += own->seen.value / NN_LABEL_COUNT;
        mean->accuracy.value += own->accuracy.value / NN_LABEL_COUNT;
        mean->full.value += own->full.value / NN_LABEL_COUNT;
        mean->cost.value += own->cost.value / NN_LABEL_COUNT;
    }
    double bad = 0.0;
    double seen = 0.0;
    for (uint32_t i = 0; i < shop->n; i++)
        if (shop->bad_truth[i] == 1) {
            double weight = (double)shop->bad_weights[i];
            bool said = shop->stop_said[NN_DECISION_BAD][i];
            bad += weight;
            seen += weight * (said ? nn_share(shop->stop[NN_DECISION_BAD][i]) : 1.0);
        }
    ret->rejected_after.value = share_of(seen, bad);
}

void report_measure(void *context, const uint32_t *weights, double *ret_values)
{
    struct report_shop *shop = context;
    for (uint32_t i = 0; i < shop->n; i++) {
        shop->two_weights[i] = shop->two[i] ? weights[i] : 0;
        shop->class_weights[i] = shop->class_of[i] >= 0 ? weights[i] : 0;
        shop->bad_weights[i] = shop->agreed[i] && shop->bad_truth[i] >= 0 ? weights[i] : 0;
    }
    struct nn_report_figures figures;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        measure_share(shop, share, weights, &figures.shares[share]);
    measure_together(shop, weights, &figures);
    measure_sequences(shop, weights, &figures);
    for (size_t i = 0; i < sizeof figures / sizeof(struct nn_figure); i++) {
        struct nn_figure figure;
        memcpy(&figure, (const char *)&figures + i * sizeof figure, sizeof figure);
        ret_values[i] = figure.value;
    }
}
