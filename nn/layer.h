/*
 * The layers a network is built from. A layer owns no memory: weights, statistics and activations
 * are handed in, so that one set of weights can serve many streams.
 *
 * Legend: n samples, c channels, h rows, w columns; every tensor is float32, row-major, in the
 * order (n, c, h, w). Image rows are scan lines, row 0 the first line scanned.
 */
#ifndef NN_LAYER_H
#define NN_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NN_KERNEL_MAX = 15, NN_STRIDE_MAX = 15 };

/* The numbers are part of the model file. */
enum nn_layer_kind {
    NN_LAYER_CONV = 1,         /* zero padding; units = output channels */
    NN_LAYER_BATCH_NORM = 2,   /* per channel */
    NN_LAYER_RELU = 3,         /* max(x, 0) */
    NN_LAYER_SIGMOID = 4,      /* 1 / (1 + exp(-x)) */
    NN_LAYER_LINEAR = 5,       /* x */
    NN_LAYER_MAX_POOL = 6,     /* no padding, incomplete windows dropped */
    NN_LAYER_AVG_POOL = 7,     /* likewise */
    NN_LAYER_GLOBAL_POOL = 8,  /* (c, h, w) to 2c: means, then maxima, over the rows seen */
    NN_LAYER_DENSE = 9,        /* units = outputs; looks at all of (c, h, w) */
    NN_LAYER_DROPOUT = 10,     /* drops with probability permille / 1000, training only */
    NN_LAYER_PREFIX_POOL = 11, /* (c, h, w) to (2c, h, 1): row r holds means, then maxima, over
                                  rows 0..r and all columns */
    NN_LAYER_GRU = 12,         /* (c, h, w) to (units, h, 1), row after row from state 0; what a
                                  row brings are its c * w values, channel after channel */
    NN_LAYER_LSTM = 13,        /* likewise */
    NN_LAYER_NOISE = 14,       /* adds normal noise of deviation permille / 1000, training only */
};

/* What a model file says about one layer. Fields that the kind does not use are 0. */
struct nn_layer_spec {
    enum nn_layer_kind kind;
    uint32_t units;
    uint32_t kernel_rows, kernel_cols;                                 /* conv, pools: 1..15 */
    uint32_t stride_rows, stride_cols;                                 /* conv, pools: 1..15 */
    uint32_t padding_top, padding_bottom, padding_left, padding_right; /* conv: below the kernel */
    uint32_t causal;   /* conv: 1 = row by row. An output row stands for one block of stride_rows
                          input rows and is complete with the last of them: it sees the kernel_rows
                          rows that end there, zeros above the first; an incomplete block at the
                          end is dropped. Top and bottom padding are then 0 here. */
    uint32_t bias;     /* conv: 1 adds a bias per channel; dense and recurrent layers always have */
    uint32_t permille; /* dropout, noise */
};

/* The spec as the numbers that a model file holds, in the order above, and back. */
enum { NN_LAYER_SPEC_NUMBERS = 13 };
void nn_layer_spec_pack(const struct nn_layer_spec *spec, uint32_t *ret_numbers);
struct nn_layer_spec nn_layer_spec_unpack(const uint32_t *numbers);

/* One sample's shape. */
struct nn_shape {
    uint32_t c, h, w;
};

struct nn_layer {
    struct nn_layer_spec spec;
    struct nn_shape in, out;
    size_t weights; /* trained values: conv (units, c, kernel_rows, kernel_cols) then bias (units);
                       batch norm scale (c) then shift (c); dense (units, inputs) then bias
                       (units); recurrent, as in PyTorch, G gates: of the input (G * units, c * w),
                       of the state (G * units, units), their biases (G * units), (G * units). GRU
                       gates: reset, update, new (the reset acts after the product with the state,
                       ONNX's linear_before_reset). LSTM gates: input, forget, cell, output. */
    size_t stats;   /* batch norm: running mean (c) then running variance (c) */
    size_t scratch; /* floats needed during one call */
    size_t kept;    /* floats per sample kept from forward to backward in training */
};

/* What is common to one call. */
struct nn_pass {
    uint32_t n;
    bool training;     /* batch statistics, dropout and noise */
    uint64_t seed;     /* of this step's dropout and noise */
    const float *seen; /* (n) share of the frame's lines seen, 0..1; NULL = all of it */
    uint32_t rows;     /* forward of convolutions, rectifiers and small pools: output rows wanted,
                          the others are left as they are; 0 = all */
    float *scratch;    /* at least layer.scratch floats */
};

/* One layer's memory in one call. */
struct nn_layer_memory {
    const float *weights;
    const float *stats;
    float *batch_stats;  /* batch norm in training: mean and variance of this batch, as stats */
    float *weight_grads; /* added to */
    float *kept;
};

/*
 * Sizes of a layer over inputs of this shape. 0, or -EINVAL when the two do not fit together or
 * anything is beyond its cap (8192 units, kernel 15, stride 15, 2^22 values per sample, 2^26
 * weights).
 */
