/* Convolutions and pools over windows. */
#include "nn/onnx_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A window's reach along rows (0) and columns (1). */
struct window {
    int64_t kernel[2];
    int64_t stride[2];
    int64_t dilation[2];
    int64_t before[2], after[2]; /* padding */
};

static bool in_range(const int64_t *values, size_t n, int64_t from, int64_t to)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] < from || values[i] > to)
            return false;
    return true;
}

/* Padding that makes the output as large as the input over the stride. */
static void pad_same(struct window *window, const int64_t *size, bool more_before)
{
    for (int i = 0; i < 2; i++) {
        int64_t reach = (window->kernel[i] - 1) * window->dilation[i] + 1;
        int64_t out = (size[i] + window->stride[i] - 1) / window->stride[i];
        int64_t total = (out - 1) * window->stride[i] + reach - size[i];
        total = total > 0 ? total : 0;
        window->before[i] = more_before ? (total + 1) / 2 : total / 2;
        window->after[i] = total - window->before[i];
    }
}

/* The attributes that convolutions and pools share. kernel: as the weights say, or NULL. */
static int read_window(struct onnx_reader *r, const Onnx__NodeProto *node,
                       const struct onnx_value *flow, const int64_t *kernel,
                       struct window *ret_window)
{
    struct window window = {0};
    int64_t pads[4];
    const int64_t size[] = {flow->axes.shape.h, flow->axes.shape.w};
    if (!onnx_ints(node, "kernel_shape", 0, 2, window.kernel) ||
        !onnx_ints(node, "strides", 1, 2, window.stride) ||
        !onnx_ints(node, "dilations", 1, 2, window.dilation) ||
        !onnx_ints(node, "pads", 0, 4, pads))
        return onnx_refuse(r, node, "only windows of rows and columns are supported");
    if (kernel && !onnx_has(node, "kernel_shape"))
        memcpy(window.kernel, kernel, sizeof window.kernel);
    if (!in_range(window.kernel, 2, 1, 4096) || !in_range(window.stride, 2, 1, 4096) ||
        !in_range(window.dilation, 2, 1, 4096) || !in_range(pads, 4, 0, 4096) ||
        (kernel && memcmp(window.kernel, kernel, sizeof window.kernel) != 0))
        return onnx_refuse(r, node, "its window is out of range");
    for (int i = 0; i < 2; i++) {
        window.before[i] = pads[i];
        window.after[i] = pads[2 + i];
    }
    bool upper = onnx_text_is(node, "auto_pad", "SAME_UPPER");
    bool lower = onnx_text_is(node, "auto_pad", "SAME_LOWER");
    if (upper || lower)
        pad_same(&window, size, lower);
    else if (onnx_has(node, "auto_pad") && !onnx_text_is(node, "auto_pad", "NOTSET") &&
             !onnx_text_is(node, "auto_pad", "VALID"))
        return onnx_refuse(r, node, "its auto_pad is not supported");
    *ret_window = window;
    return 0;
}

/* Weights (units, c / groups, rows, columns) spread out to (units, c, reach, reach), zeros between.
 */
static void spread_weights(const struct window *window, const int64_t *dims, int64_t groups,
                           const float *weights, float *ret_spread)
{
    int64_t channels = dims[1] * groups;
    int64_t rows = (dims[2] - 1) * window->dilation[0] + 1;
    int64_t cols = (dims[3] - 1) * window->dilation[1] + 1;
    for (int64_t u = 0; u < dims[0]; u++) {
        int64_t first = u / (dims[0] / groups) * dims[1];
        for (int64_t c = 0; c < dims[1]; c++)
            for (int64_t y = 0; y < dims[2]; y++)
                for (int64_t x = 0; x < dims[3]; x++)
                    ret_spread[((u * channels + first + c) * rows + y * window->dilation[0]) *
                                   cols +
                               x * window->dilation[1]] = *weights++;
    }
}

