/* Layers that keep what the next rows need: windows of rows, sums, states. */
#include "nn/rows.h"

#include "nn/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A convolution of one output row over a window of kernel_rows input rows, oldest first. */
struct window {
    struct nn_conv_shape shape;
    enum nn_conv_way way;
    float *weights, *bias, *scratch;
    float *block; /* the input map with its margins */
    size_t block_size;
    struct nn_map in, out;
};

struct step {
    const struct nn_layer *layer;
    const float *weights;
    struct nn_layer one; /* the same layer over a single row, for layers without memory */
    struct window window;
    float *held;  /* pools: (kernel_rows, c, w), input rows of the block so far */
    float *state; /* prefix pool, recurrent */
    float *scratch;
    float *out;    /* (out.c, out.w) newest output row */
    uint32_t got;  /* input rows */
    uint32_t made; /* output rows */
};

struct nn_rows {
    const struct nn_kernels *kernels;
    uint32_t n_steps;
    float *block; /* the one allocation that the steps point into */
    struct step steps[NN_NETWORK_LAYERS_MAX];
};

/* Hands out pieces of one block; with no block yet, only counts. */
struct pieces {
    float *block;
    size_t taken;
};

static float *take(struct pieces *pieces, size_t floats)
{
    const size_t line = NN_KERNEL_ALIGN / sizeof(float);
    float *piece = pieces->block ? pieces->block + pieces->taken : NULL;
    pieces->taken += (floats + line - 1) / line * line;
    return piece;
}

static bool is_small_pool(const struct nn_layer *layer)
{
    return layer->spec.kind == NN_LAYER_MAX_POOL || layer->spec.kind == NN_LAYER_AVG_POOL;
}

static bool is_recurrent(const struct nn_layer *layer)
{
    return layer->spec.kind == NN_LAYER_GRU || layer->spec.kind == NN_LAYER_LSTM;
}

/* The rows that one output row looks at, zeros above the frame among them. */
static struct nn_conv_shape window_shape(const struct nn_kernels *kernels,
                                         const struct nn_layer *layer)
{
    struct nn_conv_shape shape = nn_layer_conv_shape(layer, nn_map_lanes(kernels, layer->in.c));
    shape.in_h = layer->spec.kernel_rows;
    shape.out_h = 1;
    shape.pad_top = 0;
    return shape;
}

static void lay_out_window(const struct nn_kernels *kernels, const struct nn_layer *layer,
                           struct pieces *pieces, struct window *ret)
{
    struct nn_conv_shape shape = window_shape(kernels, layer);
    struct window w = {.shape = shape, .way = nn_conv_row_way(&shape)};
    struct nn_margin margin = nn_conv_margin(&shape, w.way);
    size_t out_size =
        nn_map_size(shape.out_c, 1, shape.out_w, kernels->width, (struct nn_margin){0});
    w.weights = take(pieces, kernels->conv_weights(&shape, w.way));
    w.bias = take(pieces, shape.out_c + kernels->width);
    w.scratch = take(pieces, kernels->conv_scratch(&shape, w.way));
    w.block_size = nn_map_size(shape.in_c, shape.in_h, shape.in_w, shape.in_lanes, margin);
    w.block = take(pieces, w.block_size);
    float *out = take(pieces, out_size);
    if (w.block) {
        w.in = nn_map_over(w.block, shape.in_c, shape.in_h, shape.in_w, shape.in_lanes, margin);
        w.out =
            nn_map_over(out, shape.out_c, 1, shape.out_w, kernels->width, (struct nn_margin){0});
    }
    *ret = w;
}

static void lay_out_step(const struct nn_kernels *kernels, struct pieces *pieces, struct step *step)
{
    const struct nn_layer *layer = step->layer;
    if (layer->spec.kind == NN_LAYER_CONV)
        lay_out_window(kernels, layer, pieces, &step->window);
    if (is_small_pool(layer))
        step->held = take(pieces, (size_t)layer->spec.kernel_rows * layer->in.c * layer->in.w);
    step->state = take(pieces, nn_layer_state(layer));
    bool alone = is_recurrent(layer);
    step->scratch = take(pieces, alone ? layer->scratch : step->one.scratch);
    step->out = take(pieces, (size_t)layer->out.c * layer->out.w);
}

