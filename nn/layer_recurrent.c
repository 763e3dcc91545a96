/*
 * Layers that carry a state from row to row, in PyTorch's equations (s: sigmoid, *: value by
 * value; x a row's values, h the state before it, h' after it):
 *
 * GRU (Cho et al. 2014)                     LSTM (Hochreiter and Schmidhuber 1997; Gers et al.
 * 2000) r  = s(Wr x + br + Ur h + cr)             i  = s(Wi x + bi + Ui h + ci) z  = s(Wz x + bz +
 * Uz h + cz)             f  = s(Wf x + bf + Uf h + cf) n  = tanh(Wn x + bn + r * (Un h + cn))    g
 * = tanh(Wg x + bg + Ug h + cg) h' = (1 - z) * n + z * h                  o  = s(Wo x + bo + Uo h +
 * co) k' = f * k + i * g, h' = o * tanh(k')
 *
 * Judging goes row by row. Training goes through a whole batch at once, row r of every sample side
 * by side, so that each product is one of matrices.
 */
#include "nn/layer.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

static size_t gates_of(const struct nn_layer *layer)
{
    return (layer->spec.kind == NN_LAYER_GRU ? 3 : 4) * (size_t)layer->spec.units;
}

static size_t inputs_of(const struct nn_layer *layer)
{
    return (size_t)layer->in.c * layer->in.w;
}

void nn_recurrent_size(struct nn_layer *layer)
{
    size_t units = layer->spec.units;
    size_t gates = gates_of(layer);
    size_t inputs = inputs_of(layer);
    layer->out = (struct nn_shape){.c = layer->spec.units, .h = layer->in.h, .w = 1};
    layer->weights = gates * (inputs + units + 2);
    layer->scratch = inputs + 2 * gates + 2 * units;
    layer->kept = layer->in.h * (2 * inputs + 3 * gates + 2 * units) + 2 * units;
}

/* A layer's weights by what they are for; G = gates, see struct nn_layer. */
struct parts {
    const float *of_input; /* (G, inputs) */
    const float *of_state; /* (G, units) */
    const float *input_bias, *state_bias;
};

static struct parts split(const struct nn_layer *layer, const float *weights)
{
    size_t gates = gates_of(layer);
    const float *of_state = weights + gates * inputs_of(layer);
    const float *bias = of_state + gates * layer->spec.units;
    return (struct parts){
        .of_input = weights, .of_state = of_state, .input_bias = bias, .state_bias = bias + gates};
}

static float sigmoid(float x)
{
    return 1.0F / (1.0F + expf(-x));
}

/* gates: (3 * units) of the input, left as r, z, n; of_state: the state's; h: (units), moved on. */
static void gru_gates(size_t units, float *gates, const float *of_state, float *h)
{
    float *r = gates;
    float *z = gates + units;
    float *n = gates + 2 * units;
    for (size_t u = 0; u < units; u++) {
        r[u] = sigmoid(r[u] + of_state[u]);
        z[u] = sigmoid(z[u] + of_state[units + u]);
        n[u] = tanhf(n[u] + r[u] * of_state[2 * units + u]);
        h[u] = (1.0F - z[u]) * n[u] + z[u] * h[u];
    }
}

/* gates: (4 * units), left as i, f, g, o; cell, h: (units), moved on. */
static void lstm_gates(size_t units, float *gates, const float *of_state, float *cell, float *h)
{
    float *i = gates;
    float *f = gates + units;
    float *g = gates + 2 * units;
    float *o = gates + 3 * units;
    for (size_t u = 0; u < units; u++) {
        i[u] = sigmoid(i[u] + of_state[u]);
        f[u] = sigmoid(f[u] + of_state[units + u]);
        g[u] = tanhf(g[u] + of_state[2 * units + u]);
        o[u] = sigmoid(o[u] + of_state[3 * units + u]);
        cell[u] = f[u] * cell[u] + i[u] * g[u];
        h[u] = o[u] * tanhf(cell[u]);
    }
}

