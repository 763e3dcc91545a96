/*
 * An ONNX graph while it is put together: nodes in order, tensors they use, and one arena that
 * everything lives in until it is packed into bytes.
 */
#ifndef NN_ONNX_BUILD_H
#define NN_ONNX_BUILD_H

#include "nn/onnx.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ONNX_NODES_MAX = 4096,
    ONNX_TENSORS_MAX = 4096,
    ONNX_OPSET = 13,
    ONNX_IR_VERSION = 7, /* what came with opset 13 */
};

/* Values of TensorProto.data_type and AttributeProto.type; the numbers are ONNX's. */
enum onnx_type { ONNX_FLOAT = 1, ONNX_INT32 = 6, ONNX_INT64 = 7, ONNX_DOUBLE = 11 };

struct onnx_build;

/* Memory that cannot be had ends the program: a graph is small beside the network it shows. */
struct onnx_build *onnx_build_create(void);
void onnx_build_destroy(struct onnx_build *build);

/* A formatted string that lives as long as the build. */
char *onnx_build_name(struct onnx_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A node with one output, named like it. inputs: (n_inputs). Returns the output's name. The node is
 * the last one for onnx_build_ints and onnx_build_int. Beyond the maxima, the build fails.
 */
const char *onnx_build_node(struct onnx_build *build, const char *op, const char *output,
                            const char *const *inputs, size_t n_inputs);

/* The last node's attributes. */
void onnx_build_int(struct onnx_build *build, const char *name, int64_t value);
void onnx_build_float(struct onnx_build *build, const char *name, float value);
void onnx_build_ints(struct onnx_build *build, const char *name, const int64_t *values, size_t n);

/* Tensors that the graph holds. values are copied; returns `name`. dims: (n_dims) */
const char *onnx_build_floats(struct onnx_build *build, const char *name, const float *values,
                              const int64_t *dims, size_t n_dims);
const char *onnx_build_int64s(struct onnx_build *build, const char *name, const int64_t *values,
                              size_t n);

/* The graph's ends; a dimension of -1 is the open number of samples. */
void onnx_build_input(struct onnx_build *build, const char *name, const int64_t *dims, size_t n);
void onnx_build_output(struct onnx_build *build, const char *name, const int64_t *dims, size_t n);

/* A word about the model, beside the graph. */
void onnx_build_metadata(struct onnx_build *build, const char *key, const char *value);

/* The graph so far, borrowed from the build. */
const Onnx__GraphProto *onnx_build_graph(struct onnx_build *build);

/* The file's bytes; free(*ret_data). 0, -E2BIG (beyond a maximum on the way), -ENOMEM. */
int onnx_build_pack(struct onnx_build *build, uint8_t **ret_data, size_t *ret_size);

#endif
