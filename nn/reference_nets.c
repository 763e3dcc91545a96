/* Layers of the reference networks, and the counter that their numbers come from. */
#include "nn/reference_nets.h"

#include <errno.h>
#include <math.h>

/* The reference input's number among the tensors. */
enum { INPUT_TENSOR = 255 };

static const struct {
    struct nn_shape input;
    uint32_t samples;
    float gain; /* of the last layer's weights: keeps the sigmoids off their ends */
} nets[NN_REFERENCE_COUNT] = {
    [NN_REFERENCE_A] = {{1, 128, 128}, 2, 0.25F},
    [NN_REFERENCE_B] = {{1, 32, 32}, 2, 0.25F},
    [NN_REFERENCE_C] = {{1, 16, 128}, 8, 4.0F},
    [NN_REFERENCE_D] = {{1, 64, 64}, 2, 1.0F},
};

/* Value i of tensor `tensor`: SplitMix64 of a counter, its top 24 bits, from -bound to bound. */
static float number(uint64_t seed, uint64_t tensor, uint64_t i, float bound)
{
    uint64_t z = ((seed << 56) + (tensor << 40) + i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return ((float)(z >> 40) * 0x1p-23F - 1.0F) * bound;
}

static void fill(uint64_t seed, uint64_t tensor, double bound, size_t n, float *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = number(seed, tensor, i, (float)bound);
}

struct chain {
    struct nn_layer_spec specs[NN_NETWORK_LAYERS_MAX];
    uint32_t n;
    bool causal;
};

static void add(struct chain *chain, struct nn_layer_spec spec)
{
    chain->specs[chain->n++] = spec;
}

static void add_conv(struct chain *chain, uint32_t units)
{
    uint32_t above_below = chain->causal ? 0 : 1;
    add(chain, (struct nn_layer_spec){.kind = NN_LAYER_CONV,
                                      .units = units,
                                      .kernel_rows = 3,
                                      .kernel_cols = 3,
                                      .stride_rows = 1,
                                      .stride_cols = 1,
                                      .padding_top = above_below,
                                      .padding_bottom = above_below,
                                      .padding_left = 1,
                                      .padding_right = 1,
                                      .causal = chain->causal,
                                      .bias = 1});
    add(chain, (struct nn_layer_spec){.kind = NN_LAYER_RELU});
}

static void add_pool(struct chain *chain)
{
    add(chain, (struct nn_layer_spec){.kind = NN_LAYER_MAX_POOL,
                                      .kernel_rows = 2,
                                      .kernel_cols = 2,
                                      .stride_rows = 2,
                                      .stride_cols = 2});
}

static void add_dense(struct chain *chain, uint32_t units, enum nn_layer_kind then)
{
    add(chain, (struct nn_layer_spec){.kind = NN_LAYER_DENSE, .units = units});
    add(chain, (struct nn_layer_spec){.kind = then});
}

static void add_layers(enum nn_reference_net which, struct chain *chain)
{
    uint32_t blocks = which == NN_REFERENCE_D ? 4 : 3;
    uint32_t convs = which == NN_REFERENCE_C ? 1 : which == NN_REFERENCE_D ? 3 : 2;
    uint32_t units = which == NN_REFERENCE_D ? 64 : 32;
    for (uint32_t b = 0; b < blocks; b++, units *= 2) {
        for (uint32_t k = 0; k < convs; k++)
            add_conv(chain, units);
        if (b < 3)
            add_pool(chain);
    }
    if (which == NN_REFERENCE_C) {
        add_dense(chain, 256, NN_LAYER_RELU);
        add(chain, (struct nn_layer_spec){.kind = NN_LAYER_LSTM, .units = 256});
        add_dense(chain, 6, NN_LAYER_SIGMOID);
    } else if (which == NN_REFERENCE_D) {
        add_dense(chain, 1024, NN_LAYER_RELU);
        add_dense(chain, 1024, NN_LAYER_RELU);
        add_dense(chain, 1, NN_LAYER_SIGMOID);
    } else {
        add_dense(chain, 512, NN_LAYER_RELU);
        add_dense(chain, 6, NN_LAYER_SIGMOID);
    }
}

/* Weights and bias of one layer, or an LSTM's four tensors; returns the tensors made. */
static uint32_t fill_layer(uint64_t seed, uint32_t tensor, const struct nn_layer *layer, float gain,
                           float *weights)
{
    uint32_t units = layer->spec.units;
    if (layer->spec.kind == NN_LAYER_LSTM) {
        const size_t sizes[4] = {4 * (size_t)units * nn_shape_size(layer->in),
                                 4 * (size_t)units * units, 4 * (size_t)units, 4 * (size_t)units};
        for (uint32_t k = 0; k < 4; k++) {
            fill(seed, tensor + k, 1.0 / 16.0, sizes[k], weights);
            weights += sizes[k];
        }
        return 4;
    }
    bool conv = layer->spec.kind == NN_LAYER_CONV;
    size_t inputs = conv ? nn_layer_taps(layer) : nn_shape_size(layer->in);
    fill(seed, tensor, sqrt(6.0 / (double)inputs) * (double)gain, units * inputs, weights);
    fill(seed, tensor + 1, 0.1, units, weights + units * inputs);
    return 2;
}

static void fill_weights(enum nn_reference_net which, struct nn_network *network)
{
    size_t n;
    float *weights = nn_network_weights(network, &n);
    uint32_t layers = nn_network_layer_count(network);
    uint32_t tensor = 0;
    for (uint32_t i = 0; i < layers; i++) {
        const struct nn_layer *layer = nn_network_layer(network, i);
        bool last = i + 2 == layers;
        if (layer->weights > 0)
            tensor += fill_layer((uint64_t)which + 1, tensor, layer, last ? nets[which].gain : 1.0F,
                                 weights);
        weights += layer->weights;
    }
}

int nn_reference_create(enum nn_reference_net which, bool causal, struct nn_network **ret_network)
{
    if (which >= NN_REFERENCE_COUNT)
        return -EINVAL;
    struct chain chain = {.causal = causal};
    add_layers(which, &chain);
    struct nn_network *network = NULL;
    int error = nn_network_create(nets[which].input, chain.specs, chain.n, &network);
    if (error)
        return error;
    fill_weights(which, network);
    *ret_network = network;
    return 0;
}

uint32_t nn_reference_samples(enum nn_reference_net which)
{
    return nets[which].samples;
}

void nn_reference_input(enum nn_reference_net which, float *ret_input)
{
    fill((uint64_t)which + 1, INPUT_TENSOR, sqrt(3.0),
         nets[which].samples * nn_shape_size(nets[which].input), ret_input);
}

const float *nn_reference_output(enum nn_reference_net which)
{
    static const float outputs[NN_REFERENCE_COUNT][48] = {
        {0.7141880F, 0.7910135F, 0.1939258F, 0.8719501F, 0.4857063F, 0.4447775F, 0.7457168F,
         0.7619824F, 0.1606700F, 0.8562582F, 0.4571527F, 0.5830974F},
        {0.2388911F, 0.6448867F, 0.2388649F, 0.3775986F, 0.8750479F, 0.5296230F, 0.2138743F,
         0.6791717F, 0.2317668F, 0.4309570F, 0.8858977F, 0.5798805F},
        {0.5794610F, 0.7568465F, 0.3780636F, 0.6280183F, 0.5415881F, 0.6427326F, 0.7084440F,
         0.9103891F, 0.1208777F, 0.5576005F, 0.6452904F, 0.5705608F, 0.8589665F, 0.8860845F,
         0.3414328F, 0.5583445F, 0.5632546F, 0.7207585F, 0.8535128F, 0.8682659F, 0.1307432F,
         0.6021223F, 0.3794783F, 0.7236950F, 0.9458313F, 0.8886978F, 0.1038424F, 0.5761858F,
         0.3663528F, 0.7923729F, 0.9492679F, 0.8986289F, 0.0915967F, 0.5652399F, 0.4833502F,
         0.7312273F, 0.9395300F, 0.9107772F, 0.0480937F, 0.5027528F, 0.5779167F, 0.6911935F,
         0.9172164F, 0.8488884F, 0.1432112F, 0.6549395F, 0.4017978F, 0.7959993F},
        {0.8674545F, 0.9318041F},
    };
    return outputs[which];
}
