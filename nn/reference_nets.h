/*
 * Four networks to measure with, their weights and inputs made by a formula: A and B stand for
 * classifiers of whole frames, C for one that reads a frame window by window, D has the layer sizes
 * of DeepSPM's classifier (Krull et al. 2020; its code abred/DeepSPM). docs/performance.md lists
 * their layers and what they must answer.
 */
#ifndef NN_REFERENCE_NETS_H
#define NN_REFERENCE_NETS_H

#include "nn/network.h"

enum nn_reference_net {
    NN_REFERENCE_A, /* (1, 128, 128): 3 times 2 convolutions and a pool; dense 512, 6 */
    NN_REFERENCE_B, /* (1, 32, 32), as A */
    NN_REFERENCE_C, /* (1, 16, 128): 3 times convolution and pool; dense 256, LSTM 256, dense 6 */
    NN_REFERENCE_D, /* (1, 64, 64): 4 times 3 convolutions, 3 pools; dense 1024, 1024, 1 */
    NN_REFERENCE_COUNT,
};

/*
 * causal: convolutions look at no later row (A and B). Weights are the same.
 * 0, -EINVAL, -ENOMEM.
 */
int nn_reference_create(enum nn_reference_net which, bool causal, struct nn_network **ret_network);

/* Samples of reference input: 2 frames, or 8 consecutive windows of C. */
uint32_t nn_reference_samples(enum nn_reference_net which);

/* ret_input: (samples, input) */
void nn_reference_input(enum nn_reference_net which, float *ret_input);

/* What PyTorch 1.13 answers in single precision: (samples, outputs). */
const float *nn_reference_output(enum nn_reference_net which);

#endif
