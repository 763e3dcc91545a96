/* GRU and LSTM over the rows of a frame, and one step of either. */
#include "nn/onnx_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where our gate g is among ONNX's: GRU reset, update, new; LSTM input, forget, cell, output. */
static const uint32_t gru_order[] = {1, 0, 2};
static const uint32_t lstm_order[] = {0, 2, 3, 1};

struct recurrent {
    bool gru;
    uint32_t gates;
    const uint32_t *order;
    int64_t units;
    int64_t inputs;
};

/* Whether the activations are the usual ones, in any case of letters. */
static bool usual_activations(const Onnx__NodeProto *node, bool gru)
{
    static const char *const usual[] = {"sigmoid", "tanh", "tanh"};
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Onnx__AttributeProto *attribute = node->attribute[i];
        if (!attribute->name || strcmp(attribute->name, "activations") != 0)
            continue;
        if (attribute->n_strings != (gru ? 2U : 3U))
            return false;
        for (size_t k = 0; k < attribute->n_strings; k++) {
            const ProtobufCBinaryData *text = &attribute->strings[k];
            if (text->len != strlen(usual[k]))
                return false;
            for (size_t c = 0; c < text->len; c++)
                if ((text->data[c] | 0x20) != usual[k][c])
                    return false;
        }
    }
    return true;
}

static int check_kind(struct onnx_reader *r, const Onnx__NodeProto *node, struct recurrent *ret)
{
    bool gru = strcmp(node->op_type, "GRU") == 0;
    *ret = (struct recurrent){.gru = gru,
                              .gates = gru ? 3 : 4,
                              .order = gru ? gru_order : lstm_order,
                              .units = onnx_int(node, "hidden_size", 0)};
    if (onnx_has(node, "direction") && !onnx_text_is(node, "direction", "forward"))
        return onnx_refuse(r, node, "only forward, from the first row to the last, is supported");
    if (!usual_activations(node, gru) || onnx_int(node, "input_forget", 0) != 0)
        return onnx_refuse(r, node, "only sigmoid gates and tanh are supported");
    if (gru && onnx_int(node, "linear_before_reset", 0) != 1)
        return onnx_refuse(r, node,
                           "only linear_before_reset = 1 (Keras: reset_after) is "
                           "supported");
    if (onnx_int(node, "layout", 0) != 0 || ret->units < 1 || ret->units > UINT16_MAX)
        return onnx_refuse(r, node, "its layout or hidden_size is not supported");
    if (onnx_input(r, node, 4) || (!gru && onnx_input(r, node, 7)))
        return onnx_refuse(r, node, "lengths of sequences and peepholes are not supported");
    return 0;
}

/* How the state begins: 0 = with zeros, 1 = handed in, else a refusal. */
static int check_state(struct onnx_reader *r, const Onnx__NodeProto *node, bool gru)
{
    int handed = 0;
    for (size_t i = 5; i < (gru ? 6U : 7U); i++) {
        const struct onnx_value *state = onnx_input(r, node, i);
        if (!state || state->kind == ONNX_VALUE_ZEROS)
            continue;
        if (state->kind == ONNX_VALUE_STATE) {
            handed++;
            continue;
        }
        const Onnx__TensorProto *tensor;
        size_t n;
        float *values = onnx_floats(r, node, i, &tensor, &n);
        bool zero = values != NULL;
        for (size_t k = 0; k < n && zero; k++)
            zero = values[k] >= 0.0F && values[k] <= 0.0F;
        free(values);
        if (!zero)
            return onnx_refuse(r, node,
                               "a state before the first row other than zero is not "
                               "supported");
    }
    if (handed > 0 && (handed != (gru ? 1 : 2) || r->stateful))
        return onnx_refuse(r, node, "only one layer may be handed its state, and all of it");
    return handed > 0;
}

/* Rows first, then samples, then all that a row holds. */
static bool rows_come_first(const struct onnx_value *flow, int64_t *ret_inputs)
{
    const struct onnx_axes *axes = &flow->axes;
    if (axes->n != 3 || flow->last_row)
        return false;
    bool rows = axes->shape.h > 1 ? onnx_axes_find(axes, ONNX_H) == 0 : axes->axes[0].n == 0;
    *ret_inputs = onnx_axes_size(axes, 2);
    return rows && onnx_axes_find(axes, ONNX_N) == 1 &&
           *ret_inputs == (int64_t)axes->shape.c * axes->shape.w;
}

/* theirs: (1, gates * units, columns) to ours; order: (columns) where our column k lies, or NULL.
 */
