/* Layers without a window: global pools, norms, dense layers, arithmetic, activations. */
#include "nn/onnx_reader.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * A pool over all rows and columns. Ours gives means and maxima at once; a graph has a node for
 * each, so the second one finds the layer there already.
 */
static int pool_all(struct onnx_reader *r, const Onnx__NodeProto *node, bool max,
                    struct onnx_value *value)
{
    struct onnx_chain *chain = onnx_chain_now(r);
    bool second = value->at + 1 == r->at && chain->n > 0 &&
                  chain->layers[chain->n - 1].spec.kind == NN_LAYER_GLOBAL_POOL;
    if (!second) {
        if (!onnx_whole_flow(r, node, 0))
            return -EPROTO;
        int error =
            onnx_add_layer(r, node, &(struct nn_layer_spec){.kind = NN_LAYER_GLOBAL_POOL}, NULL);
        if (error)
            return error;
    }
    value->half = max ? ONNX_MAXIMA : ONNX_MEANS;
    value->axes.shape.h = value->axes.shape.w = 1;
    return onnx_define_flow(r, node, value);
}

static const struct onnx_value *pool_input(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = onnx_input(r, node, 0);
    if (!flow || flow->kind != ONNX_VALUE_FLOW || flow->last_row || flow->half != ONNX_BOTH) {
        onnx_refuse(r, node, "it does not read rows and columns");
        return NULL;
    }
    return onnx_no_padding(r, node, flow) ? flow : NULL;
}

int onnx_op_global_pool(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = pool_input(r, node);
    if (!flow)
        return -EPROTO;
    if (flow->axes.n != 4 || !onnx_axes_is_image(&flow->axes))
        return onnx_refuse(r, node,
                           "it does not read samples, channels, rows and columns in this order");
    struct onnx_value value = *flow;
    value.axes.axes[2].n = value.axes.axes[3].n = 0;
    return pool_all(r, node, strcmp(node->op_type, "GlobalMaxPool") == 0, &value);
}

/* The same, written as a reduction over exactly the axes of rows and columns. */
int onnx_op_reduce(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = pool_input(r, node);
    if (!flow)
        return -EPROTO;
    int64_t axes[ONNX_RANK_MAX];
    int n = onnx_axes_given(r, node, "axes", 1, axes);
    bool gone[ONNX_AXES_MAX] = {false};
    uint32_t rows = 0, cols = 0, others = 0;
    for (int i = 0; i < n; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + flow->axes.n : axes[i];
        if (axis < 0 || axis >= flow->axes.n || gone[axis])
            return onnx_refuse(r, node, "its axes are out of range");
        gone[axis] = true;
        for (uint32_t k = 0; k < flow->axes.axes[axis].n; k++) {
            enum onnx_atom atom = flow->axes.axes[axis].atoms[k];
            rows += atom == ONNX_H;
            cols += atom == ONNX_W;
            others += atom != ONNX_H && atom != ONNX_W;
        }
    }
    if (n <= 0 || others || rows != (flow->axes.shape.h > 1) || cols != (flow->axes.shape.w > 1))
        return onnx_refuse(r, node, "only over all rows and columns at once it is supported");
    struct onnx_value value = *flow;
    bool keep = onnx_int(node, "keepdims", 1) != 0;
    for (uint32_t i = flow->axes.n; i-- > 0;) {
        if (!gone[i])
            continue;
        value.axes.axes[i].n = 0;
        if (!keep)
            onnx_axes_squeeze(&value.axes, i);
    }
    return pool_all(r, node, strcmp(node->op_type, "ReduceMax") == 0, &value);
}

/* scale * x + shift per channel, where axis `axis` has the channels. Frees both. */
static int scale_channels(struct onnx_reader *r, const Onnx__NodeProto *node,
                          const struct onnx_value *flow, float *scale, float *shift)
{
    int error = onnx_chain_scale(onnx_chain_now(r), scale, shift)
                    ? onnx_refuse(r, node, "it does not fit here")
                    : 0;
    free(scale);
    free(shift);
    r->at++;
    return error ? error : onnx_define_flow(r, node, flow);
}

