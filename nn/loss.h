/*
 * Losses and their gradients. Averages over the batch: each value counts by its weight, the sum
 * divided by n.
 */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include <stdint.h>

enum nn_loss_kind {
    NN_LOSS_BINARY,      /* cross-entropy of each label's sigmoid, summed over k */
    NN_LOSS_CATEGORICAL, /* cross-entropy of the softmax over k */
    NN_LOSS_SQUARED,     /* squared error of each label's sigmoid, summed over k */
};

/* n samples of k labels, each judged in `rows` places (1 unless the output has rows). */
struct nn_targets {
    uint32_t n;
    uint32_t k;
    uint32_t rows;
    const float *wanted;  /* (n, k, rows), 0..1; categorical: summing to 1 over k */
    const float *weights; /* (n, k, rows), >= 0; categorical: only those of k = 0 are used */
};

/*
 * logits, ret_grad: (n, k, rows). Computed from the logit, so that no score can be so sure that
 * the loss overflows.
 */
double nn_loss(enum nn_loss_kind kind, const struct nn_targets *targets, const float *logits,
               float *ret_grad);

#endif
