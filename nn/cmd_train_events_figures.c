/* What a detector is worth on frames left out. */
#include "nn/cmd_train_events.h"

#include "nn/bootstrap.h"
#include "nn/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { DRAWS = 1000, SEED = 1, FALSE_ALARMS = NN_EVENT_CHECK_LATES, ROW_VALUES };

struct checks {
    uint32_t n;
    struct nn_event_check *frames;
};

static void measure_checks(void *context, const uint32_t *weights, double *ret_values)
{
    const struct checks *checks = context;
    double frames = 0.0;
    double changes = 0.0;
    double sums[ROW_VALUES] = {0};
    for (uint32_t i = 0; i < checks->n; i++) {
        double weight = (double)weights[i];
        frames += weight;
        changes += weight * checks->frames[i].changes;
        for (uint32_t late = 0; late < NN_EVENT_CHECK_LATES; late++)
            sums[late] += weight * checks->frames[i].noticed[late];
        sums[FALSE_ALARMS] += weight * checks->frames[i].false_alarms;
    }
    for (uint32_t k = 0; k < ROW_VALUES; k++) {
        double of = k == FALSE_ALARMS ? frames : changes;
        ret_values[k] = of > 0.0 ? sums[k] / of : (double)NAN;
    }
}

static void print_figure(FILE *out, const struct nn_figure *figure)
{
    if (!isfinite(figure->value))
        fputs("  -               ", out);
    else if (!isfinite(figure->low))
        fprintf(out, "  %.3f            ", figure->value);
    else
        fprintf(out, "  %.3f [%.2f-%.2f]", figure->value, figure->low, figure->high);
}

void events_print_header(FILE *out)
{
    fprintf(out, "%-28s", "changes noticed");
    for (uint32_t late = 0; late < NN_EVENT_CHECK_LATES; late++)
        fprintf(out, "  within %u lines   ", (unsigned)nn_event_check_late(late));
    fputs("  false per frame\n", out);
}

int events_print_row(FILE *out, const char *name, const struct events_judged *judged,
                     float threshold)
{
    struct checks checks = {.n = judged->n};
    checks.frames = calloc((size_t)judged->n + 1, sizeof *checks.frames);
    if (!checks.frames)
        return -ENOMEM;
    unsigned changes = 0;
    for (uint32_t i = 0; i < judged->n; i++) {
        checks.frames[i] = nn_event_check_frame(&judged->truths[i], judged->logits[i], threshold);
        changes += checks.frames[i].changes;
    }
    struct nn_bootstrap bootstrap = {.n = judged->n,
                                     .group = judged->group,
                                     .n_groups = judged->n_groups,
                                     .draws = DRAWS,
                                     .seed = SEED};
    struct nn_figure figures[ROW_VALUES];
    int error = nn_bootstrap_run(&bootstrap, measure_checks, &checks, ROW_VALUES, figures);
    free(checks.frames);
    if (error)
        return error;
    fprintf(out, "%-28s", name);
    for (uint32_t k = 0; k < ROW_VALUES; k++)
        print_figure(out, &figures[k]);
    fprintf(out, "  (%u in %u frames)\n", changes, (unsigned)judged->n);
    return 0;
}

static void measure_area(void *context, const uint32_t *weights, double *ret_values)
{
    struct nn_judged judged = *(const struct nn_judged *)context;
    judged.weights = weights;
    ret_values[0] = nn_metric_auc(&judged);
}

int events_print_area(FILE *out, const struct nn_dataset *dataset, const float *scores)
{
    size_t room = (size_t)dataset->n + 1;
    float *kept = malloc(room * sizeof *kept);
    float *positive = malloc(room * sizeof *positive);
    uint32_t *group = malloc(room * sizeof *group);
    uint32_t *order = malloc(room * sizeof *order);
    uint32_t n = 0;
    int error = kept && positive && group && order ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < dataset->n && !error; i++) {
        const struct nn_example *example = &dataset->examples[i];
        if (example->picture.height < example->picture.width)
            continue;
        kept[n] = scores[i];
        positive[n] = example->wanted[NN_LABEL_TIP_CHANGE] >= 0.5F ? 1.0F : 0.0F;
        group[n++] = example->recording;
    }
    struct nn_judged judged = {.n = n, .scores = kept, .positive = positive, .order = order};
    struct nn_bootstrap bootstrap = {
        .n = n, .group = group, .n_groups = dataset->n_recordings, .draws = DRAWS, .seed = SEED};
    struct nn_figure figure;
    if (!error) {
        nn_metric_order(n, kept, order);
        error = nn_bootstrap_run(&bootstrap, measure_area, &judged, 1, &figure);
    }
    if (!error) {
        fputs("ROC area of the score for people's tip changes, finished frames:", out);
        print_figure(out, &figure);
        fprintf(out, "  (%u frames)\n", (unsigned)n);
    }
    free(kept);
    free(positive);
    free(group);
    free(order);
    return error;
}
