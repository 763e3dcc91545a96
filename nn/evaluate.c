/* Running a network over labelled examples. */
#include "nn/evaluate.h"

#include "nn/look.h"
#include "nn/view.h"

#include <errno.h>
#include <stdlib.h>

static const uint32_t lines[NN_SHARE_COUNT] = {16, 24, 32, 48, 64, 96, 128};

double nn_share(uint32_t index)
{
    return (double)lines[index] / 128.0;
}

uint32_t nn_share_lines(uint32_t index)
{
    return lines[index];
}

struct evaluation {
    struct nn_network *folded;
    struct nn_look *look;
    struct nn_input *input;
    double *work;
};

static void finish(struct evaluation *e)
{
    nn_look_destroy(e->look);
    nn_network_destroy(e->folded);
    nn_input_destroy(e->input);
    free(e->work);
}

/* A frame without a verdict yet cannot tell. */
static void say_nothing(float *ret_logits)
{
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ret_logits[k] = 0.0F;
}

static int show(struct evaluation *e, const struct nn_example *example, uint32_t share)
{
    struct nn_view view = nn_view_plain(&example->picture, nn_share(share));
    return nn_view_show(&view, &example->picture, e->work, e->input);
}

/* ret_logits: of this example, NULL where a share is not wanted. */
static int judge_each(struct evaluation *e, const struct nn_example *example, float **ret_logits)
{
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        if (!ret_logits[share])
            continue;
        int error = show(e, example, share);
        if (error)
            return error;
        error = nn_look_judge(e->look, e->input, ret_logits[share]);
        if (error == -ENODATA)
            say_nothing(ret_logits[share]);
        else if (error)
            return error;
    }
    return 0;
}

/* One look at the whole tells what was said on its parts. */
static int judge_at_once(struct evaluation *e, const struct nn_example *example, float **ret_logits)
{
    uint32_t rows[NN_SHARE_COUNT] = {0};
    uint32_t last = 0;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        int error = ret_logits[share] ? show(e, example, share) : 0;
        if (error)
            return error;
        if (ret_logits[share]) {
            rows[share] = nn_look_rows(e->look, e->input);
            last = share;
        }
    }
    float logits[NN_LABEL_COUNT];
    int error = rows[last] > 0 ? nn_look_judge(e->look, e->input, logits) : 0;
    for (uint32_t share = 0; share <= last && !error; share++) {
        if (ret_logits[share] && rows[share] > 0)
            nn_look_row(e->look, rows[share], ret_logits[share]);
        else if (ret_logits[share])
            say_nothing(ret_logits[share]);
    }
    return error;
}

static int judge_example(struct evaluation *e, const struct nn_dataset *dataset, uint32_t i,
                         float *const ret_logits[NN_SHARE_COUNT])
{
    float *own[NN_SHARE_COUNT];
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        own[share] = ret_logits[share] ? ret_logits[share] + (size_t)i * NN_LABEL_COUNT : NULL;
    return nn_look_lasting(e->look) ? judge_at_once(e, &dataset->examples[i], own)
                                    : judge_each(e, &dataset->examples[i], own);
}

int nn_evaluate(const struct nn_network *network, const struct nn_input_spec *spec,
                const struct nn_dataset *dataset, const bool *use,
                float *const ret_logits[NN_SHARE_COUNT])
{
    struct evaluation e = {0};
    int error = nn_network_fold(network, &e.folded);
    if (!error)
        error = nn_look_create(e.folded, spec, &e.look);
    if (!error)
        error = nn_input_create(spec, &e.input);
    e.work = malloc(NN_INPUT_POINTS_MAX * sizeof *e.work);
    if (!error && !e.work)
        error = -ENOMEM;
    for (uint32_t i = 0; i < dataset->n && !error; i++)
        if (use[dataset->examples[i].recording])
            error = judge_example(&e, dataset, i, ret_logits);
    finish(&e);
    return error;
}
