/* Trainings side by side, each with recordings left out, and what they said about those. */
#include "nn/crossval.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct shop {
    const struct nn_dataset *dataset;
    const struct nn_crossval_settings *settings;
    struct nn_crossval *crossval;
    pthread_mutex_t lock; /* over everything below, and the caller's progress */
    uint32_t next;
    int error; /* the first */
};

void nn_crossval_destroy(struct nn_crossval *crossval)
{
    if (!crossval)
        return;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        free(crossval->logits[share]);
    free(crossval->fold);
    nn_network_destroy(crossval->network);
    free(crossval);
}

static int checkpoint_path(const struct nn_crossval_settings *settings, uint32_t number,
                           char **ret_path)
{
    *ret_path = NULL;
    if (!settings->checkpoints)
        return 0;
    int size = snprintf(NULL, 0, "%s.%u", settings->checkpoints, (unsigned)number) + 1;
    *ret_path = malloc((size_t)size);
    if (!*ret_path)
        return -ENOMEM;
    snprintf(*ret_path, (size_t)size, "%s.%u", settings->checkpoints, (unsigned)number);
    return 0;
}

static void tell(struct shop *shop, uint32_t number, const struct nn_trainer *trainer, double loss)
{
    struct nn_crossval_progress progress = {
        .number = number, .epochs_done = nn_trainer_epochs_done(trainer), .loss = loss};
    if (!shop->settings->progress)
        return;
    pthread_mutex_lock(&shop->lock);
    shop->settings->progress(shop->settings->context, &progress);
    pthread_mutex_unlock(&shop->lock);
}

static int train_all_epochs(struct shop *shop, uint32_t number, struct nn_trainer *trainer,
                            const char *path)
{
    int error = 0;
    if (path && shop->settings->resume) {
        error = nn_trainer_resume(trainer, path);
        error = error == -ENOENT ? 0 : error;
        if (!error)
            tell(shop, number, trainer, (double)NAN);
    }
    while (!error && nn_trainer_epochs_done(trainer) < shop->settings->train.epochs) {
        double loss = 0.0;
        error = nn_trainer_epoch(trainer, &loss);
        if (!error && path)
            error = nn_trainer_save(trainer, path);
        if (!error)
            tell(shop, number, trainer, loss);
    }
    return error;
}

static int copy_network(struct nn_network *from, const struct nn_train_settings *settings,
                        struct nn_network **ret_network)
{
    struct nn_network *copy;
    int error =
        nn_network_create(nn_network_input(from), settings->layers, settings->n_layers, &copy);
    if (error)
        return error;
    size_t n;
    const float *weights = nn_network_weights(from, &n);
    float *to = nn_network_weights(copy, &n);
    for (size_t i = 0; i < n; i++)
        to[i] = weights[i];
    const float *stats = nn_network_stats(from, &n);
    to = nn_network_stats(copy, &n);
    for (size_t i = 0; i < n; i++)
        to[i] = stats[i];
    *ret_network = copy;
    return 0;
}

/* Training `number`: the fold of that number left out, or, with the last, nothing. */
static int run_training(struct shop *shop, uint32_t number)
{
    const struct nn_dataset *dataset = shop->dataset;
    const struct nn_train_settings *train = &shop->settings->train;
    bool *use = calloc(2 * (size_t)dataset->n_recordings, sizeof *use);
    if (!use)
        return -ENOMEM;
    bool *left_out = use + dataset->n_recordings;
    for (uint32_t r = 0; r < dataset->n_recordings; r++) {
        left_out[r] = shop->crossval->fold[r] == number;
        use[r] = !left_out[r];
    }
    char *path = NULL;
    struct nn_trainer *trainer = NULL;
    int error = checkpoint_path(shop->settings, number, &path);
    if (!error)
        error = nn_trainer_create(dataset, train, use, number, &trainer);
    if (!error)
        error = train_all_epochs(shop, number, trainer, path);
    if (!error && number == shop->settings->folds)
        error = copy_network(nn_trainer_network(trainer), train, &shop->crossval->network);
    else if (!error)
        error = nn_evaluate(nn_trainer_network(trainer), &train->input, dataset, left_out,
                            shop->crossval->logits);
    nn_trainer_destroy(trainer);
    free(path);
    free(use);
    return error;
}

