/* A report: figures with intervals, reliability, worst errors. */
#include "nn/report.h"

#include "nn/report_inside.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *nn_measure_name(enum nn_measure measure)
{
    static const char *const names[NN_MEASURE_COUNT] = {
        "roc_area", "average_precision", "balanced_accuracy", "sensitivity_at_human_specificity",
        "matthews", "calibration_error", "undecided"};
    return names[measure];
}

const char *nn_measure_title(enum nn_measure measure)
{
    static const char *const titles[NN_MEASURE_COUNT] = {
        "ROC area",    "average precision",    "balanced accuracy",
        "sensitivity", "Matthews coefficient", "calibration error",
        "undecided"};
    return titles[measure];
}

const char *nn_class_title(enum nn_class which)
{
    static const char *const titles[NN_CLASS_COUNT] = {"Individual Atoms", "Dimers, Asymmetries",
                                                       "Rows", "Bad/Blurry"};
    return titles[which];
}

static void count_frames(const struct report_shop *shop, struct nn_report *report)
{
    report->frames = shop->n;
    report->recordings = shop->n_recordings;
    for (uint32_t i = 0; i < shop->n; i++) {
        report->two_answers += shop->two[i];
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
            report->positives[k] += shop->truth[k][i] > 0.5F;
        if (shop->class_of[i] >= 0)
            report->class_frames[shop->class_of[i]]++;
        report->bad_frames += shop->agreed[i] && shop->bad_truth[i] == 1;
        report->good_frames += shop->agreed[i] && shop->bad_truth[i] == 0;
    }
}

static void fill_reliability(const struct report_shop *shop, struct nn_report *report)
{
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
            struct nn_judged judged = {
                .n = shop->n, .scores = shop->shares[share].scores[k], .positive = shop->truth[k]};
            nn_metric_reliability(&judged, report->reliability[share][k]);
        }
}

struct candidate {
    uint32_t example;
    float score;
    double weight; /* worst highest */
};

static int by_falling_weight(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return (x->example > y->example) - (x->example < y->example);
}

/* Frames on which all who answered agree about the label, and the full frame's answer is wrong. */
static uint32_t find_worst(const struct report_shop *shop, const struct nn_dataset *dataset,
                           uint32_t label, bool missed, struct nn_report_error *ret_errors)
{
    struct candidate *candidates = malloc((shop->n + (size_t)1) * sizeof *candidates);
    if (!candidates)
        abort();
    const struct report_share *full = &shop->shares[NN_SHARE_FULL];
    uint32_t n = 0;
    for (uint32_t i = 0; i < shop->n; i++) {
        float answer = shop->answers[label][i];
        if (full->said[label][i] == missed || (missed ? answer < 1.0F : answer > 0.0F))
            continue;
        float score = full->scores[label][i];
        bool several = dataset->examples[shop->example[i]].responses >= 2.0F;
        candidates[n++] =
            (struct candidate){.example = shop->example[i],
                               .score = score,
                               .weight = (several ? 2.0 : 0.0) + fabs((double)(answer - score))};
    }
    qsort(candidates, n, sizeof *candidates, by_falling_weight);
    n = n < NN_REPORT_ERRORS ? n : NN_REPORT_ERRORS;
    for (uint32_t i = 0; i < n; i++)
        ret_errors[i] = (struct nn_report_error){.example = candidates[i].example,
                                                 .score = candidates[i].score};
    free(candidates);
    return n;
}

static int fill(struct report_shop *shop, const struct nn_scores *scores,
                const struct nn_report_settings *settings, struct nn_report *report)
{
    const size_t n = sizeof report->figures / sizeof(struct nn_figure);
    struct nn_figure *figures = calloc(n, sizeof *figures);
    if (!figures)
        return -ENOMEM;
    report->folds = scores->folds;
    count_frames(shop, report);
    fill_reliability(shop, report);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        report->humans[k] = shop->humans[k];
        report->n_alarms[k] = find_worst(shop, scores->dataset, k, false, report->alarms[k]);
        report->n_misses[k] = find_worst(shop, scores->dataset, k, true, report->misses[k]);
    }
    struct nn_bootstrap bootstrap = {.n = shop->n,
                                     .group = shop->recording,
                                     .n_groups = shop->n_recordings,
                                     .draws = settings->draws,
                                     .seed = settings->seed};
    int error = nn_bootstrap_run(&bootstrap, report_measure, shop, n, figures);
    memcpy(&report->figures, figures, sizeof report->figures);
    free(figures);
    return error;
}

int nn_report_make(const struct nn_scores *scores, const struct nn_report_settings *settings,
                   struct nn_report **ret_report)
{
    struct report_shop shop;
    int error = report_shop_open(scores, settings, &shop);
    if (error)
        return error;
    struct nn_report *report = calloc(1, sizeof *report);
    error = report ? fill(&shop, scores, settings, report) : -ENOMEM;
    report_shop_close(&shop);
    if (error)
        free(report);
    else
        *ret_report = report;
    return error;
}

double nn_report_mean_auc(const struct nn_dataset *dataset, const float *ranks, const bool *use)
{
    float *columns = malloc((2 * (size_t)dataset->n + 1) * sizeof *columns);
    if (!columns)
        abort();
    float *own = columns;
    float *truth = columns + dataset->n;
    double mean = 0.0;
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < dataset->n; i++) {
            const struct nn_example *example = &dataset->examples[i];
            if (!use[example->recording] || example->picture.height < example->picture.width)
                continue;
            own[n] = ranks[(size_t)i * NN_LABEL_COUNT + k];
            truth[n++] = nn_scores_holds(example, k) ? 1.0F : 0.0F;
        }
        struct nn_judged judged = {.n = n, .scores = own, .positive = truth};
        mean += nn_metric_auc(&judged) / NN_LABEL_COUNT;
    }
    free(columns);
    return mean;
}