/* ret_out: (rows) = matrix (rows, cols) x in + bias */
static void add_product(size_t rows, size_t cols, const float *matrix, const float *in,
                        const float *bias, float *ret_out)
{
    memcpy(ret_out, bias, rows * sizeof *ret_out);
    cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)rows, (int)cols, 1.0F, matrix, (int)cols, in, 1,
                1.0F, ret_out, 1);
}

void nn_recurrent_row(const struct nn_layer *layer, const float *weights, struct nn_row in,
                      float *scratch, float *state, struct nn_row_out out)
{
    struct parts parts = split(layer, weights);
    size_t units = layer->spec.units;
    size_t gates = gates_of(layer);
    size_t inputs = inputs_of(layer);
    float *x = scratch;
    float *of_input = x + inputs;
    float *of_state = of_input + gates;
    for (uint32_t c = 0; c < layer->in.c; c++)
        memcpy(x + (size_t)c * layer->in.w, in.at + c * in.step, layer->in.w * sizeof *x);
    add_product(gates, inputs, parts.of_input, x, parts.input_bias, of_input);
    add_product(gates, units, parts.of_state, state, parts.state_bias, of_state);
    if (layer->spec.kind == NN_LAYER_GRU)
        gru_gates(units, of_input, of_state, state);
    else
        lstm_gates(units, of_input, of_state, state + units, state);
    for (size_t u = 0; u < units; u++)
        out.at[u * out.step] = state[u];
}

static void forward_rows(const struct nn_layer *layer, const struct nn_pass *pass,
                         const float *weights, const float *in, float *ret_out)
{
    size_t step = (size_t)layer->in.h * layer->in.w;
    size_t states = nn_layer_state(layer);
    float *state = pass->scratch + (layer->scratch - states);
    memset(pass->scratch, 0, layer->scratch * sizeof *pass->scratch);
    for (uint32_t r = 0; r < layer->in.h; r++)
        nn_recurrent_row(
            layer, weights, (struct nn_row){.at = in + (size_t)r * layer->in.w, .step = step},
            pass->scratch, state, (struct nn_row_out){.at = ret_out + r, .step = layer->out.h});
}

/* What training keeps, all with row r of sample i at (r * n + i). */
struct kept {
    size_t n, h, units, gates, inputs;
    float *x;        /* (h * n, inputs) */
    float *x_grad;   /* (h * n, inputs) */
    float *act;      /* (h * n, G) gates */
    float *of_state; /* (h * n, G) the state's share before the gates; going back, its gradient */
    float *grad;     /* (h * n, G) gradient before the gates */
    float *h_after;  /* (h * n, units) */
    float *cell;     /* (h * n, units) LSTM: after the row */
    float *h_grad;   /* (n, units) */
    float *cell_grad;
};

static struct kept lay_out(const struct nn_layer *layer, uint32_t n, float *block)
{
    struct kept k = {.n = n,
                     .h = layer->in.h,
                     .units = layer->spec.units,
                     .gates = gates_of(layer),
                     .inputs = inputs_of(layer)};
    size_t rows = k.h * k.n;
    k.x = block;
    k.x_grad = k.x + rows * k.inputs;
    k.act = k.x_grad + rows * k.inputs;
    k.of_state = k.act + rows * k.gates;
    k.grad = k.of_state + rows * k.gates;
    k.h_after = k.grad + rows * k.gates;
    k.cell = k.h_after + rows * k.units;
    k.h_grad = k.cell + rows * k.units;
    k.cell_grad = k.h_grad + k.n * k.units;
    return k;
}

/* out: (m, cols) = a (m, inner) x b (cols, inner) transposed + bias in every row */
static void multiply_rows(size_t m, size_t cols, size_t inner, const float *a, const float *b,
                          const float *bias, float *out)
{
    for (size_t i = 0; i < m; i++)
        memcpy(out + i * cols, bias, cols * sizeof *out);
    if (a)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)cols, (int)inner, 1.0F, a,
                    (int)inner, b, (int)inner, 1.0F, out, (int)cols);
}

/* State before row r of sample i, or NULL = 0. */
static const float *before(const float *after, const struct kept *k, size_t r)
{
    return r ? after + (r - 1) * k->n * k->units : NULL;
}

static void copy_or_zero(size_t n, const float *from, float *to)
{
    if (from)
        memcpy(to, from, n * sizeof *to);
    else
        memset(to, 0, n * sizeof *to);
}

