/*
 * tipwright train --reproduce: the shipped model trained again as its figure file says, and each of
 * its figures compared with the interval kept there.
 */
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/cmd_labelled.h"
#include "nn/cmd_train.h"
#include "nn/cmd_train_figures.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "train";

/* What was trained, out of a figure file, over what the command line says. 0, or -1. */
static int read_options(json_t *root, struct train_options *options)
{
    json_error_t error;
    json_t *settings;
    json_t *figures;
    const char *architecture;
    int version;
    int folds;
    int members;
    int one_per_label;
    int fold_members;
    int vote;
    int events;
    double event_weight;
    const char *from_hash = NULL;
    if (json_unpack_ex(
            root, &error, 0, "{s:i, s:s, s:o, s:i, s:i, s:b, s:b, s:b, s:b, s:F, s?s, s:o}",
            "figures_version", &version, "architecture", &architecture, "settings", &settings,
            "folds", &folds, "members", &members, "one_per_label", &one_per_label, "fold_members",
            &fold_members, "vote", &vote, "events", &events, "event_weight", &event_weight, "from",
            &from_hash, "figures", &figures) != 0) {
        terminal_error(command, "figures: %s", error.text);
        return -1;
    }
    if (version != 1 || folds < 2 || folds > NN_FOLDS_MAX || members < 1 ||
        members > NN_MEMBERS_MAX || !json_is_object(figures) ||
        json_array_size(settings) > TRAIN_SETTINGS_MAX) {
        terminal_error(command, "figures: not a file of this program");
        return -1;
    }
    options->architecture = architecture;
    options->from_hash = from_hash;
    options->folds = (uint32_t)folds;
    options->members = (uint32_t)members;
    options->one_per_label = one_per_label != 0;
    options->fold_members = fold_members != 0;
    options->vote = vote != 0;
    options->event_weight = (float)event_weight;
    if (!events)
        options->events = options->event_scores = NULL;
    if (!json_object_get(root, "also"))
        options->also = NULL;
    options->n_set = 0;
    for (size_t i = 0; i < json_array_size(settings); i++) {
        const char *text = json_string_value(json_array_get(settings, i));
        if (text && train_options_set(options, NULL, text) != 0)
            return -1;
    }
    return 0;
}

/* Whether one figure lies inside its interval; figures without one are only shown. */
static bool compare(const struct train_figure *figure, json_t *kept)
{
    json_t *low = json_array_get(kept, 1);
    json_t *high = json_array_get(kept, 2);
    double value = figure->figure.value;
    printf("%-40s %8.4f", figure->name, value);
    if (!json_is_number(low) || !json_is_number(high)) {
        puts("  no interval");
        return true;
    }
    /* An interval need not hold its own figure: errors of calibration grow in every draw. */
    double then = json_number_value(json_array_get(kept, 0));
    double from = fmin(json_number_value(low), then);
    double to = fmax(json_number_value(high), then);
    const double rounding = 1e-6; /* of the file */
    bool inside = value >= from - rounding && value <= to + rounding;
    printf("  %8.4f [%.4f-%.4f]  %s\n", then, from, to, inside ? "inside" : "OUTSIDE");
    return inside;
}

/* How many of the file's figures did not come out again. */
static size_t compare_all(const struct nn_report *report, json_t *kept)
{
    struct train_figure *list;
    size_t n;
    size_t wrong = 0;
    const char *name;
    json_t *figure;
    train_figures_list(report, &list, &n);
    printf("%-40s %8s  %8s\n", "figure", "now", "then");
    json_object_foreach(kept, name, figure)
    {
        size_t i = 0;
        while (i < n && strcmp(list[i].name, name) != 0)
            i++;
        if (i == n)
            printf("%-40s %8s  missing\n", name, "");
        if (i == n || !compare(&list[i], figure))
            wrong++;
    }
    printf("%zu of %zu figures inside their intervals\n", json_object_size(kept) - wrong,
           json_object_size(kept));
    free(list);
    return wrong;
}

/*
 * Whether the further set is the one that the figures come from. Pictures made anew on another
 * machine may differ in single grey levels, so others are only told of: the figures decide.
 */
static int check_also(const struct train_options *options, json_t *root)
{
    json_t *also = json_object_get(root, "also");
    const char *recording = json_string_value(json_object_get(also, "first_recording"));
    const char *hash = json_string_value(json_object_get(also, "hash"));
    if (!also)
        return 0;
    if (!recording || !hash) {
        terminal_error(command, "figures: not a file of this program");
        return -1;
    }
    if (!options->also_set) {
        terminal_error(command,
                       "these figures come of %d pictures besides, of recordings %s and following; "
                       "name their folder by --also",
                       (int)json_integer_value(json_object_get(also, "pictures")), recording);
        return -1;
    }
    if (strcmp(hash, options->also_hash) != 0)
        terminal_note(command, "%s: not the same pictures and labels to the bit as then",
                      options->also);
    return 0;
}

static int reproduce(struct train_options *options, json_t *root)
{
    struct architecture *architecture = malloc(sizeof *architecture);
    if (!architecture)
        abort();
    int status = EXIT_INTERNAL;
    struct nn_dataset *dataset = NULL;
    struct nn_report *report = NULL;
    struct nn_dataset *also = NULL;
    struct nn_model *start = NULL;
    if (train_options_architecture(options, architecture) == 0)
        dataset = labelled_load(command, options->labels, options->images);
    if (dataset && train_also(options, architecture, dataset, &also) == 0 &&
        check_also(options, root) == 0 && train_start(options, architecture, dataset, &start) == 0)
        status = train_all(options, architecture, dataset, &report);
    if (status == EXIT_OK)
        status = report && compare_all(report, json_object_get(root, "figures")) == 0
                     ? EXIT_OK
                     : EXIT_INTERNAL;
    free(report);
    nn_model_destroy(start);
    nn_dataset_destroy(dataset);
    free(architecture);
    return status;
}

int train_reproduce(const struct train_options *options)
{
    struct train_options all = *options;
    char path[COMMAND_PATH_MAX];
    if (options->figures)
        snprintf(path, sizeof path, "%s", options->figures);
    else
        command_data_path("models/h-si-100.figures.json", path, sizeof path);
    all.figures = NULL;
    if (!all.labels)
        all.labels = "../shared/data/labelled/labels.csv";
    if (!all.images)
        all.images = "../shared/data/labelled/images";
    char events[COMMAND_PATH_MAX];
    char event_scores[COMMAND_PATH_MAX];
    command_data_path("models/tip-change.tipev", events, sizeof events);
    command_data_path("models/tip-change.scores.csv", event_scores, sizeof event_scores);
    if (!all.events) {
        all.events = events;
        all.event_scores = event_scores;
    }
    if (!all.output)
        all.output = "h-si-100.reproduced.tipnn";
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (!root) {
        terminal_error(command, "%s: %s", path, error.text);
        return EXIT_INTERNAL;
    }
    int status = EXIT_INTERNAL;
    if (read_options(root, &all) == 0)
        status = reproduce(&all, root);
    json_decref(root);
    return status;
}
