/*
 * Gradients of convolution weights: for every tap, input channel and output channel, the sum over
 * all positions of input times output gradient. Over tiles it is the transpose of Winograd's
 * F(4x4, 3x3): G' [(B' d B) . (A g A')] G.
 */
#include "nn/kernel_tile.h"

enum { LANES_AT_ONCE = 4 };

/* Positions summed over in one go; in and grad: their first values. */
struct stretch {
    uint32_t rows, cols;
    const float *in;
    size_t in_row, in_step;
    const float *grad;
    size_t grad_row, grad_vector;
};

/* sums: (lanes, vectors), lanes `step` floats apart; added to. */
INLINE void correlate_block(const uint32_t lanes, const uint32_t vectors, const struct stretch *s,
                            float *sums, size_t step)
{
    vec held[LANES_AT_ONCE][VECTORS_MAX];
    UNROLL
    for (uint32_t l = 0; l < lanes; l++)
        UNROLL
    for (uint32_t v = 0; v < vectors; v++)
        held[l][v] = load(sums + l * step + v * V);
    for (uint32_t y = 0; y < s->rows; y++) {
        const float *in = s->in + y * s->in_row;
        const float *grad = s->grad + y * s->grad_row;
        for (uint32_t x = 0; x < s->cols; x++, in += s->in_step, grad += V) {
            vec g[VECTORS_MAX];
            UNROLL
            for (uint32_t v = 0; v < vectors; v++)
                g[v] = load(grad + v * s->grad_vector);
            UNROLL
            for (uint32_t l = 0; l < lanes; l++) {
                vec value = splat(in[l]);
                UNROLL
                for (uint32_t v = 0; v < vectors; v++)
                    held[l][v] = multiply_add(value, g[v], held[l][v]);
            }
        }
    }
    UNROLL
    for (uint32_t l = 0; l < lanes; l++)
        UNROLL
    for (uint32_t v = 0; v < vectors; v++)
        store(sums + l * step + v * V, held[l][v]);
}

#define CORRELATE(lanes, vectors)                                                                  \
    static void correlate_##lanes##_##vectors(const struct stretch *s, float *sums, size_t step)   \
    {                                                                                              \
        correlate_block(lanes, vectors, s, sums, step);                                            \
    }
#define CORRELATE_LANES(vectors)                                                                   \
    CORRELATE(1, vectors) CORRELATE(2, vectors) CORRELATE(3, vectors) CORRELATE(4, vectors)
#define NAMES(vectors)                                                                             \
    {                                                                                              \
        correlate_1_##vectors, correlate_2_##vectors, correlate_3_##vectors, correlate_4_##vectors \
    }
/* clang-format off */
CORRELATE_LANES(1)
CORRELATE_LANES(2)
CORRELATE_LANES(3)
/* clang-format on */
typedef void correlate_fn(const struct stretch *s, float *sums, size_t step);
static correlate_fn *const blocks[VECTORS_MAX][LANES_AT_ONCE] = {NAMES(1), NAMES(2), NAMES(3)};

/* One tap, one group of input channels, all outputs. sums: (lanes, outs, V). */
static void correlate(const struct stretch *stretch, uint32_t lanes, uint32_t outs, float *sums)
{
    size_t step = (size_t)outs * V;
    for (uint32_t v = 0; v < outs;) {
        uint32_t nv = next_vectors(outs, v);
        for (uint32_t l = 0; l < lanes; l += LANES_AT_ONCE) {
            uint32_t nl = lanes - l < LANES_AT_ONCE ? lanes - l : LANES_AT_ONCE;
            struct stretch s = *stretch;
            s.in += l;
            s.grad += v * s.grad_vector;
            blocks[nv - 1][nl - 1](&s, sums + l * step + (size_t)v * V, step);
        }
        v += nv;
    }
}

/* Sums of one tap or plane: (channels in, filled up; outputs, filled up). */
static size_t sums_of_one(const struct nn_conv_shape *shape)
{
    return (size_t)groups_in(shape) * shape->in_lanes * vectors_out(shape) * V;
}

size_t KERNEL(nn_gradient_sums)(const struct nn_conv_shape *shape, enum nn_conv_way way)
{
    size_t kinds = way == NN_CONV_PLANE ? PLANES : shape->kernel_rows * shape->kernel_cols;
    return kinds * sums_of_one(shape);
}

