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

static void finish_row(const struct nn_conv_call *call, float *row, uint32_t vector)
{
    vec bias = call->bias ? load(call->bias + vector * V) : (vec){0.0F};
    for (uint32_t x = 0; x < call->shape->out_w; x++) {
        vec value = load(row + x * V) + bias;
        store(row + x * V, call->relu ? larger(value, (vec){0.0F}) : value);
    }
}

void KERNEL(nn_direct)(const struct nn_conv_call *call)
{
    const struct nn_conv_shape *shape = call->shape;
    struct sum sum = sum_of(shape, &call->in);
    for (uint32_t i = 0; i < call->n; i++)
        for (uint32_t y = call->first_row; y < call->end_row; y++) {
            ptrdiff_t top = (ptrdiff_t)(y * shape->stride_rows) - shape->pad_top;
            const float *in = call->in.data + i * call->in.image + top * (ptrdiff_t)call->in.row -
                              shape->pad_left * (ptrdiff_t)shape->in_lanes;
            float *out = call->out.data + i * call->out.image + y * call->out.row;
            struct place place = {out, V, call->out.group};
            KERNEL(nn_products)(&sum, shape->out_w, vectors_out(shape), in, call->weights, &place);
            for (uint32_t v = 0; v < vectors_out(shape); v++)
                finish_row(call, out + v * call->out.group, v);
        }
}
