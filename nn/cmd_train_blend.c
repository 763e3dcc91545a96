/* The detector's part in left-out verdicts. */
#include "nn/cmd_train_blend.h"

#include "agent/terminal.h"
#include "nn/model.h"
#include "nn/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "train";

/* Where the columns are. */
struct columns {
    unsigned image;
    unsigned event[NN_SHARE_COUNT];
};

static bool find_columns(const struct nn_table *table, struct columns *columns)
{
    columns->image = nn_table_find(table, "image");
    bool all = columns->image < table->n_fields;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        char name[32];
        snprintf(name, sizeof name, "event@%u", (unsigned)nn_share_lines(share));
        columns->event[share] = nn_table_find(table, name);
        all = all && columns->event[share] < table->n_fields;
    }
    return all;
}

struct place {
    const char *image; /* borrowed */
    uint32_t example;
};

static int by_image(const void *a, const void *b)
{
    const struct place *one = a;
    const struct place *other = b;
    return strcmp(one->image, other->image);
}

static int image_against(const void *name, const void *b)
{
    const struct place *other = b;
    return strcmp(name, other->image);
}

/* log_odds: (NN_SHARE_COUNT) of one picture */
static bool read_row(const struct nn_table *table, const struct columns *columns, float *log_odds)
{
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        if (columns->event[share] >= table->n_fields)
            return false;
        char *end;
        log_odds[share] = strtof(table->fields[columns->event[share]], &end);
        if (end == table->fields[columns->event[share]] || *end || !isfinite(log_odds[share]))
            return false;
    }
    return columns->image < table->n_fields;
}

static void add(struct nn_crossval *crossval, size_t example, float weight, const float *log_odds)
{
    size_t at = example * NN_LABEL_COUNT + NN_LABEL_TIP_CHANGE;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        float change = nn_event_weight(weight, (float)nn_share(share)) * log_odds[share];
        for (uint32_t m = 0; m < crossval->members; m++)
            crossval->logits[m].at[share][at] += change;
        crossval->together.at[share][at] += change;
    }
}

/* Every row to its picture. 0, or the line that is wrong. */
static unsigned add_rows(struct nn_table *table, const struct columns *columns, float weight,
                         const struct nn_dataset *dataset, struct nn_crossval *crossval,
                         bool *added)
{
    struct place *sorted = malloc(((size_t)dataset->n + 1) * sizeof *sorted);
    if (!sorted)
        abort();
    for (uint32_t i = 0; i < dataset->n; i++)
        sorted[i] = (struct place){.image = dataset->examples[i].image, .example = i};
    qsort(sorted, dataset->n, sizeof *sorted, by_image);
    unsigned wrong = 0;
    while (!wrong && nn_table_next(table)) {
        float log_odds[NN_SHARE_COUNT];
        if (!read_row(table, columns, log_odds)) {
            wrong = table->line;
            break;
        }
        const struct place *found = bsearch(table->fields[columns->image], sorted, dataset->n,
                                            sizeof *sorted, image_against);
        if (!found)
            continue;
        uint32_t example = found->example;
        if (added[example])
            wrong = table->line;
        else
            add(crossval, example, weight, log_odds);
        added[example] = true;
    }
    free(sorted);
    return wrong;
}

static const char *first_missing(const struct nn_dataset *dataset, const bool *added)
{
    for (uint32_t i = 0; i < dataset->n; i++)
        if (!added[i] && dataset->examples[i].picture.height >= dataset->examples[i].picture.width)
            return dataset->examples[i].image;
    return NULL;
}

int train_blend_events(const struct train_options *options, const struct nn_dataset *dataset,
                       struct nn_crossval *crossval)
{
    struct nn_table table;
    struct columns columns;
    int error = nn_table_open(options->event_scores, &table);
    if (error) {
        terminal_error(command, "%s: %s", options->event_scores, strerror(-error));
        return -1;
    }
    bool *added = calloc(dataset->n + 1, sizeof *added);
    if (!added)
        abort();
    if (!nn_table_next(&table) || !find_columns(&table, &columns)) {
        terminal_error(command, "%s: not a table with image and event@16 to event@128",
                       options->event_scores);
        error = -1;
    } else {
        unsigned wrong =
            add_rows(&table, &columns, options->event_weight, dataset, crossval, added);
        const char *missing = wrong ? NULL : first_missing(dataset, added);
        if (wrong)
            terminal_error(command, "%s:%u: not a picture's log odds, or a second time",
                           options->event_scores, wrong);
        else if (missing)
            terminal_error(command, "%s: nothing about %s", options->event_scores, missing);
        error = wrong || missing ? -1 : 0;
    }
    free(added);
    nn_table_close(&table);
    return error;
}
