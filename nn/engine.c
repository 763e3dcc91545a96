/* Planning: which layers become one step, where their maps lie, what is packed how. */
#include "nn/engine_inside.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks from here on lie in huge pages where there are any: large weights are read from end to end
 * each time, and the processor's reading ahead ends with each page. */
enum { BLOCK_LARGE = 1 << 22, PAGE_LARGE = 1 << 21 };

/* Dense weights from here on are large: reading them takes longer than multiplying. */
enum { DENSE_LARGE = 1 << 16 };

/* Packed weights of a plane; in training, where they are read once for many samples, more pay. */
enum { PLANE_WEIGHTS_MAX = 1 << 22 };

struct nn_engine_options nn_engine_options(void)
{
    return (struct nn_engine_options){.isa = nn_isa_best(), .max_n = 1};
}

static float *own(struct nn_engine *engine, size_t floats)
{
    size_t size = (floats * sizeof(float) / NN_KERNEL_ALIGN + 1) * NN_KERNEL_ALIGN;
    if (engine->failed || engine->n_owned == NN_OWNED_MAX) {
        engine->failed = true;
        return NULL;
    }
    bool large = size >= BLOCK_LARGE;
    float *block = aligned_alloc(large ? PAGE_LARGE : NN_KERNEL_ALIGN,
                                 large ? (size / PAGE_LARGE + 1) * PAGE_LARGE : size);
    if (!block) {
        engine->failed = true;
        return NULL;
    }
#if defined MADV_HUGEPAGE
    if (large)
        madvise(block, size, MADV_HUGEPAGE); /* a wish; without it all is slower, no more */
#endif
    memset(block, 0, size);
    engine->owned[engine->n_owned++] = block;
    return block;
}

/* What belongs to a frame; by rows, with a copy of what it holds before the first row. */
static float *own_frame(struct nn_engine *engine, size_t floats)
{
    float *block = own(engine, floats);
    if (!block || !engine->options.by_rows)
        return block;
    struct nn_frame_part *part = &engine->parts[engine->n_parts++];
    *part = (struct nn_frame_part){.block = block, .empty = own(engine, floats), .floats = floats};
    return block;
}

static enum nn_conv_way way_of(const struct nn_engine *engine, const struct nn_conv_shape *shape,
                               bool causal)
{
    if (engine->options.by_rows || causal)
        return nn_conv_row_way(shape);
    return nn_conv_best_way(engine->kernels, shape, PLANE_WEIGHTS_MAX);
}

static enum nn_layer_kind kind_at(const struct nn_network *network, uint32_t i)
{
    if (i >= nn_network_layer_count(network))
        return (enum nn_layer_kind)0;
    return nn_network_layer(network, i)->spec.kind;
}

static bool does_nothing(enum nn_layer_kind kind)
{
    return kind == NN_LAYER_LINEAR || kind == NN_LAYER_DROPOUT || kind == NN_LAYER_NOISE;
}

/* The layer from i on that does something. */
static uint32_t next_layer(const struct nn_network *network, uint32_t i)
{
    while (does_nothing(kind_at(network, i)))
        i++;
    return i;
}

static bool halves(const struct nn_layer *layer)
{
    const struct nn_layer_spec *spec = &layer->spec;
    return spec->kind == NN_LAYER_MAX_POOL && spec->kernel_rows == 2 && spec->kernel_cols == 2 &&
           spec->stride_rows == 2 && spec->stride_cols == 2;
}

static struct nn_step *add_step(struct nn_engine *engine, enum nn_step_kind kind, uint32_t index)
{
    struct nn_step *step = &engine->steps[engine->n_steps++];
    *step = (struct nn_step){.kind = kind,
                             .layer = nn_network_layer(engine->network, index),
                             .layer_weights = nn_network_layer_weights(engine->network, index)};
    return step;
}

static bool is_pool(enum nn_layer_kind kind)
{
    return kind == NN_LAYER_MAX_POOL || kind == NN_LAYER_AVG_POOL;
}

