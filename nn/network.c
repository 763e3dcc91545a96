/* A chain of layers: its weights, its workspace, forward and backward through all of it. */
#include "nn/network.h"

#include "nn/random.h"

#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct nn_network {
    struct nn_layer layers[NN_NETWORK_LAYERS_MAX];
    size_t weight_offset[NN_NETWORK_LAYERS_MAX];
    size_t stat_offset[NN_NETWORK_LAYERS_MAX];
    uint32_t n_layers;
    size_t n_weights;
    size_t n_stats;
    float *weights;
    float *stats;
};

struct nn_workspace {
    uint32_t max_n;
    float *out[NN_NETWORK_LAYERS_MAX]; /* (max_n, layer out); in judging they alternate between
                                          two buffers, in training each layer has its own */
    float *kept[NN_NETWORK_LAYERS_MAX];
    float *flow[2]; /* gradients on their way back */
    float *scratch;
    float *batch_stats;
    float *weight_grads;
    float *block; /* the one allocation that all of the above point into */
};

static void set_defaults(struct nn_network *network)
{
    for (uint32_t i = 0; i < network->n_layers; i++) {
        if (network->layers[i].spec.kind != NN_LAYER_BATCH_NORM)
            continue;
        uint32_t channels = network->layers[i].in.c;
        for (uint32_t c = 0; c < channels; c++) {
            network->weights[network->weight_offset[i] + c] = 1.0F;
            network->stats[network->stat_offset[i] + channels + c] = 1.0F;
        }
    }
}

int nn_network_measure(struct nn_shape input, const struct nn_layer_spec *specs, uint32_t n_specs,
                       struct nn_network_size *ret_size)
{
    struct nn_network_size size = {.output = input};
    if (n_specs == 0 || n_specs > NN_NETWORK_LAYERS_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < n_specs; i++) {
        struct nn_layer layer;
        int error = nn_layer_init(&specs[i], size.output, &layer);
        if (error)
            return error;
        size.output = layer.out;
        size.weights += layer.weights;
        size.stats += layer.stats;
        size.work += nn_layer_work(&layer);
        if (size.weights > NN_NETWORK_WEIGHTS_MAX || size.work > NN_NETWORK_WORK_MAX)
            return -EINVAL;
    }
    *ret_size = size;
    return 0;
}

int nn_network_create(struct nn_shape input, const struct nn_layer_spec *specs, uint32_t n_specs,
                      struct nn_network **ret_network)
{
    struct nn_network_size size;
    int error = nn_network_measure(input, specs, n_specs, &size);
    if (error)
        return error;
    struct nn_network *network = calloc(1, sizeof *network);
    if (!network)
        return -ENOMEM;
    struct nn_shape shape = input;
    for (uint32_t i = 0; i < n_specs && !error; i++) {
        error = nn_layer_init(&specs[i], shape, &network->layers[i]);
        shape = network->layers[i].out;
        network->weight_offset[i] = network->n_weights;
        network->stat_offset[i] = network->n_stats;
        network->n_weights += network->layers[i].weights;
        network->n_stats += network->layers[i].stats;
    }
    network->n_layers = n_specs;
    if (!error) {
        network->weights = calloc(network->n_weights + 1, sizeof *network->weights);
        network->stats = calloc(network->n_stats + 1, sizeof *network->stats);
        error = network->weights && network->stats ? 0 : -ENOMEM;
    }
    if (error) {
        nn_network_destroy(network);
        return error;
    }
    set_defaults(network);
    /* One thread: results must not depend on how many cores there are. */
    openblas_set_num_threads(1);
    *ret_network = network;
    return 0;
}

void nn_network_destroy(struct nn_network *network)
{
    if (!network)
        return;
    free(network->weights);
    free(network->stats);
    free(network);
}

/* Values that one output of a convolution or a dense layer is a weighted sum of; else 0. */
static size_t inputs_per_unit(const struct nn_layer *layer)
{
    if (layer->spec.kind == NN_LAYER_CONV)
        return nn_layer_taps(layer);
    return layer->spec.kind == NN_LAYER_DENSE ? nn_shape_size(layer->in) : 0;
}

static void fill_normal(struct nn_random *random, double deviation, size_t n, float *ret_values)
{
    for (size_t k = 0; k < n; k++)
        ret_values[k] = (float)(deviation * nn_random_normal(random));
}

