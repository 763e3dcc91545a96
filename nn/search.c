/* The books of a nested search. */
#include "nn/search.h"

#include "nn/bytes.h"
#include "nn/settings.h"
#include "nn/table.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MARK_BYTES = 6 };

struct nn_search {
    struct nn_search_grid grid;
    const struct nn_dataset *dataset;
    uint32_t combinations;
    char mark[2 * MARK_BYTES + 1];
    uint32_t *outer; /* (n_recordings) */
    uint32_t *inner; /* (outer, n_recordings); UINT32_MAX: left out */
    double *areas;   /* (outer, inner + 1, combinations); NAN: not known */
};

static bool grid_fits(const struct nn_search_grid *grid, const struct nn_dataset *dataset)
{
    uint64_t combinations = 1;
    if (grid->n_axes < 1 || grid->n_axes > NN_SEARCH_AXES_MAX || grid->outer < 2 ||
        grid->outer > NN_SEARCH_FOLDS_MAX || grid->inner < 2 || grid->inner > NN_SEARCH_FOLDS_MAX ||
        dataset->n_recordings < grid->outer)
        return false;
    for (uint32_t a = 0; a < grid->n_axes; a++) {
        const struct nn_search_axis *axis = &grid->axes[a];
        combinations *= axis->n;
        if (axis->n < 1 || combinations > NN_SEARCH_COMBINATIONS_MAX)
            return false;
        for (uint32_t v = 0; v < axis->n; v++)
            if (!axis->values[v][0] || strpbrk(axis->values[v], ",\"\r\n"))
                return false;
    }
    return true;
}

static void put_examples(struct nn_bytes_writer *writer, const struct nn_dataset *dataset)
{
    for (uint32_t i = 0; i < dataset->n; i++)
        nn_example_put(writer, &dataset->examples[i]);
}

/* Hex digits that stand for all that results depend on, but for the program. */
static int make_mark(struct nn_search *search, const struct nn_train_settings *settings)
{
    struct nn_bytes_writer writer = {0};
    for (size_t i = 0; nn_settings_at(i); i++) {
        char text[NN_SETTING_TEXT];
        nn_settings_get(settings, i, text);
        nn_bytes_put(&writer, text, strlen(text) + 1);
    }
    nn_bytes_put(&writer, settings->layers, settings->n_layers * sizeof *settings->layers);
    nn_bytes_put_u32(&writer, search->grid.outer);
    nn_bytes_put_u32(&writer, search->grid.inner);
    for (uint32_t a = 0; a < search->grid.n_axes; a++) {
        const struct nn_search_axis *axis = &search->grid.axes[a];
        nn_bytes_put(&writer, axis->name, strlen(axis->name) + 1);
        for (uint32_t v = 0; v < axis->n; v++)
            nn_bytes_put(&writer, axis->values[v], strlen(axis->values[v]) + 1);
    }
    put_examples(&writer, search->dataset);
    if (settings->also)
        put_examples(&writer, settings->also);
    uint8_t hash[crypto_hash_sha256_BYTES];
    bool failed = writer.failed;
    if (!failed)
        crypto_hash_sha256(hash, writer.data, writer.size);
    free(writer.data);
    if (failed)
        return -ENOMEM;
    sodium_bin2hex(search->mark, sizeof search->mark, hash, MARK_BYTES);
    return 0;
}

/* Inner folds of what each outer fold leaves. */
static int split_all(struct nn_search *search)
{
    const struct nn_dataset *dataset = search->dataset;
    nn_dataset_split(dataset, search->grid.outer, search->outer);
    struct nn_dataset rest = *dataset;
    rest.examples = calloc(dataset->n, sizeof *rest.examples);
    if (!rest.examples)
        return -ENOMEM;
    for (uint32_t fold = 0; fold < search->grid.outer; fold++) {
        uint32_t *inner = search->inner + (size_t)fold * dataset->n_recordings;
        rest.n = 0;
        for (uint32_t i = 0; i < dataset->n; i++)
            if (search->outer[dataset->examples[i].recording] != fold)
                rest.examples[rest.n++] = dataset->examples[i];
        nn_dataset_split(&rest, search->grid.inner, inner);
        for (uint32_t r = 0; r < dataset->n_recordings; r++)
            if (search->outer[r] == fold)
                inner[r] = UINT32_MAX;
    }
    free(rest.examples);
    return 0;
}

