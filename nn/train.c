/* Training: views of examples in batches, gradients, steps, the running average. */
#include "nn/trainer.h"

#include "nn/evaluate.h"
#include "nn/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Streams of random numbers, so that one draw more in one place moves nothing elsewhere. */
enum { STREAM_ORDER = 16, STREAM_VIEW, STREAM_DROPOUT, STREAM_MIXUP, STREAM_EXAMPLES, STREAM_ALSO };

static bool settings_fit(const struct nn_train_settings *s, const struct nn_train_part *part)
{
    return s->epochs >= 1 && s->epochs <= 10000 && s->batch >= 2 && s->batch <= 1024 &&
           s->schedule.rate > 0.0F && s->averaging >= 0.0F && s->averaging < 1.0F &&
           s->mixup >= 0.0F && s->mixup <= 1.0F && s->also_share >= 0.0 && s->also_share < 1.0 &&
           part->only < NN_LABEL_COUNT &&
           (s->patience == 0 || (part->validate && s->validate_every > 0));
}

static int create_networks(struct nn_trainer *trainer)
{
    const struct nn_train_settings *s = &trainer->settings;
    struct nn_shape shape = nn_input_shape(&s->input);
    int error = nn_network_create(shape, s->layers, s->n_layers, &trainer->network);
    if (!error)
        error = nn_network_create(shape, s->layers, s->n_layers, &trainer->average);
    if (!error && s->patience)
        error = nn_network_create(shape, s->layers, s->n_layers, &trainer->best);
    if (error)
        return error;
    struct nn_shape output = nn_network_output(trainer->network);
    if (output.c != NN_LABEL_COUNT || output.w != 1)
        return -EINVAL;
    trainer->outputs = NN_LABEL_COUNT * output.h;
    nn_network_randomise(trainer->network, s->seed + trainer->number);
    if (s->start && nn_network_copy(s->start, trainer->network) != 0)
        return -EINVAL;
    nn_network_copy(trainer->network, trainer->average);
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
    size_t outputs = trainer->outputs;
    trainer->history = calloc(trainer->settings.epochs, sizeof *trainer->history);
    trainer->work = malloc(NN_INPUT_POINTS_MAX * sizeof *trainer->work);
    trainer->inputs = malloc(batch * planes * sizeof *trainer->inputs);
    trainer->seen = malloc(batch * sizeof *trainer->seen);
    trainer->wanted = malloc(batch * outputs * sizeof *trainer->wanted);
    trainer->weights = malloc(batch * outputs * sizeof *trainer->weights);
    trainer->grads = malloc(batch * outputs * sizeof *trainer->grads);
    return trainer->history && trainer->work && trainer->inputs && trainer->seen &&
                   trainer->wanted && trainer->weights && trainer->grads
               ? 0
               : -ENOMEM;
}

/* A seed for one thing at one time of this training. */
static struct nn_random draw_at(const struct nn_trainer *trainer, uint64_t stream, uint32_t time,
                                uint64_t index)
{
    uint64_t place = ((uint64_t)trainer->number << 32) + time;
    struct nn_random random = nn_random_seed(trainer->settings.seed, stream, place);
    return nn_random_seed(nn_random_bits(&random), stream, index);
}

/* A seed for one thing in one epoch. */
static struct nn_random draw(const struct nn_trainer *trainer, uint64_t stream, uint64_t index)
{
    return draw_at(trainer, stream, trainer->epochs_done, index);
}

/* How many of settings.also make up their share of an epoch. */
static uint32_t count_also(const struct nn_trainer *trainer)
{
    const struct nn_train_settings *s = &trainer->settings;
    if (!s->also)
        return 0;
    double wanted = floor((double)trainer->n * s->also_share / (1.0 - s->also_share) + 0.5);
    return wanted < (double)s->also->n ? (uint32_t)wanted : s->also->n;
}

