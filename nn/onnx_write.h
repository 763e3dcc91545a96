/*
 * A model of ours as an ONNX file (docs/onnx.md), for runtimes and frameworks elsewhere, and back:
 * what no graph can say, such as how the input is made from scan lines, travels as metadata.
 */
#ifndef NN_ONNX_WRITE_H
#define NN_ONNX_WRITE_H

#include "nn/model.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The file's bytes; free(*ret_data). Inputs and outputs of the graph:
 *   planes    (n, planes, rows, cols)
 *   scores    (n, labels) on the whole frame, calibrated, all members together; (n, labels, h) for
 *             the share of the frame that each output row stands for
 *   logits.M  (n, answers) or (n, answers, h), of each member M
 * 0, -E2BIG, -ENOMEM.
 */
int nn_onnx_write(const struct nn_model *model, uint8_t **ret_data, size_t *ret_size);

/* A model read back. */
struct nn_onnx_restored {
    struct nn_model_parts parts; /* point into the rest */
    struct nn_model_member members[NN_MODEL_MEMBERS_MAX];
    char *note, *recordings;
};

/*
 * The parts of a model that nn_onnx_write has written, to the bit. 0; -ENOENT (written by something
 * else); -EPROTO with a sentence in `error`: damaged, or its graph and its metadata tell two
 * stories.
 */
int nn_onnx_restore(const uint8_t *data, size_t size, struct nn_onnx_restored *ret_restored,
                    char *error, size_t error_size);
void nn_onnx_restored_finish(struct nn_onnx_restored *restored);

#endif
