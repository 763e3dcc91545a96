/* Running: whole samples, or one frame row by row. */
#include "nn/engine_inside.h"

#include <math.h>
#include <string.h>

/* Rows [first, end). */
struct range {
    uint32_t first, end;
};

static float *plain_out(struct nn_engine *engine)
{
    engine->turn = 1 - engine->turn;
    return engine->plain[engine->turn];
}

/*
 * Tiles reach up to six rows beyond the rows computed; rows of an earlier sample must not lie
 * there, or its values would show in the last bits.
 */
enum { TILE_REACH = 6 };

static void clear_below(const struct nn_step *step, uint32_t sample, uint32_t channels,
                        uint32_t columns, uint32_t rows)
{
    const struct nn_map *map = &step->out;
    uint32_t end = rows + TILE_REACH < step->out_rows ? rows + TILE_REACH : step->out_rows;
    uint32_t groups = (channels + map->lanes - 1) / map->lanes;
    for (uint32_t g = 0; g < groups; g++)
        for (uint32_t y = rows; y < end; y++)
            memset(map->data + sample * map->image + g * map->group + y * map->row, 0,
                   (size_t)columns * map->lanes * sizeof *map->data);
}

/* range: rows of the map written. */
static void run_conv(const struct nn_engine *engine, const struct nn_step *step, uint32_t sample,
                     struct range range)
{
    uint32_t shrink = step->pool ? 2 : 1;
    struct nn_conv_call call = {.shape = &step->shape,
                                .way = step->way,
                                .weights = step->weights,
                                .bias = step->bias,
                                .relu = step->relu,
                                .pool = step->pool,
                                .n = 1,
                                .in = step->in,
                                .out = step->out,
                                .first_row = shrink * range.first,
                                .end_row = shrink * range.end,
                                .scratch = engine->scratch};
    call.in.data += sample * step->in.image;
    call.out.data += sample * step->out.image;
    engine->kernels->conv(&call);
}

static void run_pool(const struct nn_engine *engine, const struct nn_step *step, uint32_t sample,
                     struct range range)
{
    const struct nn_layer_spec *spec = &step->layer->spec;
    uint32_t width = engine->kernels->width;
    struct nn_pool_call call = {.average = spec->kind == NN_LAYER_AVG_POOL,
                                .rows = spec->kernel_rows,
                                .cols = spec->kernel_cols,
                                .stride_rows = spec->stride_rows,
                                .stride_cols = spec->stride_cols,
                                .groups = (step->layer->in.c + width - 1) / width,
                                .out_w = step->layer->out.w,
                                .in = step->in,
                                .out = step->out,
                                .first_row = range.first,
                                .end_row = range.end};
    call.out.data += sample * step->out.image;
    engine->kernels->pool(&call);
}

/* One sample through one step on maps, its first `rows` rows. in, ret_out: its plain tensors. */
static void run_map(const struct nn_engine *engine, const struct nn_step *step, uint32_t sample,
                    uint32_t rows, const float *in, float *ret_out)
{
    struct range range = {0, rows};
    struct nn_shape out = step->layer->out;
    switch (step->kind) {
    case NN_STEP_LOAD:
        engine->kernels->map_load(&step->shape, 1, rows, in, &step->out);
        return;
    case NN_STEP_CONV:
        run_conv(engine, step, sample, range);
        clear_below(step, sample, out.c, step->pool ? out.w / 2 : out.w, rows);
        return;
    case NN_STEP_POOL:
        run_pool(engine, step, sample, range);
        clear_below(step, sample, out.c, out.w, rows);
        return;
    case NN_STEP_STORE:
        engine->kernels->map_store(&step->shape, 1, 0, rows, &step->in, ret_out);
        return;
    case NN_STEP_DENSE:
    case NN_STEP_LSTM:
    case NN_STEP_LAYER:
        return;
    }
}

static bool on_maps(const struct nn_step *step)
{
    return step->kind <= NN_STEP_STORE;
}

/* Input rows that `rows` rows of a step's map depend on. */
static uint32_t rows_before(const struct nn_step *step, uint32_t rows)
{
    const struct nn_layer_spec *spec = &step->layer->spec;
    if (step->kind == NN_STEP_CONV)
        return nn_conv_rows(&step->shape, step->pool ? 2 * rows : rows);
    if (step->kind == NN_STEP_POOL)
        return (rows - 1) * spec->stride_rows + spec->kernel_rows;
    return rows;
}

