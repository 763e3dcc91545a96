/* Every instruction set and every way through a convolution against the definition. */
#include "nn/kernel.h"
#include "nn/random.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sizes that fill vectors, tiles and blocks, and sizes that do not. */
static const struct nn_conv_shape shapes[] = {
    {.in_c = 8, .in_h = 12, .in_w = 16, .out_c = 16, .kernel_rows = 3, .kernel_cols = 3},
    {.in_c = 13, .in_h = 9, .in_w = 11, .out_c = 10, .kernel_rows = 3, .kernel_cols = 3},
    {.in_c = 48, .in_h = 6, .in_w = 37, .out_c = 24, .kernel_rows = 3, .kernel_cols = 3},
    {.in_c = 5, .in_h = 1, .in_w = 1, .out_c = 3, .kernel_rows = 3, .kernel_cols = 3},
    {.in_c = 1, .in_h = 13, .in_w = 14, .out_c = 33, .kernel_rows = 3, .kernel_cols = 3},
    {.in_c = 4, .in_h = 17, .in_w = 15, .out_c = 17, .kernel_rows = 5, .kernel_cols = 5},
    {.in_c = 20, .in_h = 11, .in_w = 9, .out_c = 40, .kernel_rows = 1, .kernel_cols = 1},
    {.in_c = 9, .in_h = 10, .in_w = 13, .out_c = 7, .kernel_rows = 5, .kernel_cols = 3},
    {.in_c = 7, .in_h = 8, .in_w = 9, .out_c = 18, .kernel_rows = 2, .kernel_cols = 4},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, PADS = 3, STRIDES = 3, IMAGES = 3 };

/* Padding on all sides, above only, nowhere; strides 1, 2 along rows only, 2 and 3. */
static bool complete(struct nn_conv_shape *shape, int pads, int strides, uint32_t width)
{
    int32_t rows = (int32_t)shape->kernel_rows;
    int32_t cols = (int32_t)shape->kernel_cols;
    shape->stride_rows = strides == 0 ? 1 : 2;
    shape->stride_cols = strides == 2 ? 3 : 1;
    shape->pad_top = pads == 0 ? rows / 2 : pads == 1 ? rows - (int32_t)shape->stride_rows : 0;
    shape->pad_left = pads == 2 ? 0 : cols / 2;
    int32_t high = (int32_t)shape->in_h + shape->pad_top - rows + (pads == 0 ? rows / 2 : 0);
    int32_t wide = (int32_t)shape->in_w + shape->pad_left - cols + (pads == 2 ? 0 : cols / 2);
    if (high < 0 || wide < 0)
        return false;
    shape->out_h = (uint32_t)high / shape->stride_rows + 1;
    shape->out_w = (uint32_t)wide / shape->stride_cols + 1;
    shape->in_lanes = shape->in_c <= 4 ? shape->in_c : width;
    return true;
}

static float *room(size_t n)
{
    size_t size = (n * sizeof(float) / NN_KERNEL_ALIGN + 1) * NN_KERNEL_ALIGN;
    float *floats = aligned_alloc(NN_KERNEL_ALIGN, size);
    ck_assert_ptr_nonnull(floats);
    memset(floats, 0, size);
    return floats;
}

static float *draw(size_t n, uint64_t stream)
{
    float *values = room(n);
    struct nn_random random = nn_random_seed(3, stream, 0);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)(2.0 * nn_random_unit(&random) - 1.0);
    return values;
}

struct rig {
    const struct nn_kernels *kernels;
    struct nn_conv_shape shape;
    size_t in_size, out_size, taps; /* of one image; of one output channel */
    float *in, *out, *weights, *bias;
    float *packed, *in_block, *out_block, *scratch;
    struct nn_map in_map, out_map;
    enum nn_conv_way way;
};

