/* Layers as nodes, and their weights back. Formulas: the ONNX operator definitions of opset 13. */
#include "nn/onnx_layers.h"

#include "nn/onnx_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What has been written of one network. */
struct writer {
    struct onnx_build *build;
    const char *prefix;
    uint32_t index;    /* of the layer */
    const char *value; /* what the next layer reads */
    bool flat;         /* value is (n, c) instead of (n, c, h, w) */
    const float *weights;
    const float *stats;
};

static const char *name_of(struct writer *w, const char *what)
{
    return onnx_build_name(w->build, "%s%u.%s", w->prefix, (unsigned)w->index, what);
}

/* A node with the current value as its only input, which gives the next one. */
static void add_simple(struct writer *w, const char *op, const char *what)
{
    w->value = onnx_build_node(w->build, op, name_of(w, what), &w->value, 1);
}

static const char *add_floats(struct writer *w, const char *what, const float *values,
                              const int64_t *dims, size_t n_dims)
{
    return onnx_build_floats(w->build, name_of(w, what), values, dims, n_dims);
}

static const char *add_ints(struct writer *w, const char *what, const int64_t *values, size_t n)
{
    return onnx_build_int64s(w->build, name_of(w, what), values, n);
}

/* op(value, second) */
static void add_with(struct writer *w, const char *op, const char *what, const char *second)
{
    const char *inputs[] = {w->value, second};
    w->value = onnx_build_node(w->build, op, name_of(w, what), inputs, 2);
}

static void make_flat(struct writer *w)
{
    if (w->flat)
        return;
    add_simple(w, "Flatten", "flatten");
    w->flat = true;
}

static void make_planes(struct writer *w)
{
    if (!w->flat)
        return;
    add_with(w, "Unsqueeze", "planes", add_ints(w, "planes.axes", (int64_t[]){2, 3}, 2));
    w->flat = false;
}

static void set_window(struct writer *w, const struct nn_layer_spec *spec)
{
    onnx_build_ints(w->build, "kernel_shape", (int64_t[]){spec->kernel_rows, spec->kernel_cols}, 2);
    onnx_build_ints(w->build, "strides", (int64_t[]){spec->stride_rows, spec->stride_cols}, 2);
}

static void write_conv(struct writer *w, const struct nn_layer *layer)
{
    const struct nn_layer_spec *spec = &layer->spec;
    make_planes(w);
    int top = nn_layer_top(layer);
    if (top < 0) {
        /* ONNX has no negative padding: the rows that no kernel sees are cut off first. */
        const char *inputs[] = {w->value, add_ints(w, "cut.from", (int64_t[]){-top}, 1),
                                add_ints(w, "cut.to", (int64_t[]){layer->in.h}, 1),
                                add_ints(w, "cut.axis", (int64_t[]){2}, 1)};
        w->value = onnx_build_node(w->build, "Slice", name_of(w, "cut"), inputs, 4);
        top = 0;
    }
    const int64_t dims[] = {spec->units, layer->in.c, spec->kernel_rows, spec->kernel_cols};
    size_t taps = nn_layer_taps(layer);
    const char *inputs[3] = {w->value, add_floats(w, "weight", w->weights, dims, 4)};
    if (spec->bias)
        inputs[2] = add_floats(w, "bias", w->weights + spec->units * taps, dims, 1);
    w->value = onnx_build_node(w->build, "Conv", name_of(w, "conv"), inputs, 2 + spec->bias);
    set_window(w, spec);
    onnx_build_ints(w->build, "pads",
                    (int64_t[]){top, spec->padding_left, spec->padding_bottom, spec->padding_right},
                    4);
}

static void write_batch_norm(struct writer *w, const struct nn_layer *layer)
{
    int64_t c = layer->in.c;
    const char *inputs[] = {w->value, add_floats(w, "scale", w->weights, &c, 1),
                            add_floats(w, "shift", w->weights + c, &c, 1),
                            add_floats(w, "mean", w->stats, &c, 1),
                            add_floats(w, "variance", w->stats + c, &c, 1)};
    w->value = onnx_build_node(w->build, "BatchNormalization", name_of(w, "norm"), inputs, 5);
    onnx_build_float(w->build, "epsilon", NN_BATCH_NORM_EPSILON);
}

