/* The model file, and the history of its trainings as a table and as curves. */
#include "nn/cmd_train_output.h"

#include "nn/chart.h"
#include "nn/cmd_train.h"
#include "nn/cmd_train_figures.h"
#include "nn/decisions.h"
#include "nn/model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void train_name_run(const struct nn_crossval_training *run, uint32_t folds, char *buf, size_t size)
{
    char fold[24] = "everything";
    char member[24] = "";
    if (run->fold < folds)
        snprintf(fold, sizeof fold, "fold %u", (unsigned)run->fold + 1);
    if (run->member > 0)
        snprintf(member, sizeof member, ", member %u", (unsigned)run->member + 1);
    snprintf(buf, size, "%s%s%s%s", fold, member, run->label >= 0 ? ", " : "",
             run->label >= 0 ? nn_label_name((enum nn_label)run->label) : "");
}

/* What was trained, in one line. */
static void write_note(const struct train_options *options, const struct architecture *architecture,
                       const struct nn_dataset *dataset, char *note, size_t size)
{
    const struct nn_train_settings *s = &architecture->settings;
    snprintf(note, size,
             "tipwright train: %s, %u pictures of %u recordings, %u folds, %u epochs, batch %u, "
             "rate %g, seed %llu",
             options->architecture, (unsigned)dataset->n, (unsigned)dataset->n_recordings,
             (unsigned)options->folds, (unsigned)s->epochs, (unsigned)s->batch,
             (double)s->schedule.rate, (unsigned long long)s->seed);
    if (options->also_set) {
        size_t at = strlen(note);
        snprintf(note + at, size - at, ", also %u pictures of %u recordings (%.80s and following)",
                 (unsigned)options->also_set->n, (unsigned)options->also_set->n_recordings,
                 options->also_set->recordings[0]);
    }
    if (options->start) {
        size_t at = strlen(note);
        snprintf(note + at, size - at, ", from model %.12s", nn_model_hash(options->start));
    }
    for (size_t i = 0; i < options->n_set; i++) {
        size_t at = strlen(note);
        snprintf(note + at, size - at, "%s%s", i ? " " : "; set ", options->set[i]);
    }
}

/* Adds a line to the names unless it is there. `room` suffices. */
static void add_name(char *names, size_t room, const char *name)
{
    size_t at = strlen(names);
    if (!train_names_recording(names, name))
        snprintf(names + at, room - at, "%s%s", at ? "\n" : "", name);
}

static size_t names_length(const struct nn_dataset *dataset)
{
    size_t length = 0;
    for (uint32_t r = 0; dataset && r < dataset->n_recordings; r++)
        length += strlen(dataset->recordings[r]) + 1;
    return length;
}

/*
 * The recordings' names, one per line, those that the start has learned from and those of the
 * further set among them; those of a fold left out by all members are not.
 */
static char *name_recordings(const struct train_options *options,
                             const struct nn_crossval *crossval, const struct nn_dataset *dataset)
{
    const struct nn_dataset *also = options->also_set;
    const char *before = options->start ? nn_model_recordings(options->start) : "";
    size_t room = strlen(before) + names_length(dataset) + names_length(also) + 1;
    char *names = malloc(room);
    if (!names)
        return NULL;
    snprintf(names, room, "%s", before);
    for (uint32_t r = 0; r < dataset->n_recordings; r++)
        if (!options->validate || crossval->fold[r] != options->validate - 1)
            add_name(names, room, dataset->recordings[r]);
    for (uint32_t r = 0; also && r < also->n_recordings; r++)
        add_name(names, room, also->recordings[r]);
    return names;
}

/*
 * What scores decide, from left-out ones, into the members' calibrations: of the members together,
 * or, where they vote, of each by itself.
 */
static int add_decisions(const struct train_options *options, const struct nn_crossval *crossval,
                         const struct nn_dataset *dataset, struct nn_model_member *members)
{
    uint32_t n = nn_crossval_member_count(crossval);
    const struct nn_crossval_training *run = crossval->runs;
    for (uint32_t i = 0; i < n; run++) {
        struct train_scores scores;
        struct nn_decisions decisions;
        if (!run->network)
            continue;
        int error = train_scores_make(crossval, options->vote ? run->member : NN_MEMBERS_ALL,
                                      dataset, &scores);
        if (error)
            return error;
        nn_decisions_learn(&scores.scores, NULL, &decisions);
        nn_decisions_store(&decisions, &members[i++].calibration);
        train_scores_finish(&scores);
    }
    return 0;
}

int train_write_model(const struct train_options *options, const struct architecture *architecture,
                      const struct nn_crossval *crossval, const struct nn_dataset *dataset)
{
    char note[2048];
    struct nn_crossval_member from[NN_MEMBERS_MAX];
    struct nn_model_member members[NN_MEMBERS_MAX];
    uint32_t n = nn_crossval_member_count(crossval);
    nn_crossval_members(crossval, dataset, from);
    for (uint32_t i = 0; i < n; i++)
        members[i] = (struct nn_model_member){
            .network = from[i].network,
            .answers = from[i].label < 0 ? (uint32_t)NN_MODEL_ALL_LABELS : 1U << from[i].label,
            .calibration = from[i].calibration};
    /* One fold alone has no others that its scores could have been calibrated on. */
    if (options->folds && !options->validate) {
        int error = add_decisions(options, crossval, dataset, members);
        if (error)
            return error;
    }
    struct nn_event_net event;
    if (options->events) {
        char why[256];
        int error = nn_event_net_load(options->events, &event, why, sizeof why);
        if (error)
            return error;
    }
    write_note(options, architecture, dataset, note, sizeof note);
    char *recordings = name_recordings(options, crossval, dataset);
    if (!recordings)
        return -ENOMEM;
    struct nn_model_parts parts = {.input = architecture->settings.input,
                                   .members = members,
                                   .n_members = n,
                                   .combine = options->vote ? NN_COMBINE_VOTE : NN_COMBINE_MEAN,
                                   .event = options->events ? &event : NULL,
                                   .event_weight = options->event_weight,
                                   .note = note,
                                   .recordings = recordings};
    int error = nn_model_save(options->output, &parts);
    free(recordings);
    return error;
}

