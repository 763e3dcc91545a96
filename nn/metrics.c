/* ROC area, average precision, accuracy, calibration error. */
#include "nn/metrics.h"

#include <math.h>
#include <stdlib.h>

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

void nn_metric_order(uint32_t n, const float *scores, uint32_t *ret_order)
{
    struct ranked *ranking = malloc((n + (size_t)1) * sizeof *ranking);
    if (!ranking)
        abort();
    for (uint32_t i = 0; i < n; i++)
        ranking[i] = (struct ranked){.score = scores[i], .index = i};
    qsort(ranking, n, sizeof *ranking, by_falling_score);
    for (uint32_t i = 0; i < n; i++)
        ret_order[i] = ranking[i].index;
    free(ranking);
}

/* A walk down the ranking, one group of equal scores at a time. */
struct walk {
    const struct nn_judged *judged;
    const uint32_t *order;
    uint32_t *own; /* the order, when the caller had none */
    uint32_t at;
    double positives, negatives; /* of this group */
    float score;
};

static struct walk start_walk(const struct nn_judged *judged)
{
    struct walk walk = {.judged = judged, .order = judged->order};
    if (walk.order)
        return walk;
    walk.own = malloc((judged->n + (size_t)1) * sizeof *walk.own);
    if (!walk.own)
        abort();
    nn_metric_order(judged->n, judged->scores, walk.own);
    walk.order = walk.own;
    return walk;
}

static bool next_group(struct walk *walk)
{
    const struct nn_judged *judged = walk->judged;
    if (walk->at >= judged->n)
        return false;
    walk->positives = 0.0;
    walk->negatives = 0.0;
    walk->score = judged->scores[walk->order[walk->at]];
    for (; walk->at < judged->n && judged->scores[walk->order[walk->at]] == walk->score;
         walk->at++) {
        uint32_t i = walk->order[walk->at];
        double weight = judged->weights ? (double)judged->weights[i] : 1.0;
        walk->positives += weight * (double)judged->positive[i];
        walk->negatives += weight * (1.0 - (double)judged->positive[i]);
    }
    return true;
}

double nn_metric_auc(const struct nn_judged *judged)
{
    struct walk walk = start_walk(judged);
    double above = 0.0; /* positives with a higher score */
    double area = 0.0;
    double negatives = 0.0;
    while (next_group(&walk)) {
        area += walk.negatives * (above + 0.5 * walk.positives);
        above += walk.positives;
        negatives += walk.negatives;
    }
    free(walk.own);
    return above > 0.0 && negatives > 0.0 ? area / (above * negatives) : (double)NAN;
}

double nn_metric_average_precision(const struct nn_judged *judged)
{
    struct walk walk = start_walk(judged);
    double seen = 0.0;
    double found = 0.0;
    double sum = 0.0;
    while (next_group(&walk)) {
        seen += walk.positives + walk.negatives;
        found += walk.positives;
        if (walk.positives > 0.0)
            sum += walk.positives * found / seen;
    }
    free(walk.own);
    return found > 0.0 ? sum / found : (double)NAN;
}

static void count_kinds(const struct nn_judged *judged, double *ret_positives,
                        double *ret_negatives)
{
    *ret_positives = 0.0;
    *ret_negatives = 0.0;
    for (uint32_t i = 0; i < judged->n; i++) {
        double weight = judged->weights ? (double)judged->weights[i] : 1.0;
        *ret_positives += weight * (double)judged->positive[i];
        *ret_negatives += weight * (1.0 - (double)judged->positive[i]);
    }
}

double nn_metric_sensitivity_at(const struct nn_judged *judged, double specificity)
{
    double positives;
    double negatives;
    count_kinds(judged, &positives, &negatives);
    if (positives <= 0.0 || negatives <= 0.0)
        return (double)NAN;
    double room = (1.0 - specificity) * negatives; /* false alarms allowed */
    double hits = 0.0;
    struct walk walk = start_walk(judged);
    while (next_group(&walk)) {
        if (walk.negatives > room) {
            hits += walk.positives * room / walk.negatives;
            break;
        }
        room -= walk.negatives;
        hits += walk.positives;
    }
    free(walk.own);
    return hits / positives;
}