static int pick_examples(struct nn_trainer *trainer, const struct nn_train_part *part)
{
    const struct nn_dataset *dataset = trainer->dataset;
    trainer->order = malloc(dataset->n * sizeof *trainer->order);
    if (!trainer->order)
        return -ENOMEM;
    for (uint32_t i = 0; i < dataset->n; i++)
        if (part->use[dataset->examples[i].recording])
            trainer->order[trainer->n++] = i;
    uint32_t wanted = trainer->settings.examples;
    if (wanted && wanted < trainer->n) {
        /* The first of one random order, so that fewer are among more. */
        struct nn_random random = draw(trainer, STREAM_EXAMPLES, 0);
        nn_random_shuffle(&random, trainer->order, trainer->n);
        trainer->n = wanted;
    }
    trainer->n_also = count_also(trainer);
    if (part->validate) {
        size_t size = dataset->n_recordings * sizeof *trainer->validate;
        trainer->validate = malloc(size);
        if (!trainer->validate)
            return -ENOMEM;
        memcpy(trainer->validate, part->validate, size);
    }
    return trainer->n >= 2 ? 0 : -EINVAL;
}

int nn_trainer_create(const struct nn_dataset *dataset, const struct nn_train_settings *settings,
                      const struct nn_train_part *part, struct nn_trainer **ret_trainer)
{
    if (!settings_fit(settings, part))
        return -EINVAL;
    struct nn_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return -ENOMEM;
    trainer->dataset = dataset;
    trainer->settings = *settings;
    trainer->number = part->number;
    trainer->only = part->only;
    int error = pick_examples(trainer, part);
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
    trainer->goal = nn_goal_balanced(&settings->goal, dataset, trainer->order, trainer->n);
    *ret_trainer = trainer;
    return 0;
}

void nn_trainer_destroy(struct nn_trainer *trainer)
{
    if (!trainer)
        return;
    nn_network_destroy(trainer->network);
    nn_network_destroy(trainer->average);
    nn_network_destroy(trainer->best);
    nn_workspace_destroy(trainer->workspace);
    nn_optimiser_destroy(trainer->optimiser);
    nn_input_destroy(trainer->input);
    free(trainer->history);
    free(trainer->order);
    free(trainer->validate);
    free(trainer->work);
    free(trainer->inputs);
    free(trainer->seen);
    free(trainer->wanted);
    free(trainer->weights);
    free(trainer->grads);
    free(trainer);
}

static float led_in(const struct nn_input_spec *spec)
{
    return (float)spec->lead_in / (float)(spec->lead_in + spec->rows);
}

/* An index as epochs have it: the dataset's examples, then those of settings.also. */
static const struct nn_example *example_at(const struct nn_trainer *trainer, uint32_t index)
{
    uint32_t own = trainer->dataset->n;
    return index < own ? &trainer->dataset->examples[index]
                       : &trainer->settings.also->examples[index - own];
}

static int show_example(struct nn_trainer *trainer, uint32_t index, uint32_t place)
{
    const struct nn_example *example = example_at(trainer, index);
    size_t planes = nn_shape_size(nn_network_input(trainer->network));
    struct nn_random random = draw(trainer, STREAM_VIEW, index);
    struct nn_view view = nn_view_random(&example->picture, &trainer->settings.augment, &random);
    int error = nn_view_show(&view, &example->picture, trainer->work, trainer->input);
    if (error)
        return error;
    nn_input_write(trainer->input, trainer->inputs + place * planes);
    trainer->seen[place] = nn_input_seen(trainer->input);
    struct nn_goal_view goal_view = {.example = example,
                                     .rows = trainer->outputs / NN_LABEL_COUNT,
                                     .led_in = led_in(&trainer->settings.input),
                                     .seen = trainer->seen[place],
                                     .only = trainer->only};
    size_t at = (size_t)place * trainer->outputs;
    nn_goal_fill(&trainer->goal, &goal_view, trainer->wanted + at, trainer->weights + at);
    return 0;
}

/* Beta(alpha, alpha) for alpha in (0, 1] (Johnk 1964). */
static double draw_beta(struct nn_random *random, double alpha)
{
    for (;;) {
        double x = pow(nn_random_unit(random), 1.0 / alpha);
        double y = pow(nn_random_unit(random), 1.0 / alpha);
        if (x + y > 0.0 && x + y <= 1.0)
            return x / (x + y);
    }
}