int nn_layer_init(const struct nn_layer_spec *spec, struct nn_shape in, struct nn_layer *ret_layer);

/*
 * Rows of zeros above the first input row of a convolution: output row r looks at kernel_rows input
 * rows from r * stride_rows - top on. Negative when a causal one skips rows (kernel < stride).
 */
int nn_layer_top(const struct nn_layer *layer);

/*
 * Output rows that depend on nothing but the first `rows` input rows, in any layer: for a causal
 * convolution rows / stride_rows, for layers that look at all rows at once 0 until the last.
 */
uint32_t nn_layer_rows_after(const struct nn_layer *layer, uint32_t rows);

/* Whether each output row can be computed once and for all when its input rows are there. */
bool nn_layer_row_causal(const struct nn_layer *layer);

/* Input values that one output of a convolution is a sum over: c * kernel_rows * kernel_cols. */
static inline size_t nn_layer_taps(const struct nn_layer *layer)
{
    return (size_t)layer->in.c * layer->spec.kernel_rows * layer->spec.kernel_cols;
}

/* Input rows that a global pool looks at for sample i, at least one. */
uint32_t nn_layer_rows_seen(const struct nn_layer *layer, const struct nn_pass *pass, uint32_t i);

/* Multiply-adds of one sample's forward pass: what a layer costs. */
uint64_t nn_layer_work(const struct nn_layer *layer);

static inline size_t nn_shape_size(struct nn_shape shape)
{
    return (size_t)shape.c * shape.h * shape.w;
}

/* in: (n, in), ret_out: (n, out); they may not overlap. */
void nn_layer_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                      const struct nn_layer_memory *memory, const float *in, float *ret_out);

/* Tensors of one backward step. */
struct nn_layer_flow {
    const float *in;       /* (n, in), as in forward */
    const float *out;      /* (n, out), as forward left it */
    const float *out_grad; /* (n, out) */
    float *in_grad;        /* (n, in), written; NULL when nobody needs it */
};

void nn_layer_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                       const struct nn_layer_memory *memory, const struct nn_layer_flow *flow);

/* Variance floor of batch norm. */
#define NN_BATCH_NORM_EPSILON 1e-5F

/* A convolution as the kernels know it (nn/kernel.h), its input a map of so many lanes. */
struct nn_conv_shape;
struct nn_conv_shape nn_layer_conv_shape(const struct nn_layer *layer, uint32_t lanes);

/* The kinds' own functions, called through the ones above. */
size_t nn_conv_scratch(const struct nn_layer *layer); /* its shapes and spec are set */
void nn_conv_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                     const struct nn_layer_memory *memory, const float *in, float *ret_out);
void nn_conv_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                      const struct nn_layer_memory *memory, const struct nn_layer_flow *flow);
void nn_batch_norm_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                           const struct nn_layer_memory *memory, const float *in, float *ret_out);
void nn_batch_norm_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                            const struct nn_layer_memory *memory, const struct nn_layer_flow *flow);
void nn_pool_forward(const struct nn_layer *layer, const struct nn_pass *pass, const float *in,
                     float *ret_out);
void nn_pool_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                      const struct nn_layer_flow *flow);
void nn_global_pool_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                            const float *in, float *ret_out);
void nn_global_pool_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                             const struct nn_layer_flow *flow);
void nn_prefix_pool_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                            const float *in, float *ret_out);
void nn_prefix_pool_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                             const struct nn_layer_flow *flow);
void nn_recurrent_size(struct nn_layer *layer);
void nn_recurrent_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                          const struct nn_layer_memory *memory, const float *in, float *ret_out);
void nn_recurrent_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                           const struct nn_layer_memory *memory, const struct nn_layer_flow *flow);

/*
 * Row by row, for layers with nn_layer_row_causal (convolutions: nn/kernel.h). Outside of training
 * the functions above give a row the same bits as these do.
 */

/* One row of a tensor (c, h, w): value (k, x) lies at at[k * step + x]; at NULL is all zeros. */
struct nn_row {
    const float *at;
    size_t step;
};

/* Where an output row goes, laid out alike. */
struct nn_row_out {
    float *at;
    size_t step;
};

/* Small pools; rows: (kernel_rows). */
void nn_pool_row(const struct nn_layer *layer, const struct nn_row *rows, struct nn_row_out out);

/*
 * Layers that remember: prefix pool (2c: sums, maxima; before row 0 anything), GRU (units: state),
 * LSTM (2 * units: state, cell), zeros before row 0. row: its number, from 0.
 */
size_t nn_layer_state(const struct nn_layer *layer);
void nn_prefix_pool_row(const struct nn_layer *layer, uint32_t row, struct nn_row in, float *state,
                        struct nn_row_out out);
void nn_recurrent_row(const struct nn_layer *layer, const float *weights, struct nn_row in,
                      float *scratch, float *state, struct nn_row_out out);

#endif