/* Positions enough that loading and storing the sums does not matter, few enough for a cache. */
static uint32_t rows_at_a_time(const struct nn_conv_shape *shape)
{
    return shape->out_w >= 256 ? 1 : 256 / shape->out_w;
}

static void add_rows(const struct nn_gradient_call *call, uint32_t image, uint32_t first,
                     uint32_t rows)
{
    const struct nn_conv_shape *shape = call->shape;
    uint32_t lanes = shape->in_lanes;
    ptrdiff_t top = (ptrdiff_t)(first * shape->stride_rows) - shape->pad_top;
    const float *in = call->in.data + image * call->in.image + top * (ptrdiff_t)call->in.row -
                      shape->pad_left * (ptrdiff_t)lanes;
    struct stretch s = {.rows = rows,
                        .cols = shape->out_w,
                        .in_row = shape->stride_rows * call->in.row,
                        .in_step = (size_t)shape->stride_cols * lanes,
                        .grad = call->out_grad.data + image * call->out_grad.image +
                                first * call->out_grad.row,
                        .grad_row = call->out_grad.row,
                        .grad_vector = call->out_grad.group};
    float *sums = call->sums;
    for (uint32_t ky = 0; ky < shape->kernel_rows; ky++)
        for (uint32_t kx = 0; kx < shape->kernel_cols; kx++)
            for (uint32_t g = 0; g < groups_in(shape); g++) {
                s.in = in + g * call->in.group + ky * call->in.row + (size_t)kx * lanes;
                correlate(&s, lanes, vectors_out(shape), sums);
                sums += (size_t)lanes * vectors_out(shape) * V;
            }
}

static void add_direct(const struct nn_gradient_call *call)
{
    uint32_t most = rows_at_a_time(call->shape);
    uint32_t h = call->shape->out_h;
    for (uint32_t i = 0; i < call->n; i++)
        for (uint32_t y = 0; y < h; y += most)
            add_rows(call, i, y, h - y < most ? h - y : most);
}

static uint32_t tiles_at_a_time(const struct nn_conv_shape *shape)
{
    size_t per_tile = (size_t)PLANES * V * (groups_in(shape) + vectors_out(shape));
    size_t fit = (size_t)(1 << 19) / sizeof(float) / per_tile;
    return fit < 64 ? 64 : (uint32_t)(fit > TILES_MAX ? TILES_MAX : fit);
}

static size_t grad_plane(const struct nn_conv_shape *shape, uint32_t tiles)
{
    return (size_t)vectors_out(shape) * tiles * V + STAGGER;
}

size_t KERNEL(nn_gradient_scratch)(const struct nn_conv_shape *shape, enum nn_conv_way way)
{
    if (way != NN_CONV_PLANE)
        return 0;
    uint32_t tiles = tiles_at_a_time(shape);
    return PLANES * (in_plane(shape, tiles) + grad_plane(shape, tiles)) + 16;
}

/* A: four gradients to six. */
INLINE void transform_grad(const vec g[TILE], vec to[REACH])
{
    vec a = g[0] + g[2];
    vec b = g[1] + g[3];
    vec c = multiply_add(splat(4.0F), g[2], g[0]);
    vec d = splat(2.0F) * multiply_add(splat(4.0F), g[3], g[1]);
    to[0] = g[0];
    to[1] = a + b;
    to[2] = a - b;
    to[3] = c + d;
    to[4] = c - d;
    to[5] = g[3];
}

static void tile_grad(const float *grad, size_t row, float *ret, size_t plane)
{
    vec half[REACH][TILE];
    UNROLL
    for (int x = 0; x < TILE; x++) {
        vec column[TILE];
        vec to[REACH];
        UNROLL
        for (int y = 0; y < TILE; y++)
            column[y] = load(grad + (size_t)y * row + (size_t)x * V);
        transform_grad(column, to);
        UNROLL
        for (int y = 0; y < REACH; y++)
            half[y][x] = to[y];
    }
    UNROLL
    for (int y = 0; y < REACH; y++) {
        vec to[REACH];
        transform_grad(half[y], to);
        UNROLL
        for (int x = 0; x < REACH; x++)
            store(ret + (size_t)(y * REACH + x) * plane, to[x]);
    }
}

