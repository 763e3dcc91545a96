/* Between a model's parts and the messages of an ONNX file; inside of nn/onnx_write.h. */
#ifndef NN_ONNX_MODEL_H
#define NN_ONNX_MODEL_H

#include "nn/onnx_build.h"
#include "nn/onnx_write.h"

/* What is written, from a model or from its parts; all borrowed. */
struct onnx_view {
    struct nn_input_spec input;
    enum nn_combine combine;
    const char *note, *recordings;
    const char *hash; /* NULL = not known */
    uint32_t n;
    const struct nn_network *networks[NN_MODEL_MEMBERS_MAX];
    const struct nn_calibration *calibrations[NN_MODEL_MEMBERS_MAX];
    uint32_t answers[NN_MODEL_MEMBERS_MAX];
};

/* The graph: input, members, scores. */
void onnx_model_graph(struct onnx_build *build, const struct onnx_view *view);

/* Everything that the graph does not say. */
void onnx_model_metadata(struct onnx_build *build, const struct onnx_view *view);

/*
 * Back. Members get networks with their layers, weights still zero. size: the file's, which no
 * member's weights can exceed. What is wrong, or NULL.
 */
const char *onnx_model_read_metadata(const Onnx__ModelProto *model, size_t size,
                                     struct nn_onnx_restored *restored);

/* The value of a key, or NULL. */
const char *onnx_model_find(const Onnx__ModelProto *model, const char *key);

#define ONNX_KEY_FORMAT "tipwright.format"

#endif
