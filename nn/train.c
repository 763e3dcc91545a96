/* Training: views of examples in batches, gradients, steps, the running average. */
#include "nn/trainer.h"

#include "nn/loss.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Streams of random numbers, so that one draw more in one place moves nothing elsewhere. */
enum { STREAM_ORDER = 16, STREAM_VIEW, STREAM_DROPOUT };

static bool settings_fit(const struct nn_train_settings *s)
{
    return s->epochs >= 1 && s->epochs <= 10000 && s->batch >= 2 && s->batch <= 1024 &&
           s->cycle >= 1 && s->rate > 0.0F && s->averaging >= 0.0F && s->averaging < 1.0F;
}

static int create_networks(struct nn_trainer *trainer)
{
    const struct nn_train_settings *s = &trainer->settings;
    struct nn_shape shape = nn_input_shape(&s->input);
    int error = nn_network_create(shape, s->layers, s->n_layers, &trainer->network);
    if (!error)
        error = nn_network_create(shape, s->layers, s->n_layers, &trainer->average);
    if (error)
        return error;
    if (nn_shape_size(nn_network_output(trainer->network)) != NN_LABEL_COUNT)
        return -EINVAL;
    nn_network_randomise(trainer->network, s->seed + trainer->number);
    nn_network_randomise(trainer->average, s->seed + trainer->number);
    size_t n_weights;
    nn_network_weights(trainer->network, &n_weights);
    error = nn_optimiser_create(&s->optimiser, n_weights, &trainer->optimiser);
    if (!error)
        error = nn_workspace_create(trainer->network, s->batch, true, &trainer->workspace);
    return error;
}

static int create_buffers(struct nn_trainer *trainer)
{
    size_t batch = trainer->settings.batch;
    size_t planes = nn_shape_size(nn_network_input(trainer->network));
    trainer->work = malloc(NN_INPUT_POINTS_MAX * sizeof *trainer->work);
    trainer->inputs = malloc(batch * planes * sizeof *trainer->inputs);
    trainer->seen = malloc(batch * sizeof *trainer->seen);
    trainer->wanted = malloc(batch * NN_LABEL_COUNT * sizeof *trainer->wanted);
    trainer->weights = malloc(batch * NN_LABEL_COUNT * sizeof *trainer->weights);
    trainer->grads = malloc(batch * NN_LABEL_COUNT * sizeof *trainer->grads);
    return trainer->work && trainer->inputs && trainer->seen && trainer->wanted &&
                   trainer->weights && trainer->grads
               ? 0
               : -ENOMEM;
}

static int pick_examples(struct nn_trainer *trainer, const bool *use)
{
    trainer->order = malloc(trainer->dataset->n * sizeof *trainer->order);
    if (!trainer->order)
        return -ENOMEM;
    for (uint32_t i = 0; i < trainer->dataset->n; i++)
        if (use[trainer->dataset->examples[i].recording])
            trainer->order[trainer->n++] = i;
    return trainer->n >= 2 ? 0 : -EINVAL;
}

int nn_trainer_create(const struct nn_dataset *dataset, const struct nn_train_settings *settings,
                      const bool *use, uint32_t number, struct nn_trainer **ret_trainer)
{
    if (!settings_fit(settings))
        return -EINVAL;
    struct nn_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return -ENOMEM;
    trainer->dataset = dataset;
    trainer->settings = *settings;
    trainer->number = number;
    int error = pick_examples(trainer, use);
    if (!error)
        error = create_networks(trainer);
    if (!error)
        error = create_buffers(trainer);
    if (!error)
        error = nn_input_create(&settings->input, &trainer->input);
    if (error) {
        nn_trainer_destroy(trainer);
        return error;
    }
    *ret_trainer = trainer;
    return 0;
}

void nn_trainer_destroy(struct nn_trainer *trainer)
{
    if (!trainer)
        return;
    nn_network_destroy(trainer->network);
    nn_network_destroy(trainer->average);
    nn_workspace_destroy(trainer->workspace);
    nn_optimiser_destroy(trainer->optimiser);
    nn_input_destroy(trainer->input);
    free(trainer->order);
    free(trainer->work);
    free(trainer->inputs);
    free(trainer->seen);
    free(trainer->wanted);
    free(trainer->weights);
    free(trainer->grads);
    free(trainer);
}

/* A seed for one thing in one epoch of this training. */
static struct nn_random draw(const struct nn_trainer *trainer, uint64_t stream, uint64_t index)
{
    uint64_t place = ((uint64_t)trainer->number << 32) + trainer->epochs_done;
    struct nn_random random = nn_random_seed(trainer->settings.seed, stream, place);
    return nn_random_seed(nn_random_bits(&random), stream, index);
}

