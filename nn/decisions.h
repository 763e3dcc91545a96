/*
 * From scores to decisions: where yes begins, and between which scores the answer is "undecided".
 *
 * Threshold: the share of the frames learned from that carry the label, where calibrated scores
 * have their best balanced accuracy (measured: docs/evaluation.md); for good or bad, whose score is
 * not calibrated, the best on those frames.
 *
 * Undecided, on the full frame: odds within a factor of three of the threshold's, but never more
 * than a tenth of the frames learned from.
 *
 * Undecided, on a partial frame: too early. A sequential verdict says yes or no at the first share
 * where the score is not undecided, and at the full frame by the threshold. The bounds, equal
 * distances in log odds from each share's threshold, are those with which it needs the fewest
 * lines on average while its balanced accuracy stays within .015 of the full frame's, and each of
 * its two parts within .03.
 */
#ifndef NN_DECISIONS_H
#define NN_DECISIONS_H

#include "nn/calibrate.h"
#include "nn/scores.h"

struct nn_decisions {
    struct nn_decision at[NN_SHARE_COUNT][NN_DECISION_COUNT];
};

/*
 * What a decision is about in one frame, from people's votes. NN_DECISION_BAD: bad is a frame that
 * is Bad/Blurry and shows no feature, good one that shows a feature and is not Bad/Blurry.
 * 1 yes (bad), 0 no (good), -1 neither.
 */
int nn_decision_truth(const struct nn_example *example, uint32_t decision);

/* The score that a decision goes by. scores: (NN_LABEL_COUNT) */
float nn_decision_score(const float *scores, uint32_t decision);

/* 1 yes, 0 no, -1 undecided. */
int nn_decide(const struct nn_decision *decision, float score);

/* Learnt from the frames that count, of recordings with use[recording]; NULL: of all. */
void nn_decisions_learn(const struct nn_scores *scores, const bool *use,
                        struct nn_decisions *ret_decisions);

/* Those of a calibration, at the shares. */
struct nn_decisions nn_decisions_of(const struct nn_calibration *calibration);

/* Puts them into every knot of a calibration, straight between the shares. */
void nn_decisions_store(const struct nn_decisions *decisions, struct nn_calibration *calibration);

#endif