static void train_row(const struct nn_layer *layer, const struct kept *k, const struct parts *parts,
                      size_t r)
{
    size_t first = r * k->n;
    multiply_rows(k->n, k->gates, k->units, before(k->h_after, k, r), parts->of_state,
                  parts->state_bias, k->of_state + first * k->gates);
    copy_or_zero(k->n * k->units, before(k->h_after, k, r), k->h_after + first * k->units);
    copy_or_zero(k->n * k->units, before(k->cell, k, r), k->cell + first * k->units);
    for (size_t at = first; at < first + k->n; at++) {
        float *act = k->act + at * k->gates;
        const float *of_state = k->of_state + at * k->gates;
        float *h = k->h_after + at * k->units;
        if (layer->spec.kind == NN_LAYER_GRU)
            gru_gates(k->units, act, of_state, h);
        else
            lstm_gates(k->units, act, of_state, k->cell + at * k->units, h);
    }
}

/* samples: (n, c, h, w), to rows side by side. */
static void turn_in(const struct nn_layer *layer, const struct kept *k, const float *samples)
{
    for (size_t i = 0; i < k->n; i++)
        for (size_t c = 0; c < layer->in.c; c++)
            for (size_t r = 0; r < k->h; r++, samples += layer->in.w)
                memcpy(k->x + (r * k->n + i) * k->inputs + c * layer->in.w, samples,
                       layer->in.w * sizeof *samples);
}

static void turn_back(const struct nn_layer *layer, const struct kept *k, float *ret_samples)
{
    for (size_t i = 0; i < k->n; i++)
        for (size_t c = 0; c < layer->in.c; c++)
            for (size_t r = 0; r < k->h; r++, ret_samples += layer->in.w)
                memcpy(ret_samples, k->x_grad + (r * k->n + i) * k->inputs + c * layer->in.w,
                       layer->in.w * sizeof *ret_samples);
}

static void train_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                          const struct nn_layer_memory *memory, const float *in, float *ret_out)
{
    struct kept k = lay_out(layer, pass->n, memory->kept);
    struct parts parts = split(layer, memory->weights);
    turn_in(layer, &k, in);
    multiply_rows(k.h * k.n, k.gates, k.inputs, k.x, parts.of_input, parts.input_bias, k.act);
    for (size_t r = 0; r < k.h; r++)
        train_row(layer, &k, &parts, r);
    for (size_t i = 0; i < k.n; i++)
        for (size_t u = 0; u < k.units; u++)
            for (size_t r = 0; r < k.h; r++)
                *ret_out++ = k.h_after[(r * k.n + i) * k.units + u];
}

void nn_recurrent_forward(const struct nn_layer *layer, const struct nn_pass *pass,
                          const struct nn_layer_memory *memory, const float *in, float *ret_out)
{
    if (pass->training) {
        train_forward(layer, pass, memory, in, ret_out);
        return;
    }
    for (uint32_t i = 0; i < pass->n; i++)
        forward_rows(layer, pass, memory->weights, in + i * nn_shape_size(layer->in),
                     ret_out + i * nn_shape_size(layer->out));
}

/* One sample's row. h_grad: (units) of h', left as what went straight to h. */
static void gru_back(const struct kept *k, size_t at, const float *h_before, float *h_grad)
{
    size_t units = k->units;
    const float *act = k->act + at * k->gates;
    float *of_state = k->of_state + at * k->gates;
    float *grad = k->grad + at * k->gates;
    for (size_t u = 0; u < units; u++) {
        float r = act[u];
        float z = act[units + u];
        float n = act[2 * units + u];
        float h = h_before ? h_before[u] : 0.0F;
        float new_grad = h_grad[u] * (1.0F - z) * (1.0F - n * n);
        grad[u] = new_grad * of_state[2 * units + u] * r * (1.0F - r);
        grad[units + u] = h_grad[u] * (h - n) * z * (1.0F - z);
        grad[2 * units + u] = new_grad;
        of_state[u] = grad[u];
        of_state[units + u] = grad[units + u];
        of_state[2 * units + u] = new_grad * r;
        h_grad[u] *= z;
    }
}

