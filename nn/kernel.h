/*
 * Inner loops of a network, written once and compiled for several instruction sets.
 *
 * Blocked layout. A vector holds V floats (4 portable, 8 AVX2, 16 AVX-512). A map keeps `lanes`
 * channels of one position together: (group, row, column, lane), lanes = V, or all channels when an
 * input has fewer than V. Channels that only fill up the last group are 0. Zeros around a map stand
 * for the padding, so that no loop asks whether a position lies outside.
 *
 * Convolutions go one of three ways, all of them sums of products of one value of the input and one
 * vector of weights, for a small block of positions and vectors held in registers:
 *   direct   any kernel and stride
 *   plane    3x3, stride 1: Winograd's F(4x4, 3x3). Y = A' [(G w G') . (B' d B)] A over tiles of
 * 4x4 outputs; 36 products where 144 were. Formula: Lavin and Gray 2015, arXiv 1509.09308. row any
 * rows x 3, column stride 1: F(4, 3) along each row alone. An output row costs the same and gives
 * the same bits whether it comes alone or with its neighbours. Each output value is one sum in one
 * fixed order, whatever the number of images and rows asked for.
 */
#ifndef NN_KERNEL_H
#define NN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nn_isa { NN_ISA_PORTABLE, NN_ISA_AVX2, NN_ISA_AVX512, NN_ISA_COUNT };

enum { NN_KERNEL_ALIGN = 64 }; /* bytes, of all memory handed in unless it says plain */

struct nn_map {
    float *data; /* channel 0 at row 0, column 0; the zeros lie around it */
    uint32_t lanes;
    size_t row;   /* floats from row to row */
    size_t group; /* floats from group to group */
    size_t image; /* floats from image to image */
};

struct nn_conv_shape {
    uint32_t in_c, in_h, in_w;
    uint32_t out_c, out_h, out_w;
    uint32_t kernel_rows, kernel_cols;
    uint32_t stride_rows, stride_cols;
    int32_t pad_top, pad_left; /* rows and columns of zeros before the first, negative: skipped;
                                  behind the last: what the output size implies */
    uint32_t in_lanes;         /* of the input map */
};

enum nn_conv_way { NN_CONV_DIRECT, NN_CONV_PLANE, NN_CONV_ROW };

/* Zero rows and columns that a map needs around it. */
struct nn_margin {
    uint32_t top, bottom, left, right;
};

struct nn_conv_call {
    const struct nn_conv_shape *shape;
    enum nn_conv_way way;
    const float *weights; /* packed for this way */
    const float *bias;    /* (out_c rounded up to V), or NULL */
    bool relu;
    bool pool; /* maximum of 2x2, stride 2, incomplete windows dropped; not row by row */
    uint32_t n;
    struct nn_map in, out;
    uint32_t first_row, end_row; /* output rows wanted, before the pool; the first one a multiple of
                                    2 for a pool, of 4 for a plane */
    float *scratch;              /* conv_scratch() floats */
};

/* A pool of any window, from map to map. */
struct nn_pool_call {
    bool average; /* else maximum */
    uint32_t rows, cols, stride_rows, stride_cols;
    uint32_t groups, out_w;
    struct nn_map in, out;
    uint32_t first_row, end_row; /* output rows wanted */
};

/* Weight gradients: added up over n images in the domain of the way, see gradient_finish. */
struct nn_gradient_call {
    const struct nn_conv_shape *shape;
    enum nn_conv_way way; /* direct or plane */
    uint32_t n;
    struct nn_map in, out_grad;
    float *sums; /* gradient_sums() floats, added to */
    float *scratch;
};

/* An input that only fills up a vector. */
#define NN_DENSE_NOTHING UINT32_MAX

/* Products of n vectors with a matrix, its sums cut into pieces of the input. */
struct nn_dense_call {
    uint32_t units;       /* outputs */
    uint32_t inputs;      /* of one piece */
    const float *weights; /* packed piece, or NULL */
    const uint16_t *half; /* packed piece in half precision, when weights is NULL */
    uint32_t n;
    const float *in; /* (n, inputs), in_step floats apart */
    size_t in_step;
    float *out; /* (n, units rounded up to V), out_step floats apart; written */
    size_t out_step;
    float *scratch; /* dense_scratch() floats; only for half and n > 1 */
};

struct nn_adam {
    float momentum, beta2, epsilon, decay, rate;
    float first_scale, second_scale; /* 1 / (1 - beta^steps) */
};

