/* tipwright train --search: a grid file, its trainings on threads, what they found. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "config/yaml_reader.h"
#include "nn/cmd_train.h"
#include "nn/crew.h"
#include "nn/evaluate.h"
#include "nn/search.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "train";

/* A grid as it stands in its file: a mapping of settings, or `architecture`, to lists of values. */
struct grid_file {
    struct doc_node *root;
    struct nn_search_axis axes[NN_SEARCH_AXES_MAX];
    const char **values; /* all axes' */
    uint32_t n_axes;
};

/* One trial for every value, so that a search does not end in the middle for a misspelt word. */
static void check_value(const struct doc_node *key, const struct doc_node *value,
                        struct policy_errors *errors)
{
    if (value->kind == DOC_BROKEN)
        return;
    if (value->kind != DOC_SCALAR) {
        policy_errors_add(errors, value->place, "should be one value");
        return;
    }
    if (strcmp(key->text, "architecture") == 0)
        return;
    struct nn_train_settings trial = nn_settings_default();
    char reason[160];
    int index = nn_settings_find(key->text);
    if (index >= 0 && nn_settings_set(&trial, (size_t)index, value->text, reason, sizeof reason))
        policy_errors_add(errors, value->place, "'%s' %s", key->text, reason);
}

static void read_axis(const struct doc_node *key, const struct doc_node *list,
                      struct grid_file *grid, size_t *at, struct policy_errors *errors)
{
    if (strcmp(key->text, "architecture") != 0 && nn_settings_find(key->text) < 0)
        policy_errors_add(errors, key->place, "no setting '%s'; see tipwright train --settings",
                          key->text);
    if (list->kind != DOC_LIST || list->n == 0) {
        policy_errors_add(errors, list->place, "should be a list of values to try");
        return;
    }
    struct nn_search_axis *axis = &grid->axes[grid->n_axes++];
    *axis = (struct nn_search_axis){
        .name = key->text, .values = grid->values + *at, .n = (uint32_t)list->n};
    for (size_t i = 0; i < list->n; i++) {
        check_value(key, list->items[i], errors);
        grid->values[(*at)++] = list->items[i]->text;
    }
}

static void read_axes(const struct doc_node *root, struct grid_file *grid,
                      struct policy_errors *errors)
{
    size_t values = 0;
    if (root->kind != DOC_MAP || root->n == 0 || root->n > NN_SEARCH_AXES_MAX) {
        policy_errors_add(errors, root->place, "a grid is a mapping of 1 to %d settings to lists",
                          NN_SEARCH_AXES_MAX);
        return;
    }
    for (size_t i = 0; i < root->n; i++)
        values += root->items[i]->n;
    grid->values = calloc(values + 1, sizeof *grid->values);
    if (!grid->values)
        abort();
    size_t at = 0;
    for (size_t i = 0; i < root->n; i++)
        read_axis(root->keys[i], root->items[i], grid, &at, errors);
}

/* 0, or -1 after saying why not; free with close_grid either way. */
static int open_grid(const char *path, struct grid_file *ret_grid)
{
    *ret_grid = (struct grid_file){0};
    char *text = NULL;
    size_t size = 0;
    int error = architecture_read_file(path, &text, &size);
    if (error) {
        terminal_error(command, "%s: %s", path, strerror(-error));
        return -1;
    }
    struct policy_errors errors = {.text = text};
    if (doc_read(text, size, &errors, &ret_grid->root) == 0)
        read_axes(ret_grid->root, ret_grid, &errors);
    policy_errors_sort(&errors);
    if (errors.found)
        policy_errors_print(&errors, path, stderr);
    error = errors.found ? -1 : 0;
    policy_errors_finish(&errors);
    return error;
}

static void close_grid(struct grid_file *grid)
{
    doc_destroy(grid->root);
    free(grid->values);
}

/* Trainings that wait, and the threads that do them. */
struct shop {
    const struct train_options *options;
    const struct nn_dataset *dataset;
    const struct grid_file *grid;
    struct nn_search *search;
    struct nn_search_result *tasks;
    uint32_t n_tasks;
    struct progress progress;
    pthread_mutex_t lock; /* over `search` and everything below */
    uint32_t done;
};

/* The settings of a combination. 0, or -1 after saying why not. */
static int apply(const struct shop *shop, uint32_t combination,
                 struct architecture *ret_architecture)
{
    struct train_options options = *shop->options;
    for (uint32_t a = 0; a < shop->grid->n_axes; a++) {
        const char *name = shop->grid->axes[a].name;
        const char *value = nn_search_value(shop->search, combination, a);
        if (strcmp(name, "architecture") == 0)
            options.architecture = value;
        else if (train_options_set(&options, name, value) != 0)
            return -1;
    }
    int bad = train_options_architecture(&options, ret_architecture);
    ret_architecture->settings.also = options.also_set;
    return bad;
}

