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

/*
 * Whether a verdict, once given, stays: the output rows of a frame then are those of its parts. So
 * nn_look_row tells after nn_look_judge what the same frame's logits were when `rows`, 1.., of its
 * output rows were there, as nn_look_rows counted them. ret_logits: (labels)
 */
bool nn_look_lasting(const struct nn_look *look);
uint32_t nn_look_rows(const struct nn_look *look, const struct nn_input *input);
void nn_look_row(const struct nn_look *look, uint32_t rows, float *ret_logits);

#endif
