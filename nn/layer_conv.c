/*
 * Convolution between plain tensors: a few samples at a time become blocked maps, go through the
 * kernels, and come back. In training weights change with every step, so they are packed once per
 * call; who judges line by line packs them once for good (nn/engine.h).
 */
#include "nn/kernel.h"
#include "nn/layer.h"

#include <string.h>

/* Tiles worth handing to a kernel at once: small maps go through several samples at a time. */
enum { TILES_ENOUGH = 64, SAMPLES_AT_ONCE = 16 };

/* Beyond this many packed weights the plane's 36 per tap pair are too many to be worth it. */
enum { PLANE_WEIGHTS_MAX = 1 << 23 };

struct nn_conv_shape nn_layer_conv_shape(const struct nn_layer *layer, uint32_t lanes)
{
    const struct nn_layer_spec *spec = &layer->spec;
    return (struct nn_conv_shape){.in_c = layer->in.c,
                                  .in_h = layer->in.h,
                                  .in_w = layer->in.w,
                                  .out_c = layer->out.c,
                                  .out_h = layer->out.h,
                                  .out_w = layer->out.w,
                                  .kernel_rows = spec->kernel_rows,
                                  .kernel_cols = spec->kernel_cols,
                                  .stride_rows = spec->stride_rows,
                                  .stride_cols = spec->stride_cols,
                                  .pad_top = nn_layer_top(layer),
                                  .pad_left = (int32_t)spec->padding_left,
                                  .in_lanes = lanes};
}

/*
 * The convolution that carries output gradients to input gradients: kernels turned round, stride 1,
 * over output gradients that lie as far apart as the stride was.
 */
static struct nn_conv_shape way_back(const struct nn_kernels *kernels,
                                     const struct nn_conv_shape *shape)
{
    return (struct nn_conv_shape){.in_c = shape->out_c,
                                  .in_h = (shape->out_h - 1) * shape->stride_rows + 1,
                                  .in_w = (shape->out_w - 1) * shape->stride_cols + 1,
                                  .out_c = shape->in_c,
                                  .out_h = shape->in_h,
                                  .out_w = shape->in_w,
                                  .kernel_rows = shape->kernel_rows,
                                  .kernel_cols = shape->kernel_cols,
                                  .stride_rows = 1,
                                  .stride_cols = 1,
                                  .pad_top = (int32_t)shape->kernel_rows - 1 - shape->pad_top,
                                  .pad_left = (int32_t)shape->kernel_cols - 1 - shape->pad_left,
                                  .in_lanes = kernels->width};
}

static struct nn_conv_shape shape_of(const struct nn_kernels *kernels, const struct nn_layer *layer)
{
    return nn_layer_conv_shape(layer, nn_map_lanes(kernels, layer->in.c));
}

static enum nn_conv_way best_way(const struct nn_kernels *kernels,
                                 const struct nn_conv_shape *shape)
{
    return nn_conv_best_way(kernels, shape, PLANE_WEIGHTS_MAX);
}

static enum nn_conv_way way_of(const struct nn_kernels *kernels, const struct nn_layer *layer,
                               const struct nn_conv_shape *shape, bool training)
{
    return layer->spec.causal && !training ? nn_conv_row_way(shape) : best_way(kernels, shape);
}

static uint32_t samples_at_once(const struct nn_conv_shape *shape, enum nn_conv_way way)
{
    uint32_t tiles = ((shape->out_h + 3) / 4) * ((shape->out_w + 3) / 4);
    if (way != NN_CONV_PLANE || tiles >= TILES_ENOUGH)
        return 1;
    uint32_t samples = (TILES_ENOUGH + tiles - 1) / tiles;
    return samples < SAMPLES_AT_ONCE ? samples : SAMPLES_AT_ONCE;
}

/* Hands out aligned pieces of a call's scratch; from NULL it only counts. */
struct pieces {
    float *next;
    size_t taken;
};

static struct pieces pieces_of(float *scratch)
{
    struct pieces pieces = {.next = scratch};
    uintptr_t rest = (uintptr_t)scratch % NN_KERNEL_ALIGN;
    if (rest)
        pieces.next += (NN_KERNEL_ALIGN - rest) / sizeof *scratch;
    return pieces;
}

static float *take(struct pieces *pieces, size_t floats)
{
    size_t size = (floats + 15) / 16 * 16;
    float *piece = pieces->next;
    pieces->taken += size;
    if (piece)
        pieces->next += size;
    return piece;
}

static struct nn_map take_map(struct pieces *pieces, uint32_t n, struct nn_shape shape,
                              uint32_t lanes, struct nn_margin margin)
{
    size_t size = n * nn_map_size(shape.c, shape.h, shape.w, lanes, margin);
    float *block = take(pieces, size);
    if (!block)
        return (struct nn_map){0};
    memset(block, 0, size * sizeof *block);
    return nn_map_over(block, shape.c, shape.h, shape.w, lanes, margin);
}