/* Rows of each step's map in a stretch of steps: those that a global pool behind it looks at. */
static void plan_rows(const struct nn_engine *engine, uint32_t first, uint32_t end, float seen,
                      uint32_t *ret_rows)
{
    for (uint32_t s = first; s < end; s++)
        ret_rows[s] = engine->steps[s].out_rows;
    const struct nn_step *next = &engine->steps[end];
    if (end == engine->n_steps || next->kind != NN_STEP_LAYER ||
        next->layer->spec.kind != NN_LAYER_GLOBAL_POOL)
        return;
    struct nn_pass pass = {.n = 1, .seen = &seen};
    uint32_t rows = nn_layer_rows_seen(next->layer, &pass, 0);
    for (uint32_t s = end; s-- > first;) {
        ret_rows[s] = rows;
        rows = rows_before(&engine->steps[s], rows);
    }
}

/* All samples through the steps on maps from `first` on; returns the first that is none. */
static uint32_t run_stretch(struct nn_engine *engine, uint32_t first, const struct nn_batch *batch,
                            const float **in)
{
    uint32_t end = first;
    while (end < engine->n_steps && on_maps(&engine->steps[end]))
        end++;
    const struct nn_step *last = &engine->steps[end - 1];
    float *out = last->kind == NN_STEP_STORE ? plain_out(engine) : NULL;
    size_t in_size = nn_shape_size(engine->steps[first].layer->in);
    size_t out_size = nn_shape_size(last->layer->out);
    uint32_t rows[NN_STEPS_MAX];
    for (uint32_t i = 0; i < batch->n; i++) {
        plan_rows(engine, first, end, batch->seen ? batch->seen[i] : 1.0F, rows);
        for (uint32_t s = first; s < end; s++)
            run_map(engine, &engine->steps[s], i, rows[s], *in + i * in_size,
                    out ? out + i * out_size : NULL);
    }
    *in = out;
    return end;
}

/* Products of pieces [first, end) with n samples' inputs. */
static void multiply(const struct nn_engine *engine, const struct nn_step *step, uint32_t n,
                     const float *in, struct range pieces)
{
    for (uint32_t p = pieces.first; p < pieces.end; p++) {
        size_t before = p * step->piece_weights;
        struct nn_dense_call call = {.units = step->units,
                                     .inputs = step->inputs,
                                     .weights = step->weights ? step->weights + before : NULL,
                                     .half = step->half ? step->half + before : NULL,
                                     .n = n,
                                     .in = in + (size_t)p * step->inputs,
                                     .in_step = step->in_step,
                                     .out = step->sums +
                                            (size_t)p * engine->options.max_n * step->rounded,
                                     .out_step = step->rounded,
                                     .scratch = engine->scratch};
        engine->kernels->dense(&call);
    }
}

/* Sample i's sums over all pieces, in their order, and the bias. ret: (units) */
static void add_up(const struct nn_engine *engine, const struct nn_step *step, uint32_t i,
                   float *ret)
{
    const float *sums = step->sums + (size_t)i * step->rounded;
    memcpy(ret, step->bias, step->units * sizeof *ret);
    for (uint32_t p = 0; p < step->pieces; p++) {
        for (uint32_t u = 0; u < step->units; u++)
            ret[u] += sums[u];
        sums += (size_t)engine->options.max_n * step->rounded;
    }
}

static float sigmoid(float x)
{
    return 1.0F / (1.0F + expf(-x));
}

/* gates: (input, forget, cell, output) of one cell each; h and c are updated. */
static void lstm_cells(uint32_t hidden, const float *gates, float *h, float *c)
{
    for (uint32_t k = 0; k < hidden; k++) {
        float in = sigmoid(gates[k]);
        float keep = sigmoid(gates[hidden + k]);
        float fresh = tanhf(gates[2 * hidden + k]);
        float out = sigmoid(gates[3 * hidden + k]);
        c[k] = keep * c[k] + in * fresh;
        h[k] = out * tanhf(c[k]);
    }
}

static void run_lstm(struct nn_engine *engine, const struct nn_step *step, uint32_t n,
                     const float *in, float *ret_out)
{
    uint32_t hidden = step->layer->spec.units;
    uint32_t inputs = step->inputs - hidden;
    float *cells = step->state + (size_t)engine->options.max_n * step->inputs;
    if (!engine->options.keeps_state)
        memset(step->state, 0,
               engine->options.max_n * (size_t)(step->inputs + hidden) * sizeof *step->state);
    for (uint32_t i = 0; i < n; i++)
        memcpy(step->state + (size_t)i * step->inputs, in + (size_t)i * inputs,
               inputs * sizeof *in);
    multiply(engine, step, n, step->state, (struct range){0, 1});
    for (uint32_t i = 0; i < n; i++) {
        float *gates = step->sums + (size_t)i * step->rounded;
        float *h = step->state + (size_t)i * step->inputs + inputs;
        for (uint32_t u = 0; u < step->units; u++)
            gates[u] += step->bias[u];
        lstm_cells(hidden, gates, h, cells + (size_t)i * hidden);
        memcpy(ret_out + (size_t)i * hidden, h, hidden * sizeof *h);
    }
}

