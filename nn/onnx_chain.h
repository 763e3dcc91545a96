/*
 * Layers with their weights, as they are found in a foreign graph, one after the other, until they
 * make a network.
 */
#ifndef NN_ONNX_CHAIN_H
#define NN_ONNX_CHAIN_H

#include "nn/network.h"

struct onnx_chain {
    uint32_t n;
    struct nn_shape shape; /* of what the last layer gives */
    struct nn_shape input;
    size_t n_weights; /* of all layers; at most NN_NETWORK_WEIGHTS_MAX */
    struct nn_layer layers[NN_NETWORK_LAYERS_MAX];
    float *weights[NN_NETWORK_LAYERS_MAX]; /* (layer.weights), owned; NULL where there are none */
};

void onnx_chain_begin(struct onnx_chain *chain, struct nn_shape input);
void onnx_chain_finish(struct onnx_chain *chain);

/* Room for the weights of a layer with this spec at the end of the chain, all zero; NULL when it
 * does not fit there. The layer is the chain's. */
struct nn_layer *onnx_chain_add(struct onnx_chain *chain, const struct nn_layer_spec *spec,
                                float **ret_weights);

/*
 * y = scale * x + shift for every channel, merged into the layer before where that is a convolution
 * or dense, else as a convolution of its own. scale, shift: (chain->shape.c). 0, -EINVAL.
 */
int onnx_chain_scale(struct onnx_chain *chain, const float *scale, const float *shift);

/*
 * Puts the outputs of the last layer, dense or a convolution, in another order: output i is what
 * was output order[i]. 0, -EINVAL (another layer, or not n outputs).
 */
int onnx_chain_reorder(struct onnx_chain *chain, const uint32_t *order, uint32_t n);

/* 0, -EINVAL (beyond a maximum of networks, or no layer), -ENOMEM. */
int onnx_chain_network(const struct onnx_chain *chain, struct nn_network **ret_network);

#endif