static int show_example(struct nn_trainer *trainer, uint32_t index, uint32_t place)
{
    const struct nn_example *example = &trainer->dataset->examples[index];
    size_t planes = nn_shape_size(nn_network_input(trainer->network));
    struct nn_random random = draw(trainer, STREAM_VIEW, index);
    struct nn_view view = nn_view_random(&example->picture, &trainer->settings.augment, &random);
    int error = nn_view_show(&view, &example->picture, trainer->work, trainer->input);
    if (error)
        return error;
    nn_input_write(trainer->input, trainer->inputs + place * planes);
    trainer->seen[place] = nn_input_seen(trainer->input);
    /* Two votes are worth more than one, but not twice as much: raters share their habits. */
    float trust = sqrtf(fminf(example->responses, 4.0F));
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        size_t at = (size_t)place * NN_LABEL_COUNT + k;
        float wanted = example->wanted[k];
        float positive = trainer->settings.class_weights[k];
        trainer->wanted[at] = positive * wanted / (positive * wanted + 1.0F - wanted);
        trainer->weights[at] = trust * (positive * wanted + 1.0F - wanted);
    }
    return 0;
}

/* Learning rate of one step: up over the first epoch, then down as a cosine, cycle by cycle. */
static float rate_at(const struct nn_trainer *trainer, uint32_t step, uint32_t steps)
{
    const struct nn_train_settings *s = &trainer->settings;
    uint32_t cycle = trainer->epochs_done / s->cycle;
    uint32_t start = cycle * s->cycle;
    uint32_t length = s->epochs - start < s->cycle ? s->epochs - start : s->cycle;
    double top = (double)s->rate * pow(0.5, (double)cycle);
    double done = (double)(trainer->epochs_done - start) + (double)(step + 1) / (double)steps;
    if (done < 1.0)
        return (float)(top * done);
    double rest = ((double)length - done) / fmax((double)length - 1.0, 1.0);
    return (float)(top * (0.5 - 0.5 * cos(3.141592653589793 * fmin(rest, 1.0))));
}

static void move_average(float keep, size_t n, const float *from, float *average)
{
    for (size_t i = 0; i < n; i++)
        average[i] = keep * average[i] + (1.0F - keep) * from[i];
}

static void update_average(struct nn_trainer *trainer, uint64_t steps)
{
    /* At the start the average is as old as the training, not older. */
    float keep = fminf(trainer->settings.averaging, (float)steps / (float)(steps + 9));
    size_t n;
    const float *weights = nn_network_weights(trainer->network, &n);
    move_average(keep, n, weights, nn_network_weights(trainer->average, &n));
    const float *stats = nn_network_stats(trainer->network, &n);
    move_average(keep, n, stats, nn_network_stats(trainer->average, &n));
}

static double learn_batch(struct nn_trainer *trainer, uint32_t n, uint32_t step, uint32_t steps)
{
    struct nn_random random = draw(trainer, STREAM_DROPOUT, step);
    struct nn_batch batch = {.n = n,
                             .inputs = trainer->inputs,
                             .seen = trainer->seen,
                             .dropout_seed = nn_random_bits(&random)};
    struct nn_targets targets = {
        .n = n, .k = NN_LABEL_COUNT, .wanted = trainer->wanted, .weights = trainer->weights};
    const float *logits = nn_network_train(trainer->network, trainer->workspace, &batch);
    double loss = nn_loss_binary(&targets, logits, trainer->grads);
    const float *grads =
        nn_network_learn(trainer->network, trainer->workspace, &batch, trainer->grads);
    nn_network_absorb(trainer->network, trainer->workspace, 0.1F);
    size_t n_weights;
    float *weights = nn_network_weights(trainer->network, &n_weights);
    nn_optimiser_step(trainer->optimiser, rate_at(trainer, step, steps), grads, weights);
    size_t values;
    uint64_t *taken;
    nn_optimiser_state(trainer->optimiser, &values, &taken);
    update_average(trainer, *taken);
    return loss;
}

int nn_trainer_epoch(struct nn_trainer *trainer, double *ret_loss)
{
    uint32_t batch = trainer->settings.batch;
    struct nn_random random = draw(trainer, STREAM_ORDER, 0);
    /* From the same order each time, so that an epoch does not depend on how it was reached. */
    uint32_t *order = malloc(trainer->n * sizeof *order);
    if (!order)
        return -ENOMEM;
    memcpy(order, trainer->order, trainer->n * sizeof *order);
    nn_random_shuffle(&random, order, trainer->n);
    uint32_t steps = trainer->n / batch ? trainer->n / batch : 1;
    double sum = 0.0;
    int error = 0;
    for (uint32_t step = 0; step < steps && !error; step++) {
        /* The few that do not fill a batch wait for another epoch, in another order. */
        uint32_t n = trainer->n < batch ? trainer->n : batch;
        for (uint32_t i = 0; i < n && !error; i++)
            error = show_example(trainer, order[step * batch + i], i);
        if (!error)
            sum += learn_batch(trainer, n, step, steps);
    }
    free(order);
    if (error)
        return error;
    trainer->epochs_done++;
    *ret_loss = sum / (double)steps;
    return 0;
}

uint32_t nn_trainer_epochs_done(const struct nn_trainer *trainer)
{
    return trainer->epochs_done;
}

struct nn_network *nn_trainer_network(struct nn_trainer *trainer)
{
    return trainer->average;
}