static void put_gates(const struct recurrent *kind, const float *theirs, size_t columns,
                      const uint32_t *order, float *ret_ours)
{
    size_t units = (size_t)kind->units;
    for (uint32_t g = 0; g < kind->gates; g++)
        for (size_t u = 0; u < units; u++) {
            const float *from = theirs + (kind->order[g] * units + u) * columns;
            for (size_t k = 0; k < columns; k++)
                *ret_ours++ = from[order ? order[k] : k];
        }
}

static int put_weights(struct onnx_reader *r, const Onnx__NodeProto *node,
                       const struct recurrent *kind, const struct onnx_axes *axes, float *weights)
{
    int64_t rows = kind->gates * kind->units;
    size_t inputs = (size_t)kind->inputs, units = (size_t)kind->units;
    float *input = onnx_floats_shaped(r, node, 1, (int64_t[]){1, rows, kind->inputs}, 3);
    float *state =
        input ? onnx_floats_shaped(r, node, 2, (int64_t[]){1, rows, kind->units}, 3) : NULL;
    bool has_bias = onnx_input(r, node, 3) != NULL;
    float *bias =
        state && has_bias ? onnx_floats_shaped(r, node, 3, (int64_t[]){1, 2 * rows}, 2) : NULL;
    bool all = input && state && (bias || !has_bias);
    uint32_t *order = all ? malloc(inputs * sizeof *order) : NULL;
    if (order) {
        struct onnx_axes one_row = *axes;
        one_row.shape.h = 1;
        onnx_axes_order(&one_row, 2, order);
        put_gates(kind, input, inputs, order, weights);
        weights += kind->gates * units * inputs;
        put_gates(kind, state, units, NULL, weights);
        weights += kind->gates * units * units;
        for (size_t half = 0; half < 2 && bias; half++)
            put_gates(kind, bias + half * kind->gates * units, 1, NULL,
                      weights + half * kind->gates * units);
    }
    free(order);
    free(input);
    free(state);
    free(bias);
    return order ? 0 : all ? onnx_refuse(r, node, "out of memory") : -EPROTO;
}

/* From here on each step is a row of a frame of its own. */
static int begin_sequence(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    struct nn_shape shape = r->window.shape;
    if (shape.h != 1)
        return onnx_refuse(r, node, "it is handed its state, but reads more than one row a time");
    shape.h = r->steps;
    onnx_chain_begin(&r->sequence, shape);
    r->stateful = true;
    return 0;
}

/* Y (rows, 1, samples, units), Y_h (1, samples, units) and Y_c. */
static int define_outputs(struct onnx_reader *r, const Onnx__NodeProto *node,
                          const struct onnx_value *flow, int64_t units)
{
    struct onnx_value all = {.kind = ONNX_VALUE_FLOW, .at = r->at, .last_row = r->stateful};
    struct nn_shape shape = {.c = (uint32_t)units, .h = flow->axes.shape.h, .w = 1};
    static const enum onnx_atom order[] = {ONNX_H, ONNX_W, ONNX_N, ONNX_C};
    all.axes = onnx_axes_make(shape, flow->axes.batch, order, 4);
    struct onnx_value last = {.kind = ONNX_VALUE_FLOW, .at = r->at, .last_row = true};
    shape.h = 1;
    last.axes = onnx_axes_make(shape, flow->axes.batch, order + 1, 3);
    const struct onnx_value cell = {.kind = ONNX_VALUE_STATE};
    const struct onnx_value *values[] = {&all, &last, &cell};
    for (size_t i = 0; i < node->n_output && i < 3; i++) {
        int error = *node->output[i] ? onnx_define(r, node, i, values[i]) : 0;
        if (error)
            return error;
    }
    return 0;
}

int onnx_op_recurrent(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = onnx_whole_flow(r, node, 0);
    struct recurrent kind;
    if (!flow)
        return -EPROTO;
    int error = check_kind(r, node, &kind);
    if (error)
        return error;
    if (!rows_come_first(flow, &kind.inputs))
        return onnx_refuse(r, node, "it does not read (rows, samples, all of a row)");
    int handed = check_state(r, node, kind.gru);
    if (handed < 0)
        return handed;
    if (handed)
        error = begin_sequence(r, node);
    float *weights;
    const struct nn_layer_spec spec = {.kind = kind.gru ? NN_LAYER_GRU : NN_LAYER_LSTM,
                                       .units = (uint32_t)kind.units};
    if (!error)
        error = onnx_add_layer(r, node, &spec, &weights);
    if (!error)
        error = put_weights(r, node, &kind, &flow->axes, weights);
    return error ? error : define_outputs(r, node, flow, kind.units);
}
