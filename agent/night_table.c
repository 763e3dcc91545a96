/* Measures of many nights, and their intervals. */
#include "agent/night_table.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a night says ---- */

static double uptime(const struct night_figures *f)
{
    return f->wanted_s / f->length_s;
}

static double uptime_rows(const struct night_figures *f)
{
    return f->rows_s / f->length_s;
}

static double uptime_shown(const struct night_figures *f)
{
    return f->shown_s / f->length_s;
}

static double first_good_min(const struct night_figures *f)
{
    return f->first_good_s / 60;
}

static double without_good(const struct night_figures *f)
{
    return f->first_good_found ? 0 : 1;
}

static double actions(const struct night_figures *f)
{
    return f->actions;
}

static double hours(const struct night_figures *f)
{
    return f->ended_s / 3600;
}

static double actions_on_wanted(const struct night_figures *f)
{
    return f->actions_on_wanted;
}

static double hundreds_of_wanted_frames(const struct night_figures *f)
{
    return f->wanted_frames / 100.0;
}

static double actions_on_shown(const struct night_figures *f)
{
    return f->actions_on_shown;
}

static double hundreds_of_shown_frames(const struct night_figures *f)
{
    return f->shown_frames / 100.0;
}

static double spoiled(const struct night_figures *f)
{
    return f->spoiled;
}

static double justified(const struct night_figures *f)
{
    return (double)f->actions - f->actions_on_wanted;
}

static double budget_left(const struct night_figures *f)
{
    if (f->budget == 0)
        return (double)NAN;
    return fmax(0, 1 - (double)f->budget_used / f->budget);
}

static double actions_to_good(const struct night_figures *f)
{
    return f->first_good_found ? f->actions_to_good : (double)NAN;
}

static double actions_to_wanted(const struct night_figures *f)
{
    return f->wanted_ever ? f->actions_to_wanted : (double)NAN;
}

static double goods(const struct night_figures *f)
{
    return f->goods;
}

static double false_goods(const struct night_figures *f)
{
    return f->false_goods;
}

static double moves(const struct night_figures *f)
{
    return f->moves + f->coarse_moves;
}

static double wanted_frames(const struct night_figures *f)
{
    return f->wanted_frames;
}

const struct night_measure night_measures[NIGHT_MEASURES] = {
    {"uptime", "", NIGHT_MEDIAN, uptime, NULL},
    {"uptime_mean", "", NIGHT_MEAN, uptime, NULL},
    {"uptime_rows_or_better", "", NIGHT_MEDIAN, uptime_rows, NULL},
    {"uptime_rows_or_better_mean", "", NIGHT_MEAN, uptime_rows, NULL},
    {"uptime_shown", "", NIGHT_MEDIAN, uptime_shown, NULL},
    {"uptime_shown_mean", "", NIGHT_MEAN, uptime_shown, NULL},
    {"first_good_min", "min", NIGHT_MEDIAN, first_good_min, NULL},
    {"nights_without_good", "", NIGHT_MEAN, without_good, NULL},
    {"actions_per_hour", "/h", NIGHT_RATIO, actions, hours},
    {"actions_per_100_good_frames", "", NIGHT_RATIO, actions_on_wanted, hundreds_of_wanted_frames},
    {"actions_per_100_shown_frames", "", NIGHT_RATIO, actions_on_shown, hundreds_of_shown_frames},
    {"good_tips_spoiled", "", NIGHT_MEAN, spoiled, NULL},
    {"justified", "", NIGHT_RATIO, justified, actions},
    {"budget_left", "", NIGHT_MEAN, budget_left, NULL},
    {"actions_to_good", "", NIGHT_MEAN, actions_to_good, NULL},
    {"actions_to_first_wanted", "", NIGHT_MEAN, actions_to_wanted, NULL},
    {"false_confirmations", "", NIGHT_RATIO, false_goods, goods},
    {"new_areas", "", NIGHT_MEAN, moves, NULL},
    {"good_frames", "", NIGHT_MEAN, wanted_frames, NULL},
};

const char *const night_end_names[NIGHT_ENDS] = {"time",    "budget", "good", "parked",
                                                 "stopped", "left",   "lost"};

