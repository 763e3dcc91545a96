/* Reading a table of votes and its pictures. */
#include "nn/dataset.h"

#include "nn/bytes.h"
#include "nn/table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 1000000 };

enum column { COLUMN_IMAGE, COLUMN_RECORDING, COLUMN_RESPONSES, COLUMN_LABELS };
enum { COLUMN_COUNT = COLUMN_LABELS + NN_LABEL_COUNT };

struct load {
    struct nn_table table;
    unsigned place[COLUMN_COUNT]; /* where each wanted column stands */
    struct nn_dataset *dataset;
    uint32_t room;
    nn_picture_reader reader;
    void *context;
    char *error;
    size_t error_size;
};

static const char *column_name(unsigned column)
{
    switch (column) {
    case COLUMN_IMAGE:
        return "image";
    case COLUMN_RECORDING:
        return "recording";
    case COLUMN_RESPONSES:
        return "responses";
    default:
        return nn_label_name((enum nn_label)(column - COLUMN_LABELS));
    }
}

static int find_columns(struct load *load)
{
    struct nn_table *table = &load->table;
    if (!nn_table_next(table)) {
        snprintf(load->error, load->error_size, "the table is empty");
        return -EBADMSG;
    }
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        unsigned k = nn_table_find(table, column_name(column));
        if (k == table->n_fields) {
            snprintf(load->error, load->error_size, "the table has no column '%s'",
                     column_name(column));
            return -EBADMSG;
        }
        load->place[column] = k;
    }
    return 0;
}

/* A number in [min, max] from one field of the current row. */
static int read_number(struct load *load, unsigned column, double min, double max, float *ret_value)
{
    const struct nn_table *table = &load->table;
    const char *text = table->fields[load->place[column]];
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= min && value <= max)) {
        snprintf(load->error, load->error_size, "line %u: '%.40s' is no %s between %g and %g",
                 table->line, text, column_name(column), min, max);
        return -EBADMSG;
    }
    *ret_value = (float)value;
    return 0;
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

