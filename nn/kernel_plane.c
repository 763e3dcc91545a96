/*
 * Winograd's F(4x4, 3x3): 36 products for the 144 of a tile of 4x4 outputs (Lavin and Gray 2015).
 * Some tiles at a time, counted through all images: their inputs are transformed, 36 matrix
 * products made, and the results transformed back, with bias, rectifier and pool on the way out.
 */
#include "nn/kernel_tile.h"

/*
 * Tiles at a time: both sides of the products should stay in the second-level cache, while each
 * reading of the weights should serve many tiles.
 */
enum { LEAST = 24, MOST = 96 };

static uint32_t tiles_at_a_time(const struct nn_conv_shape *shape)
{
    size_t per_tile = (size_t)PLANES * V * (groups_in(shape) + vectors_out(shape));
    size_t fit = (size_t)(2 << 17) / sizeof(float) / per_tile;
    return fit < LEAST ? LEAST : (uint32_t)(fit > MOST ? MOST : fit / 12 * 12);
}

static size_t out_plane(const struct nn_conv_shape *shape, uint32_t tiles)
{
    return (size_t)vectors_out(shape) * tiles * V + STAGGER;
}

static struct sum sum_of(const struct nn_conv_shape *shape, uint32_t tiles)
{
    return (struct sum){
        .depth = groups_in(shape), .rows = 1, .run = V, .depth_step = (size_t)tiles * V, .step = V};
}

size_t KERNEL(nn_plane_weights)(const struct nn_conv_shape *shape)
{
    struct sum sum = sum_of(shape, 1);
    return PLANES * product_weights(&sum, vectors_out(shape));
}

size_t KERNEL(nn_plane_scratch)(const struct nn_conv_shape *shape)
{
    uint32_t tiles = tiles_at_a_time(shape);
    return PLANES * (in_plane(shape, tiles) + out_plane(shape, tiles)) + 16;
}

/* Six by six of one input channel and V outputs. */
static void pack_vector(const struct nn_conv_shape *shape, const struct taps *taps, uint32_t first,
                        uint32_t c, float *ret, size_t plane)
{
    vec half[REACH][3];
    for (uint32_t kx = 0; kx < 3; kx++) {
        vec column[3];
        vec to[REACH];
        for (uint32_t ky = 0; ky < 3; ky++)
            column[ky] = tap_vector(shape, taps, first, c, ky, kx);
        spread_taps(column, to);
        for (uint32_t y = 0; y < REACH; y++)
            half[y][kx] = to[y];
    }
    for (uint32_t y = 0; y < REACH; y++) {
        vec to[REACH];
        spread_taps(half[y], to);
        for (uint32_t x = 0; x < REACH; x++)
            store(ret + (y * REACH + x) * plane, to[x]);
    }
}

void KERNEL(nn_plane_pack)(const struct nn_conv_shape *shape, const struct taps *taps,
                           float *ret_packed)
{
    size_t of = (size_t)groups_in(shape) * V;
    size_t plane = KERNEL(nn_plane_weights)(shape) / PLANES;
    memset(ret_packed, 0, PLANES * plane * sizeof *ret_packed);
    for (uint32_t o = 0; o < shape->out_c; o += V)
        for (uint32_t c = 0; c < shape->in_c; c++)
            pack_vector(shape, taps, o, c, ret_packed + weight_place(vectors_out(shape), of, c, o),
                        plane);
}

INLINE void finish(const struct nn_conv_call *call, uint32_t vector, vec values[TILE][TILE])
{
    vec bias = call->bias ? load(call->bias + vector * V) : (vec){0.0F};
    UNROLL
    for (int y = 0; y < TILE; y++)
        UNROLL
    for (int x = 0; x < TILE; x++) {
        vec value = values[y][x] + bias;
        values[y][x] = call->relu ? larger(value, (vec){0.0F}) : value;
    }
}

/* Outputs of one tile that lie within the map, after the pool if there is one. */
static void put_tile(const struct nn_conv_call *call, struct tile tile, uint32_t vector,
                     vec values[TILE][TILE])
{
    uint32_t shrink = call->pool ? 2 : 1;
    uint32_t end = call->end_row / shrink;
    uint32_t width = call->shape->out_w / shrink;
    uint32_t y0 = tile.y / shrink;
    uint32_t x0 = tile.x / shrink;
    uint32_t high = TILE / shrink;
    uint32_t wide = TILE / shrink;
    if (y0 + high > end)
        high = end - y0;
    if (x0 + wide > width)
        wide = width - x0;
    float *out = call->out.data + tile.image * call->out.image + vector * call->out.group +
                 y0 * call->out.row + x0 * V;
    if (call->pool)
        for (int y = 0; y < TILE / 2; y++)
            for (int x = 0; x < TILE / 2; x++)
                values[y][x] =
                    larger(larger(values[2 * y][2 * x], values[2 * y][2 * x + 1]),
                           larger(values[2 * y + 1][2 * x], values[2 * y + 1][2 * x + 1]));
    for (uint32_t y = 0; y < high; y++)
        for (uint32_t x = 0; x < wide; x++)
            store(out + y * call->out.row + x * V, values[y][x]);
}

static void transform_outputs(const struct nn_conv_call *call, const struct tiling *tiling,
                              uint32_t first, uint32_t tiles, const float *from)
{
    struct tile places[TILES_MAX];
    size_t plane = out_plane(call->shape, tiles);
    for (uint32_t t = 0; t < tiles; t++)
        places[t] = tile_at(tiling, first + t);
    for (uint32_t v = 0; v < vectors_out(call->shape); v++)
        for (uint32_t t = 0; t < tiles; t++) {
            vec values[TILE][TILE];
            tile_out(from + ((size_t)v * tiles + t) * V, plane, values);
            finish(call, v, values);
            put_tile(call, places[t], v, values);
        }
}

void KERNEL(nn_plane)(const struct nn_conv_call *call)
{
    const struct nn_conv_shape *shape = call->shape;
    struct tiling tiling = tiling_of(shape, call->n, call->first_row, call->end_row);
    uint32_t most = tiles_at_a_time(shape);
    size_t plane = KERNEL(nn_plane_weights)(shape) / PLANES;
    float *ins = call->scratch;
    float *outs = aligned_after(ins, PLANES * in_plane(shape, most));
    for (uint32_t first = 0; first < tiling.n; first += most) {
        uint32_t tiles = tiling.n - first < most ? tiling.n - first : most;
        transform_inputs(shape, &call->in, &tiling, first, tiles, ins);
        struct sum sum = sum_of(shape, tiles);
        for (uint32_t p = 0; p < PLANES; p++) {
            struct place place = {outs + p * out_plane(shape, tiles), V, (size_t)tiles * V};
            KERNEL(nn_products)
            (&sum, tiles, vectors_out(shape), ins + p * in_plane(shape, tiles),
             call->weights + p * plane, &place);
        }
        transform_outputs(call, &tiling, first, tiles, outs);
    }
}