static void run_layer(const struct nn_engine *engine, const struct nn_step *step,
                      const struct nn_batch *batch, const float *in, float *ret_out)
{
    struct nn_pass pass = {.n = batch->n, .seen = batch->seen, .scratch = engine->scratch};
    struct nn_layer_memory memory = {.weights = step->layer_weights};
    nn_layer_forward(step->layer, &pass, &memory, in, ret_out);
}

/* Steps on plain tensors from `first` on, of whose first dense one `pieces` are new. */
static uint32_t run_plain(struct nn_engine *engine, uint32_t first, const struct nn_batch *batch,
                          struct range pieces, const float **in)
{
    uint32_t s = first;
    for (; s < engine->n_steps && !on_maps(&engine->steps[s]); s++) {
        const struct nn_step *step = &engine->steps[s];
        float *out = plain_out(engine);
        if (step->kind == NN_STEP_DENSE) {
            struct range all = {0, step->pieces};
            multiply(engine, step, batch->n, step->blocked ? step->features : *in,
                     step->blocked ? pieces : all);
            for (uint32_t i = 0; i < batch->n; i++)
                add_up(engine, step, i, out + (size_t)i * step->units);
        } else if (step->kind == NN_STEP_LSTM) {
            run_lstm(engine, step, batch->n, *in, out);
        } else {
            run_layer(engine, step, batch, *in, out);
        }
        *in = out;
    }
    return s;
}

const float *nn_engine_judge(struct nn_engine *engine, const struct nn_batch *batch)
{
    const float *in = batch->inputs;
    for (uint32_t s = 0; s < engine->n_steps;) {
        if (on_maps(&engine->steps[s])) {
            s = run_stretch(engine, s, batch, &in);
            continue;
        }
        const struct nn_step *step = &engine->steps[s];
        s = run_plain(engine, s, batch, (struct range){0, step->pieces}, &in);
    }
    return in;
}

void nn_engine_begin(struct nn_engine *engine)
{
    engine->n_rows = 0;
    engine->newest = NULL;
    for (uint32_t p = 0; p < engine->n_parts; p++)
        memcpy(engine->parts[p].block, engine->parts[p].empty,
               engine->parts[p].floats * sizeof(float));
    for (uint32_t s = 0; s < engine->n_steps; s++) {
        const struct nn_step *step = &engine->steps[s];
        if (step->state)
            memset(step->state, 0,
                   engine->options.max_n * (size_t)(step->inputs + step->layer->spec.units) *
                       sizeof *step->state);
    }
}

void nn_engine_rehearse(struct nn_engine *engine)
{
    if (engine->causal)
        return; /* rows that are not there are not looked at, and their features are zeros */
    struct nn_batch batch = {.n = 1, .inputs = engine->plain[0]};
    engine->turn = 1;
    nn_engine_judge(engine, &batch);
    for (uint32_t p = 0; p < engine->n_parts; p++)
        memcpy(engine->parts[p].empty, engine->parts[p].block,
               engine->parts[p].floats * sizeof(float));
}

/* Output rows that see any of the input rows `in`: what must be computed anew. */
static struct range rows_touched(const struct nn_step *step, struct range in)
{
    const struct nn_layer_spec *spec = &step->layer->spec;
    int64_t stride = spec->stride_rows;
    int64_t top = step->kind == NN_STEP_CONV ? step->shape.pad_top : 0;
    int64_t first = (int64_t)in.first + top - spec->kernel_rows + 1;
    int64_t end = (in.end - 1 + top) / stride + 1;
    first = first < 0 ? 0 : (first + stride - 1) / stride;
    end = end < step->out_rows ? end : step->out_rows;
    return (struct range){(uint32_t)first, (uint32_t)(end > first ? end : first)};
}

/* Causal: input rows [0, in.end) are there, of which [0, in.first) were before. */
static struct range rows_completed(const struct nn_step *step, struct range in)
{
    return (struct range){nn_layer_rows_after(step->layer, in.first),
                          nn_layer_rows_after(step->layer, in.end)};
}

