/*
 * A network as ONNX nodes, opset 13, layer by layer, so that any runtime computes what
 * nn_network_judge does on a whole frame. Dropout and noise, which only training has, leave no
 * node.
 */
#ifndef NN_ONNX_LAYERS_H
#define NN_ONNX_LAYERS_H

#include "nn/network.h"
#include "nn/onnx_build.h"

/*
 * Adds the nodes of one network to the graph. `input` (n, c, h, w) is a value of the graph; every
 * name starts with `prefix`. Returns the name of the output: (n, units), or (n, units, h) where the
 * network gives one verdict per row.
 */
const char *onnx_layers_write(struct onnx_build *build, const char *prefix, const char *input,
                              const struct nn_network *network);

/*
 * The weights and statistics of a network that was written so, from the graph's tensors into a
 * network with the same layers. 0, -EPROTO (one is missing or has another size).
 */
int onnx_layers_read(const Onnx__GraphProto *graph, const char *prefix, struct nn_network *network);

#endif