static void write_pool(struct writer *w, const struct nn_layer *layer)
{
    make_planes(w);
    add_simple(w, layer->spec.kind == NN_LAYER_MAX_POOL ? "MaxPool" : "AveragePool", "pool");
    set_window(w, &layer->spec);
}

/* Means and maxima of `value`, made by two nodes, side by side as channels. */
static void join_pools(struct writer *w, const char *means, const char *maxima)
{
    const char *inputs[] = {means, maxima};
    w->value = onnx_build_node(w->build, "Concat", name_of(w, "pool"), inputs, 2);
    onnx_build_int(w->build, "axis", 1);
}

static void write_global_pool(struct writer *w)
{
    make_planes(w);
    const char *means =
        onnx_build_node(w->build, "GlobalAveragePool", name_of(w, "means"), &w->value, 1);
    const char *maxima =
        onnx_build_node(w->build, "GlobalMaxPool", name_of(w, "maxima"), &w->value, 1);
    join_pools(w, means, maxima);
}

/*
 * Running means: each row's mean, summed down the rows, over the number of rows. Running maxima:
 * each row's maximum, then the largest in a window as high as the frame, padded above.
 */
static void write_prefix_pool(struct writer *w, const struct nn_layer *layer)
{
    make_planes(w);
    int64_t rows = layer->in.h;
    const char *input = w->value;
    add_simple(w, "ReduceMean", "row_means");
    onnx_build_ints(w->build, "axes", (int64_t[]){3}, 1);
    add_with(w, "CumSum", "row_sums", add_ints(w, "row_axis", (int64_t[]){2}, 1));
    float *counts = malloc((size_t)rows * sizeof *counts);
    if (!counts)
        abort();
    for (int64_t r = 0; r < rows; r++)
        counts[r] = (float)(r + 1);
    add_with(w, "Div", "means", add_floats(w, "rows", counts, (int64_t[]){1, 1, rows, 1}, 4));
    free(counts);
    const char *means = w->value;
    w->value = input;
    add_simple(w, "ReduceMax", "row_maxima");
    onnx_build_ints(w->build, "axes", (int64_t[]){3}, 1);
    add_simple(w, "MaxPool", "maxima");
    onnx_build_ints(w->build, "kernel_shape", (int64_t[]){rows, 1}, 2);
    onnx_build_ints(w->build, "strides", (int64_t[]){1, 1}, 2);
    onnx_build_ints(w->build, "pads", (int64_t[]){rows - 1, 0, 0, 0}, 4);
    join_pools(w, means, w->value);
}

static void write_dense(struct writer *w, const struct nn_layer *layer)
{
    make_flat(w);
    const int64_t dims[] = {layer->spec.units, (int64_t)nn_shape_size(layer->in)};
    const char *inputs[] = {w->value, add_floats(w, "weight", w->weights, dims, 2),
                            add_floats(w, "bias", w->weights + dims[0] * dims[1], dims, 1)};
    w->value = onnx_build_node(w->build, "Gemm", name_of(w, "dense"), inputs, 3);
    onnx_build_int(w->build, "transB", 1);
}

/* Where ONNX has gate g's rows in our order: GRU update, reset, new; LSTM input, output, forget,
 * cell. */
static const uint32_t gru_order[] = {1, 0, 2};
static const uint32_t lstm_order[] = {0, 3, 1, 2};

/* ours: (gates, size), copied gate by gate in ONNX's order. */
static void put_gates(const uint32_t *order, uint32_t gates, size_t size, const float *ours,
                      float *ret_theirs)
{
    for (uint32_t g = 0; g < gates; g++)
        memcpy(ret_theirs + g * size, ours + order[g] * size, size * sizeof *ours);
}

static const char *add_gates(struct writer *w, const char *what, const struct nn_layer *layer,
                             size_t columns, const float *ours)
{
    bool gru = layer->spec.kind == NN_LAYER_GRU;
    uint32_t gates = gru ? 3 : 4;
    size_t size = layer->spec.units * columns;
    float *theirs = malloc(gates * size * sizeof *theirs);
    if (!theirs)
        abort();
    put_gates(gru ? gru_order : lstm_order, gates, size, ours, theirs);
    int64_t rows = (int64_t)gates * layer->spec.units;
    const char *name = add_floats(w, what, theirs, (int64_t[]){1, rows, (int64_t)columns}, 3);
    free(theirs);
    return name;
}