static void lstm_back(const struct kept *k, size_t at, const float *cell_before, float *h_grad,
                      float *cell_grad)
{
    size_t units = k->units;
    const float *act = k->act + at * k->gates;
    const float *cell = k->cell + at * units;
    float *grad = k->grad + at * k->gates;
    for (size_t u = 0; u < units; u++) {
        float i = act[u];
        float f = act[units + u];
        float g = act[2 * units + u];
        float o = act[3 * units + u];
        float shown = tanhf(cell[u]);
        float all = cell_grad[u] + h_grad[u] * o * (1.0F - shown * shown);
        grad[u] = all * g * i * (1.0F - i);
        grad[units + u] = all * (cell_before ? cell_before[u] : 0.0F) * f * (1.0F - f);
        grad[2 * units + u] = all * i * (1.0F - g * g);
        grad[3 * units + u] = h_grad[u] * shown * o * (1.0F - o);
        cell_grad[u] = all * f;
        h_grad[u] = 0.0F;
    }
    memcpy(k->of_state + at * k->gates, grad, k->gates * sizeof *grad);
}

static void back_row(const struct nn_layer *layer, const struct kept *k, const float *of_state,
                     const float *out_grad, size_t r)
{
    const float *h_before = before(k->h_after, k, r);
    const float *cell_before = before(k->cell, k, r);
    for (size_t i = 0; i < k->n; i++) {
        size_t own = i * k->units;
        for (size_t u = 0; u < k->units; u++)
            k->h_grad[own + u] += out_grad[(own + u) * k->h + r];
        if (layer->spec.kind == NN_LAYER_GRU)
            gru_back(k, r * k->n + i, h_before ? h_before + own : NULL, k->h_grad + own);
        else
            lstm_back(k, r * k->n + i, cell_before ? cell_before + own : NULL, k->h_grad + own,
                      k->cell_grad + own);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)k->n, (int)k->units, (int)k->gates,
                1.0F, k->of_state + r * k->n * k->gates, (int)k->gates, of_state, (int)k->units,
                1.0F, k->h_grad, (int)k->units);
}

/* sums: (cols), added to: of each column of rows: (m, cols) */
static void add_sums(size_t m, size_t cols, const float *rows, float *sums)
{
    for (size_t i = 0; i < m; i++, rows += cols)
        for (size_t j = 0; j < cols; j++)
            sums[j] += rows[j];
}

/* out: (cols, inner), added to: a (m, cols) transposed x b (m, inner) */
static void add_outer(size_t m, size_t cols, size_t inner, const float *a, const float *b,
                      float *out)
{
    if (m > 0)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)cols, (int)inner, (int)m, 1.0F, a,
                    (int)cols, b, (int)inner, 1.0F, out, (int)inner);
}

void nn_recurrent_backward(const struct nn_layer *layer, const struct nn_pass *pass,
                           const struct nn_layer_memory *memory, const struct nn_layer_flow *flow)
{
    struct kept k = lay_out(layer, pass->n, memory->kept);
    struct parts parts = split(layer, memory->weights);
    size_t rows = k.h * k.n;
    memset(k.h_grad, 0, 2 * k.n * k.units * sizeof *k.h_grad);
    for (size_t r = k.h; r-- > 0;)
        back_row(layer, &k, parts.of_state, flow->out_grad, r);
    float *state_grads = memory->weight_grads + k.gates * k.inputs;
    float *bias_grads = state_grads + k.gates * k.units;
    add_outer(rows, k.gates, k.inputs, k.grad, k.x, memory->weight_grads);
    add_outer(rows - k.n, k.gates, k.units, k.of_state + k.n * k.gates, k.h_after, state_grads);
    add_sums(rows, k.gates, k.grad, bias_grads);
    add_sums(rows, k.gates, k.of_state, bias_grads + k.gates);
    if (!flow->in_grad)
        return;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)k.inputs, (int)k.gates,
                1.0F, k.grad, (int)k.gates, parts.of_input, (int)k.inputs, 0.0F, k.x_grad,
                (int)k.inputs);
    turn_back(layer, &k, flow->in_grad);
}
