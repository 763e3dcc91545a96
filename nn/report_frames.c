/* From scores and votes to what a report measures. */
#include "nn/report_inside.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { BLOCKS_MAX = 512 };

/*
 * One rater against another on the public table of 4,981 images, those with exactly two answers:
 * counted from "Classified Output 10-Aug-2017.xlsx" of OGordon100/SPM-Toolbox, commit 9b3c75b8.
 */
static const struct nn_second_human public_humans[NN_LABEL_COUNT] = {
    {.474, .951}, {.711, .974}, {.771, .851}, {.696, .924}, {.728, .948}, {.732, .788},
};

/* Zeroed, freed with the shop. */
static void *take(struct report_shop *shop, size_t n, size_t size)
{
    void *block = shop->n_blocks < BLOCKS_MAX ? calloc(n + 1, size) : NULL;
    if (!block)
        abort();
    shop->blocks[shop->n_blocks++] = block;
    return block;
}

void report_shop_close(struct report_shop *shop)
{
    for (uint32_t i = 0; i < shop->n_blocks; i++)
        free(shop->blocks[i]);
    free(shop->blocks);
}

static void allocate_share(struct report_shop *shop, struct report_share *share)
{
    size_t n = shop->n;
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        share->scores[k] = take(shop, n, sizeof *share->scores[k]);
        share->logits[k] = take(shop, n, sizeof *share->logits[k]);
        share->order[k] = take(shop, n, sizeof *share->order[k]);
        share->said[k] = take(shop, n, sizeof *share->said[k]);
    }
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++)
        share->answer[d] = take(shop, n, sizeof *share->answer[d]);
    for (uint32_t c = 0; c < NN_CLASS_COUNT; c++) {
        share->classes[c] = take(shop, n, sizeof *share->classes[c]);
        share->class_order[c] = take(shop, n, sizeof *share->class_order[c]);
    }
    share->class_said = take(shop, n, sizeof *share->class_said);
    share->bad = take(shop, n, sizeof *share->bad);
    share->bad_order = take(shop, n, sizeof *share->bad_order);
    share->bad_said = take(shop, n, sizeof *share->bad_said);
}

static void allocate(struct report_shop *shop)
{
    size_t n = shop->n;
    shop->example = take(shop, n, sizeof *shop->example);
    shop->recording = take(shop, n, sizeof *shop->recording);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        shop->truth[k] = take(shop, n, sizeof *shop->truth[k]);
        shop->answers[k] = take(shop, n, sizeof *shop->answers[k]);
    }
    for (uint32_t c = 0; c < NN_CLASS_COUNT; c++)
        shop->class_truth[c] = take(shop, n, sizeof *shop->class_truth[c]);
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++) {
        shop->stop[d] = take(shop, n, sizeof *shop->stop[d]);
        shop->stop_said[d] = take(shop, n, sizeof *shop->stop_said[d]);
    }
    shop->two = take(shop, n, sizeof *shop->two);
    shop->agreed = take(shop, n, sizeof *shop->agreed);
    shop->bad_truth = take(shop, n, sizeof *shop->bad_truth);
    shop->bad_positive = take(shop, n, sizeof *shop->bad_positive);
    shop->class_of = take(shop, n, sizeof *shop->class_of);
    shop->two_weights = take(shop, n, sizeof *shop->two_weights);
    shop->class_weights = take(shop, n, sizeof *shop->class_weights);
    shop->bad_weights = take(shop, n, sizeof *shop->bad_weights);
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        allocate_share(shop, &shop->shares[share]);
}

static bool agree(const struct nn_example *example)
{
    bool same = example->responses >= 2.0F;
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        same = same && (example->wanted[k] <= 0.0F || example->wanted[k] >= 1.0F);
    return same;
}

/*
 * The one of the four classes that a frame belongs to, or -1. A feature with a tip change is none
 * of them: later papers' classes are of single tip states.
 */
static int class_of(const struct nn_example *example)
{
    const bool in[NN_CLASS_COUNT] = {
        [NN_CLASS_ATOMS] = nn_scores_holds(example, NN_LABEL_INDIVIDUAL_ATOMS),
        [NN_CLASS_DIMERS] = nn_scores_holds(example, NN_LABEL_ASYMMETRIES) ||
                            nn_scores_holds(example, NN_LABEL_DIMERS),
        [NN_CLASS_ROWS] = nn_scores_holds(example, NN_LABEL_ROWS),
        [NN_CLASS_BAD] = nn_scores_holds(example, NN_LABEL_BAD_BLURRY)};
    int which = -1;
    for (int c = 0; c < NN_CLASS_COUNT; c++) {
        if (in[c] && which >= 0)
            return -1;
        if (in[c])
            which = c;
    }
    return which != NN_CLASS_BAD && nn_scores_holds(example, NN_LABEL_TIP_CHANGE) ? -1 : which;
}