size_t night_measure_find(const char *name)
{
    size_t i = 0;
    while (i < NIGHT_MEASURES && strcmp(night_measures[i].name, name) != 0)
        i++;
    assert(i < NIGHT_MEASURES);
    return i;
}

/* ---- many nights ---- */

/* The nights of one policy, with room for a measure of weighted ones. */
struct nights {
    const struct night_figures **list; /* (n), borrowed */
    const struct night_figures *
        *reference; /* (n) the same seeds of the reference; NULL: not played */
    uint32_t n;
    struct weighted {
        double value;
        uint32_t weight;
    } * sorted; /* (n) scratch */
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct weighted *)a)->value, y = ((const struct weighted *)b)->value;
    return (x > y) - (x < y);
}

/* Middle of the values, each as often as it weighs; between two middle ones their mean. */
static double median_of(struct weighted *values, uint32_t n)
{
    uint64_t whole = 0, below = 0;
    double low = (double)NAN;
    qsort(values, n, sizeof(*values), by_value);
    for (uint32_t i = 0; i < n; i++)
        whole += values[i].weight;
    for (uint32_t i = 0; i < n && whole > 0; i++) {
        below += values[i].weight;
        if (isnan(low) && 2 * below >= whole)
            low = values[i].value;
        if (2 * below > whole)
            return (low + values[i].value) / 2;
    }
    return (double)NAN;
}

static double median_over(const struct nights *nights, const struct night_figures *const *list,
                          const struct night_measure *measure, const uint32_t *weights)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < nights->n; i++)
        if (list[i] && weights[i] > 0)
            nights->sorted[n++] = (struct weighted){measure->value(list[i]), weights[i]};
    return median_of(nights->sorted, n);
}

static double measure_nights(const struct nights *nights, const struct night_measure *measure,
                             const uint32_t *weights)
{
    double sum = 0, per = 0;
    if (measure->how == NIGHT_MEDIAN)
        return median_over(nights, nights->list, measure, weights);
    for (uint32_t i = 0; i < nights->n; i++) {
        double value = measure->value(nights->list[i]);
        if (isnan(value))
            continue;
        sum += weights[i] * value;
        per += weights[i] * (measure->how == NIGHT_RATIO ? measure->per(nights->list[i]) : 1);
    }
    return per > 0 ? sum / per : (double)NAN;
}

static double share_that_ended(const struct nights *nights, const char *how,
                               const uint32_t *weights)
{
    uint64_t so = 0, all = 0;
    for (uint32_t i = 0; i < nights->n; i++) {
        all += weights[i];
        so += strcmp(nights->list[i]->how, how) == 0 ? weights[i] : 0;
    }
    return all > 0 ? (double)so / (double)all : (double)NAN;
}

static double mean_gain(const struct nights *nights, const uint32_t *weights)
{
    double sum = 0, n = 0;
    for (uint32_t i = 0; i < nights->n; i++)
        if (nights->reference[i]) {
            sum += weights[i] * (uptime(nights->list[i]) - uptime(nights->reference[i]));
            n += weights[i];
        }
    return n > 0 ? sum / n : (double)NAN;
}

/* Both medians over the same nights. */
static double ratio_of_medians(const struct nights *nights, uint32_t *weights)
{
    const struct night_measure *measure = &night_measures[night_measure_find("first_good_min")];
    for (uint32_t i = 0; i < nights->n; i++)
        if (!nights->reference[i])
            weights[i] = 0;
    double own = median_over(nights, nights->list, measure, weights);
    double other = median_over(nights, nights->reference, measure, weights);
    return other > 0 ? own / other : (double)NAN;
}

enum { GAIN = NIGHT_MEASURES + NIGHT_ENDS, RATIO, VALUES };

static void measure_all(void *context, const uint32_t *weights, double *ret_values)
{
    const struct nights *nights = context;
    for (size_t m = 0; m < NIGHT_MEASURES; m++)
        ret_values[m] = measure_nights(nights, &night_measures[m], weights);
    for (size_t e = 0; e < NIGHT_ENDS; e++)
        ret_values[NIGHT_MEASURES + e] = share_that_ended(nights, night_end_names[e], weights);
    ret_values[GAIN] = ret_values[RATIO] = (double)NAN;
    uint32_t *common = malloc((nights->n + (size_t)1) * sizeof(*common));
    if (!common)
        return;
    memcpy(common, weights, nights->n * sizeof(*common));
    ret_values[GAIN] = mean_gain(nights, weights);
    ret_values[RATIO] = ratio_of_medians(nights, common);
    free(common);
}

