/* How weights move against their gradient. */
#ifndef NN_OPTIMISER_H
#define NN_OPTIMISER_H

#include <stddef.h>
#include <stdint.h>

enum nn_optimiser_kind {
    NN_OPTIMISER_ADAM,     /* Kingma and Ba 2015; decay is decoupled (Loshchilov and Hutter 2019) */
    NN_OPTIMISER_SGD,      /* v = momentum v + g; w -= rate v */
    NN_OPTIMISER_NESTEROV, /* v = momentum v + g; w -= rate (g + momentum v) */
};

struct nn_optimiser_settings {
    enum nn_optimiser_kind kind;
    float momentum; /* SGD, Nesterov: 0..1; Adam: beta1 */
    float beta2;    /* Adam */
    float epsilon;  /* Adam */
    float decay;    /* weights shrink by rate * decay per step */
    float clip;     /* gradients longer than this are shortened to it, all weights as one vector;
                       0: never */
};

struct nn_optimiser;

/* Adam with beta1 .9, beta2 .999, epsilon 1e-8, no decay. */
struct nn_optimiser_settings nn_optimiser_adam(void);

/* 0, -ENOMEM. */
int nn_optimiser_create(const struct nn_optimiser_settings *settings, size_t n_weights,
                        struct nn_optimiser **ret_optimiser);
void nn_optimiser_destroy(struct nn_optimiser *optimiser);

/* One step at this learning rate. weights, grads: (n_weights). */
void nn_optimiser_step(struct nn_optimiser *optimiser, float rate, const float *grads,
                       float *weights);

/* Its memory, for checkpoints: (values) floats and the number of steps taken. Borrowed. */
float *nn_optimiser_state(struct nn_optimiser *optimiser, size_t *ret_values, uint64_t **ret_steps);

#endif
