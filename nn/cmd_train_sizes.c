/*
 * tipwright train --sizes: what more pictures would bring, and what a start is worth. One fold is
 * left out; of the other recordings' pictures more and more are learned from, with every seed, from
 * random weights and from the model that --from names.
 */
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/chart.h"
#include "nn/cmd_train.h"
#include "nn/crew.h"
#include "nn/evaluate.h"
#include "nn/table.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "train";

/* ROC areas of a training on the fold left out. */
enum { FULL, HALF, LINES_24, FIRST_LABEL, AREAS = FIRST_LABEL + NN_LABEL_COUNT };

struct task {
    struct train_size size;
    uint32_t of; /* which of the options' sizes it is */
    uint32_t seed;
    bool from; /* begins with the start's weights, not with random ones */
    bool known;
    double areas[AREAS];
};

struct shop {
    const struct train_options *options;
    const struct architecture *architecture;
    const struct nn_dataset *dataset;
    bool *use, *left_out; /* (n_recordings) */
    struct task *tasks;
    uint32_t n_tasks;
    struct progress progress;
    pthread_mutex_t lock; /* over everything below and the file of results */
    uint32_t done;
};

static const char *start_name(const struct shop *shop, bool from)
{
    return from ? nn_model_hash(shop->options->start) : "random";
}

static void column_name(int area, char *name, size_t size)
{
    if (area < FIRST_LABEL)
        snprintf(name, size, "%s",
                 (const char *const[]){"roc_area", "roc_area_64", "roc_area_24"}[area]);
    else
        snprintf(name, size, "%s", nn_label_name((enum nn_label)(area - FIRST_LABEL)));
}

static void write_head(FILE *file)
{
    fputs("fold,examples,epochs,start,seed", file);
    for (int i = 0; i < AREAS; i++) {
        char name[32];
        column_name(i, name, sizeof name);
        fprintf(file, ",%s", name);
    }
    fputs(",end\n", file);
}

static int write_row(const struct shop *shop, const struct task *task)
{
    FILE *file = fopen(shop->options->results, "a+");
    if (!file)
        return -errno;
    /* A line that an interruption has cut off stays alone. */
    if (fseek(file, -1, SEEK_END) != 0)
        write_head(file);
    else if (fgetc(file) != '\n')
        fputc('\n', file);
    fseek(file, 0, SEEK_END);
    fprintf(file, "%u,%u,%u,%s,%u", (unsigned)shop->options->validate,
            (unsigned)task->size.examples, (unsigned)task->size.epochs,
            start_name(shop, task->from), (unsigned)task->seed);
    for (int i = 0; i < AREAS; i++)
        fprintf(file, ",%.6f", task->areas[i]);
    fputs(",.\n", file);
    int error = ferror(file) ? -EIO : 0;
    return fclose(file) == 0 || error ? error : -errno;
}

/* Fills in the task that a whole row is about, if any is. */
static void take_row(struct shop *shop, const struct nn_table *table)
{
    char text[3][16];
    if (table->n_fields != 6 + AREAS || strcmp(table->fields[5 + AREAS], ".") != 0)
        return;
    for (size_t i = 0; i < shop->n_tasks; i++) {
        struct task *task = &shop->tasks[i];
        const uint32_t numbers[] = {task->size.examples, task->size.epochs, task->seed};
        for (int k = 0; k < 3; k++)
            snprintf(text[k], sizeof text[k], "%u", (unsigned)numbers[k]);
        if (strtoul(table->fields[0], NULL, 10) != shop->options->validate ||
            strcmp(table->fields[1], text[0]) != 0 || strcmp(table->fields[2], text[1]) != 0 ||
            strcmp(table->fields[3], start_name(shop, task->from)) != 0 ||
            strcmp(table->fields[4], text[2]) != 0)
            continue;
        for (int a = 0; a < AREAS; a++)
            task->areas[a] = strtod(table->fields[5 + a], NULL);
        task->known = true;
    }
}

/* Results to go on from. 0, or -1 after saying why not. */
static int load_results(struct shop *shop)
{
    const char *path = shop->options->results;
    struct nn_table table;
    int error = nn_table_open(path, &table);
    if (error == -ENOENT)
        return 0;
    if (error) {
        terminal_error(command, "%s: %s", path, strerror(-error));
        return -1;
    }
    bool ours = nn_table_next(&table) && table.n_fields == 6 + AREAS &&
                strcmp(table.fields[1], "examples") == 0;
    while (ours && nn_table_next(&table))
        take_row(shop, &table);
    nn_table_close(&table);
    if (!ours)
        terminal_error(command, "%s: not a table of results of --sizes", path);
    else if (!shop->options->resume)
        terminal_error(command, "%s: already there; --resume goes on from it", path);
    return ours && shop->options->resume ? 0 : -1;
}

