/*
 * Sums of products for small blocks of positions and output vectors. A block's sums stay in
 * registers from the first product to the last; the sizes are literals for that reason.
 */
#include "nn/kernel_parts.h"

INLINE void block(const uint32_t positions, const uint32_t vectors, const struct sum *sum,
                  const float *in, const float *weights, const struct place *place)
{
    vec sums[POSITIONS_MAX][VECTORS_MAX];
    UNROLL
    for (uint32_t p = 0; p < positions; p++)
        UNROLL
    for (uint32_t v = 0; v < vectors; v++)
        sums[p][v] = (vec){0.0F};
    const size_t step = sum->step;
    for (uint32_t d = 0; d < sum->depth; d++)
        for (uint32_t r = 0; r < sum->rows; r++) {
            const float *x = in + d * sum->depth_step + r * sum->row_step;
            for (uint32_t i = 0; i < sum->run; i++, x++, weights += vectors * V) {
                vec w[VECTORS_MAX];
                UNROLL
                for (uint32_t v = 0; v < vectors; v++)
                    w[v] = load(weights + v * V);
                UNROLL
                for (uint32_t p = 0; p < positions; p++) {
                    vec value = splat(x[p * step]);
                    UNROLL
                    for (uint32_t v = 0; v < vectors; v++)
                        sums[p][v] = multiply_add(value, w[v], sums[p][v]);
                }
            }
        }
    UNROLL
    for (uint32_t p = 0; p < positions; p++)
        UNROLL
    for (uint32_t v = 0; v < vectors; v++)
        store(place->out + p * place->position_step + v * place->vector_step, sums[p][v]);
}

#define BLOCK(positions, vectors)                                                                  \
    static void block_##positions##_##vectors(const struct sum *sum, const float *in,              \
                                              const float *weights, const struct place *place)     \
    {                                                                                              \
        block(positions, vectors, sum, in, weights, place);                                        \
    }
#define BLOCKS_SMALL(vectors)                                                                      \
    BLOCK(1, vectors) BLOCK(2, vectors) BLOCK(3, vectors) BLOCK(4, vectors)
#define NAMES_SMALL(vectors)                                                                       \
    block_1_##vectors, block_2_##vectors, block_3_##vectors, block_4_##vectors

typedef void block_fn(const struct sum *sum, const float *in, const float *weights,
                      const struct place *place);

/* clang-format off */
BLOCKS_SMALL(1) BLOCK(5, 1) BLOCK(6, 1)
BLOCKS_SMALL(2) BLOCK(5, 2) BLOCK(6, 2)
BLOCKS_SMALL(3)
#if defined __AVX512F__
BLOCK(7, 1) BLOCK(8, 1) BLOCK(9, 1) BLOCK(10, 1) BLOCK(11, 1) BLOCK(12, 1)
BLOCK(7, 2) BLOCK(8, 2) BLOCK(9, 2) BLOCK(10, 2) BLOCK(11, 2) BLOCK(12, 2)
BLOCK(5, 3) BLOCK(6, 3) BLOCK(7, 3) BLOCK(8, 3)
static block_fn *const blocks[VECTORS_MAX][POSITIONS_MAX] = {
    {NAMES_SMALL(1), block_5_1, block_6_1, block_7_1, block_8_1, block_9_1, block_10_1, block_11_1,
     block_12_1},
    {NAMES_SMALL(2), block_5_2, block_6_2, block_7_2, block_8_2, block_9_2, block_10_2, block_11_2,
     block_12_2},
    {NAMES_SMALL(3), block_5_3, block_6_3, block_7_3, block_8_3}};
#else
static block_fn *const blocks[VECTORS_MAX][POSITIONS_MAX] = {
    {NAMES_SMALL(1), block_5_1, block_6_1},
    {NAMES_SMALL(2), block_5_2, block_6_2},
    {NAMES_SMALL(3)}};
#endif
/* clang-format on */

void KERNEL(nn_products)(const struct sum *sum, uint32_t positions, uint32_t vectors,
                         const float *in, const float *weights, const struct place *place)
{
    for (uint32_t v = 0; v < vectors;) {
        uint32_t nv = next_vectors(vectors, v);
        for (uint32_t p = 0; p < positions;) {
            uint32_t np = next_positions(positions - p, nv);
            struct place at = *place;
            at.out += p * place->position_step + v * place->vector_step;
            blocks[nv - 1][np - 1](sum, in + p * sum->step, weights, &at);
            p += np;
        }
        weights += product_weights(sum, nv);
        v += nv;
    }
}