static size_t count_areas(const struct nn_search *search)
{
    return (size_t)search->grid.outer * (search->grid.inner + 1) * search->combinations;
}

int nn_search_create(const struct nn_search_grid *grid, const struct nn_train_settings *settings,
                     const struct nn_dataset *dataset, struct nn_search **ret_search)
{
    if (!grid_fits(grid, dataset))
        return -EINVAL;
    struct nn_search *search = calloc(1, sizeof *search);
    if (!search)
        return -ENOMEM;
    search->grid = *grid;
    search->dataset = dataset;
    search->combinations = 1;
    for (uint32_t a = 0; a < grid->n_axes; a++)
        search->combinations *= grid->axes[a].n;
    search->outer = calloc(dataset->n_recordings, sizeof *search->outer);
    search->inner = calloc((size_t)dataset->n_recordings * grid->outer, sizeof *search->inner);
    search->areas = malloc(count_areas(search) * sizeof *search->areas);
    int error = search->outer && search->inner && search->areas ? 0 : -ENOMEM;
    if (!error)
        error = make_mark(search, settings);
    if (!error)
        error = split_all(search);
    if (error) {
        nn_search_destroy(search);
        return error;
    }
    for (size_t i = 0; i < count_areas(search); i++)
        search->areas[i] = (double)NAN;
    *ret_search = search;
    return 0;
}

void nn_search_destroy(struct nn_search *search)
{
    if (!search)
        return;
    free(search->outer);
    free(search->inner);
    free(search->areas);
    free(search);
}

uint32_t nn_search_combinations(const struct nn_search *search)
{
    return search->combinations;
}

const char *nn_search_value(const struct nn_search *search, uint32_t combination, uint32_t axis)
{
    /* The last axis changes fastest. */
    for (uint32_t a = search->grid.n_axes - 1; a > axis; a--)
        combination /= search->grid.axes[a].n;
    return search->grid.axes[axis].values[combination % search->grid.axes[axis].n];
}

static double *area_at(const struct nn_search *search, uint32_t outer, uint32_t inner,
                       uint32_t combination)
{
    uint32_t folds = search->grid.inner;
    size_t row = (size_t)outer * (folds + 1) + (inner == NN_SEARCH_REPORT ? folds : inner);
    return &search->areas[row * search->combinations + combination];
}

double nn_search_known(const struct nn_search *search, uint32_t outer, uint32_t inner,
                       uint32_t combination)
{
    return *area_at(search, outer, inner, combination);
}

double nn_search_inner_area(const struct nn_search *search, uint32_t outer, uint32_t combination)
{
    double sum = 0.0;
    for (uint32_t inner = 0; inner < search->grid.inner; inner++)
        sum += *area_at(search, outer, inner, combination);
    return sum / (double)search->grid.inner;
}

int nn_search_choose(const struct nn_search *search, uint32_t outer, uint32_t *ret_combination)
{
    uint32_t best = 0;
    for (uint32_t c = 0; c < search->combinations; c++) {
        double area = nn_search_inner_area(search, outer, c);
        if (!isfinite(area))
            return -ENODATA;
        if (area > nn_search_inner_area(search, outer, best))
            best = c;
    }
    *ret_combination = best;
    return 0;
}

/* A whole number below `limit`; false when it is none. */
static bool read_index(const char *text, uint32_t limit, uint32_t *ret_index)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end || value >= limit)
        return false;
    *ret_index = (uint32_t)value;
    return true;
}

/* Columns of a table of results. */
struct columns {
    unsigned mark, outer, inner, combination, area;
};

static bool find_columns(const struct nn_table *table, struct columns *ret_columns)
{
    ret_columns->mark = nn_table_find(table, "search");
    ret_columns->outer = nn_table_find(table, "outer");
    ret_columns->inner = nn_table_find(table, "inner");
    ret_columns->combination = nn_table_find(table, "combination");
    ret_columns->area = nn_table_find(table, "roc_area");
    return ret_columns->mark < table->n_fields && ret_columns->outer < table->n_fields &&
           ret_columns->inner < table->n_fields && ret_columns->combination < table->n_fields &&
           ret_columns->area < table->n_fields;
}