static int judge(const struct shop *shop, const struct nn_train_settings *settings,
                 struct nn_trainer *trainer, const bool *left_out, double *ret_area)
{
    size_t values = (size_t)shop->dataset->n * NN_LABEL_COUNT;
    float *logits = calloc(values + 1, sizeof *logits);
    if (!logits)
        return -ENOMEM;
    float *shares[NN_SHARE_COUNT] = {[NN_SHARE_FULL] = logits};
    float area = 0.0F;
    int error =
        nn_evaluate(nn_trainer_network(trainer), &settings->input, shop->dataset, left_out, shares);
    if (!error)
        error = nn_train_area(shop->dataset, left_out, -1, logits, &area);
    free(logits);
    /* No label that some carry and some do not: nothing to choose by. */
    *ret_area = isfinite(area) ? (double)area : 0.5;
    return error;
}

static int train_one(const struct shop *shop, struct nn_search_result *task)
{
    struct architecture *architecture = malloc(sizeof *architecture);
    struct nn_search_parts parts = {0};
    struct nn_trainer *trainer = NULL;
    if (!architecture)
        return -ENOMEM;
    int error = apply(shop, task->combination, architecture) == 0 ? 0 : -EINVAL;
    struct nn_train_settings *settings = &architecture->settings;
    bool patient = !error && settings->patience > 0;
    if (!error)
        error = nn_search_split(shop->search, task, patient, &parts);
    /* The same numbers for every combination, so that they differ in nothing else. */
    uint32_t inner = task->inner == NN_SEARCH_REPORT ? shop->options->inner : task->inner;
    struct nn_train_part part = {.use = parts.use,
                                 .validate = patient ? parts.aside : NULL,
                                 .number = task->outer * (shop->options->inner + 1) + inner,
                                 .only = -1};
    if (!error)
        error = nn_trainer_create(shop->dataset, settings, &part, &trainer);
    while (!error && !nn_trainer_finished(trainer))
        error = nn_trainer_epoch(trainer);
    if (!error)
        error = judge(shop, settings, trainer, parts.left_out, &task->area);
    nn_trainer_destroy(trainer);
    free(parts.use);
    free(architecture);
    return error;
}

static int do_task(void *context, uint32_t i)
{
    struct shop *shop = context;
    struct nn_search_result *task = &shop->tasks[i];
    char detail[96];
    int error = train_one(shop, task);
    if (error)
        return error;
    pthread_mutex_lock(&shop->lock);
    error = nn_search_add(shop->search, shop->options->results, task);
    snprintf(detail, sizeof detail, "fold %u, combination %u, ROC area %.3f",
             (unsigned)task->outer + 1, (unsigned)task->combination, task->area);
    if (!error)
        progress_update(&shop->progress, ++shop->done, detail);
    pthread_mutex_unlock(&shop->lock);
    return error;
}

/* All tasks of the shop. 0, or -1 after saying why not. */
static int run_tasks(struct shop *shop, const char *title)
{
    if (shop->n_tasks == 0)
        return 0;
    shop->done = 0;
    progress_start(&shop->progress, title, shop->n_tasks);
    int error = nn_crew_run(shop->options->threads, shop->n_tasks, do_task, shop);
    if (error) {
        progress_end(&shop->progress);
        terminal_error(command, "search: %s", strerror(-error));
        return -1;
    }
    progress_finish(&shop->progress);
    return 0;
}

/* Inner trainings not known yet, of this part. */
static void plan_inner(struct shop *shop)
{
    const struct train_options *options = shop->options;
    uint64_t index = 0;
    shop->n_tasks = 0;
    for (uint32_t outer = 0; outer < options->folds; outer++)
        for (uint32_t inner = 0; inner < options->inner; inner++)
            for (uint32_t c = 0; c < nn_search_combinations(shop->search); c++, index++) {
                bool mine = options->shards == 0 || index % options->shards == options->shard - 1;
                if (mine && !isfinite(nn_search_known(shop->search, outer, inner, c)))
                    shop->tasks[shop->n_tasks++] =
                        (struct nn_search_result){.outer = outer, .inner = inner, .combination = c};
            }
}

/* The chosen combinations' trainings that report, where not known yet. */
static void plan_reports(struct shop *shop)
{
    shop->n_tasks = 0;
    for (uint32_t outer = 0; outer < shop->options->folds; outer++) {
        uint32_t chosen;
        if (nn_search_choose(shop->search, outer, &chosen) == 0 &&
            !isfinite(nn_search_known(shop->search, outer, NN_SEARCH_REPORT, chosen)))
            shop->tasks[shop->n_tasks++] = (struct nn_search_result){
                .outer = outer, .inner = NN_SEARCH_REPORT, .combination = chosen};
    }
}