static const char *add_biases(struct writer *w, const struct nn_layer *layer, const float *ours)
{
    bool gru = layer->spec.kind == NN_LAYER_GRU;
    uint32_t gates = gru ? 3 : 4;
    size_t units = layer->spec.units;
    float *theirs = malloc(2 * gates * units * sizeof *theirs);
    if (!theirs)
        abort();
    for (size_t half = 0; half < 2; half++)
        put_gates(gru ? gru_order : lstm_order, gates, units, ours + half * gates * units,
                  theirs + half * gates * units);
    const char *name =
        add_floats(w, "bias", theirs, (int64_t[]){1, (int64_t)(2 * gates * units)}, 2);
    free(theirs);
    return name;
}

/* (n, c, h, w) to ONNX's (h, n, c * w) and back from (h, 1, n, units) to (n, units, h, 1). */
static void write_recurrent(struct writer *w, const struct nn_layer *layer)
{
    bool gru = layer->spec.kind == NN_LAYER_GRU;
    size_t units = layer->spec.units;
    size_t inputs = (size_t)layer->in.c * layer->in.w;
    size_t gates = gru ? 3 : 4;
    make_planes(w);
    add_simple(w, "Transpose", "rows_first");
    onnx_build_ints(w->build, "perm", (int64_t[]){2, 0, 1, 3}, 4);
    add_with(w, "Reshape", "rows",
             add_ints(w, "rows.shape", (int64_t[]){0, 0, (int64_t)inputs}, 3));
    const float *state = w->weights + gates * units * inputs;
    const float *biases = state + gates * units * units;
    const char *operands[] = {w->value, add_gates(w, "weight", layer, inputs, w->weights),
                              add_gates(w, "state_weight", layer, units, state),
                              add_biases(w, layer, biases)};
    w->value =
        onnx_build_node(w->build, gru ? "GRU" : "LSTM", name_of(w, "recurrent"), operands, 4);
    onnx_build_int(w->build, "hidden_size", (int64_t)units);
    if (gru)
        onnx_build_int(w->build, "linear_before_reset", 1);
    add_simple(w, "Transpose", "channels_first");
    onnx_build_ints(w->build, "perm", (int64_t[]){2, 3, 0, 1}, 4);
}

static void write_layer(struct writer *w, const struct nn_layer *layer)
{
    switch (layer->spec.kind) {
    case NN_LAYER_CONV:
        write_conv(w, layer);
        return;
    case NN_LAYER_BATCH_NORM:
        write_batch_norm(w, layer);
        return;
    case NN_LAYER_RELU:
        add_simple(w, "Relu", "relu");
        return;
    case NN_LAYER_SIGMOID:
        add_simple(w, "Sigmoid", "sigmoid");
        return;
    case NN_LAYER_MAX_POOL:
    case NN_LAYER_AVG_POOL:
        write_pool(w, layer);
        return;
    case NN_LAYER_GLOBAL_POOL:
        write_global_pool(w);
        return;
    case NN_LAYER_PREFIX_POOL:
        write_prefix_pool(w, layer);
        return;
    case NN_LAYER_DENSE:
        write_dense(w, layer);
        return;
    case NN_LAYER_GRU:
    case NN_LAYER_LSTM:
        write_recurrent(w, layer);
        return;
    case NN_LAYER_LINEAR:
    case NN_LAYER_DROPOUT:
    case NN_LAYER_NOISE:
        return;
    }
}

const char *onnx_layers_write(struct onnx_build *build, const char *prefix, const char *input,
                              const struct nn_network *network)
{
    struct writer w = {.build = build, .prefix = prefix, .value = input};
    uint32_t n_layers = nn_network_layer_count(network);
    for (w.index = 0; w.index < n_layers; w.index++) {
        w.weights = nn_network_layer_weights(network, w.index);
        w.stats = nn_network_layer_stats(network, w.index);
        write_layer(&w, nn_network_layer(network, w.index));
    }
    struct nn_shape out = nn_network_output(network);
    if (out.h == 1 && out.w == 1)
        make_flat(&w);
    else if (out.w == 1)
        add_with(&w, "Squeeze", "verdicts", add_ints(&w, "verdicts.axis", (int64_t[]){3}, 1));
    return w.value;
}

