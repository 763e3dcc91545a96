/* Thresholds and bounds, learnt from scores of left-out frames. */
#include "nn/decisions.h"

#include "nn/metrics.h"

#include <math.h>
#include <stdlib.h>

static const double full_odds = 3.0;  /* undecided within this factor of the threshold's odds, */
static const double full_share = 0.1; /* but at most this share of frames */
static const double accuracy_spared = 0.015; /* what deciding early may cost */

/* Distances from the threshold, in log odds, that are tried for early decisions. */
static const double distances[] = {0.0,
                                   0.25,
                                   0.5,
                                   0.75,
                                   1.0,
                                   1.25,
                                   1.5,
                                   1.75,
                                   2.0,
                                   2.5,
                                   3.0,
                                   3.5,
                                   4.0,
                                   5.0,
                                   6.0,
                                   8.0,
                                   (double)INFINITY};
enum { DISTANCES = sizeof distances / sizeof *distances };

/* One decision's frames. */
struct lesson {
    uint32_t n;
    float *scores[NN_SHARE_COUNT];  /* (n) each */
    float *margins[NN_SHARE_COUNT]; /* log odds of the score above the threshold's */
    float *truth;
    float thresholds[NN_SHARE_COUNT];
};

int nn_decision_truth(const struct nn_example *example, uint32_t decision)
{
    if (decision < NN_LABEL_COUNT)
        return nn_scores_holds(example, decision);
    bool feature = nn_scores_holds(example, NN_LABEL_ASYMMETRIES) ||
                   nn_scores_holds(example, NN_LABEL_INDIVIDUAL_ATOMS) ||
                   nn_scores_holds(example, NN_LABEL_DIMERS) ||
                   nn_scores_holds(example, NN_LABEL_ROWS);
    bool bad = nn_scores_holds(example, NN_LABEL_BAD_BLURRY);
    return bad == feature ? -1 : bad;
}

float nn_decision_score(const float *scores, uint32_t decision)
{
    return decision < NN_LABEL_COUNT ? scores[decision] : nn_calibration_bad(scores);
}

int nn_decide(const struct nn_decision *decision, float score)
{
    if (score >= decision->threshold && score >= decision->high)
        return 1;
    if (score < decision->threshold && score <= decision->low)
        return 0;
    return -1;
}

static double log_odds(double score)
{
    const double edge = 1e-7;
    double inside = fmin(fmax(score, edge), 1.0 - edge);
    return log(inside / (1.0 - inside));
}

static double from_log_odds(double odds)
{
    return 1.0 / (1.0 + exp(-odds));
}

static void finish_lesson(struct lesson *lesson)
{
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        free(lesson->scores[share]);
        free(lesson->margins[share]);
    }
    free(lesson->truth);
}

static float *column(uint32_t n)
{
    float *values = malloc((n + (size_t)1) * sizeof *values);
    if (!values)
        abort();
    return values;
}

static struct lesson take_lesson(const struct nn_scores *scores, const bool *use, uint32_t decision)
{
    const struct nn_dataset *dataset = scores->dataset;
    struct lesson lesson = {.truth = column(dataset->n)};
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        lesson.scores[share] = column(dataset->n);
        lesson.margins[share] = column(dataset->n);
    }
    for (uint32_t i = 0; i < dataset->n; i++) {
        const struct nn_example *example = &dataset->examples[i];
        int truth = nn_decision_truth(example, decision);
        if (truth < 0 || !nn_scores_count(scores, i) || (use && !use[example->recording]))
            continue;
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            lesson.scores[share][lesson.n] =
                nn_decision_score(scores->scores[share] + (size_t)i * NN_LABEL_COUNT, decision);
        lesson.truth[lesson.n++] = (float)truth;
    }
    return lesson;
}

/*
 * The best cut through scores that mean what they say is the share of frames that carry the label.
 * How likely a frame is bad is no such score.
 */
static float best_cut(const struct lesson *lesson, uint32_t share, uint32_t decision)
{
    struct nn_judged judged = {
        .n = lesson->n, .scores = lesson->scores[share], .positive = lesson->truth};
    if (decision >= NN_LABEL_COUNT)
        return nn_metric_best_threshold(&judged, NULL);
    double positives = 0.0;
    for (uint32_t i = 0; i < lesson->n; i++)
        positives += (double)lesson->truth[i];
    bool both = positives > 0.0 && positives < (double)lesson->n;
    return both ? (float)(positives / (double)lesson->n) : 0.5F;
}

static void learn_thresholds(struct lesson *lesson, uint32_t decision)
{
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        float threshold = best_cut(lesson, share, decision);
        lesson->thresholds[share] = threshold;
        for (uint32_t i = 0; i < lesson->n; i++)
            lesson->margins[share][i] =
                (float)(log_odds((double)lesson->scores[share][i]) - log_odds((double)threshold));
    }
}

