/* Trainings side by side, each with recordings left out, and what they said about those. */
#include "nn/crossval.h"

#include "nn/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shop {
    const struct nn_dataset *dataset;
    const struct nn_crossval_settings *settings;
    struct nn_crossval *crossval;
    uint32_t all_epochs;  /* of trainings on everything */
    uint32_t first;       /* of the runs now to do */
    pthread_mutex_t lock; /* over the caller's progress */
};

void nn_crossval_destroy(struct nn_crossval *crossval)
{
    if (!crossval)
        return;
    for (uint32_t m = 0; crossval->logits && m < crossval->members; m++)
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            free(crossval->logits[m].at[share]);
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        free(crossval->together.at[share]);
    for (uint32_t i = 0; crossval->runs && i < crossval->n_runs; i++) {
        free(crossval->runs[i].history);
        nn_network_destroy(crossval->runs[i].network);
    }
    free(crossval->logits);
    free(crossval->runs);
    free(crossval->tried);
    free(crossval->fold);
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

/* What the trainer knows by now, into the run; and word of it to the caller. */
static int tell(struct shop *shop, struct nn_crossval_training *run,
                const struct nn_trainer *trainer, bool resumed)
{
    size_t n = nn_trainer_epochs_done(trainer);
    struct nn_epoch *history = realloc(run->history, (n + 1) * sizeof *history);
    if (!history)
        return -ENOMEM;
    memcpy(history, nn_trainer_history(trainer), n * sizeof *history);
    run->history = history;
    run->epochs = (uint32_t)n;
    run->best_epoch = nn_trainer_best_epoch(trainer);
    if (!shop->settings->progress || n == 0)
        return 0;
    struct nn_crossval_progress progress = {
        .run = run, .resumed = resumed, .finished = nn_trainer_finished(trainer)};
    pthread_mutex_lock(&shop->lock);
    shop->settings->progress(shop->settings->context, &progress);
    pthread_mutex_unlock(&shop->lock);
    return 0;
}

static int train_all_epochs(struct shop *shop, struct nn_crossval_training *run,
                            struct nn_trainer *trainer, const char *path)
{
    int error = 0;
    if (path && shop->settings->resume) {
        error = nn_trainer_resume(trainer, path);
        error = error == -ENOENT ? 0 : error;
        if (!error)
            error = tell(shop, run, trainer, true);
    }
    while (!error && !nn_trainer_finished(trainer)) {
        error = nn_trainer_epoch(trainer);
        if (!error && path)
            error = nn_trainer_save(trainer, path);
        if (!error)
            error = tell(shop, run, trainer, false);
    }
    return error;
}

/*
 * A copy of what a run trained; of a network for one label only that label's output remains, which
 * takes a last layer whose outputs have weights of their own.
 */
static int keep_network(struct nn_network *from, const struct nn_train_settings *settings,
                        int label, struct nn_network **ret_network)
{
    struct nn_layer_spec layers[NN_NETWORK_LAYERS_MAX];
    uint32_t last = settings->n_layers - 1;
    memcpy(layers, settings->layers, settings->n_layers * sizeof *layers);
    if (label >= 0)
        layers[last].units = 1;
    struct nn_network *copy;
    int error = nn_network_create(nn_network_input(from), layers, settings->n_layers, &copy);
    if (error)
        return error;
    size_t n;
    size_t kept;
    const float *weights = nn_network_weights(from, &n);
    float *to = nn_network_weights(copy, &kept);
    if (label < 0) {
        memcpy(to, weights, n * sizeof *weights);
    } else {
        const struct nn_layer *layer = nn_network_layer(from, last);
        bool bias = layer->spec.kind == NN_LAYER_DENSE || layer->spec.bias;
        size_t before = n - layer->weights;
        size_t inputs = layer->weights / NN_LABEL_COUNT - bias;
        memcpy(to, weights, before * sizeof *weights);
        memcpy(to + before, weights + before + (size_t)label * inputs, inputs * sizeof *weights);
        if (bias)
            to[before + inputs] = weights[before + NN_LABEL_COUNT * inputs + (size_t)label];
    }
    const float *stats = nn_network_stats(from, &n);
    memcpy(nn_network_stats(copy, &n), stats, n * sizeof *stats);
    *ret_network = copy;
    return 0;
}

/* The left-out recordings' logits of one label only, into the columns of the others' array. */
static int judge_one_label(struct shop *shop, const struct nn_crossval_training *run,
                           struct nn_trainer *trainer, const bool *left_out)
{
    const struct nn_dataset *dataset = shop->dataset;
    size_t values = (size_t)dataset->n * NN_LABEL_COUNT;
    struct nn_crossval_logits *to = &shop->crossval->logits[run->member];
    float *block = malloc(NN_SHARE_COUNT * values * sizeof *block + 1);
    if (!block)
        return -ENOMEM;
    float *logits[NN_SHARE_COUNT];
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        logits[share] = block + share * values;
    int error = nn_evaluate(nn_trainer_network(trainer), &shop->settings->train.input, dataset,
                            left_out, logits);
    for (uint32_t i = 0; i < dataset->n && !error; i++)
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
            size_t at = (size_t)i * NN_LABEL_COUNT + (size_t)run->label;
            if (left_out[dataset->examples[i].recording])
                to->at[share][at] = logits[share][at];
        }
    free(block);
    return error;
}