static void set_up(struct rig *rig, const struct nn_kernels *kernels, struct nn_conv_shape shape)
{
    *rig = (struct rig){.kernels = kernels, .shape = shape};
    rig->in_size = (size_t)shape.in_c * shape.in_h * shape.in_w;
    rig->out_size = (size_t)shape.out_c * shape.out_h * shape.out_w;
    rig->taps = (size_t)shape.in_c * shape.kernel_rows * shape.kernel_cols;
    rig->in = draw(IMAGES * rig->in_size, 1);
    rig->weights = draw(shape.out_c * rig->taps, 2);
    rig->bias = draw(shape.out_c + kernels->width, 3);
    for (uint32_t o = shape.out_c; o < shape.out_c + kernels->width; o++)
        rig->bias[o] = 0.0F;
    rig->out = room(IMAGES * rig->out_size);
}

static void take_way(struct rig *rig, enum nn_conv_way way)
{
    const struct nn_kernels *k = rig->kernels;
    const struct nn_conv_shape *s = &rig->shape;
    struct nn_margin margin = nn_conv_margin(s, way);
    struct nn_margin none = {0};
    rig->way = way;
    rig->packed = room(k->conv_weights(s, way));
    rig->scratch = room(k->conv_scratch(s, way));
    rig->in_block = room(IMAGES * nn_map_size(s->in_c, s->in_h, s->in_w, s->in_lanes, margin));
    rig->out_block = room(IMAGES * nn_map_size(s->out_c, s->out_h, s->out_w, k->width, none));
    rig->in_map = nn_map_over(rig->in_block, s->in_c, s->in_h, s->in_w, s->in_lanes, margin);
    rig->out_map = nn_map_over(rig->out_block, s->out_c, s->out_h, s->out_w, k->width, none);
    k->conv_pack(s, way, rig->weights, rig->packed);
    k->map_load(s, IMAGES, s->in_h, rig->in, &rig->in_map);
}

static struct nn_conv_call call_of(const struct rig *rig)
{
    return (struct nn_conv_call){.shape = &rig->shape,
                                 .way = rig->way,
                                 .weights = rig->packed,
                                 .bias = rig->bias,
                                 .n = IMAGES,
                                 .in = rig->in_map,
                                 .out = rig->out_map,
                                 .end_row = rig->shape.out_h,
                                 .scratch = rig->scratch};
}

static void leave_way(struct rig *rig)
{
    free(rig->packed);
    free(rig->scratch);
    free(rig->in_block);
    free(rig->out_block);
}

static void tear_down(struct rig *rig)
{
    free(rig->in);
    free(rig->out);
    free(rig->weights);
    free(rig->bias);
}

/* The larger; not a number is larger than all. */
static double larger(double a, double b)
{
    return b <= a ? a : b;
}

static double input_at(const struct rig *rig, const float *in, uint32_t i, uint32_t c, int64_t y,
                       int64_t x)
{
    const struct nn_conv_shape *s = &rig->shape;
    if (y < 0 || x < 0 || y >= s->in_h || x >= s->in_w)
        return 0.0;
    return (double)in[((i * (size_t)s->in_c + c) * s->in_h + (size_t)y) * s->in_w + (size_t)x];
}

/* One output by definition. */
static double by_hand(const struct rig *rig, uint32_t i, uint32_t o, uint32_t y, uint32_t x)
{
    const struct nn_conv_shape *s = &rig->shape;
    double sum = (double)rig->bias[o];
    for (uint32_t c = 0; c < s->in_c; c++)
        for (uint32_t ky = 0; ky < s->kernel_rows; ky++)
            for (uint32_t kx = 0; kx < s->kernel_cols; kx++)
                sum += input_at(rig, rig->in, i, c, (int64_t)y * s->stride_rows + ky - s->pad_top,
                                (int64_t)x * s->stride_cols + kx - s->pad_left) *
                       (double)rig->weights[((o * (size_t)s->in_c + c) * s->kernel_rows + ky) *
                                                s->kernel_cols +
                                            kx];
    return sum;
}

