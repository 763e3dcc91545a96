/* Cross-entropies and squared error on logits. */
#include "nn/loss.h"

#include <math.h>
#include <stddef.h>

static double binary(const struct nn_targets *targets, const float *logits, float *ret_grad)
{
    double sum = 0.0;
    float scale = 1.0F / (float)targets->n;
    size_t values = (size_t)targets->n * targets->k * targets->rows;
    for (size_t i = 0; i < values; i++) {
        float z = logits[i];
        float score = 1.0F / (1.0F + expf(-z));
        float loss = fmaxf(z, 0.0F) - z * targets->wanted[i] + log1pf(expf(-fabsf(z)));
        sum += (double)(targets->weights[i] * loss);
        ret_grad[i] = scale * targets->weights[i] * (score - targets->wanted[i]);
    }
    return sum / (double)targets->n;
}

static double squared(const struct nn_targets *targets, const float *logits, float *ret_grad)
{
    double sum = 0.0;
    float scale = 1.0F / (float)targets->n;
    size_t values = (size_t)targets->n * targets->k * targets->rows;
    for (size_t i = 0; i < values; i++) {
        float score = 1.0F / (1.0F + expf(-logits[i]));
        float miss = score - targets->wanted[i];
        sum += (double)(targets->weights[i] * miss * miss);
        ret_grad[i] = scale * targets->weights[i] * 2.0F * miss * score * (1.0F - score);
    }
    return sum / (double)targets->n;
}

/* The softmax of one sample in one place; its labels lie targets->rows apart. */
static double categorical_place(const struct nn_targets *targets, size_t at, const float *logits,
                                float *ret_grad)
{
    size_t apart = targets->rows;
    float weight = targets->weights[at] / (float)targets->n;
    float top = logits[at];
    for (size_t j = 1; j < targets->k; j++)
        top = fmaxf(top, logits[at + j * apart]);
    double total = 0.0;
    for (size_t j = 0; j < targets->k; j++)
        total += exp((double)(logits[at + j * apart] - top));
    double loss = 0.0;
    for (size_t j = 0; j < targets->k; j++) {
        size_t i = at + j * apart;
        double log_score = (double)(logits[i] - top) - log(total);
        loss -= (double)(weight * targets->wanted[i]) * log_score;
        ret_grad[i] = weight * ((float)exp(log_score) - targets->wanted[i]);
    }
    return loss;
}

static double categorical(const struct nn_targets *targets, const float *logits, float *ret_grad)
{
    double sum = 0.0;
    for (size_t i = 0; i < targets->n; i++)
        for (size_t row = 0; row < targets->rows; row++)
            sum +=
                categorical_place(targets, i * targets->k * targets->rows + row, logits, ret_grad);
    return sum;
}

double nn_loss(enum nn_loss_kind kind, const struct nn_targets *targets, const float *logits,
               float *ret_grad)
{
    switch (kind) {
    case NN_LOSS_CATEGORICAL:
        return categorical(targets, logits, ret_grad);
    case NN_LOSS_SQUARED:
        return squared(targets, logits, ret_grad);
    case NN_LOSS_BINARY:
        break;
    }
    return binary(targets, logits, ret_grad);
}
