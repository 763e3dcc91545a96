/* Convolution as a matrix product: every output position's inputs in one column (im2col). */
#include "nn/layer.h"

#include <cblas.h>
#include <string.h>

/*
 * One row of columns: the values that tap (ky, kx) of channel `plane` sees at every output
 * position of the first `rows` rows. plane: (in.h, in.w), ret_row: (rows, out.w).
 */
static void gather_tap(const struct nn_layer *layer, uint32_t rows, const float *plane, uint32_t ky,
                       uint32_t kx, float *ret_row)
{
    int stride = (int)layer->spec.stride;
    int in_h = (int)layer->in.h;
    int in_w = (int)layer->in.w;
    int out_h = (int)rows;
    int out_w = (int)layer->out.w;
    int y = (int)ky - (int)layer->spec.padding;
    int x0 = (int)kx - (int)layer->spec.padding;
    int first = x0 < 0 ? (-x0 + stride - 1) / stride : 0;
    int end = in_w > x0 ? (in_w - 1 - x0) / stride + 1 : 0;
    if (end > out_w)
        end = out_w;
    if (first > end)
        first = end;
    for (int oy = 0; oy < out_h; oy++, y += stride, ret_row += out_w) {
        if (y < 0 || y >= in_h) {
            memset(ret_row, 0, (size_t)out_w * sizeof *ret_row);
            continue;
        }
        const float *line = plane + y * in_w + x0;
        for (int ox = 0; ox < first; ox++)
            ret_row[ox] = 0.0F;
        if (stride == 1)
            memcpy(ret_row + first, line + first, (size_t)(end - first) * sizeof *line);
        else
            for (int ox = first; ox < end; ox++)
                ret_row[ox] = line[ox * stride];
        for (int ox = end; ox < out_w; ox++)
            ret_row[ox] = 0.0F;
    }
}

/* The way back: a row of column gradients added to the plane it came from. */
static void scatter_tap(const struct nn_layer *layer, const float *row, uint32_t ky, uint32_t kx,
                        float *plane_grad)
{
    int stride = (int)layer->spec.stride;
    int in_h = (int)layer->in.h;
    int in_w = (int)layer->in.w;
    int out_h = (int)layer->out.h;
    int out_w = (int)layer->out.w;
    int y = (int)ky - (int)layer->spec.padding;
    int x0 = (int)kx - (int)layer->spec.padding;
    int first = x0 < 0 ? (-x0 + stride - 1) / stride : 0;
    int end = in_w > x0 ? (in_w - 1 - x0) / stride + 1 : 0;
    if (end > out_w)
        end = out_w;
    for (int oy = 0; oy < out_h; oy++, y += stride, row += out_w) {
        if (y < 0 || y >= in_h)
            continue;
        float *line = plane_grad + y * in_w + x0;
        if (stride == 1)
            for (int ox = first; ox < end; ox++)
                line[ox] += row[ox];
        else
            for (int ox = first; ox < end; ox++)
                line[ox * stride] += row[ox];
    }
}

/* in: one sample (c, h, w), ret_columns: (c * kernel * kernel, rows * out.w) */
static void gather(const struct nn_layer *layer, uint32_t rows, const float *in, float *ret_columns)
{
    size_t plane = (size_t)layer->in.h * layer->in.w;
    size_t positions = (size_t)rows * layer->out.w;
    for (uint32_t c = 0; c < layer->in.c; c++)
        for (uint32_t ky = 0; ky < layer->spec.kernel; ky++)
            for (uint32_t kx = 0; kx < layer->spec.kernel; kx++, ret_columns += positions)
                gather_tap(layer, rows, in + c * plane, ky, kx, ret_columns);
}

static void scatter(const struct nn_layer *layer, const float *columns, float *ret_in_grad)
{
    size_t plane = (size_t)layer->in.h * layer->in.w;
    size_t positions = (size_t)layer->out.h * layer->out.w;
    memset(ret_in_grad, 0, layer->in.c * plane * sizeof *ret_in_grad);
    for (uint32_t c = 0; c < layer->in.c; c++)
        for (uint32_t ky = 0; ky < layer->spec.kernel; ky++)
            for (uint32_t kx = 0; kx < layer->spec.kernel; kx++, columns += positions)
                scatter_tap(layer, columns, ky, kx, ret_in_grad + c * plane);
}

void nn_conv_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                     const struct nn_layer_memory *memory, const float *in, float *ret_out)
{
    int units = (int)layer->spec.units;
    int taps = (int)(layer->in.c * layer->spec.kernel * layer->spec.kernel);
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
    int taps = (int)(layer->in.c * layer->spec.kernel * layer->spec.kernel);
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
