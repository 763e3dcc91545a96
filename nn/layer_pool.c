/* Pooling: the largest or mean value of small windows, and of all rows seen. */
#include "nn/layer.h"

#include <math.h>
#include <string.h>

/* Index of the window's first largest value. window: its top left corner in a plane `w` wide. */
static size_t find_largest(const float *window, uint32_t kernel, uint32_t w)
{
    size_t best = 0;
    for (uint32_t ky = 0; ky < kernel; ky++)
        for (uint32_t kx = 0; kx < kernel; kx++)
            if (window[ky * (size_t)w + kx] > window[best])
                best = ky * (size_t)w + kx;
    return best;
}

static float mean_of(const float *window, uint32_t kernel, uint32_t w)
{
    float sum = 0.0F;
    for (uint32_t ky = 0; ky < kernel; ky++)
        for (uint32_t kx = 0; kx < kernel; kx++)
            sum += window[ky * (size_t)w + kx];
    return sum / (float)(kernel * kernel);
}

void nn_pool_forward(const struct nn_layer *layer, const struct nn_pass *pass, const float *in,
                     float *ret_out)
{
    uint32_t w = layer->in.w;
    uint32_t kernel = layer->spec.kernel;
    size_t planes = (size_t)pass->n * layer->in.c;
    bool largest = layer->spec.kind == NN_LAYER_MAX_POOL;
    for (size_t plane = 0; plane < planes; plane++, in += (size_t)layer->in.h * w)
        for (uint32_t y = 0; y < layer->out.h; y++)
            for (uint32_t x = 0; x < layer->out.w; x++) {
                const float *window = in + (size_t)(y * w + x) * layer->spec.stride;
                *ret_out++ =
                    largest ? window[find_largest(window, kernel, w)] : mean_of(window, kernel, w);
            }
}

void nn_pool_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                      const struct nn_layer_flow *flow)
{
    uint32_t w = layer->in.w;
    uint32_t kernel = layer->spec.kernel;
    size_t planes = (size_t)pass->n * layer->in.c;
    const float *in = flow->in;
    const float *out_grad = flow->out_grad;
    float *in_grad = flow->in_grad;
    memset(in_grad, 0, pass->n * nn_shape_size(layer->in) * sizeof *in_grad);
    for (size_t plane = 0; plane < planes; plane++) {
        for (uint32_t y = 0; y < layer->out.h; y++)
            for (uint32_t x = 0; x < layer->out.w; x++) {
                size_t corner = (size_t)(y * w + x) * layer->spec.stride;
                float grad = *out_grad++;
                if (layer->spec.kind == NN_LAYER_MAX_POOL) {
                    in_grad[corner + find_largest(in + corner, kernel, w)] += grad;
                    continue;
                }
                for (uint32_t ky = 0; ky < kernel; ky++)
                    for (uint32_t kx = 0; kx < kernel; kx++)
                        in_grad[corner + ky * (size_t)w + kx] += grad / (float)(kernel * kernel);
            }
        in += (size_t)layer->in.h * w;
        in_grad += (size_t)layer->in.h * w;
    }
}

uint32_t nn_layer_rows_seen(const struct nn_layer *layer, const struct nn_pass *pass, uint32_t i)
{
    uint32_t rows = layer->in.h;
    if (!pass->seen)
        return rows;
    float wanted = ceilf(pass->seen[i] * (float)rows);
    return wanted < 1.0F ? 1 : wanted < (float)rows ? (uint32_t)wanted : rows;
}

/* Values of a plane that belong to rows seen. */
static size_t values_seen(const struct nn_layer *layer, const struct nn_pass *pass, uint32_t i)
{
    return (size_t)nn_layer_rows_seen(layer, pass, i) * layer->in.w;
}

static size_t largest_of(const float *values, size_t n)
{
    size_t best = 0;
    for (size_t k = 1; k < n; k++)
        if (values[k] > values[best])
            best = k;
    return best;
}

void nn_global_pool_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                            const float *in, float *ret_out)
{
    uint32_t channels = layer->in.c;
    size_t plane = (size_t)layer->in.h * layer->in.w;
    for (uint32_t i = 0; i < pass->n; i++, ret_out += 2 * channels) {
        size_t seen = values_seen(layer, pass, i);
        for (uint32_t c = 0; c < channels; c++, in += plane) {
            float sum = 0.0F;
            for (size_t k = 0; k < seen; k++)
                sum += in[k];
            ret_out[c] = sum / (float)seen;
            ret_out[channels + c] = in[largest_of(in, seen)];
        }
    }
}

void nn_global_pool_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                             const struct nn_layer_flow *flow)
{
    uint32_t channels = layer->in.c;
    size_t plane = (size_t)layer->in.h * layer->in.w;
    const float *in = flow->in;
    const float *out_grad = flow->out_grad;
    float *in_grad = flow->in_grad;
    memset(in_grad, 0, pass->n * nn_shape_size(layer->in) * sizeof *in_grad);
    for (uint32_t i = 0; i < pass->n; i++, out_grad += 2 * channels) {
        size_t seen = values_seen(layer, pass, i);
        for (uint32_t c = 0; c < channels; c++, in += plane, in_grad += plane) {
            for (size_t k = 0; k < seen; k++)
                in_grad[k] = out_grad[c] / (float)seen;
            in_grad[largest_of(in, seen)] += out_grad[channels + c];
        }
    }
}