void nn_network_randomise(struct nn_network *network, uint64_t seed)
{
    memset(network->weights, 0, network->n_weights * sizeof *network->weights);
    set_defaults(network);
    for (uint32_t i = 0; i < network->n_layers; i++) {
        const struct nn_layer *layer = &network->layers[i];
        struct nn_random random = nn_random_seed(seed, 1, i);
        float *weights = network->weights + network->weight_offset[i];
        size_t inputs = inputs_per_unit(layer);
        if (inputs) {
            fill_normal(&random, sqrt(2.0 / (double)inputs), inputs * layer->spec.units, weights);
            continue;
        }
        bool recurrent = layer->spec.kind == NN_LAYER_GRU || layer->spec.kind == NN_LAYER_LSTM;
        size_t gates = (layer->spec.kind == NN_LAYER_GRU ? 3 : 4) * (size_t)layer->spec.units;
        if (recurrent)
            fill_normal(&random, sqrt(1.0 / (double)layer->spec.units), layer->weights - 2 * gates,
                        weights);
    }
}

uint32_t nn_network_layer_count(const struct nn_network *network)
{
    return network->n_layers;
}

const struct nn_layer *nn_network_layer(const struct nn_network *network, uint32_t index)
{
    return &network->layers[index];
}

struct nn_shape nn_network_input(const struct nn_network *network)
{
    return network->layers[0].in;
}

struct nn_shape nn_network_output(const struct nn_network *network)
{
    return network->layers[network->n_layers - 1].out;
}

bool nn_network_row_causal(const struct nn_network *network)
{
    for (uint32_t i = 0; i < network->n_layers; i++)
        if (!nn_layer_row_causal(&network->layers[i]))
            return false;
    return true;
}

uint32_t nn_network_rows_after(const struct nn_network *network, uint32_t rows)
{
    for (uint32_t i = 0; i < network->n_layers; i++)
        rows = nn_layer_rows_after(&network->layers[i], rows);
    return rows;
}

const float *nn_network_layer_weights(const struct nn_network *network, uint32_t index)
{
    return network->weights + network->weight_offset[index];
}

const float *nn_network_layer_stats(const struct nn_network *network, uint32_t index)
{
    return network->stats + network->stat_offset[index];
}

static bool same_layers(const struct nn_network *a, const struct nn_network *b)
{
    struct nn_shape in = a->layers[0].in;
    struct nn_shape other = b->layers[0].in;
    bool same = a->n_layers == b->n_layers && in.c == other.c && in.h == other.h && in.w == other.w;
    for (uint32_t i = 0; i < a->n_layers && same; i++) {
        uint32_t numbers[2][NN_LAYER_SPEC_NUMBERS];
        nn_layer_spec_pack(&a->layers[i].spec, numbers[0]);
        nn_layer_spec_pack(&b->layers[i].spec, numbers[1]);
        same = memcmp(numbers[0], numbers[1], sizeof numbers[0]) == 0;
    }
    return same;
}

int nn_network_copy(const struct nn_network *from, struct nn_network *to)
{
    if (!same_layers(from, to))
        return -EINVAL;
    memcpy(to->weights, from->weights, from->n_weights * sizeof *from->weights);
    memcpy(to->stats, from->stats, from->n_stats * sizeof *from->stats);
    return 0;
}

float *nn_network_weights(struct nn_network *network, size_t *ret_n)
{
    *ret_n = network->n_weights;
    return network->weights;
}

float *nn_network_stats(struct nn_network *network, size_t *ret_n)
{
    *ret_n = network->n_stats;
    return network->stats;
}

/* Layer `i` of `network` written into layer `j` of `folded`, with the norm after it. */
static void fold_norm(const struct nn_network *network, uint32_t i, struct nn_network *folded,
                      uint32_t j)
{
    const struct nn_layer *layer = &network->layers[i];
    const float *from = network->weights + network->weight_offset[i];
    const float *scale = network->weights + network->weight_offset[i + 1];
    const float *mean = network->stats + network->stat_offset[i + 1];
    float *to = folded->weights + folded->weight_offset[j];
    uint32_t units = layer->spec.units;
    size_t inputs = inputs_per_unit(layer);
    bool biased = layer->spec.bias || layer->spec.kind == NN_LAYER_DENSE;
    for (uint32_t u = 0; u < units; u++) {
        float gain = scale[u] / sqrtf(mean[units + u] + NN_BATCH_NORM_EPSILON);
        float bias = biased ? from[units * inputs + u] : 0.0F;
        for (size_t k = 0; k < inputs; k++)
            to[u * inputs + k] = gain * from[u * inputs + k];
        to[units * inputs + u] = gain * (bias - mean[u]) + scale[units + u];
    }
}