static struct nn_layer_spec conv_spec(const struct window *window, int64_t units)
{
    struct nn_layer_spec spec = {
        .kind = NN_LAYER_CONV,
        .units = (uint32_t)units,
        .kernel_rows = (uint32_t)((window->kernel[0] - 1) * window->dilation[0] + 1),
        .kernel_cols = (uint32_t)((window->kernel[1] - 1) * window->dilation[1] + 1),
        .stride_rows = (uint32_t)window->stride[0],
        .stride_cols = (uint32_t)window->stride[1],
        .padding_top = (uint32_t)window->before[0],
        .padding_bottom = (uint32_t)window->after[0],
        .padding_left = (uint32_t)window->before[1],
        .padding_right = (uint32_t)window->after[1],
        .bias = 1};
    /* The same function, but our networks then know that it can be computed row by row. */
    if (window->after[0] == 0 &&
        window->before[0] == (int64_t)spec.kernel_rows - window->stride[0]) {
        spec.causal = 1;
        spec.padding_top = 0;
    }
    return spec;
}

static int check_groups(struct onnx_reader *r, const Onnx__NodeProto *node,
                        const struct onnx_value *flow, const Onnx__TensorProto *weights,
                        int64_t *ret_groups)
{
    int64_t groups = onnx_int(node, "group", 1);
    if (weights->n_dims != 4 || groups < 1 || groups > flow->axes.shape.c ||
        weights->dims[1] * groups != flow->axes.shape.c || weights->dims[0] % groups != 0 ||
        weights->dims[0] == 0)
        return onnx_refuse(r, node, "its weights do not fit what it reads");
    *ret_groups = groups;
    return 0;
}

/* The layer itself; weights: as in the file. */
static int add_conv(struct onnx_reader *r, const Onnx__NodeProto *node,
                    const struct onnx_value *flow, const Onnx__TensorProto *tensor,
                    const float *weights)
{
    int64_t groups = 1;
    struct window window = {0};
    int error = check_groups(r, node, flow, tensor, &groups);
    if (!error)
        error = read_window(r, node, flow, tensor->dims + 2, &window);
    if (error)
        return error;
    for (int i = 0; i < 2; i++) {
        window.before[i] += flow->pad[i];
        window.after[i] += flow->pad[2 + i];
    }
    struct nn_layer_spec spec = conv_spec(&window, tensor->dims[0]);
    float *bias = NULL;
    if (onnx_input(r, node, 2)) {
        bias = onnx_floats_shaped(r, node, 2, tensor->dims, 1);
        if (!bias)
            return -EPROTO;
    }
    float *to;
    error = onnx_add_layer(r, node, &spec, &to);
    if (!error) {
        const struct onnx_chain *chain = onnx_chain_now(r);
        spread_weights(&window, tensor->dims, groups, weights, to);
        if (bias)
            memcpy(to + spec.units * nn_layer_taps(&chain->layers[chain->n - 1]), bias,
                   spec.units * sizeof *bias);
    }
    free(bias);
    return error;
}

/* What an image becomes. */
static int define_image(struct onnx_reader *r, const Onnx__NodeProto *node,
                        const struct onnx_value *flow)
{
    static const enum onnx_atom order[] = {ONNX_N, ONNX_C, ONNX_H, ONNX_W};
    struct onnx_value value = *flow;
    value.axes = onnx_axes_make(onnx_chain_now(r)->shape, flow->axes.batch, order, 4);
    memset(value.pad, 0, sizeof value.pad);
    return onnx_define_flow(r, node, &value);
}

/* Input 0 as (n, c, h, w) with all its rows. */
static const struct onnx_value *image_input(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = onnx_flow(r, node, 0);
    if (!flow)
        return NULL;
    if (flow->axes.n != 4 || !onnx_axes_is_image(&flow->axes) || flow->last_row ||
        flow->half != ONNX_BOTH) {
        onnx_refuse(r, node, "it does not read samples, channels, rows and columns in this order");
        return NULL;
    }
    return flow;
}