static void transform_grads(const struct nn_gradient_call *call, const struct tiling *tiling,
                            uint32_t first, uint32_t tiles, float *ret)
{
    const struct nn_map *map = &call->out_grad;
    size_t plane = grad_plane(call->shape, tiles);
    for (uint32_t t = 0; t < tiles; t++) {
        struct tile tile = tile_at(tiling, first + t);
        const float *grad = map->data + tile.image * map->image + tile.y * map->row + tile.x * V;
        for (uint32_t v = 0; v < vectors_out(call->shape); v++)
            tile_grad(grad + v * map->group, map->row, ret + ((size_t)v * tiles + t) * V, plane);
    }
}

static void add_tiles(const struct nn_gradient_call *call)
{
    const struct nn_conv_shape *shape = call->shape;
    struct tiling tiling = tiling_of(shape, call->n, 0, shape->out_h);
    uint32_t most = tiles_at_a_time(shape);
    float *ins = call->scratch;
    float *grads = aligned_after(ins, PLANES * in_plane(shape, most));
    for (uint32_t first = 0; first < tiling.n; first += most) {
        uint32_t tiles = tiling.n - first < most ? tiling.n - first : most;
        transform_inputs(shape, &call->in, &tiling, first, tiles, ins);
        transform_grads(call, &tiling, first, tiles, grads);
        float *sums = call->sums;
        for (uint32_t p = 0; p < PLANES; p++)
            for (uint32_t g = 0; g < groups_in(shape); g++) {
                struct stretch s = {.rows = 1,
                                    .cols = tiles,
                                    .in = ins + p * in_plane(shape, tiles) + (size_t)g * tiles * V,
                                    .in_step = V,
                                    .grad = grads + p * grad_plane(shape, tiles),
                                    .grad_vector = (size_t)tiles * V};
                correlate(&s, V, vectors_out(shape), sums);
                sums += (size_t)V * vectors_out(shape) * V;
            }
    }
}

void KERNEL(nn_gradient)(const struct nn_gradient_call *call)
{
    if (call->way == NN_CONV_PLANE)
        add_tiles(call);
    else
        add_direct(call);
}

/* G': six sums to three taps. */
INLINE void gather_taps(const vec s[REACH], vec to[3])
{
    vec a = (s[1] + s[2]) * splat(1.0F / 6.0F);
    vec b = s[3] + s[4];
    to[0] = s[0] * splat(0.25F) - a + b * splat(1.0F / 24.0F);
    to[1] = (s[2] - s[1]) * splat(1.0F / 6.0F) + (s[3] - s[4]) * splat(1.0F / 12.0F);
    to[2] = b * splat(1.0F / 6.0F) - a + s[5];
}

/* Taps (3, 3) of one input channel and one vector of outputs. */
static void taps_of_planes(const float *sums, size_t plane, vec ret[9])
{
    vec half[3][REACH];
    for (int x = 0; x < REACH; x++) {
        vec column[REACH];
        vec to[3];
        for (int y = 0; y < REACH; y++)
            column[y] = load(sums + (size_t)(y * REACH + x) * plane);
        gather_taps(column, to);
        for (int y = 0; y < 3; y++)
            half[y][x] = to[y];
    }
    for (int y = 0; y < 3; y++)
        gather_taps(half[y], ret + y * 3);
}

void KERNEL(nn_gradient_finish)(const struct nn_conv_shape *shape, enum nn_conv_way way,
                                const float *sums, float *ret_grads)
{
    size_t one = sums_of_one(shape);
    size_t outs = (size_t)vectors_out(shape) * V;
    uint32_t taps = shape->kernel_rows * shape->kernel_cols;
    for (uint32_t c = 0; c < shape->in_c; c++)
        for (uint32_t v = 0; v < vectors_out(shape); v++) {
            const float *from = sums + c * outs + (size_t)v * V;
            vec planes[9];
            if (way == NN_CONV_PLANE)
                taps_of_planes(from, one, planes);
            for (uint32_t t = 0; t < taps; t++) {
                vec values = way == NN_CONV_PLANE ? planes[t] : load(from + t * one);
                for (uint32_t l = 0; l < V && v * V + l < shape->out_c; l++)
                    ret_grads[((size_t)(v * V + l) * shape->in_c + c) * taps + t] += values[l];
            }
        }
}
