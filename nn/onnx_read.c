/* From bytes to networks: the file, its ends, and its nodes in order. */
#include "nn/onnx_read.h"

#include "nn/onnx_build.h"
#include "nn/onnx_proto.h"
#include "nn/onnx_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 65536, INPUTS_MAX = 32, OUTPUTS_MAX = 8, OPSET_MIN = 7, OPSET_MAX = 22 };

static const struct {
    const char *op;
    onnx_op read;
    const char *attributes; /* known ones, each with a blank after it */
} ops[] = {
    {"Conv", onnx_op_conv, "auto_pad dilations group kernel_shape pads strides "},
    {"Pad", onnx_op_pad, "mode pads value "},
    {"MaxPool", onnx_op_pool,
     "auto_pad ceil_mode dilations kernel_shape pads storage_order strides "},
    {"AveragePool", onnx_op_pool,
     "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides "},
    {"GlobalAveragePool", onnx_op_global_pool, ""},
    {"GlobalMaxPool", onnx_op_global_pool, ""},
    {"ReduceMean", onnx_op_reduce, "axes keepdims noop_with_empty_axes "},
    {"ReduceMax", onnx_op_reduce, "axes keepdims noop_with_empty_axes "},
    {"BatchNormalization", onnx_op_norm, "epsilon momentum spatial training_mode "},
    {"Gemm", onnx_op_gemm, "alpha beta transA transB "},
    {"MatMul", onnx_op_matmul, ""},
    {"Add", onnx_op_arithmetic, ""},
    {"Sub", onnx_op_arithmetic, ""},
    {"Mul", onnx_op_arithmetic, ""},
    {"Div", onnx_op_arithmetic, ""},
    {"Relu", onnx_op_relu, ""},
    {"Sigmoid", onnx_op_sigmoid, ""},
    {"Softmax", onnx_op_softmax, "axis "},
    {"GRU", onnx_op_recurrent, "activations direction hidden_size layout linear_before_reset "},
    {"LSTM", onnx_op_recurrent, "activations direction hidden_size input_forget layout "},
    {"Constant", onnx_op_constant, "value value_int value_ints value_float "},
    {"ConstantOfShape", onnx_op_zeros, "value "},
    {"Expand", onnx_op_expand, ""},
    {"Shape", onnx_op_shape, ""},
    {"Identity", onnx_op_same, ""},
    {"Mean", onnx_op_same, ""},
    {"Dropout", onnx_op_same, "ratio seed "},
    {"Cast", onnx_op_same, "to "},
    {"Flatten", onnx_op_flatten, "axis "},
    {"Reshape", onnx_op_reshape, "allowzero "},
    {"Transpose", onnx_op_transpose, "perm "},
    {"Squeeze", onnx_op_squeeze, "axes "},
    {"Unsqueeze", onnx_op_squeeze, "axes "},
    {"Slice", onnx_op_slice, "axes ends starts "},
    {"Gather", onnx_op_gather, "axis "},
    {"Concat", onnx_op_concat, "axis "},
};

static int check_model(struct onnx_reader *r, const Onnx__ModelProto *model)
{
    const Onnx__GraphProto *graph = model->graph;
    if (!graph || graph->n_node == 0)
        return onnx_refuse_file(r, "not an ONNX model: it has no graph");
    if (model->n_functions > 0)
        return onnx_refuse_file(r, "it defines functions of its own, which are not read");
    if (graph->n_sparse_initializer > 0)
        return onnx_refuse_file(r, "it holds sparse weights, which are not read");
    if (graph->n_node > ONNX_NODES_MAX || graph->n_initializer > ONNX_TENSORS_MAX ||
        graph->n_input > ONNX_TENSORS_MAX || graph->n_output > ONNX_TENSORS_MAX)
        return onnx_refuse_file(r, "its graph is larger than any network here");
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *opset = model->opset_import[i];
        bool standard = !opset->domain || !*opset->domain || strcmp(opset->domain, "ai.onnx") == 0;
        if (standard && (opset->version < OPSET_MIN || opset->version > OPSET_MAX)) {
            snprintf(r->error, r->error_size, "operator set %lld; %d to %d are read",
                     (long long)opset->version, OPSET_MIN, OPSET_MAX);
            return -EPROTO;
        }
    }
    return 0;
}

