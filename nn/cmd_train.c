/* tipwright train: from labelled pictures to a model file, with figures on left-out recordings. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/architecture.h"
#include "nn/cmd_labelled.h"
#include "nn/crossval.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "train";

struct options {
    const char *labels;
    const char *images;
    const char *output;
    uint32_t folds;
    uint32_t threads;
    bool resume;
    struct nn_train_settings train;
};

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright train --labels TABLE --images FOLDER --output MODEL [OPTION]...\n"
        "Train a network on labelled pictures and write it as a model file. Figures come from\n"
        "folds of whole recordings that their network never saw; the model itself is trained\n"
        "on all of them, with the same settings.\n"
        "\n"
        "  -l, --labels TABLE     CSV with columns image, recording, responses and six scores\n"
        "  -i, --images FOLDER    where the pictures (PNG) are\n"
        "  -o, --output MODEL     model file to write; checkpoints lie beside it until then\n"
        "  -k, --folds K          folds to leave out in turn (6); 0: no figures\n"
        "  -e, --epochs N         passes over the pictures (30)\n"
        "  -c, --cycle N          epochs in which the learning rate falls to 0, to start again at\n"
        "                         half its height (30)\n"
        "  -b, --batch N          pictures per step (16)\n"
        "  -r, --rate R           highest learning rate (0.004)\n"
        "  -s, --seed S           start of all that is random (1)\n"
        "  -m, --mirror           verdicts on the frame and its mirror image: half as fast\n"
        "  -t, --threads N        trainings at a time (1); the result is the same\n"
        "  -R, --resume           go on from the checkpoints of an interrupted training\n"
        "      --help             this text\n"
        "\n"
        "Exit status: 0 written, 1 failed, 2 usage.\n",
        out);
}

/* One numeric option. 0, or -1 after saying why not. */
static int take_number(struct options *options, int letter, const char *text)
{
    double value;
    struct nn_train_settings *train = &options->train;
    switch (letter) {
    case 'k':
        if (labelled_number(command, "--folds", text, 0, NN_FOLDS_MAX, &value) != 0)
            return -1;
        options->folds = (uint32_t)value;
        return 0;
    case 'e':
        if (labelled_number(command, "--epochs", text, 1, 10000, &value) != 0)
            return -1;
        train->epochs = (uint32_t)value;
        return 0;
    case 'c':
        if (labelled_number(command, "--cycle", text, 1, 10000, &value) != 0)
            return -1;
        train->cycle = (uint32_t)value;
        return 0;
    case 'b':
        if (labelled_number(command, "--batch", text, 2, 1024, &value) != 0)
            return -1;
        train->batch = (uint32_t)value;
        return 0;
    case 'r':
        if (labelled_number(command, "--rate", text, 1e-6, 1, &value) != 0)
            return -1;
        train->rate = (float)value;
        return 0;
    case 's':
        if (labelled_number(command, "--seed", text, 0, 4294967295.0, &value) != 0)
            return -1;
        train->seed = (uint64_t)value;
        return 0;
    default:
        if (labelled_number(command, "--threads", text, 1, 64, &value) != 0)
            return -1;
        options->threads = (uint32_t)value;
        return 0;
    }
}