/* Neighbours in the batch, which stand in random order, become mixtures of each other. */
static void mix_pairs(struct nn_trainer *trainer, uint32_t n, uint32_t step)
{
    struct nn_random random = draw(trainer, STREAM_MIXUP, step);
    size_t planes = nn_shape_size(nn_network_input(trainer->network));
    size_t outputs = trainer->outputs;
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        float share = (float)draw_beta(&random, (double)trainer->settings.mixup);
        float *a = trainer->inputs + i * planes;
        float *b = a + planes;
        for (size_t k = 0; k < planes; k++) {
            float difference = (1.0F - share) * (b[k] - a[k]);
            a[k] += difference;
            b[k] -= difference;
        }
        float *wanted[2] = {trainer->wanted + i * outputs, trainer->wanted + (i + 1) * outputs};
        float *weights[2] = {trainer->weights + i * outputs, trainer->weights + (i + 1) * outputs};
        nn_goal_mix(share, trainer->outputs, wanted, weights);
        float seen = fmaxf(trainer->seen[i], trainer->seen[i + 1]);
        trainer->seen[i] = trainer->seen[i + 1] = seen;
    }
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

static double learn_batch(struct nn_trainer *trainer, uint32_t n, uint32_t step, float rate)
{
    struct nn_random random = draw(trainer, STREAM_DROPOUT, step);
    struct nn_batch batch = {.n = n,
                             .inputs = trainer->inputs,
                             .seen = trainer->seen,
                             .dropout_seed = nn_random_bits(&random)};
    struct nn_targets targets = {.n = n,
                                 .k = NN_LABEL_COUNT,
                                 .rows = trainer->outputs / NN_LABEL_COUNT,
                                 .wanted = trainer->wanted,
                                 .weights = trainer->weights};
    const float *logits = nn_network_train(trainer->network, trainer->workspace, &batch);
    double loss = nn_loss(trainer->goal.loss, &targets, logits, trainer->grads);
    const float *grads =
        nn_network_learn(trainer->network, trainer->workspace, &batch, trainer->grads);
    nn_network_absorb(trainer->network, trainer->workspace, 0.1F);
    size_t n_weights;
    float *weights = nn_network_weights(trainer->network, &n_weights);
    nn_optimiser_step(trainer->optimiser, rate, grads, weights);
    size_t values;
    uint64_t *taken;
    nn_optimiser_state(trainer->optimiser, &values, &taken);
    update_average(trainer, *taken);
    return loss;
}

/* All batches of an epoch. order: (total) examples. */
static int learn_all(struct nn_trainer *trainer, const uint32_t *order, uint32_t total)
{
    const struct nn_train_settings *s = &trainer->settings;
    uint32_t steps = total / s->batch ? total / s->batch : 1;
    /* The few that do not fill a batch wait for another epoch, in another order. */
    uint32_t n = total < s->batch ? total : s->batch;
    double sum = 0.0;
    float rate = 0.0F;
    for (uint32_t step = 0; step < steps; step++) {
        for (uint32_t i = 0; i < n; i++) {
            int error = show_example(trainer, order[step * s->batch + i], i);
            if (error)
                return error;
        }
        if (s->mixup > 0.0F)
            mix_pairs(trainer, n, step);
        double done = (double)trainer->epochs_done + (double)(step + 1) / (double)steps;
        rate = nn_schedule_rate(&s->schedule, s->epochs, done);
        sum += learn_batch(trainer, n, step, rate);
    }
    trainer->history[trainer->epochs_done] =
        (struct nn_epoch){.rate = rate, .loss = (float)(sum / (double)steps), .check = NAN};
    return 0;
}

int nn_train_area(const struct nn_dataset *dataset, const bool *use, int only, const float *logits,
                  float *ret_area)
{
    float *scores = malloc(dataset->n * sizeof *scores);
    float *positive = malloc(dataset->n * sizeof *positive);
    double sum = 0.0;
    int labels = 0;
    for (int k = 0; k < NN_LABEL_COUNT && scores && positive; k++) {
        struct nn_judged judged = {.scores = scores, .positive = positive};
        for (uint32_t i = 0; i < dataset->n; i++) {
            const struct nn_example *example = &dataset->examples[i];
            if (!use[example->recording] || example->picture.height < example->picture.width)
                continue;
            scores[judged.n] = logits[(size_t)i * NN_LABEL_COUNT + (size_t)k];
            positive[judged.n++] = example->wanted[k] >= 0.5F ? 1.0F : 0.0F;
        }
        double area = nn_metric_auc(&judged);
        if (isfinite(area) && (only < 0 || only == k)) {
            sum += area;
            labels++;
        }
    }
    bool complete = scores && positive;
    free(scores);
    free(positive);
    *ret_area = labels ? (float)(sum / (double)labels) : NAN;
    return complete ? 0 : -ENOMEM;
}

