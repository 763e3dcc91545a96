/* Small networks that together have every kind of layer, with random weights. */
#ifndef TESTS_NN_MAKE_NETWORKS_H
#define TESTS_NN_MAKE_NETWORKS_H

#include "nn/model.h"

enum { MAKE_NETWORKS = 6 };

/* The input that network `which` reads. */
struct nn_input_spec make_networks_input(unsigned which);

/* Network `which`, six outputs; biases and batch-norm statistics are random, too. Destroy it. */
struct nn_network *make_networks_make(unsigned which, uint64_t seed);

/* Whether some layer of it is a prefix pool, which has no single ONNX operator. */
bool make_networks_prefix(unsigned which);

#endif