/* Rows [first, end) of all images, rectified or not. */
static void compare_rows(const struct rig *rig, uint32_t first, uint32_t end, bool relu)
{
    const struct nn_conv_shape *s = &rig->shape;
    rig->kernels->map_store(s, IMAGES, 0, s->out_h, &rig->out_map, rig->out);
    const float *out = rig->out;
    double worst = 0.0;
    for (uint32_t i = 0; i < IMAGES; i++)
        for (uint32_t o = 0; o < s->out_c; o++)
            for (uint32_t y = 0; y < s->out_h; y++)
                for (uint32_t x = 0; x < s->out_w; x++, out++) {
                    double wanted = by_hand(rig, i, o, y, x);
                    if (relu && wanted < 0.0)
                        wanted = 0.0;
                    bool asked = y >= first && y < end;
                    worst = larger(worst, fabs((double)*out - (asked ? wanted : 0.0)));
                }
    ck_assert_double_le(worst, 2e-4);
}

static void check_way(struct rig *rig, enum nn_conv_way way)
{
    take_way(rig, way);
    struct nn_conv_call call = call_of(rig);
    rig->kernels->conv(&call);
    compare_rows(rig, 0, rig->shape.out_h, false);
    call.relu = true;
    rig->kernels->conv(&call);
    compare_rows(rig, 0, rig->shape.out_h, true);
    leave_way(rig);
    /* Some rows alone; the others stay as they are. */
    take_way(rig, way);
    call = call_of(rig);
    call.first_row = rig->shape.out_h > 4 ? 4 : 0;
    call.end_row = rig->shape.out_h > 5 ? rig->shape.out_h - 1 : rig->shape.out_h;
    rig->kernels->conv(&call);
    compare_rows(rig, call.first_row, call.end_row, false);
    leave_way(rig);
}

/* Calls check for each shape that fits; _i counts instruction sets. */
static void each_shape(int isa, void (*check)(struct rig *rig))
{
    const struct nn_kernels *kernels = nn_kernels((enum nn_isa)isa);
    if (!kernels) {
        fprintf(stderr, "%s: not on this processor, not tested\n", nn_isa_name((enum nn_isa)isa));
        return;
    }
    ck_assert_int_eq((int)kernels->isa, isa);
    for (int k = 0; k < SHAPES * PADS * STRIDES; k++) {
        struct nn_conv_shape shape = shapes[k % SHAPES];
        if (!complete(&shape, k / SHAPES % PADS, k / SHAPES / PADS, kernels->width))
            continue;
        struct rig rig;
        set_up(&rig, kernels, shape);
        check(&rig);
        tear_down(&rig);
    }
}

static void check_every_way(struct rig *rig)
{
    for (int way = NN_CONV_DIRECT; way <= NN_CONV_ROW; way++)
        if (nn_conv_can(&rig->shape, (enum nn_conv_way)way))
            check_way(rig, (enum nn_conv_way)way);
}

START_TEST(convolutions_are_their_definition)
{
    each_shape(_i, check_every_way);
}
END_TEST

static void check_pool(struct rig *rig)
{
    const struct nn_conv_shape *s = &rig->shape;
    for (int way = NN_CONV_DIRECT; way <= NN_CONV_PLANE; way++) {
        if (!nn_conv_can(s, (enum nn_conv_way)way) || s->out_h < 2 || s->out_w < 2)
            continue;
        take_way(rig, (enum nn_conv_way)way);
        struct nn_conv_call call = call_of(rig);
        call.relu = call.pool = true;
        rig->kernels->conv(&call);
        uint32_t width = rig->kernels->width;
        double worst = 0.0;
        for (uint32_t o = 0; o < s->out_c; o++)
            for (uint32_t y = 0; y < s->out_h / 2; y++)
                for (uint32_t x = 0; x < s->out_w / 2; x++) {
                    double wanted = 0.0;
                    for (uint32_t k = 0; k < 4; k++)
                        wanted = fmax(wanted, by_hand(rig, 1, o, 2 * y + k / 2, 2 * x + k % 2));
                    float value =
                        rig->out_map.data[rig->out_map.image + o / width * rig->out_map.group +
                                          y * rig->out_map.row + x * width + o % width];
                    worst = larger(worst, fabs((double)value - wanted));
                }
        ck_assert_double_le(worst, 2e-4);
        leave_way(rig);
    }
}

