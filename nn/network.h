/*
 * A chain of layers with its weights. The network is read-only while it judges; what one call
 * needs lives in a workspace, so that one network can serve many callers, one workspace each.
 */
#ifndef NN_NETWORK_H
#define NN_NETWORK_H

#include "nn/layer.h"

enum { NN_NETWORK_LAYERS_MAX = 64 };

/* Caps on a whole network, so that a file cannot ask for hours or gigabytes. */
enum { NN_NETWORK_WEIGHTS_MAX = 1 << 26 };
#define NN_NETWORK_WORK_MAX (UINT64_C(1) << 31) /* multiply-adds of one sample */

struct nn_network;
struct nn_workspace;

/* What a network of these layers would take. */
struct nn_network_size {
    size_t weights, stats; /* floats */
    uint64_t work;         /* multiply-adds of one sample */
    struct nn_shape output;
};

/* 0, -EINVAL as below. Allocates nothing. */
int nn_network_measure(struct nn_shape input, const struct nn_layer_spec *specs, uint32_t n_specs,
                       struct nn_network_size *ret_size);

/*
 * Weights all zero, batch-norm scales and variances 1. 0, -EINVAL (layers that do not fit, no
 * layer, beyond a maximum), -ENOMEM.
 */
int nn_network_create(struct nn_shape input, const struct nn_layer_spec *specs, uint32_t n_specs,
                      struct nn_network **ret_network);
void nn_network_destroy(struct nn_network *network);

/*
 * He et al. 2015: normal weights of variance 2 / inputs, biases 0; recurrent ones of variance
 * 1 / units.
 */
void nn_network_randomise(struct nn_network *network, uint64_t seed);

/*
 * The weights and statistics of a network of the same layers and input. 0, -EINVAL (others; `to` is
 * then as before).
 */
int nn_network_copy(const struct nn_network *from, struct nn_network *to);

uint32_t nn_network_layer_count(const struct nn_network *network);
const struct nn_layer *nn_network_layer(const struct nn_network *network, uint32_t index);
struct nn_shape nn_network_input(const struct nn_network *network);
struct nn_shape nn_network_output(const struct nn_network *network);

/*
 * Whether every layer computes an output row once and for all as soon as its input rows are there:
 * a frame can then be judged row by row (nn/rows.h).
 */
bool nn_network_row_causal(const struct nn_network *network);

/*
 * Rows of the output that depend on nothing but the first `rows` rows of the input. An output of
 * shape (labels, h, 1) holds one verdict per row, each on the frame until there.
 */
uint32_t nn_network_rows_after(const struct nn_network *network, uint32_t rows);

/* All weights, in layer order, and all batch-norm statistics. Borrowed; may be written. */
float *nn_network_weights(struct nn_network *network, size_t *ret_n);
float *nn_network_stats(struct nn_network *network, size_t *ret_n);

/* The weights of one layer, laid out as struct nn_layer says. */
const float *nn_network_layer_weights(const struct nn_network *network, uint32_t index);

/* Its running mean and variance likewise. */
const float *nn_network_layer_stats(const struct nn_network *network, uint32_t index);

/*
 * The same function with every batch norm merged into the layer before it and without what acts in
 * training only. For judging only.
 * 0, -EINVAL (a batch norm that does not follow a convolution or a dense layer), -ENOMEM.
 */
int nn_network_fold(const struct nn_network *network, struct nn_network **ret_folded);

/* Memory for up to max_n samples at a time; with `training` also for gradients. 0, -ENOMEM. */
int nn_workspace_create(const struct nn_network *network, uint32_t max_n, bool training,
                        struct nn_workspace **ret_workspace);
void nn_workspace_destroy(struct nn_workspace *workspace);

/* One batch. seen: (n) share of each frame's lines seen, NULL = all. */
struct nn_batch {
    uint32_t n;
    const float *inputs; /* (n, input) */
    const float *seen;
    uint64_t dropout_seed;
};

/* (n, output), borrowed from the workspace until its next call. */
const float *nn_network_judge(const struct nn_network *network, struct nn_workspace *workspace,
                              const struct nn_batch *batch);

/* As judge, with batch statistics and dropout, keeping what nn_network_learn needs. */
const float *nn_network_train(const struct nn_network *network, struct nn_workspace *workspace,
                              const struct nn_batch *batch);

/*
 * Backwards after nn_network_train with the same batch. out_grad: (n, output). Returns the
 * gradient of every weight, (weights), borrowed from the workspace until its next call.
 */
const float *nn_network_learn(const struct nn_network *network, struct nn_workspace *workspace,
                              const struct nn_batch *batch, const float *out_grad);

/* Move the running statistics towards the last trained batch's by `momentum`, 0..1. */
void nn_network_absorb(struct nn_network *network, const struct nn_workspace *workspace,
                       float momentum);

#endif
