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

/* The numbers are part of the model file. */
enum nn_layer_kind {
    NN_LAYER_CONV = 1,        /* zero padding; units = output channels */
    NN_LAYER_BATCH_NORM = 2,  /* per channel */
    NN_LAYER_RELU = 3,        /* max(x, 0) */
    NN_LAYER_SIGMOID = 4,     /* 1 / (1 + exp(-x)) */
    NN_LAYER_LINEAR = 5,      /* x */
    NN_LAYER_MAX_POOL = 6,    /* kernel x kernel, no padding, incomplete windows dropped */
    NN_LAYER_AVG_POOL = 7,    /* likewise */
    NN_LAYER_GLOBAL_POOL = 8, /* (c, h, w) to 2c: means, then maxima, over the rows seen */
    NN_LAYER_DENSE = 9,       /* units = outputs */
    NN_LAYER_DROPOUT = 10,    /* drops with probability permille / 1000, training only */
};

/* What a model file says about one layer. Fields that the kind does not use are 0. */
struct nn_layer_spec {
    enum nn_layer_kind kind;
    uint32_t units;
    uint32_t kernel;
    uint32_t stride;
    uint32_t padding;
    uint32_t bias; /* conv: 1 adds a bias per channel; dense always has one */
    uint32_t permille;
};

/* One sample's shape. */
struct nn_shape {
    uint32_t c, h, w;
};

struct nn_layer {
    struct nn_layer_spec spec;
    struct nn_shape in, out;
    size_t weights; /* trained values: conv (units, c, kernel, kernel) then bias (units); batch
                       norm scale (c) then shift (c); dense (units, inputs) then bias (units) */
    size_t stats;   /* batch norm: running mean (c) then running variance (c) */
    size_t scratch; /* floats needed during one call */
    size_t kept;    /* floats per sample kept from forward to backward */
};

/* What is common to one call. */
struct nn_pass {
    uint32_t n;
    bool training;     /* batch statistics and dropout */
    uint64_t seed;     /* of this step's dropout */
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
 * anything is beyond its cap (8192 units, kernel 15, stride 8, 2^22 values per sample, 2^24
 * weights).
 */
int nn_layer_init(const struct nn_layer_spec *spec, struct nn_shape in, struct nn_layer *ret_layer);

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

/* The kinds' own functions, called through the two above. */
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

#endif
