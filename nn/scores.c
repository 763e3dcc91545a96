/* Scores of labelled frames, and their file. */
#include "nn/scores.h"

#include "nn/calibrate.h"
#include "nn/table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDS_MAX = 1000 };

bool nn_scores_count(const struct nn_scores *scores, uint32_t example)
{
    const struct nn_example *it = &scores->dataset->examples[example];
    return it->picture.height >= it->picture.width &&
           (scores->folds == 0 || scores->fold[it->recording] < scores->folds);
}

bool nn_scores_holds(const struct nn_example *example, uint32_t label)
{
    return example->wanted[label] >= 0.5F;
}

/* The other folds' line for one label at one share; columns: (3, n). */
static void fit_others(const struct nn_scores *scores, uint32_t fold, uint32_t share,
                       uint32_t label, float *columns, float *ret_line)
{
    const struct nn_dataset *dataset = scores->dataset;
    float *logits = columns;
    float *wanted = columns + dataset->n;
    float *weights = wanted + dataset->n;
    uint32_t n = 0;
    for (uint32_t i = 0; i < dataset->n; i++) {
        const struct nn_example *example = &dataset->examples[i];
        if (!nn_scores_count(scores, i) || scores->fold[example->recording] == fold)
            continue;
        logits[n] = scores->logits[share][(size_t)i * NN_LABEL_COUNT + label];
        wanted[n] = nn_scores_holds(example, label) ? 1.0F : 0.0F;
        weights[n++] = 1.0F;
    }
    nn_calibration_fit(n, logits, wanted, weights, &ret_line[0], &ret_line[1]);
}

void nn_scores_calibrate(const struct nn_scores *scores, float *const ret_scores[NN_SHARE_COUNT])
{
    const struct nn_dataset *dataset = scores->dataset;
    float *columns = malloc((3 * (size_t)dataset->n + 1) * sizeof *columns);
    if (!columns)
        abort();
    for (uint32_t fold = 0; fold < scores->folds; fold++)
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
                float line[2];
                fit_others(scores, fold, share, k, columns, line);
                for (uint32_t i = 0; i < dataset->n; i++) {
                    size_t at = (size_t)i * NN_LABEL_COUNT + k;
                    if (scores->fold[dataset->examples[i].recording] == fold)
                        ret_scores[share][at] =
                            1.0F / (1.0F + expf(-(line[0] * scores->logits[share][at] + line[1])));
                }
            }
    free(columns);
}

static void name_column(uint32_t label, uint32_t share, const char *ending, char *ret_name,
                        size_t size)
{
    snprintf(ret_name, size, "%s@%u%s", nn_label_name((enum nn_label)label),
             (unsigned)nn_share_lines(share), ending);
}

static void put_header(FILE *out)
{
    fputs("image,recording,responses", out);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(out, ",%s", nn_label_name((enum nn_label)k));
    fputs(",width_px,height_px,fold", out);
    for (int ending = 0; ending < 2; ending++)
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
                char name[80];
                name_column(k, share, ending ? "_score" : "", name, sizeof name);
                fprintf(out, ",%s", name);
            }
    fputc('\n', out);
}

static void put_row(FILE *out, const struct nn_scores *scores, uint32_t i)
{
    const struct nn_example *example = &scores->dataset->examples[i];
    nn_table_put(out, example->image);
    fputc(',', out);
    nn_table_put(out, scores->dataset->recordings[example->recording]);
    fprintf(out, ",%g", (double)example->responses);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(out, ",%.9g", (double)example->wanted[k]);
    fprintf(out, ",%u,%u,", (unsigned)example->picture.width, (unsigned)example->picture.height);
    bool judged = scores->folds > 0 && scores->fold[example->recording] < scores->folds;
    if (judged)
        fprintf(out, "%u", (unsigned)scores->fold[example->recording]);
    for (uint32_t v = 0; v < 2 * NN_SHARE_COUNT; v++) {
        const float *values =
            v < NN_SHARE_COUNT ? scores->logits[v] : scores->scores[v - NN_SHARE_COUNT];
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
            fprintf(out, ",%.9g", judged ? (double)values[(size_t)i * NN_LABEL_COUNT + k] : 0.0);
    }
    fputc('\n', out);
}

