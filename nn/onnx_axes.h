/*
 * Which of our axes (samples n, channels c, rows h, columns w) a value of a foreign graph has
 * where. Frameworks move axes about, merge and split them; a network of ours never does. So each
 * value carries the order its numbers lie in, and layers with weights are brought back into ours.
 */
#ifndef NN_ONNX_AXES_H
#define NN_ONNX_AXES_H

#include "nn/layer.h"

#include <stdbool.h>
#include <stdint.h>

enum { ONNX_AXES_MAX = 6 };

/* A dimension of a foreign shape that is the number of samples, whatever it may be. */
#define ONNX_BATCH INT64_MIN

enum onnx_atom { ONNX_N, ONNX_C, ONNX_H, ONNX_W, ONNX_ATOMS };

/* One axis of the value: some of ours merged, the slowest first; none = an axis of size 1. */
struct onnx_axis {
    uint32_t n;
    enum onnx_atom atoms[ONNX_ATOMS];
};

/* Ours of size 1 are in no axis; samples always are in one. */
struct onnx_axes {
    struct nn_shape shape; /* of one sample, in our order */
    int64_t batch;         /* number of samples that the graph fixes, or ONNX_BATCH */
    uint32_t n;
    struct onnx_axis axes[ONNX_AXES_MAX];
};

/* (n, c, h, w), (n, c) and so on: one axis for each of `order`. order: (n) */
struct onnx_axes onnx_axes_make(struct nn_shape shape, int64_t batch, const enum onnx_atom *order,
                                uint32_t n);

/* Size of one axis; ONNX_BATCH where it is samples and their number is open. */
int64_t onnx_axes_size(const struct onnx_axes *axes, uint32_t axis);

/* The axis that holds nothing but this one of ours, or -1. */
int onnx_axes_find(const struct onnx_axes *axes, enum onnx_atom atom);

/* Whether it is (n, c, h, w), or (n, c) of one row and column. */
bool onnx_axes_is_image(const struct onnx_axes *axes);

/* perm: (axes->n). false when it is no permutation. */
bool onnx_axes_transpose(struct onnx_axes *axes, const int64_t *perm, uint32_t n);

/* dims: (n), as ONNX's Reshape takes them: 0 = as before, one -1 = what is left. */
bool onnx_axes_reshape(struct onnx_axes *axes, const int64_t *dims, uint32_t n);

/* All axes from `axis` on become one, those before it another. */
bool onnx_axes_flatten(struct onnx_axes *axes, int64_t axis);

/* Takes out one axis of size 1, or puts one in; counted from the end where negative. */
bool onnx_axes_squeeze(struct onnx_axes *axes, int64_t axis);
bool onnx_axes_unsqueeze(struct onnx_axes *axes, int64_t axis);

/*
 * Where value (c, h, w) of a sample lies in an axis that merges all of them; ret_order: (size of
 * the sample), in our order.
 */
void onnx_axes_order(const struct onnx_axes *axes, uint32_t axis, uint32_t *ret_order);

#endif