static int add_tensors(struct onnx_reader *r)
{
    for (size_t i = 0; i < r->graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = r->graph->initializer[i];
        struct onnx_value value = {.kind = ONNX_VALUE_TENSOR, .tensor = tensor};
        size_t n;
        const char *reason = onnx_tensor_check(tensor, &n);
        if (reason) {
            snprintf(r->error, r->error_size, "tensor '%.60s': %s",
                     tensor->name ? tensor->name : "", reason);
            return -EPROTO;
        }
        if (onnx_tensor_ints(tensor, n, &value))
            value.kind = ONNX_VALUE_INTS;
        int error = onnx_add_value(r, tensor->name, &value);
        if (error)
            return error;
    }
    return 0;
}

static const Onnx__NodeProto *first_use(const struct onnx_reader *r, const char *name)
{
    for (size_t i = 0; i < r->graph->n_node; i++)
        for (size_t k = 0; k < r->graph->node[i]->n_input; k++)
            if (strcmp(r->graph->node[i]->input[k], name) == 0)
                return r->graph->node[i];
    return NULL;
}

static bool node_is(const Onnx__NodeProto *node, const char *op)
{
    return node && node->op_type && strcmp(node->op_type, op) == 0;
}

/*
 * The order of the input's axes. Frameworks say nothing about it; what is done first with the frame
 * does: Keras's channels-last frames are transposed (or, with one channel, reshaped) before the
 * first convolution, and recurrent layers take rows before samples.
 */
static bool choose_order(const struct onnx_reader *r, const char *name,
                         const Onnx__TensorShapeProto *shape, enum onnx_atom *ret_order)
{
    static const enum onnx_atom image[] = {ONNX_N, ONNX_C, ONNX_H, ONNX_W};
    static const enum onnx_atom channels_last[] = {ONNX_N, ONNX_H, ONNX_W, ONNX_C};
    static const enum onnx_atom rows[] = {ONNX_N, ONNX_H, ONNX_W};
    static const enum onnx_atom rows_first[] = {ONNX_H, ONNX_N, ONNX_W};
    const Onnx__NodeProto *use = first_use(r, name);
    const enum onnx_atom *order;
    if (shape->n_dim == 4) {
        int64_t perm[4];
        bool moved = node_is(use, "Transpose") && onnx_ints(use, "perm", 0, 4, perm) &&
                     perm[0] == 0 && perm[1] == 3 && perm[2] == 1 && perm[3] == 2;
        bool last = shape->dim[3]->dim_value == 1 && shape->dim[1]->dim_value > 1;
        order = moved || (last && !node_is(use, "Conv")) ? channels_last : image;
    } else if (shape->n_dim == 3) {
        order = node_is(use, "GRU") || node_is(use, "LSTM") ? rows_first : rows;
    } else {
        return false;
    }
    memcpy(ret_order, order, shape->n_dim * sizeof *order);
    return true;
}

static uint32_t *shape_field(struct nn_shape *shape, enum onnx_atom atom)
{
    return atom == ONNX_C ? &shape->c : atom == ONNX_H ? &shape->h : &shape->w;
}

