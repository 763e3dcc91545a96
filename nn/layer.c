/* Layer sizes, the simple layers, and the switch to the others. */
#include "nn/layer.h"

#include "nn/random.h"

#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <string.h>

enum {
    UNITS_MAX = 8192,
    SAMPLE_MAX = 1 << 22,
    WEIGHTS_MAX = 1 << 26,
    SCRATCH_MAX = 1 << 25,
    NOISE_MAX = 10000,
};

void nn_layer_spec_pack(const struct nn_layer_spec *spec, uint32_t *ret_numbers)
{
    const uint32_t numbers[NN_LAYER_SPEC_NUMBERS] = {
        (uint32_t)spec->kind, spec->units,         spec->kernel_rows, spec->kernel_cols,
        spec->stride_rows,    spec->stride_cols,   spec->padding_top, spec->padding_bottom,
        spec->padding_left,   spec->padding_right, spec->causal,      spec->bias,
        spec->permille};
    memcpy(ret_numbers, numbers, sizeof numbers);
}

struct nn_layer_spec nn_layer_spec_unpack(const uint32_t *numbers)
{
    return (struct nn_layer_spec){.kind = (enum nn_layer_kind)numbers[0],
                                  .units = numbers[1],
                                  .kernel_rows = numbers[2],
                                  .kernel_cols = numbers[3],
                                  .stride_rows = numbers[4],
                                  .stride_cols = numbers[5],
                                  .padding_top = numbers[6],
                                  .padding_bottom = numbers[7],
                                  .padding_left = numbers[8],
                                  .padding_right = numbers[9],
                                  .causal = numbers[10],
                                  .bias = numbers[11],
                                  .permille = numbers[12]};
}

static bool shape_fits(struct nn_shape shape)
{
    return shape.c > 0 && shape.h > 0 && shape.w > 0 && shape.c <= 2 * UNITS_MAX &&
           shape.h <= UNITS_MAX && shape.w <= UNITS_MAX && nn_shape_size(shape) <= SAMPLE_MAX;
}

static bool window_fits(const struct nn_layer_spec *spec)
{
    return spec->kernel_rows > 0 && spec->kernel_rows <= NN_KERNEL_MAX && spec->kernel_cols > 0 &&
           spec->kernel_cols <= NN_KERNEL_MAX && spec->stride_rows > 0 &&
           spec->stride_rows <= NN_STRIDE_MAX && spec->stride_cols > 0 &&
           spec->stride_cols <= NN_STRIDE_MAX;
}

static bool padding_fits(const struct nn_layer_spec *spec)
{
    if (spec->causal > 1 || (spec->causal && (spec->padding_top || spec->padding_bottom)))
        return false;
    return spec->padding_top < spec->kernel_rows && spec->padding_bottom < spec->kernel_rows &&
           spec->padding_left < spec->kernel_cols && spec->padding_right < spec->kernel_cols;
}

/* Places for a window of `kernel` along `size` values, `stride` apart; 0 when it does not fit. */
static uint32_t count_places(uint32_t size, uint32_t kernel, uint32_t stride)
{
    return size < kernel ? 0 : (size - kernel) / stride + 1;
}

static int init_conv(const struct nn_layer_spec *spec, struct nn_layer *layer)
{
    struct nn_shape in = layer->in;
    if (spec->units == 0 || spec->units > UNITS_MAX || spec->bias > 1 || !window_fits(spec) ||
        !padding_fits(spec))
        return -EINVAL;
    layer->out.c = spec->units;
    layer->out.h = spec->causal ? in.h / spec->stride_rows
                                : count_places(in.h + spec->padding_top + spec->padding_bottom,
                                               spec->kernel_rows, spec->stride_rows);
    layer->out.w = count_places(in.w + spec->padding_left + spec->padding_right, spec->kernel_cols,
                                spec->stride_cols);
    size_t taps = nn_layer_taps(layer);
    layer->weights = spec->units * (taps + spec->bias);
    layer->scratch = layer->out.h && layer->out.w ? nn_conv_scratch(layer) : 0;
    return 0;
}

static int init_pool(const struct nn_layer_spec *spec, struct nn_layer *layer)
{
    if (!window_fits(spec))
        return -EINVAL;
    layer->out.h = count_places(layer->in.h, spec->kernel_rows, spec->stride_rows);
    layer->out.w = count_places(layer->in.w, spec->kernel_cols, spec->stride_cols);
    return 0;
}

