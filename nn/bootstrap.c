/* Drawing groups with replacement. */
#include "nn/bootstrap.h"

#include "nn/random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void draw_groups(const struct nn_bootstrap *bootstrap, struct nn_random *random,
                        uint32_t *drawn, uint32_t *ret_weights)
{
    for (uint32_t g = 0; g < bootstrap->n_groups; g++)
        drawn[g] = 0;
    for (uint32_t g = 0; g < bootstrap->n_groups; g++)
        drawn[nn_random_below(random, bootstrap->n_groups)]++;
    for (uint32_t i = 0; i < bootstrap->n; i++)
        ret_weights[i] = drawn[bootstrap->group[i]];
}

/* draws: (n_draws) values of one figure, left in order. */
static void set_interval(double *draws, uint32_t n_draws, struct nn_figure *figure)
{
    uint32_t n = 0;
    for (uint32_t d = 0; d < n_draws; d++)
        if (isfinite(draws[d]))
            draws[n++] = draws[d];
    figure->low = figure->high = (double)NAN;
    if (n == 0 || n < n_draws / 2)
        return;
    qsort(draws, n, sizeof *draws, compare);
    figure->low = draws[(size_t)(0.025 * (double)(n - 1) + 0.5)];
    figure->high = draws[(size_t)(0.975 * (double)(n - 1) + 0.5)];
}

int nn_bootstrap_run(const struct nn_bootstrap *bootstrap, nn_measure_fn measure, void *context,
                     size_t n_values, struct nn_figure *ret_figures)
{
    uint32_t n_draws = bootstrap->draws;
    double *values = malloc((n_values + 1) * sizeof *values);
    double *draws = malloc((n_values * n_draws + 1) * sizeof *draws); /* (n_values, n_draws) */
    uint32_t *weights = malloc((bootstrap->n + (size_t)1) * sizeof *weights);
    uint32_t *drawn = malloc((bootstrap->n_groups + (size_t)1) * sizeof *drawn);
    int error = values && draws && weights && drawn ? 0 : -ENOMEM;
    if (!error) {
        for (uint32_t i = 0; i < bootstrap->n; i++)
            weights[i] = 1;
        measure(context, weights, values);
        for (size_t v = 0; v < n_values; v++)
            ret_figures[v].value = values[v];
        struct nn_random random = nn_random_seed(bootstrap->seed, 3, 0);
        for (uint32_t d = 0; d < n_draws; d++) {
            draw_groups(bootstrap, &random, drawn, weights);
            measure(context, weights, values);
            for (size_t v = 0; v < n_values; v++)
                draws[v * n_draws + d] = values[v];
        }
        for (size_t v = 0; v < n_values; v++)
            set_interval(draws + v * n_draws, n_draws, &ret_figures[v]);
    }
    free(drawn);
    free(weights);
    free(draws);
    free(values);
    return error;
}
