/* A list of layers that grows at its end. */
#include "nn/onnx_chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void onnx_chain_begin(struct onnx_chain *chain, struct nn_shape input)
{
    *chain = (struct onnx_chain){.shape = input, .input = input};
}

void onnx_chain_finish(struct onnx_chain *chain)
{
    for (uint32_t i = 0; i < chain->n; i++)
        free(chain->weights[i]);
    chain->n = 0;
}

struct nn_layer *onnx_chain_add(struct onnx_chain *chain, const struct nn_layer_spec *spec,
                                float **ret_weights)
{
    if (chain->n == NN_NETWORK_LAYERS_MAX)
        return NULL;
    struct nn_layer *layer = &chain->layers[chain->n];
    if (nn_layer_init(spec, chain->shape, layer) != 0 ||
        layer->weights > NN_NETWORK_WEIGHTS_MAX - chain->n_weights)
        return NULL;
    float *weights = calloc(layer->weights + 1, sizeof *weights);
    if (!weights)
        return NULL;
    chain->weights[chain->n++] = weights;
    chain->n_weights += layer->weights;
    chain->shape = layer->out;
    if (ret_weights)
        *ret_weights = weights;
    return layer;
}

/* Of a convolution or dense layer with a bias: every output's own weights, then its bias. */
static void scale_layer(const struct nn_layer *layer, float *weights, const float *scale,
                        const float *shift)
{
    uint32_t units = layer->spec.units;
    size_t inputs = layer->weights / units - 1;
    float *bias = weights + units * inputs;
    for (uint32_t u = 0; u < units; u++) {
        for (size_t k = 0; k < inputs; k++)
            weights[u * inputs + k] *= scale[u];
        bias[u] = scale[u] * bias[u] + shift[u];
    }
}

int onnx_chain_scale(struct onnx_chain *chain, const float *scale, const float *shift)
{
    if (chain->n > 0) {
        const struct nn_layer *last = &chain->layers[chain->n - 1];
        if (last->spec.kind == NN_LAYER_DENSE ||
            (last->spec.kind == NN_LAYER_CONV && last->spec.bias)) {
            scale_layer(last, chain->weights[chain->n - 1], scale, shift);
            return 0;
        }
    }
    uint32_t c = chain->shape.c;
    const struct nn_layer_spec spec = {.kind = NN_LAYER_CONV,
                                       .units = c,
                                       .kernel_rows = 1,
                                       .kernel_cols = 1,
                                       .stride_rows = 1,
                                       .stride_cols = 1,
                                       .causal = 1,
                                       .bias = 1};
    float *weights;
    if (!onnx_chain_add(chain, &spec, &weights))
        return -EINVAL;
    for (uint32_t u = 0; u < c; u++) {
        weights[u * (size_t)c + u] = scale[u];
        weights[c * (size_t)c + u] = shift[u];
    }
    return 0;
}

int onnx_chain_reorder(struct onnx_chain *chain, const uint32_t *order, uint32_t n)
{
    const struct nn_layer *last = chain->n ? &chain->layers[chain->n - 1] : NULL;
    if (!last || last->spec.units != n ||
        (last->spec.kind != NN_LAYER_DENSE &&
         !(last->spec.kind == NN_LAYER_CONV && last->spec.bias)))
        return -EINVAL;
    float *from = chain->weights[chain->n - 1];
    float *to = malloc(last->weights * sizeof *to);
    if (!to)
        return -ENOMEM;
    size_t row = last->weights / n - 1;
    for (uint32_t u = 0; u < n; u++) {
        memcpy(to + u * row, from + order[u] * row, row * sizeof *to);
        to[n * row + u] = from[n * row + order[u]];
    }
    memcpy(from, to, last->weights * sizeof *to);
    free(to);
    return 0;
}

int onnx_chain_network(const struct onnx_chain *chain, struct nn_network **ret_network)
{
    struct nn_layer_spec specs[NN_NETWORK_LAYERS_MAX];
    for (uint32_t i = 0; i < chain->n; i++)
        specs[i] = chain->layers[i].spec;
    struct nn_network *network;
    int error = nn_network_create(chain->input, specs, chain->n, &network);
    if (error)
        return error;
    size_t n;
    float *to = nn_network_weights(network, &n);
    for (uint32_t i = 0; i < chain->n; i++) {
        memcpy(to, chain->weights[i], chain->layers[i].weights * sizeof *to);
        to += chain->layers[i].weights;
    }
    *ret_network = network;
    return 0;
}
