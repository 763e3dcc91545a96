/* Binary and categorical cross-entropy on logits. */
#include "nn/loss.h"

#include <math.h>

double nn_loss_binary(const struct nn_targets *targets, const float *logits, float *ret_grad)
{
    double sum = 0.0;
    float scale = 1.0F / (float)targets->n;
    for (uint32_t i = 0; i < targets->n * targets->k; i++) {
        float z = logits[i];
        float score = 1.0F / (1.0F + expf(-z));
        float loss = fmaxf(z, 0.0F) - z * targets->wanted[i] + log1pf(expf(-fabsf(z)));
        sum += (double)(targets->weights[i] * loss);
        ret_grad[i] = scale * targets->weights[i] * (score - targets->wanted[i]);
    }
    return sum / (double)targets->n;
}

double nn_loss_categorical(const struct nn_targets *targets, const float *logits, float *ret_grad)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < targets->n; i++) {
        const float *z = logits + i * targets->k;
        const float *wanted = targets->wanted + i * targets->k;
        float weight = targets->weights[i * targets->k] / (float)targets->n;
        float top = z[0];
        for (uint32_t j = 1; j < targets->k; j++)
            top = fmaxf(top, z[j]);
        double total = 0.0;
        for (uint32_t j = 0; j < targets->k; j++)
            total += exp((double)(z[j] - top));
        for (uint32_t j = 0; j < targets->k; j++) {
            double log_score = (double)(z[j] - top) - log(total);
            sum -= (double)(weight * wanted[j]) * log_score;
            ret_grad[i * targets->k + j] = weight * ((float)exp(log_score) - wanted[j]);
        }
    }
    return sum;
}
