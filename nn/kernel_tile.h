/*
 * Tiles of Winograd's F(4x4, 3x3), shared by the convolution and its weight gradient: where they
 * lie, and how their inputs are transformed. Only for the kernel sources.
 */
#ifndef NN_KERNEL_TILE_H
#define NN_KERNEL_TILE_H

#include "nn/kernel_parts.h"

enum { TILE = 4, REACH = 6, PLANES = REACH * REACH };

/* Tiles that go through a product together, at most. */
enum { TILES_MAX = 128 };

/* Floats that keep the 36 planes from falling on the same lines of a cache. */
enum { STAGGER = 5 * V };

INLINE size_t in_plane(const struct nn_conv_shape *shape, uint32_t tiles)
{
    return (size_t)groups_in(shape) * tiles * V + STAGGER;
}

/* G: three taps to six. */
INLINE void spread_taps(const vec from[3], vec to[REACH])
{
    vec sixth = splat(-1.0F / 6.0F);
    vec ends = (from[0] + from[2]) * sixth;
    vec far = from[0] * splat(1.0F / 24.0F) + from[2] * splat(1.0F / 6.0F);
    vec middle = from[1] * sixth;
    vec odd = from[1] * splat(1.0F / 12.0F);
    to[0] = from[0] * splat(0.25F);
    to[1] = ends + middle;
    to[2] = ends - middle;
    to[3] = far + odd;
    to[4] = far - odd;
    to[5] = from[2];
}

/* One tap of one input channel for V outputs, from output `first` on. */
INLINE vec tap_vector(const struct nn_conv_shape *shape, const struct taps *taps, uint32_t first,
                      uint32_t in, uint32_t row, uint32_t col)
{
    float values[V] __attribute__((aligned(VECTOR_BYTES))) = {0.0F};
    for (uint32_t l = 0; l < V && first + l < shape->out_c; l++)
        values[l] = tap_at(shape, taps, first + l, in, row, col);
    return load(values);
}

/* B': six inputs to six. */
INLINE void transform_in(const vec d[REACH], vec to[REACH])
{
    vec two = splat(2.0F);
    vec four = splat(4.0F);
    vec five = splat(5.0F);
    vec a = multiply_add(-four, d[2], d[4]);
    vec b = multiply_add(-four, d[1], d[3]);
    vec c = d[4] - d[2];
    vec e = two * (d[3] - d[1]);
    to[0] = multiply_add(four, d[0], multiply_add(-five, d[2], d[4]));
    to[1] = a + b;
    to[2] = a - b;
    to[3] = c + e;
    to[4] = c - e;
    to[5] = multiply_add(four, d[1], multiply_add(-five, d[3], d[5]));
}

/* A': six results to four outputs. */
INLINE void transform_out(const vec m[REACH], vec to[TILE])
{
    vec a = m[1] + m[2];
    vec b = m[1] - m[2];
    vec c = m[3] + m[4];
    vec d = m[3] - m[4];
    to[0] = m[0] + a + c;
    to[1] = multiply_add(splat(2.0F), d, b);
    to[2] = multiply_add(splat(4.0F), c, a);
    to[3] = multiply_add(splat(8.0F), d, b) + m[5];
}

/* in: the tile's first input; ret: its value in plane 0. */
INLINE void tile_in(const float *in, size_t row, float *ret, size_t plane)
{
    vec half[REACH][REACH];
    UNROLL
    for (int x = 0; x < REACH; x++) {
        vec column[REACH];
        vec to[REACH];
        UNROLL
        for (int y = 0; y < REACH; y++)
            column[y] = load(in + (size_t)y * row + (size_t)x * V);
        transform_in(column, to);
        UNROLL
        for (int y = 0; y < REACH; y++)
            half[y][x] = to[y];
    }
    UNROLL
    for (int y = 0; y < REACH; y++) {
        vec to[REACH];
        transform_in(half[y], to);
        UNROLL
        for (int x = 0; x < REACH; x++)
            store(ret + (size_t)(y * REACH + x) * plane, to[x]);
    }
}

/* from: the tile's value in plane 0. */
INLINE void tile_out(const float *from, size_t plane, vec ret[TILE][TILE])
{
    vec half[TILE][REACH];
    UNROLL
    for (int x = 0; x < REACH; x++) {
        vec column[REACH];
        vec to[TILE];
        UNROLL
        for (int y = 0; y < REACH; y++)
            column[y] = load(from + (size_t)(y * REACH + x) * plane);
        transform_out(column, to);
        UNROLL
        for (int y = 0; y < TILE; y++)
            half[y][x] = to[y];
    }
    UNROLL
    for (int y = 0; y < TILE; y++)
        transform_out(half[y], ret[y]);
}

/* Where a tile lies, tiles counted along rows, then down, then through the images. */
struct tile {
    uint32_t image, y, x;
};

/* What the tiles of one call are: those of the rows wanted. */
struct tiling {
    uint32_t across, down, first_down, n;
};

INLINE struct tiling tiling_of(const struct nn_conv_shape *shape, uint32_t n, uint32_t first_row,
                               uint32_t end_row)
{
    struct tiling tiling = {.across = groups_of(shape->out_w, TILE),
                            .first_down = first_row / TILE};
    tiling.down = groups_of(end_row, TILE) - tiling.first_down;
    tiling.n = n * tiling.across * tiling.down;
    return tiling;
}

INLINE struct tile tile_at(const struct tiling *tiling, uint32_t index)
{
    uint32_t along = index / tiling->across;
    return (struct tile){.image = along / tiling->down,
                         .y = TILE * (along % tiling->down + tiling->first_down),
                         .x = TILE * (index % tiling->across)};
}

/* Inputs of some tiles, group by group: along a row of tiles, reading runs on. */
INLINE void transform_inputs(const struct nn_conv_shape *shape, const struct nn_map *map,
                             const struct tiling *tiling, uint32_t first, uint32_t tiles,
                             float *ret)
{
    const float *corners[TILES_MAX];
    size_t plane = in_plane(shape, tiles);
    for (uint32_t t = 0; t < tiles; t++) {
        struct tile tile = tile_at(tiling, first + t);
        ptrdiff_t row = (ptrdiff_t)tile.y - shape->pad_top;
        ptrdiff_t column = (ptrdiff_t)tile.x - shape->pad_left;
        corners[t] = map->data + tile.image * map->image + row * (ptrdiff_t)map->row + column * V;
    }
    for (uint32_t g = 0; g < groups_in(shape); g++)
        for (uint32_t t = 0; t < tiles; t++)
            tile_in(corners[t] + g * map->group, map->row, ret + ((size_t)g * tiles + t) * V,
                    plane);
}

#endif
