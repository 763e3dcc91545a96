/* Between plain tensors and blocked maps. */
#include "nn/kernel_parts.h"

/* Four channels of four positions change places in registers of four, whatever V is. */
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

enum { QUAD = 4 };

INLINE void transpose(quad r[QUAD])
{
    quad a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
    quad b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    quad c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    quad d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    r[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    r[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

/* Rows of `from`, from_step apart, become columns of `to`. */
INLINE void move_quad(const float *from, size_t from_step, float *to, size_t to_step)
{
    quad r[QUAD];
    for (size_t k = 0; k < QUAD; k++)
        r[k] = *(const quad *)(from + k * from_step);
    transpose(r);
    for (size_t k = 0; k < QUAD; k++)
        *(quad *)(to + k * to_step) = r[k];
}

/* `lanes` channels of one row, `step` floats apart, side by side; missing ones are 0. */
static void load_row(const float *in, size_t step, uint32_t channels, uint32_t lanes, uint32_t w,
                     float *ret_row)
{
    uint32_t quads = channels / QUAD * QUAD;
    uint32_t wide = w / QUAD * QUAD;
    for (uint32_t x = 0; x < wide; x += QUAD)
        for (uint32_t l = 0; l < quads; l += QUAD)
            move_quad(in + l * step + x, step, ret_row + (size_t)x * lanes + l, lanes);
    for (uint32_t l = 0; l < channels; l++)
        for (uint32_t x = l < quads ? wide : 0; x < w; x++)
            ret_row[x * lanes + l] = in[l * step + x];
    for (uint32_t l = channels; l < lanes; l++)
        for (uint32_t x = 0; x < w; x++)
            ret_row[x * lanes + l] = 0.0F;
}

void KERNEL(nn_map_load)(const struct nn_conv_shape *shape, uint32_t n, uint32_t rows,
                         const float *in, const struct nn_map *ret_map)
{
    size_t plane = (size_t)shape->in_h * shape->in_w;
    uint32_t lanes = shape->in_lanes;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < shape->in_c; c += lanes) {
            uint32_t channels = shape->in_c - c < lanes ? shape->in_c - c : lanes;
            const float *from = in + (i * (size_t)shape->in_c + c) * plane;
            float *to = ret_map->data + i * ret_map->image + c / lanes * ret_map->group;
            for (uint32_t y = 0; y < rows; y++)
                load_row(from + (size_t)y * shape->in_w, plane, channels, lanes, shape->in_w,
                         to + y * ret_map->row);
            for (uint32_t y = rows; y < shape->in_h; y++)
                memset(to + y * ret_map->row, 0, (size_t)shape->in_w * lanes * sizeof *to);
        }
}

/* The way back: `channels` channels of one row, `step` floats apart. */
static void store_row(const float *row, uint32_t channels, uint32_t w, size_t step, float *ret_out)
{
    uint32_t quads = channels / QUAD * QUAD;
    uint32_t wide = w / QUAD * QUAD;
    for (uint32_t x = 0; x < wide; x += QUAD)
        for (uint32_t l = 0; l < quads; l += QUAD)
            move_quad(row + x * V + l, V, ret_out + l * step + x, step);
    for (uint32_t l = 0; l < channels; l++)
        for (uint32_t x = l < quads ? wide : 0; x < w; x++)
            ret_out[l * step + x] = row[x * V + l];
}

void KERNEL(nn_map_store)(const struct nn_conv_shape *shape, uint32_t n, uint32_t first,
                          uint32_t end, const struct nn_map *map, float *ret_out)
{
    size_t plane = (size_t)shape->out_h * shape->out_w;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < shape->out_c; c += V) {
            uint32_t channels = shape->out_c - c < V ? shape->out_c - c : V;
            const float *from = map->data + i * map->image + c / V * map->group;
            float *to = ret_out + (i * (size_t)shape->out_c + c) * plane;
            for (uint32_t y = first; y < end; y++)
                store_row(from + y * map->row, channels, shape->out_w, plane,
                          to + (size_t)y * shape->out_w);
        }
}