static int init_kind(const struct nn_layer_spec *spec, struct nn_layer *layer)
{
    layer->out = layer->in;
    switch (spec->kind) {
    case NN_LAYER_CONV:
        return init_conv(spec, layer);
    case NN_LAYER_BATCH_NORM:
        layer->weights = layer->stats = 2 * (size_t)layer->in.c;
        return 0;
    case NN_LAYER_RELU:
    case NN_LAYER_SIGMOID:
    case NN_LAYER_LINEAR:
        return 0;
    case NN_LAYER_MAX_POOL:
    case NN_LAYER_AVG_POOL:
        return init_pool(spec, layer);
    case NN_LAYER_GLOBAL_POOL:
        layer->out = (struct nn_shape){.c = 2 * layer->in.c, .h = 1, .w = 1};
        return 0;
    case NN_LAYER_DENSE:
        if (spec->units == 0 || spec->units > UNITS_MAX)
            return -EINVAL;
        layer->out = (struct nn_shape){.c = spec->units, .h = 1, .w = 1};
        layer->weights = spec->units * (nn_shape_size(layer->in) + 1);
        return 0;
    case NN_LAYER_DROPOUT:
        if (spec->permille >= 1000)
            return -EINVAL;
        layer->kept = nn_shape_size(layer->in);
        return 0;
    case NN_LAYER_PREFIX_POOL:
        layer->out = (struct nn_shape){.c = 2 * layer->in.c, .h = layer->in.h, .w = 1};
        layer->scratch = 2 * (size_t)layer->in.c;
        return 0;
    case NN_LAYER_GRU:
    case NN_LAYER_LSTM:
        if (spec->units == 0 || spec->units > UNITS_MAX)
            return -EINVAL;
        nn_recurrent_size(layer);
        return 0;
    case NN_LAYER_NOISE:
        return spec->permille <= NOISE_MAX ? 0 : -EINVAL;
    }
    return -EINVAL;
}

int nn_layer_init(const struct nn_layer_spec *spec, struct nn_shape in, struct nn_layer *ret_layer)
{
    struct nn_layer layer = {.spec = *spec, .in = in};
    if (!shape_fits(in) || init_kind(spec, &layer) != 0 || !shape_fits(layer.out) ||
        layer.weights > WEIGHTS_MAX || layer.scratch > SCRATCH_MAX)
        return -EINVAL;
    *ret_layer = layer;
    return 0;
}

static bool is_small_pool(enum nn_layer_kind kind)
{
    return kind == NN_LAYER_MAX_POOL || kind == NN_LAYER_AVG_POOL;
}

static bool is_recurrent(enum nn_layer_kind kind)
{
    return kind == NN_LAYER_GRU || kind == NN_LAYER_LSTM;
}

/* Layers whose one output row looks at all input rows. */
static bool needs_all_rows(enum nn_layer_kind kind)
{
    return kind == NN_LAYER_GLOBAL_POOL || kind == NN_LAYER_DENSE;
}

uint64_t nn_layer_work(const struct nn_layer *layer)
{
    uint64_t positions = (uint64_t)layer->out.h * layer->out.w;
    enum nn_layer_kind kind = layer->spec.kind;
    if (kind == NN_LAYER_CONV || kind == NN_LAYER_DENSE || is_recurrent(kind))
        return layer->weights * positions;
    if (is_small_pool(kind))
        return nn_shape_size(layer->out) * layer->spec.kernel_rows * layer->spec.kernel_cols;
    return nn_shape_size(layer->in);
}

int nn_layer_top(const struct nn_layer *layer)
{
    const struct nn_layer_spec *spec = &layer->spec;
    return spec->causal ? (int)spec->kernel_rows - (int)spec->stride_rows : (int)spec->padding_top;
}

bool nn_layer_row_causal(const struct nn_layer *layer)
{
    const struct nn_layer_spec *spec = &layer->spec;
    if (spec->kind == NN_LAYER_CONV)
        return spec->causal;
    if (is_small_pool(spec->kind))
        return spec->stride_rows == spec->kernel_rows;
    return !needs_all_rows(spec->kind) || layer->in.h == 1;
}