static void put_row(const struct nn_step *step, uint32_t y, const float *row)
{
    uint32_t lanes = step->out.lanes;
    for (uint32_t c = 0; c < step->shape.in_c; c++) {
        float *to = step->out.data + c / lanes * step->out.group + y * step->out.row + c % lanes;
        for (uint32_t x = 0; x < step->shape.in_w; x++)
            to[(size_t)x * lanes] = row[(size_t)c * step->shape.in_w + x];
    }
}

/* Takes the next row through all steps on maps. Returns the rows of features that are new. */
static struct range take_row(struct nn_engine *engine, const float *row)
{
    struct range range = {engine->n_rows, engine->n_rows + 1};
    put_row(&engine->steps[0], engine->n_rows++, row);
    for (uint32_t s = 1; on_maps(&engine->steps[s]); s++) {
        const struct nn_step *step = &engine->steps[s];
        range = engine->causal ? rows_completed(step, range) : rows_touched(step, range);
        if (range.end == range.first)
            continue;
        if (step->kind == NN_STEP_CONV)
            run_conv(engine, step, 0, range);
        else
            run_pool(engine, step, 0, range);
    }
    return range;
}

static uint32_t first_plain(const struct nn_engine *engine)
{
    uint32_t s = 0;
    while (on_maps(&engine->steps[s]))
        s++;
    return s;
}

const float *nn_engine_add_row(struct nn_engine *engine, const float *row)
{
    struct range fresh = take_row(engine, row);
    if (fresh.end > fresh.first || !engine->newest) {
        struct nn_batch batch = {.n = 1};
        engine->newest = NULL;
        run_plain(engine, first_plain(engine), &batch, fresh, &engine->newest);
    }
    return engine->newest;
}

static bool holds(struct range range, uint32_t place)
{
    return place >= range.first && place < range.end;
}

/* Sums of piece p for n rows of the frame: anew where its features are, else as they were. */
static void multiply_queue(const struct nn_engine *engine, const struct nn_step *step, uint32_t n,
                           const struct range *fresh, uint32_t p)
{
    struct nn_step queued = *step;
    queued.in_step = (size_t)step->pieces * step->inputs;
    float *sums = step->sums + (size_t)p * engine->options.max_n * step->rounded;
    for (uint32_t i = 0; i < n;) {
        uint32_t end = i;
        while (end < n && holds(fresh[end], p))
            end++;
        if (end == i) {
            if (i > 0)
                memcpy(sums + (size_t)i * step->rounded, sums + (size_t)(i - 1) * step->rounded,
                       step->rounded * sizeof *sums);
            i++;
            continue;
        }
        queued.sums = step->sums + (size_t)i * step->rounded;
        multiply(engine, &queued, end - i, step->queue + i * queued.in_step,
                 (struct range){p, p + 1});
        i = end;
    }
}

/* The next n rows, n at most max_n. */
static const float *take_rows(struct nn_engine *engine, uint32_t n, const float *rows)
{
    uint32_t s = first_plain(engine);
    const struct nn_step *step = &engine->steps[s];
    struct nn_shape in = engine->steps[0].layer->in;
    struct range fresh[NN_ENGINE_ROWS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        fresh[i] = take_row(engine, rows + (size_t)i * in.c * in.w);
        size_t before = (size_t)fresh[i].first * step->inputs;
        memcpy(step->queue + (size_t)i * step->pieces * step->inputs + before,
               step->features + before,
               (fresh[i].end - fresh[i].first) * (size_t)step->inputs * sizeof(float));
    }
    for (uint32_t p = 0; p < step->pieces; p++)
        multiply_queue(engine, step, n, fresh, p);
    struct nn_batch batch = {.n = n};
    const float *out = NULL;
    run_plain(engine, s, &batch, (struct range){0, 0}, &out);
    /* What the next rows find as they were. */
    for (uint32_t p = 0; p < step->pieces; p++) {
        float *sums = step->sums + (size_t)p * engine->options.max_n * step->rounded;
        memmove(sums, sums + (size_t)(n - 1) * step->rounded, step->rounded * sizeof *sums);
    }
    return out;
}

void nn_engine_prefixes(struct nn_engine *engine, const float *rows, float *ret_outputs)
{
    struct nn_shape in = engine->steps[0].layer->in;
    size_t outputs = nn_shape_size(nn_network_output(engine->network));
    nn_engine_begin(engine);
    for (uint32_t y = 0; y < in.h; y += engine->options.max_n) {
        uint32_t n = in.h - y < engine->options.max_n ? in.h - y : engine->options.max_n;
        const float *out = take_rows(engine, n, rows + (size_t)y * in.c * in.w);
        memcpy(ret_outputs + y * outputs, out, n * outputs * sizeof *out);
    }
}
