/* tipwright train: from labelled pictures to a model file, with figures on left-out recordings. */
#include "nn/cmd_train.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/cmd_labelled.h"
#include "nn/cmd_train_blend.h"
#include "nn/cmd_train_figures.h"
#include "nn/cmd_train_output.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "train";

/* Progress over all trainings; those that stop early count as whole once they have. */
struct watch {
    struct progress progress;
    uint32_t folds;
    uint32_t epochs; /* of a training that runs through */
    uint64_t done;
    uint32_t *counted; /* by number of the training */
};

static void show_progress(void *context, const struct nn_crossval_progress *news)
{
    struct watch *watch = context;
    const struct nn_crossval_training *run = news->run;
    const struct nn_epoch *epoch = &run->history[run->epochs - 1];
    char name[80];
    char detail[200];
    uint32_t counted = news->finished ? watch->epochs : run->epochs;
    watch->done += counted - watch->counted[run->number];
    watch->counted[run->number] = counted;
    train_name_run(run, watch->folds, name, sizeof name);
    int length = snprintf(detail, sizeof detail, "%s, %s %u, loss %.4f, rate %.2g", name,
                          news->resumed ? "resumed after epoch" : "epoch", (unsigned)run->epochs,
                          (double)epoch->loss, (double)epoch->rate);
    if (isfinite(epoch->check))
        snprintf(detail + length, sizeof detail - (size_t)length, ", ROC area %.3f",
                 (double)epoch->check);
    progress_update(&watch->progress, watch->done, detail);
}

static char *checkpoint_prefix(const struct train_options *options)
{
    size_t room = strlen(options->output) + sizeof ".checkpoint";
    char *prefix = malloc(room);
    if (!prefix)
        abort();
    snprintf(prefix, room, "%s.checkpoint", options->output);
    return prefix;
}

static void remove_checkpoints(const char *prefix, const struct nn_crossval *crossval)
{
    size_t room = strlen(prefix) + 16;
    char *path = malloc(room);
    for (uint32_t i = 0; path && i < crossval->n_runs; i++) {
        snprintf(path, room, "%s.%u", prefix, (unsigned)crossval->runs[i].number);
        unlink(path);
    }
    free(path);
}

/* The full frame's mean ROC area fold by fold: how much depends on which recordings are new. */
static int print_folds(const struct nn_crossval *crossval, const struct nn_dataset *dataset)
{
    bool *use = calloc(dataset->n_recordings, sizeof *use);
    if (!use)
        return -ENOMEM;
    double sum = 0.0;
    unsigned tried = 0;
    fputs("mean ROC area by fold, all lines:", stdout);
    for (uint32_t fold = 0; fold < crossval->folds; fold++) {
        if (!crossval->tried[fold])
            continue;
        for (uint32_t r = 0; r < dataset->n_recordings; r++)
            use[r] = crossval->fold[r] == fold;
        double mean = nn_report_mean_auc(dataset, crossval->together.at[NN_SHARE_FULL], use);
        printf(" %.3f", mean);
        sum += mean;
        tried++;
    }
    if (tried > 1)
        printf("; mean %.3f", sum / (double)tried);
    putchar('\n');
    free(use);
    return 0;
}

/* Figures of all folds, on stdout and where they were asked for. 0, or negative errno. */
static int tell_figures(const struct train_options *options, const struct train_scores *scores,
                        struct nn_report **ret_report)
{
    struct nn_report_settings settings = {.draws = 1000, .seed = 1};
    struct nn_report *report = NULL;
    int error = nn_report_make(&scores->scores, &settings, &report);
    if (error)
        return error;
    labelled_print(stdout, "left-out recordings", report);
    if (options->figures)
        error = train_figures_write(options->figures, options, report);
    if (error || !ret_report)
        free(report);
    else
        *ret_report = report;
    return error;
}

/* All that left-out frames tell. 0, or -1 after saying why not. */
static int evaluate(const struct train_options *options, const struct nn_crossval *crossval,
                    const struct nn_dataset *dataset, struct nn_report **ret_report)
{
    struct train_scores scores;
    int error = train_scores_make(crossval, NN_MEMBERS_ALL, dataset, &scores);
    const char *what = "figures";
    /* One fold alone has no others to learn its calibration and thresholds from. */
    if (!error && !options->validate)
        error = tell_figures(options, &scores, ret_report);
    if (!error)
        error = print_folds(crossval, dataset);
    if (!error && options->scores) {
        what = options->scores;
        error = nn_scores_save(&scores.scores, options->scores);
    }
    train_scores_finish(&scores);
    if (error)
        terminal_error(command, "%s: %s", what, strerror(-error));
    return error ? -1 : 0;
}

