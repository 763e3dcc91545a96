/* The table of one instruction set. */
#include "nn/kernel_parts.h"

static size_t conv_weights(const struct nn_conv_shape *shape, enum nn_conv_way way)
{
    switch (way) {
    case NN_CONV_DIRECT:
        return KERNEL(nn_direct_weights)(shape);
    case NN_CONV_PLANE:
        return KERNEL(nn_plane_weights)(shape);
    case NN_CONV_ROW:
        return KERNEL(nn_row_weights)(shape);
    }
    return 0;
}

static void pack(const struct nn_conv_shape *shape, enum nn_conv_way way, const struct taps *taps,
                 float *ret_packed)
{
    switch (way) {
    case NN_CONV_DIRECT:
        KERNEL(nn_direct_pack)(shape, taps, ret_packed);
        return;
    case NN_CONV_PLANE:
        KERNEL(nn_plane_pack)(shape, taps, ret_packed);
        return;
    case NN_CONV_ROW:
        KERNEL(nn_row_pack)(shape, taps, ret_packed);
        return;
    }
}

static void conv_pack(const struct nn_conv_shape *shape, enum nn_conv_way way, const float *weights,
                      float *ret_packed)
{
    const struct taps taps = {.weights = weights};
    pack(shape, way, &taps, ret_packed);
}

static void conv_pack_back(const struct nn_conv_shape *shape, enum nn_conv_way way,
                           const float *weights, float *ret_packed)
{
    const struct taps taps = {.weights = weights, .back = true};
    pack(shape, way, &taps, ret_packed);
}

static size_t conv_scratch(const struct nn_conv_shape *shape, enum nn_conv_way way)
{
    switch (way) {
    case NN_CONV_DIRECT:
        return KERNEL(nn_direct_scratch)(shape);
    case NN_CONV_PLANE:
        return KERNEL(nn_plane_scratch)(shape);
    case NN_CONV_ROW:
        return KERNEL(nn_row_scratch)(shape);
    }
    return 0;
}

static void conv(const struct nn_conv_call *call)
{
    switch (call->way) {
    case NN_CONV_DIRECT:
        KERNEL(nn_direct)(call);
        return;
    case NN_CONV_PLANE:
        KERNEL(nn_plane)(call);
        return;
    case NN_CONV_ROW:
        KERNEL(nn_row)(call);
        return;
    }
}

const struct nn_kernels KERNEL(nn_kernels) = {
#if defined __AVX512F__
    .isa = NN_ISA_AVX512,
#elif defined __AVX2__
    .isa = NN_ISA_AVX2,
#else
    .isa = NN_ISA_PORTABLE,
#endif
    .width = V,
    .map_load = KERNEL(nn_map_load),
    .map_store = KERNEL(nn_map_store),
    .conv_weights = conv_weights,
    .conv_pack = conv_pack,
    .conv_pack_back = conv_pack_back,
    .conv_scratch = conv_scratch,
    .conv = conv,
    .pool = KERNEL(nn_pool),
    .gradient_sums = KERNEL(nn_gradient_sums),
    .gradient_scratch = KERNEL(nn_gradient_scratch),
    .gradient = KERNEL(nn_gradient),
    .gradient_finish = KERNEL(nn_gradient_finish),
    .dense_weights = KERNEL(nn_dense_weights),
    .dense_pack = KERNEL(nn_dense_pack),
    .dense_scratch = KERNEL(nn_dense_scratch),
    .dense = KERNEL(nn_dense),
    .adam = KERNEL(nn_adam),
};