START_TEST(pools_fuse_into_convolutions)
{
    each_shape(_i, check_pool);
}
END_TEST

static void check_row_bits(struct rig *rig)
{
    if (!nn_conv_can(&rig->shape, NN_CONV_ROW))
        return;
    take_way(rig, NN_CONV_ROW);
    struct nn_conv_call call = call_of(rig);
    rig->kernels->conv(&call);
    size_t size = nn_map_size(rig->shape.out_c, rig->shape.out_h, rig->shape.out_w,
                              rig->kernels->width, (struct nn_margin){0}) *
                  IMAGES;
    float *whole = room(size);
    memcpy(whole, rig->out_block, size * sizeof *whole);
    memset(rig->out_block, 0, size * sizeof *whole);
    for (uint32_t y = 0; y < rig->shape.out_h; y++) {
        call.first_row = y;
        call.end_row = y + 1;
        rig->kernels->conv(&call);
    }
    ck_assert_mem_eq(rig->out_block, whole, size * sizeof *whole);
    free(whole);
    leave_way(rig);
}

START_TEST(a_row_alone_has_the_same_bits)
{
    each_shape(_i, check_row_bits);
}
END_TEST

/* Sum over all positions of input times output gradient. */
static double gradient_by_hand(const struct rig *rig, const float *grads, uint32_t o, uint32_t c,
                               uint32_t ky, uint32_t kx)
{
    const struct nn_conv_shape *s = &rig->shape;
    double sum = 0.0;
    for (uint32_t i = 0; i < IMAGES; i++)
        for (uint32_t y = 0; y < s->out_h; y++)
            for (uint32_t x = 0; x < s->out_w; x++)
                sum += input_at(rig, rig->in, i, c, (int64_t)y * s->stride_rows + ky - s->pad_top,
                                (int64_t)x * s->stride_cols + kx - s->pad_left) *
                       (double)grads[((i * (size_t)s->out_c + o) * s->out_h + y) * s->out_w + x];
    return sum;
}

static void check_gradient_way(struct rig *rig, enum nn_conv_way way, const float *grads)
{
    const struct nn_kernels *k = rig->kernels;
    const struct nn_conv_shape *s = &rig->shape;
    take_way(rig, way);
    struct nn_margin margin = nn_gradient_margin(s, way);
    struct nn_conv_shape of_grads = {
        .in_c = s->out_c, .in_h = s->out_h, .in_w = s->out_w, .in_lanes = k->width};
    float *block = room(IMAGES * nn_map_size(s->out_c, s->out_h, s->out_w, k->width, margin));
    struct nn_map map = nn_map_over(block, s->out_c, s->out_h, s->out_w, k->width, margin);
    k->map_load(&of_grads, IMAGES, s->out_h, grads, &map);
    float *sums = room(k->gradient_sums(s, way));
    float *scratch = room(k->gradient_scratch(s, way));
    float *found = room(s->out_c * rig->taps);
    struct nn_gradient_call call = {.shape = s,
                                    .way = way,
                                    .n = IMAGES,
                                    .in = rig->in_map,
                                    .out_grad = map,
                                    .sums = sums,
                                    .scratch = scratch};
    k->gradient(&call);
    k->gradient_finish(s, way, sums, found);
    const float *at = found;
    double worst = 0.0;
    for (uint32_t o = 0; o < s->out_c; o++)
        for (uint32_t c = 0; c < s->in_c; c++)
            for (uint32_t ky = 0; ky < s->kernel_rows; ky++)
                for (uint32_t kx = 0; kx < s->kernel_cols; kx++)
                    worst = larger(
                        worst, fabs((double)*at++ - gradient_by_hand(rig, grads, o, c, ky, kx)));
    ck_assert_double_le(worst, 1e-3);
    free(block);
    free(sums);
    free(scratch);
    free(found);
    leave_way(rig);
}

