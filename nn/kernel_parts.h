/* What the kernel sources of one instruction set share with each other, and with nobody else. */
#ifndef NN_KERNEL_PARTS_H
#define NN_KERNEL_PARTS_H

#include "nn/kernel_vector.h"

/* Vectors of output channels that go through the registers together, at most. */
enum { VECTORS_MAX = 3, POSITIONS_MAX = 12 };

/* How many of `vectors` output vectors, from the first not done yet, make the next block. */
INLINE uint32_t next_vectors(uint32_t vectors, uint32_t done)
{
    if (vectors % 2 != 0 && vectors % 3 == 0)
        return 3;
    return vectors - done >= 2 ? 2 : 1;
}

/* How many positions make the next block: as even as possible, so that no small rest is left. */
INLINE uint32_t next_positions(uint32_t left, uint32_t vectors)
{
    uint32_t most = vectors == 3 ? (V == 16 ? 8 : 4) : (V == 16 ? 12 : 6);
    uint32_t blocks = groups_of(left, most);
    return groups_of(left, blocks);
}

/*
 * The one sum behind every product here: for each position, `step` floats apart, and each output,
 * over depth x rows runs of `run` inputs that lie one after another. Weights: (depth, rows, run,
 * vectors, V).
 */
struct sum {
    uint32_t depth, rows, run;
    size_t depth_step, row_step, step;
};

/* Where the sums go: written, floats from position to position and from vector to vector. */
struct place {
    float *out;
    size_t position_step, vector_step;
};

/* All blocks of `positions` positions and `vectors` vectors of outputs. */
void KERNEL(nn_products)(const struct sum *sum, uint32_t positions, uint32_t vectors,
                         const float *in, const float *weights, const struct place *place);

/* Floats of weights for nn_products. */
INLINE size_t product_weights(const struct sum *sum, uint32_t vectors)
{
    return (size_t)sum->depth * sum->rows * sum->run * vectors * V;
}

/* Where the weight of one input (in the order of the sums, `of` in all) and output lies. */
INLINE size_t weight_place(uint32_t vectors, size_t of, size_t input, uint32_t output)
{
    uint32_t vector = output / V;
    uint32_t first = 0;
    while (first + next_vectors(vectors, first) <= vector)
        first += next_vectors(vectors, first);
    uint32_t size = next_vectors(vectors, first);
    return first * of * V + input * size * V + (vector - first) * V + output % V;
}

INLINE uint32_t groups_in(const struct nn_conv_shape *shape)
{
    return groups_of(shape->in_c, shape->in_lanes);
}

INLINE uint32_t vectors_out(const struct nn_conv_shape *shape)
{
    return groups_of(shape->out_c, V);
}

INLINE float *aligned_after(float *block, size_t floats)
{
    return block + (floats + 15) / 16 * 16;
}

/* Weights as a convolution sees them, the way back with its channels and taps turned round. */
struct taps {
    const float *weights;
    bool back;
};

INLINE float tap_at(const struct nn_conv_shape *shape, const struct taps *taps, uint32_t out,
                    uint32_t in, uint32_t row, uint32_t col)
{
    uint32_t rows = shape->kernel_rows;
    uint32_t cols = shape->kernel_cols;
    if (taps->back)
        return taps->weights[(((size_t)in * shape->out_c + out) * rows + rows - 1 - row) * cols +
                             cols - 1 - col];
    return taps->weights[(((size_t)out * shape->in_c + in) * rows + row) * cols + col];
}

/* kernel_direct.c */
size_t KERNEL(nn_direct_weights)(const struct nn_conv_shape *shape);
void KERNEL(nn_direct_pack)(const struct nn_conv_shape *shape, const struct taps *taps,
                            float *ret_packed);
void KERNEL(nn_direct)(const struct nn_conv_call *call);

size_t KERNEL(nn_direct_scratch)(const struct nn_conv_shape *shape);
void KERNEL(nn_pool)(const struct nn_pool_call *call);

/* kernel_row.c */
size_t KERNEL(nn_row_weights)(const struct nn_conv_shape *shape);
void KERNEL(nn_row_pack)(const struct nn_conv_shape *shape, const struct taps *taps,
                         float *ret_packed);
size_t KERNEL(nn_row_scratch)(const struct nn_conv_shape *shape);
void KERNEL(nn_row)(const struct nn_conv_call *call);

/* kernel_plane.c */
size_t KERNEL(nn_plane_weights)(const struct nn_conv_shape *shape);
void KERNEL(nn_plane_pack)(const struct nn_conv_shape *shape, const struct taps *taps,
                           float *ret_packed);
size_t KERNEL(nn_plane_scratch)(const struct nn_conv_shape *shape);
void KERNEL(nn_plane)(const struct nn_conv_call *call);

/* kernel_gradient.c */
size_t KERNEL(nn_gradient_sums)(const struct nn_conv_shape *shape, enum nn_conv_way way);
size_t KERNEL(nn_gradient_scratch)(const struct nn_conv_shape *shape, enum nn_conv_way way);
void KERNEL(nn_gradient)(const struct nn_gradient_call *call);
void KERNEL(nn_gradient_finish)(const struct nn_conv_shape *shape, enum nn_conv_way way,
                                const float *sums, float *ret_grads);

/* kernel_map.c */
void KERNEL(nn_map_load)(const struct nn_conv_shape *shape, uint32_t n, uint32_t rows,
                         const float *in, const struct nn_map *ret_map);
void KERNEL(nn_map_store)(const struct nn_conv_shape *shape, uint32_t n, uint32_t first,
                          uint32_t end, const struct nn_map *map, float *ret_out);

/* kernel_dense.c */
size_t KERNEL(nn_dense_weights)(uint32_t units, uint32_t inputs);
void KERNEL(nn_dense_pack)(uint32_t units, uint32_t inputs, size_t step, const uint32_t *order,
                           const float *weights, float *ret_packed);
size_t KERNEL(nn_dense_scratch)(uint32_t units, uint32_t inputs);
void KERNEL(nn_dense)(const struct nn_dense_call *call);
void KERNEL(nn_adam)(const struct nn_adam *adam, size_t n, const float *grads, float *first,
                     float *second, float *weights);

#endif