static void *work(void *argument)
{
    struct shop *shop = argument;
    for (;;) {
        pthread_mutex_lock(&shop->lock);
        uint32_t folds = shop->settings->folds;
        bool more = shop->next <= folds && shop->error == 0;
        /* The longest training, on everything, first. */
        uint32_t number = more ? (shop->next++ + folds) % (folds + 1) : 0;
        pthread_mutex_unlock(&shop->lock);
        if (!more)
            return NULL;
        int error = run_training(shop, number);
        pthread_mutex_lock(&shop->lock);
        if (error && shop->error == 0)
            shop->error = error;
        pthread_mutex_unlock(&shop->lock);
    }
}

static struct nn_crossval *create(const struct nn_dataset *dataset, uint32_t folds)
{
    struct nn_crossval *crossval = calloc(1, sizeof *crossval);
    if (!crossval)
        return NULL;
    crossval->n = dataset->n;
    crossval->folds = folds;
    crossval->fold = calloc(dataset->n_recordings, sizeof *crossval->fold);
    bool complete = crossval->fold != NULL;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        size_t values = (size_t)dataset->n * NN_LABEL_COUNT;
        crossval->logits[share] = calloc(values, sizeof *crossval->logits[share]);
        complete = complete && crossval->logits[share];
    }
    if (!complete) {
        nn_crossval_destroy(crossval);
        return NULL;
    }
    for (uint32_t r = 0; r < dataset->n_recordings; r++)
        crossval->fold[r] = UINT32_MAX;
    if (folds)
        nn_dataset_split(dataset, folds, crossval->fold);
    return crossval;
}

enum { THREADS_MAX = 64 };

int nn_crossval_run(const struct nn_dataset *dataset, const struct nn_crossval_settings *settings,
                    struct nn_crossval **ret_crossval)
{
    if (settings->folds == 1 || settings->folds > NN_FOLDS_MAX ||
        settings->folds > dataset->n_recordings || settings->threads < 1 ||
        settings->threads > THREADS_MAX)
        return -EINVAL;
    struct shop shop = {.dataset = dataset, .settings = settings};
    shop.crossval = create(dataset, settings->folds);
    if (!shop.crossval)
        return -ENOMEM;
    pthread_mutex_init(&shop.lock, NULL);
    pthread_t threads[THREADS_MAX];
    uint32_t started = 0;
    while (started + 1 < settings->threads &&
           pthread_create(&threads[started], NULL, work, &shop) == 0)
        started++;
    work(&shop);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&shop.lock);
    if (shop.error) {
        nn_crossval_destroy(shop.crossval);
        return shop.error;
    }
    *ret_crossval = shop.crossval;
    return 0;
}

struct nn_calibration nn_crossval_calibrate(const struct nn_crossval *crossval,
                                            const struct nn_dataset *dataset, const bool *use)
{
    struct nn_calibration calibration = {.n = NN_SHARE_COUNT};
    float *columns = calloc(3 * (size_t)dataset->n + 1, sizeof *columns);
    if (!columns)
        abort();
    float *logits = columns;
    float *wanted = columns + dataset->n;
    float *weights = wanted + dataset->n;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        struct nn_calibration_knot *knot = &calibration.knots[share];
        knot->seen = (float)nn_share(share);
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
            uint32_t n = 0;
            for (uint32_t i = 0; i < dataset->n; i++) {
                const struct nn_example *example = &dataset->examples[i];
                /* An unfinished picture never reaches its frame's share. */
                if ((use && !use[example->recording]) ||
                    example->picture.height < example->picture.width)
                    continue;
                logits[n] = crossval->logits[share][(size_t)i * NN_LABEL_COUNT + k];
                wanted[n] = example->wanted[k];
                weights[n++] = 1.0F;
            }
            nn_calibration_fit(n, logits, wanted, weights, &knot->scale[k], &knot->offset[k]);
        }
    }
    free(columns);
    return calibration;
}

void nn_crossval_scores(const struct nn_crossval *crossval, const struct nn_dataset *dataset,
                        uint32_t share, float *ret_scores)
{
    bool *use = calloc(dataset->n_recordings, sizeof *use);
    if (!use)
        abort();
    for (uint32_t fold = 0; fold < crossval->folds; fold++) {
        for (uint32_t r = 0; r < dataset->n_recordings; r++)
            use[r] = crossval->fold[r] != fold;
        struct nn_calibration calibration = nn_crossval_calibrate(crossval, dataset, use);
        for (uint32_t i = 0; i < dataset->n; i++) {
            size_t at = (size_t)i * NN_LABEL_COUNT;
            if (!use[dataset->examples[i].recording])
                nn_calibration_apply(&calibration, (float)nn_share(share),
                                     crossval->logits[share] + at, ret_scores + at);
        }
    }
    free(use);
}
