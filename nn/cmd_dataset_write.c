/* Rendered samples into .mat, .npy and a list. */
#include "nn/cmd_dataset_write.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/mat_file.h"
#include "nn/npy_file.h"
#include "nn/table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_ROOM = 4096 };

/* A part of the set, e.g. training, while it is written. */
struct part {
    const struct nn_sample *samples;
    uint32_t n;
    const char *x_name, *y_name;
};

struct writer {
    const struct nn_dataset *dataset;
    const struct dataset_form *form;
    struct nn_mat *mat; /* NULL: none wanted */
    bool means;         /* six targets instead of one */
    uint8_t **plain;    /* (examples) resized pictures, NULL until needed */
};

static int fail(const char *what, int error)
{
    terminal_error("dataset", "%s: %s", what,
                   error == -EFBIG ? "more than 2 GiB, which a MATLAB level 5 file cannot hold; "
                                     "--format npy can"
                                   : strerror(-error));
    return error;
}

static int path_of(const struct dataset_form *form, const char *ending, char ret[PATH_ROOM])
{
    int n = snprintf(ret, PATH_ROOM, "%s%s", form->prefix, ending);
    return n < 0 || n >= PATH_ROOM ? -ENAMETOOLONG : 0;
}

static int write_npy(const struct writer *writer, const char *name,
                     const struct nn_array_form *array, const void *data)
{
    char path[PATH_ROOM], ending[64];
    if (!writer->form->npy)
        return 0;
    snprintf(ending, sizeof ending, "_%s.npy", name);
    int error = path_of(writer->form, ending, path);
    if (!error)
        error = nn_npy_write(path, array, data);
    return error ? fail(path, error) : 0;
}

static int write_mat(const struct writer *writer, const char *name,
                     const struct nn_array_form *array, const void *data)
{
    int error = writer->mat ? nn_mat_write(writer->mat, name, array, data) : 0;
    return error ? fail(name, error) : 0;
}

/* ---- pictures ---- */

/* A picture that is not turned looks the same, but for flips, in every sample: resized once. */
static int render_once(const struct writer *writer, const struct nn_sample *sample,
                       uint8_t *ret_gray)
{
    const struct dataset_form *form = writer->form;
    size_t area = (size_t)form->size * form->size;
    uint8_t **plain = &writer->plain[sample->example];
    if (!*plain) {
        const struct nn_picture *picture = &writer->dataset->examples[sample->example].picture;
        uint8_t *gray = malloc(area);
        int error = gray ? nn_builder_resize(picture, form->resize, form->size, gray) : -ENOMEM;
        if (error) {
            free(gray);
            return error;
        }
        *plain = gray;
    }
    memcpy(ret_gray, *plain, area);
    nn_builder_flip(sample, form->size, ret_gray);
    return 0;
}

/* (n, size, size), rows of a picture from the top; malloc'd, NULL after an error that was told. */
static uint8_t *render(const struct writer *writer, const struct part *part)
{
    size_t area = (size_t)writer->form->size * writer->form->size;
    uint8_t *gray = malloc((size_t)part->n * area + 1);
    int error = gray ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < part->n && !error; i++) {
        const struct nn_sample *sample = &part->samples[i];
        const struct nn_picture *picture =
            sample->example == NN_SAMPLE_BLACK
                ? NULL
                : &writer->dataset->examples[sample->example].picture;
        error = picture && !sample->turned
                    ? render_once(writer, sample, gray + i * area)
                    : nn_builder_render(picture, sample, writer->form->resize, writer->form->size,
                                        gray + i * area);
    }
    if (!error)
        return gray;
    free(gray);
    (void)fail(part->x_name, error);
    return NULL;
}

/* Columns in the place of rows, picture by picture: MATLAB's first dimension is the row. */
static void transpose(uint8_t *gray, uint32_t n, uint32_t size)
{
    for (uint32_t i = 0; i < n; i++, gray += (size_t)size * size)
        for (uint32_t y = 0; y < size; y++)
            for (uint32_t x = 0; x < y; x++) {
                uint8_t *a = &gray[(size_t)y * size + x];
                uint8_t *b = &gray[(size_t)x * size + y];
                uint8_t swap = *a;
                *a = *b;
                *b = swap;
            }
}