/* The map that layer i will read, of this shape; `i` past the maps: features or a tensor to be. */
static struct nn_map map_for(struct nn_engine *engine, uint32_t i, struct nn_shape shape)
{
    uint32_t width = engine->kernels->width;
    enum nn_layer_kind kind = kind_at(engine->network, i);
    if (kind == NN_LAYER_DENSE) {
        /* Rows outermost and no margins: the dense layer reads a row of features as one run. */
        uint32_t groups = (shape.c + width - 1) / width;
        size_t group = (size_t)shape.w * width;
        struct nn_map map = {.lanes = width,
                             .group = group,
                             .row = groups * group,
                             .image = shape.h * groups * group};
        map.data = own_frame(engine, engine->options.max_n * map.image);
        return map;
    }
    struct nn_margin margin = {0};
    if (kind == NN_LAYER_CONV) {
        const struct nn_layer *layer = nn_network_layer(engine->network, i);
        struct nn_conv_shape conv = nn_layer_conv_shape(layer, width);
        margin = nn_conv_margin(&conv, way_of(engine, &conv, layer->spec.causal));
    }
    float *block = own_frame(engine, nn_map_size(shape.c, shape.h, shape.w, width, margin));
    struct nn_map map = nn_map_over(block, shape.c, shape.h, shape.w, width, margin);
    map.image = 0;
    return map;
}

/* From a plain tensor into the map of convolution i. */
static struct nn_map plan_load(struct nn_engine *engine, uint32_t i)
{
    struct nn_step *step = add_step(engine, NN_STEP_LOAD, i);
    const struct nn_layer *layer = step->layer;
    step->shape = nn_layer_conv_shape(layer, nn_map_lanes(engine->kernels, layer->in.c));
    enum nn_conv_way way = way_of(engine, &step->shape, layer->spec.causal);
    struct nn_margin margin = nn_conv_margin(&step->shape, way);
    uint32_t lanes = step->shape.in_lanes;
    float *block =
        own_frame(engine, nn_map_size(layer->in.c, layer->in.h, layer->in.w, lanes, margin));
    step->out = nn_map_over(block, layer->in.c, layer->in.h, layer->in.w, lanes, margin);
    step->out.image = 0;
    step->out_rows = layer->in.h;
    return step->out;
}

static void pack_conv(struct nn_engine *engine, struct nn_step *step)
{
    const struct nn_kernels *k = engine->kernels;
    const struct nn_layer *layer = step->layer;
    step->weights = own(engine, k->conv_weights(&step->shape, step->way));
    step->bias = own(engine, layer->spec.units + k->width);
    if (engine->failed)
        return;
    k->conv_pack(&step->shape, step->way, step->layer_weights, step->weights);
    if (layer->spec.bias)
        memcpy(step->bias, step->layer_weights + layer->spec.units * nn_layer_taps(layer),
               layer->spec.units * sizeof *step->bias);
}

/* Convolution i with what follows it; returns the next layer to plan. */
static uint32_t plan_conv(struct nn_engine *engine, uint32_t i, struct nn_map *map)
{
    struct nn_step *step = add_step(engine, NN_STEP_CONV, i);
    const struct nn_layer *layer = step->layer;
    step->shape = nn_layer_conv_shape(layer, map->lanes);
    step->way = way_of(engine, &step->shape, layer->spec.causal);
    pack_conv(engine, step);
    uint32_t next = next_layer(engine->network, i + 1);
    if (kind_at(engine->network, next) == NN_LAYER_RELU) {
        step->relu = true;
        next = next_layer(engine->network, next + 1);
    }
    struct nn_shape shape = layer->out;
    if (!engine->options.by_rows && step->way != NN_CONV_ROW &&
        is_pool(kind_at(engine->network, next)) &&
        halves(nn_network_layer(engine->network, next))) {
        step->pool = true;
        shape = nn_network_layer(engine->network, next)->out;
        next = next_layer(engine->network, next + 1);
    }
    step->in = *map;
    step->out = *map = map_for(engine, next, shape);
    step->out_rows = shape.h;
    return next;
}