/* One instruction set's functions. */
struct nn_kernels {
    enum nn_isa isa;
    uint32_t width; /* V */

    /* in: (n, c, h, w) plain, rows `rows` of it; the others become 0. */
    void (*map_load)(const struct nn_conv_shape *shape, uint32_t n, uint32_t rows, const float *in,
                     const struct nn_map *ret_map);
    /* Rows first..end of an output map to plain (n, c, h, w). */
    void (*map_store)(const struct nn_conv_shape *shape, uint32_t n, uint32_t first, uint32_t end,
                      const struct nn_map *map, float *ret_out);

    /* weights: (out_c, in_c, kernel_rows, kernel_cols) */
    size_t (*conv_weights)(const struct nn_conv_shape *shape, enum nn_conv_way way);
    void (*conv_pack)(const struct nn_conv_shape *shape, enum nn_conv_way way, const float *weights,
                      float *ret_packed);
    /* The same weights for the way back: from out_grad to in_grad, shape as of that convolution. */
    void (*conv_pack_back)(const struct nn_conv_shape *shape, enum nn_conv_way way,
                           const float *weights, float *ret_packed);
    size_t (*conv_scratch)(const struct nn_conv_shape *shape, enum nn_conv_way way);
    void (*conv)(const struct nn_conv_call *call);

    void (*pool)(const struct nn_pool_call *call);

    size_t (*gradient_sums)(const struct nn_conv_shape *shape, enum nn_conv_way way);
    size_t (*gradient_scratch)(const struct nn_conv_shape *shape, enum nn_conv_way way);
    void (*gradient)(const struct nn_gradient_call *call);
    /* ret_grads: (out_c, in_c, kernel_rows, kernel_cols), added to. */
    void (*gradient_finish)(const struct nn_conv_shape *shape, enum nn_conv_way way,
                            const float *sums, float *ret_grads);

    size_t (*dense_weights)(uint32_t units, uint32_t inputs);
    /* weights: units x inputs, value (u, i) at u * step + order[i]; NN_DENSE_NOTHING: 0. */
    void (*dense_pack)(uint32_t units, uint32_t inputs, size_t step, const uint32_t *order,
                       const float *weights, float *ret_packed);
    size_t (*dense_scratch)(uint32_t units, uint32_t inputs);
    void (*dense)(const struct nn_dense_call *call);

    void (*adam)(const struct nn_adam *adam, size_t n, const float *grads, float *first,
                 float *second, float *weights);
};

/* NULL when this processor, or this build, lacks the instruction set. */
const struct nn_kernels *nn_kernels(enum nn_isa isa);
enum nn_isa nn_isa_best(void);
const char *nn_isa_name(enum nn_isa isa);

/* Whether a convolution can go this way at all. */
bool nn_conv_can(const struct nn_conv_shape *shape, enum nn_conv_way way);

/* The way where a row may be asked for alone and must then have the same bits. */
enum nn_conv_way nn_conv_row_way(const struct nn_conv_shape *shape);

/*
 * The fastest way where all rows come at once. weights_max: packed weights beyond which the 36 that
 * a plane has per pair of channels take longer to read than they save.
 */
enum nn_conv_way nn_conv_best_way(const struct nn_kernels *kernels,
                                  const struct nn_conv_shape *shape, size_t weights_max);

/* Lanes of a map of so many channels. */
uint32_t nn_map_lanes(const struct nn_kernels *kernels, uint32_t channels);

/* Margins: of the input map, and of a weight gradient's map of output gradients. */
struct nn_margin nn_conv_margin(const struct nn_conv_shape *shape, enum nn_conv_way way);
struct nn_margin nn_gradient_margin(const struct nn_conv_shape *shape, enum nn_conv_way way);
struct nn_margin nn_margin_both(struct nn_margin a, struct nn_margin b);

/* Input rows, from the first, that the first `rows` output rows look at. */
uint32_t nn_conv_rows(const struct nn_conv_shape *shape, uint32_t rows);

/* A map laid out over a block of nn_map_size() floats per image, all 0 to begin with. */
size_t nn_map_size(uint32_t c, uint32_t h, uint32_t w, uint32_t lanes, struct nn_margin margin);
struct nn_map nn_map_over(float *block, uint32_t c, uint32_t h, uint32_t w, uint32_t lanes,
                          struct nn_margin margin);

/* Half precision, round to nearest even; beyond its range to infinity. */
uint16_t nn_half_from(float value);
float nn_half_to(uint16_t half);

#endif
