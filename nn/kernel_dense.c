/*
 * Products of vectors with a matrix, and the optimiser's pass over all weights. One vector: time is
 * the reading of the weights, hence half precision. Packed: blocks of four vectors of outputs, each
 * (input, vector, V).
 */
#include "nn/kernel_parts.h"

enum { BLOCK = 4, TOGETHER = 3 };

#if !defined __AVX2__ && !defined __AVX512F__
typedef uint16_t vec_half __attribute__((vector_size(VECTOR_BYTES / 2), aligned(2), may_alias));
typedef uint32_t vec_bits __attribute__((vector_size(VECTOR_BYTES)));
#endif

/* V finite half-precision numbers. */
INLINE vec load_half(const uint16_t *from)
{
#if defined __AVX512F__
    return (vec)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)from));
#elif defined __AVX2__
    return (vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)from));
#else
    vec_bits bits = __builtin_convertvector(*(const vec_half *)from, vec_bits);
    vec size = (vec)((bits & 0x7FFFU) << 13) * splat(0x1p112F);
    return (vec)((vec_bits)size | (bits & 0x8000U) << 16);
#endif
}

static uint32_t vectors_of(uint32_t units)
{
    return groups_of(units, V);
}

static uint32_t block_from(uint32_t vectors, uint32_t first)
{
    return vectors - first < BLOCK ? vectors - first : BLOCK;
}

size_t KERNEL(nn_dense_weights)(uint32_t units, uint32_t inputs)
{
    return (size_t)vectors_of(units) * V * inputs;
}

size_t KERNEL(nn_dense_scratch)(uint32_t units, uint32_t inputs)
{
    return (size_t)block_from(vectors_of(units), 0) * V * inputs;
}

void KERNEL(nn_dense_pack)(uint32_t units, uint32_t inputs, size_t step, const uint32_t *order,
                           const float *weights, float *ret_packed)
{
    memset(ret_packed, 0, KERNEL(nn_dense_weights)(units, inputs) * sizeof *ret_packed);
    for (uint32_t u = 0; u < units; u++) {
        uint32_t first = u / V / BLOCK * BLOCK;
        uint32_t size = block_from(vectors_of(units), first);
        float *to = ret_packed + (size_t)first * V * inputs + (u / V - first) * V + u % V;
        for (uint32_t i = 0; i < inputs; i++)
            if (!order || order[i] != NN_DENSE_NOTHING)
                to[(size_t)i * size * V] = weights[u * step + (order ? order[i] : i)];
    }
}

struct product {
    uint32_t inputs;
    const float *weights;
    const uint16_t *half;
    const float *in;
    size_t in_step;
    float *out;
    size_t out_step;
};

INLINE void product_block(const uint32_t n, const uint32_t vectors, const bool halved,
                          const struct product *p)
{
    vec sums[TOGETHER][BLOCK];
    UNROLL
    for (uint32_t i = 0; i < n; i++)
        UNROLL
    for (uint32_t v = 0; v < vectors; v++)
        sums[i][v] = (vec){0.0F};
    const float *weights = p->weights;
    const uint16_t *half = p->half;
    const float *in = p->in;
    for (uint32_t k = 0; k < p->inputs; k++, in++) {
        vec values[TOGETHER];
        UNROLL
        for (uint32_t i = 0; i < n; i++)
            values[i] = splat(in[i * p->in_step]);
        UNROLL
        for (uint32_t v = 0; v < vectors; v++) {
            vec w = halved ? load_half(half + v * V) : load(weights + v * V);
            UNROLL
            for (uint32_t i = 0; i < n; i++)
                sums[i][v] = multiply_add(values[i], w, sums[i][v]);
        }
        if (halved)
            half += vectors * V;
        else
            weights += vectors * V;
    }
    UNROLL
    for (uint32_t i = 0; i < n; i++)
        UNROLL
    for (uint32_t v = 0; v < vectors; v++)
        store(p->out + i * p->out_step + v * V, sums[i][v]);
}

/*
 * One vector with two whole blocks: memory answers two readers faster than one. Each sum is the
 * same chain as above.
 */
INLINE void product_pair(const bool halved, const struct product *p)
{
    vec sums[2][BLOCK];
    size_t apart = (size_t)BLOCK * V * p->inputs;
    UNROLL
    for (uint32_t b = 0; b < 2; b++)
        UNROLL
    for (uint32_t v = 0; v < BLOCK; v++)
        sums[b][v] = (vec){0.0F};
    const float *weights = p->weights;
    const uint16_t *half = p->half;
    for (uint32_t k = 0; k < p->inputs; k++) {
        vec value = splat(p->in[k]);
        UNROLL
        for (uint32_t b = 0; b < 2; b++)
            UNROLL
        for (uint32_t v = 0; v < BLOCK; v++) {
            vec w =
                halved ? load_half(half + b * apart + v * V) : load(weights + b * apart + v * V);
            sums[b][v] = multiply_add(value, w, sums[b][v]);
        }
        if (halved)
            half += BLOCK * V;
        else
            weights += BLOCK * V;
    }
    UNROLL
    for (uint32_t b = 0; b < 2; b++)
        UNROLL
    for (uint32_t v = 0; v < BLOCK; v++)
        store(p->out + (b * BLOCK + v) * V, sums[b][v]);
}