static uint32_t plan_pool(struct nn_engine *engine, uint32_t i, struct nn_map *map)
{
    struct nn_step *step = add_step(engine, NN_STEP_POOL, i);
    uint32_t next = next_layer(engine->network, i + 1);
    step->in = *map;
    step->out = *map = map_for(engine, next, step->layer->out);
    step->out_rows = step->layer->out.h;
    return next;
}

/* Maps back to a plain tensor, which layer i - 1 or what went with it made. */
static void plan_store(struct nn_engine *engine, uint32_t i, const struct nn_map *map)
{
    struct nn_step *step = add_step(engine, NN_STEP_STORE, i - 1);
    step->in = *map;
    step->shape = (struct nn_conv_shape){
        .out_c = step->layer->out.c, .out_h = step->layer->out.h, .out_w = step->layer->out.w};
    step->out_rows = step->layer->out.h;
}

/* Convolutions and pools from layer i on; returns the first that is neither. */
static uint32_t plan_maps(struct nn_engine *engine, uint32_t i)
{
    struct nn_map map = plan_load(engine, i);
    enum nn_layer_kind kind = kind_at(engine->network, i);
    while (kind == NN_LAYER_CONV || is_pool(kind)) {
        i = kind == NN_LAYER_CONV ? plan_conv(engine, i, &map) : plan_pool(engine, i, &map);
        kind = kind_at(engine->network, i);
    }
    if (kind != NN_LAYER_DENSE)
        plan_store(engine, i, &map);
    return i;
}

/* Takes the packed weights over: in half precision where that is wanted, pays, and they all fit. */
static void keep_weights(struct nn_engine *engine, struct nn_step *step, const float *packed)
{
    size_t n = step->pieces * step->piece_weights;
    bool halve = engine->options.half_dense && n >= DENSE_LARGE;
    for (size_t i = 0; halve && i < n; i++)
        halve = fabsf(packed[i]) < 65504.0F;
    float *block = own(engine, halve ? n / 2 + 1 : n);
    if (!block)
        return;
    if (!halve) {
        step->weights = memcpy(block, packed, n * sizeof *block);
        return;
    }
    step->half = (uint16_t *)(void *)block;
    for (size_t i = 0; i < n; i++)
        step->half[i] = nn_half_from(packed[i]);
}

/* Where the inputs of piece `row` lie in the plain order: features are (group, column, lane). */
static void order_features(const struct nn_step *step, uint32_t row, uint32_t width,
                           uint32_t *ret_order)
{
    struct nn_shape in = step->layer->in;
    for (uint32_t i = 0; i < step->inputs; i++) {
        uint32_t lane = i % width;
        uint32_t x = i / width % in.w;
        uint32_t c = i / width / in.w * width + lane;
        ret_order[i] = c < in.c ? (c * in.h + row) * in.w + x : NN_DENSE_NOTHING;
    }
}

static void pack_dense(struct nn_engine *engine, struct nn_step *step)
{
    const struct nn_kernels *k = engine->kernels;
    float *packed = malloc(step->pieces * step->piece_weights * sizeof *packed);
    uint32_t *order = malloc(step->inputs * sizeof *order);
    engine->failed = engine->failed || !packed || !order;
    for (uint32_t p = 0; p < step->pieces && !engine->failed; p++) {
        if (step->blocked)
            order_features(step, p, k->width, order);
        k->dense_pack(step->units, step->inputs, nn_shape_size(step->layer->in),
                      step->blocked ? order : NULL, step->layer_weights,
                      packed + p * step->piece_weights);
    }
    if (!engine->failed)
        keep_weights(engine, step, packed);
    free(packed);
    free(order);
}

