/* Pooling: the largest or mean value of small windows, and of all rows seen. */
#include "nn/layer.h"

#include <math.h>
#include <string.h>

/* The corner of the window at output (y, x) in a plane (in.h, in.w). */
static size_t corner_of(const struct nn_layer *layer, uint32_t y, uint32_t x)
{
    return (size_t)y * layer->spec.stride_rows * layer->in.w + (size_t)x * layer->spec.stride_cols;
}

/* Index of the window's first largest value. window: its top left corner in a plane `w` wide. */
static size_t find_largest(const struct nn_layer_spec *spec, const float *window, uint32_t w)
{
    size_t best = 0;
    for (uint32_t ky = 0; ky < spec->kernel_rows; ky++)
        for (uint32_t kx = 0; kx < spec->kernel_cols; kx++)
            if (window[ky * (size_t)w + kx] > window[best])
                best = ky * (size_t)w + kx;
    return best;
}

/* The common pool, worth loops of its own: the maximum of 2x2, side by side. */
static bool halves(const struct nn_layer_spec *spec)
{
    return spec->kind == NN_LAYER_MAX_POOL && spec->kernel_rows == 2 && spec->kernel_cols == 2 &&
           spec->stride_cols == 2 && spec->stride_rows == 2;
}

static float larger(float a, float b)
{
    return b > a ? b : a;
}

static void halve_row(const float *upper, const float *lower, size_t w, float *ret_out)
{
    for (size_t x = 0; x < w; x++)
        ret_out[x] = larger(larger(upper[2 * x], upper[2 * x + 1]),
                            larger(lower[2 * x], lower[2 * x + 1]));
}

/* The gradient goes to the first of the largest; the others get 0. */
static void unhalve_row(const float *upper, const float *lower, const float *grads, size_t w,
                        float *restrict ret_upper, float *restrict ret_lower)
{
    for (size_t x = 0; x < w; x++) {
        float a = upper[2 * x];
        float b = upper[2 * x + 1];
        float c = lower[2 * x];
        float d = lower[2 * x + 1];
        float above = larger(a, b);
        float below = larger(c, d);
        float above_grad = below > above ? 0.0F : grads[x];
        float below_grad = below > above ? grads[x] : 0.0F;
        ret_upper[2 * x] = b > a ? 0.0F : above_grad;
        ret_upper[2 * x + 1] = b > a ? above_grad : 0.0F;
        ret_lower[2 * x] = d > c ? 0.0F : below_grad;
        ret_lower[2 * x + 1] = d > c ? below_grad : 0.0F;
    }
}

/* Channel c of the rows, from column x0 on. */
static float pool_window(const struct nn_layer *layer, const struct nn_row *rows, uint32_t c,
                         uint32_t x0)
{
    const struct nn_layer_spec *spec = &layer->spec;
    bool largest = spec->kind == NN_LAYER_MAX_POOL;
    float best = 0.0F;
    float sum = 0.0F;
    for (uint32_t ky = 0; ky < spec->kernel_rows; ky++) {
        const float *line = rows[ky].at + c * rows[ky].step + x0;
        for (uint32_t kx = 0; kx < spec->kernel_cols; kx++) {
            bool first = ky == 0 && kx == 0;
            best = first || line[kx] > best ? line[kx] : best;
            sum += line[kx];
        }
    }
    return largest ? best : sum / (float)(spec->kernel_rows * spec->kernel_cols);
}

void nn_pool_row(const struct nn_layer *layer, const struct nn_row *rows, struct nn_row_out out)
{
    for (uint32_t c = 0; c < layer->in.c && halves(&layer->spec); c++)
        halve_row(rows[0].at + c * rows[0].step, rows[1].at + c * rows[1].step, layer->out.w,
                  out.at + c * out.step);
    if (halves(&layer->spec))
        return;
    for (uint32_t c = 0; c < layer->in.c; c++)
        for (uint32_t x = 0; x < layer->out.w; x++)
            out.at[c * out.step + x] = pool_window(layer, rows, c, x * layer->spec.stride_cols);
}

void nn_pool_forward(const struct nn_layer *layer, const struct nn_pass *pass, const float *in,
                     float *ret_out)
{
    size_t plane = (size_t)layer->in.h * layer->in.w;
    size_t out_plane = (size_t)layer->out.h * layer->out.w;
    uint32_t wanted = pass->rows ? pass->rows : layer->out.h;
    struct nn_row rows[NN_KERNEL_MAX];
    for (uint32_t i = 0; i < pass->n; i++) {
        for (uint32_t y = 0; y < wanted; y++) {
            for (uint32_t ky = 0; ky < layer->spec.kernel_rows; ky++)
                rows[ky] = (struct nn_row){
                    .at = in + corner_of(layer, y, 0) + (size_t)ky * layer->in.w, .step = plane};
            nn_pool_row(
                layer, rows,
                (struct nn_row_out){.at = ret_out + (size_t)y * layer->out.w, .step = out_plane});
        }
        in += layer->in.c * plane;
        ret_out += layer->out.c * out_plane;
    }
}

/* One window's gradient, back to where its value came from. in, in_grad: the window's corner. */
static void spread_grad(const struct nn_layer *layer, const float *in, float grad, float *in_grad)
{
    const struct nn_layer_spec *spec = &layer->spec;
    if (spec->kind == NN_LAYER_MAX_POOL) {
        in_grad[find_largest(spec, in, layer->in.w)] += grad;
        return;
    }
    float share = grad / (float)(spec->kernel_rows * spec->kernel_cols);
    for (uint32_t ky = 0; ky < spec->kernel_rows; ky++)
        for (uint32_t kx = 0; kx < spec->kernel_cols; kx++)
            in_grad[ky * (size_t)layer->in.w + kx] += share;
}

void nn_pool_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                      const struct nn_layer_flow *flow)
{
    size_t planes = (size_t)pass->n * layer->in.c;
    size_t plane = (size_t)layer->in.h * layer->in.w;
    const float *in = flow->in;
    const float *out_grad = flow->out_grad;
    float *in_grad = flow->in_grad;
    bool all_written = halves(&layer->spec) && layer->in.h % 2 == 0 && layer->in.w % 2 == 0;
    if (!all_written)
        memset(in_grad, 0, pass->n * nn_shape_size(layer->in) * sizeof *in_grad);
    for (size_t k = 0; k < planes; k++, in += plane, in_grad += plane)
        for (uint32_t y = 0; y < layer->out.h; y++) {
            if (halves(&layer->spec)) {
                size_t row = corner_of(layer, y, 0);
                unhalve_row(in + row, in + row + layer->in.w, out_grad, layer->out.w, in_grad + row,
                            in_grad + row + layer->in.w);
                out_grad += layer->out.w;
                continue;
            }
            for (uint32_t x = 0; x < layer->out.w; x++) {
                size_t corner = corner_of(layer, y, x);
                spread_grad(layer, in + corner, *out_grad++, in_grad + corner);
            }
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