struct forward {
    struct nn_conv_shape shape;
    enum nn_conv_way way;
    uint32_t samples;
    float *weights, *bias, *scratch;
    struct nn_map in, out;
};

static struct forward plan_forward(const struct nn_kernels *kernels, const struct nn_layer *layer,
                                   bool training, struct pieces *pieces)
{
    struct forward f = {.shape = shape_of(kernels, layer)};
    f.way = way_of(kernels, layer, &f.shape, training);
    f.samples = samples_at_once(&f.shape, f.way);
    f.weights = take(pieces, kernels->conv_weights(&f.shape, f.way));
    f.bias = take(pieces, f.shape.out_c + kernels->width);
    f.scratch = take(pieces, kernels->conv_scratch(&f.shape, f.way));
    f.in =
        take_map(pieces, f.samples, layer->in, f.shape.in_lanes, nn_conv_margin(&f.shape, f.way));
    f.out = take_map(pieces, f.samples, layer->out, kernels->width, (struct nn_margin){0});
    return f;
}

/* Rounded up to whole vectors. */
static void pack_bias(const struct nn_kernels *kernels, const struct nn_layer *layer,
                      const float *weights, float *ret_bias)
{
    memset(ret_bias, 0, (layer->spec.units + kernels->width) * sizeof *ret_bias);
    if (layer->spec.bias)
        memcpy(ret_bias, weights + layer->spec.units * nn_layer_taps(layer),
               layer->spec.units * sizeof *ret_bias);
}

void nn_conv_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                     const struct nn_layer_memory *memory, const float *in, float *ret_out)
{
    const struct nn_kernels *kernels = nn_kernels(nn_isa_best());
    uint32_t rows = pass->rows ? pass->rows : layer->out.h;
    struct pieces pieces = pieces_of(pass->scratch);
    struct forward f = plan_forward(kernels, layer, pass->training, &pieces);
    kernels->conv_pack(&f.shape, f.way, memory->weights, f.weights);
    pack_bias(kernels, layer, memory->weights, f.bias);
    for (uint32_t i = 0; i < pass->n; i += f.samples) {
        uint32_t n = pass->n - i < f.samples ? pass->n - i : f.samples;
        kernels->map_load(&f.shape, n, nn_conv_rows(&f.shape, rows),
                          in + i * nn_shape_size(layer->in), &f.in);
        struct nn_conv_call call = {.shape = &f.shape,
                                    .way = f.way,
                                    .weights = f.weights,
                                    .bias = f.bias,
                                    .n = n,
                                    .in = f.in,
                                    .out = f.out,
                                    .end_row = rows,
                                    .scratch = f.scratch};
        kernels->conv(&call);
        kernels->map_store(&f.shape, n, 0, rows, &f.out, ret_out + i * nn_shape_size(layer->out));
    }
}

struct backward {
    struct nn_conv_shape shape, back;
    enum nn_conv_way way, back_way;
    uint32_t samples;
    bool apart; /* output gradients lie apart on the way back */
    float *sums, *weights, *scratch;
    struct nn_map in, out_grad, spread, in_grad;
};

static struct backward plan_backward(const struct nn_kernels *kernels, const struct nn_layer *layer,
                                     struct pieces *pieces)
{
    struct backward b = {.shape = shape_of(kernels, layer)};
    b.way = best_way(kernels, &b.shape);
    b.back = way_back(kernels, &b.shape);
    b.back_way = best_way(kernels, &b.back);
    b.samples = samples_at_once(&b.shape, b.way);
    b.apart = b.shape.stride_rows > 1 || b.shape.stride_cols > 1;
    b.sums = take(pieces, kernels->gradient_sums(&b.shape, b.way));
    b.weights = take(pieces, kernels->conv_weights(&b.back, b.back_way));
    size_t scratch = kernels->conv_scratch(&b.back, b.back_way);
    size_t gradient = kernels->gradient_scratch(&b.shape, b.way);
    b.scratch = take(pieces, scratch > gradient ? scratch : gradient);
    b.in =
        take_map(pieces, b.samples, layer->in, b.shape.in_lanes, nn_conv_margin(&b.shape, b.way));
    struct nn_margin margin = nn_gradient_margin(&b.shape, b.way);
    struct nn_margin around = nn_conv_margin(&b.back, b.back_way);
    struct nn_shape spread = {.c = b.back.in_c, .h = b.back.in_h, .w = b.back.in_w};
    b.out_grad = take_map(pieces, b.samples, layer->out, kernels->width,
                          b.apart ? margin : nn_margin_both(margin, around));
    b.spread = b.apart ? take_map(pieces, b.samples, spread, kernels->width, around) : b.out_grad;
    b.in_grad = take_map(pieces, b.samples, layer->in, kernels->width, (struct nn_margin){0});
    return b;
}