static int look_at_left_out(struct nn_trainer *trainer)
{
    const struct nn_dataset *dataset = trainer->dataset;
    float *logits = calloc((size_t)dataset->n * NN_LABEL_COUNT + 1, sizeof *logits);
    if (!logits)
        return -ENOMEM;
    float *shares[NN_SHARE_COUNT] = {[NN_SHARE_FULL] = logits};
    int error =
        nn_evaluate(trainer->average, &trainer->settings.input, dataset, trainer->validate, shares);
    struct nn_epoch *epoch = &trainer->history[trainer->epochs_done];
    if (!error)
        error = nn_train_area(dataset, trainer->validate, trainer->only, logits, &epoch->check);
    free(logits);
    if (error || !trainer->settings.patience)
        return error;
    bool better =
        trainer->best_epoch == 0 || epoch->check > trainer->history[trainer->best_epoch - 1].check;
    if (better) {
        trainer->best_epoch = trainer->epochs_done + 1;
        nn_network_copy(trainer->average, trainer->best);
    }
    return 0;
}

/*
 * This epoch's part of settings.also: in one random order after another, so that each is shown as
 * often as the others. ret_order: (n_also).
 */
static int pick_also(const struct nn_trainer *trainer, uint32_t *ret_order)
{
    uint32_t there = trainer->settings.also->n;
    uint32_t *shuffled = malloc(there * sizeof *shuffled);
    if (!shuffled)
        return -ENOMEM;
    uint64_t first = (uint64_t)trainer->epochs_done * trainer->n_also;
    for (uint32_t i = 0; i < trainer->n_also; i++) {
        uint32_t at = (uint32_t)((first + i) % there);
        if (i == 0 || at == 0) {
            for (uint32_t k = 0; k < there; k++)
                shuffled[k] = trainer->dataset->n + k;
            struct nn_random random =
                draw_at(trainer, STREAM_ALSO, (uint32_t)((first + i) / there), 0);
            nn_random_shuffle(&random, shuffled, there);
        }
        ret_order[i] = shuffled[at];
    }
    free(shuffled);
    return 0;
}

int nn_trainer_epoch(struct nn_trainer *trainer)
{
    const struct nn_train_settings *s = &trainer->settings;
    struct nn_random random = draw(trainer, STREAM_ORDER, 0);
    uint32_t total = trainer->n + trainer->n_also;
    /* From the same order each time, so that an epoch does not depend on how it was reached. */
    uint32_t *order = malloc(total * sizeof *order);
    if (!order)
        return -ENOMEM;
    memcpy(order, trainer->order, trainer->n * sizeof *order);
    int error = trainer->n_also ? pick_also(trainer, order + trainer->n) : 0;
    if (!error) {
        nn_random_shuffle(&random, order, total);
        error = learn_all(trainer, order, total);
    }
    free(order);
    bool due = trainer->validate && s->validate_every > 0 &&
               ((trainer->epochs_done + 1) % s->validate_every == 0 ||
                trainer->epochs_done + 1 == s->epochs);
    if (!error && due)
        error = look_at_left_out(trainer);
    if (!error)
        trainer->epochs_done++;
    return error;
}

bool nn_trainer_finished(const struct nn_trainer *trainer)
{
    const struct nn_train_settings *s = &trainer->settings;
    return trainer->epochs_done >= s->epochs ||
           (s->patience && trainer->best_epoch &&
            trainer->epochs_done - trainer->best_epoch >= s->patience);
}

uint32_t nn_trainer_epochs_done(const struct nn_trainer *trainer)
{
    return trainer->epochs_done;
}

const struct nn_epoch *nn_trainer_history(const struct nn_trainer *trainer)
{
    return trainer->history;
}

uint32_t nn_trainer_best_epoch(const struct nn_trainer *trainer)
{
    return trainer->best_epoch ? trainer->best_epoch : trainer->epochs_done;
}

struct nn_network *nn_trainer_network(struct nn_trainer *trainer)
{
    return trainer->best_epoch ? trainer->best : trainer->average;
}
