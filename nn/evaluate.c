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

static int judge_example(struct evaluation *e, const struct nn_example *example, double share,
                         float *ret_logits)
{
    struct nn_view view = nn_view_plain(&example->picture, share);
    int error = nn_view_show(&view, &example->picture, e->work, e->input);
    if (!error)
        error = nn_look_judge(e->look, e->input, ret_logits);
    if (error != -ENODATA)
        return error;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ret_logits[k] = 0.0F;
    return 0;
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
        for (uint32_t share = 0; share < NN_SHARE_COUNT && !error; share++)
            if (use[dataset->examples[i].recording] && ret_logits[share])
                error = judge_example(&e, &dataset->examples[i], nn_share(share),
                                      ret_logits[share] + (size_t)i * NN_LABEL_COUNT);
    finish(&e);
    return error;
}
