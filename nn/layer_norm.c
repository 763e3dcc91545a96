/*
 * Batch normalisation (Ioffe and Szegedy 2015): y = scale (x - mean) / sqrt(var + epsilon) + shift,
 * with the batch's own mean and variance in training and the running ones otherwise.
 */
#include "nn/layer.h"

#include <math.h>

/* Sums side by side: one alone would wait for each addition. */
enum { SIDE = 8 };

/* Added to ret: the sums of b and of b (a - from) over n values. */
static void add_sums(size_t n, const float *a, const float *b, float from, double ret[2])
{
    double sums[SIDE] = {0.0};
    double products[SIDE] = {0.0};
    size_t whole = n / SIDE * SIDE;
    for (size_t p = 0; p < whole; p += SIDE)
        for (size_t k = 0; k < SIDE; k++) {
            sums[k] += (double)b[p + k];
            products[k] += (double)b[p + k] * (double)(a[p + k] - from);
        }
    for (size_t p = whole; p < n; p++) {
        sums[p - whole] += (double)b[p];
        products[p - whole] += (double)b[p] * (double)(a[p] - from);
    }
    for (size_t k = 0; k < SIDE; k++) {
        ret[0] += sums[k];
        ret[1] += products[k];
    }
}

static void measure(const struct nn_layer *layer, uint32_t n, uint32_t c, const float *in,
                    float *ret_mean_var)
{
    size_t plane = (size_t)layer->in.h * layer->in.w;
    size_t sample = nn_shape_size(layer->in);
    double sums[2] = {0.0, 0.0};
    for (uint32_t i = 0; i < n; i++) {
        const float *x = in + i * sample + c * plane;
        add_sums(plane, x, x, 0.0F, sums);
    }
    double count = (double)n * (double)plane;
    double mean = sums[0] / count;
    double variance = sums[1] / count - mean * mean;
    ret_mean_var[c] = (float)mean;
    ret_mean_var[layer->in.c + c] = (float)(variance > 0.0 ? variance : 0.0);
}

void nn_batch_norm_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                           const struct nn_layer_memory *memory, const float *in, float *ret_out)
{
    uint32_t channels = layer->in.c;
    size_t plane = (size_t)layer->in.h * layer->in.w;
    size_t sample = nn_shape_size(layer->in);
    const float *stats = pass->training ? memory->batch_stats : memory->stats;
    for (uint32_t c = 0; c < channels; c++) {
        if (pass->training)
            measure(layer, pass->n, c, in, memory->batch_stats);
        float gain = memory->weights[c] / sqrtf(stats[channels + c] + NN_BATCH_NORM_EPSILON);
        float offset = memory->weights[channels + c] - gain * stats[c];
        for (uint32_t i = 0; i < pass->n; i++) {
            const float *x = in + i * sample + c * plane;
            float *y = ret_out + i * sample + c * plane;
            for (size_t p = 0; p < plane; p++)
                y[p] = gain * x[p] + offset;
        }
    }
}

/* One channel's sums of out_grad and of out_grad times the normalised input. */
static void sum_grads(const struct nn_layer *layer, uint32_t n, uint32_t c,
                      const struct nn_layer_flow *flow, const float *stats, double *ret_sums)
{
    size_t plane = (size_t)layer->in.h * layer->in.w;
    size_t sample = nn_shape_size(layer->in);
    ret_sums[0] = 0.0;
    ret_sums[1] = 0.0;
    for (uint32_t i = 0; i < n; i++)
        add_sums(plane, flow->in + i * sample + c * plane, flow->out_grad + i * sample + c * plane,
                 stats[c], ret_sums);
    ret_sums[1] /= sqrt((double)stats[layer->in.c + c] + (double)NN_BATCH_NORM_EPSILON);
}

void nn_batch_norm_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                            const struct nn_layer_memory *memory, const struct nn_layer_flow *flow)
{
    uint32_t channels = layer->in.c;
    size_t plane = (size_t)layer->in.h * layer->in.w;
    size_t sample = nn_shape_size(layer->in);
    const float *stats = pass->training ? memory->batch_stats : memory->stats;
    for (uint32_t c = 0; c < channels; c++) {
        double sums[2];
        sum_grads(layer, pass->n, c, flow, stats, sums);
        memory->weight_grads[c] += (float)sums[1];
        memory->weight_grads[channels + c] += (float)sums[0];
        if (!flow->in_grad)
            continue;
        double count = (double)pass->n * (double)plane;
        float inverse = 1.0F / sqrtf(stats[channels + c] + NN_BATCH_NORM_EPSILON);
        float gain = memory->weights[c] * inverse;
        /* With fixed statistics the mean terms vanish. */
        float mean = pass->training ? (float)(sums[0] / count) : 0.0F;
        float slope = pass->training ? (float)(sums[1] / count) * inverse : 0.0F;
        for (uint32_t i = 0; i < pass->n; i++) {
            const float *x = flow->in + i * sample + c * plane;
            const float *g = flow->out_grad + i * sample + c * plane;
            float *d = flow->in_grad + i * sample + c * plane;
            for (size_t p = 0; p < plane; p++)
                d[p] = gain * (g[p] - mean - slope * (x[p] - stats[c]));
        }
    }
}
