/* Mean and maximum of every channel over the rows until each row: what a frame shows so far. */
#include "nn/layer.h"

#include <string.h>

void nn_prefix_pool_row(const struct nn_layer *layer, uint32_t row, struct nn_row in, float *state,
                        struct nn_row_out out)
{
    uint32_t channels = layer->in.c;
    float *sums = state;
    float *maxima = state + channels;
    float count = (float)(row + 1) * (float)layer->in.w;
    for (uint32_t c = 0; c < channels; c++) {
        const float *line = in.at + c * in.step;
        float sum = 0.0F;
        float best = row ? maxima[c] : line[0];
        for (uint32_t x = 0; x < layer->in.w; x++) {
            sum += line[x];
            best = line[x] > best ? line[x] : best;
        }
        sums[c] = row ? sums[c] + sum : sum;
        maxima[c] = best;
        out.at[c * out.step] = sums[c] / count;
        out.at[(channels + c) * out.step] = best;
    }
}

void nn_prefix_pool_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                            const float *in, float *ret_out)
{
    uint32_t h = layer->in.h;
    for (uint32_t i = 0; i < pass->n; i++) {
        for (uint32_t r = 0; r < h; r++)
            nn_prefix_pool_row(layer, r,
                               (struct nn_row){.at = in + (size_t)r * layer->in.w,
                                               .step = (size_t)h * layer->in.w},
                               pass->scratch, (struct nn_row_out){.at = ret_out + r, .step = h});
        in += nn_shape_size(layer->in);
        ret_out += nn_shape_size(layer->out);
    }
}

/* One channel's plane (h, w). mean_grad, max_grad: (h) */
static void channel_backward(const struct nn_layer *layer, const float *in, const float *mean_grad,
                             const float *max_grad, float *in_grad)
{
    uint32_t h = layer->in.h;
    uint32_t w = layer->in.w;
    size_t best = 0;
    memset(in_grad, 0, (size_t)h * w * sizeof *in_grad);
    for (uint32_t r = 0; r < h; r++) {
        for (size_t at = (size_t)r * w; at < (size_t)(r + 1) * w; at++)
            best = in[at] > in[best] ? at : best;
        in_grad[best] += max_grad[r];
    }
    /* A row counts in its own mean and in those of all rows after it. */
    float share = 0.0F;
    for (uint32_t r = h; r-- > 0;) {
        share += mean_grad[r] / ((float)(r + 1) * (float)w);
        for (uint32_t x = 0; x < w; x++)
            in_grad[(size_t)r * w + x] += share;
    }
}

void nn_prefix_pool_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                             const struct nn_layer_flow *flow)
{
    uint32_t channels = layer->in.c;
    uint32_t h = layer->in.h;
    size_t plane = (size_t)h * layer->in.w;
    for (uint32_t i = 0; i < pass->n; i++) {
        const float *out_grad = flow->out_grad + i * nn_shape_size(layer->out);
        for (uint32_t c = 0; c < channels; c++) {
            size_t at = i * nn_shape_size(layer->in) + c * plane;
            channel_backward(layer, flow->in + at, out_grad + (size_t)c * h,
                             out_grad + (size_t)(channels + c) * h, flow->in_grad + at);
        }
    }
}