typedef int (*array_fn)(const struct writer *writer, const char *name,
                        const struct nn_array_form *array, const void *data);

static int write_gray(const struct writer *writer, const struct part *part, const uint8_t *gray,
                      const size_t sizes[3], array_fn write)
{
    struct nn_array_form array = {
        .type = NN_ARRAY_U8, .rank = 3, .sizes = {sizes[0], sizes[1], sizes[2]}};
    if (!writer->form->scale)
        return write(writer, part->x_name, &array, gray);
    size_t n = sizes[0] * sizes[1] * sizes[2];
    float *scaled = malloc(n * sizeof *scaled + 1);
    if (!scaled)
        return fail(part->x_name, -ENOMEM);
    for (size_t i = 0; i < n; i++)
        scaled[i] = (float)gray[i] / 255.0F;
    array.type = NN_ARRAY_F32;
    int error = write(writer, part->x_name, &array, scaled);
    free(scaled);
    return error;
}

static int write_pictures(const struct writer *writer, const struct part *part)
{
    size_t size = writer->form->size;
    uint8_t *gray = render(writer, part);
    if (!gray)
        return -ENOMEM;
    const size_t rows_last[] = {part->n, size, size};
    const size_t rows_first[] = {size, size, part->n};
    int error = writer->form->npy ? write_gray(writer, part, gray, rows_last, write_npy) : 0;
    if (!error && writer->mat) {
        transpose(gray, part->n, writer->form->size);
        error = write_gray(writer, part, gray, rows_first, write_mat);
    }
    free(gray);
    return error;
}

/* ---- targets ---- */

static double target(const struct writer *writer, const struct nn_sample *sample, unsigned k)
{
    if (!writer->means)
        return sample->label + 1; /* 1..6, 0 for black */
    /* Tables have six digits; a float shows more, which say nothing. */
    return nearbyint((double)writer->dataset->examples[sample->example].wanted[k] * 1e6) / 1e6;
}

static int write_targets(const struct writer *writer, const struct part *part)
{
    unsigned columns = writer->means ? NN_LABEL_COUNT : 1;
    double *values = malloc(((size_t)part->n * columns + 1) * sizeof *values);
    if (!values)
        return fail(part->y_name, -ENOMEM);
    for (uint32_t i = 0; i < part->n; i++)
        for (unsigned k = 0; k < columns; k++)
            values[(size_t)i * columns + k] = target(writer, &part->samples[i], k);
    struct nn_array_form array = {
        .type = NN_ARRAY_F64, .rank = writer->means ? 2 : 1, .sizes = {part->n, columns}};
    int error = write_npy(writer, part->y_name, &array, values);
    for (unsigned k = 0; k < columns; k++)
        for (uint32_t i = 0; i < part->n; i++)
            values[(size_t)k * part->n + i] = target(writer, &part->samples[i], k);
    array.rank = 2;
    if (!error)
        error = write_mat(writer, part->y_name, &array, values);
    free(values);
    return error;
}

static int write_multiplier(const struct writer *writer, const struct nn_builder_plan *plan)
{
    double values[NN_LABEL_COUNT];
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        values[k] = plan->multiplier[k];
    const struct nn_array_form array = {
        .type = NN_ARRAY_F64, .rank = 2, .sizes = {1, NN_LABEL_COUNT}};
    int error = write_npy(writer, "weight_multiplier", &array, values);
    return error ? error : write_mat(writer, "weight_multiplier", &array, values);
}

/* ---- the list ---- */

static void write_rows(const struct writer *writer, const struct part *part, FILE *file)
{
    for (uint32_t i = 0; i < part->n; i++) {
        const struct nn_sample *sample = &part->samples[i];
        fprintf(file, "%s,%u,", part->x_name, (unsigned)i);
        if (sample->example != NN_SAMPLE_BLACK) {
            const struct nn_example *example = &writer->dataset->examples[sample->example];
            nn_table_put(file, example->image);
            fputc(',', file);
            nn_table_put(file, writer->dataset->recordings[example->recording]);
        } else {
            fputc(',', file);
        }
        fprintf(file, ",%s,%d,%d,%d\n",
                sample->label >= 0 ? nn_label_name((enum nn_label)sample->label) : "",
                sample->flip_columns, sample->flip_rows, sample->turned);
    }
}