/* What a sequential verdict is worth, and needs. */
struct trial {
    double right[2]; /* shares of those without and of those with, judged right */
    double seen;     /* mean share of the frame */
};

static struct trial try_distances(const struct lesson *lesson, float yes, float no)
{
    double total[2] = {0.0, 0.0};
    struct trial trial = {.seen = 0.0};
    for (uint32_t i = 0; i < lesson->n; i++) {
        uint32_t share = 0;
        while (share < NN_SHARE_FULL && lesson->margins[share][i] < yes &&
               lesson->margins[share][i] > -no)
            share++;
        bool said = lesson->margins[share][i] >= 0.0F;
        bool truth = lesson->truth[i] > 0.5F;
        trial.seen += nn_share(share) / (double)lesson->n;
        total[truth] += 1.0;
        trial.right[truth] += said == truth ? 1.0 : 0.0;
    }
    for (int truth = 0; truth < 2; truth++)
        trial.right[truth] /= total[truth]; /* NAN without any: nothing is good enough then */
    return trial;
}

/* Neither kind may pay for the other: what is saved on a rare one alone would be chance. */
static bool good_enough(const struct trial *trial, const struct trial *full)
{
    double lost[2] = {full->right[0] - trial->right[0], full->right[1] - trial->right[1]};
    return 0.5 * (lost[0] + lost[1]) <= accuracy_spared && lost[0] <= 2.0 * accuracy_spared &&
           lost[1] <= 2.0 * accuracy_spared;
}

static void learn_early(const struct lesson *lesson, double *ret_yes, double *ret_no)
{
    struct trial full = try_distances(lesson, INFINITY, INFINITY);
    *ret_yes = *ret_no = (double)INFINITY;
    double fewest = 1.0;
    for (int y = 0; y < DISTANCES; y++)
        for (int n = 0; n < DISTANCES; n++) {
            struct trial trial = try_distances(lesson, (float)distances[y], (float)distances[n]);
            if (good_enough(&trial, &full) && trial.seen < fewest) {
                fewest = trial.seen;
                *ret_yes = distances[y];
                *ret_no = distances[n];
            }
        }
}

static int rising(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

/* How far undecided reaches on the full frame. */
static double learn_full(const struct lesson *lesson)
{
    if (lesson->n == 0)
        return 0.0;
    float *away = column(lesson->n);
    for (uint32_t i = 0; i < lesson->n; i++)
        away[i] = fabsf(lesson->margins[NN_SHARE_FULL][i]);
    qsort(away, lesson->n, sizeof *away, rising);
    double distance = (double)away[(size_t)(full_share * (double)lesson->n)];
    free(away);
    return fmin(distance, log(full_odds));
}

static struct nn_decision decision_around(float threshold, double yes, double no)
{
    double middle = log_odds((double)threshold);
    return (struct nn_decision){.threshold = threshold,
                                .low = fminf((float)from_log_odds(middle - no), threshold),
                                .high = fmaxf((float)from_log_odds(middle + yes), threshold)};
}

void nn_decisions_learn(const struct nn_scores *scores, const bool *use,
                        struct nn_decisions *ret_decisions)
{
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++) {
        struct lesson lesson = take_lesson(scores, use, d);
        learn_thresholds(&lesson, d);
        double yes;
        double no;
        learn_early(&lesson, &yes, &no);
        for (uint32_t share = 0; share < NN_SHARE_FULL; share++)
            ret_decisions->at[share][d] = decision_around(lesson.thresholds[share], yes, no);
        double full = learn_full(&lesson);
        ret_decisions->at[NN_SHARE_FULL][d] =
            decision_around(lesson.thresholds[NN_SHARE_FULL], full, full);
        finish_lesson(&lesson);
    }
}

struct nn_decisions nn_decisions_of(const struct nn_calibration *calibration)
{
    struct nn_decisions decisions;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        struct nn_calibration_knot knot = nn_calibration_at(calibration, (float)nn_share(share));
        for (uint32_t d = 0; d < NN_DECISION_COUNT; d++)
            decisions.at[share][d] = knot.decisions[d];
    }
    return decisions;
}

void nn_decisions_store(const struct nn_decisions *decisions, struct nn_calibration *calibration)
{
    struct nn_calibration from = {.n = NN_SHARE_COUNT};
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        from.knots[share].seen = (float)nn_share(share);
        for (uint32_t d = 0; d < NN_DECISION_COUNT; d++)
            from.knots[share].decisions[d] = decisions->at[share][d];
    }
    for (uint32_t i = 0; i < calibration->n; i++) {
        struct nn_calibration_knot knot = nn_calibration_at(&from, calibration->knots[i].seen);
        for (uint32_t d = 0; d < NN_DECISION_COUNT; d++)
            calibration->knots[i].decisions[d] = knot.decisions[d];
    }
}