static void pack(const struct nn_kernels *kernels, struct step *step)
{
    const struct nn_layer *layer = step->layer;
    struct window *w = &step->window;
    if (layer->spec.kind != NN_LAYER_CONV)
        return;
    kernels->conv_pack(&w->shape, w->way, step->weights, w->weights);
    if (layer->spec.bias)
        memcpy(w->bias, step->weights + layer->spec.units * nn_layer_taps(layer),
               layer->spec.units * sizeof *w->bias);
}

/* Layers that need no memory of earlier rows, as if a row were all there is. */
static int narrow(struct step *step)
{
    const struct nn_layer *layer = step->layer;
    struct nn_shape row = {.c = layer->in.c, .h = 1, .w = layer->in.w};
    if (layer->spec.kind == NN_LAYER_BATCH_NORM)
        return -EINVAL;
    if (layer->spec.kind == NN_LAYER_CONV || is_small_pool(layer))
        return 0;
    return nn_layer_init(&layer->spec, row, &step->one);
}

/* One block for all steps, zero, and the weights packed into it. */
static int allocate(struct nn_rows *rows)
{
    struct pieces pieces = {0};
    for (uint32_t i = 0; i < rows->n_steps; i++)
        lay_out_step(rows->kernels, &pieces, &rows->steps[i]);
    size_t bytes = (pieces.taken + 1) * sizeof(float);
    bytes = (bytes + NN_KERNEL_ALIGN - 1) / NN_KERNEL_ALIGN * NN_KERNEL_ALIGN;
    rows->block = aligned_alloc(NN_KERNEL_ALIGN, bytes);
    if (!rows->block)
        return -ENOMEM;
    memset(rows->block, 0, bytes);
    pieces = (struct pieces){.block = rows->block};
    for (uint32_t i = 0; i < rows->n_steps; i++) {
        lay_out_step(rows->kernels, &pieces, &rows->steps[i]);
        pack(rows->kernels, &rows->steps[i]);
    }
    return 0;
}

int nn_rows_create(const struct nn_network *network, struct nn_rows **ret_rows)
{
    if (!nn_network_row_causal(network))
        return -EINVAL;
    struct nn_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return -ENOMEM;
    rows->kernels = nn_kernels(nn_isa_best());
    rows->n_steps = nn_network_layer_count(network);
    int error = 0;
    for (uint32_t i = 0; i < rows->n_steps && !error; i++) {
        rows->steps[i].layer = nn_network_layer(network, i);
        rows->steps[i].weights = nn_network_layer_weights(network, i);
        error = narrow(&rows->steps[i]);
    }
    if (!error)
        error = allocate(rows);
    if (error) {
        nn_rows_destroy(rows);
        return error;
    }
    *ret_rows = rows;
    return 0;
}

void nn_rows_destroy(struct nn_rows *rows)
{
    if (!rows)
        return;
    free(rows->block);
    free(rows);
}

void nn_rows_begin(struct nn_rows *rows)
{
    for (uint32_t i = 0; i < rows->n_steps; i++) {
        struct step *step = &rows->steps[i];
        step->got = 0;
        step->made = 0;
        memset(step->state, 0, nn_layer_state(step->layer) * sizeof *step->state);
        if (step->layer->spec.kind == NN_LAYER_CONV)
            memset(step->window.block, 0, step->window.block_size * sizeof(float));
    }
}

