/* The inside of an engine, shared by engine.c, which plans, and engine_run.c, which runs. */
#ifndef NN_ENGINE_INSIDE_H
#define NN_ENGINE_INSIDE_H

#include "nn/engine.h"

/*
 * What is done to the samples, one step after another. Steps on maps go through all of a stretch
 * for one sample before the next, so that its activations stay in the caches.
 */
enum nn_step_kind {
    NN_STEP_LOAD,  /* plain tensor to map */
    NN_STEP_CONV,  /* map to map; with rectifier and pool */
    NN_STEP_POOL,  /* map to map */
    NN_STEP_STORE, /* map to plain tensor */
    NN_STEP_DENSE, /* features or plain tensor to plain tensor */
    NN_STEP_LSTM,  /* plain tensor of one row to plain tensor */
    NN_STEP_LAYER, /* plain tensor to plain tensor, as in training */
};

struct nn_step {
    enum nn_step_kind kind;
    const struct nn_layer *layer;
    const float *layer_weights;

    /* Maps. `rows` is what the layer's own output has before a pool that goes with it. */
    struct nn_conv_shape shape;
    enum nn_conv_way way;
    bool relu, pool;
    struct nn_map in, out; /* image: floats between samples, 0 when they share one map */
    uint32_t out_rows;     /* of the map written */
    float *weights, *bias;

    /* Dense and LSTM. */
    bool blocked; /* reads features, one piece per row */
    uint32_t units, rounded, inputs, pieces;
    size_t in_step; /* floats between samples */
    size_t piece_weights;
    float *features; /* where they begin */
    float *queue;    /* by rows: features of max_n rows of a frame, (max_n, pieces, inputs) */
    uint16_t *half;
    float *sums;  /* (pieces, max_n, rounded) */
    float *state; /* LSTM: input and h side by side, then c */
};

/* By rows: rows of a frame at a time. */
enum { NN_ENGINE_ROWS_MAX = 64 };

/* By rows: a piece of the frame's memory and what it holds with all rows missing. */
struct nn_frame_part {
    float *block, *empty;
    size_t floats;
};

enum { NN_STEPS_MAX = 2 * NN_NETWORK_LAYERS_MAX + 2, NN_OWNED_MAX = 8 * NN_NETWORK_LAYERS_MAX };

struct nn_engine {
    const struct nn_network *network;
    struct nn_engine_options options;
    const struct nn_kernels *kernels;
    struct nn_step steps[NN_STEPS_MAX];
    uint32_t n_steps;
    bool causal;         /* by rows: every convolution is */
    uint32_t n_rows;     /* by rows: rows there */
    const float *newest; /* by rows: output of the last row, or NULL */
    float *plain[2];     /* (max_n, largest), written in turn */
    uint32_t turn;
    float *scratch;
    struct nn_frame_part parts[NN_STEPS_MAX];
    uint32_t n_parts;
    void *owned[NN_OWNED_MAX];
    uint32_t n_owned;
    bool failed; /* no memory */
};

/* By rows: makes the frame with all rows missing, which every frame then begins as. */
void nn_engine_rehearse(struct nn_engine *engine);

#endif