static int judge(const struct shop *shop, struct nn_trainer *trainer, struct task *task)
{
    size_t values = (size_t)shop->dataset->n * NN_LABEL_COUNT;
    float *block = calloc(3 * values + 1, sizeof *block);
    if (!block)
        return -ENOMEM;
    float *shares[NN_SHARE_COUNT] = {[NN_SHARE_FULL] = block};
    for (uint32_t i = 0; i < NN_SHARE_COUNT; i++)
        if (nn_share_lines(i) == 64 || nn_share_lines(i) == 24)
            shares[i] = block + (nn_share_lines(i) == 64 ? HALF : LINES_24) * values;
    int error = nn_evaluate(nn_trainer_network(trainer), &shop->architecture->settings.input,
                            shop->dataset, shop->left_out, shares);
    for (int i = 0; i < AREAS && !error; i++) {
        float area = NAN;
        int only = i < FIRST_LABEL ? -1 : i - FIRST_LABEL;
        error = nn_train_area(shop->dataset, shop->left_out, only,
                              block + (i < FIRST_LABEL ? (size_t)i : 0) * values, &area);
        task->areas[i] = (double)area;
    }
    free(block);
    return error;
}

static int train_one(const struct shop *shop, struct task *task)
{
    struct nn_train_settings settings = shop->architecture->settings;
    settings.examples = task->size.examples;
    settings.epochs = task->size.epochs;
    settings.seed = task->seed;
    if (!task->from)
        settings.start = NULL;
    struct nn_train_part part = {
        .use = shop->use, .number = shop->options->validate - 1, .only = -1};
    struct nn_trainer *trainer = NULL;
    int error = nn_trainer_create(shop->dataset, &settings, &part, &trainer);
    while (!error && !nn_trainer_finished(trainer))
        error = nn_trainer_epoch(trainer);
    if (!error)
        error = judge(shop, trainer, task);
    nn_trainer_destroy(trainer);
    return error;
}

static int do_task(void *context, uint32_t i)
{
    struct shop *shop = context;
    struct task *task = &shop->tasks[i];
    char detail[96];
    if (task->known)
        return 0;
    int error = train_one(shop, task);
    if (error)
        return error;
    pthread_mutex_lock(&shop->lock);
    error = write_row(shop, task);
    snprintf(detail, sizeof detail, "%u pictures, seed %u, %s, ROC area %.3f",
             (unsigned)task->size.examples, (unsigned)task->seed,
             task->from ? "from the start" : "random weights", task->areas[FULL]);
    if (!error)
        progress_update(&shop->progress, ++shop->done, detail);
    pthread_mutex_unlock(&shop->lock);
    return error;
}

/* All that is not known yet. 0, or -1 after saying why not. */
static int run(struct shop *shop)
{
    uint32_t todo = 0;
    for (uint32_t i = 0; i < shop->n_tasks; i++)
        todo += !shop->tasks[i].known;
    progress_start(&shop->progress, "training", todo);
    int error = nn_crew_run(shop->options->threads, shop->n_tasks, do_task, shop);
    if (error) {
        progress_end(&shop->progress);
        terminal_error(command, "training: %s", strerror(-error));
        return -1;
    }
    progress_finish(&shop->progress);
    return 0;
}

/* One area of one size and start, over the seeds. */
struct spread {
    double mean, low, high;
};

static struct spread spread_of(const struct shop *shop, uint32_t size, bool from, int area)
{
    struct spread spread = {.low = HUGE_VAL, .high = -HUGE_VAL};
    uint32_t seeds = shop->options->sizes[size].seeds;
    for (size_t i = 0; i < shop->n_tasks; i++) {
        const struct task *task = &shop->tasks[i];
        if (task->of != size || task->from != from)
            continue;
        spread.mean += task->areas[area] / (double)seeds;
        spread.low = fmin(spread.low, task->areas[area]);
        spread.high = fmax(spread.high, task->areas[area]);
    }
    return spread;
}

static void print_areas(const struct shop *shop)
{
    printf("ROC areas on fold %u of %u, mean over seeds (lowest to highest)\n",
           (unsigned)shop->options->validate, (unsigned)shop->options->folds);
    printf("%-8s %-6s %-5s  %-7s", "pictures", "epochs", "seeds", "start");
    for (int a = 0; a < AREAS; a++) {
        char name[32];
        column_name(a, name, sizeof name);
        printf("  %-*s", a == FULL ? 19 : 16, name);
    }
    putchar('\n');
    for (uint32_t s = 0; s < shop->options->n_sizes; s++)
        for (int from = 0; from <= (shop->options->start != NULL); from++) {
            printf("%-8u %-6u %-5u  %-7.7s", (unsigned)shop->options->sizes[s].examples,
                   (unsigned)shop->options->sizes[s].epochs,
                   (unsigned)shop->options->sizes[s].seeds, start_name(shop, from));
            for (int a = 0; a < AREAS; a++) {
                struct spread spread = spread_of(shop, s, from, a);
                if (a == FULL)
                    printf("  %.3f (%.3f-%.3f)", spread.mean, spread.low, spread.high);
                else
                    printf("  %-16.3f", spread.mean);
            }
            putchar('\n');
        }
}