static int take_row(struct nn_search *search, const struct nn_table *table,
                    const struct columns *columns)
{
    uint32_t outer;
    uint32_t inner = NN_SEARCH_REPORT;
    uint32_t combination;
    if (strcmp(table->fields[columns->mark], search->mark) != 0)
        return -EPROTO;
    char *end;
    const char *text = table->fields[columns->area];
    double area = strtod(text, &end);
    const char *fold = table->fields[columns->inner];
    if (end == text || *end || !(area >= 0.0 && area <= 1.0) ||
        !read_index(table->fields[columns->outer], search->grid.outer + 1, &outer) || outer < 1 ||
        (*fold && (!read_index(fold, search->grid.inner + 1, &inner) || inner < 1)) ||
        !read_index(table->fields[columns->combination], search->combinations, &combination))
        return -EBADMSG;
    inner = inner == NN_SEARCH_REPORT ? inner : inner - 1;
    *area_at(search, outer - 1, inner, combination) = area;
    return 0;
}

int nn_search_load(struct nn_search *search, const char *path)
{
    struct nn_table table;
    int error = nn_table_open(path, &table);
    if (error)
        return error;
    struct columns columns;
    if (!nn_table_next(&table) || !find_columns(&table, &columns))
        error = -EBADMSG;
    while (!error && nn_table_next(&table)) {
        /* A line cut off when the program was killed has no full stop; its training is done again.
         */
        if (table.n_fields == search->grid.n_axes + 6 &&
            strcmp(table.fields[table.n_fields - 1], ".") == 0)
            error = take_row(search, &table, &columns);
    }
    nn_table_close(&table);
    return error;
}

static void print_header(const struct nn_search *search, FILE *file)
{
    fputs("search,outer,inner,combination", file);
    for (uint32_t a = 0; a < search->grid.n_axes; a++)
        fprintf(file, ",%s", search->grid.axes[a].name);
    fputs(",roc_area,end\n", file);
}

int nn_search_add(struct nn_search *search, const char *path, const struct nn_search_result *result)
{
    FILE *file = fopen(path, "a+");
    if (!file)
        return -errno;
    /* What a killed program left of a line ends here. */
    if (fseek(file, -1, SEEK_END) != 0)
        print_header(search, file);
    else if (fgetc(file) != '\n')
        fputc('\n', file);
    fseek(file, 0, SEEK_END);
    fprintf(file, "%s,%u,", search->mark, (unsigned)result->outer + 1);
    if (result->inner != NN_SEARCH_REPORT)
        fprintf(file, "%u", (unsigned)result->inner + 1);
    fprintf(file, ",%u", (unsigned)result->combination);
    for (uint32_t a = 0; a < search->grid.n_axes; a++)
        fprintf(file, ",%s", nn_search_value(search, result->combination, a));
    fprintf(file, ",%.6f,.\n", result->area);
    int error = fflush(file) != 0 || fsync(fileno(file)) != 0 ? -errno : 0;
    if (fclose(file) != 0 && !error)
        error = -errno;
    if (!error)
        *area_at(search, result->outer, result->inner, result->combination) = result->area;
    return error;
}

int nn_search_split(const struct nn_search *search, const struct nn_search_result *which,
                    bool aside, struct nn_search_parts *ret_parts)
{
    uint32_t n = search->dataset->n_recordings;
    const uint32_t *inner = search->inner + (size_t)which->outer * n;
    bool *block = calloc(3 * (size_t)n, sizeof *block);
    if (!block)
        return -ENOMEM;
    struct nn_search_parts parts = {.use = block, .left_out = block + n, .aside = block + 2 * n};
    bool reports = which->inner == NN_SEARCH_REPORT;
    for (uint32_t r = 0; r < n; r++) {
        bool there = inner[r] != UINT32_MAX;
        parts.left_out[r] = reports ? !there : inner[r] == which->inner;
        parts.aside[r] = reports ? aside && inner[r] == 0 : parts.left_out[r];
        parts.use[r] = there && !parts.left_out[r] && !parts.aside[r];
    }
    *ret_parts = parts;
    return 0;
}