/* What recordings a run learns from, sets aside to validate on, and leaves out. */
struct parts {
    bool *use, *validate, *left_out; /* (n_recordings) each, in one block that begins with `use` */
};

static int split(const struct shop *shop, const struct nn_crossval_training *run,
                 struct parts *ret_parts)
{
    const struct nn_crossval *crossval = shop->crossval;
    uint32_t n = shop->dataset->n_recordings;
    bool *block = calloc(3 * (size_t)n + 1, sizeof *block);
    if (!block)
        return -ENOMEM;
    struct parts parts = {.use = block, .validate = block + n, .left_out = block + 2 * (size_t)n};
    bool leaves_out = run->fold < crossval->folds;
    bool aside = leaves_out && shop->settings->train.patience > 0;
    uint32_t next = leaves_out ? (run->fold + 1) % crossval->folds : 0;
    for (uint32_t r = 0; r < n; r++) {
        parts.left_out[r] = leaves_out && crossval->fold[r] == run->fold;
        parts.validate[r] = aside ? crossval->fold[r] == next : parts.left_out[r];
        parts.use[r] = !parts.left_out[r] && !parts.validate[r];
    }
    *ret_parts = parts;
    return 0;
}

static int judge(struct shop *shop, struct nn_crossval_training *run, struct nn_trainer *trainer,
                 const bool *left_out)
{
    const struct nn_crossval_settings *settings = shop->settings;
    bool leaves_out = run->fold < settings->folds;
    bool member = !leaves_out || settings->fold_members || settings->only_fold < settings->folds;
    int error = 0;
    if (member)
        error =
            keep_network(nn_trainer_network(trainer), &settings->train, run->label, &run->network);
    if (error || !leaves_out)
        return error;
    if (run->label >= 0)
        return judge_one_label(shop, run, trainer, left_out);
    return nn_evaluate(nn_trainer_network(trainer), &settings->train.input, shop->dataset, left_out,
                       shop->crossval->logits[run->member].at);
}

static int run_training(void *context, uint32_t i)
{
    struct shop *shop = context;
    struct nn_crossval_training *run = &shop->crossval->runs[shop->first + i];
    struct nn_train_settings train = shop->settings->train;
    bool leaves_out = run->fold < shop->settings->folds;
    if (!leaves_out) {
        train.epochs = shop->all_epochs;
        train.patience = 0;
    }
    struct parts parts;
    int error = split(shop, run, &parts);
    if (error)
        return error;
    struct nn_train_part part = {.use = parts.use,
                                 .validate = leaves_out ? parts.validate : NULL,
                                 .number = run->number,
                                 .only = run->label};
    char *path = NULL;
    struct nn_trainer *trainer = NULL;
    error = checkpoint_path(shop->settings, run->number, &path);
    if (!error)
        error = nn_trainer_create(shop->dataset, &train, &part, &trainer);
    if (!error)
        error = train_all_epochs(shop, run, trainer, path);
    if (!error)
        error = judge(shop, run, trainer, parts.left_out);
    nn_trainer_destroy(trainer);
    free(path);
    free(parts.use);
    return error;
}

/* Runs first .. end - 1, as many at a time as there are threads. */
static int run_some(struct shop *shop, uint32_t first, uint32_t end)
{
    shop->first = first;
    return nn_crew_run(shop->settings->threads, end - first, run_training, shop);
}

/* Trainings on everything there will be. */
static uint32_t count_whole(const struct nn_crossval_settings *settings)
{
    bool only = settings->only_fold < settings->folds;
    uint32_t labels = settings->one_per_label ? NN_LABEL_COUNT : 1;
    return only || settings->fold_members ? 0 : settings->members * labels;
}

uint32_t nn_crossval_count(const struct nn_crossval_settings *settings)
{
    uint32_t labels = settings->one_per_label ? NN_LABEL_COUNT : 1;
    uint32_t folds = settings->only_fold < settings->folds ? 1 : settings->folds;
    return folds * settings->members * labels + count_whole(settings);
}

/* All members and labels of one fold, from runs[*at] on. */
static void plan_fold(const struct nn_crossval_settings *settings, uint32_t fold,
                      struct nn_crossval_training *runs, uint32_t *at)
{
    uint32_t labels = settings->one_per_label ? NN_LABEL_COUNT : 1;
    for (uint32_t member = 0; member < settings->members; member++)
        for (uint32_t label = 0; label < labels; label++)
            runs[(*at)++] = (struct nn_crossval_training){
                .number = (fold * settings->members + member) * labels + label,
                .fold = fold,
                .member = member,
                .label = settings->one_per_label ? (int)label : -1};
}