int onnx_op_norm(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = onnx_whole_flow(r, node, 0);
    if (!flow)
        return -EPROTO;
    int channels = onnx_axes_find(&flow->axes, ONNX_C);
    if (flow->axes.n < 2 || (flow->axes.shape.c > 1 ? channels != 1 : flow->axes.axes[1].n > 0))
        return onnx_refuse(r, node, "its channels are not the second axis");
    if (onnx_int(node, "training_mode", 0) != 0 || onnx_int(node, "spatial", 1) != 1)
        return onnx_refuse(r, node, "it is in training, or not per channel");
    const int64_t c = flow->axes.shape.c;
    double epsilon = (double)onnx_float(node, "epsilon", 1e-5F);
    float *parts[4] = {NULL};
    int error = 0;
    for (size_t i = 0; i < 4 && !error; i++) {
        parts[i] = onnx_floats_shaped(r, node, i + 1, &c, 1);
        error = parts[i] ? 0 : -EPROTO;
    }
    for (int64_t k = 0; k < c && !error; k++) {
        double spread = (double)parts[3][k] + epsilon;
        double gain = (double)parts[0][k] / sqrt(spread);
        double shift = (double)parts[1][k] - gain * (double)parts[2][k];
        parts[0][k] = (float)gain;
        parts[1][k] = (float)shift;
        if (!(spread > 0.0) || !isfinite(parts[0][k]) || !isfinite(parts[1][k]))
            error = onnx_refuse(r, node, "its numbers are out of range");
    }
    free(parts[2]);
    free(parts[3]);
    if (error) {
        free(parts[0]);
        free(parts[1]);
        return error;
    }
    return scale_channels(r, node, flow, parts[0], parts[1]);
}

/*
 * Constant i as one number per channel, broadcast as ONNX does: one number, or the channels' axis
 * and ones. (c), owned by the caller.
 */
static float *channel_constant(struct onnx_reader *r, const Onnx__NodeProto *node, size_t i,
                               const struct onnx_axes *axes)
{
    const Onnx__TensorProto *tensor;
    size_t n;
    float *values = onnx_floats(r, node, i, &tensor, &n);
    if (!values)
        return NULL;
    uint32_t c = axes->shape.c;
    int channels = onnx_axes_find(axes, ONNX_C);
    /* Counted from the end, as shapes are aligned there. */
    int64_t from_end = channels < 0 ? 0 : (int64_t)axes->n - channels;
    bool fits = tensor->n_dims <= axes->n;
    for (size_t k = 0; k < tensor->n_dims; k++)
        fits = fits && (tensor->dims[k] == 1 ||
                        ((int64_t)(tensor->n_dims - k) == from_end && tensor->dims[k] == c));
    float *spread = fits ? malloc(c * sizeof *spread) : NULL;
    for (uint32_t k = 0; k < c && spread; k++)
        spread[k] = values[n == 1 ? 0 : k];
    free(values);
    if (!spread)
        onnx_refuse(r, node, "only one number, or one per channel, is supported");
    return spread;
}

int onnx_op_arithmetic(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const char *op = node->op_type;
    const struct onnx_value *second = onnx_input(r, node, 1);
    bool turned = second && second->kind == ONNX_VALUE_FLOW;
    bool product = strcmp(op, "Mul") == 0 || strcmp(op, "Div") == 0;
    if (turned && (strcmp(op, "Sub") == 0 || strcmp(op, "Div") == 0))
        return onnx_refuse(r, node, "its second operand must be constant");
    if (turned && onnx_input(r, node, 0) && onnx_input(r, node, 0)->kind == ONNX_VALUE_FLOW)
        return onnx_refuse(r, node, "branches that meet again are not supported");
    const struct onnx_value *flow = onnx_whole_flow(r, node, turned ? 1 : 0);
    if (!flow)
        return -EPROTO;
    uint32_t c = flow->axes.shape.c;
    float *given = channel_constant(r, node, turned ? 0 : 1, &flow->axes);
    float *other = malloc(c * sizeof *other);
    if (!given || !other) {
        free(given);
        free(other);
        return given ? onnx_refuse(r, node, "out of memory") : -EPROTO;
    }
    for (uint32_t k = 0; k < c; k++) {
        other[k] = product ? 0.0F : 1.0F;
        if (strcmp(op, "Sub") == 0)
            given[k] = -given[k];
        if (strcmp(op, "Div") == 0)
            given[k] = 1.0F / given[k];
        if (!isfinite(given[k])) {
            free(given);
            free(other);
            return onnx_refuse(r, node, "it divides by zero");
        }
    }
    return scale_channels(r, node, flow, product ? given : other, product ? other : given);
}

