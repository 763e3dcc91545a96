/* Left-out scores of a cross-validation, and the files that keep its figures. */
#include "nn/cmd_train_figures.h"

#include "nn/report_table.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int train_scores_make(const struct nn_crossval *crossval, uint32_t member,
                      const struct nn_dataset *dataset, struct train_scores *ret_scores)
{
    const struct nn_crossval_logits *logits =
        member == NN_MEMBERS_ALL ? &crossval->together : &crossval->logits[member];
    size_t values = (size_t)dataset->n * NN_LABEL_COUNT;
    struct train_scores made = {
        .scores = {.dataset = dataset, .folds = crossval->folds},
        .fold = calloc(dataset->n_recordings, sizeof *made.fold),
        .values = calloc(NN_SHARE_COUNT * values + 1, sizeof *made.values),
    };
    if (!made.fold || !made.values) {
        train_scores_finish(&made);
        return -ENOMEM;
    }
    for (uint32_t r = 0; r < dataset->n_recordings; r++) {
        uint32_t fold = crossval->fold[r];
        made.fold[r] = fold < crossval->folds && crossval->tried[fold] ? fold : UINT32_MAX;
    }
    made.scores.fold = made.fold;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        float *scores = made.values + share * values;
        nn_crossval_scores(crossval, member, dataset, share, scores);
        made.scores.scores[share] = scores;
        made.scores.logits[share] = logits->at[share];
    }
    *ret_scores = made;
    return 0;
}

void train_scores_finish(struct train_scores *scores)
{
    free(scores->fold);
    free(scores->values);
}

struct list {
    struct train_figure *figures;
    size_t n, room;
};

static void take_figure(void *context, const struct nn_report_entry *entry)
{
    struct list *list = context;
    if (entry->other || !isfinite(entry->figure->value))
        return;
    if (list->n == list->room) {
        list->room = list->room ? 2 * list->room : 256;
        list->figures = realloc(list->figures, list->room * sizeof *list->figures);
        if (!list->figures)
            abort();
    }
    struct train_figure *figure = &list->figures[list->n++];
    snprintf(figure->name, sizeof figure->name, "%s/%s/%u", entry->subject, entry->measure,
             (unsigned)entry->lines);
    figure->figure = *entry->figure;
}

void train_figures_list(const struct nn_report *report, struct train_figure **ret_list,
                        size_t *ret_n)
{
    struct list list = {0};
    struct nn_report_listener listener = {.take = take_figure, .context = &list};
    nn_report_walk(report, &listener);
    *ret_list = list.figures;
    *ret_n = list.n;
}

/* A number that JSON can hold: what is not finite becomes null. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

int train_figures_write(const char *path, const struct train_options *options,
                        const struct nn_report *report)
{
    struct train_figure *list;
    size_t n;
    train_figures_list(report, &list, &n);
    json_t *settings = json_array();
    for (size_t i = 0; i < options->n_set; i++)
        json_array_append_new(settings, json_string(options->set[i]));
    json_t *figures = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(figures, list[i].name,
                            json_pack("[o,o,o]", number(list[i].figure.value),
                                      number(list[i].figure.low), number(list[i].figure.high)));
    free(list);
    json_t *root = json_pack(
        "{s:i, s:s, s:o, s:i, s:i, s:b, s:b, s:b, s:b, s:f, s:i, s:i, s:o}", "figures_version", 1,
        "architecture", options->architecture, "settings", settings, "folds", (int)options->folds,
        "members", (int)options->members, "one_per_label", options->one_per_label, "fold_members",
        options->fold_members, "vote", options->vote, "events", options->events != NULL,
        "event_weight", (double)options->event_weight, "frames", (int)report->frames, "recordings",
        (int)report->recordings, "figures", figures);
    if (!root)
        return -ENOMEM;
    if (options->start)
        json_object_set_new(root, "from", json_string(nn_model_hash(options->start)));
    const struct nn_dataset *also = options->also_set;
    if (also)
        json_object_set_new(root, "also",
                            json_pack("{s:i, s:i, s:s, s:s}", "pictures", (int)also->n,
                                      "recordings", (int)also->n_recordings, "first_recording",
                                      also->recordings[0], "hash", options->also_hash));
    FILE *file = fopen(path, "w");
    int error = file ? 0 : -errno;
    if (file) {
        if (json_dumpf(root, file, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0)
            error = -EIO;
        fputc('\n', file);
        if (fclose(file) != 0 && !error)
            error = -errno;
    }
    json_decref(root);
    return error;
}