static int write_list(const struct writer *writer, const struct part *parts, unsigned n)
{
    char path[PATH_ROOM];
    int error = path_of(writer->form, "_samples.csv", path);
    FILE *file = error ? NULL : fopen(path, "wb");
    if (!file)
        return fail(writer->form->prefix, error ? error : -errno);
    fputs("array,index,image,recording,label,flipped_columns,flipped_rows,turned\n", file);
    for (unsigned i = 0; i < n; i++)
        write_rows(writer, &parts[i], file);
    error = ferror(file) ? -EIO : 0;
    if (fclose(file) != 0 && !error)
        error = -errno;
    return error ? fail(path, error) : 0;
}

/* `plan` NULL: no multiplier. */
static int write_set(struct writer *writer, const struct part *parts, unsigned n,
                     const struct nn_builder_plan *plan)
{
    char path[PATH_ROOM];
    int error = path_of(writer->form, ".mat", path);
    if (!error && !(writer->plain = calloc(writer->dataset->n + 1, sizeof *writer->plain)))
        error = -ENOMEM;
    if (!error && writer->form->mat)
        error = nn_mat_create(path, &writer->mat);
    if (error) {
        free(writer->plain);
        return fail(writer->form->prefix, error);
    }
    for (unsigned i = 0; i < n && !error; i++) {
        error = write_pictures(writer, &parts[i]);
        if (!error)
            error = write_targets(writer, &parts[i]);
    }
    if (!error && plan && writer->means)
        error = write_multiplier(writer, plan);
    for (uint32_t i = 0; i < writer->dataset->n; i++)
        free(writer->plain[i]);
    free(writer->plain);
    int closed = nn_mat_close(writer->mat);
    if (closed && !error)
        error = fail(path, closed);
    if (error && writer->form->mat)
        remove(path);
    return error ? error : write_list(writer, parts, n);
}

int dataset_write_plan(const struct nn_dataset *dataset, const struct nn_builder_plan *plan,
                       const struct dataset_form *form)
{
    struct writer writer = {.dataset = dataset, .form = form};
    /* Labels are set but for black samples, which do not occur among means. */
    writer.means = true;
    for (uint32_t i = 0; i < plan->n && writer.means; i++)
        writer.means = plan->samples[i].label < 0 && plan->samples[i].example != NN_SAMPLE_BLACK;
    const struct part parts[] = {
        {plan->samples, plan->n_train, "x_train", "y_train"},
        {plan->samples + plan->n_train, plan->n - plan->n_train, "x_test", "y_test"},
    };
    /* MATLAB has no array of no pictures. */
    unsigned n = plan->n_train < plan->n ? 2 : 1;
    return write_set(&writer, parts, n, plan) ? EXIT_INTERNAL : EXIT_OK;
}

static int export_all(const struct nn_dataset *dataset, double agreement,
                      const struct dataset_form *form, struct nn_sample *samples)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < dataset->n; i++)
        if (nn_builder_agreement(&dataset->examples[i]) >= agreement)
            samples[n++] = (struct nn_sample){.example = i, .label = -1};
    if (n == 0) {
        terminal_error("dataset", "no picture has this agreement");
        return EXIT_INTERNAL;
    }
    struct writer writer = {.dataset = dataset, .form = form, .means = true};
    const struct part part = {samples, n, "u8", "labels"};
    return write_set(&writer, &part, 1, NULL) ? EXIT_INTERNAL : EXIT_OK;
}

int dataset_write_export(const struct nn_dataset *dataset, double agreement,
                         const struct dataset_form *form)
{
    struct nn_sample *samples = calloc(dataset->n + 1, sizeof *samples);
    if (!samples) {
        terminal_error("dataset", "%s", strerror(ENOMEM));
        return EXIT_INTERNAL;
    }
    int exit_code = export_all(dataset, agreement, form, samples);
    free(samples);
    return exit_code;
}