/* A dense layer's matrix as the file has it. */
struct matrix {
    const float *values;
    int64_t inputs, units;
    bool inputs_first; /* (inputs, units) instead of (units, inputs) */
    float gain;
};

static float matrix_at(const struct matrix *m, uint32_t unit, uint32_t input)
{
    return m->gain *
           m->values[m->inputs_first ? input * m->units + unit : unit * m->inputs + input];
}

/* ret_weights: (units, row); input i of the file goes to column `first` + its place in our order.
 */
static void put_matrix(const struct matrix *m, const struct onnx_axes *axes, size_t row,
                       size_t first, float *ret_weights)
{
    uint32_t *order = malloc((size_t)m->inputs * sizeof *order);
    if (!order)
        abort();
    onnx_axes_order(axes, axes->n - 1, order);
    for (uint32_t u = 0; u < m->units; u++)
        for (uint32_t i = 0; i < m->inputs; i++)
            ret_weights[u * row + first + i] = matrix_at(m, u, order[i]);
    free(order);
}

/*
 * What kind of layer the matrix is. Over everything there is: dense. Over what one row holds, row
 * by row or for the last row alone: a convolution as wide as the row.
 */
static bool dense_spec(const struct onnx_value *flow, const struct matrix *m, struct nn_shape chain,
                       struct nn_layer_spec *ret_spec)
{
    const struct onnx_axes *axes = &flow->axes;
    const struct onnx_axis *last = &axes->axes[axes->n - 1];
    uint32_t found[ONNX_ATOMS] = {0};
    for (uint32_t k = 0; k < last->n; k++)
        found[last->atoms[k]]++;
    if (found[ONNX_N] || found[ONNX_C] != (axes->shape.c > 1) ||
        found[ONNX_W] != (axes->shape.w > 1))
        return false;
    bool by_row = chain.h > 1 && !found[ONNX_H];
    if (by_row && axes->shape.h > 1 && onnx_axes_find(axes, ONNX_H) < 0)
        return false;
    if (by_row)
        *ret_spec = (struct nn_layer_spec){.kind = NN_LAYER_CONV,
                                           .units = (uint32_t)m->units,
                                           .kernel_rows = 1,
                                           .kernel_cols = chain.w,
                                           .stride_rows = 1,
                                           .stride_cols = 1,
                                           .causal = 1,
                                           .bias = 1};
    else
        *ret_spec = (struct nn_layer_spec){.kind = NN_LAYER_DENSE, .units = (uint32_t)m->units};
    return onnx_axes_find(axes, ONNX_N) >= 0;
}

static int add_dense(struct onnx_reader *r, const Onnx__NodeProto *node,
                     const struct onnx_value *flow, const struct matrix *m, const float *bias)
{
    struct nn_shape before = onnx_chain_now(r)->shape;
    struct nn_layer_spec spec;
    if (m->units <= 0 || m->inputs != onnx_axes_size(&flow->axes, flow->axes.n - 1) ||
        !dense_spec(flow, m, before, &spec))
        return onnx_refuse(r, node, "it does not read whole samples, or whole rows, of this size");
    float *weights;
    int error = onnx_add_layer(r, node, &spec, &weights);
    if (error)
        return error;
    bool by_row = spec.kind == NN_LAYER_CONV;
    size_t row = (size_t)before.c * before.w * (by_row ? 1 : before.h);
    struct onnx_value value = *flow;
    if (by_row)
        value.axes.shape.h = 1;
    put_matrix(m, &value.axes, row, flow->half == ONNX_MAXIMA ? before.c / 2 : 0, weights);
    if (bias)
        memcpy(weights + m->units * (int64_t)row, bias, (size_t)m->units * sizeof *bias);
    value.half = ONNX_BOTH;
    value.axes.shape =
        (struct nn_shape){.c = spec.units, .h = by_row && !flow->last_row ? before.h : 1, .w = 1};
    value.axes.axes[value.axes.n - 1] = (struct onnx_axis){.n = spec.units > 1, .atoms = {ONNX_C}};
    return onnx_define_flow(r, node, &value);
}