static int fill_row(struct nights *nights, uint32_t draws, struct night_row *row)
{
    struct nn_figure figures[VALUES];
    uint32_t *groups = malloc((nights->n + (size_t)1) * sizeof(*groups));
    if (!groups)
        return -ENOMEM;
    for (uint32_t i = 0; i < nights->n; i++)
        groups[i] = i;
    struct nn_bootstrap bootstrap = {
        .n = nights->n, .group = groups, .n_groups = nights->n, .draws = draws, .seed = 1};
    int error = nn_bootstrap_run(&bootstrap, measure_all, nights, VALUES, figures);
    free(groups);
    if (error)
        return error;
    row->nights = nights->n;
    memcpy(row->measures, figures, sizeof(row->measures));
    memcpy(row->ends, figures + NIGHT_MEASURES, sizeof(row->ends));
    for (uint32_t i = 0; i < nights->n; i++)
        row->paired += nights->reference[i] != NULL;
    row->uptime_gain = figures[GAIN];
    row->first_good_ratio = figures[RATIO];
    return 0;
}

static const struct night_figures *find_night(const struct night_result *results, size_t n,
                                              const char *policy, uint64_t seed)
{
    for (size_t i = 0; policy && i < n; i++)
        if (results[i].seed == seed && strcmp(results[i].policy, policy) == 0)
            return &results[i].figures;
    return NULL;
}

static void gather(const struct night_result *results, size_t n, const char *policy,
                   const char *reference, struct nights *nights)
{
    nights->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(results[i].policy, policy) != 0)
            continue;
        nights->reference[nights->n] = find_night(results, n, reference, results[i].seed);
        nights->list[nights->n++] = &results[i].figures;
    }
}

static bool is_played(const struct night_result *results, size_t n, const char *policy)
{
    for (size_t i = 0; policy && i < n; i++)
        if (strcmp(results[i].policy, policy) == 0)
            return true;
    return false;
}

static int list_policies(const struct night_result *results, size_t n, const char *reference,
                         struct night_row *rows, size_t *ret_n)
{
    size_t rows_n = 0;
    if (is_played(results, n, reference))
        snprintf(rows[rows_n++].policy, sizeof(rows->policy), "%s", reference);
    for (size_t i = 0; i < n; i++) {
        size_t r = 0;
        while (r < rows_n && strcmp(rows[r].policy, results[i].policy) != 0)
            r++;
        if (r < rows_n)
            continue;
        if (rows_n == NIGHT_POLICIES_MAX)
            return -E2BIG;
        memcpy(rows[rows_n++].policy, results[i].policy, sizeof(rows->policy));
    }
    *ret_n = rows_n;
    return 0;
}

int night_table_make(const struct night_result *results, size_t n, const char *reference,
                     uint32_t draws, struct night_row **ret_rows, size_t *ret_n)
{
    struct night_row *rows = calloc(NIGHT_POLICIES_MAX, sizeof(*rows));
    struct nights nights = {.list = malloc((n + 1) * sizeof(const void *)),
                            .reference = malloc((n + 1) * sizeof(const void *)),
                            .sorted = malloc((n + 1) * sizeof(struct weighted))};
    size_t rows_n = 0;
    int error = rows && nights.list && nights.reference && nights.sorted
                    ? list_policies(results, n, reference, rows, &rows_n)
                    : -ENOMEM;
    for (size_t r = 0; r < rows_n && !error; r++) {
        gather(results, n, rows[r].policy, reference, &nights);
        error = fill_row(&nights, draws, &rows[r]);
    }
    free(nights.sorted);
    free(nights.reference);
    free(nights.list);
    if (error) {
        free(rows);
        return error;
    }
    *ret_rows = rows;
    *ret_n = rows_n;
    return 0;
}
