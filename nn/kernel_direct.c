/* Convolution as it is defined: every kernel, every stride. */
#include "nn/kernel_parts.h"

/* A row of taps lies in one run of the input: columns and the lanes of each. */
static struct sum sum_of(const struct nn_conv_shape *shape, const struct nn_map *in)
{
    return (struct sum){.depth = groups_in(shape),
                        .rows = shape->kernel_rows,
                        .run = shape->kernel_cols * shape->in_lanes,
                        .depth_step = in->group,
                        .row_step = in->row,
                        .step = (size_t)shape->stride_cols * shape->in_lanes};
}

size_t KERNEL(nn_direct_weights)(const struct nn_conv_shape *shape)
{
    struct nn_map none = {0};
    struct sum sum = sum_of(shape, &none);
    return product_weights(&sum, vectors_out(shape));
}

void KERNEL(nn_direct_pack)(const struct nn_conv_shape *shape, const struct taps *taps,
                            float *ret_packed)
{
    uint32_t lanes = shape->in_lanes;
    size_t of = (size_t)groups_in(shape) * shape->kernel_rows * shape->kernel_cols * lanes;
    memset(ret_packed, 0, KERNEL(nn_direct_weights)(shape) * sizeof *ret_packed);
    for (uint32_t o = 0; o < shape->out_c; o++) {
        size_t first = weight_place(vectors_out(shape), of, 0, o);
        size_t step = weight_place(vectors_out(shape), of, 1, o) - first;
        for (uint32_t c = 0; c < shape->in_c; c++)
            for (uint32_t ky = 0; ky < shape->kernel_rows; ky++)
                for (uint32_t kx = 0; kx < shape->kernel_cols; kx++) {
                    size_t run = (size_t)(c / lanes) * shape->kernel_rows + ky;
                    size_t input = (run * shape->kernel_cols + kx) * lanes + c % lanes;
                    ret_packed[first + input * step] = tap_at(shape, taps, o, c, ky, kx);
                }
    }
}

size_t KERNEL(nn_direct_scratch)(const struct nn_conv_shape *shape)
{
    return 2 * (size_t)shape->out_w * vectors_out(shape) * V;
}

INLINE vec finish(const struct nn_conv_call *call, vec bias, vec value)
{
    value += bias;
    return call->relu ? larger(value, (vec){0.0F}) : value;
}

static void finish_row(const struct nn_conv_call *call, uint32_t vector, float *row)
{
    vec bias = call->bias ? load(call->bias + vector * V) : (vec){0.0F};
    for (uint32_t x = 0; x < call->shape->out_w; x++)
        store(row + x * V, finish(call, bias, load(row + x * V)));
}

/* Two rows to one of half the width. Maxima first: bias and rectifier keep their order. */
static void finish_pool(const struct nn_conv_call *call, uint32_t vector, const float *two,
                        float *out)
{
    vec bias = call->bias ? load(call->bias + vector * V) : (vec){0.0F};
    const float *below = two + (size_t)call->shape->out_w * V;
    for (uint32_t x = 0; x < call->shape->out_w / 2; x++) {
        vec upper = larger(load(two + 2 * x * V), load(two + (2 * x + 1) * V));
        vec lower = larger(load(below + 2 * x * V), load(below + (2 * x + 1) * V));
        store(out + x * V, finish(call, bias, larger(upper, lower)));
    }
}

/* One row of sums of products, vectors of outputs `vector_step` floats apart. */
static void sum_row(const struct nn_conv_call *call, uint32_t image, uint32_t y, float *out,
                    size_t vector_step)
{
    const struct nn_conv_shape *shape = call->shape;
    struct sum sum = sum_of(shape, &call->in);
    ptrdiff_t top = (ptrdiff_t)(y * shape->stride_rows) - shape->pad_top;
    const float *in = call->in.data + image * call->in.image + top * (ptrdiff_t)call->in.row -
                      shape->pad_left * (ptrdiff_t)shape->in_lanes;
    struct place place = {out, V, vector_step};
    KERNEL(nn_products)(&sum, shape->out_w, vectors_out(shape), in, call->weights, &place);
}

static void pooled_image(const struct nn_conv_call *call, uint32_t image)
{
    size_t row = (size_t)call->shape->out_w * V;
    float *out = call->out.data + image * call->out.image;
    for (uint32_t y = call->first_row; y + 1 < call->end_row; y += 2) {
        sum_row(call, image, y, call->scratch, 2 * row);
        sum_row(call, image, y + 1, call->scratch + row, 2 * row);
        for (uint32_t v = 0; v < vectors_out(call->shape); v++)
            finish_pool(call, v, call->scratch + v * 2 * row,
                        out + v * call->out.group + y / 2 * call->out.row);
    }
}

static void plain_image(const struct nn_conv_call *call, uint32_t image)
{
    for (uint32_t y = call->first_row; y < call->end_row; y++) {
        float *out = call->out.data + image * call->out.image + y * call->out.row;
        sum_row(call, image, y, out, call->out.group);
        for (uint32_t v = 0; v < vectors_out(call->shape); v++)
            finish_row(call, v, out + v * call->out.group);
    }
}

void KERNEL(nn_direct)(const struct nn_conv_call *call)
{
    for (uint32_t i = 0; i < call->n; i++)
        if (call->pool)
            pooled_image(call, i);
        else
            plain_image(call, i);
}

static vec pool_window(const struct nn_pool_call *call, const float *in)
{
    vec sum = load(in);
    vec most = sum;
    for (uint32_t y = 0; y < call->rows; y++)
        for (uint32_t x = y == 0; x < call->cols; x++) {
            vec next = load(in + y * call->in.row + x * V);
            sum += next;
            most = larger(most, next);
        }
    if (call->average)
        most = sum / splat((float)(call->rows * call->cols));
    return most;
}

void KERNEL(nn_pool)(const struct nn_pool_call *call)
{
    for (uint32_t g = 0; g < call->groups; g++)
        for (uint32_t y = call->first_row; y < call->end_row; y++) {
            const float *in =
                call->in.data + g * call->in.group + (size_t)y * call->stride_rows * call->in.row;
            float *out = call->out.data + g * call->out.group + y * call->out.row;
            for (uint32_t x = 0; x < call->out_w; x++)
                store(out + x * V, pool_window(call, in + (size_t)x * call->stride_cols * V));
        }
}
