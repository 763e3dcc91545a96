/*
 * One verdict's logits: the network on a frame as seen so far and, if the input convention says so,
 * on its mirror image too.
 */
#ifndef NN_LOOK_H
#define NN_LOOK_H

#include "nn/input.h"
#include "nn/labels.h"
#include "nn/network.h"

struct nn_look;

/*
 * `network`, folded, its output (labels, rows, 1), is borrowed and must neither change nor go
 * before the look. 0, -EINVAL (not folded), -ENOMEM.
 */
int nn_look_create(const struct nn_network *network, const struct nn_input_spec *spec,
                   struct nn_look **ret_look);
void nn_look_destroy(struct nn_look *look);

/*
 * ret_logits: (labels), those of the newest output row: of a row-causal network the newest whose
 * input rows are complete, of others the one that the scan has reached.
 * 0, -ENODATA (no output row is complete yet).
 */
int nn_look_judge(struct nn_look *look, const struct nn_input *input, float *ret_logits);

#endif