/* Moves the window down by one row and puts the new one at its end. */
static void move_window(const struct nn_kernels *kernels, struct window *w, const float *row)
{
    uint32_t groups = (w->shape.in_c + w->in.lanes - 1) / w->in.lanes;
    size_t stay = (w->shape.kernel_rows - 1) * w->in.row;
    struct nn_conv_shape one = w->shape;
    struct nn_map last = w->in;
    one.in_h = 1;
    last.data += stay;
    for (uint32_t g = 0; g < groups && stay > 0; g++) {
        float *first = w->in.data + g * w->in.group;
        /* From the first value to the last one that moves: the zeros beside the rows stay. */
        size_t n = stay - w->in.row + (size_t)w->shape.in_w * w->in.lanes;
        memmove(first, first + w->in.row, n * sizeof *first);
    }
    kernels->map_load(&one, 1, 1, row, &last);
}

static bool conv_step(const struct nn_kernels *kernels, struct step *step, const float *row)
{
    struct window *w = &step->window;
    move_window(kernels, w, row);
    if (step->got % step->layer->spec.stride_rows != 0)
        return false;
    struct nn_conv_call call = {.shape = &w->shape,
                                .way = w->way,
                                .weights = w->weights,
                                .bias = w->bias,
                                .n = 1,
                                .in = w->in,
                                .out = w->out,
                                .end_row = 1,
                                .scratch = w->scratch};
    kernels->conv(&call);
    kernels->map_store(&w->shape, 1, 0, 1, &w->out, step->out);
    return true;
}

static bool pool_step(struct step *step, const float *row)
{
    const struct nn_layer *layer = step->layer;
    size_t size = (size_t)layer->in.c * layer->in.w;
    uint32_t in_block = (step->got - 1) % layer->spec.kernel_rows;
    memcpy(step->held + in_block * size, row, size * sizeof *row);
    if (in_block + 1 < layer->spec.kernel_rows)
        return false;
    struct nn_row rows[NN_KERNEL_MAX];
    for (uint32_t k = 0; k < layer->spec.kernel_rows; k++)
        rows[k] = (struct nn_row){.at = step->held + k * size, .step = layer->in.w};
    nn_pool_row(layer, rows, (struct nn_row_out){.at = step->out, .step = layer->out.w});
    return true;
}

static void plain_step(struct step *step, const float *row)
{
    struct nn_pass pass = {.n = 1, .scratch = step->scratch};
    struct nn_layer_memory memory = {.weights = step->weights};
    nn_layer_forward(&step->one, &pass, &memory, row, step->out);
}

/* One row into a layer; whether it gave one. */
static bool advance(const struct nn_kernels *kernels, struct step *step, const float *row)
{
    const struct nn_layer *layer = step->layer;
    struct nn_row in = {.at = row, .step = layer->in.w};
    struct nn_row_out out = {.at = step->out, .step = layer->out.w};
    uint32_t number = step->got++;
    if (layer->spec.kind == NN_LAYER_CONV)
        return conv_step(kernels, step, row);
    if (is_small_pool(layer))
        return pool_step(step, row);
    if (layer->spec.kind == NN_LAYER_PREFIX_POOL)
        nn_prefix_pool_row(layer, number, in, step->state, out);
    else if (is_recurrent(layer))
        nn_recurrent_row(layer, step->weights, in, step->scratch, step->state, out);
    else
        plain_step(step, row);
    return true;
}

int nn_rows_push(struct nn_rows *rows, const float *row)
{
    if (rows->steps[0].got >= rows->steps[0].layer->in.h)
        return -EINVAL;
    for (uint32_t i = 0; i < rows->n_steps; i++) {
        struct step *step = &rows->steps[i];
        if (!advance(rows->kernels, step, row))
            return 0;
        step->made++;
        row = step->out;
    }
    return 1;
}

uint32_t nn_rows_done(const struct nn_rows *rows)
{
    return rows->steps[rows->n_steps - 1].made;
}

const float *nn_rows_newest(const struct nn_rows *rows)
{
    const struct step *last = &rows->steps[rows->n_steps - 1];
    return last->made ? last->out : NULL;
}
