/*
 * What a name in a foreign graph stands for: a constant, something computed from the input, or the
 * state of a recurrent layer.
 */
#ifndef NN_ONNX_VALUE_H
#define NN_ONNX_VALUE_H

#include "nn/onnx.pb-c.h"
#include "nn/onnx_axes.h"

#include <stdbool.h>

enum { ONNX_INTS_MAX = 64, ONNX_RANK_MAX = 6 };

enum onnx_value_kind {
    ONNX_VALUE_TENSOR, /* numbers in the file */
    ONNX_VALUE_INTS,   /* few integers, also those made of shapes: ONNX_BATCH is the samples */
    ONNX_VALUE_ZEROS,  /* zeros, whatever the shape */
    ONNX_VALUE_FLOW,   /* computed from the input */
    ONNX_VALUE_STATE,  /* handed in, or left for the next step */
};

/* Which half of a global pool's channels a value is. */
enum onnx_half { ONNX_BOTH, ONNX_MEANS, ONNX_MAXIMA };

struct onnx_value {
    const char *name;
    enum onnx_value_kind kind;
    const Onnx__TensorProto *tensor;
    uint32_t n_ints;
    bool scalar;   /* of integers: one, without an axis */
    uint32_t cols; /* of integers: in rows of as many, 0 = one after the other */
    int64_t ints[ONNX_INTS_MAX];
    uint32_t at;   /* layers of the chain that it has passed */
    bool last_row; /* only the last row is meant; the layers still compute all */
    enum onnx_half half;
    int64_t pad[4]; /* zeros still to be put above, to the left, below, to the right */
    struct onnx_axes axes;
};

/*
 * Reads a tensor. dims: up to ONNX_RANK_MAX. Messages say what is wrong with it.
 * NULL when all is well.
 */
const char *onnx_tensor_check(const Onnx__TensorProto *tensor, size_t *ret_n);

/* A checked tensor's n numbers; free() them. NULL when memory is out. */
float *onnx_tensor_floats(const Onnx__TensorProto *tensor, size_t n);

/* A small checked tensor of integers as a value. false when it is not one. */
bool onnx_tensor_ints(const Onnx__TensorProto *tensor, size_t n, struct onnx_value *ret_value);

#endif