static bool norm_follows(const struct nn_network *network, uint32_t i)
{
    return inputs_per_unit(&network->layers[i]) > 0 && i + 1 < network->n_layers &&
           network->layers[i + 1].spec.kind == NN_LAYER_BATCH_NORM;
}

/* What does nothing outside of training. */
static bool is_idle(const struct nn_layer *layer)
{
    return layer->spec.kind == NN_LAYER_DROPOUT || layer->spec.kind == NN_LAYER_NOISE;
}

/* The layers that stay, and which ones of `network` they come from; returns their number. */
static uint32_t plan_fold(const struct nn_network *network, struct nn_layer_spec *ret_specs,
                          uint32_t *ret_from)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < network->n_layers; i++) {
        if (is_idle(&network->layers[i]))
            continue;
        ret_specs[n] = network->layers[i].spec;
        ret_from[n++] = i;
        if (!norm_follows(network, i))
            continue;
        if (ret_specs[n - 1].kind == NN_LAYER_CONV)
            ret_specs[n - 1].bias = 1;
        i++;
    }
    if (n == 0) {
        ret_specs[n] = (struct nn_layer_spec){.kind = NN_LAYER_LINEAR};
        ret_from[n++] = 0;
    }
    return n;
}

int nn_network_fold(const struct nn_network *network, struct nn_network **ret_folded)
{
    struct nn_layer_spec specs[NN_NETWORK_LAYERS_MAX];
    uint32_t from[NN_NETWORK_LAYERS_MAX];
    uint32_t n = plan_fold(network, specs, from);
    for (uint32_t j = 0; j < n; j++)
        if (specs[j].kind == NN_LAYER_BATCH_NORM)
            return -EINVAL;
    struct nn_network *folded = NULL;
    int error = nn_network_create(network->layers[0].in, specs, n, &folded);
    if (error)
        return error;
    for (uint32_t j = 0; j < n; j++) {
        uint32_t i = from[j];
        if (norm_follows(network, i))
            fold_norm(network, i, folded, j);
        else
            memcpy(folded->weights + folded->weight_offset[j],
                   network->weights + network->weight_offset[i],
                   network->layers[i].weights * sizeof *network->weights);
    }
    *ret_folded = folded;
    return 0;
}

/* Rounded up so that every buffer starts on a cache line. */
static size_t padded(size_t n)
{
    return (n + 15) / 16 * 16;
}

/* Hands out pieces of one block; with no block yet, only counts. */
static float *take(float *block, size_t *at, size_t n)
{
    float *piece = block ? block + *at : NULL;
    *at += padded(n);
    return piece;
}

/* Where each buffer lies in `block`; returns the size that all of them need. */
static size_t lay_out(const struct nn_network *network, bool training, float *block,
                      struct nn_workspace *ws)
{
    size_t at = 0;
    size_t largest = nn_shape_size(network->layers[0].in);
    size_t scratch = 0;
    for (uint32_t i = 0; i < network->n_layers; i++) {
        size_t out = nn_shape_size(network->layers[i].out);
        largest = out > largest ? out : largest;
        scratch = network->layers[i].scratch > scratch ? network->layers[i].scratch : scratch;
    }
    for (uint32_t k = 0; k < 2; k++)
        ws->flow[k] = take(block, &at, ws->max_n * largest);
    ws->scratch = take(block, &at, scratch);
    for (uint32_t i = 0; i < network->n_layers; i++) {
        const struct nn_layer *layer = &network->layers[i];
        ws->out[i] =
            training ? take(block, &at, ws->max_n * nn_shape_size(layer->out)) : ws->flow[i % 2];
        ws->kept[i] = take(block, &at, training ? ws->max_n * layer->kept : 0);
    }
    ws->batch_stats = take(block, &at, training ? network->n_stats : 0);
    ws->weight_grads = take(block, &at, training ? network->n_weights : 0);
    return at;
}

int nn_workspace_create(const struct nn_network *network, uint32_t max_n, bool training,
                        struct nn_workspace **ret_workspace)
{
    struct nn_workspace *ws = calloc(1, sizeof *ws);
    if (!ws)
        return -ENOMEM;
    ws->max_n = max_n;
    size_t size = lay_out(network, training, NULL, ws);
    ws->block = calloc(size + 1, sizeof *ws->block);
    if (!ws->block) {
        free(ws);
        return -ENOMEM;
    }
    lay_out(network, training, ws->block, ws);
    *ret_workspace = ws;
    return 0;
}

void nn_workspace_destroy(struct nn_workspace *workspace)
{
    if (!workspace)
        return;
    free(workspace->block);
    free(workspace);
}

