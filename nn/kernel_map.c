/* Between plain tensors and blocked maps. */
#include "nn/kernel_parts.h"

/* `lanes` channels of one row, `step` floats apart, side by side; missing ones are 0. */
static void load_row(const float *in, size_t step, uint32_t channels, uint32_t lanes, uint32_t w,
                     float *ret_row)
{
    for (uint32_t l = 0; l < channels; l++)
        for (uint32_t x = 0; x < w; x++)
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

void KERNEL(nn_map_store)(const struct nn_conv_shape *shape, uint32_t n, uint32_t first,
                          uint32_t end, const struct nn_map *map, float *ret_out)
{
    size_t plane = (size_t)shape->out_h * shape->out_w;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < shape->out_c; c++) {
            const float *from = map->data + i * map->image + c / V * map->group + c % V;
            float *to = ret_out + (i * (size_t)shape->out_c + c) * plane;
            for (uint32_t y = first; y < end; y++)
                for (uint32_t x = 0; x < shape->out_w; x++)
                    to[(size_t)y * shape->out_w + x] = from[y * map->row + x * V];
        }
}