/* One dimension, from the file or the wish; where both say something they must agree. */
static bool fill_shape(const Onnx__TensorShapeProto *shape, const enum onnx_atom *order,
                       struct nn_shape wish, struct nn_shape *ret_shape, int64_t *ret_batch)
{
    struct nn_shape found = {.c = 1, .h = 1, .w = 1};
    for (size_t i = 0; i < shape->n_dim; i++) {
        int64_t dim = shape->dim[i]->has_dim_value ? shape->dim[i]->dim_value : 0;
        if (order[i] == ONNX_N) {
            *ret_batch = dim > 0 ? dim : ONNX_BATCH;
            if (dim > BATCH_MAX)
                return false;
            continue;
        }
        int64_t wanted = *shape_field(&wish, order[i]);
        if (dim <= 0)
            dim = wanted;
        if (dim <= 0 || dim > UINT16_MAX || (wanted > 0 && wanted != dim))
            return false;
        *shape_field(&found, order[i]) = (uint32_t)dim;
    }
    *ret_shape = found;
    return true;
}

static int add_input(struct onnx_reader *r, const Onnx__ValueInfoProto *input, struct nn_shape wish)
{
    const Onnx__TypeProto__Tensor *tensor = input->type ? input->type->tensor_type : NULL;
    if (!tensor || tensor->elem_type != ONNX_FLOAT)
        return onnx_refuse_file(r, "its input is not a tensor of float");
    enum onnx_atom order[ONNX_RANK_MAX];
    if (!tensor->shape || !choose_order(r, input->name, tensor->shape, order))
        return onnx_refuse_file(r, "its input has neither three nor four axes");
    struct nn_shape shape;
    int64_t batch = ONNX_BATCH;
    if (!fill_shape(tensor->shape, order, wish, &shape, &batch))
        return onnx_refuse_file(r,
                                "its input's size is open, out of range, or not the one asked for");
    onnx_chain_begin(&r->window, shape);
    struct onnx_value value = {
        .kind = ONNX_VALUE_FLOW,
        .axes = onnx_axes_make(shape, batch, order, (uint32_t)tensor->shape->n_dim)};
    return onnx_add_value(r, input->name, &value);
}

/* The first input that is no weight is the frame; others can only be states. */
static int add_inputs(struct onnx_reader *r, struct nn_shape wish)
{
    bool found = false;
    for (size_t i = 0; i < r->graph->n_input; i++) {
        const Onnx__ValueInfoProto *input = r->graph->input[i];
        if (!input->name)
            return onnx_refuse_file(r, "an input of its graph has no name");
        if (onnx_find(r, input->name))
            continue;
        int error =
            found ? onnx_add_value(r, input->name, &(struct onnx_value){.kind = ONNX_VALUE_STATE})
                  : add_input(r, input, wish);
        if (error)
            return error;
        found = true;
    }
    return found ? 0 : onnx_refuse_file(r, "its graph has no input");
}

static int check_node(struct onnx_reader *r, const Onnx__NodeProto *node, const char *attributes)
{
    if (node->n_output == 0 || node->n_output > OUTPUTS_MAX || node->n_input > INPUTS_MAX)
        return onnx_refuse(r, node, "no outputs, or more ends than any operator has");
    for (size_t i = 0; i < node->n_input; i++)
        if (*node->input[i] && !onnx_find(r, node->input[i]))
            return onnx_refuse(r, node, "it reads '%.60s', which nothing before it gives",
                               node->input[i]);
    for (size_t i = 0; i < node->n_attribute; i++) {
        const char *name = node->attribute[i]->name ? node->attribute[i]->name : "";
        size_t length = strlen(name);
        const char *at = length > 0 && !strchr(name, ' ') ? strstr(attributes, name) : NULL;
        while (at && (at[length] != ' ' || (at > attributes && at[-1] != ' ')))
            at = strstr(at + 1, name);
        if (!at)
            return onnx_refuse(r, node, "attribute '%.60s' is not supported", name);
    }
    return 0;
}

static int read_node(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const char *op = node->op_type ? node->op_type : "";
    if (node->domain && *node->domain && strcmp(node->domain, "ai.onnx") != 0)
        return onnx_refuse(r, node, "operators of '%.60s' are not supported", node->domain);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (strcmp(ops[i].op, op) == 0) {
            int error = check_node(r, node, ops[i].attributes);
            return error ? error : ops[i].read(r, node);
        }
    return onnx_refuse(r, node, "this operator is not supported");
}