uint32_t nn_layer_rows_after(const struct nn_layer *layer, uint32_t rows)
{
    const struct nn_layer_spec *spec = &layer->spec;
    if (rows >= layer->in.h)
        return layer->out.h;
    if (needs_all_rows(spec->kind))
        return 0;
    if (spec->kind != NN_LAYER_CONV && !is_small_pool(spec->kind))
        return rows;
    int spare = (int)rows + nn_layer_top(layer) - (int)spec->kernel_rows;
    return spare < 0 ? 0 : (uint32_t)spare / spec->stride_rows + 1;
}

size_t nn_layer_state(const struct nn_layer *layer)
{
    if (layer->spec.kind == NN_LAYER_PREFIX_POOL)
        return 2 * (size_t)layer->in.c;
    if (layer->spec.kind == NN_LAYER_GRU)
        return layer->spec.units;
    return layer->spec.kind == NN_LAYER_LSTM ? 2 * (size_t)layer->spec.units : 0;
}

static void dense_forward(const struct nn_layer *layer, uint32_t n, const float *weights,
                          const float *in, float *ret_out)
{
    int inputs = (int)nn_shape_size(layer->in);
    int units = (int)layer->spec.units;
    const float *bias = weights + (size_t)units * (size_t)inputs;
    for (uint32_t i = 0; i < n; i++)
        memcpy(ret_out + i * (size_t)units, bias, (size_t)units * sizeof *bias);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, units, inputs, 1.0F, in, inputs,
                weights, inputs, 1.0F, ret_out, units);
}

static void dense_backward(const struct nn_layer *layer, uint32_t n,
                           const struct nn_layer_memory *memory, const struct nn_layer_flow *flow)
{
    int inputs = (int)nn_shape_size(layer->in);
    int units = (int)layer->spec.units;
    float *bias_grads = memory->weight_grads + (size_t)units * (size_t)inputs;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, units, inputs, (int)n, 1.0F,
                flow->out_grad, units, flow->in, inputs, 1.0F, memory->weight_grads, inputs);
    for (uint32_t i = 0; i < n; i++)
        for (int u = 0; u < units; u++)
            bias_grads[u] += flow->out_grad[i * (size_t)units + (size_t)u];
    if (flow->in_grad)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, inputs, units, 1.0F,
                    flow->out_grad, units, memory->weights, inputs, 0.0F, flow->in_grad, inputs);
}

/* Kept values are scaled up, so that the expected sum is the same with and without dropout. */
static void dropout_forward(const struct nn_layer *layer, const struct nn_pass *pass, float *kept,
                            const float *in, float *ret_out)
{
    size_t size = pass->n * nn_shape_size(layer->in);
    if (!pass->training) {
        memcpy(ret_out, in, size * sizeof *in);
        return;
    }
    double drop = (double)layer->spec.permille / 1000.0;
    float scale = (float)(1.0 / (1.0 - drop));
    struct nn_random random = nn_random_seed(pass->seed, 0, 0);
    for (size_t i = 0; i < size; i++) {
        kept[i] = nn_random_unit(&random) < drop ? 0.0F : scale;
        ret_out[i] = in[i] * kept[i];
    }
}

static void noise_forward(const struct nn_layer *layer, const struct nn_pass *pass, const float *in,
                          float *ret_out)
{
    size_t size = pass->n * nn_shape_size(layer->in);
    float deviation = (float)layer->spec.permille / 1000.0F;
    memcpy(ret_out, in, size * sizeof *in);
    if (!pass->training)
        return;
    struct nn_random random = nn_random_seed(pass->seed, 1, 0);
    for (size_t i = 0; i < size; i++)
        ret_out[i] += deviation * (float)nn_random_normal(&random);
}

static void relu_forward(const struct nn_layer *layer, const struct nn_pass *pass, const float *in,
                         float *ret_out)
{
    size_t planes = (size_t)pass->n * layer->in.c;
    size_t plane = (size_t)layer->in.h * layer->in.w;
    size_t wanted = pass->rows ? (size_t)pass->rows * layer->in.w : plane;
    for (size_t k = 0; k < planes; k++, in += plane, ret_out += plane)
        for (size_t i = 0; i < wanted; i++)
            ret_out[i] = in[i] > 0.0F ? in[i] : 0.0F;
}

static void sigmoid_forward(size_t size, const float *in, float *ret_out)
{
    for (size_t i = 0; i < size; i++)
        ret_out[i] = 1.0F / (1.0F + expf(-in[i]));
}