static void plan_products(struct nn_engine *engine, struct nn_step *step)
{
    const struct nn_kernels *k = engine->kernels;
    step->rounded = (step->units + k->width - 1) / k->width * k->width;
    step->piece_weights = k->dense_weights(step->units, step->inputs);
    step->sums = own_frame(engine, (size_t)step->pieces * engine->options.max_n * step->rounded);
    step->bias = own(engine, step->rounded);
}

static void plan_dense(struct nn_engine *engine, uint32_t i)
{
    const struct nn_step *before = engine->n_steps ? &engine->steps[engine->n_steps - 1] : NULL;
    struct nn_step *step = add_step(engine, NN_STEP_DENSE, i);
    const struct nn_layer *layer = step->layer;
    step->units = layer->spec.units;
    step->pieces = 1;
    step->inputs = (uint32_t)nn_shape_size(layer->in);
    step->in_step = step->inputs;
    if (before && (before->kind == NN_STEP_CONV || before->kind == NN_STEP_POOL)) {
        step->blocked = true;
        step->pieces = layer->in.h;
        step->inputs = (uint32_t)before->out.row;
        step->in_step = before->out.image;
        step->features = before->out.data;
        if (engine->options.by_rows)
            step->queue = own(engine, (size_t)engine->options.max_n * step->pieces * step->inputs);
    }
    plan_products(engine, step);
    if (engine->failed)
        return;
    memcpy(step->bias, step->layer_weights + (size_t)step->units * nn_shape_size(layer->in),
           step->units * sizeof *step->bias);
    pack_dense(engine, step);
}

/* Both products of a cell as one, over its inputs and state side by side. */
static void plan_lstm(struct nn_engine *engine, uint32_t i)
{
    struct nn_step *step = add_step(engine, NN_STEP_LSTM, i);
    uint32_t hidden = step->layer->spec.units;
    uint32_t inputs = (uint32_t)nn_shape_size(step->layer->in);
    step->units = 4 * hidden;
    step->pieces = 1;
    step->inputs = inputs + hidden;
    step->in_step = step->inputs;
    step->state = own(engine, engine->options.max_n * (size_t)(step->inputs + hidden));
    plan_products(engine, step);
    size_t n = step->units * (size_t)step->inputs;
    float *side = malloc(n * sizeof *side);
    float *packed = malloc(step->piece_weights * sizeof *packed);
    engine->failed = engine->failed || !side || !packed;
    const float *of_input = step->layer_weights;
    const float *of_state = of_input + (size_t)step->units * inputs;
    const float *biases = of_state + (size_t)step->units * hidden;
    for (uint32_t u = 0; u < step->units && !engine->failed; u++) {
        float *row = side + (size_t)u * step->inputs;
        memcpy(row, of_input + (size_t)u * inputs, inputs * sizeof *row);
        memcpy(row + inputs, of_state + (size_t)u * hidden, hidden * sizeof *row);
        step->bias[u] = biases[u] + biases[step->units + u];
    }
    if (!engine->failed) {
        engine->kernels->dense_pack(step->units, step->inputs, step->inputs, NULL, side, packed);
        keep_weights(engine, step, packed);
    }
    free(side);
    free(packed);
}

static void plan(struct nn_engine *engine)
{
    uint32_t n = nn_network_layer_count(engine->network);
    uint32_t i = next_layer(engine->network, 0);
    while (i < n) {
        enum nn_layer_kind kind = kind_at(engine->network, i);
        if (kind == NN_LAYER_CONV) {
            i = plan_maps(engine, i);
            continue;
        }
        if (kind == NN_LAYER_DENSE)
            plan_dense(engine, i);
        else if (kind == NN_LAYER_LSTM && nn_network_layer(engine->network, i)->in.h == 1)
            plan_lstm(engine, i);
        else
            add_step(engine, NN_STEP_LAYER, i);
        i = next_layer(engine->network, i + 1);
    }
}