/* One file; says why not. */
static int write_one(const char *path, int error)
{
    if (error)
        terminal_error(command, "%s: %s", path, strerror(-error));
    return error ? -1 : 0;
}

static int write_files(const struct train_options *options, const struct architecture *architecture,
                       const struct nn_crossval *crossval, const struct nn_dataset *dataset)
{
    int bad =
        write_one(options->output, train_write_model(options, architecture, crossval, dataset));
    if (!bad && options->history)
        bad = write_one(options->history, train_write_history(options->history, crossval));
    if (!bad && options->curves)
        bad = write_one(options->curves, train_write_curves(options->curves, crossval));
    return bad;
}

/* All trainings. NULL after saying why not. */
static struct nn_crossval *run(const struct train_options *options,
                               const struct architecture *architecture,
                               const struct nn_dataset *dataset, const char *checkpoints)
{
    struct watch watch = {.folds = options->folds, .epochs = architecture->settings.epochs};
    struct nn_crossval_settings settings = {.train = architecture->settings,
                                            .folds = options->folds,
                                            .only_fold = options->validate ? options->validate - 1
                                                                           : UINT32_MAX,
                                            .members = options->members,
                                            .one_per_label = options->one_per_label,
                                            .fold_members = options->fold_members,
                                            .threads = options->threads,
                                            .checkpoints = checkpoints,
                                            .resume = options->resume,
                                            .progress = show_progress,
                                            .context = &watch};
    uint32_t labels = options->one_per_label ? NN_LABEL_COUNT : 1;
    watch.counted =
        calloc((size_t)(options->folds + 1) * options->members * labels, sizeof *watch.counted);
    if (!watch.counted)
        abort();
    progress_start(&watch.progress, "training",
                   (uint64_t)nn_crossval_count(&settings) * watch.epochs);
    struct nn_crossval *crossval = NULL;
    int error = nn_crossval_run(dataset, &settings, &crossval);
    if (error)
        progress_end(&watch.progress);
    else
        progress_finish(&watch.progress);
    free(watch.counted);
    if (error == -EPROTO)
        terminal_error(command, "%s.*: checkpoints of other settings or data", checkpoints);
    else if (error == -EINVAL)
        terminal_error(command, "these folds, members and settings do not go together; patience "
                                "takes 3 folds, a model has at most 16 networks");
    else if (error)
        terminal_error(command, "training: %s", strerror(-error));
    return crossval;
}

int train_all(const struct train_options *options, const struct architecture *architecture,
              const struct nn_dataset *dataset, struct nn_report **ret_report)
{
    char *checkpoints = checkpoint_prefix(options);
    struct nn_crossval *crossval = run(options, architecture, dataset, checkpoints);
    int bad = crossval ? 0 : -1;
    if (!bad && options->event_scores)
        bad = train_blend_events(options, dataset, crossval);
    if (!bad && options->folds)
        bad = evaluate(options, crossval, dataset, ret_report);
    if (!bad)
        bad = write_files(options, architecture, crossval, dataset);
    if (!bad)
        remove_checkpoints(checkpoints, crossval);
    nn_crossval_destroy(crossval);
    free(checkpoints);
    return bad ? EXIT_INTERNAL : EXIT_OK;
}

int cmd_train(int argc, char **argv)
{
    struct train_options options;
    int status = train_options_read(argc, argv, &options);
    if (status >= 0)
        return status;
    if (options.reproduce)
        return train_reproduce(&options);
    struct architecture *architecture = malloc(sizeof *architecture);
    if (!architecture)
        abort();
    struct nn_dataset *dataset = NULL;
    struct nn_dataset *also = NULL;
    struct nn_model *start = NULL;
    status = EXIT_USAGE;
    if (train_options_architecture(&options, architecture) == 0) {
        status = EXIT_INTERNAL;
        dataset = labelled_load(command, options.labels, options.images);
    }
    if (dataset && options.folds > dataset->n_recordings) {
        terminal_error(command, "%u folds of %u recordings", (unsigned)options.folds,
                       (unsigned)dataset->n_recordings);
        status = EXIT_USAGE;
    } else if (dataset && train_also(&options, architecture, dataset, &also) == 0 &&
               train_start(&options, architecture, dataset, &start) == 0) {
        if (options.n_sizes)
            status = train_sizes(&options, architecture, dataset);
        else
            status = options.search ? train_search(&options, architecture, dataset)
                                    : train_all(&options, architecture, dataset, NULL);
    }
    nn_model_destroy(start);
    nn_dataset_destroy(also);
    nn_dataset_destroy(dataset);
    free(architecture);
    return status;
}