static void check_gradients(struct rig *rig)
{
    float *grads = draw(IMAGES * rig->out_size, 4);
    check_gradient_way(rig, NN_CONV_DIRECT, grads);
    if (nn_conv_can(&rig->shape, NN_CONV_PLANE))
        check_gradient_way(rig, NN_CONV_PLANE, grads);
    free(grads);
}

START_TEST(weight_gradients_are_their_definition)
{
    each_shape(_i, check_gradients);
}
END_TEST

START_TEST(weights_turn_round_for_the_way_back)
{
    const struct nn_kernels *k = nn_kernels(NN_ISA_PORTABLE);
    struct nn_conv_shape shape = {.in_c = 6,
                                  .in_h = 5,
                                  .in_w = 7,
                                  .out_c = 9,
                                  .out_h = 5,
                                  .out_w = 7,
                                  .kernel_rows = 3,
                                  .kernel_cols = 3,
                                  .stride_rows = 1,
                                  .stride_cols = 1,
                                  .pad_top = 1,
                                  .pad_left = 1,
                                  .in_lanes = k->width};
    float *forward = draw(9 * 6 * 9, 5);
    float *turned = room(9 * 6 * 9);
    for (uint32_t o = 0; o < 9; o++)
        for (uint32_t c = 0; c < 6; c++)
            for (uint32_t t = 0; t < 9; t++)
                turned[(o * 6 + c) * 9 + t] = forward[(c * 9 + o) * 9 + 8 - t];
    for (int way = NN_CONV_DIRECT; way <= NN_CONV_ROW; way++) {
        size_t size = k->conv_weights(&shape, (enum nn_conv_way)way);
        float *a = room(size);
        float *b = room(size);
        k->conv_pack(&shape, (enum nn_conv_way)way, turned, a);
        k->conv_pack_back(&shape, (enum nn_conv_way)way, forward, b);
        ck_assert_mem_eq(a, b, size * sizeof *a);
        free(a);
        free(b);
    }
    free(forward);
    free(turned);
}
END_TEST