/* A number, or nothing where there is none. */
static void print_cell(FILE *file, float value)
{
    if (isfinite(value))
        fprintf(file, ",%.6g", (double)value);
    else
        fputc(',', file);
}

int train_write_history(const char *path, const struct nn_crossval *crossval)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return -errno;
    fputs("training,fold,member,label,epoch,rate,loss,left_out_roc_area,best\n", file);
    for (uint32_t i = 0; i < crossval->n_runs; i++) {
        const struct nn_crossval_training *run = &crossval->runs[i];
        for (uint32_t epoch = 0; epoch < run->epochs; epoch++) {
            fprintf(file, "%u,", (unsigned)run->number);
            if (run->fold < crossval->folds)
                fprintf(file, "%u", (unsigned)run->fold + 1);
            fprintf(file, ",%u,%s,%u", (unsigned)run->member + 1,
                    run->label < 0 ? "" : nn_label_name((enum nn_label)run->label),
                    (unsigned)epoch + 1);
            print_cell(file, run->history[epoch].rate);
            print_cell(file, run->history[epoch].loss);
            print_cell(file, run->history[epoch].check);
            fprintf(file, ",%d\n", epoch + 1 == run->best_epoch);
        }
    }
    int error = ferror(file) ? -EIO : 0;
    return fclose(file) == 0 || error ? error : -errno;
}

/* Lines of one chart. */
struct curves {
    struct nn_series series[NN_FOLDS_MAX + 1];
    char names[NN_FOLDS_MAX + 1][64];
    uint32_t n;
};

static double loss_of(const struct nn_epoch *epoch)
{
    return (double)epoch->loss;
}

static double check_of(const struct nn_epoch *epoch)
{
    return (double)epoch->check;
}

static double rate_of(const struct nn_epoch *epoch)
{
    return (double)epoch->rate;
}

static int draw(struct nn_canvas *canvas, struct nn_box box, const struct nn_crossval *crossval,
                const char *title, double (*value)(const struct nn_epoch *epoch))
{
    /* The rate is the same for all, what runs on everything has nothing left out. */
    bool one = value == rate_of;
    struct curves *curves = calloc(1, sizeof *curves);
    size_t epochs = 0;
    for (uint32_t i = 0; i < crossval->n_runs; i++)
        epochs += crossval->runs[i].epochs;
    double *values = calloc(2 * epochs + 1, sizeof *values);
    if (!curves || !values) {
        free(curves);
        free(values);
        return -ENOMEM;
    }
    double *at = values;
    for (uint32_t i = 0; i < crossval->n_runs && curves->n <= NN_FOLDS_MAX; i++) {
        const struct nn_crossval_training *run = &crossval->runs[i];
        if ((one && curves->n > 0) || (value == check_of && run->fold == crossval->folds))
            continue;
        char *name = curves->names[curves->n];
        train_name_run(run, crossval->folds, name, sizeof curves->names[0]);
        for (uint32_t epoch = 0; epoch < run->epochs; epoch++) {
            at[epoch] = (double)(epoch + 1);
            at[run->epochs + epoch] = value(&run->history[epoch]);
        }
        curves->series[curves->n] = (struct nn_series){.name = one ? NULL : name,
                                                       .n = run->epochs,
                                                       .x = at,
                                                       .y = at + run->epochs,
                                                       .color = nn_chart_color(i)};
        curves->n++;
        at += (size_t)2 * run->epochs;
    }
    struct nn_line_chart chart = {
        .title = title, .x = {.name = "epoch"}, .series = curves->series, .n_series = curves->n};
    nn_chart_lines(canvas, box, &chart);
    free(curves);
    free(values);
    return 0;
}

int train_write_curves(const char *path, const struct nn_crossval *crossval)
{
    const double margin = 12.0;
    const double width = 560.0;
    const double height = 260.0;
    const struct nn_box boxes[] = {{margin, margin, width, height},
                                   {margin, 2.0 * margin + height, width, height},
                                   {margin, 3.0 * margin + 2.0 * height, width, height}};
    struct nn_canvas *canvas = NULL;
    int error =
        nn_canvas_create(NN_CANVAS_PNG, width + 2.0 * margin, 3.0 * height + 4.0 * margin, &canvas);
    if (!error)
        error = draw(canvas, boxes[0], crossval, "loss", loss_of);
    if (!error)
        error = draw(canvas, boxes[1], crossval, "mean ROC area on left-out recordings", check_of);
    if (!error)
        error = draw(canvas, boxes[2], crossval, "learning rate", rate_of);
    if (!error)
        error = nn_canvas_write(canvas, path);
    nn_canvas_destroy(canvas);
    return error;
}
