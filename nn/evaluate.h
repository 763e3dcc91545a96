/*
 * Logits of labelled examples at several shares of the frame seen.
 */
#ifndef NN_EVALUATE_H
#define NN_EVALUATE_H

#include "nn/dataset.h"
#include "nn/input.h"
#include "nn/network.h"

/* Shares of the frame at which models are judged: 16, 24, 32, 48, 64, 96 and all of 128 lines. */
enum { NN_SHARE_COUNT = 7, NN_SHARE_FULL = 6 };

/* 0..1, rising with the index. */
double nn_share(uint32_t index);

/* The same in lines of 128. */
uint32_t nn_share_lines(uint32_t index);

/*
 * Logits of the examples with use[recording], at every share. Others are left untouched.
 * A share whose array is NULL is not looked at.
 * Where a network has no verdict yet, logits are 0: it cannot tell.
 * use: (n_recordings); ret_logits: NN_SHARE_COUNT times (dataset->n, NN_LABEL_COUNT). 0, -ENOMEM,
 * or what showing a picture gave.
 */
int nn_evaluate(const struct nn_network *network, const struct nn_input_spec *spec,
                const struct nn_dataset *dataset, const bool *use,
                float *const ret_logits[NN_SHARE_COUNT]);

#endif