/* Room for whatever one step needs at a time, and for tensors between steps. */
static void plan_room(struct nn_engine *engine)
{
    const struct nn_kernels *k = engine->kernels;
    size_t scratch = 0;
    size_t largest = nn_shape_size(nn_network_input(engine->network));
    for (uint32_t i = 0; i < engine->n_steps; i++) {
        const struct nn_step *step = &engine->steps[i];
        size_t needed = step->layer->scratch;
        if (step->kind == NN_STEP_CONV)
            needed = k->conv_scratch(&step->shape, step->way);
        else if (step->kind == NN_STEP_DENSE || step->kind == NN_STEP_LSTM)
            needed = k->dense_scratch(step->units, step->inputs);
        scratch = needed > scratch ? needed : scratch;
        bool plain = step->kind != NN_STEP_CONV && step->kind != NN_STEP_POOL;
        size_t size = nn_shape_size(step->layer->out);
        if (plain && size > largest)
            largest = size;
    }
    engine->scratch = own(engine, scratch);
    for (uint32_t t = 0; t < 2; t++)
        engine->plain[t] = own(engine, engine->options.max_n * largest);
}

/* By rows: convolutions and pools, dense layers on all of their features, pointwise layers. */
static bool fits_rows(const struct nn_engine *engine)
{
    bool dense = false;
    for (uint32_t i = 0; i < engine->n_steps; i++) {
        const struct nn_step *step = &engine->steps[i];
        enum nn_layer_kind kind = step->layer->spec.kind;
        if (step->kind == NN_STEP_DENSE)
            dense = true;
        else if (step->kind == NN_STEP_LAYER && (kind == NN_LAYER_RELU || kind == NN_LAYER_SIGMOID))
            continue;
        else if (dense || step->kind == NN_STEP_STORE || step->kind > NN_STEP_DENSE)
            return false;
    }
    return dense && engine->steps[0].kind == NN_STEP_LOAD;
}

static bool all_causal(const struct nn_network *network)
{
    for (uint32_t i = 0; i < nn_network_layer_count(network); i++) {
        const struct nn_layer *layer = nn_network_layer(network, i);
        if ((layer->spec.kind == NN_LAYER_CONV || is_pool(layer->spec.kind)) &&
            !nn_layer_row_causal(layer))
            return false;
    }
    return true;
}

/* State is only kept of layers that an engine runs itself. */
static bool keeps_all_state(const struct nn_engine *engine)
{
    for (uint32_t i = 0; i < engine->n_steps; i++)
        if (engine->steps[i].kind == NN_STEP_LAYER && nn_layer_state(engine->steps[i].layer) > 0)
            return false;
    return true;
}

static int check(const struct nn_engine *engine)
{
    if (engine->failed)
        return -ENOMEM;
    if (engine->options.by_rows && !fits_rows(engine))
        return -EINVAL;
    if (engine->options.keeps_state && !keeps_all_state(engine))
        return -EINVAL;
    return 0;
}

int nn_engine_create(const struct nn_network *network, const struct nn_engine_options *options,
                     struct nn_engine **ret_engine)
{
    if (options->max_n == 0 || (options->by_rows && options->max_n > NN_ENGINE_ROWS_MAX))
        return -EINVAL;
    for (uint32_t i = 0; i < nn_network_layer_count(network); i++)
        if (kind_at(network, i) == NN_LAYER_BATCH_NORM)
            return -EINVAL;
    const struct nn_kernels *kernels = nn_kernels(options->isa);
    if (!kernels)
        return -ENOTSUP;
    struct nn_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return -ENOMEM;
    engine->network = network;
    engine->options = *options;
    engine->kernels = kernels;
    engine->causal = all_causal(network);
    plan(engine);
    plan_room(engine);
    int error = check(engine);
    if (error) {
        nn_engine_destroy(engine);
        return error;
    }
    if (options->by_rows)
        nn_engine_rehearse(engine);
    nn_engine_begin(engine);
    *ret_engine = engine;
    return 0;
}

void nn_engine_destroy(struct nn_engine *engine)
{
    if (!engine)
        return;
    for (uint32_t i = 0; i < engine->n_owned; i++)
        free(engine->owned[i]);
    free(engine);
}