int nn_scores_save(const struct nn_scores *scores, const char *path)
{
    FILE *out = fopen(path, "w");
    if (!out)
        return -errno;
    put_header(out);
    for (uint32_t i = 0; i < scores->dataset->n; i++)
        put_row(out, scores, i);
    bool failed = ferror(out) != 0;
    failed = fclose(out) != 0 || failed;
    return failed ? -EIO : 0;
}

struct load {
    struct nn_table table;
    struct nn_score_file *file;
    unsigned width, height, fold; /* columns */
    unsigned values[2 * NN_SHARE_COUNT * NN_LABEL_COUNT];
    bool scored;
    char *error;
    size_t error_size;
};

static int find_column(struct load *load, const char *name, unsigned *ret_column)
{
    *ret_column = nn_table_find(&load->table, name);
    if (*ret_column < load->table.n_fields)
        return 0;
    snprintf(load->error, load->error_size, "there is no column '%s'", name);
    return -EBADMSG;
}

static int find_columns(struct load *load)
{
    nn_table_next(&load->table);
    int error = find_column(load, "width_px", &load->width);
    if (!error)
        error = find_column(load, "height_px", &load->height);
    if (!error)
        error = find_column(load, "fold", &load->fold);
    char name[80];
    name_column(0, 0, "_score", name, sizeof name);
    load->scored = nn_table_find(&load->table, name) < load->table.n_fields;
    uint32_t planes = load->scored ? 2 * NN_SHARE_COUNT : NN_SHARE_COUNT;
    for (uint32_t v = 0; v < planes * NN_LABEL_COUNT && !error; v++) {
        uint32_t plane = v / NN_LABEL_COUNT;
        name_column(v % NN_LABEL_COUNT, plane % NN_SHARE_COUNT,
                    plane < NN_SHARE_COUNT ? "" : "_score", name, sizeof name);
        error = find_column(load, name, &load->values[v]);
    }
    return error;
}

static int read_number(struct load *load, unsigned column, double low, double high,
                       double *ret_value)
{
    const char *text = column < load->table.n_fields ? load->table.fields[column] : "";
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= low && value <= high)) {
        snprintf(load->error, load->error_size,
                 "line %u, column %u: '%.40s' is no number between %g and %g", load->table.line,
                 column + 1, text, low, high);
        return -EBADMSG;
    }
    *ret_value = value;
    return 0;
}

static int read_fold(struct load *load, const struct nn_example *example)
{
    struct nn_score_file *file = load->file;
    uint32_t *fold = &file->fold[example->recording];
    double value;
    if (load->fold < load->table.n_fields && !load->table.fields[load->fold][0])
        return 0;
    int error = read_number(load, load->fold, 0.0, FOLDS_MAX - 1.0, &value);
    if (error)
        return error;
    if (*fold != UINT32_MAX && *fold != (uint32_t)value) {
        snprintf(load->error, load->error_size, "line %u: recording '%.80s' is in two folds",
                 load->table.line, file->dataset->recordings[example->recording]);
        return -EBADMSG;
    }
    *fold = (uint32_t)value;
    if (*fold >= file->scores.folds)
        file->scores.folds = *fold + 1;
    return 0;
}

