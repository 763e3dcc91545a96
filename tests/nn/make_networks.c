/* Networks of every kind of layer. */
#include "make_networks.h"

#include "nn/random.h"

#include <stdlib.h>

#define SHAPED(rows, cols, down, across)                                                           \
    .kernel_rows = (rows), .kernel_cols = (cols), .stride_rows = (down), .stride_cols = (across)
#define OUTPUTS NN_LABEL_COUNT

static const struct nn_layer_spec feed_forward[] = {
    {.kind = NN_LAYER_CONV, .units = 6, SHAPED(3, 5, 2, 1), .padding_top = 1, .padding_left = 2},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_NOISE, .permille = 10},
    {.kind = NN_LAYER_MAX_POOL, SHAPED(2, 3, 1, 2)},
    {.kind = NN_LAYER_CONV, .units = 5, SHAPED(3, 3, 1, 2), .padding_bottom = 2, .bias = 1},
    {.kind = NN_LAYER_SIGMOID},
    {.kind = NN_LAYER_AVG_POOL, SHAPED(3, 2, 2, 2)},
    {.kind = NN_LAYER_DENSE, .units = 9},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_DROPOUT, .permille = 200},
    {.kind = NN_LAYER_DENSE, .units = OUTPUTS},
    {.kind = NN_LAYER_LINEAR},
};

static const struct nn_layer_spec pooled[] = {
    {.kind = NN_LAYER_CONV, .units = 7, SHAPED(5, 5, 2, 2), .padding_top = 2, .padding_left = 2},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_GLOBAL_POOL},
    {.kind = NN_LAYER_DENSE, .units = OUTPUTS},
};

static const struct nn_layer_spec gru[] = {
    {.kind = NN_LAYER_CONV, .units = 5, SHAPED(4, 3, 2, 2), .padding_left = 1, .causal = 1},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_GRU, .units = 8},
    {.kind = NN_LAYER_CONV, .units = OUTPUTS, SHAPED(1, 1, 1, 1), .causal = 1, .bias = 1},
};

static const struct nn_layer_spec lstm[] = {
    {.kind = NN_LAYER_CONV, .units = 4, SHAPED(1, 3, 1, 2), .causal = 1, .bias = 1},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_LSTM, .units = 7},
    {.kind = NN_LAYER_LSTM, .units = 5},
    {.kind = NN_LAYER_CONV, .units = OUTPUTS, SHAPED(1, 1, 1, 1), .causal = 1, .bias = 1},
};

/* A kernel lower than its stride leaves rows out. */
static const struct nn_layer_spec prefix[] = {
    {.kind = NN_LAYER_CONV, .units = 5, SHAPED(2, 3, 3, 2), .causal = 1, .bias = 1},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_PREFIX_POOL},
    {.kind = NN_LAYER_CONV, .units = OUTPUTS, SHAPED(1, 1, 1, 1), .causal = 1, .bias = 1},
};

/* A dense layer over the last of the rows that a recurrent one gives, all of them. */
static const struct nn_layer_spec whole[] = {
    {.kind = NN_LAYER_MAX_POOL, SHAPED(2, 2, 2, 2)},
    {.kind = NN_LAYER_GRU, .units = 3},
    {.kind = NN_LAYER_DENSE, .units = OUTPUTS},
};

static const struct {
    const struct nn_layer_spec *layers;
    uint32_t n;
    uint32_t rows, cols, planes;
} networks[MAKE_NETWORKS] = {
    {feed_forward, sizeof feed_forward / sizeof *feed_forward, 20, 24, NN_PLANES_DEFAULT},
    {pooled, sizeof pooled / sizeof *pooled, 24, 20, 1U << NN_PLANE_HEIGHT},
    {gru, sizeof gru / sizeof *gru, 16, 12, 1U << NN_PLANE_HEIGHT | 1U << NN_PLANE_TURN},
    {lstm, sizeof lstm / sizeof *lstm, 12, 9, NN_PLANES_DEFAULT},
    {prefix, sizeof prefix / sizeof *prefix, 18, 16, NN_PLANES_DEFAULT | 1U << NN_PLANE_TURN},
    {whole, sizeof whole / sizeof *whole, 8, 10, 1U << NN_PLANE_SEEN},
};

struct nn_input_spec make_networks_input(unsigned which)
{
    return (struct nn_input_spec){.rows = networks[which].rows,
                                  .cols = networks[which].cols,
                                  .flatten = NN_FLATTEN_LINEAR,
                                  .limit = 4.7F,
                                  .looks = 1 + which % 2,
                                  .planes = networks[which].planes,
                                  .scaling = which % 2 ? NN_SCALING_MEDIAN : NN_SCALING_FROZEN};
}

struct nn_network *make_networks_make(unsigned which, uint64_t seed)
{
    struct nn_input_spec input = make_networks_input(which);
    struct nn_network *network;
    if (nn_network_create(nn_input_shape(&input), networks[which].layers, networks[which].n,
                          &network) != 0)
        abort();
    nn_network_randomise(network, seed);
    struct nn_random random = nn_random_seed(seed, 7, which);
    size_t n;
    float *weights = nn_network_weights(network, &n);
    for (size_t i = 0; i < n; i++)
        weights[i] += (float)(0.1 * nn_random_normal(&random));
    float *stats = nn_network_stats(network, &n);
    for (size_t i = 0; i < n; i++)
        stats[i] += (float)(0.3 * nn_random_unit(&random));
    return network;
}

bool make_networks_prefix(unsigned which)
{
    return networks[which].layers == prefix;
}