/* An exit status, or -1 to go on. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"labels", required_argument, NULL, 'l'}, {"images", required_argument, NULL, 'i'},
        {"output", required_argument, NULL, 'o'}, {"folds", required_argument, NULL, 'k'},
        {"epochs", required_argument, NULL, 'e'}, {"batch", required_argument, NULL, 'b'},
        {"cycle", required_argument, NULL, 'c'},  {"rate", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'},   {"threads", required_argument, NULL, 't'},
        {"resume", no_argument, NULL, 'R'},       {"mirror", no_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    optind = 1;
    int letter;
    while ((letter = getopt_long(argc, argv, "l:i:o:k:e:c:b:r:s:t:Rm", names, NULL)) != -1) {
        if (letter == 'h') {
            print_usage(stdout);
            return EXIT_OK;
        }
        if (letter == '?')
            return EXIT_USAGE;
        if (letter == 'l')
            options->labels = optarg;
        else if (letter == 'i')
            options->images = optarg;
        else if (letter == 'o')
            options->output = optarg;
        else if (letter == 'R')
            options->resume = true;
        else if (letter == 'm')
            options->train.input.looks = 2;
        else if (take_number(options, letter, optarg) != 0)
            return EXIT_USAGE;
    }
    if (optind < argc) {
        terminal_error(command, "unexpected argument '%s'", argv[optind]);
        return EXIT_USAGE;
    }
    if (!options->labels || !options->images || !options->output) {
        terminal_error(command, "--labels, --images and --output are needed; see --help");
        return EXIT_USAGE;
    }
    if (options->folds == 1) {
        terminal_error(command, "--folds: one fold leaves nothing to train on; 0 or 2 and more");
        return EXIT_USAGE;
    }
    return -1;
}

struct watch {
    struct progress progress;
    uint64_t done;
    uint32_t folds;
    uint32_t epochs[NN_FOLDS_MAX + 1];
};

static void show_progress(void *context, const struct nn_crossval_progress *news)
{
    struct watch *watch = context;
    char detail[80];
    watch->done += news->epochs_done - watch->epochs[news->number];
    watch->epochs[news->number] = news->epochs_done;
    if (!isfinite(news->loss))
        snprintf(detail, sizeof detail, "resumed after epoch %u", (unsigned)news->epochs_done);
    else if (news->number == watch->folds)
        snprintf(detail, sizeof detail, "all, epoch %u, loss %.4f", (unsigned)news->epochs_done,
                 news->loss);
    else
        snprintf(detail, sizeof detail, "fold %u, epoch %u, loss %.4f", (unsigned)news->number + 1,
                 (unsigned)news->epochs_done, news->loss);
    progress_update(&watch->progress, watch->done, detail);
}

static char *checkpoint_prefix(const struct options *options)
{
    size_t room = strlen(options->output) + sizeof ".checkpoint";
    char *prefix = malloc(room);
    if (prefix)
        snprintf(prefix, room, "%s.checkpoint", options->output);
    return prefix;
}

static void remove_checkpoints(const char *prefix, uint32_t folds)
{
    size_t room = strlen(prefix) + 16;
    char *path = malloc(room);
    for (uint32_t i = 0; path && i <= folds; i++) {
        snprintf(path, room, "%s.%u", prefix, (unsigned)i);
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
    fputs("mean ROC area by fold, all lines:", stdout);
    for (uint32_t fold = 0; fold < crossval->folds; fold++) {
        for (uint32_t r = 0; r < dataset->n_recordings; r++)
            use[r] = crossval->fold[r] == fold;
        double mean = nn_report_mean_auc(dataset, crossval->logits[NN_SHARE_FULL], use);
        printf(" %.3f", mean);
        sum += mean;
    }
    printf("; mean %.3f\n", sum / (double)crossval->folds);
    free(use);
    return 0;
}

static int print_figures(const struct nn_crossval *crossval, const struct nn_dataset *dataset,
                         uint64_t seed)
{
    size_t plane = (size_t)dataset->n * NN_LABEL_COUNT;
    float *values = calloc(NN_SHARE_COUNT * plane, sizeof *values);
    if (!values)
        return -ENOMEM;
    struct nn_scores scores = {
        .dataset = dataset, .folds = crossval->folds, .fold = crossval->fold};
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        nn_crossval_scores(crossval, dataset, share, values + share * plane);
        scores.logits[share] = crossval->logits[share];
        scores.scores[share] = values + share * plane;
    }
    struct nn_report_settings settings = {.draws = 1000, .seed = seed};
    struct nn_report *report = NULL;
    int error = nn_report_make(&scores, &settings, &report);
    if (!error)
        labelled_print(stdout, "left-out recordings", report);
    free(report);
    free(values);
    return error ? error : print_folds(crossval, dataset);
}

static int write_model(const struct options *options, const struct nn_crossval *crossval,
                       const struct nn_dataset *dataset)
{
    char note[512];
    snprintf(note, sizeof note,
             "tipwright train: %u pictures of %u recordings, %u folds, %u epochs in "
             "cycles of %u, batch %u, rate %g, seed %llu",
             (unsigned)dataset->n, (unsigned)dataset->n_recordings, (unsigned)options->folds,
             (unsigned)options->train.epochs, (unsigned)options->train.cycle,
             (unsigned)options->train.batch, (double)options->train.rate,
             (unsigned long long)options->train.seed);
    struct nn_model_member member = {
        .network = crossval->network,
        .answers = NN_MODEL_ALL_LABELS,
        .calibration = options->folds ? nn_crossval_calibrate(crossval, dataset, NULL)
                                      : nn_calibration_identity()};
    struct nn_model_parts parts = {
        .input = options->train.input, .members = &member, .n_members = 1, .note = note};
    return nn_model_save(options->output, &parts);
}

static int train(const struct options *options, const struct nn_dataset *dataset)
{
    struct watch watch = {.folds = options->folds};
    char *prefix = checkpoint_prefix(options);
    struct nn_crossval_settings settings = {.train = options->train,
                                            .folds = options->folds,
                                            .threads = options->threads,
                                            .checkpoints = prefix,
                                            .resume = options->resume,
                                            .progress = show_progress,
                                            .context = &watch};
    struct nn_crossval *crossval = NULL;
    progress_start(&watch.progress, "training",
                   (uint64_t)(options->folds + 1) * options->train.epochs);
    int error = prefix ? nn_crossval_run(dataset, &settings, &crossval) : -ENOMEM;
    progress_finish(&watch.progress);
    if (error == -EPROTO)
        terminal_error(command, "%s.*: checkpoints of other settings or data", prefix);
    else if (error)
        terminal_error(command, "training: %s", strerror(-error));
    if (!error && options->folds && (error = print_figures(crossval, dataset, options->train.seed)))
        terminal_error(command, "figures: %s", strerror(-error));
    if (!error && (error = write_model(options, crossval, dataset)))
        terminal_error(command, "%s: %s", options->output, strerror(-error));
    if (!error)
        remove_checkpoints(prefix, options->folds);
    nn_crossval_destroy(crossval);
    free(prefix);
    return error ? EXIT_INTERNAL : EXIT_OK;
}

int cmd_train(int argc, char **argv)
{
    struct options options = {.folds = 6, .threads = 1, .train = nn_architecture_default()};
    int status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    struct nn_dataset *dataset = labelled_load(command, options.labels, options.images);
    if (!dataset)
        return EXIT_INTERNAL;
    if (options.folds > dataset->n_recordings) {
        terminal_error(command, "%u folds of %u recordings", (unsigned)options.folds,
                       (unsigned)dataset->n_recordings);
        status = EXIT_USAGE;
    } else {
        status = train(&options, dataset);
    }
    nn_dataset_destroy(dataset);
    return status;
}