#define PRODUCT(n, vectors)                                                                        \
    static void product_##n##_##vectors(const struct product *p)                                   \
    {                                                                                              \
        product_block(n, vectors, false, p);                                                       \
    }
#define PRODUCTS(n) PRODUCT(n, 1) PRODUCT(n, 2) PRODUCT(n, 3) PRODUCT(n, 4)
#define PRODUCT_HALF(vectors)                                                                      \
    static void product_half_##vectors(const struct product *p)                                    \
    {                                                                                              \
        product_block(1, vectors, true, p);                                                        \
    }
/* clang-format off */
PRODUCTS(1)
PRODUCTS(2)
PRODUCTS(3)
PRODUCT_HALF(1)
PRODUCT_HALF(2)
PRODUCT_HALF(3)
PRODUCT_HALF(4)
/* clang-format on */
typedef void product_fn(const struct product *p);
static product_fn *const blocks[TOGETHER][BLOCK] = {
    {product_1_1, product_1_2, product_1_3, product_1_4},
    {product_2_1, product_2_2, product_2_3, product_2_4},
    {product_3_1, product_3_2, product_3_3, product_3_4}};
static product_fn *const half_blocks[BLOCK] = {product_half_1, product_half_2, product_half_3,
                                               product_half_4};

static void expand(const uint16_t *half, size_t n, float *ret)
{
    for (size_t i = 0; i < n; i += V)
        store(ret + i, load_half(half + i));
}

static void multiply_one(const struct nn_dense_call *call)
{
    uint32_t vectors = vectors_of(call->units);
    for (uint32_t first = 0; first < vectors;) {
        uint32_t size = block_from(vectors, first);
        size_t before = (size_t)first * V * call->inputs;
        struct product p = {.inputs = call->inputs,
                            .weights = call->weights ? call->weights + before : NULL,
                            .half = call->weights ? NULL : call->half + before,
                            .in = call->in,
                            .out = call->out + (size_t)first * V};
        if (vectors - first >= 2 * BLOCK) {
            if (p.half)
                product_pair(true, &p);
            else
                product_pair(false, &p);
            first += 2 * BLOCK;
            continue;
        }
        if (p.half)
            half_blocks[size - 1](&p);
        else
            blocks[0][size - 1](&p);
        first += size;
    }
}

static void multiply_many(const struct nn_dense_call *call)
{
    uint32_t vectors = vectors_of(call->units);
    for (uint32_t first = 0; first < vectors; first += BLOCK) {
        uint32_t size = block_from(vectors, first);
        size_t before = (size_t)first * V * call->inputs;
        struct product p = {
            .inputs = call->inputs, .in_step = call->in_step, .out_step = call->out_step};
        if (call->weights) {
            p.weights = call->weights + before;
        } else {
            expand(call->half + before, (size_t)size * V * call->inputs, call->scratch);
            p.weights = call->scratch;
        }
        for (uint32_t i = 0; i < call->n; i += TOGETHER) {
            uint32_t n = call->n - i < TOGETHER ? call->n - i : TOGETHER;
            p.in = call->in + i * call->in_step;
            p.out = call->out + i * call->out_step + (size_t)first * V;
            blocks[n - 1][size - 1](&p);
        }
    }
}

void KERNEL(nn_dense)(const struct nn_dense_call *call)
{
    if (call->n == 1)
        multiply_one(call);
    else
        multiply_many(call);
}

INLINE void adam_step(const struct nn_adam *a, const float *grads, float *first, float *second,
                      float *weights)
{
    vec g = load_anywhere(grads);
    vec m = load_anywhere(first);
    vec s = load_anywhere(second);
    vec w = load_anywhere(weights);
    m += splat(1.0F - a->momentum) * (g - m);
    s += splat(1.0F - a->beta2) * (g * g - s);
    vec move =
        m * splat(a->first_scale) / (square_root(s * splat(a->second_scale)) + splat(a->epsilon));
    w -= splat(a->rate) * (move + splat(a->decay) * w);
    store_anywhere(first, m);
    store_anywhere(second, s);
    store_anywhere(weights, w);
}

void KERNEL(nn_adam)(const struct nn_adam *adam, size_t n, const float *grads, float *first,
                     float *second, float *weights)
{
    size_t i = 0;
    for (; i + V <= n; i += V)
        adam_step(adam, grads + i, first + i, second + i, weights + i);
    if (i == n)
        return;
    /* The rest once more through a whole vector, so that every weight sees the same arithmetic. */
    float rest[4][V] = {{0.0F}};
    size_t size = (n - i) * sizeof(float);
    memcpy(rest[0], grads + i, size);
    memcpy(rest[1], first + i, size);
    memcpy(rest[2], second + i, size);
    memcpy(rest[3], weights + i, size);
    adam_step(adam, rest[0], rest[1], rest[2], rest[3]);
    memcpy(first + i, rest[1], size);
    memcpy(second + i, rest[2], size);
    memcpy(weights + i, rest[3], size);
}
