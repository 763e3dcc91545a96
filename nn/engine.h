/*
 * A network made ready to judge fast: weights packed once for one instruction set, activations in
 * blocked maps, rectifiers and pools fused into the convolutions before them. One thread; nothing
 * is allocated after creation; a sample's output has the same bits in any batch.
 *
 * Besides whole frames an engine can follow one frame as its rows arrive (`by_rows`). Missing rows
 * are zeros, and each new row costs only what it changes: in every layer the rows that can see it.
 * A network of causal convolutions computes each row once, when all that it sees is there; its
 * first dense layer then sums over the rows of features that are complete.
 */
#ifndef NN_ENGINE_H
#define NN_ENGINE_H

#include "nn/kernel.h"
#include "nn/network.h"

struct nn_engine;

struct nn_engine_options {
    enum nn_isa isa;
    uint32_t max_n;  /* samples per call, at least 1; 1 by rows */
    bool half_dense; /* large dense weights in half precision, sums in single: less to read, outputs
                        off by some 1e-4 */
    bool keeps_state; /* recurrent layers go on where the last call ended: one call per window */
    bool by_rows;     /* rows one after another; convolutions, pools, then dense layers only */
};

/* The best instruction set, one sample, everything else off. */
struct nn_engine_options nn_engine_options(void);

/*
 * `network` is folded (nn_network_fold), borrowed and must neither change nor go before the engine.
 * 0, -EINVAL (options, or a network that they do not fit), -ENOTSUP (instruction set), -ENOMEM.
 */
int nn_engine_create(const struct nn_network *network, const struct nn_engine_options *options,
                     struct nn_engine **ret_engine);
void nn_engine_destroy(struct nn_engine *engine);

/* As nn_network_judge: (n, output), borrowed until the next call. */
const float *nn_engine_judge(struct nn_engine *engine, const struct nn_batch *batch);

/* keeps_state: begin from state 0. by_rows: begin a frame, all rows missing. */
void nn_engine_begin(struct nn_engine *engine);

/* by_rows: rows arrive in order; row: (c, w). Returns the output so far, borrowed. */
const float *nn_engine_add_row(struct nn_engine *engine, const float *row);

/*
 * by_rows: a whole recorded frame, what each of its rows brought, with the same bits as row by row
 * but less to read: weights of a row of features serve max_n rows of the frame at a time.
 * rows: (h, c, w); ret_outputs: (h, output).
 */
void nn_engine_prefixes(struct nn_engine *engine, const float *rows, float *ret_outputs);

#endif