/* Where the weights of one layer come from and go to. */
struct loader {
    const Onnx__GraphProto *graph;
    const char *prefix;
    uint32_t index;
    bool failed;
};

/* n numbers of the layer's tensor `what`, into ret_values. */
static void load(struct loader *l, const char *what, size_t n, float *ret_values)
{
    char name[64];
    snprintf(name, sizeof name, "%s%u.%s", l->prefix, (unsigned)l->index, what);
    const Onnx__TensorProto *tensor = NULL;
    for (size_t i = 0; i < l->graph->n_initializer; i++)
        if (l->graph->initializer[i]->name && strcmp(l->graph->initializer[i]->name, name) == 0)
            tensor = l->graph->initializer[i];
    size_t size;
    float *values = NULL;
    if (tensor && !onnx_tensor_check(tensor, &size) && size == n)
        values = onnx_tensor_floats(tensor, n);
    if (values)
        memcpy(ret_values, values, n * sizeof *values);
    else
        l->failed = true;
    free(values);
}

/* n numbers, then back into our order of gates. */
static void load_gates(struct loader *l, const char *what, const struct nn_layer *layer, size_t n,
                       float *ret_values)
{
    bool gru = layer->spec.kind == NN_LAYER_GRU;
    const uint32_t *order = gru ? gru_order : lstm_order;
    uint32_t gates = gru ? 3 : 4;
    uint32_t halves = strcmp(what, "bias") == 0 ? 2 : 1;
    float *theirs = malloc(n * sizeof *theirs);
    if (!theirs)
        abort();
    load(l, what, n, theirs);
    size_t size = n / halves / gates;
    for (uint32_t half = 0; half < halves && !l->failed; half++)
        for (uint32_t g = 0; g < gates; g++)
            memcpy(ret_values + (half * gates + order[g]) * size,
                   theirs + (half * gates + g) * size, size * sizeof *theirs);
    free(theirs);
}

static void load_recurrent(struct loader *l, const struct nn_layer *layer, float *weights)
{
    size_t rows = (layer->spec.kind == NN_LAYER_GRU ? 3 : 4) * (size_t)layer->spec.units;
    size_t inputs = (size_t)layer->in.c * layer->in.w;
    load_gates(l, "weight", layer, rows * inputs, weights);
    weights += rows * inputs;
    load_gates(l, "state_weight", layer, rows * layer->spec.units, weights);
    weights += rows * layer->spec.units;
    load_gates(l, "bias", layer, 2 * rows, weights);
}

static void load_layer(struct loader *l, const struct nn_layer *layer, float *weights, float *stats)
{
    enum nn_layer_kind kind = layer->spec.kind;
    if (kind == NN_LAYER_CONV || kind == NN_LAYER_DENSE) {
        size_t biases = kind == NN_LAYER_DENSE || layer->spec.bias ? layer->spec.units : 0;
        load(l, "weight", layer->weights - biases, weights);
        if (biases)
            load(l, "bias", biases, weights + layer->weights - biases);
    } else if (kind == NN_LAYER_BATCH_NORM) {
        load(l, "scale", layer->in.c, weights);
        load(l, "shift", layer->in.c, weights + layer->in.c);
        load(l, "mean", layer->in.c, stats);
        load(l, "variance", layer->in.c, stats + layer->in.c);
    } else if (kind == NN_LAYER_GRU || kind == NN_LAYER_LSTM) {
        load_recurrent(l, layer, weights);
    }
}

int onnx_layers_read(const Onnx__GraphProto *graph, const char *prefix, struct nn_network *network)
{
    struct loader l = {.graph = graph, .prefix = prefix};
    size_t n;
    float *weights = nn_network_weights(network, &n);
    float *stats = nn_network_stats(network, &n);
    for (l.index = 0; l.index < nn_network_layer_count(network) && !l.failed; l.index++) {
        const struct nn_layer *layer = nn_network_layer(network, l.index);
        load_layer(&l, layer, weights, stats);
        weights += layer->weights;
        stats += layer->stats;
    }
    return l.failed ? -EPROTO : 0;
}