float nn_metric_best_threshold(const struct nn_judged *judged, double *ret_accuracy)
{
    double positives;
    double negatives;
    count_kinds(judged, &positives, &negatives);
    double hits = 0.0;
    double false_alarms = 0.0;
    double best = -1.0;
    float threshold = 0.5F;
    float above = INFINITY;
    struct walk walk = start_walk(judged);
    while (positives > 0.0 && negatives > 0.0) {
        double accuracy = 0.5 * (hits / positives + 1.0 - false_alarms / negatives);
        bool more = next_group(&walk);
        if (accuracy > best) {
            best = accuracy;
            /* Half way to the next lower score, so that the cut does not hang on one example. */
            float below = more ? walk.score : above;
            threshold = isfinite(above) ? 0.5F * (above + below) : below;
        }
        if (!more)
            break;
        hits += walk.positives;
        false_alarms += walk.negatives;
        above = walk.score;
    }
    free(walk.own);
    if (ret_accuracy)
        *ret_accuracy = best >= 0.0 ? best : (double)NAN;
    return threshold;
}

void nn_metric_reliability(const struct nn_judged *judged,
                           struct nn_reliability ret_bins[NN_CALIBRATION_BINS])
{
    for (int bin = 0; bin < NN_CALIBRATION_BINS; bin++)
        ret_bins[bin] = (struct nn_reliability){0};
    for (uint32_t i = 0; i < judged->n; i++) {
        int bin = (int)(judged->scores[i] * (float)NN_CALIBRATION_BINS);
        bin = bin < 0 ? 0 : bin >= NN_CALIBRATION_BINS ? NN_CALIBRATION_BINS - 1 : bin;
        double weight = judged->weights ? (double)judged->weights[i] : 1.0;
        ret_bins[bin].examples += weight;
        ret_bins[bin].score += weight * (double)judged->scores[i];
        ret_bins[bin].positive += weight * (double)judged->positive[i];
    }
    for (int bin = 0; bin < NN_CALIBRATION_BINS; bin++) {
        bool empty = ret_bins[bin].examples <= 0.0;
        ret_bins[bin].score = empty ? (double)NAN : ret_bins[bin].score / ret_bins[bin].examples;
        ret_bins[bin].positive =
            empty ? (double)NAN : ret_bins[bin].positive / ret_bins[bin].examples;
    }
}

double nn_metric_calibration_error(const struct nn_judged *judged)
{
    struct nn_reliability bins[NN_CALIBRATION_BINS];
    nn_metric_reliability(judged, bins);
    double error = 0.0;
    double total = 0.0;
    for (int bin = 0; bin < NN_CALIBRATION_BINS; bin++) {
        if (bins[bin].examples <= 0.0)
            continue;
        error += bins[bin].examples * fabs(bins[bin].score - bins[bin].positive);
        total += bins[bin].examples;
    }
    return total > 0.0 ? error / total : (double)NAN;
}

struct nn_counts nn_metric_count(const struct nn_judged *judged, const bool *said)
{
    struct nn_counts counts = {0};
    for (uint32_t i = 0; i < judged->n; i++) {
        double weight = judged->weights ? (double)judged->weights[i] : 1.0;
        double positive = weight * (double)judged->positive[i];
        if (said[i]) {
            counts.hits += positive;
            counts.false_alarms += weight - positive;
        } else {
            counts.misses += positive;
            counts.rejections += weight - positive;
        }
    }
    return counts;
}

double nn_counts_balanced_accuracy(const struct nn_counts *counts)
{
    double positives = counts->hits + counts->misses;
    double negatives = counts->false_alarms + counts->rejections;
    if (positives <= 0.0 || negatives <= 0.0)
        return (double)NAN;
    return 0.5 * (counts->hits / positives + counts->rejections / negatives);
}

double nn_counts_matthews(const struct nn_counts *counts)
{
    double margins = (counts->hits + counts->misses) * (counts->false_alarms + counts->rejections) *
                     (counts->hits + counts->false_alarms) * (counts->misses + counts->rejections);
    if (margins <= 0.0)
        return (double)NAN;
    return (counts->hits * counts->rejections - counts->misses * counts->false_alarms) /
           sqrt(margins);
}
