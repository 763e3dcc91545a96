/*
 * Losses and their gradients. Averages over the batch: each sample counts by its weight, the sum
 * divided by n.
 */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include <stdint.h>

/* n samples of k values each. */
struct nn_targets {
    uint32_t n;
    uint32_t k;
    const float *wanted;  /* (n, k), 0..1 */
    const float *weights; /* (n, k), >= 0 */
};

/*
 * Binary cross-entropy of sigmoid(logits), summed over k. logits: (n, k), ret_grad: (n, k).
 * Computed from the logit, so that no score can be so sure that the loss overflows.
 */
double nn_loss_binary(const struct nn_targets *targets, const float *logits, float *ret_grad);

/*
 * Categorical cross-entropy of softmax(logits). `wanted` sums to 1 per sample; only weights[., 0]
 * is used, once per sample.
 */
double nn_loss_categorical(const struct nn_targets *targets, const float *logits, float *ret_grad);

#endif
