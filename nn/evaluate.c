/* Running a network over labelled examples. */
#include "nn/evaluate.h"

#include "nn/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const double shares[NN_SHARE_COUNT] = {16.0 / 128.0, 24.0 / 128.0, 32.0 / 128.0,
                                              64.0 / 128.0, 1.0};

double nn_share(uint32_t index)
{
    return shares[index];
}

struct evaluation {
    const struct nn_network *network;
    struct nn_network *folded;
    struct nn_workspace *workspace;
    struct nn_input *input;
    double *work;
    float *planes;
};

static void finish(struct evaluation *e)
{
    nn_network_destroy(e->folded);
    nn_workspace_destroy(e->workspace);
    nn_input_destroy(e->input);
    free(e->work);
    free(e->planes);
}

static int judge_example(struct evaluation *e, const struct nn_example *example, double share,
                         float *ret_logits)
{
    struct nn_view view = nn_view_plain(&example->picture, share);
    int error = nn_view_show(&view, &example->picture, NULL, e->work, e->input);
    if (error)
        return error;
    nn_input_write(e->input, e->planes);
    float seen = nn_input_seen(e->input);
    struct nn_batch batch = {.n = 1, .inputs = e->planes, .seen = &seen};
    memcpy(ret_logits, nn_network_judge(e->folded, e->workspace, &batch),
           NN_LABEL_COUNT * sizeof *ret_logits);
    return 0;
}

int nn_evaluate(const struct nn_network *network, const struct nn_input_spec *spec,
                const struct nn_dataset *dataset, const bool *use, uint32_t share,
                float *ret_logits)
{
    struct evaluation e = {.network = network};
    int error = nn_network_fold(network, &e.folded);
    if (!error)
        error = nn_workspace_create(e.folded, 1, false, &e.workspace);
    if (!error)
        error = nn_input_create(spec, &e.input);
    e.work = malloc(NN_INPUT_POINTS_MAX * sizeof *e.work);
    e.planes = malloc(nn_shape_size(nn_network_input(network)) * sizeof *e.planes);
    if (!error && (!e.work || !e.planes))
        error = -ENOMEM;
    for (uint32_t i = 0; i < dataset->n && !error; i++)
        if (use[dataset->examples[i].recording])
            error = judge_example(&e, &dataset->examples[i], shares[share],
                                  ret_logits + (size_t)i * NN_LABEL_COUNT);
    finish(&e);
    return error;
}
