/* Figures with bootstrap intervals over recordings. */
#include "nn/report.h"

#include "nn/metrics.h"
#include "nn/random.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { DRAWS = 1000, METRICS = 4, ROWS = NN_LABEL_COUNT + 1, MEAN = NN_LABEL_COUNT };

struct workshop {
    uint32_t n; /* finished frames */
    uint32_t n_recordings;
    uint32_t *recording;           /* (n) */
    float *scores[NN_LABEL_COUNT]; /* (n) each */
    float *ranks[NN_LABEL_COUNT];
    bool *positive[NN_LABEL_COUNT];
    uint32_t *weights; /* (n) */
    uint32_t *drawn;   /* (n_recordings) */
    double (*draws)[ROWS][METRICS];
};

static void finish(struct workshop *shop)
{
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        free(shop->scores[k]);
        free(shop->ranks[k]);
        free(shop->positive[k]);
    }
    free(shop->recording);
    free(shop->weights);
    free(shop->drawn);
    free(shop->draws);
}

static bool allocate(struct workshop *shop, uint32_t n, uint32_t n_recordings)
{
    bool complete = true;
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        shop->scores[k] = calloc(n, sizeof *shop->scores[k]);
        shop->ranks[k] = calloc(n, sizeof *shop->ranks[k]);
        shop->positive[k] = calloc(n, sizeof *shop->positive[k]);
        complete = complete && shop->scores[k] && shop->ranks[k] && shop->positive[k];
    }
    shop->n_recordings = n_recordings;
    shop->recording = calloc(n, sizeof *shop->recording);
    shop->weights = calloc(n, sizeof *shop->weights);
    shop->drawn = calloc(n_recordings, sizeof *shop->drawn);
    shop->draws = calloc(DRAWS, sizeof *shop->draws);
    return complete && shop->recording && shop->weights && shop->drawn && shop->draws;
}

static void take_frames(struct workshop *shop, const struct nn_dataset *dataset,
                        const float *scores, const float *ranks)
{
    for (uint32_t i = 0; i < dataset->n; i++) {
        const struct nn_example *example = &dataset->examples[i];
        if (example->picture.height < example->picture.width)
            continue;
        shop->recording[shop->n] = example->recording;
        shop->weights[shop->n] = 1;
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
            shop->scores[k][shop->n] = scores[(size_t)i * NN_LABEL_COUNT + k];
            shop->ranks[k][shop->n] = ranks[(size_t)i * NN_LABEL_COUNT + k];
            shop->positive[k][shop->n] = example->wanted[k] >= 0.5F;
        }
        shop->n++;
    }
}

/* All figures with the present weights. */
static void measure(const struct workshop *shop, double (*ret_rows)[METRICS])
{
    for (int m = 0; m < METRICS; m++)
        ret_rows[MEAN][m] = 0.0;
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        struct nn_judged judged = {.n = shop->n,
                                   .scores = shop->scores[k],
                                   .positive = shop->positive[k],
                                   .weights = shop->weights};
        struct nn_judged ranked = judged;
        ranked.scores = shop->ranks[k];
        ret_rows[k][0] = nn_metric_auc(&ranked);
        ret_rows[k][1] = nn_metric_average_precision(&ranked);
        ret_rows[k][2] = nn_metric_balanced_accuracy(&judged, 0.5F);
        ret_rows[k][3] = nn_metric_calibration_error(&judged);
        for (int m = 0; m < METRICS; m++)
            ret_rows[MEAN][m] += ret_rows[k][m] / NN_LABEL_COUNT;
    }
}

static void draw_recordings(struct workshop *shop, struct nn_random *random)
{
    for (uint32_t r = 0; r < shop->n_recordings; r++)
        shop->drawn[r] = 0;
    for (uint32_t r = 0; r < shop->n_recordings; r++)
        shop->drawn[nn_random_below(random, shop->n_recordings)]++;
    for (uint32_t i = 0; i < shop->n; i++)
        shop->weights[i] = shop->drawn[shop->recording[i]];
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct nn_figure figure_of(const struct workshop *shop, int row, int metric, double value)
{
    struct nn_figure figure = {.value = value, .low = (double)NAN, .high = (double)NAN};
    double kept[DRAWS];
    size_t n = 0;
    for (int d = 0; d < DRAWS; d++)
        if (isfinite(shop->draws[d][row][metric]))
            kept[n++] = shop->draws[d][row][metric];
    if (n < DRAWS / 2)
        return figure;
    qsort(kept, n, sizeof *kept, compare);
    figure.low = kept[(size_t)(0.025 * (double)(n - 1) + 0.5)];
    figure.high = kept[(size_t)(0.975 * (double)(n - 1) + 0.5)];
    return figure;
}

static struct nn_report_row row_of(const struct workshop *shop, int row, const double *values)
{
    struct nn_report_row result = {.auc = figure_of(shop, row, 0, values[0]),
                                   .average_precision = figure_of(shop, row, 1, values[1]),
                                   .balanced_accuracy = figure_of(shop, row, 2, values[2]),
                                   .calibration_error = figure_of(shop, row, 3, values[3])};
    for (uint32_t i = 0; row < NN_LABEL_COUNT && i < shop->n; i++)
        result.positives += shop->positive[row][i];
    return result;
}

static uint32_t count_recordings(const struct workshop *shop)
{
    uint32_t count = 0;
    for (uint32_t r = 0; r < shop->n_recordings; r++)
        for (uint32_t i = 0; i < shop->n; i++)
            if (shop->recording[i] == r) {
                count++;
                break;
            }
    return count;
}

int nn_report_make(const struct nn_dataset *dataset, const float *scores, const float *ranks,
                   uint64_t seed, struct nn_report *ret_report)
{
    struct workshop shop = {0};
    int error = allocate(&shop, dataset->n, dataset->n_recordings) ? 0 : -ENOMEM;
    if (!error) {
        take_frames(&shop, dataset, scores, ranks ? ranks : scores);
        error = shop.n ? 0 : -ENODATA;
    }
    if (!error) {
        double values[ROWS][METRICS];
        measure(&shop, values);
        struct nn_random random = nn_random_seed(seed, 3, 0);
        for (int d = 0; d < DRAWS; d++) {
            draw_recordings(&shop, &random);
            measure(&shop, shop.draws[d]);
        }
        ret_report->frames = shop.n;
        ret_report->recordings = count_recordings(&shop);
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            ret_report->labels[k] = row_of(&shop, k, values[k]);
        ret_report->mean = row_of(&shop, MEAN, values[MEAN]);
    }
    finish(&shop);
    return error;
}

double nn_report_mean_auc(const struct nn_dataset *dataset, const float *ranks, const bool *use)
{
    struct workshop shop = {0};
    if (!allocate(&shop, dataset->n, dataset->n_recordings))
        abort();
    take_frames(&shop, dataset, ranks, ranks);
    for (uint32_t i = 0; i < shop.n; i++)
        shop.weights[i] = use[shop.recording[i]];
    double mean = 0.0;
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        struct nn_judged judged = {.n = shop.n,
                                   .scores = shop.ranks[k],
                                   .positive = shop.positive[k],
                                   .weights = shop.weights};
        mean += nn_metric_auc(&judged) / NN_LABEL_COUNT;
    }
    finish(&shop);
    return mean;
}