static int find_recording(struct nn_dataset *dataset, const char *name, uint32_t *ret_recording)
{
    for (uint32_t i = dataset->n_recordings; i-- > 0;)
        if (strcmp(dataset->recordings[i], name) == 0) {
            *ret_recording = i;
            return 0;
        }
    char **more = realloc(dataset->recordings, (dataset->n_recordings + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    dataset->recordings = more;
    more[dataset->n_recordings] = copy_text(name);
    if (!more[dataset->n_recordings])
        return -ENOMEM;
    *ret_recording = dataset->n_recordings++;
    return 0;
}

static int read_example(struct load *load, struct nn_example *example)
{
    const struct nn_table *table = &load->table;
    int error = read_number(load, COLUMN_RESPONSES, 1.0, 1e6, &example->responses);
    for (unsigned i = 0; i < NN_LABEL_COUNT && !error; i++)
        error = read_number(load, COLUMN_LABELS + i, 0.0, 1.0, &example->wanted[i]);
    if (error)
        return error;
    const char *image = table->fields[load->place[COLUMN_IMAGE]];
    const char *recording = table->fields[load->place[COLUMN_RECORDING]];
    if (!(example->image = copy_text(image)) ||
        find_recording(load->dataset, recording, &example->recording) != 0)
        return -ENOMEM;
    error = load->reader(load->context, image, &example->picture);
    if (error)
        snprintf(load->error, load->error_size, "line %u: picture %.200s: %s", table->line, image,
                 strerror(-error));
    return error ? -EBADMSG : 0;
}

static int add_row(struct load *load)
{
    struct nn_dataset *dataset = load->dataset;
    const struct nn_table *table = &load->table;
    for (unsigned column = 0; column < COLUMN_COUNT; column++)
        if (load->place[column] >= table->n_fields) {
            snprintf(load->error, load->error_size, "line %u: %u fields, column '%s' is missing",
                     table->line, table->n_fields, column_name(column));
            return -EBADMSG;
        }
    if (dataset->n >= ROWS_MAX)
        return -EFBIG;
    if (dataset->n == load->room) {
        uint32_t room = load->room ? 2 * load->room : 256;
        struct nn_example *more = realloc(dataset->examples, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        dataset->examples = more;
        load->room = room;
    }
    struct nn_example *example = &dataset->examples[dataset->n++];
    memset(example, 0, sizeof *example);
    return read_example(load, example);
}

static int load_rows(struct load *load)
{
    int error = find_columns(load);
    while (!error && nn_table_next(&load->table)) {
        if (load->table.n_fields == 1 && !load->table.fields[0][0])
            continue;
        error = add_row(load);
    }
    if (!error && load->dataset->n == 0) {
        snprintf(load->error, load->error_size, "the table has no rows");
        error = -EBADMSG;
    }
    return error;
}

int nn_dataset_load(const char *csv_path, nn_picture_reader reader, void *context,
                    struct nn_dataset **ret_dataset, char *error, size_t error_size)
{
    struct load load = {
        .reader = reader, .context = context, .error = error, .error_size = error_size};
    int code = nn_table_open(csv_path, &load.table);
    if (!code && !(load.dataset = calloc(1, sizeof *load.dataset)))
        code = -ENOMEM;
    if (code)
        snprintf(error, error_size, "%s", strerror(-code));
    else {
        snprintf(error, error_size, "out of memory");
        code = load_rows(&load);
    }
    nn_table_close(&load.table);
    if (code) {
        nn_dataset_destroy(load.dataset);
        return code;
    }
    *ret_dataset = load.dataset;
    return 0;
}

void nn_dataset_destroy(struct nn_dataset *dataset)
{
    if (!dataset)
        return;
    for (uint32_t i = 0; i < dataset->n; i++) {
        free(dataset->examples[i].image);
        free(dataset->examples[i].picture.gray);
    }
    for (uint32_t i = 0; i < dataset->n_recordings; i++)
        free(dataset->recordings[i]);
    free(dataset->examples);
    free(dataset->recordings);
    free(dataset);
}

/* The largest recording without a fold, the first of equals; n_recordings when all have one. */
static uint32_t next_to_deal(const struct nn_dataset *dataset, const uint32_t *sizes,
                             const uint32_t *fold)
{
    uint32_t best = dataset->n_recordings;
    for (uint32_t i = 0; i < dataset->n_recordings; i++)
        if (fold[i] == UINT32_MAX && (best == dataset->n_recordings || sizes[i] > sizes[best]))
            best = i;
    return best;
}

void nn_dataset_split(const struct nn_dataset *dataset, uint32_t folds, uint32_t *ret_fold)
{
    uint32_t *sizes = calloc(dataset->n_recordings + folds, sizeof *sizes);
    if (!sizes)
        abort();
    uint32_t *dealt = sizes + dataset->n_recordings;
    for (uint32_t i = 0; i < dataset->n; i++)
        sizes[dataset->examples[i].recording]++;
    for (uint32_t i = 0; i < dataset->n_recordings; i++)
        ret_fold[i] = UINT32_MAX;
    uint32_t next;
    while ((next = next_to_deal(dataset, sizes, ret_fold)) < dataset->n_recordings) {
        uint32_t emptiest = 0;
        for (uint32_t f = 1; f < folds; f++)
            if (dealt[f] < dealt[emptiest])
                emptiest = f;
        ret_fold[next] = emptiest;
        dealt[emptiest] += sizes[next];
    }
    free(sizes);
}

void nn_example_put(struct nn_bytes_writer *writer, const struct nn_example *example)
{
    nn_bytes_put(writer, example->image, strlen(example->image) + 1);
    nn_bytes_put_f32s(writer, &example->responses, 1);
    nn_bytes_put_f32s(writer, example->wanted, NN_LABEL_COUNT);
}
