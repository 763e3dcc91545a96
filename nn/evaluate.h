/*
 * Logits of labelled examples at several shares of the frame seen, and what they are worth.
 */
#ifndef NN_EVALUATE_H
#define NN_EVALUATE_H

#include "nn/dataset.h"
#include "nn/input.h"
#include "nn/network.h"

/* Shares of the frame at which models are judged: 16, 24, 32, 64 and all of 128 lines. */
enum { NN_SHARE_COUNT = 5, NN_SHARE_FULL = 4 };
double nn_share(uint32_t index);

/*
 * Logits of the examples with use[recording], at share index `share`. Others are left untouched.
 * use: (n_recordings); ret_logits: (dataset->n, NN_LABEL_COUNT). 0, -ENOMEM, or what showing a
 * picture gave.
 */
int nn_evaluate(const struct nn_network *network, const struct nn_input_spec *spec,
                const struct nn_dataset *dataset, const bool *use, uint32_t share,
                float *ret_logits);

#endif