size_t nn_conv_scratch(const struct nn_layer *layer)
{
    const struct nn_kernels *kernels = nn_kernels(nn_isa_best());
    size_t most = 0;
    for (int training = 0; training < 2; training++) {
        struct pieces pieces = {0};
        plan_forward(kernels, layer, training, &pieces);
        most = pieces.taken > most ? pieces.taken : most;
    }
    struct pieces pieces = {0};
    plan_backward(kernels, layer, &pieces);
    most = pieces.taken > most ? pieces.taken : most;
    return most + NN_KERNEL_ALIGN / sizeof(float);
}

/* Many sums side by side: one alone would wait for each addition. */
static float sum_of(const float *values, size_t n)
{
    enum { SIDE = 32 };
    float sums[SIDE] = {0.0F};
    size_t i = 0;
    for (; i + SIDE <= n; i += SIDE)
        for (size_t k = 0; k < SIDE; k++)
            sums[k] += values[i + k];
    float sum = 0.0F;
    for (; i < n; i++)
        sum += values[i];
    for (size_t k = 0; k < SIDE; k++)
        sum += sums[k];
    return sum;
}

static void add_bias_grads(const struct nn_layer *layer, uint32_t n, const float *out_grad,
                           float *bias_grads)
{
    size_t plane = (size_t)layer->out.h * layer->out.w;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t u = 0; u < layer->spec.units; u++)
            bias_grads[u] += sum_of(out_grad + (i * layer->spec.units + u) * plane, plane);
}

static void spread_grads(const struct backward *b, uint32_t n)
{
    uint32_t lanes = b->out_grad.lanes;
    uint32_t groups = (b->shape.out_c + lanes - 1) / lanes;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t g = 0; g < groups; g++)
            for (uint32_t y = 0; y < b->shape.out_h; y++) {
                const float *from = b->out_grad.data + i * b->out_grad.image +
                                    g * b->out_grad.group + y * b->out_grad.row;
                float *to = b->spread.data + i * b->spread.image + g * b->spread.group +
                            (size_t)y * b->shape.stride_rows * b->spread.row;
                for (uint32_t x = 0; x < b->shape.out_w; x++)
                    memcpy(to + (size_t)x * b->shape.stride_cols * lanes, from + x * lanes,
                           lanes * sizeof *to);
            }
}

/* n samples, their output gradients in b->out_grad, to plain input gradients. */
static void carry_back(const struct nn_kernels *kernels, const struct backward *b, uint32_t n,
                       float *ret_in_grad)
{
    if (b->apart)
        spread_grads(b, n);
    struct nn_conv_call call = {.shape = &b->back,
                                .way = b->back_way,
                                .weights = b->weights,
                                .n = n,
                                .in = b->spread,
                                .out = b->in_grad,
                                .end_row = b->back.out_h,
                                .scratch = b->scratch};
    kernels->conv(&call);
    kernels->map_store(&b->back, n, 0, b->back.out_h, &b->in_grad, ret_in_grad);
}

void nn_conv_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                      const struct nn_layer_memory *memory, const struct nn_layer_flow *flow)
{
    const struct nn_kernels *kernels = nn_kernels(nn_isa_best());
    struct pieces pieces = pieces_of(pass->scratch);
    struct backward b = plan_backward(kernels, layer, &pieces);
    struct nn_conv_shape grads = {.in_c = layer->out.c,
                                  .in_h = layer->out.h,
                                  .in_w = layer->out.w,
                                  .in_lanes = kernels->width};
    memset(b.sums, 0, kernels->gradient_sums(&b.shape, b.way) * sizeof *b.sums);
    if (flow->in_grad)
        kernels->conv_pack_back(&b.back, b.back_way, memory->weights, b.weights);
    for (uint32_t i = 0; i < pass->n; i += b.samples) {
        uint32_t n = pass->n - i < b.samples ? pass->n - i : b.samples;
        kernels->map_load(&b.shape, n, layer->in.h, flow->in + i * nn_shape_size(layer->in), &b.in);
        kernels->map_load(&grads, n, layer->out.h, flow->out_grad + i * nn_shape_size(layer->out),
                          &b.out_grad);
        struct nn_gradient_call call = {.shape = &b.shape,
                                        .way = b.way,
                                        .n = n,
                                        .in = b.in,
                                        .out_grad = b.out_grad,
                                        .sums = b.sums,
                                        .scratch = b.scratch};
        kernels->gradient(&call);
        if (flow->in_grad)
            carry_back(kernels, &b, n, flow->in_grad + i * nn_shape_size(layer->in));
    }
    kernels->gradient_finish(&b.shape, b.way, b.sums, memory->weight_grads);
    if (layer->spec.bias)
        add_bias_grads(layer, pass->n, flow->out_grad,
                       memory->weight_grads + layer->spec.units * nn_layer_taps(layer));
}