/* The bias of a product: one number, or one per unit. NULL after a refusal. */
static float *dense_bias(struct onnx_reader *r, const Onnx__NodeProto *node, int64_t units)
{
    const Onnx__TensorProto *tensor;
    size_t n;
    float *values = onnx_floats(r, node, 2, &tensor, &n);
    if (!values)
        return NULL;
    bool last = tensor->n_dims == 0 || tensor->dims[tensor->n_dims - 1] == (int64_t)n;
    float *bias =
        last && (n == 1 || (int64_t)n == units) ? malloc((size_t)units * sizeof *bias) : NULL;
    float beta = onnx_float(node, "beta", 1.0F);
    for (int64_t u = 0; u < units && bias; u++)
        bias[u] = beta * values[n == 1 ? 0 : u];
    free(values);
    if (!bias)
        onnx_refuse(r, node, "its bias does not fit its weights");
    return bias;
}

/* Gemm and MatMul: a matrix from the file. */
static int read_dense(struct onnx_reader *r, const Onnx__NodeProto *node, bool inputs_first)
{
    const struct onnx_value *flow = onnx_flow(r, node, 0);
    if (!flow || !onnx_no_padding(r, node, flow))
        return -EPROTO;
    const Onnx__TensorProto *tensor;
    size_t n;
    float *values = onnx_floats(r, node, 1, &tensor, &n);
    if (!values)
        return -EPROTO;
    if (tensor->n_dims != 2 || n == 0 || flow->axes.n < 2) {
        free(values);
        return onnx_refuse(r, node, "its weights are not a matrix");
    }
    struct matrix m = {.values = values,
                       .inputs = tensor->dims[inputs_first ? 0 : 1],
                       .units = tensor->dims[inputs_first ? 1 : 0],
                       .inputs_first = inputs_first,
                       .gain = onnx_float(node, "alpha", 1.0F)};
    float *bias = NULL;
    int error = 0;
    if (onnx_input(r, node, 2)) {
        bias = dense_bias(r, node, m.units);
        error = bias ? 0 : -EPROTO;
    }
    if (!error)
        error = add_dense(r, node, flow, &m, bias);
    free(bias);
    free(values);
    return error;
}

int onnx_op_gemm(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = onnx_input(r, node, 0);
    if (onnx_int(node, "transA", 0) != 0 || (flow && flow->axes.n != 2))
        return onnx_refuse(r, node, "its input is not (samples, values)");
    return read_dense(r, node, onnx_int(node, "transB", 0) == 0);
}

int onnx_op_matmul(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    return read_dense(r, node, true);
}

int onnx_op_relu(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    return onnx_add_plain(r, node, NN_LAYER_RELU);
}

/* The last sigmoid is the calibration's work here. */
int onnx_op_sigmoid(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const char *verdict = r->graph->n_output > 0 ? r->graph->output[0]->name : NULL;
    if (!verdict || strcmp(node->output[0], verdict) != 0)
        return onnx_add_plain(r, node, NN_LAYER_SIGMOID);
    const struct onnx_value *flow = onnx_whole_flow(r, node, 0);
    if (!flow)
        return -EPROTO;
    r->sigmoid = true;
    return onnx_define_flow(r, node, flow);
}

int onnx_op_softmax(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    return onnx_refuse(r, node,
                       "not supported: several labels may hold at once, so each output "
                       "must be a sigmoid of its own");
}
