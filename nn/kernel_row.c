/*
 * F(4, 3) along rows: six products for the twelve of four outputs and one row of taps. Rows stay
 * apart, so an output row has the same bits whether it is asked for alone or among others.
 */
#include "nn/kernel_tile.h"

/* Output rows at a time. */
enum { ROWS = 8 };

static uint32_t tiles_across(const struct nn_conv_shape *shape)
{
    return groups_of(shape->out_w, TILE);
}

static uint32_t in_rows(const struct nn_conv_shape *shape)
{
    return (ROWS - 1) * shape->stride_rows + shape->kernel_rows;
}

static size_t in_plane_of_rows(const struct nn_conv_shape *shape)
{
    return (size_t)groups_in(shape) * in_rows(shape) * tiles_across(shape) * V + STAGGER;
}

static size_t out_plane_of_rows(const struct nn_conv_shape *shape)
{
    return (size_t)vectors_out(shape) * ROWS * tiles_across(shape) * V + STAGGER;
}

static struct sum sum_of(const struct nn_conv_shape *shape)
{
    size_t row = (size_t)tiles_across(shape) * V;
    return (struct sum){.depth = groups_in(shape),
                        .rows = shape->kernel_rows,
                        .run = V,
                        .depth_step = in_rows(shape) * row,
                        .row_step = row,
                        .step = V};
}

size_t KERNEL(nn_row_weights)(const struct nn_conv_shape *shape)
{
    struct sum sum = sum_of(shape);
    return REACH * product_weights(&sum, vectors_out(shape));
}

size_t KERNEL(nn_row_scratch)(const struct nn_conv_shape *shape)
{
    return REACH * (in_plane_of_rows(shape) + out_plane_of_rows(shape)) + 16;
}

void KERNEL(nn_row_pack)(const struct nn_conv_shape *shape, const struct taps *taps,
                         float *ret_packed)
{
    size_t of = (size_t)groups_in(shape) * shape->kernel_rows * V;
    size_t plane = KERNEL(nn_row_weights)(shape) / REACH;
    memset(ret_packed, 0, REACH * plane * sizeof *ret_packed);
    for (uint32_t o = 0; o < shape->out_c; o += V)
        for (uint32_t c = 0; c < shape->in_c; c++)
            for (uint32_t ky = 0; ky < shape->kernel_rows; ky++) {
                vec row[3];
                vec to[REACH];
                for (uint32_t kx = 0; kx < 3; kx++)
                    row[kx] = tap_vector(shape, taps, o, c, ky, kx);
                spread_taps(row, to);
                size_t input = ((size_t)(c / V) * shape->kernel_rows + ky) * V + c % V;
                size_t place = weight_place(vectors_out(shape), of, input, o);
                for (uint32_t p = 0; p < REACH; p++)
                    store(ret_packed + p * plane + place, to[p]);
            }
}

/* in: the first input row of the first output row. */
static void transform_rows(const struct nn_conv_call *call, uint32_t rows, const float *in,
                           float *ret)
{
    const struct nn_conv_shape *shape = call->shape;
    uint32_t across = tiles_across(shape);
    size_t plane = in_plane_of_rows(shape);
    for (uint32_t g = 0; g < groups_in(shape); g++)
        for (uint32_t y = 0; y < rows; y++) {
            const float *from = in + g * call->in.group + y * call->in.row;
            float *to = ret + ((size_t)g * in_rows(shape) + y) * across * V;
            for (uint32_t t = 0; t < across; t++) {
                vec d[REACH];
                vec u[REACH];
                UNROLL
                for (int x = 0; x < REACH; x++)
                    d[x] = load(from + (t * TILE + (uint32_t)x) * V);
                transform_in(d, u);
                UNROLL
                for (int x = 0; x < REACH; x++)
                    store(to + (size_t)x * plane + t * V, u[x]);
            }
        }
}

/* from: the row's first tile in plane 0; out: the row. */
static void put_row(const struct nn_conv_call *call, uint32_t vector, const float *from, float *out)
{
    size_t plane = out_plane_of_rows(call->shape);
    uint32_t width = call->shape->out_w;
    vec bias = call->bias ? load(call->bias + vector * V) : (vec){0.0F};
    for (uint32_t t = 0; t < tiles_across(call->shape); t++) {
        vec m[REACH];
        vec values[TILE];
        UNROLL
        for (int x = 0; x < REACH; x++)
            m[x] = load(from + (size_t)x * plane + t * V);
        transform_out(m, values);
        for (uint32_t x = 0; x < TILE && t * TILE + x < width; x++) {
            vec value = values[x] + bias;
            store(out + (t * TILE + x) * V, call->relu ? larger(value, (vec){0.0F}) : value);
        }
    }
}

/* Products of `rows` output rows; their tiles lie one after another when the row stride is 1. */
static void multiply_rows(const struct nn_conv_shape *shape, uint32_t rows, const float *ins,
                          const float *weights, float *ret_outs)
{
    struct sum sum = sum_of(shape);
    uint32_t across = tiles_across(shape);
    size_t out_vector = (size_t)ROWS * across * V;
    size_t plane = KERNEL(nn_row_weights)(shape) / REACH;
    uint32_t once = shape->stride_rows == 1 ? rows : 1;
    for (uint32_t p = 0; p < REACH; p++)
        for (uint32_t y = 0; y < rows; y += once) {
            struct place place = {ret_outs + p * out_plane_of_rows(shape) + (size_t)y * across * V,
                                  V, out_vector};
            const float *in =
                ins + p * in_plane_of_rows(shape) + (size_t)y * shape->stride_rows * across * V;
            KERNEL(nn_products)
            (&sum, once * across, vectors_out(shape), in, weights + p * plane, &place);
        }
}

void KERNEL(nn_row)(const struct nn_conv_call *call)
{
    const struct nn_conv_shape *shape = call->shape;
    float *ins = call->scratch;
    float *outs = aligned_after(ins, REACH * in_plane_of_rows(shape));
    uint32_t across = tiles_across(shape);
    for (uint32_t i = 0; i < call->n; i++)
        for (uint32_t first = call->first_row; first < call->end_row; first += ROWS) {
            uint32_t rows = call->end_row - first < ROWS ? call->end_row - first : ROWS;
            ptrdiff_t top = (ptrdiff_t)(first * shape->stride_rows) - shape->pad_top;
            const float *in = call->in.data + i * call->in.image + top * (ptrdiff_t)call->in.row -
                              shape->pad_left * (ptrdiff_t)V;
            transform_rows(call, (rows - 1) * shape->stride_rows + shape->kernel_rows, in, ins);
            multiply_rows(shape, rows, ins, call->weights, outs);
            for (uint32_t v = 0; v < vectors_out(shape); v++)
                for (uint32_t y = 0; y < rows; y++)
                    put_row(call, v, outs + ((size_t)v * ROWS + y) * across * V,
                            call->out.data + i * call->out.image + v * call->out.group +
                                (first + y) * call->out.row);
        }
}