static void check_dense(const struct nn_kernels *k, uint32_t units, uint32_t inputs)
{
    enum { N = 5 };
    uint32_t rounded = (units + k->width - 1) / k->width * k->width;
    size_t size = k->dense_weights(units, inputs);
    float *weights = draw(units * inputs, 6);
    float *in = draw(N * inputs, 7);
    float *packed = room(size);
    uint16_t *half = (uint16_t *)(void *)room(size);
    float *scratch = room(k->dense_scratch(units, inputs));
    float *out = room(N * rounded);
    float *alone = room(rounded);
    k->dense_pack(units, inputs, inputs, NULL, weights, packed);
    for (size_t i = 0; i < size; i++)
        half[i] = nn_half_from(packed[i]);
    for (int halved = 0; halved < 2; halved++) {
        struct nn_dense_call call = {.units = units,
                                     .inputs = inputs,
                                     .weights = halved ? NULL : packed,
                                     .half = halved ? half : NULL,
                                     .n = N,
                                     .in = in,
                                     .in_step = inputs,
                                     .out = out,
                                     .out_step = rounded,
                                     .scratch = scratch};
        k->dense(&call);
        for (uint32_t i = 0; i < N; i++) {
            for (uint32_t u = 0; u < units; u++) {
                double sum = 0.0;
                for (uint32_t j = 0; j < inputs; j++) {
                    float w = weights[u * inputs + j];
                    sum += (double)in[i * inputs + j] *
                           (double)(halved ? nn_half_to(nn_half_from(w)) : w);
                }
                ck_assert_double_eq_tol((double)out[i * rounded + u], sum, 1e-4);
            }
            struct nn_dense_call one = call;
            one.n = 1;
            one.in += i * inputs;
            one.out = alone;
            k->dense(&one);
            ck_assert_mem_eq(alone, out + i * rounded, units * sizeof *alone);
        }
    }
    float *all[] = {weights, in, packed, (float *)(void *)half, scratch, out, alone};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

START_TEST(dense_products_alone_and_together)
{
    static const uint32_t units[] = {1, 6, 17, 64, 100};
    const struct nn_kernels *k = nn_kernels((enum nn_isa)_i);
    for (size_t u = 0; k && u < sizeof units / sizeof *units; u++) {
        check_dense(k, units[u], 1);
        check_dense(k, units[u], 77);
    }
}
END_TEST

START_TEST(adam_steps_by_its_formula)
{
    enum { N = 37 };
    const struct nn_kernels *k = nn_kernels((enum nn_isa)_i);
    if (!k)
        return;
    const struct nn_adam adam = {.momentum = 0.9F,
                                 .beta2 = 0.99F,
                                 .epsilon = 1e-6F,
                                 .decay = 0.1F,
                                 .rate = 0.05F,
                                 .first_scale = 10.0F,
                                 .second_scale = 100.0F};
    float *grads = draw(N, 8);
    float *weights = draw(N, 9);
    float *before = draw(N, 9);
    float *first = room(N);
    float *second = room(N);
    k->adam(&adam, N, grads, first, second, weights);
    for (int i = 0; i < N; i++) {
        double g = (double)grads[i];
        double move = g / (fabs(g) + 1e-6);
        double wanted = (double)before[i] - 0.05 * (move + 0.1 * (double)before[i]);
        ck_assert_double_eq_tol((double)first[i], 0.1 * g, 1e-6);
        ck_assert_double_eq_tol((double)second[i], 0.01 * g * g, 1e-6);
        ck_assert_double_eq_tol((double)weights[i], wanted, 1e-5);
    }
    float *all[] = {grads, weights, before, first, second};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}
END_TEST

START_TEST(halves_round_to_the_nearest)
{
    for (uint32_t h = 0; h < 0x7C00U; h++) {
        float value = nn_half_to((uint16_t)h);
        float next = nn_half_to((uint16_t)(h + 1));
        ck_assert_uint_eq(nn_half_from(value), h);
        ck_assert_uint_eq(nn_half_from(-value), h | 0x8000U);
        if (h + 1 == 0x7C00U)
            continue;
        float middle = value + (next - value) / 2.0F;
        ck_assert_uint_eq(nn_half_from(middle), h % 2 ? h + 1 : h);
        ck_assert_uint_eq(nn_half_from(nextafterf(middle, next)), h + 1);
        ck_assert_uint_eq(nn_half_from(nextafterf(middle, value)), h);
    }
    ck_assert_uint_eq(nn_half_from(65519.0F), 0x7BFFU);
    ck_assert_uint_eq(nn_half_from(65520.0F), 0x7C00U);
    ck_assert_uint_eq(nn_half_from(-INFINITY), 0xFC00U);
    ck_assert(isnan(nn_half_to(nn_half_from(NAN))));
    ck_assert(isinf(nn_half_to(0x7C00U)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, convolutions_are_their_definition, 0, NN_ISA_COUNT);
    tcase_add_loop_test(tcase, pools_fuse_into_convolutions, 0, NN_ISA_COUNT);
    tcase_add_loop_test(tcase, a_row_alone_has_the_same_bits, 0, NN_ISA_COUNT);
    tcase_add_loop_test(tcase, weight_gradients_are_their_definition, 0, NN_ISA_COUNT);
    tcase_add_test(tcase, weights_turn_round_for_the_way_back);
    tcase_add_loop_test(tcase, dense_products_alone_and_together, 0, NN_ISA_COUNT);
    tcase_add_loop_test(tcase, adam_steps_by_its_formula, 0, NN_ISA_COUNT);
    tcase_add_test(tcase, halves_round_to_the_nearest);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