/* The longest trainings, on everything, come first. */
static void plan(struct nn_crossval *crossval, const struct nn_crossval_settings *settings)
{
    uint32_t at = 0;
    if (count_whole(settings))
        plan_fold(settings, settings->folds, crossval->runs, &at);
    for (uint32_t fold = 0; fold < settings->folds; fold++)
        if (settings->only_fold >= settings->folds || settings->only_fold == fold) {
            crossval->tried[fold] = true;
            plan_fold(settings, fold, crossval->runs, &at);
        }
}

static bool allocate_logits(struct nn_crossval_logits *logits, uint32_t n)
{
    bool complete = true;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        logits->at[share] = calloc((size_t)n * NN_LABEL_COUNT + 1, sizeof *logits->at[share]);
        complete = complete && logits->at[share];
    }
    return complete;
}

static struct nn_crossval *create(const struct nn_dataset *dataset,
                                  const struct nn_crossval_settings *settings)
{
    struct nn_crossval *crossval = calloc(1, sizeof *crossval);
    if (!crossval)
        return NULL;
    crossval->n = dataset->n;
    crossval->folds = settings->folds;
    crossval->members = settings->members;
    crossval->one_per_label = settings->one_per_label;
    crossval->fold_members = settings->fold_members;
    crossval->n_runs = nn_crossval_count(settings);
    crossval->runs = calloc(crossval->n_runs, sizeof *crossval->runs);
    crossval->tried = calloc((size_t)settings->folds + 1, sizeof *crossval->tried);
    crossval->fold = calloc(dataset->n_recordings, sizeof *crossval->fold);
    crossval->logits = calloc(settings->members, sizeof *crossval->logits);
    bool complete = crossval->runs && crossval->tried && crossval->fold && crossval->logits &&
                    allocate_logits(&crossval->together, dataset->n);
    for (uint32_t m = 0; complete && m < settings->members; m++)
        complete = allocate_logits(&crossval->logits[m], dataset->n);
    if (!complete) {
        nn_crossval_destroy(crossval);
        return NULL;
    }
    for (uint32_t r = 0; r < dataset->n_recordings; r++)
        crossval->fold[r] = UINT32_MAX;
    if (settings->folds)
        nn_dataset_split(dataset, settings->folds, crossval->fold);
    plan(crossval, settings);
    return crossval;
}

/* Epochs that the folds' best networks had on average; without patience, all. */
static uint32_t typical_epochs(const struct nn_crossval *crossval, uint32_t first)
{
    uint64_t sum = 0;
    uint32_t n = crossval->n_runs - first;
    for (uint32_t i = first; i < crossval->n_runs; i++)
        sum += crossval->runs[i].best_epoch;
    return n && sum ? (uint32_t)((sum + n / 2) / n) : 1;
}

static void average_members(struct nn_crossval *crossval)
{
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        for (size_t i = 0; i < (size_t)crossval->n * NN_LABEL_COUNT; i++) {
            double sum = 0.0;
            for (uint32_t m = 0; m < crossval->members; m++)
                sum += (double)crossval->logits[m].at[share][i];
            crossval->together.at[share][i] = (float)(sum / (double)crossval->members);
        }
}

static bool settings_fit(const struct nn_dataset *dataset,
                         const struct nn_crossval_settings *settings)
{
    uint32_t labels = settings->one_per_label ? NN_LABEL_COUNT : 1;
    uint32_t copies = settings->fold_members ? settings->folds : 1;
    /* To stop early takes a fold beside the one left out and those learned from. */
    uint32_t folds_min = settings->train.patience ? 3 : 2;
    bool folds = settings->folds == 0
                     ? !settings->train.patience && !settings->fold_members
                     : settings->folds >= folds_min && settings->folds <= NN_FOLDS_MAX &&
                           settings->folds <= dataset->n_recordings;
    enum nn_layer_kind last = settings->train.layers[settings->train.n_layers - 1].kind;
    bool apart = last == NN_LAYER_DENSE || last == NN_LAYER_CONV || !settings->one_per_label;
    return folds && apart && settings->threads >= 1 && settings->threads <= NN_CREW_MAX &&
           settings->members >= 1 && settings->members <= NN_MEMBERS_MAX &&
           settings->members * labels * copies <= NN_MEMBERS_MAX;
}

int nn_crossval_run(const struct nn_dataset *dataset, const struct nn_crossval_settings *settings,
                    struct nn_crossval **ret_crossval)
{
    if (!settings_fit(dataset, settings))
        return -EINVAL;
    struct shop shop = {
        .dataset = dataset, .settings = settings, .all_epochs = settings->train.epochs};
    shop.crossval = create(dataset, settings);
    if (!shop.crossval)
        return -ENOMEM;
    pthread_mutex_init(&shop.lock, NULL);
    uint32_t whole = settings->train.patience ? count_whole(settings) : 0;
    int error = run_some(&shop, whole, shop.crossval->n_runs);
    if (!error && whole) {
        shop.all_epochs = typical_epochs(shop.crossval, whole);
        error = run_some(&shop, 0, whole);
    }
    pthread_mutex_destroy(&shop.lock);
    if (error) {
        nn_crossval_destroy(shop.crossval);
        return error;
    }
    average_members(shop.crossval);
    *ret_crossval = shop.crossval;
    return 0;
}