static int draw(const struct shop *shop)
{
    static const char *const names[] = {"random weights", "from the start"};
    enum { MOST = TRAIN_SIZES_MAX };
    double x[MOST];
    double y[2][MOST];
    double low[2][MOST];
    double high[2][MOST];
    struct nn_series series[2] = {0};
    uint32_t n = shop->options->n_sizes;
    uint32_t starts = shop->options->start ? 2 : 1;
    for (uint32_t from = 0; from < starts; from++) {
        for (uint32_t s = 0; s < n; s++) {
            struct spread spread = spread_of(shop, s, from, FULL);
            x[s] = (double)shop->options->sizes[s].examples;
            y[from][s] = spread.mean;
            low[from][s] = spread.low;
            high[from][s] = spread.high;
        }
        series[from] = (struct nn_series){.name = names[from],
                                          .n = n,
                                          .x = x,
                                          .y = y[from],
                                          .low = low[from],
                                          .high = high[from],
                                          .color = nn_chart_color(from),
                                          .dots = true};
    }
    struct nn_line_chart chart = {
        .title = "mean ROC area of left-out recordings, all lines",
        .x = {.name = "pictures learned from", .logarithmic = true, .ticks = x, .n_ticks = n},
        .y = {.name = "ROC area"},
        .series = series,
        .n_series = starts};
    struct nn_canvas *canvas = NULL;
    int error = nn_canvas_create(NN_CANVAS_PNG, 584.0, 344.0, &canvas);
    if (error)
        return error;
    nn_chart_lines(canvas, (struct nn_box){12.0, 12.0, 560.0, 320.0}, &chart);
    error = nn_canvas_write(canvas, shop->options->curves);
    nn_canvas_destroy(canvas);
    return error;
}

/* What there is to do; sizes beyond what there is become all there is. 0, or -1 as below. */
static int plan(struct shop *shop, struct train_options *options)
{
    uint32_t *fold = calloc((size_t)shop->dataset->n_recordings + 1, sizeof *fold);
    shop->use = calloc(2 * (size_t)shop->dataset->n_recordings + 1, sizeof *shop->use);
    size_t most = 0;
    for (uint32_t s = 0; s < options->n_sizes; s++) {
        if (!options->sizes[s].seeds)
            options->sizes[s].seeds = options->seeds;
        most += (size_t)options->sizes[s].seeds * 2;
    }
    shop->tasks = calloc(most + 1, sizeof *shop->tasks);
    if (!fold || !shop->use || !shop->tasks)
        abort();
    shop->left_out = shop->use + shop->dataset->n_recordings;
    nn_dataset_split(shop->dataset, options->folds, fold);
    uint32_t all = 0;
    for (uint32_t r = 0; r < shop->dataset->n_recordings; r++) {
        shop->left_out[r] = fold[r] == options->validate - 1;
        shop->use[r] = !shop->left_out[r];
    }
    for (uint32_t i = 0; i < shop->dataset->n; i++)
        all += shop->use[shop->dataset->examples[i].recording];
    for (uint32_t s = 0; s < options->n_sizes; s++) {
        struct train_size *size = &options->sizes[s];
        if (size->examples == 0 || size->examples > all)
            size->examples = all;
        for (uint32_t seed = 1; seed <= size->seeds; seed++)
            for (int from = 0; from <= (options->start != NULL); from++)
                shop->tasks[shop->n_tasks++] =
                    (struct task){.size = *size, .of = s, .seed = seed, .from = from};
    }
    free(fold);
    return load_results(shop);
}

int train_sizes(struct train_options *options, const struct architecture *architecture,
                const struct nn_dataset *dataset)
{
    struct shop shop = {.options = options, .architecture = architecture, .dataset = dataset};
    int status = EXIT_USAGE;
    if (plan(&shop, options) == 0) {
        pthread_mutex_init(&shop.lock, NULL);
        status = run(&shop) == 0 ? EXIT_OK : EXIT_INTERNAL;
        pthread_mutex_destroy(&shop.lock);
    }
    if (status == EXIT_OK) {
        print_areas(&shop);
        int error = options->curves ? draw(&shop) : 0;
        if (error) {
            terminal_error(command, "%s: %s", options->curves, strerror(-error));
            status = EXIT_INTERNAL;
        }
    }
    free(shop.tasks);
    free(shop.use);
    return status;
}