int onnx_op_conv(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = image_input(r, node);
    if (!flow)
        return -EPROTO;
    const Onnx__TensorProto *tensor;
    size_t n;
    float *weights = onnx_floats(r, node, 1, &tensor, &n);
    if (!weights)
        return -EPROTO;
    int error = add_conv(r, node, flow, tensor, weights);
    free(weights);
    return error ? error : define_image(r, node, flow);
}

/* Zeros around rows and columns; the convolution that follows does it. */
int onnx_op_pad(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = image_input(r, node);
    if (!flow)
        return -EPROTO;
    int64_t pads[8];
    const struct onnx_value *given = onnx_input(r, node, 1);
    bool known = given && given->kind == ONNX_VALUE_INTS && given->cols == 0 && given->n_ints == 8;
    if (known)
        memcpy(pads, given->ints, sizeof pads);
    else if (given || !onnx_ints(node, "pads", 0, 8, pads))
        return onnx_refuse(r, node, "its padding is not constant");
    if (onnx_has(node, "mode") && !onnx_text_is(node, "mode", "constant"))
        return onnx_refuse(r, node, "only padding with zeros is supported");
    float with = onnx_float(node, "value", 0.0F);
    if (onnx_input(r, node, 2)) {
        const Onnx__TensorProto *tensor;
        size_t n;
        float *value = onnx_floats(r, node, 2, &tensor, &n);
        if (!value)
            return -EPROTO;
        with = n == 1 ? value[0] : 1.0F;
        free(value);
    }
    bool zero = with >= 0.0F && with <= 0.0F;
    if (!zero || !in_range(pads, 8, 0, 4096) || pads[0] || pads[1] || pads[4] || pads[5])
        return onnx_refuse(r, node, "only padding rows and columns with zeros is supported");
    struct onnx_value value = *flow;
    for (int i = 0; i < 2; i++) {
        value.pad[i] += pads[2 + i];
        value.pad[2 + i] += pads[6 + i];
    }
    if (!in_range(value.pad, 4, 0, 4096))
        return onnx_refuse(r, node, "its padding is out of range");
    return onnx_define_flow(r, node, &value);
}

/* Windows that do not fill up: dropped here, kept with ceil_mode. */
static bool windows_fill(const struct window *window, const int64_t *size)
{
    for (int i = 0; i < 2; i++)
        if (size[i] < window->kernel[i] || (size[i] - window->kernel[i]) % window->stride[i] != 0)
            return false;
    return true;
}

int onnx_op_pool(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = image_input(r, node);
    if (!flow || !onnx_whole_flow(r, node, 0))
        return -EPROTO;
    struct window window = {0};
    int error = read_window(r, node, flow, NULL, &window);
    if (error)
        return error;
    const int64_t size[] = {flow->axes.shape.h, flow->axes.shape.w};
    bool padded = window.before[0] || window.before[1] || window.after[0] || window.after[1];
    if (padded || window.dilation[0] != 1 || window.dilation[1] != 1)
        return onnx_refuse(r, node, "pools with padding or dilation are not supported");
    if (onnx_int(node, "ceil_mode", 0) != 0 && !windows_fill(&window, size))
        return onnx_refuse(r, node, "windows beyond the edge (ceil_mode) are not supported");
    if (node->n_output > 1 && *node->output[1])
        return onnx_refuse(r, node, "the places of maxima are not supported");
    bool max = strcmp(node->op_type, "MaxPool") == 0;
    struct nn_layer_spec spec = {.kind = max ? NN_LAYER_MAX_POOL : NN_LAYER_AVG_POOL,
                                 .kernel_rows = (uint32_t)window.kernel[0],
                                 .kernel_cols = (uint32_t)window.kernel[1],
                                 .stride_rows = (uint32_t)window.stride[0],
                                 .stride_cols = (uint32_t)window.stride[1]};
    error = onnx_add_layer(r, node, &spec, NULL);
    return error ? error : define_image(r, node, flow);
}