static void take_votes(struct report_shop *shop, uint32_t at, const struct nn_example *example)
{
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        shop->truth[k][at] = nn_scores_holds(example, k) ? 1.0F : 0.0F;
        shop->answers[k][at] = example->wanted[k];
    }
    shop->two[at] = example->responses >= 1.5F && example->responses < 2.5F;
    shop->agreed[at] = agree(example);
    shop->bad_truth[at] = (int8_t)nn_decision_truth(example, NN_DECISION_BAD);
    shop->bad_positive[at] = shop->bad_truth[at] == 1 ? 1.0F : 0.0F;
    shop->class_of[at] = (int8_t)(shop->agreed[at] ? class_of(example) : -1);
    if (shop->class_of[at] >= 0)
        shop->class_truth[shop->class_of[at]][at] = 1.0F;
}

static double odds(float score)
{
    const double edge = 1e-7;
    double inside = fmin(fmax((double)score, edge), 1.0 - edge);
    return inside / (1.0 - inside);
}

/*
 * As if labels were independent, the chance of a class alone goes with its odds. Which class is
 * said: the one that is largest beside its labels' thresholds, which stand for how common they are.
 */
static void judge_classes(struct report_share *share, uint32_t at, const float *scores,
                          const struct nn_decision *decisions)
{
    const double of[NN_CLASS_COUNT] = {
        odds(scores[NN_LABEL_INDIVIDUAL_ATOMS]),
        (1.0 + odds(scores[NN_LABEL_ASYMMETRIES])) * (1.0 + odds(scores[NN_LABEL_DIMERS])) - 1.0,
        odds(scores[NN_LABEL_ROWS]),
        odds(scores[NN_LABEL_BAD_BLURRY]),
    };
    const double common[NN_CLASS_COUNT] = {
        (double)decisions[NN_LABEL_INDIVIDUAL_ATOMS].threshold,
        1.0 - (1.0 - (double)decisions[NN_LABEL_ASYMMETRIES].threshold) *
                  (1.0 - (double)decisions[NN_LABEL_DIMERS].threshold),
        (double)decisions[NN_LABEL_ROWS].threshold,
        (double)decisions[NN_LABEL_BAD_BLURRY].threshold,
    };
    double sum = 0.0;
    for (uint32_t c = 0; c < NN_CLASS_COUNT; c++)
        sum += of[c];
    uint32_t best = 0;
    for (uint32_t c = 0; c < NN_CLASS_COUNT; c++) {
        share->classes[c][at] = (float)(of[c] / sum);
        if (of[c] * common[best] > of[best] * common[c])
            best = c;
    }
    share->class_said[at] = (uint8_t)best;
}

static void judge_frame(struct report_share *share, uint32_t at, const float *logits,
                        const float *scores, const struct nn_decision *decisions)
{
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        share->scores[k][at] = scores[k];
        share->logits[k][at] = logits[k];
        share->said[k][at] = scores[k] >= decisions[k].threshold;
    }
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++)
        share->answer[d][at] = (int8_t)nn_decide(&decisions[d], nn_decision_score(scores, d));
    share->bad[at] = nn_calibration_bad(scores);
    share->bad_said[at] = share->bad[at] >= decisions[NN_DECISION_BAD].threshold;
    judge_classes(share, at, scores, decisions);
}

/* One verdict after the other until one is sure. */
static void judge_in_sequence(struct report_shop *shop, uint32_t at)
{
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++) {
        uint8_t share = 0;
        while (share < NN_SHARE_FULL && shop->shares[share].answer[d][at] < 0)
            share++;
        int8_t answer = shop->shares[share].answer[d][at];
        const struct report_share *full = &shop->shares[NN_SHARE_FULL];
        shop->stop[d][at] = share;
        if (share < NN_SHARE_FULL)
            shop->stop_said[d][at] = answer > 0;
        else
            shop->stop_said[d][at] = d < NN_LABEL_COUNT ? full->said[d][at] : full->bad_said[at];
    }
}

static struct nn_second_human second_human(const struct report_shop *shop, uint32_t label)
{
    double both = 0.0;
    double split = 0.0;
    double neither = 0.0;
    for (uint32_t i = 0; i < shop->n; i++) {
        if (!shop->two[i])
            continue;
        float mean = shop->answers[label][i];
        both += mean > 0.75F ? 1.0 : 0.0;
        neither += mean < 0.25F ? 1.0 : 0.0;
        split += mean >= 0.25F && mean <= 0.75F ? 1.0 : 0.0;
    }
    return (struct nn_second_human){.sensitivity = 2.0 * both / (2.0 * both + split),
                                    .specificity = 2.0 * neither / (2.0 * neither + split)};
}

