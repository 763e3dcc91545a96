/* From left-out logits to calibrations, left-out scores and the members of a model. */
#include "nn/crossval.h"

#include "nn/scores.h"

#include <errno.h>
#include <stdlib.h>

/* An unfinished picture never reaches its frame's share; a fold not tried has no logits. */
static bool counts(const struct nn_crossval *crossval, const struct nn_example *example,
                   const bool *use)
{
    uint32_t fold = crossval->fold[example->recording];
    return fold < crossval->folds && crossval->tried[fold] && (!use || use[example->recording]) &&
           example->picture.height >= example->picture.width;
}

struct nn_calibration nn_crossval_calibrate(const struct nn_crossval *crossval, uint32_t member,
                                            const struct nn_dataset *dataset, const bool *use)
{
    struct nn_calibration calibration = {.n = NN_SHARE_COUNT};
    float *columns = calloc(3 * (size_t)dataset->n + 1, sizeof *columns);
    if (!columns)
        abort();
    float *logits = columns;
    float *wanted = columns + dataset->n;
    float *weights = wanted + dataset->n;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        struct nn_calibration_knot *knot = &calibration.knots[share];
        knot->seen = (float)nn_share(share);
        for (uint32_t d = 0; d < NN_DECISION_COUNT; d++)
            knot->decisions[d] = nn_decision_default();
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
            uint32_t n = 0;
            for (uint32_t i = 0; i < dataset->n; i++) {
                const struct nn_example *example = &dataset->examples[i];
                if (!counts(crossval, example, use))
                    continue;
                logits[n] = crossval->logits[member].at[share][(size_t)i * NN_LABEL_COUNT + k];
                wanted[n] = nn_scores_holds(example, k) ? 1.0F : 0.0F;
                weights[n++] = 1.0F;
            }
            nn_calibration_fit(n, logits, wanted, weights, &knot->scale[k], &knot->offset[k]);
        }
    }
    free(columns);
    return calibration;
}

/* Adds a member's scores of one fold's examples. */
static void add_scores(const struct nn_crossval *crossval, uint32_t m,
                       const struct nn_dataset *dataset, uint32_t fold, uint32_t share,
                       float *scores)
{
    bool *others = calloc(dataset->n_recordings, sizeof *others);
    if (!others)
        abort();
    bool any = false;
    for (uint32_t r = 0; r < dataset->n_recordings; r++) {
        uint32_t of = crossval->fold[r];
        others[r] = of != fold;
        any = any || (others[r] && of < crossval->folds && crossval->tried[of]);
    }
    struct nn_calibration calibration =
        any ? nn_crossval_calibrate(crossval, m, dataset, others) : nn_calibration_identity();
    for (uint32_t i = 0; i < dataset->n; i++) {
        size_t at = (size_t)i * NN_LABEL_COUNT;
        float member[NN_LABEL_COUNT];
        if (others[dataset->examples[i].recording])
            continue;
        nn_calibration_apply(&calibration, (float)nn_share(share),
                             crossval->logits[m].at[share] + at, member);
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
            scores[at + k] += member[k];
    }
    free(others);
}

void nn_crossval_scores(const struct nn_crossval *crossval, uint32_t member,
                        const struct nn_dataset *dataset, uint32_t share, float *ret_scores)
{
    bool all = member == NN_MEMBERS_ALL;
    size_t values = (size_t)dataset->n * NN_LABEL_COUNT;
    for (size_t i = 0; i < values; i++)
        ret_scores[i] = 0.0F;
    for (uint32_t fold = 0; fold < crossval->folds; fold++)
        for (uint32_t m = 0; m < crossval->members && crossval->tried[fold]; m++)
            if (all || m == member)
                add_scores(crossval, m, dataset, fold, share, ret_scores);
    for (size_t i = 0; i < values && all; i++)
        ret_scores[i] /= (float)crossval->members;
}

uint32_t nn_crossval_member_count(const struct nn_crossval *crossval)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < crossval->n_runs; i++)
        n += crossval->runs[i].network != NULL;
    return n;
}

void nn_crossval_members(const struct nn_crossval *crossval, const struct nn_dataset *dataset,
                         struct nn_crossval_member *ret_members)
{
    bool *own = calloc(dataset->n_recordings, sizeof *own);
    if (!own)
        abort();
    uint32_t n = 0;
    for (uint32_t i = 0; i < crossval->n_runs; i++) {
        const struct nn_crossval_training *run = &crossval->runs[i];
        if (!run->network)
            continue;
        struct nn_crossval_member *member = &ret_members[n++];
        member->network = run->network;
        member->label = run->label;
        for (uint32_t r = 0; r < dataset->n_recordings; r++)
            own[r] = crossval->fold[r] == run->fold;
        if (crossval->folds == 0)
            member->calibration = nn_calibration_identity();
        else
            member->calibration = nn_crossval_calibrate(crossval, run->member, dataset,
                                                        run->fold < crossval->folds ? own : NULL);
    }
    free(own);
}