void nn_layer_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                      const struct nn_layer_memory *memory, const float *in, float *ret_out)
{
    size_t size = pass->n * nn_shape_size(layer->in);
    switch (layer->spec.kind) {
    case NN_LAYER_CONV:
        nn_conv_forward(layer, pass, memory, in, ret_out);
        return;
    case NN_LAYER_BATCH_NORM:
        nn_batch_norm_forward(layer, pass, memory, in, ret_out);
        return;
    case NN_LAYER_RELU:
        relu_forward(layer, pass, in, ret_out);
        return;
    case NN_LAYER_SIGMOID:
        sigmoid_forward(size, in, ret_out);
        return;
    case NN_LAYER_LINEAR:
        memcpy(ret_out, in, size * sizeof *in);
        return;
    case NN_LAYER_MAX_POOL:
    case NN_LAYER_AVG_POOL:
        nn_pool_forward(layer, pass, in, ret_out);
        return;
    case NN_LAYER_GLOBAL_POOL:
        nn_global_pool_forward(layer, pass, in, ret_out);
        return;
    case NN_LAYER_DENSE:
        dense_forward(layer, pass->n, memory->weights, in, ret_out);
        return;
    case NN_LAYER_DROPOUT:
        dropout_forward(layer, pass, memory->kept, in, ret_out);
        return;
    case NN_LAYER_PREFIX_POOL:
        nn_prefix_pool_forward(layer, pass, in, ret_out);
        return;
    case NN_LAYER_GRU:
    case NN_LAYER_LSTM:
        nn_recurrent_forward(layer, pass, memory, in, ret_out);
        return;
    case NN_LAYER_NOISE:
        noise_forward(layer, pass, in, ret_out);
        return;
    }
}

/* The layers that act on each value alone: in_grad = out_grad times a local slope. */
static void elementwise_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                                 const float *kept, const struct nn_layer_flow *flow)
{
    size_t size = pass->n * nn_shape_size(layer->in);
    if (layer->spec.kind == NN_LAYER_RELU) {
        for (size_t i = 0; i < size; i++) {
            /* Read in any case: the loop is then one without branches. */
            float grad = flow->out_grad[i];
            flow->in_grad[i] = flow->out[i] > 0.0F ? grad : 0.0F;
        }
    } else if (layer->spec.kind == NN_LAYER_SIGMOID) {
        for (size_t i = 0; i < size; i++)
            flow->in_grad[i] = flow->out_grad[i] * flow->out[i] * (1.0F - flow->out[i]);
    } else if (layer->spec.kind == NN_LAYER_DROPOUT && pass->training) {
        for (size_t i = 0; i < size; i++)
            flow->in_grad[i] = flow->out_grad[i] * kept[i];
    } else {
        memcpy(flow->in_grad, flow->out_grad, size * sizeof *flow->in_grad);
    }
}

void nn_layer_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                       const struct nn_layer_memory *memory, const struct nn_layer_flow *flow)
{
    switch (layer->spec.kind) {
    case NN_LAYER_CONV:
        nn_conv_backward(layer, pass, memory, flow);
        return;
    case NN_LAYER_BATCH_NORM:
        nn_batch_norm_backward(layer, pass, memory, flow);
        return;
    case NN_LAYER_DENSE:
        dense_backward(layer, pass->n, memory, flow);
        return;
    case NN_LAYER_MAX_POOL:
    case NN_LAYER_AVG_POOL:
        if (flow->in_grad)
            nn_pool_backward(layer, pass, flow);
        return;
    case NN_LAYER_GLOBAL_POOL:
        if (flow->in_grad)
            nn_global_pool_backward(layer, pass, flow);
        return;
    case NN_LAYER_PREFIX_POOL:
        if (flow->in_grad)
            nn_prefix_pool_backward(layer, pass, flow);
        return;
    case NN_LAYER_GRU:
    case NN_LAYER_LSTM:
        nn_recurrent_backward(layer, pass, memory, flow);
        return;
    case NN_LAYER_RELU:
    case NN_LAYER_SIGMOID:
    case NN_LAYER_LINEAR:
    case NN_LAYER_DROPOUT:
    case NN_LAYER_NOISE:
        if (flow->in_grad)
            elementwise_backward(layer, pass, memory->kept, flow);
        return;
    }
}