static struct nn_layer_memory memory_of(const struct nn_network *network,
                                        const struct nn_workspace *ws, uint32_t i)
{
    return (struct nn_layer_memory){.weights = network->weights + network->weight_offset[i],
                                    .stats = network->stats + network->stat_offset[i],
                                    .batch_stats = ws->batch_stats + network->stat_offset[i],
                                    .weight_grads = ws->weight_grads + network->weight_offset[i],
                                    .kept = ws->kept[i]};
}

static struct nn_pass pass_of(const struct nn_workspace *ws, const struct nn_batch *batch,
                              bool training, uint32_t i)
{
    return (struct nn_pass){.n = batch->n,
                            .training = training,
                            .seed = batch->dropout_seed + i,
                            .seen = batch->seen,
                            .scratch = ws->scratch};
}

/* Input rows that `rows` output rows depend on. */
static uint32_t rows_needed(const struct nn_layer *layer, uint32_t rows)
{
    if (layer->spec.stride_rows == 0)
        return rows;
    int below = (int)((rows - 1) * layer->spec.stride_rows + layer->spec.kernel_rows);
    int needed = below - nn_layer_top(layer);
    if (needed < 1)
        return 1;
    return (uint32_t)needed < layer->in.h ? (uint32_t)needed : layer->in.h;
}

/*
 * Output rows of each layer that the verdict depends on: a global pool looks at the rows seen only,
 * so at the start of a frame most of the work before it can be left out. ret_rows: (layers), 0 =
 * all.
 */
static void plan_rows(const struct nn_network *network, const struct nn_batch *batch,
                      uint32_t *ret_rows)
{
    uint32_t pool = 0;
    while (pool < network->n_layers && network->layers[pool].spec.kind != NN_LAYER_GLOBAL_POOL)
        pool++;
    for (uint32_t i = 0; i < network->n_layers; i++)
        ret_rows[i] = 0;
    if (pool == network->n_layers || !batch->seen)
        return;
    struct nn_pass pass = {.n = batch->n, .seen = batch->seen};
    uint32_t rows = 1;
    for (uint32_t i = 0; i < batch->n; i++) {
        uint32_t seen = nn_layer_rows_seen(&network->layers[pool], &pass, i);
        rows = seen > rows ? seen : rows;
    }
    for (uint32_t i = pool; i-- > 0;) {
        ret_rows[i] = rows;
        rows = rows_needed(&network->layers[i], rows);
    }
}

static const float *forward(const struct nn_network *network, struct nn_workspace *ws,
                            const struct nn_batch *batch, bool training)
{
    uint32_t rows[NN_NETWORK_LAYERS_MAX] = {0};
    if (!training)
        plan_rows(network, batch, rows);
    const float *in = batch->inputs;
    for (uint32_t i = 0; i < network->n_layers; i++) {
        struct nn_pass pass = pass_of(ws, batch, training, i);
        pass.rows = rows[i];
        struct nn_layer_memory memory = memory_of(network, ws, i);
        nn_layer_forward(&network->layers[i], &pass, &memory, in, ws->out[i]);
        in = ws->out[i];
    }
    return in;
}

const float *nn_network_judge(const struct nn_network *network, struct nn_workspace *workspace,
                              const struct nn_batch *batch)
{
    return forward(network, workspace, batch, false);
}

const float *nn_network_train(const struct nn_network *network, struct nn_workspace *workspace,
                              const struct nn_batch *batch)
{
    return forward(network, workspace, batch, true);
}

const float *nn_network_learn(const struct nn_network *network, struct nn_workspace *workspace,
                              const struct nn_batch *batch, const float *out_grad)
{
    struct nn_workspace *ws = workspace;
    memset(ws->weight_grads, 0, network->n_weights * sizeof *ws->weight_grads);
    for (uint32_t i = network->n_layers; i-- > 0;) {
        struct nn_pass pass = pass_of(ws, batch, true, i);
        struct nn_layer_memory memory = memory_of(network, ws, i);
        struct nn_layer_flow flow = {.in = i ? ws->out[i - 1] : batch->inputs,
                                     .out = ws->out[i],
                                     .out_grad = out_grad,
                                     .in_grad = i ? ws->flow[i % 2] : NULL};
        nn_layer_backward(&network->layers[i], &pass, &memory, &flow);
        out_grad = flow.in_grad;
    }
    return ws->weight_grads;
}

void nn_network_absorb(struct nn_network *network, const struct nn_workspace *workspace,
                       float momentum)
{
    for (size_t i = 0; i < network->n_stats; i++)
        network->stats[i] += momentum * (workspace->batch_stats[i] - network->stats[i]);
}
