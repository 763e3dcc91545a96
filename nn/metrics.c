/* ROC area, average precision, balanced accuracy, calibration error. */
#include "nn/metrics.h"

#include <math.h>
#include <stdlib.h>

enum { CALIBRATION_BINS = 15 };

struct ranked {
    float score;
    uint32_t index;
};

static int by_falling_score(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

static struct ranked *rank(const struct nn_judged *judged)
{
    struct ranked *ranking = malloc((judged->n + 1) * sizeof *ranking);
    if (!ranking)
        abort();
    for (uint32_t i = 0; i < judged->n; i++)
        ranking[i] = (struct ranked){.score = judged->scores[i], .index = i};
    qsort(ranking, judged->n, sizeof *ranking, by_falling_score);
    return ranking;
}

static double weight_of(const struct nn_judged *judged, uint32_t i)
{
    return judged->weights ? (double)judged->weights[i] : 1.0;
}

double nn_metric_auc(const struct nn_judged *judged)
{
    struct ranked *ranking = rank(judged);
    double above = 0.0; /* positives with a higher score */
    double area = 0.0;
    double negatives = 0.0;
    for (uint32_t i = 0; i < judged->n;) {
        double positive_ties = 0.0;
        double negative_ties = 0.0;
        float score = ranking[i].score;
        for (; i < judged->n && ranking[i].score == score; i++) {
            double weight = weight_of(judged, ranking[i].index);
            if (judged->positive[ranking[i].index])
                positive_ties += weight;
            else
                negative_ties += weight;
        }
        area += negative_ties * (above + 0.5 * positive_ties);
        above += positive_ties;
        negatives += negative_ties;
    }
    free(ranking);
    return above > 0.0 && negatives > 0.0 ? area / (above * negatives) : (double)NAN;
}

double nn_metric_average_precision(const struct nn_judged *judged)
{
    struct ranked *ranking = rank(judged);
    double seen = 0.0;
    double found = 0.0;
    double sum = 0.0;
    for (uint32_t i = 0; i < judged->n;) {
        double found_before = found;
        float score = ranking[i].score;
        for (; i < judged->n && ranking[i].score == score; i++) {
            double weight = weight_of(judged, ranking[i].index);
            seen += weight;
            if (judged->positive[ranking[i].index])
                found += weight;
        }
        if (found > found_before)
            sum += (found - found_before) * found / seen;
    }
    free(ranking);
    return found > 0.0 ? sum / found : (double)NAN;
}

double nn_metric_balanced_accuracy(const struct nn_judged *judged, float threshold)
{
    double total[2] = {0.0, 0.0};
    double right[2] = {0.0, 0.0};
    for (uint32_t i = 0; i < judged->n; i++) {
        bool said = judged->scores[i] >= threshold;
        total[judged->positive[i]] += weight_of(judged, i);
        if (said == judged->positive[i])
            right[judged->positive[i]] += weight_of(judged, i);
    }
    if (total[0] <= 0.0 || total[1] <= 0.0)
        return (double)NAN;
    return 0.5 * (right[0] / total[0] + right[1] / total[1]);
}

double nn_metric_calibration_error(const struct nn_judged *judged)
{
    double scores[CALIBRATION_BINS] = {0.0};
    double positives[CALIBRATION_BINS] = {0.0};
    double total = 0.0;
    for (uint32_t i = 0; i < judged->n; i++) {
        int bin = (int)(judged->scores[i] * (float)CALIBRATION_BINS);
        bin = bin < 0 ? 0 : bin >= CALIBRATION_BINS ? CALIBRATION_BINS - 1 : bin;
        double weight = weight_of(judged, i);
        scores[bin] += weight * (double)judged->scores[i];
        positives[bin] += judged->positive[i] ? weight : 0.0;
        total += weight;
    }
    double error = 0.0;
    for (int bin = 0; bin < CALIBRATION_BINS; bin++)
        error += fabs(scores[bin] - positives[bin]);
    return total > 0.0 ? error / total : (double)NAN;
}
