/* Convolution as a matrix product: every output position's inputs in one column (im2col). */
#include "nn/layer.h"

#include <cblas.h>
#include <string.h>

/* Output columns [ret_first, ret_end) whose input at x0 + stride * column lies in the line. */
static void find_inside(const struct nn_layer *layer, int x0, int *ret_first, int *ret_end)
{
    int stride = (int)layer->spec.stride_cols;
    int in_w = (int)layer->in.w;
    int out_w = (int)layer->out.w;
    int first = x0 < 0 ? (-x0 + stride - 1) / stride : 0;
    int end = in_w > x0 ? (in_w - 1 - x0) / stride + 1 : 0;
    *ret_end = end < out_w ? end : out_w;
    *ret_first = first < *ret_end ? first : *ret_end;
}

/* What tap column kx sees of one input line at every output column; line NULL = zeros. */
static void gather_line(const struct nn_layer *layer, const float *line, uint32_t kx,
                        float *ret_values)
{
    int stride = (int)layer->spec.stride_cols;
    int out_w = (int)layer->out.w;
    int x0 = (int)kx - (int)layer->spec.padding_left;
    int first;
    int end;
    memset(ret_values, 0, (size_t)out_w * sizeof *ret_values);
    if (!line)
        return;
    find_inside(layer, x0, &first, &end);
    for (int ox = first; ox < end; ox++)
        ret_values[ox] = line[x0 + ox * stride];
}

/* The input line that tap row ky sees at output row oy, or -1 beyond the edge. */
static int line_at(const struct nn_layer *layer, uint32_t oy, uint32_t ky)
{
    int y = (int)(oy * layer->spec.stride_rows + ky) - nn_layer_top(layer);
    return y < (int)layer->in.h ? y : -1;
}

/*
 * in: one sample (c, h, w), ret_columns: (c * kernel_rows * kernel_cols, rows * out.w), what each
 * tap sees at every position of the first `rows` output rows.
 */
static void gather(const struct nn_layer *layer, uint32_t rows, const float *in, float *ret_columns)
{
    size_t plane = (size_t)layer->in.h * layer->in.w;
    for (uint32_t c = 0; c < layer->in.c; c++)
        for (uint32_t ky = 0; ky < layer->spec.kernel_rows; ky++)
            for (uint32_t kx = 0; kx < layer->spec.kernel_cols; kx++)
                for (uint32_t oy = 0; oy < rows; oy++, ret_columns += layer->out.w) {
                    int y = line_at(layer, oy, ky);
                    const float *line = y < 0 ? NULL : in + c * plane + (size_t)y * layer->in.w;
                    gather_line(layer, line, kx, ret_columns);
                }
}

/* The way back of gather_line: column gradients added to the line they came from. */
static void scatter_line(const struct nn_layer *layer, const float *values, uint32_t kx,
                         float *line)
{
    int stride = (int)layer->spec.stride_cols;
    int x0 = (int)kx - (int)layer->spec.padding_left;
    int first;
    int end;
    find_inside(layer, x0, &first, &end);
    for (int ox = first; ox < end; ox++)
        line[x0 + ox * stride] += values[ox];
}

static void scatter(const struct nn_layer *layer, const float *columns, float *ret_in_grad)
{
    size_t plane = (size_t)layer->in.h * layer->in.w;
    memset(ret_in_grad, 0, layer->in.c * plane * sizeof *ret_in_grad);
    for (uint32_t c = 0; c < layer->in.c; c++)
        for (uint32_t ky = 0; ky < layer->spec.kernel_rows; ky++)
            for (uint32_t kx = 0; kx < layer->spec.kernel_cols; kx++)
                for (uint32_t oy = 0; oy < layer->out.h; oy++, columns += layer->out.w) {
                    int y = line_at(layer, oy, ky);
                    if (y >= 0)
                        scatter_line(layer, columns, kx,
                                     ret_in_grad + c * plane + (size_t)y * layer->in.w);
                }
}

size_t nn_conv_scratch(const struct nn_layer *layer)
{
    return 2 * nn_layer_taps(layer) * layer->out.h * layer->out.w;
}

void nn_conv_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                     const struct nn_layer_memory *memory, const float *in, float *ret_out)
{
    int units = (int)layer->spec.units;
    int taps = (int)nn_layer_taps(layer);
    int plane = (int)(layer->out.h * layer->out.w);
    uint32_t rows = pass->rows ? pass->rows : layer->out.h;
    int positions = (int)(rows * layer->out.w);
    const float *bias = memory->weights + (size_t)units * (size_t)taps;
    for (uint32_t i = 0; i < pass->n; i++) {
        float *out = ret_out + i * nn_shape_size(layer->out);
        gather(layer, rows, in + i * nn_shape_size(layer->in), pass->scratch);
        for (int u = 0; layer->spec.bias && u < units; u++)
            for (int p = 0; p < positions; p++)
                out[(size_t)u * (size_t)plane + (size_t)p] = bias[u];
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, units, positions, taps, 1.0F,
                    memory->weights, taps, pass->scratch, positions, layer->spec.bias ? 1.0F : 0.0F,
                    out, plane);
    }
}

void nn_conv_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                      const struct nn_layer_memory *memory, const struct nn_layer_flow *flow)
{
    int units = (int)layer->spec.units;
    int taps = (int)nn_layer_taps(layer);
    int positions = (int)(layer->out.h * layer->out.w);
    float *bias_grads = memory->weight_grads + (size_t)units * (size_t)taps;
    float *columns = pass->scratch;
    float *column_grads = columns + (size_t)taps * (size_t)positions;
    for (uint32_t i = 0; i < pass->n; i++) {
        const float *out_grad = flow->out_grad + i * nn_shape_size(layer->out);
        gather(layer, layer->out.h, flow->in + i * nn_shape_size(layer->in), columns);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, units, taps, positions, 1.0F, out_grad,
                    positions, columns, positions, 1.0F, memory->weight_grads, taps);
        for (int u = 0; layer->spec.bias && u < units; u++)
            for (int p = 0; p < positions; p++)
                bias_grads[u] += out_grad[(size_t)u * (size_t)positions + (size_t)p];
        if (!flow->in_grad)
            continue;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, taps, positions, units, 1.0F,
                    memory->weights, taps, out_grad, positions, 0.0F, column_grads, positions);
        scatter(layer, column_grads, flow->in_grad + i * nn_shape_size(layer->in));
    }
}
