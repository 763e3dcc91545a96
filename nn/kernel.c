/* Which kernels there are, and what maps they need. */
#include "nn/kernel.h"

#if defined __x86_64__
#include <cpuid.h>
#endif
#include <math.h>
#include <string.h>

extern const struct nn_kernels nn_kernels_portable;
#if defined __x86_64__
extern const struct nn_kernels nn_kernels_avx2;
extern const struct nn_kernels nn_kernels_avx512;
#endif

#if defined __x86_64__
static bool converts_halves(void)
{
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

const struct nn_kernels *nn_kernels(enum nn_isa isa)
{
#if defined __x86_64__
    bool fused = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == NN_ISA_AVX512)
        return fused && __builtin_cpu_supports("avx512f") ? &nn_kernels_avx512 : NULL;
    if (isa == NN_ISA_AVX2)
        return fused && converts_halves() ? &nn_kernels_avx2 : NULL;
#endif
    return isa == NN_ISA_PORTABLE ? &nn_kernels_portable : NULL;
}

enum nn_isa nn_isa_best(void)
{
    if (nn_kernels(NN_ISA_AVX512))
        return NN_ISA_AVX512;
    return nn_kernels(NN_ISA_AVX2) ? NN_ISA_AVX2 : NN_ISA_PORTABLE;
}

const char *nn_isa_name(enum nn_isa isa)
{
    static const char *const names[NN_ISA_COUNT] = {"portable", "AVX2", "AVX-512"};
    return names[isa];
}

/* Up to so many channels stay as they are: filling a vector up would be mostly products with 0. */
enum { LANES_FEW = 4 };

uint32_t nn_map_lanes(const struct nn_kernels *kernels, uint32_t channels)
{
    return channels <= LANES_FEW ? channels : kernels->width;
}

bool nn_conv_can(const struct nn_conv_shape *shape, enum nn_conv_way way)
{
    bool along = shape->in_c > LANES_FEW && shape->kernel_cols == 3 && shape->stride_cols == 1;
    switch (way) {
    case NN_CONV_DIRECT:
        return true;
    case NN_CONV_PLANE:
        return along && shape->kernel_rows == 3 && shape->stride_rows == 1;
    case NN_CONV_ROW:
        return along;
    }
    return false;
}

enum nn_conv_way nn_conv_row_way(const struct nn_conv_shape *shape)
{
    return nn_conv_can(shape, NN_CONV_ROW) ? NN_CONV_ROW : NN_CONV_DIRECT;
}

enum nn_conv_way nn_conv_best_way(const struct nn_kernels *kernels,
                                  const struct nn_conv_shape *shape, size_t weights_max)
{
    bool plane = nn_conv_can(shape, NN_CONV_PLANE) &&
                 kernels->conv_weights(shape, NN_CONV_PLANE) <= weights_max;
    return plane ? NN_CONV_PLANE : NN_CONV_DIRECT;
}

/* How far `outputs` outputs reach beyond `inputs` inputs. */
static uint32_t beyond(uint32_t outputs, uint32_t stride, uint32_t kernel, int32_t before,
                       uint32_t inputs)
{
    int64_t end = (int64_t)(outputs - 1) * stride + kernel - before;
    return end > inputs ? (uint32_t)(end - inputs) : 0;
}

static uint32_t whole_tiles(uint32_t outputs)
{
    return (outputs + 3) / 4 * 4;
}

struct nn_margin nn_conv_margin(const struct nn_conv_shape *shape, enum nn_conv_way way)
{
    uint32_t rows = way == NN_CONV_PLANE ? whole_tiles(shape->out_h) : shape->out_h;
    uint32_t cols = way == NN_CONV_DIRECT ? shape->out_w : whole_tiles(shape->out_w);
    return (struct nn_margin){
        .top = shape->pad_top > 0 ? (uint32_t)shape->pad_top : 0,
        .left = shape->pad_left > 0 ? (uint32_t)shape->pad_left : 0,
        .bottom = beyond(rows, shape->stride_rows, shape->kernel_rows, shape->pad_top, shape->in_h),
        .right = beyond(cols, shape->stride_cols, shape->kernel_cols, shape->pad_left, shape->in_w),
    };
}

struct nn_margin nn_gradient_margin(const struct nn_conv_shape *shape, enum nn_conv_way way)
{
    if (way != NN_CONV_PLANE)
        return (struct nn_margin){0};
    return (struct nn_margin){.bottom = whole_tiles(shape->out_h) - shape->out_h,
                              .right = whole_tiles(shape->out_w) - shape->out_w};
}

static uint32_t more(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

struct nn_margin nn_margin_both(struct nn_margin a, struct nn_margin b)
{
    return (struct nn_margin){.top = more(a.top, b.top),
                              .bottom = more(a.bottom, b.bottom),
                              .left = more(a.left, b.left),
                              .right = more(a.right, b.right)};
}

uint32_t nn_conv_rows(const struct nn_conv_shape *shape, uint32_t rows)
{
    int64_t end = (int64_t)(rows - 1) * shape->stride_rows + shape->kernel_rows - shape->pad_top;
    if (end < 1)
        return 1;
    return end < shape->in_h ? (uint32_t)end : shape->in_h;
}

/* Rows start on a cache line, when the lanes allow it. */
static size_t padded(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

size_t nn_map_size(uint32_t c, uint32_t h, uint32_t w, uint32_t lanes, struct nn_margin margin)
{
    size_t row = (size_t)lanes * (w + margin.left + margin.right);
    size_t groups = (c + lanes - 1) / lanes;
    return groups * padded(row * (h + margin.top + margin.bottom));
}

struct nn_map nn_map_over(float *block, uint32_t c, uint32_t h, uint32_t w, uint32_t lanes,
                          struct nn_margin margin)
{
    size_t row = (size_t)lanes * (w + margin.left + margin.right);
    return (struct nn_map){.data = block + margin.top * row + (size_t)margin.left * lanes,
                           .lanes = lanes,
                           .row = row,
                           .group = padded(row * (h + margin.top + margin.bottom)),
                           .image = nn_map_size(c, h, w, lanes, margin)};
}

uint16_t nn_half_from(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000U;
    float size = fabsf(value);
    if (!(size < 65520.0F))
        return (uint16_t)(sign | (isnan(value) ? 0x7E00U : 0x7C00U));
    if (size < 0x1p-14F) /* steps of 2^-24 down to 0 */
        return (uint16_t)(sign | (uint32_t)lrintf(size * 0x1p24F));
    uint32_t plain = bits & 0x7FFFFFFFU;
    uint32_t odd = plain >> 13 & 1U;
    plain += 0xFFFU + odd;
    return (uint16_t)(sign | ((plain >> 13) - (112U << 10)));
}

float nn_half_to(uint16_t half)
{
    uint32_t bits = (uint32_t)(half & 0x7FFFU) << 13;
    if ((half & 0x7C00U) == 0x7C00U)
        bits |= 0x7F800000U;
    float size;
    memcpy(&size, &bits, sizeof size);
    if ((half & 0x7C00U) != 0x7C00U)
        size *= 0x1p112F;
    return half & 0x8000U ? -size : size;
}