static void print_values(const struct shop *shop, uint32_t combination)
{
    for (uint32_t a = 0; a < shop->grid->n_axes; a++)
        printf("  %s=%s", shop->grid->axes[a].name, nn_search_value(shop->search, combination, a));
    putchar('\n');
}

/* Every combination as the inner folds see it, best outer fold's choice and report last. */
static void print_findings(const struct shop *shop)
{
    const struct train_options *options = shop->options;
    printf("mean ROC area over the inner folds of %u outer ones\n", (unsigned)options->folds);
    for (uint32_t c = 0; c < nn_search_combinations(shop->search); c++) {
        double sum = 0.0;
        for (uint32_t outer = 0; outer < options->folds; outer++)
            sum += nn_search_inner_area(shop->search, outer, c);
        printf("%5u  %.4f", (unsigned)c, sum / (double)options->folds);
        print_values(shop, c);
    }
    puts("chosen without each outer fold, and its ROC area there");
    double sum = 0.0;
    for (uint32_t outer = 0; outer < options->folds; outer++) {
        uint32_t chosen;
        if (nn_search_choose(shop->search, outer, &chosen) != 0)
            continue;
        double area = nn_search_known(shop->search, outer, NN_SEARCH_REPORT, chosen);
        printf("fold %-3u %.4f", (unsigned)outer + 1, area);
        print_values(shop, chosen);
        sum += area;
    }
    printf("mean     %.4f  of settings chosen this way\n", sum / (double)options->folds);
}

/* Tables to go on from. 0, or -1 after saying why not. */
static int load_tables(const struct train_options *options, struct nn_search *search)
{
    const char *path = options->results;
    int error = nn_search_load(search, path);
    if (error == -ENOENT)
        error = 0;
    else if (!error && !options->resume) {
        terminal_error(command, "%s: already there; --resume goes on from it", path);
        return -1;
    }
    for (size_t i = 0; i < options->n_merge && !error; i++) {
        path = options->merge[i];
        error = nn_search_load(search, path);
    }
    if (error == -EPROTO)
        terminal_error(command, "%s: results of another grid, other settings or other data", path);
    else if (error == -EBADMSG)
        terminal_error(command, "%s: not a table of results", path);
    else if (error)
        terminal_error(command, "%s: %s", path, strerror(-error));
    return error ? -1 : 0;
}

static int search_all(struct shop *shop)
{
    size_t most = (size_t)shop->options->folds * (shop->options->inner + 1) *
                  nn_search_combinations(shop->search);
    shop->tasks = calloc(most, sizeof *shop->tasks);
    if (!shop->tasks)
        abort();
    plan_inner(shop);
    if (run_tasks(shop, "searching") != 0)
        return EXIT_INTERNAL;
    uint32_t chosen;
    for (uint32_t outer = 0; outer < shop->options->folds; outer++)
        if (nn_search_choose(shop->search, outer, &chosen) != 0) {
            terminal_note(command, "this part is done; --merge the other parts' tables to end it");
            return EXIT_OK;
        }
    plan_reports(shop);
    if (run_tasks(shop, "reporting") != 0)
        return EXIT_INTERNAL;
    print_findings(shop);
    return EXIT_OK;
}

/* Every combination must make a network before any of them is trained. */
static int check_combinations(const struct shop *shop)
{
    struct architecture *architecture = malloc(sizeof *architecture);
    if (!architecture)
        abort();
    int bad = 0;
    for (uint32_t c = 0; c < nn_search_combinations(shop->search) && !bad; c++)
        bad = apply(shop, c, architecture);
    free(architecture);
    return bad;
}

int train_search(const struct train_options *options, const struct architecture *architecture,
                 const struct nn_dataset *dataset)
{
    struct grid_file file;
    int status = EXIT_USAGE;
    struct shop shop = {.options = options, .dataset = dataset, .grid = &file};
    if (open_grid(options->search, &file) == 0) {
        struct nn_search_grid grid = {.axes = file.axes,
                                      .n_axes = file.n_axes,
                                      .outer = options->folds,
                                      .inner = options->inner};
        if (nn_search_create(&grid, &architecture->settings, dataset, &shop.search) != 0)
            terminal_error(command, "search: more than %d combinations, or too few recordings",
                           NN_SEARCH_COMBINATIONS_MAX);
    }
    if (shop.search && check_combinations(&shop) == 0 && load_tables(options, shop.search) == 0) {
        pthread_mutex_init(&shop.lock, NULL);
        status = search_all(&shop);
        pthread_mutex_destroy(&shop.lock);
    }
    free(shop.tasks);
    nn_search_destroy(shop.search);
    close_grid(&file);
    return status;
}
