/* Adam, and gradient descent with plain or Nesterov momentum. */
#include "nn/optimiser.h"

#include "nn/kernel.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { PIECE = 2048 }; /* weights at a time, whose gradients stay in the nearest cache */

struct nn_optimiser {
    struct nn_optimiser_settings settings;
    const struct nn_kernels *kernels;
    size_t n_weights;
    uint64_t steps;
    float *state; /* Adam: first then second moments; else velocities */
};

struct nn_optimiser_settings nn_optimiser_adam(void)
{
    return (struct nn_optimiser_settings){
        .kind = NN_OPTIMISER_ADAM, .momentum = 0.9F, .beta2 = 0.999F, .epsilon = 1e-8F};
}

static size_t state_size(const struct nn_optimiser *optimiser)
{
    return optimiser->n_weights * (optimiser->settings.kind == NN_OPTIMISER_ADAM ? 2 : 1);
}

int nn_optimiser_create(const struct nn_optimiser_settings *settings, size_t n_weights,
                        struct nn_optimiser **ret_optimiser)
{
    struct nn_optimiser *optimiser = calloc(1, sizeof *optimiser);
    if (!optimiser)
        return -ENOMEM;
    optimiser->settings = *settings;
    optimiser->kernels = nn_kernels(nn_isa_best());
    optimiser->n_weights = n_weights;
    optimiser->state = calloc(state_size(optimiser) + 1, sizeof *optimiser->state);
    if (!optimiser->state) {
        free(optimiser);
        return -ENOMEM;
    }
    *ret_optimiser = optimiser;
    return 0;
}

void nn_optimiser_destroy(struct nn_optimiser *optimiser)
{
    if (!optimiser)
        return;
    free(optimiser->state);
    free(optimiser);
}

/* What every gradient is multiplied with, 1 unless they are clipped. */
static float clipping(const struct nn_optimiser *optimiser, const float *grads)
{
    if (optimiser->settings.clip <= 0.0F)
        return 1.0F;
    double squares = 0.0;
    for (size_t i = 0; i < optimiser->n_weights; i++)
        squares += (double)grads[i] * (double)grads[i];
    double length = sqrt(squares);
    double clip = (double)optimiser->settings.clip;
    return length > clip ? (float)(clip / length) : 1.0F;
}

/* One step's gradients: (n_weights), each to be multiplied with `scale`. */
struct slope {
    const float *grads;
    float scale;
};

static void step_adam(struct nn_optimiser *optimiser, float rate, struct slope slope,
                      float *weights)
{
    const struct nn_optimiser_settings *s = &optimiser->settings;
    float *first = optimiser->state;
    float *second = optimiser->state + optimiser->n_weights;
    double steps = (double)optimiser->steps;
    const struct nn_adam adam = {
        .momentum = s->momentum,
        .beta2 = s->beta2,
        .epsilon = s->epsilon,
        .decay = s->decay,
        .rate = rate,
        .first_scale = (float)(1.0 / (1.0 - pow((double)s->momentum, steps))),
        .second_scale = (float)(1.0 / (1.0 - pow((double)s->beta2, steps)))};
    float scaled[PIECE];
    for (size_t at = 0; at < optimiser->n_weights; at += PIECE) {
        size_t n = optimiser->n_weights - at < PIECE ? optimiser->n_weights - at : PIECE;
        const float *grads = slope.grads + at;
        if (slope.scale < 1.0F) {
            for (size_t i = 0; i < n; i++)
                scaled[i] = slope.scale * grads[i];
            grads = scaled;
        }
        optimiser->kernels->adam(&adam, n, grads, first + at, second + at, weights + at);
    }
}

static void step_momentum(struct nn_optimiser *optimiser, float rate, struct slope slope,
                          float *weights)
{
    const struct nn_optimiser_settings *s = &optimiser->settings;
    float *velocity = optimiser->state;
    for (size_t i = 0; i < optimiser->n_weights; i++) {
        float grad = slope.scale * slope.grads[i];
        velocity[i] = s->momentum * velocity[i] + grad;
        float move =
            s->kind == NN_OPTIMISER_NESTEROV ? grad + s->momentum * velocity[i] : velocity[i];
        weights[i] -= rate * (move + s->decay * weights[i]);
    }
}

void nn_optimiser_step(struct nn_optimiser *optimiser, float rate, const float *grads,
                       float *weights)
{
    struct slope slope = {.grads = grads, .scale = clipping(optimiser, grads)};
    optimiser->steps++;
    if (optimiser->settings.kind == NN_OPTIMISER_ADAM)
        step_adam(optimiser, rate, slope, weights);
    else
        step_momentum(optimiser, rate, slope, weights);
}

float *nn_optimiser_state(struct nn_optimiser *optimiser, size_t *ret_values, uint64_t **ret_steps)
{
    *ret_values = state_size(optimiser);
    *ret_steps = &optimiser->steps;
    return optimiser->state;
}