static int read_row(struct load *load, uint32_t i)
{
    struct nn_score_file *file = load->file;
    struct nn_example *example = &file->dataset->examples[i];
    double width = 0.0;
    double height = 0.0;
    int error = read_number(load, load->width, 1.0, 1e6, &width);
    if (!error)
        error = read_number(load, load->height, 1.0, 1e6, &height);
    if (!error)
        error = read_fold(load, example);
    if (!example->picture.gray) {
        example->picture.width = (uint32_t)width;
        example->picture.height = (uint32_t)height;
    }
    uint32_t planes = load->scored ? 2 * NN_SHARE_COUNT : NN_SHARE_COUNT;
    for (uint32_t v = 0; v < planes * NN_LABEL_COUNT && !error; v++) {
        uint32_t plane = v / NN_LABEL_COUNT;
        double value = 0.0;
        bool logit = plane < NN_SHARE_COUNT;
        error = read_number(load, load->values[v], logit ? -1e6 : 0.0, logit ? 1e6 : 1.0, &value);
        file->values[((size_t)plane * file->dataset->n + i) * NN_LABEL_COUNT + v % NN_LABEL_COUNT] =
            (float)value;
    }
    return error;
}

static int read_rows(struct load *load)
{
    struct nn_score_file *file = load->file;
    int error = find_columns(load);
    /* Rows are those that nn_dataset_load took: all but empty lines. */
    for (uint32_t i = 0; i < file->dataset->n && !error && nn_table_next(&load->table);)
        if (load->table.n_fields > 1)
            error = read_row(load, i++);
    uint32_t used = 0;
    for (uint32_t fold = 0; fold < file->scores.folds; fold++)
        for (uint32_t r = 0; r < file->dataset->n_recordings; r++)
            if (file->fold[r] == fold) {
                used++;
                break;
            }
    if (!error && used < 2) {
        snprintf(load->error, load->error_size, "recordings of at least two folds are needed");
        error = -EBADMSG;
    }
    return error;
}

static int no_picture(void *context, const char *image, struct nn_picture *ret_picture)
{
    (void)context;
    (void)image;
    *ret_picture = (struct nn_picture){0};
    return 0;
}

static int allocate(struct nn_score_file *file)
{
    struct nn_dataset *dataset = file->dataset;
    size_t plane = (size_t)dataset->n * NN_LABEL_COUNT;
    file->fold = malloc((dataset->n_recordings + (size_t)1) * sizeof *file->fold);
    file->values = calloc(2 * NN_SHARE_COUNT * plane, sizeof *file->values);
    if (!file->fold || !file->values)
        return -ENOMEM;
    for (uint32_t r = 0; r < dataset->n_recordings; r++)
        file->fold[r] = UINT32_MAX;
    file->scores.dataset = dataset;
    file->scores.fold = file->fold;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        file->scores.logits[share] = file->values + share * plane;
        file->scores.scores[share] = file->values + (NN_SHARE_COUNT + share) * plane;
    }
    return 0;
}

int nn_scores_load(const char *path, nn_picture_reader reader, void *context,
                   struct nn_score_file **ret_file, char *error, size_t error_size)
{
    struct nn_score_file *file = calloc(1, sizeof *file);
    struct load load = {.file = file, .error = error, .error_size = error_size};
    snprintf(error, error_size, "out of memory");
    if (!file)
        return -ENOMEM;
    int code = nn_dataset_load(path, reader ? reader : no_picture, context, &file->dataset, error,
                               error_size);
    if (!code)
        code = allocate(file);
    if (!code && (code = nn_table_open(path, &load.table)))
        snprintf(error, error_size, "%s", strerror(-code));
    if (!code)
        code = read_rows(&load);
    nn_table_close(&load.table);
    if (code) {
        nn_score_file_destroy(file);
        return code;
    }
    if (!load.scored) {
        float *scores[NN_SHARE_COUNT];
        size_t plane = (size_t)file->dataset->n * NN_LABEL_COUNT;
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            scores[share] = file->values + (NN_SHARE_COUNT + share) * plane;
        nn_scores_calibrate(&file->scores, scores);
    }
    *ret_file = file;
    return 0;
}

void nn_score_file_destroy(struct nn_score_file *file)
{
    if (!file)
        return;
    nn_dataset_destroy(file->dataset);
    free(file->fold);
    free(file->values);
    free(file);
}