static uint32_t recording_of(const struct report_shop *shop, const struct nn_scores *scores,
                             uint32_t at)
{
    return scores->dataset->examples[shop->example[at]].recording;
}

/* Recordings without a frame here are not drawn. */
static int number_recordings(struct report_shop *shop, const struct nn_scores *scores)
{
    uint32_t *number = malloc((scores->dataset->n_recordings + (size_t)1) * sizeof *number);
    if (!number)
        return -ENOMEM;
    for (uint32_t r = 0; r < scores->dataset->n_recordings; r++)
        number[r] = UINT32_MAX;
    for (uint32_t at = 0; at < shop->n; at++) {
        uint32_t r = recording_of(shop, scores, at);
        if (number[r] == UINT32_MAX)
            number[r] = shop->n_recordings++;
        shop->recording[at] = number[r];
    }
    free(number);
    return 0;
}

/* decisions: (folds), or one. */
static void judge(struct report_shop *shop, const struct nn_scores *scores,
                  const struct nn_decisions *decisions)
{
    for (uint32_t at = 0; at < shop->n; at++) {
        size_t row = (size_t)shop->example[at] * NN_LABEL_COUNT;
        const struct nn_decisions *own =
            &decisions[scores->folds ? scores->fold[recording_of(shop, scores, at)] : 0];
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            judge_frame(&shop->shares[share], at, scores->logits[share] + row,
                        scores->scores[share] + row, own->at[share]);
        judge_in_sequence(shop, at);
    }
    for (uint32_t s = 0; s < NN_SHARE_COUNT; s++) {
        struct report_share *share = &shop->shares[s];
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
            nn_metric_order(shop->n, share->logits[k], share->order[k]);
        for (uint32_t c = 0; c < NN_CLASS_COUNT; c++)
            nn_metric_order(shop->n, share->classes[c], share->class_order[c]);
        nn_metric_order(shop->n, share->bad, share->bad_order);
    }
}

/* One fold's, learnt on the others; a fold that stands alone gets the default. */
static void learn_fold(const struct nn_scores *scores, uint32_t fold, bool *use,
                       struct nn_decisions *ret_decisions)
{
    const struct nn_dataset *dataset = scores->dataset;
    bool others = false;
    for (uint32_t r = 0; r < dataset->n_recordings; r++) {
        use[r] = scores->fold[r] != fold;
        others = others || (use[r] && scores->fold[r] < scores->folds);
    }
    if (others) {
        nn_decisions_learn(scores, use, ret_decisions);
        return;
    }
    struct nn_calibration plain = nn_calibration_identity();
    *ret_decisions = nn_decisions_of(&plain);
}

static int judge_folds(struct report_shop *shop, const struct nn_scores *scores)
{
    struct nn_decisions *decisions = calloc(scores->folds, sizeof *decisions);
    bool *use = calloc(scores->dataset->n_recordings, sizeof *use);
    int error = decisions && use ? 0 : -ENOMEM;
    for (uint32_t fold = 0; fold < scores->folds && !error; fold++)
        learn_fold(scores, fold, use, &decisions[fold]);
    if (!error)
        judge(shop, scores, decisions);
    free(use);
    free(decisions);
    return error;
}

int report_shop_open(const struct nn_scores *scores, const struct nn_report_settings *settings,
                     struct report_shop *ret_shop)
{
    struct report_shop shop = {0};
    for (uint32_t i = 0; i < scores->dataset->n; i++)
        shop.n += nn_scores_count(scores, i);
    if (shop.n == 0)
        return -ENODATA;
    shop.blocks = calloc(BLOCKS_MAX, sizeof *shop.blocks);
    if (!shop.blocks)
        return -ENOMEM;
    allocate(&shop);
    uint32_t at = 0;
    for (uint32_t i = 0; i < scores->dataset->n; i++)
        if (nn_scores_count(scores, i)) {
            shop.example[at] = i;
            take_votes(&shop, at++, &scores->dataset->examples[i]);
        }
    int error = number_recordings(&shop, scores);
    if (!error && scores->folds)
        error = judge_folds(&shop, scores);
    else if (!error)
        judge(&shop, scores, settings->decisions);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        shop.humans[k] = settings->humans_from_labels ? second_human(&shop, k) : public_humans[k];
    if (error)
        report_shop_close(&shop);
    else
        *ret_shop = shop;
    return error;
}