/* The verdict is the graph's first output; others, such as states, do not matter here. */
static int check_output(struct onnx_reader *r)
{
    const char *name = r->graph->n_output > 0 ? r->graph->output[0]->name : NULL;
    const struct onnx_value *value = name ? onnx_find(r, name) : NULL;
    if (!value || value->kind != ONNX_VALUE_FLOW || value->at != r->at || value->half != ONNX_BOTH)
        return onnx_refuse_file(r, "its first output is not where its layers lead to");
    for (int k = 0; k < 4; k++)
        if (value->pad[k] != 0)
            return onnx_refuse_file(r, "it ends in a padding");
    for (uint32_t k = 0; k < value->axes.n; k++)
        if (value->axes.axes[k].n > 1)
            return onnx_refuse_file(r, "its output merges rows, columns or channels");
    return 0;
}

static int make_networks(struct onnx_reader *r, struct nn_onnx_reading *ret_reading)
{
    struct nn_onnx_reading reading = {.sigmoid = r->sigmoid};
    int error = onnx_chain_network(&r->window, &reading.network);
    if (!error && r->stateful)
        error = onnx_chain_network(&r->sequence, &reading.sequence);
    if (error) {
        nn_network_destroy(reading.network);
        onnx_refuse_file(r, error == -ENOMEM ? "out of memory"
                                             : "it has no layers, or more than a network may have");
        return error == -ENOMEM ? error : -EPROTO;
    }
    *ret_reading = reading;
    return 0;
}

/* Room for every name there can be: tensors, inputs, one output of each node and two more of
 * recurrent ones. */
static int make_room(struct onnx_reader *r)
{
    size_t n = r->graph->n_initializer + r->graph->n_input + 3 * r->graph->n_node;
    r->values = calloc(n, sizeof *r->values);
    r->values_max = (uint32_t)n;
    if (r->values)
        return 0;
    onnx_refuse_file(r, "out of memory");
    return -ENOMEM;
}

static int read_model(struct onnx_reader *r, const Onnx__ModelProto *model,
                      const struct nn_onnx_wish *wish, struct nn_onnx_reading *ret_reading)
{
    int error = check_model(r, model);
    if (error)
        return error;
    r->graph = model->graph;
    r->steps = wish->steps ? wish->steps : 1;
    error = make_room(r);
    if (!error)
        error = add_tensors(r);
    if (!error)
        error = add_inputs(r, wish->input);
    for (size_t i = 0; i < r->graph->n_node && !error; i++)
        error = read_node(r, r->graph->node[i]);
    if (!error)
        error = check_output(r);
    if (!error && wish->order &&
        onnx_chain_reorder(onnx_chain_now(r), wish->order, wish->n_order) != 0)
        error = onnx_refuse_file(r, "it does not have as many outputs as labels were given");
    if (!error)
        error = make_networks(r, ret_reading);
    return error;
}

int nn_onnx_read(const uint8_t *data, size_t size, const struct nn_onnx_wish *wish,
                 struct nn_onnx_reading *ret_reading, char *error, size_t error_size)
{
    struct onnx_reader *r = calloc(1, sizeof *r);
    if (!r) {
        snprintf(error, error_size, "out of memory");
        return -ENOMEM;
    }
    r->error = error;
    r->error_size = error_size;
    struct onnx_proto proto;
    int code = onnx_proto_read(data, size, &proto)
                   ? read_model(r, proto.model, wish, ret_reading)
                   : onnx_refuse_file(r, "not an ONNX model, or damaged");
    onnx_proto_finish(&proto);
    onnx_chain_finish(&r->window);
    onnx_chain_finish(&r->sequence);
    free(r->values);
    free(r);
    return code;
}
